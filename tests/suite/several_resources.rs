//! Requests that name several resources at once (E-68), which a test of a scenario cannot: there a
//! list is as many requests. The reference and the tables make the same checks of them.

use assize::formats::RequestRecord;
use assize_model::{Decision, EffectiveDecision};
use assize_tests::answer::{Answer, Oracle, engine};
use assize_tests::corpus::read_scenario;
use serde_json::json;

/// The decision and the checks of an action on resources by a user who may do what is listed.
fn decide(allowed: &[(&str, &str)], action: &str, resources: &[&str]) -> (Decision, Vec<String>) {
    let statements: Vec<_> = allowed
        .iter()
        .map(|(action, on)| json!({"Effect": "Allow", "Action": action, "Resource": on}))
        .collect();
    let key = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow",
        "Principal": {"AWS": "111111111111"}, "Action": "kms:*", "Resource": "*"}});
    let keys: Vec<_> = [SOURCE, TARGET].map(|arn| json!({"arn": arn, "policy": key})).into();
    let world = json!({"assize": 1, "options": {"time": "2024-05-01T12:00:00Z"},
        "accounts": {"111111111111": {"users": {"u": {"inline": {"p":
            {"Version": "2012-10-17", "Statement": statements}}}}}},
        "resources": keys});
    let bytes = world.to_string().into_bytes();
    let scenario = read_scenario("several.assize.json", &bytes).expect("a world");
    let request = json!({"principal": "arn:aws:iam::111111111111:user/u", "action": action,
        "resources": resources})
    .to_string();
    let record = RequestRecord::parse(&request).expect("a request");
    let oracle = Oracle::new(&scenario.snapshot, &scenario.options);
    let expected = oracle.evaluate(&record.request);
    let engine = engine(&scenario.snapshot, &scenario.options);
    let found = Answer::of_outcome(&engine.decide(&record.request));
    assert_eq!(found, Answer::of_decision(&expected), "{request}");
    let (expected, explained) = (expected.expect("a decision"), engine.explain(&record.request));
    assert_eq!(checks_of(&explained.expect("a decision")), checks_of(&expected), "{request}");
    (expected.decision, checks_of(&expected))
}

fn checks_of(decided: &EffectiveDecision) -> Vec<String> {
    decided.checks.iter().map(|check| format!("{} {}", check.action, check.resource)).collect()
}

const SOURCE: &str = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000001";
const TARGET: &str = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000002";

/// E-82: of two keys the first is decrypted with, the second encrypted with.
#[test]
fn two_keys_are_encrypted_from_and_to() {
    let wanted = [format!("kms:ReEncryptFrom {SOURCE}"), format!("kms:ReEncryptTo {TARGET}")];
    let both = [("kms:ReEncryptFrom", SOURCE), ("kms:ReEncryptTo", TARGET)];
    for action in ["kms:ReEncrypt", "KMS:reencrypt"] {
        let found = decide(&both, action, &[SOURCE, TARGET]);
        assert_eq!(found, (Decision::Allowed, wanted.to_vec()));
    }
    let (decision, _) = decide(&both, "kms:ReEncrypt", &[TARGET, SOURCE]);
    assert_eq!(decision, Decision::ImplicitDeny);
    // Of one key or of three nobody can tell which is which: each must allow both.
    for keys in [&[SOURCE][..], &[SOURCE, TARGET, TARGET]] {
        let (decision, checks) = decide(&both, "kms:ReEncrypt", keys);
        assert_eq!((decision, checks.len()), (Decision::ImplicitDeny, 2 * keys.len()));
        let (decision, _) = decide(&[("kms:ReEncrypt*", "*")], "kms:ReEncrypt", keys);
        assert_eq!(decision, Decision::Allowed);
    }
}

/// E-68: a resource is a check, and so is a required type of which there is no resource.
#[test]
fn each_resource_and_each_type_that_is_required_is_a_check() {
    let on = |resource: &str| format!("arn:aws:ec2:eu-west-1:111111111111:{resource}");
    let volume = on("volume/vol-1");
    let instance = on("instance/i-1");
    let (decision, checks) =
        decide(&[("ec2:AttachVolume", "*")], "ec2:AttachVolume", &[&volume, &instance]);
    assert_eq!(decision, Decision::Allowed);
    let named = [&volume, &instance].map(|arn| format!("ec2:AttachVolume {arn}"));
    assert_eq!(checks, named);

    let one = [("ec2:AttachVolume", &*volume)];
    let (decision, checks) = decide(&one, "ec2:AttachVolume", &[&volume]);
    assert_eq!(decision, Decision::ImplicitDeny);
    assert_eq!(checks, [named[0].clone(), "ec2:AttachVolume *".to_owned()]);
}

/// E-7, E-68: a user of another service is required too; the root user stands for a user, and only
/// where its credentials are asked for.
#[test]
fn a_user_that_is_required_is_named_or_a_check() {
    let on = |resource: &str| format!("arn:aws:elasticache:eu-west-1:111111111111:{resource}");
    let (group, user) = (on("usergroup:g"), on("user:u"));
    let action = "elasticache:CreateUserGroup";
    let named = [&group, &user].map(|arn| format!("{action} {arn}"));
    let (decision, checks) = decide(&[(action, "*")], action, &[&group, &user]);
    assert_eq!((decision, &checks[..]), (Decision::Allowed, &named[..]));
    let (decision, checks) = decide(&[(action, &group)], action, &[&group]);
    assert_eq!(decision, Decision::ImplicitDeny);
    assert_eq!(checks, [named[0].clone(), format!("{action} *")]);

    let root = "arn:aws:iam::111111111111:root";
    let (_, checks) = decide(&[("iam:*", "*")], "iam:CreateAccessKey", &[root]);
    assert_eq!(checks, [format!("iam:CreateAccessKey {root}")]);
    let role = "arn:aws:iam::111111111111:role/r";
    for (action, resource) in [("iam:CreateAccessKey", role), ("iam:DeleteUser", root)] {
        let (_, checks) = decide(&[("iam:*", "*")], action, &[resource]);
        assert_eq!(checks, [format!("{action} {resource}"), format!("{action} *")]);
    }
}
