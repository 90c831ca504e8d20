use assize_catalog::Catalog;
use assize_model::{ConditionKey, ContextValue, PolicyType, RequestContext};
use assize_policy::{LoadMode, LoadOptions, load};

use super::*;

/// The context `k` = what a word says: nothing, `-`; a list, `[a,b]`; two spellings, `!`; else
/// one value. `v` is always `abc`.
fn context(word: &str) -> RequestContext {
    let mut context = RequestContext::default();
    context.set(ConditionKey::new("test:v"), ContextValue::Single("abc".into()));
    let value = match word {
        "-" => return context,
        "!" => ContextValue::Colliding,
        _ => match word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(members) => ContextValue::List(members.split(',').map(Into::into).collect()),
            None => ContextValue::Single(word.into()),
        },
    };
    context.set(ConditionKey::new("test:K"), value);
    context
}

fn check(operator: &str, values: &str, word: &str, expected: bool) {
    let text = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Resource":"*",
            "Condition":{{"{operator}":{{"TEST:k":{values}}}}}}}]}}"#
    );
    let options = LoadOptions::new(PolicyType::ServiceControl, LoadMode::Import);
    let policy = load(&text, &options).policy.expect("the policy loads");
    let catalog = Catalog::bundled().expect("the bundled catalog loads");
    let known = Knowledge::new(&catalog, context(word), None);
    let truth = condition_part(&policy.statements[0].conditions, &known);
    assert_eq!(truth == Truth::True, expected, "{operator} {values} on {word}");
}

fn rows(operator: &str, values: &str, rows: &[(&str, bool)]) {
    for (word, expected) in rows {
        check(operator, values, word, *expected);
    }
}

/// L-611, and its last column L-606.
#[test]
fn without_a_set_prefix() {
    let words = |truths: [bool; 5]| {
        let words = ["-", "a", "b", "[a]", "!"];
        words.into_iter().zip(truths).collect::<Vec<_>>()
    };
    rows("StringEquals", r#""a""#, &words([false, true, false, false, false]));
    rows("StringEqualsIfExists", r#""a""#, &words([true, true, false, false, false]));
    rows("StringNotEquals", r#""a""#, &words([true, false, true, false, true]));
    rows("StringNotEqualsIfExists", r#""a""#, &words([true, false, true, false, true]));
    rows("Null", r#""true""#, &words([true, false, false, false, false]));
    rows("Null", r#""FALSE""#, &words([false, true, true, true, true]));
    rows("Null", r#"["true","false"]"#, &words([true, true, true, true, true]));
    rows("StringEquals", "[]", &words([false, false, false, false, false]));
    rows("StringNotEquals", "[]", &words([true, true, true, false, true]));
}

/// L-612, L-606.
#[test]
fn with_a_set_prefix() {
    let words = |truths: [bool; 8]| {
        let words = ["-", "a", "c", "[a,b]", "[a,c]", "[c,d]", "[,]", "!"];
        words.into_iter().zip(truths).collect::<Vec<_>>()
    };
    let (all, some) = ("ForAllValues:StringEquals", "ForAnyValue:StringEquals");
    let (none, other) = ("ForAllValues:StringNotEquals", "ForAnyValue:StringNotEquals");
    let ab = r#"["a","b"]"#;
    rows(all, ab, &words([true, true, false, true, false, false, true, false]));
    rows(some, ab, &words([false, true, false, true, true, false, false, false]));
    rows(none, ab, &words([true, false, true, false, false, true, true, true]));
    rows(other, ab, &words([false, false, true, false, true, true, false, true]));
    check("ForAnyValue:StringEqualsIfExists", ab, "-", false);
    check("ForAllValues:Null", r#""true""#, "a", true);
    check("ForAnyValue:Null", r#""true""#, "-", false);
}

/// L-602, L-622, L-623, section 6.4.
#[test]
fn values_are_joined() {
    rows("StringNotLike", r#"["a*","b*"]"#, &[("bc", false), ("c", true)]);
    rows("NumericNotEquals", r#"["x"]"#, &[("5", true)]);
    rows("NumericLessThan", r#"["5","20"]"#, &[("10", true), ("20", false), ("x", false)]);
    rows("NumericGreaterThanEquals", "10", &[("1e1", true), ("9.99", false)]);
    rows("NotIpAddress", r#"["10.0.0.0/8","bad"]"#, &[("10.1.1.1", false), ("::1", true)]);
    rows("IpAddress", r#""::ffff:203.0.113.0/120""#, &[("203.0.113.7", true)]);
    rows("DateLessThan", r#""2024-07-01""#, &[("2024-06-30T23:59:59Z", true)]);
    rows("DateGreaterThan", r#""2024""#, &[("2025-01-01T00:00:00Z", true), ("2025", true)]);
    rows("Bool", "true", &[("TRUE", true), ("1", false)]);
    rows("BinaryEquals", r#""aGk=""#, &[("aGk=", true), ("aGk", false)]);
}

/// L-614, L-404.
#[test]
fn texts_compare_by_scalars() {
    rows("StringEquals", r#""a*""#, &[("a*", true), ("ab", false)]);
    rows("StringLike", r#""a?c*""#, &[("abc", true), ("ac", false), ("a:c/d", true)]);
    rows("StringEqualsIgnoreCase", r#""straße""#, &[("STRAßE", true), ("STRASSE", false)]);
    rows("StringEqualsIgnoreCase", r#""ΣΑΣ""#, &[("σας", true)]);
}

/// L-620.
#[test]
fn arns_match_segment_by_segment() {
    let operator = "ArnLike";
    rows(operator, r#""*""#, &[("arn:aws:iam::1:role/r", false), ("*", false)]);
    rows(operator, r#""arn:aws:x:*:1:f/*""#, &[("arn:aws:x:r:9:s/a:1:f/d", false)]);
    rows(operator, r#""arn:aws:x:*:1:f/*""#, &[("arn:aws:x:r:1:f/a:b", true)]);
    rows("ArnNotEquals", r#""arn:aws:x:?:1:f""#, &[("arn:aws:x:r:1:f", false), ("f", true)]);
}

/// L-506 – L-509, L-511.
#[test]
fn variables_are_replaced_by_literal_text() {
    rows("StringEquals", r#""x${test:V}y""#, &[("xabcy", true)]);
    rows("StringLike", r#""${test:k}""#, &[("*", true), ("[a]", false)]);
    rows("StringLike", r#""a${*}c""#, &[("a*c", true), ("abc", false)]);
    rows("StringEquals", r#""${test:none, 'd'}""#, &[("d", true)]);
    rows("StringEquals", r#""${test:none, ''}""#, &[("", true)]);
    rows("StringEquals", r#"["${test:none}","d"]"#, &[("d", true), ("e", false)]);
    rows("StringNotEquals", r#"["${test:none}"]"#, &[("d", true)]);
    rows("ArnLike", r#""${test:k}""#, &[("arn:aws:s3:::b:c", true)]);
    rows("NumericEquals", r#""${test:k}""#, &[("5", false)]);
}
