use proptest::prelude::*;

use super::*;

/// Prints pieces on one line: literals in quotes, variables in braces.
fn show(pieces: Option<&[Piece]>) -> String {
    let Some(pieces) = pieces else { return "unresolved".to_owned() };
    let words = pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => format!("{text:?}"),
        Piece::Star => "*".to_owned(),
        Piece::One => "?".to_owned(),
        Piece::Variable(PolicyVariable { key, default: None }) => format!("{{{key}}}"),
        Piece::Variable(PolicyVariable { key, default: Some(text) }) => format!("{{{key}|{text}}}"),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn read(text: &str, variables: Variables, wildcards: Wildcards) -> (Option<Vec<Piece>>, String) {
    let mut problems = Vec::new();
    let pieces = read_text(text, variables, wildcards, &mut problems);
    let codes: Vec<_> = problems.iter().map(|problem| problem.code.as_str()).collect();
    (pieces, codes.join(" "))
}

/// Version 2012-10-17, wildcards on.
fn check(text: &str, expected: &str, codes: &str) {
    let (pieces, found) = read(text, Variables::Replaced, Wildcards::Active);
    assert_eq!((&*show(pieces.as_deref()), &*found), (expected, codes), "{text}");
}

/// L-503, L-505.
#[test]
fn variables_are_keys_with_or_without_a_default() {
    check("", "", "");
    check("b/${aws:username}/*", r#""b/" {aws:username} "/" *"#, "");
    check("${aws:PrincipalTag/team, 'all'}", "{aws:PrincipalTag/team|all}", "");
    check("${aws:PrincipalTag/team, ''}", "{aws:PrincipalTag/team|}", "");
    check("${a:b, 'x, y: $ { * ?'}", "{a:b|x, y: $ { * ?}", "");
    check("${a:b}${a:c}", "{a:b} {a:c}", "");
    check("${kms:EncryptionContext:aws:s3:arn}", "{kms:EncryptionContext:aws:s3:arn}", "");
}

/// L-506; worked example 46.
#[test]
fn escapes_are_literal_characters() {
    check("a${*}c", r#""a*c""#, "");
    check("${?}${$}{a}", r#""?${a}""#, "");
    check("*${*}*", r#"* "*" *"#, "");
}

/// L-402.
#[test]
fn a_run_of_stars_is_one_star() {
    check("a**b***", r#""a" * "b" *"#, "");
    check("*?*", "* ? *", "");
}

/// L-504.
#[test]
fn a_dollar_without_a_brace_is_literal() {
    check("$", r#""$""#, "");
    check("$a$", r#""$a$""#, "");
    check("a}b{", r#""a}b{""#, "");
    check("$${a:b}", r#""$" {a:b}"#, "");
}

/// L-504.
#[test]
fn malformed_variables_leave_the_text_unresolved() {
    for (text, code) in [
        ("b/${aws:username", "MISSING_BRACE_IN_VARIABLE"),
        ("${", "MISSING_BRACE_IN_VARIABLE"),
        ("${}", "EMPTY_VARIABLE"),
        ("${ }", "UNSUPPORTED_SPACE_IN_VARIABLE"),
        ("${aws:user name}", "UNSUPPORTED_SPACE_IN_VARIABLE"),
        ("${ aws:username}", "UNSUPPORTED_SPACE_IN_VARIABLE"),
        ("${aws:username }", "UNSUPPORTED_SPACE_IN_VARIABLE"),
        ("${a:b , 'x'}", "UNSUPPORTED_SPACE_IN_VARIABLE"),
        ("${a:b,  'x'}", "UNSUPPORTED_SPACE_IN_VARIABLE"),
        ("${a:b, 'x' }", "UNSUPPORTED_SPACE_IN_VARIABLE"),
        ("${a:b 'x'}", "UNSUPPORTED_SPACE_IN_VARIABLE"),
        ("${a:b, x}", "MISSING_QUOTE_IN_VARIABLE"),
        ("${a:b, 'x}", "MISSING_QUOTE_IN_VARIABLE"),
        ("${a:b, x'}", "MISSING_QUOTE_IN_VARIABLE"),
        ("${a:b, '}", "MISSING_QUOTE_IN_VARIABLE"),
        ("${a:b, }", "MISSING_QUOTE_IN_VARIABLE"),
        ("${a:b, \"x\"}", "MISSING_QUOTE_IN_VARIABLE"),
        ("${a:b,'x'}", "UNSUPPORTED_SYMBOL_IN_VARIABLE"),
        ("${a:b,}", "UNSUPPORTED_SYMBOL_IN_VARIABLE"),
        ("${a:b, 'x'y'}", "UNSUPPORTED_SYMBOL_IN_VARIABLE"),
        ("${a:b, 'x\ny'}", "UNSUPPORTED_SYMBOL_IN_VARIABLE"),
        ("${a:b, 'x', 'y'}", "UNSUPPORTED_SYMBOL_IN_VARIABLE"),
        ("${username}", "UNSUPPORTED_SYMBOL_IN_VARIABLE"),
        ("${:b}", "UNSUPPORTED_SYMBOL_IN_VARIABLE"),
        ("${**}", "UNSUPPORTED_SYMBOL_IN_VARIABLE"),
        ("${aws:user*}", "UNSUPPORTED_SYMBOL_IN_VARIABLE"),
        ("${aws:'x'}", "UNSUPPORTED_SYMBOL_IN_VARIABLE"),
        ("${aws:PrincipalTag/${aws:username}}", "UNSUPPORTED_SYMBOL_IN_VARIABLE"),
        ("${a:b, '${a:c}'}", "UNSUPPORTED_SYMBOL_IN_VARIABLE"),
        ("${}${a:b, x}", "EMPTY_VARIABLE MISSING_QUOTE_IN_VARIABLE"),
    ] {
        check(text, "unresolved", code);
    }
}

/// L-504: all of them reject authors only, and say where they are.
#[test]
fn malformed_variables_are_author_only_and_placed() {
    let mut problems = Vec::new();
    read_text("é/${}/x", Variables::Replaced, Wildcards::Literal, &mut problems);
    assert_eq!(problems[0].rejects, Reject::Author);
    assert_eq!(problems[0].range, Some(3..6));
}

/// L-502; worked examples 8 and 50.
#[test]
fn other_versions_have_no_variables() {
    let check = |text: &str, expected: &str, codes: &str| {
        let (pieces, found) = read(text, Variables::Literal, Wildcards::Active);
        assert_eq!((&*show(pieces.as_deref()), &*found), (expected, codes), "{text}");
    };
    check("b/${aws:username}/y", r#""b/${aws:username}/y""#, "VARIABLE_UNSUPPORTED_IN_VERSION");
    check("a${*}c", r#""a${" * "}c""#, "VARIABLE_UNSUPPORTED_IN_VERSION");
    check("a${?}", r#""a${" ? "}""#, "VARIABLE_UNSUPPORTED_IN_VERSION");
    check("${}${}", r#""${}${}""#, "VARIABLE_UNSUPPORTED_IN_VERSION");
    check("${a:b", r#""${a:b""#, "");
}

/// L-404.
#[test]
fn wildcards_may_be_literal() {
    let (pieces, _) = read("a*${*}?${a:b}", Variables::Replaced, Wildcards::Literal);
    assert_eq!(show(pieces.as_deref()), r#""a**?" {a:b}"#);
}

proptest! {
    #[test]
    fn no_text_panics(text in r"\PC{0,30}|[$\{}*?:, 'aé\n]{0,30}") {
        for variables in [Variables::Replaced, Variables::Literal] {
            let mut problems = Vec::new();
            let pieces = read_text(&text, variables, Wildcards::Active, &mut problems);
            for problem in &problems {
                prop_assert!(problem.range.clone().is_some_and(|range| text.get(range).is_some()));
            }
            // A text without variables prints back, runs of stars as one.
            if variables == Variables::Literal {
                let mut expected = text.clone();
                while expected.contains("**") {
                    expected = expected.replace("**", "*");
                }
                prop_assert_eq!(print_back(&pieces.unwrap()), expected);
            }
        }
    }
}

fn print_back(pieces: &[Piece]) -> String {
    let text = pieces.iter().map(|piece| match piece {
        Piece::Literal(text) => text.to_string(),
        Piece::Star => "*".to_owned(),
        Piece::One => "?".to_owned(),
        Piece::Variable(variable) => format!("variable {}", variable.key),
    });
    text.collect()
}
