use proptest::prelude::*;

use super::{Middle, nfa::Nfa};
use crate::pattern::{Class, Pattern, Piece, tests::naive};

const ANY: Class = Class::Any;
const NO_COLON: Class = Class::Except(b':');

fn lit(text: &str) -> Piece {
    Piece::Literal(text.to_owned())
}

fn pattern(pieces: &[Piece]) -> Pattern {
    let mut builder = Pattern::builder();
    for piece in pieces {
        builder.piece(piece.clone());
    }
    builder.build().expect("classes are ASCII")
}

#[test]
fn globs_match_whole_texts() {
    let check = |glob: &str, text: &str, expected: bool| {
        assert_eq!(Pattern::glob(glob).is_match(text.as_bytes()), expected, "{glob} on {text}");
    };
    check("", "", true);
    check("", "a", false);
    check("abc", "abc", true);
    check("abc", "abcd", false);
    check("*", "", true);
    check("ab*", "ab", true);
    check("ab*", "a", false);
    check("*bc", "abc", true);
    check("ab*ba", "aba", false);
    check("ab*ba", "abba", true);
    check("b/*/t", "b//t", true);
    check("b/*/t", "b/t", false);
    check("*ab*ab*", "abab", true);
    check("*ab*ab*", "aab", false);
    check("a*?b", "ab", false);
    check("a*?b", "acb", true);
    check("?", "é", true);
    check("??", "é", false);
    check("*?é?*", "éé", false);
    check("*?é?*", "aé€", true);
    check("*a?c*", "aabc", true);
    check("*a?c*", "aabac", false);
    check("*.json", "a.json.json", true);
}

#[test]
fn classes_bound_wildcards() {
    let check = |pieces: &[Piece], text: &str, expected: bool| {
        assert_eq!(pattern(pieces).is_match(text.as_bytes()), expected, "{pieces:?} on {text}");
    };
    let field = [lit("a:"), Piece::Star(NO_COLON), lit(":b")];
    check(&field, "a:x:b", true);
    check(&field, "a::b", true);
    check(&field, "a:x:y:b", false);
    check(&[Piece::One(NO_COLON)], ":", false);
    check(&[Piece::One(NO_COLON)], "é", true);
    // The first `b` is followed by a colon, so only the second will do.
    let later = [Piece::Star(ANY), lit("b"), Piece::Star(NO_COLON), lit("d")];
    check(&later, "b:bd", true);
    check(&later, "b:d", false);
    let pair = [Piece::Star(NO_COLON), Piece::Star(Class::Except(b'/'))];
    check(&pair, "//::", true);
    check(&pair, "::/", false);
    check(&[Piece::Star(ANY), Piece::One(NO_COLON), Piece::Star(ANY)], ":::", false);
    check(&[Piece::Star(ANY), Piece::One(NO_COLON), Piece::Star(ANY)], "::é:", true);
}

#[test]
fn case_is_folded_for_ascii_only() {
    let check = |glob: &str, text: &str, expected: bool| {
        let pattern = Pattern::glob(glob).into_ascii_case_insensitive();
        assert_eq!(pattern.is_match(text.as_bytes()), expected, "{glob} on {text}");
    };
    check("s3:Get*", "S3:gETobject", true);
    check("*:GET*ACL*", "s3:GetObjectAcl", true);
    check("É", "é", false);
    check("K", "\u{212a}", false);
    check(&format!("*{}b*", "A".repeat(100)), &format!("{}B", "a".repeat(101)), true);
    check("?B?", "abc", true);
}

#[test]
fn hostile_patterns_take_linear_time() {
    let text = "a".repeat(1 << 16);
    let check = |glob: &str, expected: bool| {
        assert_eq!(Pattern::glob(glob).is_match(text.as_bytes()), expected);
    };
    check(&format!("{}b", "a*".repeat(1_000)), false);
    check(&format!("{}*", "a*".repeat(1_000)), true);
    check(&format!("*{}ba*", "a?".repeat(1_000)), false);
    check(&format!("*{}b*", "a".repeat(10_000)), false);
    check(&format!("*{}?b*", "a".repeat(10_000)), false);
}

#[test]
fn long_alternations_of_classes_cross_words() {
    let pieces: Vec<Piece> = (0..400)
        .map(|idx| Piece::Star(Class::Except(if idx % 2 == 0 { b'a' } else { b'b' })))
        .collect();
    let check = |text: String, expected: bool| {
        assert_eq!(pattern(&pieces).is_match(text.as_bytes()), expected, "{text}");
    };
    check("ba".repeat(200), true);
    check("ab".repeat(199), true);
    check("ba".repeat(201), false);
    check(String::new(), true);
}

#[test]
fn many_scalars_beside_ascii_are_told_apart() {
    let kana: String = ('\u{3041}'..='\u{3096}').chain('\u{4e00}'..='\u{4fff}').collect();
    let pieces =
        [Piece::Star(NO_COLON), lit(&kana), Piece::Star(NO_COLON), lit("a"), Piece::Star(ANY)];
    let check = |text: &str, expected: bool| {
        assert_eq!(pattern(&pieces).is_match(text.as_bytes()), expected, "{text}");
    };
    check(&format!("x{kana}é_a:"), true);
    check(&format!("x{kana}é:a:"), false);
    check(&format!(":{kana}a"), false);
    check(&kana, false);
}

#[test]
fn middles_take_the_cheapest_form() {
    let form = |pieces: &[Piece]| match Middle::new(pieces, false) {
        Middle::Run(_) => "run",
        Middle::Greedy(_) => "greedy",
        Middle::Automaton(_) => "automaton",
    };
    assert_eq!(form(&[Piece::Star(NO_COLON)]), "run");
    assert_eq!(form(&[Piece::Star(ANY), lit("a"), Piece::Star(ANY)]), "greedy");
    assert_eq!(form(&[Piece::Star(ANY), lit("a"), Piece::Star(NO_COLON)]), "automaton");
}

prop_compose! {
    /// Pieces and texts over few scalars, so that they often match.
    fn pieces()(pieces in prop::collection::vec(piece(), 0..9)) -> Vec<Piece> {
        pieces
    }
}

pub(crate) fn piece() -> impl Strategy<Value = Piece> {
    let class = || prop_oneof![3 => Just(ANY), 2 => Just(NO_COLON), 1 => Just(Class::Except(b'a'))];
    prop_oneof![
        4 => "[aAb:é€]{1,3}".prop_map(Piece::Literal),
        2 => class().prop_map(Piece::One),
        4 => class().prop_map(Piece::Star),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn matching_agrees_with_the_definition(
        pieces in pieces(), text in "[aAb:é€]{0,10}", fold: bool,
    ) {
        let mut pattern = pattern(&pieces);
        if fold {
            pattern = pattern.into_ascii_case_insensitive();
        }
        let scalars: Vec<char> = text.chars().collect();
        prop_assert_eq!(pattern.is_match(text.as_bytes()), naive(&pieces, &scalars, fold));
    }

    #[test]
    fn the_automaton_agrees_with_the_definition(pieces in pieces(), text in "[aAb:é€]{0,10}") {
        let scalars: Vec<char> = text.chars().collect();
        let nfa = Nfa::new(&pieces);
        prop_assert_eq!(nfa.is_match::<false>(text.as_bytes()), naive(&pieces, &scalars, false));
    }

    #[test]
    fn the_automaton_agrees_beyond_one_word(
        pieces in prop::collection::vec(piece(), 60..200), text in "[aAb:é€]{0,300}",
    ) {
        let pattern = pattern(&pieces);
        let nfa = Nfa::new(pattern.pieces());
        prop_assert_eq!(nfa.is_match::<false>(text.as_bytes()), pattern.is_match(text.as_bytes()));
    }

    #[test]
    fn other_bytes_break_nothing(
        pieces in pieces(), text in prop::collection::vec(any::<u8>(), 0..12), fold: bool,
    ) {
        let pattern = pattern(&pieces);
        pattern.is_match(&text);
        if fold {
            pattern.into_ascii_case_insensitive().is_match(&text);
        }
    }
}
