//! Request lines that say little, as most lines of a stream do: a principal, an action and a
//! resource as texts, and single texts as context. Now and then one that only looks so.

use serde_json::json;

use super::Source;
use super::text::{INSIDE, MANAGEMENT, NAMED, OUTSIDE, TARGETS, session_arn, user_arn};

/// Keys of plain context, and texts for each: those that mean something, and those that do not.
const CONTEXT: [(&str, &[&str]); 46] = [
    ("aws:SourceIp", &["203.0.113.7", "198.51.100.1", "10.0.0.1", "2001:db8::1", "nowhere"]),
    ("AWS:sourceip", &["203.0.113.7"]),
    ("aws:UserAgent", &["a", "ana", ""]),
    ("aws:Referer", &["a", "b"]),
    ("aws:SecureTransport", &["true", "false", "True"]),
    ("aws:RequestedRegion", &["eu-west-1", "us-east-1", "a"]),
    ("aws:ViaAWSService", &["true", "false"]),
    ("aws:CurrentTime", &["2024-05-01T11:59:59Z", "2024-06-01T00:00:00Z", "2024-05-01", "noon"]),
    ("aws:CurrentTime", &["1714564800"]),
    ("aws:EpochTime", &["1714564800", "1717200000", "2024-05-01T12:00:00Z"]),
    ("aws:MultiFactorAuthPresent", &["true", "false", "TRUE", "maybe"]),
    ("aws:MultiFactorAuthPresent", &["true", "false"]),
    ("aws:MultiFactorAuthAge", &["10", "true"]),
    ("aws:username", &["ana", "bob", "Ana"]),
    ("aws:PrincipalAccount", &[INSIDE[0], INSIDE[1]]),
    ("aws:PrincipalType", &["User", "AssumedRole"]),
    ("aws:PrincipalTag/team", &["a", "b", "ana"]),
    ("aws:PrincipalOrgID", &["o-w1aaaaaaaa"]),
    ("aws:ResourceTag/team", &["a", "b", "ana"]),
    ("aws:ResourceTag/Team", &["a", "ab"]),
    ("AWS:resourcetag/team", &["a"]),
    ("s3:ExistingObjectTag/team", &["a", "b"]),
    ("ec2:ResourceTag/team", &["a", "b", "ana"]),
    ("ec2:ResourceTag/Team", &["a", "b"]),
    ("secretsmanager:ResourceTag/team", &["a", "b"]),
    ("rds:req-tag/team", &["a", "b"]),
    ("s3:BucketTag/team", &["a", "b"]),
    ("s3:RequestObjectTagKeys", &["team"]),
    ("s3:BucketTag/team", &["a", "b"]),
    ("iam:ResourceTag/team", &["a", "b"]),
    ("aws:RequestTag/team", &["a", "b"]),
    ("aws:RequestTag/env", &["a"]),
    ("aws:TagKeys", &["team"]),
    ("sts:ExternalId", &["a", "b"]),
    ("sts:SourceIdentity", &["ana", "a"]),
    ("sts:RoleSessionName", &["ana", "s"]),
    ("aws:SourceIdentity", &["ana"]),
    ("aws:ResourceAccount", &[INSIDE[0]]),
    ("s3:prefix", &["", "a", "ab", "ana"]),
    ("x:n", &["10", "9", "ten"]),
    ("x:k", &["a", "b", "ab", "A", "a*", ""]),
    ("X:K", &["a", "ana"]),
    ("plain", &["a"]),
    ("aws:ARN", &["a", "ana"]),
    ("aws:RequestTag/", &["a"]),
    ("AWS:ResourceTag", &["a", "b"]),
];

/// Resources of which the world knows no more than their ARNs, as of most in a stream.
const UNRECORDED: [(&str, &str); 10] = [
    ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:111111111111:other"),
    ("sqs:SendMessage", "arn:aws:sqs:us-east-1:222222222222:other"),
    ("lambda:InvokeFunction", "arn:aws:lambda:eu-west-1:111111111111:function:other"),
    ("ec2:StartInstances", "arn:aws:ec2:eu-west-1:111111111111:instance/i-1"),
    ("ec2:StartInstances", "arn:aws:ec2:us-east-1:222222222222:instance/i-2"),
    ("ec2:StartInstances", "arn:aws-cn:ec2:cn-north-1:111111111111:instance/i-1"),
    ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:111111111111:secret:s-1"),
    ("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:111111111111:table/t"),
    ("iam:GetRole", "arn:aws:iam::111111111111:role/elsewhere"),
    ("iam:GetUser", "arn:aws:iam::222222222222:user/elsewhere"),
];

/// More resources than each action takes.
const ODD_RESOURCES: [&str; 10] = [
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::b1/k/",
    "arn:aws:s3:::b1/\u{e9}\u{4e2d}",
    "arn:aws:iam::111111111111:user/",
    "arn:aws:sqs:us-east-1:111111111111:q",
    "arn:aws:lambda:eu-west-1:111111111111:function:f",
    "arn:aws:s3:::b1:x/k",
    "arn:aws:s3",
    "b1/k",
];

/// A line.
pub(super) fn line(source: &mut Source<'_>) -> String {
    let (action, resource) = target(source);
    let mut members = vec![
        format!("\"principal\":{}", json!(principal(source))),
        format!("\"action\":{}", json!(action)),
    ];
    members.extend(resource.map(|resource| format!("\"resource\":{}", json!(resource))));
    if source.percent(80) {
        members.push(context(source));
    }
    if source.percent(30) {
        members.push(format!("\"id\":{}", source.pick(&["7", "\"a\"", "0", "\"\\u0041\""])));
    }
    if source.percent(3) {
        let again = members[source.below(members.len())].clone();
        members.push(again);
    }
    // In any order.
    for at in (1..members.len()).rev() {
        let other = source.below(at + 1);
        members.swap(at, other);
    }
    let (open, comma) = source.pick(&[("{", ","), ("{", ","), ("{ ", " , "), ("{", ",\t")]);
    format!("{open}{}}}", members.join(comma))
}

fn target(source: &mut Source<'_>) -> (String, Option<&'static str>) {
    let (action, resource) =
        if source.percent(40) { source.pick(&UNRECORDED) } else { source.pick(&TARGETS) };
    let action = match source.below(20) {
        0 => action.to_lowercase(),
        1 => source.pick(&TARGETS).0.to_owned(),
        2 => "s3:NoSuchAction".to_owned(),
        _ => action.to_owned(),
    };
    let resource = match source.below(12) {
        0 => Some(source.pick(&ODD_RESOURCES)),
        1 => None,
        2 => Some(source.pick(&TARGETS).1),
        _ => Some(resource).filter(|resource| *resource != "*" || source.percent(50)),
    };
    (action, resource)
}

fn principal(source: &mut Source<'_>) -> String {
    let account = source.pick(&[INSIDE[0], INSIDE[0], INSIDE[1], MANAGEMENT, NAMED[3]]);
    match source.below(20) {
        0..=7 => user_arn(source, account),
        8..=13 => session_arn(source, account),
        14 => format!("arn:aws:iam::{account}:root"),
        15 => format!("arn:aws:sts::{account}:federated-user/ana"),
        16 => user_arn(source, OUTSIDE),
        17 => source.pick(&["anonymous", "lambda.amazonaws.com", "*"]).to_owned(),
        18 => format!("arn:aws:iam::{account}:user/nobody"),
        _ => session_arn(source, OUTSIDE),
    }
}

fn context(source: &mut Source<'_>) -> String {
    let entries = source.list(0, 4, |source| {
        let (key, texts) = source.pick(&CONTEXT);
        let value = match source.below(40) {
            0 => json!([source.pick(texts)]),
            1 => json!(true),
            _ => json!(source.pick(texts)),
        };
        format!("{}:{value}", json!(key))
    });
    format!("\"context\":{{{}}}", entries.join(","))
}
