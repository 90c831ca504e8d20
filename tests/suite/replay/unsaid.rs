//! What a log says by a name or not at all: whose root it is, where a role is, what a session may do.

use assize_formats::ChangeSet;
use assize_model::{Decision, EngineOptions};
use assize_replay::{Assumption, Replay, ReplayOptions};
use serde_json::{Value, json};

use super::{alone, attached, broken, changes, counted, event, log, run, source, world};

/// F-57, C-29: who assumes the root of another account administers root access in the organization
/// that is made up, and the account is a member of it.
#[test]
fn the_root_of_an_account_is_that_of_the_target() {
    let task = json!({"arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"});
    let parameters = json!({"targetPrincipal": "222222222222", "taskPolicyArn": task});
    let records = [event("sts", "AssumeRoot", &parameters, &json!({}))];
    let deny = |account: &str| {
        attached(
            "scp",
            &json!({"Effect": "Deny", "Action": "sts:AssumeRoot",
                "Resource": format!("arn:aws:iam::{account}:root")}),
        )
    };
    let wanted = ["sts:AssumeRoot arn:aws:iam::222222222222:root"];
    assert_eq!(broken(&alone(deny("222222222222"), &records)), wanted);
    assert!(broken(&alone(deny("111111111111"), &records)).is_empty());
}

/// F-56: a call to IAM that names a role is about the role of that name in the world, path and all;
/// both worlds are asked about the role as it is before the change.
#[test]
fn calls_to_iam_are_about_what_the_world_has_under_a_name() {
    let statement = |resource: &str, effect: &str| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": effect,
            "Action": "iam:*", "Resource": format!("arn:aws:iam::111111111111:role/{resource}")}]})
    };
    let known = world(&json!({"assize": 1, "accounts": {"111111111111": {
        "users": {"ana": {"inline": {"iam": statement("p/*", "Allow")}}},
        "roles": {"Deploy": {"path": "/p/"}, "Audit": {"path": "/p/"}, "Plain": {}}}}}));
    let delete = |name: &str| event("iam", "DeleteRole", &json!({"roleName": name}), &json!({}));
    let records = ["Deploy", "Audit", "Plain", "Other"].map(delete);
    let replayed = |records: &[Value], change: Option<ChangeSet>| {
        let options = ReplayOptions { all: true, ..ReplayOptions::default() };
        let sources = vec![source("log.json", log(records))];
        run(known.clone(), change.into_iter().collect(), options, sources)
    };
    // The log says of all that they were allowed.
    let report = replayed(&records, None);
    assert_eq!((report.totals.agree, report.totals.disagree), (2, 2));
    let deny = json!({"Effect": "Deny", "Action": "*",
        "Resource": "arn:aws:iam::*:role/p/Deploy"});
    let deny = attached("scp", &deny);
    let report = replayed(&records, Some(deny.clone()));
    assert_eq!(broken(&report), ["iam:DeleteRole arn:aws:iam::111111111111:role/p/Deploy"]);
    let alone = |record| replayed(std::slice::from_ref(record), Some(deny.clone()));
    assert_eq!(counted([report]), counted(records.iter().map(alone)));
    let gone = json!([{"op": "remove", "kind": "entity",
        "target": "arn:aws:iam::111111111111:role/p/Deploy"}]);
    assert!(broken(&replayed(&records, Some(changes(&gone)))).is_empty());
}

/// F-56, C-29: a registry or a data catalog of another account is one of the log's accounts.
#[test]
fn owners_that_parameters_name_are_accounts_of_the_log() {
    let pull = json!({"registryId": "222222222222", "repositoryName": "r"});
    let table = json!({"catalogId": "222222222222", "databaseName": "d", "name": "t"});
    let records = [
        event("ecr", "BatchGetImage", &pull, &json!({})),
        event("glue", "GetTable", &table, &json!({})),
    ];
    let foreign = json!({"Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceAccount": "222222222222"}}});
    assert_eq!(broken(&alone(attached("scp", &foreign), &records)).len(), 2);
    let nobody = json!({"Effect": "Deny", "Principal": "*", "Action": "ecr:*", "Resource": "*"});
    let report = alone(attached("rcp", &nobody), &records);
    assert_eq!(
        broken(&report),
        ["ecr:BatchGetImage arn:aws:ecr:eu-west-1:222222222222:repository/r"]
    );
}

/// E-38, C-29: of a session that needs a session policy, and whose making is not in the log, it is
/// not known which it has; so it has one that allows what the log shows.
#[test]
fn sessions_whose_making_the_log_lacks_have_the_policies_they_need() {
    let allow = |action: &str| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": action, "Resource": "*"}]})
    };
    let known = world(&json!({"assize": 1,
        "accounts": {"111111111111": {"users": {"ana": {"inline": {"p": allow("s3:*")}}}}},
        "resources": [{"arn": "arn:aws:s3:::b", "account": "111111111111"}]}));
    let identity = |kind: &str, key: &str, arn: &str, context: &Value| {
        json!({"userIdentity": {"type": kind, "arn": format!("arn:aws:{arn}"),
            "accountId": "111111111111", "accessKeyId": key, "sessionContext": context}})
    };
    let federated = |key: &str, issuer: &str, arn: &str| {
        let issuer = json!({"type": issuer, "arn": arn, "accountId": "111111111111"});
        let context = json!({"sessionIssuer": issuer});
        identity("FederatedUser", key, "sts::111111111111:federated-user/f", &context)
    };
    let user = "arn:aws:iam::111111111111:user/ana";
    let of_user = federated("ASIAUSER", "IAMUser", user);
    let of_root = federated("ASIAROOT", "Root", "arn:aws:iam::111111111111:root");
    let assumed = json!({"assumedRoot": "true"});
    let unlock = identity("Root", "ASIATASK", "iam::111111111111:root", &assumed);
    let list = |who: &Value| event("s3", "ListBuckets", &json!({}), who);
    let describe = |who: &Value| event("ec2", "DescribeInstances", &json!({}), who);
    let delete = event("s3", "DeleteBucketPolicy", &json!({"bucketName": "b"}), &unlock);
    // Users of a session have no more than their own policies, tasks of AssumeRoot no more than all
    // of them together.
    let refused = [describe(&of_user), describe(&unlock)];
    let records = [list(&of_user), list(&of_root), delete];
    let deny = || attached("scp", &json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*"}));
    let replayed = |records: &[Value], options: ReplayOptions| {
        let sources = vec![source("log.json", log(records))];
        run(known.clone(), vec![deny()], options, sources)
    };
    let all = ReplayOptions { all: true, ..ReplayOptions::default() };
    let report = replayed(&records, all.clone());
    let mut found = broken(&report);
    found.sort_unstable();
    let listed = "s3:ListAllMyBuckets *";
    assert_eq!(found, ["s3:DeleteBucketPolicy arn:aws:s3:::b", listed, listed]);
    assert_eq!(report.totals.assumptions[&Assumption::Session], 3);
    let report = replayed(&refused, all);
    assert!(!report.groups.is_empty());
    assert!(report.groups.iter().all(|group| group.before.decision == Decision::ImplicitDeny));
    assert_eq!(report.totals.assumptions[&Assumption::Session], 1);
    let strict = ReplayOptions { strict_world: true, ..ReplayOptions::default() };
    let replay = Replay::new(known.clone(), Vec::new(), EngineOptions::default(), strict);
    let sources = vec![source("log.json", log(&records))];
    let report = replay.expect("the world can be decided with").run(sources, &mut |_| true);
    let report = report.expect("the log is replayed");
    assert_eq!((report.totals.agree, report.totals.disagree), (0, 3));
    // The log holds how it was made: without a session policy.
    let made = json!({"responseElements": {"credentials": {"accessKeyId": "ASIAUSER"}}});
    let made = event("sts", "GetFederationToken", &json!({"name": "f"}), &made);
    let report = replayed(&[made, list(&of_user)], ReplayOptions::default());
    assert!(broken(&report).is_empty());
    assert!(!report.totals.assumptions.contains_key(&Assumption::Session));
}
