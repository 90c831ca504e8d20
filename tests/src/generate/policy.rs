//! Policy documents of every type.

use serde_json::{Map, Value, json};

use super::Source;
use super::condition::conditions;
use super::pattern::{action_pattern, resource_pattern};
use super::text::{INSIDE, NAMED, SERVICES, SESSIONS, TARGETS, role_arn, session_arn, user_arn};

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
        if service == "s3" && source.percent(15) {
            let (operator, key, value) = source.pick(&NARROWING);
            statement.insert("Condition".into(), json!({operator: {key: value}}));
        }
        statement
    })
}

/// Conditions that narrow an Allow to everyone to fixed values, and some that nearly do (E-87).
const NARROWING: [(&str, &str, &str); 17] = [
    ("StringEquals", "aws:PrincipalOrgID", "o-w1aaaaaaaa"),
    ("StringEqualsIfExists", "aws:PrincipalOrgID", "o-w1aaaaaaaa"),
    ("StringEquals", "aws:PrincipalAccount", INSIDE[0]),
    ("StringNotEquals", "aws:PrincipalAccount", INSIDE[0]),
    ("StringEquals", "aws:PrincipalAccount", "anonymous"),
    ("StringLike", "aws:PrincipalAccount", "1*"),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::111111111111:*"),
    ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/R"),
    ("ArnLike", "s3:DataAccessPointArn", "arn:aws:s3:eu-west-1:111111111111:accesspoint/*"),
    ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-w1aaaaaaaa/r-1aaa/*"),
    ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-w1aaaaaaaa/*"),
    ("IpAddress", "aws:SourceIp", "203.0.0.0/8"),
    ("IpAddress", "aws:SourceIp", "200.0.0.0/7"),
    ("IpAddress", "aws:SourceIp", "2001:db8::/32"),
    ("IpAddress", "aws:SourceIp", "2000::/3"),
    ("StringLike", "aws:SourceVpce", "vpce-${x:k}"),
    ("StringEquals", "aws:SourceVpce", "vpce-1"),
];

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
    let mut n_statements = 0;
    let mut statements = source.list(1, 3, |source| {
        let mut statement = statement(source);
        n_statements += 1;
        if source.percent(30) {
            // No two statements of a document may have the same.
            let sid = format!("S{n_statements}N{}", source.below(1000));
            statement.insert("Sid".into(), json!(sid));
        }
        Value::Object(statement)
    });
    if source.percent(2) {
        statements.push(odd_statement(source));
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

/// A statement that says something odd: with most of them the document does not load, and stands
/// in the way of all that it applies to (E-112).
fn odd_statement(source: &mut Source<'_>) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
    let (element, value) = match source.below(11) {
        10 => ("Resource", Value::Null),
        0 => ("Effect", json!("allow")),
        1 => ("Effect", json!(true)),
        2 => ("Note", json!("of no element")),
        3 => ("Action", json!("s3")),
        4 => ("Action", json!("s?:GetObject")),
        5 => (
            "Principal",
            json!({"AWS": source.pick(&["ana", "arn:aws:iam::111111111111:group/g"])}),
        ),
        6 => ("Condition", json!({"StringEquals": {"x:k": ["a", {}]}})),
        7 => ("Condition", json!({"StringEquals": ["x:k"]})),
        // These load.
        8 => ("Action", json!(["s3:Get Object", "s3:*"])),
        _ if source.percent(50) => ("Condition", json!({})),
        _ => ("Condition", json!({"StringEquals": {}})),
    };
    statement[element] = value;
    if let Some(members) = statement.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    statement
}

fn effect(source: &mut Source<'_>, percent_allow: usize) -> Map<String, Value> {
    let effect = if source.percent(percent_allow) { "Allow" } else { "Deny" };
    Map::from_iter([("Effect".to_owned(), json!(effect))])
}

pub(super) fn one_or_list(source: &mut Source<'_>, mut values: Vec<Value>) -> Value {
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
        json!(action_pattern(source, action))
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

/// A session's name, for whoever needs one.
pub(super) fn session_name(source: &mut Source<'_>) -> &'static str {
    source.pick(&SESSIONS)
}
