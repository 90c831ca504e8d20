//! Policy documents of every type.

use serde_json::{Map, Value, json};

use super::Source;
use super::text::{
    ACCOUNTS, APART, INSIDE, NAMED, OUTSIDE, SERVICES, SESSIONS, TAG_KEYS, TARGETS, role_arn,
    session_arn, user_arn,
};

/// A policy of a user, group or role, a boundary or a session policy.
pub(super) fn identity(source: &mut Source<'_>) -> Value {
    document(source, |source| {
        let mut statement = effect(source, 86);
        actions(source, &mut statement, None);
        resources(source, &mut statement, None);
        conditions(source, &mut statement);
        statement
    })
}

/// A policy of a resource.
pub(super) fn resource(source: &mut Source<'_>, arn: &str) -> Value {
    let service = arn.split(':').nth(2).unwrap_or_default().to_owned();
    document(source, |source| {
        let mut statement = effect(source, 85);
        let negated = source.percent(8);
        let name = if negated { "NotPrincipal" } else { "Principal" };
        statement.insert(name.into(), principals(source, negated));
        actions(source, &mut statement, Some(&service));
        resources(source, &mut statement, Some(arn));
        conditions(source, &mut statement);
        statement
    })
}

/// A trust policy.
pub(super) fn trust(source: &mut Source<'_>) -> Value {
    const ACTIONS: [&str; 6] = [
        "sts:AssumeRole",
        "sts:*",
        "sts:Assume*",
        "sts:TagSession",
        "sts:SetSourceIdentity",
        "sts:AssumeRoleWithWebIdentity",
    ];
    document(source, |source| {
        let mut statement = effect(source, 85);
        let principal = match source.below(6) {
            0 => json!({"Federated": provider(source)}),
            1 => json!({"Service": source.pick(&SERVICES)}),
            2 => json!({"AWS": source.pick(&NAMED)}),
            3 => json!({"AWS": "*"}),
            _ => json!({"AWS": aws_principal(source)}),
        };
        statement.insert("Principal".into(), principal);
        let actions = source.list(1, 3, |source| json!(source.pick(&ACTIONS)));
        statement.insert("Action".into(), json!(actions));
        conditions(source, &mut statement);
        statement
    })
}

/// A policy of a VPC endpoint.
pub(super) fn endpoint(source: &mut Source<'_>) -> Value {
    document(source, |source| {
        let mut statement = effect(source, 85);
        let everyone = source.percent(60);
        let principal = if everyone { json!("*") } else { principals(source, false) };
        statement.insert("Principal".into(), principal);
        actions(source, &mut statement, None);
        resources(source, &mut statement, None);
        conditions(source, &mut statement);
        statement
    })
}

/// A service control policy.
pub(super) fn service_control(source: &mut Source<'_>) -> Value {
    document(source, |source| {
        let mut statement = effect(source, 60);
        actions(source, &mut statement, None);
        resources(source, &mut statement, None);
        conditions(source, &mut statement);
        statement
    })
}

/// A resource control policy.
pub(super) fn resource_control(source: &mut Source<'_>) -> Value {
    const ACTIONS: [&str; 6] = ["s3:*", "s3:GetObject", "kms:*", "sts:Assume*", "sqs:*", "sns:*"];
    document(source, |source| {
        let mut statement = Map::new();
        statement.insert("Effect".into(), json!("Deny"));
        statement.insert("Principal".into(), json!("*"));
        let actions = source.list(1, 2, |source| json!(source.pick(&ACTIONS)));
        statement.insert("Action".into(), json!(actions));
        statement.insert("Resource".into(), json!("*"));
        for _ in 0..2 {
            conditions(source, &mut statement);
        }
        statement
    })
}

fn document(
    source: &mut Source<'_>,
    mut statement: impl FnMut(&mut Source<'_>) -> Map<String, Value>,
) -> Value {
    let mut statements = source.list(1, 3, |source| {
        let mut statement = statement(source);
        if source.percent(30) {
            statement.insert("Sid".into(), json!(format!("S{}", source.below(1000))));
        }
        Value::Object(statement)
    });
    if source.percent(1) {
        statements.push(json!({"Effect": "allow"}));
    }
    let mut document = Map::new();
    if !source.percent(4) {
        let version = if source.percent(96) { "2012-10-17" } else { "2008-10-17" };
        document.insert("Version".into(), json!(version));
    }
    let alone = statements.len() == 1 && source.percent(30);
    let statements = if alone { statements.remove(0) } else { Value::Array(statements) };
    document.insert("Statement".into(), statements);
    Value::Object(document)
}

fn effect(source: &mut Source<'_>, percent_allow: usize) -> Map<String, Value> {
    let effect = if source.percent(percent_allow) { "Allow" } else { "Deny" };
    Map::from_iter([("Effect".to_owned(), json!(effect))])
}

fn one_or_list(source: &mut Source<'_>, mut values: Vec<Value>) -> Value {
    if values.len() == 1 && source.percent(60) { values.remove(0) } else { Value::Array(values) }
}

/// Action or NotAction: whole names, prefixes, suffixes, single characters, other cases.
fn actions(source: &mut Source<'_>, statement: &mut Map<String, Value>, service: Option<&str>) {
    let make = |source: &mut Source<'_>| {
        let (action, _) = match service {
            Some(service) if source.percent(90) => {
                let of_service =
                    TARGETS.iter().filter(|(action, _)| action.split(':').next() == Some(service));
                let of_service: Vec<_> = of_service.copied().collect();
                if of_service.is_empty() { ("s3:GetObject", "") } else { source.pick(&of_service) }
            }
            _ => source.pick(&TARGETS),
        };
        let (vendor, name) = action.split_once(':').unwrap_or((action, "*"));
        let verb = name.find(|c: char| c.is_ascii_uppercase()).map_or(1, |_| 3);
        json!(match source.below(12) {
            0 | 1 => "*".to_owned(),
            2 | 3 => format!("{vendor}:*"),
            4 | 5 => format!("{vendor}:{}*", name.get(..verb).unwrap_or(name)),
            6 => format!("{vendor}:*{}", name.get(verb..).unwrap_or_default()),
            7 => format!("{vendor}:?{}", name.get(1..).unwrap_or_default()),
            8 => action.to_uppercase(),
            _ => action.to_owned(),
        })
    };
    let negated = source.percent(10);
    let low = usize::from(negated || !source.percent(2));
    let values = source.list(low, 3, make);
    let name = if negated { "NotAction" } else { "Action" };
    let values = one_or_list(source, values);
    statement.insert(name.into(), values);
}

/// Resource or NotResource: whole ARNs, wildcards at any place, variables, short forms.
fn resources(source: &mut Source<'_>, statement: &mut Map<String, Value>, own: Option<&str>) {
    let make = |source: &mut Source<'_>| json!(resource_pattern(source, own));
    let negated = source.percent(10);
    let low = usize::from(negated || !source.percent(2));
    let values = source.list(low, 3, make);
    let name = if negated { "NotResource" } else { "Resource" };
    let values = one_or_list(source, values);
    statement.insert(name.into(), values);
}

fn resource_pattern(source: &mut Source<'_>, own: Option<&str>) -> String {
    const FIXED: [&str; 24] = [
        "arn:aws:s3:::b1/*",
        "arn:aws:s3:::b1",
        "arn:aws:s3:::b?/*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::*/k",
        "arn:aws:s3:::b1/*/k",
        "arn:aws:s3:::b1/${aws:username}/*",
        "arn:aws:s3:::b1/${aws:PrincipalTag/team}/*",
        "arn:aws:s3:::b*/${aws:PrincipalTag/team, 'a'}/k",
        "arn:aws:s3:::b1/${aws:PrincipalTag/none}/*",
        "arn:aws:s3:::b1/k${*}",
        "arn:*:s3:::b*",
        "arn:aws:*:*:*:*",
        "arn:aws:s3:*:*:accesspoint/*",
        "arn:aws:kms:*:111111111111:key/*",
        "arn:aws:kms:*:${aws:PrincipalAccount}:*",
        "arn:aws:kms:eu-*-1:1*:key/*1",
        "arn:aws:iam::*:role/*",
        "arn:aws:iam::111111111111:*",
        "arn:aws:sqs:*",
        "arn:aws:sqs:eu-west-1",
        "arn:aws:sqs:${aws:RequestedRegion}:111111111111:q",
        "arn:aws:lambda:*:*:function:f:*",
        "arn:aws:s3:::b1/${aws:username",
    ];
    if let Some(own) = own {
        match source.below(4) {
            0 => return own.to_owned(),
            1 => return format!("{own}/*"),
            2 => return "*".to_owned(),
            _ => {}
        }
    }
    let (_, target) = source.pick(&TARGETS);
    match source.below(10) {
        0..=2 => "*".to_owned(),
        3..=4 => target.to_owned(),
        5 if target.len() > 20 => format!("{}*", &target[..target.len() - 1]),
        _ => source.pick(&FIXED).to_owned(),
    }
}

fn aws_principal(source: &mut Source<'_>) -> String {
    let account = source.pick(&NAMED);
    match source.below(9) {
        0 => account.to_owned(),
        1 => format!("arn:aws:iam::{account}:root"),
        2 | 3 => user_arn(source, account),
        4 | 5 => role_arn(source, account),
        6 => session_arn(source, account),
        7 => format!("arn:aws:sts::{account}:federated-user/F"),
        _ => source.pick(&["AIDAANA0000000000001", "AROAR000000000000001"]).to_owned(),
    }
}

fn principals(source: &mut Source<'_>, negated: bool) -> Value {
    if !negated && source.percent(25) {
        return if source.percent(50) { json!("*") } else { json!({"AWS": "*"}) };
    }
    let mut map = Map::new();
    if source.percent(85) || negated {
        let values = source.list(1, 3, |source| json!(aws_principal(source)));
        let values = one_or_list(source, values);
        map.insert("AWS".into(), values);
    }
    if source.percent(25) {
        map.insert("Service".into(), json!(source.pick(&SERVICES)));
    }
    if source.percent(10) {
        let digits = source.pick(&["aa", "bb"]).repeat(32);
        map.insert("CanonicalUser".into(), json!(digits));
    }
    if map.is_empty() && !negated {
        map.insert("AWS".into(), json!([]));
    }
    Value::Object(map)
}

/// An identity provider.
pub(super) fn provider(source: &mut Source<'_>) -> &'static str {
    source.pick(&[
        "arn:aws:iam::111111111111:oidc-provider/idp.example.com",
        "arn:aws:iam::111111111111:saml-provider/P",
        "accounts.google.com",
    ])
}

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
const KEYS: [(&str, Kind); 38] = [
    ("aws:username", Kind::Text),
    ("AWS:UserName", Kind::Text),
    ("aws:userid", Kind::Text),
    ("aws:PrincipalAccount", Kind::Text),
    ("aws:PrincipalType", Kind::Text),
    ("aws:PrincipalOrgID", Kind::Text),
    ("aws:ResourceOrgID", Kind::Text),
    ("aws:ResourceAccount", Kind::Text),
    ("aws:PrincipalTag/team", Kind::Text),
    ("aws:PrincipalTag/env", Kind::Text),
    ("aws:ResourceTag/team", Kind::Text),
    ("aws:RequestTag/team", Kind::Text),
    ("aws:RequestedRegion", Kind::Text),
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
    ("x:k", Kind::List),
    ("aws:PrincipalArn", Kind::Arn),
    ("aws:SourceArn", Kind::Arn),
    ("aws:SourceIp", Kind::Address),
    ("aws:VpcSourceIp", Kind::Address),
    ("aws:CurrentTime", Kind::Time),
    ("aws:TokenIssueTime", Kind::Time),
    ("x:n", Kind::Number),
    ("aws:MultiFactorAuthPresent", Kind::Truth),
    ("aws:SecureTransport", Kind::Truth),
    ("x:b", Kind::Bytes),
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
fn conditions(source: &mut Source<'_>, statement: &mut Map<String, Value>) {
    if !source.percent(40) {
        return;
    }
    let n_tests = 1 + source.below(2);
    let mut block = match statement.remove("Condition") {
        Some(Value::Object(block)) => block,
        _ => Map::new(),
    };
    for _ in 0..n_tests {
        let (key, kind) = source.pick(&KEYS);
        let (operator, values) = test(source, kind);
        let values = one_or_list(source, values);
        let keys = block.entry(operator).or_insert_with(|| json!({}));
        keys[key] = values;
    }
    statement.insert("Condition".into(), Value::Object(block));
}

fn test(source: &mut Source<'_>, kind: Kind) -> (String, Vec<Value>) {
    if source.percent(8) {
        let values = source.list(1, 2, |source| json!(source.pick(&["true", "false"])));
        return (decorated(source, "Null", kind), values);
    }
    // Now and then an operator of another type than the key's.
    let kind_of_operator = if source.percent(4) { Kind::Text } else { kind };
    let low = usize::from(!source.percent(3));
    let (operators, values): (&[&str], fn(&mut Source<'_>) -> Value) = match kind_of_operator {
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

/// With a set qualifier or `IfExists`, more often where the key is a list.
fn decorated(source: &mut Source<'_>, operator: &str, kind: Kind) -> String {
    let percent = if matches!(kind, Kind::List) { 70 } else { 8 };
    let qualified = source.percent(percent);
    let qualifier = if qualified { source.pick(&["ForAllValues:", "ForAnyValue:"]) } else { "" };
    let suffix = if operator != "Null" && source.percent(20) { "IfExists" } else { "" };
    format!("{qualifier}{operator}{suffix}")
}

fn text_value(source: &mut Source<'_>) -> Value {
    const VALUES: [&str; 36] = [
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
        "${aws:username}",
        "${aws:PrincipalTag/team}",
        "${aws:PrincipalTag/team, 'a'}",
        "${aws:ResourceTag/team}",
        "${*}",
        "${aws:TagKeys}",
        "${broken",
    ];
    match source.below(8) {
        0 => json!(source.pick(&ACCOUNTS)),
        1 => json!(source.pick(&TAG_KEYS)),
        2 if source.percent(20) => json!(10),
        _ => json!(source.pick(&VALUES)),
    }
}

fn arn_value(source: &mut Source<'_>) -> Value {
    let account = source.pick(&[INSIDE[0], INSIDE[1], APART, OUTSIDE]);
    json!(match source.below(10) {
        0 => user_arn(source, account),
        1 => role_arn(source, account),
        2 => format!("arn:aws:iam::{account}:root"),
        3 => format!("arn:aws:iam::{account}:*"),
        4 => "arn:aws:iam::*:role/*".to_owned(),
        5 => "arn:aws:*:*:*:*".to_owned(),
        6 => "*".to_owned(),
        7 => "arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}".to_owned(),
        8 => "arn:aws:s3:::b?".to_owned(),
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

/// A session's name, for whoever needs one.
pub(super) fn session_name(source: &mut Source<'_>) -> &'static str {
    source.pick(&SESSIONS)
}
