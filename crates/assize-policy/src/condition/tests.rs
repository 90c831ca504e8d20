use proptest::prelude::*;

use super::*;
use crate::ir::{Decimal, Piece};

fn codes<'a>(problems: impl IntoIterator<Item = &'a Problem>) -> String {
    let words = problems.into_iter().map(|problem| match problem.rejects {
        Reject::Always => format!("{}!", problem.code),
        Reject::Author => format!("{}+", problem.code),
        Reject::Never => problem.code.to_string(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn check_operator(text: &str, expected: Option<&str>, expected_codes: &str) {
    let mut problems = Vec::new();
    let read = operator(text, &mut problems).map(|operator| operator.to_string());
    assert_eq!((read.as_deref(), &*codes(&problems)), (expected, expected_codes), "{text}");
}

/// L-603, L-604.
#[test]
fn every_operator_is_read_with_prefix_and_suffix() {
    for base in ConditionOperator::ALL {
        for prefix in ["", "ForAllValues:", "ForAnyValue:"] {
            let text = format!("{prefix}{}", base.as_str());
            check_operator(&text, Some(&text), "");
            let text = format!("{text}IfExists");
            if *base == ConditionOperator::Null {
                check_operator(&text, None, "NULL_WITH_IF_EXISTS!");
            } else {
                check_operator(&text, Some(&text), "");
            }
        }
    }
}

/// L-603.
#[test]
fn operators_are_read_in_any_case() {
    check_operator("stringequals", Some("StringEquals"), "X_OPERATOR_CASE");
    check_operator(
        "forallvalues:STRINGLIKEifexists",
        Some("ForAllValues:StringLikeIfExists"),
        "X_OPERATOR_CASE",
    );
    check_operator("BOOLIFEXISTS", Some("BoolIfExists"), "X_OPERATOR_CASE");
}

/// L-604; worked examples 22 and 23.
#[test]
fn other_operators_reject() {
    check_operator("NullIfExists", None, "NULL_WITH_IF_EXISTS!");
    for text in [
        "",
        "StringEqual",
        "IfExists",
        "ForAllValues:",
        "ForAllValues",
        "ForSomeValues:StringEquals",
        "ForAllValues:ForAnyValue:StringEquals",
        "StringEqualsIfExistsIfExists",
        "IfExistsStringEquals",
        "NotBool",
        "StringEquals ",
        "Ştring",
    ] {
        check_operator(text, None, "INVALID_CONDITION_OPERATOR!");
    }
}

fn check_hint(text: &str, expected: &str) {
    let mut problems = Vec::new();
    operator(text, &mut problems);
    let message = &problems[0].message;
    assert!(message.ends_with(expected), "{text}: {message}");
}

#[test]
fn a_near_operator_is_offered() {
    check_hint("StringEqual", "did you mean `StringEquals`?");
    check_hint("StringNotEqualIfExists", "did you mean `StringNotEquals`?");
    check_hint("ForAnyValue:StrinLike", "did you mean `StringLike`?");
    check_hint("ForAnyValues:StringLike", "did you mean `ForAnyValue`?");
    check_hint("Matches", "is not a condition operator");
}

fn check_name(name: &str, expected_codes: &str) {
    let mut problems = Vec::new();
    check_key(name, &mut problems);
    assert_eq!(codes(&problems), expected_codes, "{name}");
}

/// L-605; worked example 24.
#[test]
fn keys_have_a_prefix() {
    for name in ["aws:SourceIp", "kms:EncryptionContext:aws:s3:arn", "a:", "a.b/c:sub"] {
        check_name(name, "");
    }
    for name in ["", "SourceIp", ":SourceIp", ":"] {
        check_name(name, "INVALID_CONDITION_KEY_FORMAT+");
    }
}

/// L-710.
#[test]
fn tag_keys_name_a_tag() {
    for name in [
        "aws:ResourceTag",
        "aws:resourcetag/",
        "AWS:PrincipalTag",
        "aws:RequestTag",
        "ec2:ResourceTag/",
        "s3:ExistingObjectTag",
        "s3:RequestObjectTag/",
        "kms:EncryptionContext:",
    ] {
        check_name(name, "MISSING_TAG_KEY_IN_CONDITION");
    }
    for name in ["aws:ResourceTag/a", "aws:TagKeys", "kms:EncryptionContextKeys", "s3:RequestTag"] {
        check_name(name, "");
    }
}

/// Reads values in a document of version 2012-10-17; problems as `position:code`.
fn read(operator: &str, values: &[&str], variables: Variables) -> (Operand, String) {
    let operator = parse_operator(operator).unwrap();
    let mut problems = Vec::new();
    let operand = operand(operator, values, variables, &mut problems);
    let words = problems.iter().map(|found| match found.index {
        Some(index) => format!("{index}:{}", codes([&found.problem])),
        None => codes([&found.problem]),
    });
    (operand, words.collect::<Vec<_>>().join(" "))
}

fn check(operator: &str, values: &[&str], expected: &Operand, expected_codes: &str) {
    let (operand, found) = read(operator, values, Variables::Replaced);
    assert_eq!((&operand, &*found), (expected, expected_codes), "{operator} {values:?}");
}

fn literal(text: &str) -> Vec<Piece> {
    vec![Piece::Literal(text.into())]
}

/// L-404; worked example 77.
#[test]
fn wildcards_are_a_matter_of_like_and_arn_operators() {
    let wild = || Operand::Text(vec![Some(vec![Piece::Literal("a".into()), Piece::Star])]);
    for operator in [
        "StringLike",
        "StringNotLikeIfExists",
        "ArnEquals",
        "ArnLike",
        "ArnNotEquals",
        "ForAnyValue:ArnNotLike",
    ] {
        check(operator, &["a*"], &wild(), "");
    }
    for operator in
        ["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"]
    {
        check(operator, &["a*"], &Operand::Text(vec![Some(literal("a*"))]), "");
    }
    check(
        "StringEquals",
        &["", "${*}"],
        &Operand::Text(vec![Some(vec![]), Some(literal("*"))]),
        "",
    );
}

/// L-504, L-509: one bad value leaves the others.
#[test]
fn a_malformed_variable_spoils_its_value() {
    let expected = Operand::Text(vec![Some(literal("a")), None]);
    check("StringEquals", &["a", "${x}"], &expected, "1:UNSUPPORTED_SYMBOL_IN_VARIABLE+");
}

/// L-513; worked example 60.
#[test]
fn typed_operators_have_no_variables() {
    let code = "0:INVALID_VARIABLE_FOR_OPERATOR+";
    check("NumericLessThan", &["${aws:PrincipalTag/max}"], &Operand::Number(vec![None]), code);
    check("Bool", &["${aws:SecureTransport}"], &Operand::Bool(vec![None]), code);
    check("Null", &["${*}"], &Operand::Bool(vec![None]), code);
    check("IpAddress", &["${aws:SourceIp}"], &Operand::Ip(vec![None]), code);
    let (operand, codes) = read("Bool", &["${aws:x}"], Variables::Literal);
    assert_eq!(operand, Operand::Bool(vec![None]));
    assert_eq!(codes, "0:VARIABLE_UNSUPPORTED_IN_VERSION 0:TYPE_MISMATCH_BOOLEAN+");
}

/// L-615 – L-619, L-622.
#[test]
fn values_are_typed_by_the_operator() {
    let ten = Decimal { negative: false, digits: "1".into(), exponent: 2 };
    check(
        "NumericEquals",
        &["10", "x", "10.0"],
        &Operand::Number(vec![Some(ten.clone()), None, Some(ten)]),
        "1:TYPE_MISMATCH_NUMBER+",
    );
    check(
        "DateLessThan",
        &["2024-07-01", "soon"],
        &Operand::Date(vec![Some(1_719_792_000), None]),
        "1:TYPE_MISMATCH_DATE+",
    );
    check("DateGreaterThan", &["2024"], &Operand::Date(vec![Some(2024)]), "0:INVALID_DATE_VALUE");
    check(
        "BinaryEquals",
        &["QQ==", "QQ"],
        &Operand::Binary(vec![Some(Box::new([b'A'])), None]),
        "1:TYPE_MISMATCH_STRING+",
    );
    let block = |text| crate::value::parse_ip_block(text);
    check(
        "NotIpAddress",
        &["10.0.0.0/8", "bad", "203.0.113.7/24"],
        &Operand::Ip(vec![block("10.0.0.0/8"), None, block("203.0.113.0/24")]),
        "1:TYPE_MISMATCH_IP_RANGE+ 2:IMPROVE_IP_RANGE",
    );
}

/// L-617, L-621; worked examples 67 and 95.
#[test]
fn booleans_are_read_in_any_case() {
    check("Bool", &["TRUE"], &Operand::Bool(vec![Some(true)]), "");
    check("Bool", &["yes"], &Operand::Bool(vec![None]), "0:TYPE_MISMATCH_BOOLEAN+");
    let both = Operand::Bool(vec![Some(true), Some(false)]);
    check("Bool", &["true", "false"], &both, "INVALID_CONDITION_MULTIPLE_BOOLEAN");
    check("Null", &["true", "false"], &both, "");
}

/// L-607; worked examples 98 and 99.
#[test]
fn empty_lists_are_reported_by_operator() {
    let empty = Operand::Text(vec![]);
    check("StringEquals", &[], &empty, "EMPTY_ARRAY_CONDITION");
    check("StringEqualsIfExists", &[], &empty, "EMPTY_ARRAY_CONDITION_IFEXISTS");
    check("ForAllValues:StringLike", &[], &empty, "EMPTY_ARRAY_CONDITION_FORALLVALUES");
    check("ForAnyValue:StringLikeIfExists", &[], &empty, "EMPTY_ARRAY_CONDITION_FORANYVALUE");
}

fn n_values(operand: &Operand) -> usize {
    match operand {
        Operand::Text(values) => values.len(),
        Operand::Number(values) => values.len(),
        Operand::Date(values) => values.len(),
        Operand::Bool(values) => values.len(),
        Operand::Binary(values) => values.len(),
        Operand::Ip(values) => values.len(),
    }
}

proptest! {
    #[test]
    fn no_text_panics(
        text in r"\PC{0,30}|[$\{}*?:,/ 'aé0-9.+-]{0,20}|(For[A-Za-z]{3}Values?:)?[A-Z][a-z]{3,6}Equals(IfExists)?",
        base in prop::sample::select(ConditionOperator::ALL),
    ) {
        operator(&text, &mut Vec::new());
        check_key(&text, &mut Vec::new());
        let operator = Operator { qualifier: None, base, if_exists: false };
        let mut problems = Vec::new();
        let operand = operand(operator, &[&text, "true"], Variables::Replaced, &mut problems);
        prop_assert_eq!(n_values(&operand), 2);
    }
}
