use proptest::prelude::*;

use super::*;
use crate::{matcher::tests::piece, pattern::tests::naive};

fn budget() -> Budget {
    Budget::default()
}

#[test]
fn patterns_cover_what_they_match() {
    let check = |general: &str, special: &str, expected: bool| {
        let (a, b) = (Pattern::glob(general), Pattern::glob(special));
        assert_eq!(covers(&a, &b, &budget()), Ok(expected), "{general} over {special}");
    };
    check("*", "a*b?", true);
    check("a*", "ab*", true);
    check("ab*", "a*", false);
    check("a*b", "a*c*b", true);
    check("a*c*b", "a*b", false);
    check("?*", "*?", true);
    check("*?", "", false);
    check("*a*", "?a?", true);
    check("??", "é?", true);
    check("*ab*", "*a*b*", false);
    check("*a*b*", "*b*ab*", true);
    check("arn:aws:s3:::*", "arn:aws:s3:::logs-*/2024/??", true);
    check("*/2024/??", "arn:aws:s3:::logs-*/2024/??", true);
}

#[test]
fn classes_are_compared() {
    let star = |class: Class| {
        Pattern::builder().literal("a").star(class).literal("b").build().expect("ASCII")
    };
    let (any, field) = (star(Class::Any), star(Class::Except(b':')));
    assert_eq!(covers(&any, &field, &budget()), Ok(true));
    assert_eq!(covers(&field, &any, &budget()), Ok(false));
    assert_eq!(witness_difference(&any, &field, &budget()), Ok(Some("a:b".to_owned())));
    let colon = Pattern::glob("*:*");
    assert_eq!(intersects(&field, &colon, &budget()), Ok(false));
    assert_eq!(intersects(&any, &colon, &budget()), Ok(true));
}

#[test]
fn case_is_compared() {
    let exact = Pattern::glob("s3:Get*");
    let folded = exact.clone().into_ascii_case_insensitive();
    assert_eq!(covers(&folded, &exact, &budget()), Ok(true));
    assert_eq!(covers(&exact, &folded, &budget()), Ok(false));
    let literal = Pattern::literal("get").into_ascii_case_insensitive();
    assert_eq!(covers(&Pattern::glob("get"), &literal, &budget()), Ok(false));
    let shouted = Pattern::glob("S3:GET?");
    let witness = witness_intersection(&folded, &shouted, &budget());
    assert_eq!(witness, Ok(Some("S3:GETx".to_owned())));
}

#[test]
fn witnesses_are_short() {
    let check = |a: &str, b: &str, common: Option<&str>, only_a: Option<&str>| {
        let (left, right) = (Pattern::glob(a), Pattern::glob(b));
        let common = common.map(str::to_owned);
        assert_eq!(witness_intersection(&left, &right, &budget()), Ok(common), "{a} and {b}");
        let only_a = only_a.map(str::to_owned);
        assert_eq!(witness_difference(&left, &right, &budget()), Ok(only_a), "{a} without {b}");
    };
    check("a*", "*b", Some("ab"), Some("a"));
    check("a*", "b*", None, Some("a"));
    check("?", "?", Some("x"), None);
    check("*", "x*", Some("x"), Some(""));
    check("é?", "é", None, Some("éx"));
    check("", "*", Some(""), None);
}

#[test]
fn the_budget_is_an_error() {
    let budget = Budget { max_product_states: 50, ..Budget::default() };
    let (a, b) = (Pattern::glob("*a?????????*b"), Pattern::glob("*?????????a*b*c"));
    let error = witness_difference(&a, &b, &budget).expect_err("over the limit");
    assert_eq!(error.kind(), ErrorKind::TooManyProductStates { limit: 50 });
    assert_eq!(error.to_string(), "comparing two patterns takes more than 50 states");
}

#[test]
fn usual_comparisons_stay_small() {
    let budget = Budget { max_product_states: 2_000, ..Budget::default() };
    let general = Pattern::glob("arn:aws:s3:::team-*-logs/*/2024/*/part-????.parquet");
    let special = Pattern::glob("arn:aws:s3:::team-a-logs/x/2024/*/*/part-0???.parquet");
    assert_eq!(covers(&general, &special, &budget), Ok(true));
    assert_eq!(covers(&special, &general, &budget), Ok(false));
}

/// All texts of up to so many scalars.
fn texts(n_scalars: usize) -> Vec<Vec<char>> {
    let mut texts = vec![vec![]];
    let mut at = 0;
    while let Some(text) = texts.get(at).cloned() {
        at += 1;
        if text.len() < n_scalars {
            texts.extend(['a', 'A', 'b', ':', 'é', 'x'].map(|last| [&*text, &[last]].concat()));
        }
    }
    texts
}

fn build(pieces: &[Piece], fold: bool) -> Pattern {
    let mut builder = Pattern::builder();
    for piece in pieces {
        builder.piece(piece.clone());
    }
    builder.ascii_case_insensitive(fold).build().expect("classes are ASCII")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn comparisons_agree_with_the_definition(
        a in prop::collection::vec(piece(), 0..5), fold_a: bool,
        b in prop::collection::vec(piece(), 0..5), fold_b: bool,
    ) {
        let (left, right) = (build(&a, fold_a), build(&b, fold_b));
        let common = witness_intersection(&left, &right, &budget()).expect("it is small");
        let only_left = witness_difference(&left, &right, &budget()).expect("it is small");
        let scalars = |text: &Option<String>| text.as_ref().map(|text| text.chars().collect::<Vec<_>>());
        if let Some(text) = scalars(&common) {
            prop_assert!(naive(&a, &text, fold_a) && naive(&b, &text, fold_b), "{:?}", common);
        }
        if let Some(text) = scalars(&only_left) {
            prop_assert!(naive(&a, &text, fold_a) && !naive(&b, &text, fold_b), "{:?}", only_left);
        }
        prop_assert_eq!(covers(&right, &left, &budget()), Ok(only_left.is_none()));
        prop_assert_eq!(intersects(&left, &right, &budget()), Ok(common.is_some()));
        for text in texts(4) {
            let (in_a, in_b) = (naive(&a, &text, fold_a), naive(&b, &text, fold_b));
            prop_assert!(!(in_a && in_b) || common.is_some(), "both match {:?}", text);
            prop_assert!(!in_a || in_b || only_left.is_some(), "only the first matches {:?}", text);
        }
    }
}
