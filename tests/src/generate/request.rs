//! Requests of every kind of principal.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::condition::any_value;
use super::text::{
    ACCOUNTS, APART, INSIDE, NAMED, OUTSIDE, SERVICES, SESSIONS, TARGETS, role_arn, session_arn,
    user_arn,
};
use super::{Source, mistake, policy, world};

/// Keys that requests say something of without carrying them.
const LISTED_KEYS: [&str; 20] = [
    "x:k",
    "x:n",
    "s3:prefix",
    "aws:PrincipalTag/team",
    "aws:requesttag/team",
    "aws:ResourceTag/team",
    "aws:SourceIp",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalOrgID",
    "aws:ResourceOrgPaths",
    "aws:userid",
    "aws:CalledVia",
    "sts:ExternalId",
    "aws:SourceIdentity",
    "aws:TagKeys",
    "iam:PassedToService",
    "iam:PermissionsBoundary",
    "sts:SourceIdentity",
    "s3:RequestObjectTagKeys",
    "rds:req-tag/team",
];

/// Resources that requests name for actions which take none (E-6); the path continues the form in
/// which some of these actions are written.
const NAMED_FOR_NOTHING: [&str; 4] = [
    "arn:aws:s3:::b1/k",
    "arn:aws:iam::111111111111:user/ana",
    "arn:aws:iam::111111111111:user/team/",
    "arn:aws-cn:sqs:cn-north-1:111111111111:q",
];

/// What root is assumed for: the two tasks that resources ask about, and one that they do not.
const TASKS: [&str; 3] =
    ["S3UnlockBucketPolicy", "SQSUnlockQueuePolicy", "IAMAuditRootUserCredentials"];

/// A caller that CloudFront makes up.
const ORIGIN_ACCESS_IDENTITY: &str =
    "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E2EXAMPLE";

/// A request.
pub(super) fn request(source: &mut Source<'_>) -> Value {
    if source.percent(1) {
        return mistake::request(source);
    }
    let mut request = json!({"principal": principal(source)});
    let kind = request["principal"]["type"].as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "federated" => {
            let actions =
                ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML", "sts:AssumeRole"];
            let at = if source.percent(5) { 2 } else { source.below(2) };
            let action = actions[at];
            request["action"] = json!(action);
            request["resource"] = json!(role_arn(source, INSIDE[0]));
        }
        _ => target(source, &mut request),
    }
    circumstances(source, &mut request);
    if kind == "service" && source.percent(50) {
        request["source"] = json!({"account": source.pick(&NAMED)});
    }
    request
}

fn target(source: &mut Source<'_>, request: &mut Value) {
    if source.percent(4) {
        request["action"] = json!("ec2:RunInstances");
        request["resources"] = json!([
            "arn:aws:ec2:eu-west-1:111111111111:instance/*",
            "arn:aws:ec2:eu-west-1::image/ami-1",
            "arn:aws:ec2:eu-west-1:111111111111:subnet/subnet-1",
        ]);
        return;
    }
    if source.percent(10) {
        let checks = source.list(2, 3, |source| {
            let (action, resource) = source.pick(&TARGETS);
            let mut check = json!({"action": action, "resource": resource});
            if source.percent(20) {
                check["context"] = context(source);
            }
            if source.percent(20) {
                check["data"] = resource_data(source);
            }
            check
        });
        request["checks"] = json!(checks);
        return;
    }
    let (action, resource) = source.pick(&TARGETS);
    request["action"] =
        json!(if source.percent(5) { action.to_lowercase() } else { action.to_owned() });
    if resource != "*" {
        request["resource"] = json!(resource);
    } else if source.percent(50) {
        let named = source.percent(50);
        request["resource"] = json!(if named { source.pick(&NAMED_FOR_NOTHING) } else { "*" });
    }
    if source.percent(15) {
        request["resourceData"] = resource_data(source);
    }
}

fn resource_data(source: &mut Source<'_>) -> Value {
    match source.below(6) {
        0 => json!({"tags": world::tags(source)}),
        1 => json!({"objectOwner": source.pick(&ACCOUNTS)}),
        2 => json!({"publicAccessBlock": {"restrictPublicBuckets": true}}),
        3 => json!({"kmsGrants": source.list(1, 2, world::grant)}),
        4 => json!({"managedByAws": true}),
        _ => {
            let policies = source.list(1, 2, |source| policy::resource(source, "arn:aws:s3:::b1"));
            json!({"policy": policies})
        }
    }
}

fn circumstances(source: &mut Source<'_>, request: &mut Value) {
    if source.percent(60) {
        request["context"] = context(source);
    }
    if source.percent(20) {
        request["requestTags"] = world::tags(source);
        if source.percent(5) {
            request["requestTags"][""] = json!("a");
        }
    }
    if source.percent(50) {
        request["network"] = network(source);
    }
    if source.percent(15) {
        let via = source.list(0, 2, |source| source.pick(&SERVICES));
        request["via"] = json!(via);
    }
    if source.percent(40) {
        request["region"] = json!(source.pick(&["eu-west-1", "us-east-1"]));
    }
    lists(source, request);
    if source.percent(10) {
        request["time"] = json!(source.pick(&["2024-05-01T11:59:59Z", "2024-06-01T00:00:00Z"]));
    }
}

/// What a request says of keys that it does not carry (E-122). Only in partial context may some be
/// unknown.
fn lists(source: &mut Source<'_>, request: &mut Value) {
    let keys = |source: &mut Source<'_>| {
        source.list(1, 2, |source| source.pick(&LISTED_KEYS)).into_iter().collect::<BTreeSet<_>>()
    };
    if source.percent(12) {
        request["absent"] = json!(keys(source));
    }
    if source.percent(8) {
        let prefixes = ["*", "x:", "aws:RequestTag/", "aws:PrincipalTag/", "aws:", "s3:", "iam:"];
        request["complete"] = json!([source.pick(&prefixes)]);
    }
    if source.percent(5) {
        request["unknown"] = json!(keys(source));
    }
}

fn network(source: &mut Source<'_>) -> Value {
    match source.below(4) {
        0 => {
            let vpce = source.pick(&["vpce-1", "vpce-2", "vpce-3"]);
            json!({"vpce": vpce, "vpcSourceIp": "10.0.0.1"})
        }
        1 => {
            json!({"sourceIp": source.pick(&["203.0.113.7", "198.51.100.1", "2001:db8::1"]), "secureTransport": false})
        }
        _ => {
            json!({"sourceIp": source.pick(&["203.0.113.7", "198.51.100.1", "2001:db8::1", "::ffff:203.0.113.9"])})
        }
    }
}

/// Keys that a request may not contradict, unless an option lets it.
const DERIVED: [&str; 20] = [
    "aws:CalledVia",
    "aws:CalledViaLast",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalTag/team",
    "aws:RequestTag/team",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:ResourceTag/team",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:TagKeys",
    "aws:username",
    "iam:PermissionsBoundary",
    "ec2:ResourceTag/Team",
    "s3:ExistingObjectTag/team",
    "s3:BucketTag/team",
    "rds:req-tag/team",
    "s3:RequestObjectTagKeys",
    "secretsmanager:ResourceTag/team",
];

/// Keys that no request carries, whatever it says: names that are none, and tags without a name.
const NEVER: [&str; 8] = [
    "plain",
    ":plain",
    "aws:ARN",
    "aws:PrincipalTag/",
    "aws:RequestTag/",
    "aws:ResourceTag",
    "kms:EncryptionContext:",
    "s3:ExistingObjectTag/",
];

/// What they are given.
/// Organizations of accounts that are in none of the world's, and one that is its own.
const ORGANIZATIONS: [(&str, &str); 7] = [
    ("aws:PrincipalOrgID", "o-partner000"),
    ("aws:PrincipalOrgID", "o-w1aaaaaaaa"),
    ("aws:PrincipalOrgPaths", "o-partner000/r-9aaa/ou-9aaa-aaaaaaa1/"),
    ("aws:ResourceOrgID", "o-partner000"),
    ("aws:ResourceOrgPaths", "o-partner000/r-9aaa/"),
    ("aws:SourceOrgID", "o-partner000"),
    ("aws:VpceOrgID", "o-partner000"),
];

const VALUES: [&str; 5] = ["true", "a", "ana", "10.0.0.1", "team"];

fn context(source: &mut Source<'_>) -> Value {
    let entries = source.list(0, 4, |source| {
        let (key, value) = match source.below(20) {
            0 => ("sts:ExternalId", json!(source.pick(&["a", "b"]))),
            1 => ("kms:ViaService", json!("s3.eu-west-1.amazonaws.com")),
            2 => ("s3:prefix", json!(source.pick(&["", "a", "ab", "ana"]))),
            3 => ("x:n", json!(source.pick(&[10, 9, -1]))),
            4 => ("x:n", json!(source.pick(&["10.0", "1e1", "9007199254740993", "ten"]))),
            5 => ("x:b", json!(source.pick(&["QQ==", "Qg=="]))),
            6 => ("X:K", json!(source.pick(&["a", "b", "ana"]))),
            7 => ("x:k", json!(source.list(0, 2, |source| source.pick(&["a", "b", "ab", ""])))),
            8 if source.percent(40) => {
                let names = source.list(1, 2, |source| source.pick(&["app", "app", "of"]));
                ("kms:EncryptionContextKeys", json!(names))
            }
            8 => ("kms:EncryptionContext:app", json!(source.pick(&["a", "b"]))),
            9 => ("x:t", json!(source.percent(50))),
            10 => ("x:k", any_value(source)),
            11 => ("X:k", any_value(source)),
            12 => ("x:k", json!(source.list(1, 3, any_value))),
            13 => ("sts:SourceIdentity", json!(source.pick(&["ana", "a"]))),
            14 if source.percent(30) => {
                let key = source.pick(&DERIVED);
                // Which of several mistakes of one request is named is nobody's business.
                let values = if key.contains("MultiFactor") { &["true"] } else { &VALUES[..] };
                (key, json!(source.pick(values)))
            }
            14 => (source.pick(&NEVER), any_value(source)),
            15 if source.percent(15) => {
                let (key, value) = source.pick(&ORGANIZATIONS);
                (key, json!(value))
            }
            15 => ("iam:PassedToService", json!(source.pick(&SERVICES))),
            _ => ("x:k", json!(source.pick(&["a", "b", "ab", "A", "a*", "", "\"a\""]))),
        };
        (key.to_owned(), value)
    });
    Value::Object(Map::from_iter(entries))
}

fn principal(source: &mut Source<'_>) -> Value {
    let account = source.pick(&[INSIDE[0], INSIDE[0], INSIDE[1], APART, ACCOUNTS[0]]);
    match source.below(20) {
        0..=4 => user(source, account),
        5..=10 => role_session(source, account),
        11 | 12 => federated_user(source, account),
        13 => {
            let mut root = json!({"type": "federatedRoot", "account": account});
            root["session"] = session(source, "F");
            root
        }
        14 => json!({"type": "root", "account": account}),
        15 => {
            let task = source.pick(&TASKS);
            let task = format!("arn:aws:iam::aws:policy/root-task/{task}");
            let mut root = json!({"type": "assumedRoot", "account": account});
            if source.percent(80) {
                root["session"] = json!({"taskPolicyArn": task});
            }
            root
        }
        16 | 17 => json!({"type": "service", "service": source.pick(&SERVICES)}),
        18 if source.percent(60) => {
            let provider = policy::provider(source);
            let claims = claims(source);
            json!({"type": "federated", "provider": provider, "session": {"claims": claims}})
        }
        18 => json!({"type": "oai", "arn": ORIGIN_ACCESS_IDENTITY}),
        _ => match source.below(4) {
            0 => json!(format!("arn:aws:iam::{OUTSIDE}:root")),
            1 => json!(user_arn(source, OUTSIDE)),
            2 => json!(session_arn(source, OUTSIDE)),
            _ => json!("anonymous"),
        },
    }
}

fn user(source: &mut Source<'_>, account: &str) -> Value {
    let arn = user_arn(source, account);
    match source.below(10) {
        0 => json!({"type": "user", "arn": arn, "session": {"temporary": true}}),
        1 => json!({"type": "user", "arn": arn, "session": {"mfa": source.percent(70)}}),
        2 => json!({"type": "user", "arn": arn, "session": {"console": true}}),
        3 => {
            let mut inline = json!({"policies": source.list(0, 2, policy::identity)});
            if source.percent(30) {
                inline["boundary"] = policy::identity(source);
            }
            if source.percent(30) {
                inline["tags"] = world::tags(source);
            }
            json!({"type": "user", "arn": arn, "inline": inline})
        }
        _ => json!(arn),
    }
}

fn role_session(source: &mut Source<'_>, account: &str) -> Value {
    if source.percent(40) {
        return json!(session_arn(source, account));
    }
    let name = policy::session_name(source);
    let role = role_arn(source, account);
    let mut principal = json!({"type": "roleSession", "role": role});
    principal["session"] = session(source, name);
    match source.below(40) {
        // Named twice, as logs do.
        0..3 => {
            let role = role.rsplit('/').next().unwrap_or_default();
            principal["arn"] = json!(format!("arn:aws:sts::{account}:assumed-role/{role}/{name}"));
        }
        // One name may contradict the other.
        3 => {
            let account = source.pick(&[account, INSIDE[0], OUTSIDE]);
            principal["arn"] = json!(session_arn(source, account));
        }
        _ => {}
    }
    if source.percent(20) {
        principal["session"]["sourceIdentity"] = json!(source.pick(&["ana", "a"]));
    }
    if source.percent(10) {
        principal["session"]["transitiveTagKeys"] = json!(["team"]);
    }
    if source.percent(10) {
        principal["session"]["delivery"] = delivery(source);
    }
    if source.percent(10) {
        principal["session"]["claims"] = claims(source);
    }
    principal
}

/// Claims of an identity provider: lists and texts for single-valued keys, for multivalued ones
/// and for those that nobody declares.
fn claims(source: &mut Source<'_>) -> Value {
    let entries = source.list(1, 3, |source| {
        let (key, is_single) = source.pick(&[
            ("idp.example.com:sub", false),
            ("idp.example.com:sub", false),
            ("idp.example.com:email", false),
            ("saml:sub", true),
            ("SAML:Sub", true),
            ("saml:sub_type", true),
            ("saml:mail", false),
            ("saml:resourcetag/", false),
        ]);
        let high = if is_single { 1 } else { 2 };
        let value = match source.below(4) {
            0 => json!(source.list(0, high, |source| source.pick(&["a", "b"]))),
            1 => any_value(source),
            _ => json!(source.pick(&["a", "b"])),
        };
        (key.to_owned(), value)
    });
    Value::Object(Map::from_iter(entries))
}

/// How the credentials reached a workload.
fn delivery(source: &mut Source<'_>) -> Value {
    const INSTANCE: &str = "arn:aws:ec2:eu-west-1:111111111111:instance/i-1";
    match source.below(4) {
        0 => json!({"kind": "ec2", "instanceArn": INSTANCE, "vpc": "vpc-1"}),
        1 => json!({"kind": "ec2", "roleDelivery": "2.0", "privateIp": "10.0.0.1"}),
        2 => json!({"kind": "ssm", "instanceArn": INSTANCE}),
        _ => {
            let function = "arn:aws:lambda:eu-west-1:111111111111:function:f";
            json!({"kind": "lambda", "functionArn": function})
        }
    }
}

fn federated_user(source: &mut Source<'_>, account: &str) -> Value {
    let mut principal = json!({"type": "federatedUser", "user": user_arn(source, account)});
    let name = source.pick(&["F", SESSIONS[0]]);
    principal["session"] = session(source, name);
    principal
}

fn session(source: &mut Source<'_>, name: &str) -> Value {
    let mut session = json!({"name": name});
    if source.percent(40) {
        session["policy"] = policy::identity(source);
    }
    if source.percent(15) {
        let arns = [
            "arn:aws:iam::111111111111:policy/p",
            "arn:aws:iam::aws:policy/IAMReadOnlyAccess",
            "arn:aws:iam::111111111111:policy/missing",
        ];
        session["policyArns"] = json!([source.pick(&arns)]);
    }
    if source.percent(30) {
        session["tags"] = world::tags(source);
    }
    if source.percent(10) {
        session["issuedAt"] = json!("2024-05-01T11:00:00Z");
    }
    session
}
