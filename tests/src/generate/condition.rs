//! Conditions: every operator with every prefix and suffix.

use serde_json::{Map, Value, json};

use super::Source;
use super::policy::one_or_list;
use super::text::{ACCOUNTS, APART, INSIDE, OUTSIDE, TAG_KEYS, role_arn, user_arn};

/// What a condition key is compared with.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    List,
    Arn,
    Address,
    Time,
    Number,
    Truth,
    Bytes,
}

/// The keys of conditions and what they hold.
const KEYS: [(&str, Kind); 68] = [
    ("aws:username", Kind::Text),
    ("AWS:UserName", Kind::Text),
    ("aws:userid", Kind::Text),
    ("aws:PrincipalAccount", Kind::Text),
    ("aws:PrincipalType", Kind::Text),
    ("aws:PrincipalOrgID", Kind::Text),
    ("aws:ResourceOrgID", Kind::Text),
    ("aws:SourceOrgID", Kind::Text),
    ("aws:VpceOrgID", Kind::Text),
    ("aws:ResourceAccount", Kind::Text),
    ("aws:PrincipalTag/team", Kind::Text),
    ("aws:PrincipalTag/env", Kind::Text),
    ("aws:ResourceTag/team", Kind::Text),
    ("aws:RequestTag/team", Kind::Text),
    ("aws:RequestedRegion", Kind::Text),
    ("aws:UserAgent", Kind::Text),
    ("aws:Referer", Kind::Text),
    ("s3:ExistingObjectTag/team", Kind::Text),
    ("iam:ResourceTag/team", Kind::Text),
    ("ec2:ResourceTag/team", Kind::Text),
    ("s3:BucketTag/team", Kind::Text),
    ("s3:RequestObjectTag/team", Kind::Text),
    ("s3:RequestObjectTagKeys", Kind::List),
    ("s3tables:TableBucketTag/team", Kind::Text),
    ("rds:db-tag/team", Kind::Text),
    ("rds:req-tag/team", Kind::Text),
    ("secretsmanager:ResourceTag/team", Kind::Text),
    ("datapipeline:Tag/team", Kind::Text),
    ("saml:doc", Kind::Text),
    ("sts:SourceIdentity", Kind::Text),
    ("aws:SourceVpce", Kind::Text),
    ("aws:SourceVpc", Kind::Text),
    ("aws:SourceAccount", Kind::Text),
    ("aws:SourceIdentity", Kind::Text),
    ("aws:PrincipalServiceName", Kind::Text),
    ("sts:ExternalId", Kind::Text),
    ("kms:ViaService", Kind::Text),
    ("s3:prefix", Kind::Text),
    ("s3:DataAccessPointAccount", Kind::Text),
    ("x:k", Kind::Text),
    ("X:K", Kind::Text),
    ("aws:TagKeys", Kind::List),
    ("aws:CalledVia", Kind::List),
    ("aws:PrincipalOrgPaths", Kind::List),
    ("aws:ResourceOrgPaths", Kind::List),
    ("aws:SourceOrgPaths", Kind::List),
    ("x:k", Kind::List),
    ("aws:PrincipalArn", Kind::Arn),
    ("aws:SourceArn", Kind::Arn),
    ("iam:PermissionsBoundary", Kind::Arn),
    ("aws:SourceIp", Kind::Address),
    ("aws:VpcSourceIp", Kind::Address),
    ("aws:CurrentTime", Kind::Time),
    ("aws:TokenIssueTime", Kind::Time),
    ("aws:EpochTime", Kind::Number),
    ("aws:MultiFactorAuthAge", Kind::Number),
    ("x:n", Kind::Number),
    ("aws:MultiFactorAuthPresent", Kind::Truth),
    ("aws:SecureTransport", Kind::Truth),
    ("aws:ViaAWSService", Kind::Truth),
    ("x:b", Kind::Bytes),
    ("plain", Kind::Text),
    ("aws:ARN", Kind::Arn),
    ("aws:RequestTag/", Kind::Text),
    ("kms:EncryptionContext:", Kind::Text),
    ("saml:sub", Kind::Text),
    ("saml:mail", Kind::List),
    ("idp.example.com:sub", Kind::Text),
];

const TEXT_OPERATORS: [&str; 6] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
];
const ARN_OPERATORS: [&str; 4] = ["ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"];
const NUMERIC_OPERATORS: [&str; 6] = [
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
];
const DATE_OPERATORS: [&str; 6] = [
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
];

/// Adds a condition in some cases.
pub(super) fn conditions(source: &mut Source<'_>, statement: &mut Map<String, Value>) {
    if !source.percent(40) {
        return;
    }
    let n_tests = 1 + source.below(2);
    let mut block = match statement.remove("Condition") {
        Some(Value::Object(block)) => block,
        _ => Map::new(),
    };
    for _ in 0..n_tests {
        let (key, operator, values) = if source.percent(25) {
            let (operator, values) = any_test(source);
            ("x:k", operator, values)
        } else {
            let (key, kind) = source.pick(&KEYS);
            let (operator, values) = test(source, key, kind);
            (key, operator, values)
        };
        let values = one_or_list(source, values);
        let keys = block.entry(operator).or_insert_with(|| json!({}));
        keys[key] = values;
    }
    statement.insert("Condition".into(), Value::Object(block));
}

fn test(source: &mut Source<'_>, key: &str, kind: Kind) -> (String, Vec<Value>) {
    if source.percent(8) {
        let values = source.list(1, 2, |source| json!(source.pick(&["true", "false"])));
        return (decorated(source, "Null", kind), values);
    }
    // Now and then an operator of another type than the key's.
    let kind_of_operator = if source.percent(4) { Kind::Text } else { kind };
    let low = usize::from(!source.percent(3));
    let (operators, values): (&[&str], fn(&mut Source<'_>) -> Value) = match kind_of_operator {
        Kind::Text | Kind::List if key.contains("Org") && source.percent(80) => {
            (&TEXT_OPERATORS, organization_value)
        }
        Kind::Text | Kind::List => (&TEXT_OPERATORS, text_value),
        Kind::Arn => (&ARN_OPERATORS, arn_value),
        Kind::Address => (&["IpAddress", "NotIpAddress"], address_value),
        Kind::Time => (&DATE_OPERATORS, time_value),
        Kind::Number => (&NUMERIC_OPERATORS, number_value),
        Kind::Truth => (&["Bool"], truth_value),
        Kind::Bytes => (&["BinaryEquals"], bytes_value),
    };
    let operator = source.pick(operators);
    let values = source.list(low, 3, values);
    (decorated(source, operator, kind), values)
}

/// Any operator with any prefix and any suffix, about a key that a request gives in any shape or
/// not at all.
fn any_test(source: &mut Source<'_>) -> (String, Vec<Value>) {
    const QUALIFIERS: [&str; 3] = ["", "ForAllValues:", "ForAnyValue:"];
    let (operator, value) = any_operator(source);
    let suffix = if operator != "Null" && source.percent(50) { "IfExists" } else { "" };
    let qualifier = source.pick(&QUALIFIERS);
    (format!("{qualifier}{operator}{suffix}"), source.list(0, 3, value))
}

fn any_operator(source: &mut Source<'_>) -> (&'static str, fn(&mut Source<'_>) -> Value) {
    match source.below(27) {
        n @ 0..6 => (TEXT_OPERATORS[n], text_value),
        n @ 6..10 => (ARN_OPERATORS[n - 6], arn_value),
        n @ 10..16 => (NUMERIC_OPERATORS[n - 10], number_value),
        n @ 16..22 => (DATE_OPERATORS[n - 16], time_value),
        22 => ("IpAddress", address_value),
        23 => ("NotIpAddress", address_value),
        24 => ("Bool", truth_value),
        25 => ("BinaryEquals", bytes_value),
        _ => ("Null", truth_value),
    }
}

/// A value that some operator reads, for a request.
pub(super) fn any_value(source: &mut Source<'_>) -> Value {
    let (_, value) = any_operator(source);
    match value(source) {
        // A wildcard or a variable in a request is text.
        Value::String(text) if source.percent(70) => json!(text.replace(['*', '?'], "a")),
        value => value,
    }
}

/// A variable with or without a default, in place of a text.
pub(super) fn variable(source: &mut Source<'_>, text: &str) -> String {
    const NAMES: [&str; 14] = [
        "aws:username",
        "aws:PrincipalTag/team",
        "aws:principaltag/Env",
        "aws:PrincipalTag/none",
        "aws:PrincipalAccount",
        "aws:RequestedRegion",
        "aws:SourceIdentity",
        "aws:RequestTag/team",
        "aws:ResourceTag/team",
        "aws:TagKeys",
        "aws:userid",
        "sts:ExternalId",
        "x:k",
        "s3:prefix",
    ];
    let name = source.pick(&NAMES);
    match source.below(8) {
        0 | 1 => format!("${{{name}, '{}'}}", text.replace(['\'', '}'], "")),
        2 => format!("${{{name}, ''}}"),
        3 => format!("${{{name}, '*'}}"),
        4 => source.pick(&["${*}", "${?}", "${$}"]).to_owned(),
        _ => format!("${{{name}}}"),
    }
}

/// An organization, by its id or its paths: that of the world, another, or neither for certain.
fn organization_value(source: &mut Source<'_>) -> Value {
    const VALUES: [&str; 12] = [
        "o-w1aaaaaaaa",
        "o-w1aaaaaaaa",
        "o-partner000",
        "o-w1aaaaaaaa/*",
        "o-w1aaaaaaaa/r-1aaa/*",
        "o-w1aaaaaaaa/r-1aaa/ou-1aaa-aaaaaaa1/",
        "o-partner000/*",
        "o-w1aaaaaaa?",
        "o-w1aaaaaaaa*",
        "${aws:PrincipalOrgID}",
        "${aws:ResourceOrgID}/*",
        "o-w1aaaaaaaa/${aws:PrincipalTag/team}/*",
    ];
    json!(source.pick(&VALUES))
}

/// With a set qualifier or `IfExists`, more often where the key is a list.
fn decorated(source: &mut Source<'_>, operator: &str, kind: Kind) -> String {
    let percent = if matches!(kind, Kind::List) { 70 } else { 8 };
    let qualified = source.percent(percent);
    let qualifier = if qualified { source.pick(&["ForAllValues:", "ForAnyValue:"]) } else { "" };
    let suffix = if operator != "Null" && source.percent(20) { "IfExists" } else { "" };
    format!("{qualifier}{operator}{suffix}")
}

fn text_value(source: &mut Source<'_>) -> Value {
    const VALUES: [&str; 38] = [
        "a",
        "b",
        "ab",
        "A",
        "",
        "a*",
        "?b",
        "*",
        "ana",
        "bob",
        "team",
        "env",
        "true",
        "10",
        "eu-west-1",
        "us-*",
        "o-w1aaaaaaaa",
        "o-*",
        "vpce-1",
        "vpc-1",
        "User",
        "AssumedRole",
        "Anonymous",
        "s3.eu-west-1.amazonaws.com",
        "s3.amazonaws.com",
        "lambda.amazonaws.com",
        "o-w1aaaaaaaa/r-1aaa/*",
        "o-w1aaaaaaaa/r-1aaa/ou-1aaa-aaaaaaa1/",
        "straße",
        "\"a\"",
        "a\\\n",
        "${aws:username}",
        "${aws:PrincipalTag/team}",
        "${aws:PrincipalTag/team, 'a'}",
        "${aws:ResourceTag/team}",
        "${*}",
        "${aws:TagKeys}",
        "${broken",
    ];
    match source.below(10) {
        0 => json!(source.pick(&ACCOUNTS)),
        1 => json!(source.pick(&TAG_KEYS)),
        3 => json!(variable(source, "a")),
        2 if source.percent(20) => json!(10),
        _ => json!(source.pick(&VALUES)),
    }
}

fn arn_value(source: &mut Source<'_>) -> Value {
    let account = source.pick(&[INSIDE[0], INSIDE[1], APART, OUTSIDE]);
    json!(match source.below(11) {
        10 => format!("arn:aws:iam::{account}:policy/p"),
        0 => user_arn(source, account),
        1 => role_arn(source, account),
        2 => format!("arn:aws:iam::{account}:root"),
        3 => format!("arn:aws:iam::{account}:*"),
        4 => "arn:aws:iam::*:role/*".to_owned(),
        5 => "arn:aws:*:*:*:*".to_owned(),
        6 => "*".to_owned(),
        7 => "arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}".to_owned(),
        8 => variable(source, "arn:aws:iam::111111111111:user/ana"),
        _ => "arn:aws:iam::1111111111?1:user/*".to_owned(),
    })
}

fn address_value(source: &mut Source<'_>) -> Value {
    json!(source.pick(&[
        "203.0.113.0/24",
        "203.0.113.7",
        "10.0.0.0/8",
        "0.0.0.0/0",
        "2001:db8::/32",
        "::ffff:203.0.113.0/120",
        "203.0.113.7/25",
        "bad",
    ]))
}

fn time_value(source: &mut Source<'_>) -> Value {
    json!(source.pick(&[
        "2024-05-01T12:00:00Z",
        "2024-05-01",
        "2024-05",
        "1714564800",
        "2024-05-01T14:00:00+02:00",
        "2024",
        "tomorrow",
    ]))
}

fn number_value(source: &mut Source<'_>) -> Value {
    match source.below(4) {
        0 => json!(10),
        1 => json!(-1),
        _ => json!(source.pick(&["10", "10.0", "9", "1e1", "0.1", "9007199254740993", "ten"])),
    }
}

fn truth_value(source: &mut Source<'_>) -> Value {
    if source.percent(30) {
        return json!(source.percent(50));
    }
    json!(source.pick(&["true", "false", "TRUE", "1"]))
}

fn bytes_value(source: &mut Source<'_>) -> Value {
    json!(source.pick(&["QQ==", "Qg==", "QQ"]))
}
