use proptest::{
    prelude::{Just, ProptestConfig, prop, prop_assert_eq, prop_oneof, proptest},
    strategy::Strategy as Generator,
};

use super::*;
use crate::{
    matcher::tests::piece,
    pattern::{Class, Piece, tests::naive},
};

fn ids(set: &PatternSet, text: &str) -> Vec<u32> {
    let mut out = vec![u32::MAX];
    set.matches(text.as_bytes(), &mut SetScratch::default(), &mut out);
    out
}

fn set(globs: &[&str]) -> PatternSet {
    let patterns: Vec<Pattern> = globs.iter().map(|glob| Pattern::glob(glob)).collect();
    PatternSet::new(&patterns, &Budget::default()).expect("it is small")
}

/// Patterns that fill a set beyond what is matched one after the other.
const FILLERS: [&str; 10] = ["f0", "f1", "f2", "f3", "f4", "f5*", "f6*", "*f7", "*f8*", "f?9"];

fn filled<'a>(globs: &[&'a str]) -> Vec<&'a str> {
    globs.iter().copied().chain(FILLERS).collect()
}

#[test]
fn all_that_match_are_given_in_order() {
    let check = |globs: &[&str], text: &str, expected: &[u32]| {
        assert_eq!(ids(&set(globs), text), expected, "{globs:?} on {text}");
        let filled = filled(globs);
        assert_eq!(ids(&set(&filled), text), expected, "{filled:?} on {text}");
    };
    check(&[], "a", &[]);
    check(&["b*", "*b", "ab", "a?", "*"], "ab", &[1, 2, 3, 4]);
    check(&["ab", "a*", "ab", "a*"], "ab", &[0, 1, 2, 3]);
    check(&["*abc*", "*bc*", "*c*"], "xabcx", &[0, 1, 2]);
    check(&["*/2024/*", "logs/*"], "logs/2024/x", &[0, 1]);
    check(&["*ab", "ab*"], "abxab", &[0, 1]);
    check(&["é*", "?"], "é", &[0, 1]);
    check(&["", "*", "?*"], "", &[0, 1]);
    check(&["*ab*ab*"], "ab", &[]);
}

#[test]
fn both_rules_of_case_live_in_one_set() {
    let mut patterns: Vec<Pattern> =
        filled(&["s3:Get*", "s3:Get*", "S3:GETOBJECT"]).into_iter().map(Pattern::glob).collect();
    for pattern in &mut patterns[1..3] {
        *pattern = pattern.clone().into_ascii_case_insensitive();
    }
    let check = |patterns: &[Pattern]| {
        let set = PatternSet::new(patterns, &Budget::default()).expect("it is small");
        assert_eq!(ids(&set, "s3:GetObject"), [0, 1, 2]);
        assert_eq!(ids(&set, "s3:getobject"), [1, 2]);
    };
    check(&patterns);
    check(&patterns[..3]);
}

#[test]
fn first_and_any_agree_with_all() {
    let check = |globs: &[&str], text: &str, expected: Option<u32>| {
        let mut scratch = SetScratch::default();
        for set in [set(globs), set(&filled(globs))] {
            assert_eq!(set.first_match(text.as_bytes(), &mut scratch), expected, "{globs:?}");
            assert_eq!(set.is_match(text.as_bytes(), &mut scratch), expected.is_some());
        }
    };
    check(&["*", "abc"], "abc", Some(0));
    check(&["*b", "*c", "abc", "a*"], "abc", Some(1));
    check(&["b*"], "abc", None);
}

#[test]
fn the_report_says_where_patterns_went() {
    let set = set(&filled(&["*", "f0", "*x*y*"]));
    let report = set.report();
    assert_eq!((report.n_patterns, report.n_distinct), (13, 12));
    assert_eq!((report.n_literals, report.n_by_needle, report.n_one_by_one), (5, 6, 1));
    assert_eq!(report.fallbacks, [Fallback::NoNeedle { n_patterns: 1 }]);
    assert!(report.n_states > 1 && report.automaton_bytes > 0);
    assert_eq!(set.len(), 13);
    assert!(!set.is_empty());
}

#[test]
fn a_small_budget_costs_time_not_answers() {
    let globs: Vec<String> = (0..200).map(|n| format!("team-{n:03}-*/exports/{n}*")).collect();
    let globs: Vec<&str> = globs.iter().map(String::as_str).collect();
    let patterns: Vec<Pattern> = globs.iter().map(|glob| Pattern::glob(glob)).collect();
    let check = |max_states: usize, max_bytes: usize, expected: &[Fallback]| {
        let budget = Budget { max_states, max_bytes, ..Budget::default() };
        let set = PatternSet::new(&patterns, &budget).expect("only fallbacks");
        assert_eq!(set.report().fallbacks, expected);
        assert!(set.report().automaton_bytes <= max_bytes + 8_192);
        assert_eq!(ids(&set, "team-017-x/exports/17.csv"), [17]);
        assert_eq!(ids(&set, "team-017-x/exports/1.csv"), []);
    };
    check(10_000, 1 << 20, &[]);
    check(200, 1 << 20, &[]);
    check(150, 1 << 20, &[Fallback::ShorterNeedles { needle_bytes: 2 }]);
    check(2, 1 << 20, &[Fallback::NoAutomaton { n_patterns: 200 }]);
    check(10_000, 0, &[Fallback::NoAutomaton { n_patterns: 200 }]);
}

#[test]
fn limits_are_errors_that_say_which() {
    let patterns = ["abc", "d*"].map(Pattern::glob);
    let check = |budget: Budget, expected: ErrorKind, message: &str| {
        let error = PatternSet::new(&patterns, &budget).expect_err("over the limit");
        assert_eq!(error.kind(), expected);
        assert_eq!(error.to_string(), message);
    };
    check(
        Budget { max_patterns: 1, ..Budget::default() },
        ErrorKind::TooManyPatterns { limit: 1 },
        "more than 1 patterns in one set",
    );
    check(
        Budget { max_pattern_bytes: 4, ..Budget::default() },
        ErrorKind::TooManyPatternBytes { limit: 4 },
        "more than 4 bytes of patterns in one set",
    );
}

#[test]
fn hostile_sets_build_and_match() {
    let globs: Vec<String> =
        (0..10_000).map(|n| format!("*a*b*{}*{}*{n:x}*", n % 7, "ab".repeat(n % 9))).collect();
    let patterns: Vec<Pattern> = globs.iter().map(|glob| Pattern::glob(glob)).collect();
    let set = PatternSet::new(&patterns, &Budget::default()).expect("within limits");
    let budget = Budget::default();
    assert!(set.report().n_states <= budget.max_states);
    assert!(set.report().automaton_bytes <= budget.max_bytes + (1 << 20));
    assert_eq!(ids(&set, &"ab".repeat(1 << 15)), []);
}

#[test]
fn a_warm_search_does_not_allocate() {
    let patterns: Vec<Pattern> = filled(&["a*b*c", "*/2024/??", "abc", "A*"])
        .into_iter()
        .map(Pattern::glob)
        .chain([Pattern::glob("a*").into_ascii_case_insensitive()])
        .collect();
    let set = PatternSet::new(&patterns, &Budget::default()).expect("it is small");
    let long = "a".repeat(1_000) + "b/2024/cc";
    let mut scratch = SetScratch::default();
    let mut out = Vec::new();
    let mut search = || {
        for text in ["abc", "axbxc", &long, "none"] {
            set.matches(text.as_bytes(), &mut scratch, &mut out);
            set.first_match(text.as_bytes(), &mut scratch);
            set.is_match(text.as_bytes(), &mut scratch);
        }
    };
    search();
    assert_eq!(allocation_counter::measure(search).count_total, 0);
}

#[test]
fn sets_are_shared_between_threads() {
    fn check<T: Send + Sync + std::fmt::Debug>() {}
    check::<PatternSet>();
    check::<Pattern>();
    check::<SetScratch>();
}

#[test]
fn the_count_of_searches_may_wrap() {
    let set = set(&filled(&["*ab*"]));
    let mut scratch = SetScratch { search: u32::MAX - 1, ..SetScratch::default() };
    for _ in 0..4 {
        assert_eq!(set.first_match(b"xab", &mut scratch), Some(0));
    }
}

fn build(pieces: &[Piece], fold: bool) -> Pattern {
    let mut builder = Pattern::builder();
    for piece in pieces {
        builder.piece(piece.clone());
    }
    builder.ascii_case_insensitive(fold).build().expect("classes are ASCII")
}

fn patterns() -> impl Generator<Value = Vec<(Vec<Piece>, bool)>> {
    let pattern = (prop::collection::vec(piece(), 0..6), prop::bool::weighted(0.2));
    prop::collection::vec(pattern, 0..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn a_set_agrees_with_its_patterns(
        sources in patterns(),
        prefix in "[ab:]{0,2}",
        texts in prop::collection::vec("[aAb:é€]{0,9}", 1..6),
        max_states in prop_oneof![Just(1_000), 0_usize..40],
    ) {
        let sources: Vec<(Vec<Piece>, bool)> = sources
            .into_iter()
            .map(|(mut pieces, fold)| {
                pieces.insert(0, Piece::Literal(prefix.clone()));
                (pieces, fold)
            })
            .collect();
        let patterns: Vec<Pattern> =
            sources.iter().map(|(pieces, fold)| build(pieces, *fold)).collect();
        let budget = Budget { max_states, ..Budget::default() };
        let set = PatternSet::new(&patterns, &budget).expect("within limits");
        let mut scratch = SetScratch::default();
        let mut out = Vec::new();
        for text in texts {
            let text = prefix.clone() + &text;
            let scalars: Vec<char> = text.chars().collect();
            let expected: Vec<u32> = (0..)
                .zip(&sources)
                .filter(|(_, (pieces, fold))| naive(pieces, &scalars, *fold))
                .map(|(id, _)| id)
                .collect();
            set.matches(text.as_bytes(), &mut scratch, &mut out);
            prop_assert_eq!(&out, &expected);
            let first = set.first_match(text.as_bytes(), &mut scratch);
            prop_assert_eq!(first, expected.first().copied());
            prop_assert_eq!(set.is_match(text.as_bytes(), &mut scratch), !expected.is_empty());
        }
    }
}

#[test]
fn classes_reach_the_set() {
    let field = [Piece::Literal("a:".into()), Piece::Star(Class::Except(b':'))];
    let mut patterns: Vec<Pattern> = FILLERS.iter().map(|glob| Pattern::glob(glob)).collect();
    patterns.push(build(&field, false));
    let set = PatternSet::new(&patterns, &Budget::default()).expect("it is small");
    assert_eq!(ids(&set, "a:b"), [10]);
    assert_eq!(ids(&set, "a:b:"), []);
}
