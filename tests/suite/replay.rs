//! Logs against worlds and change sets.

mod unsaid;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read, Write as _};

use assize::BundledPolicies;
use assize_formats::{ChangeSet, DifferenceEffect, NoFiles, ReadOptions, Scenario};
use assize_model::{ContextMode, Decision, EngineOptions, Layer, ReasonCode};
use assize_replay::{Assumption, Filter, Group, LogSource, Replay, ReplayOptions, Report};
use assize_store::StoreSnapshot;
use assize_tests::fixtures;
use serde_json::{Value, json};

fn source(name: &str, bytes: Vec<u8>) -> LogSource {
    let open = move || Ok(Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>);
    LogSource { name: name.to_owned(), n_bytes: None, open: Box::new(open) }
}

fn log(records: &[Value]) -> Vec<u8> {
    json!({"Records": records}).to_string().into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// A policy attached at the root.
fn attached(kind: &str, statement: &Value) -> ChangeSet {
    let document = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    ChangeSet::short(kind, "change.json", document.into_bytes()).expect("a change is read")
}

fn changes(list: &Value) -> ChangeSet {
    let text = json!({"assize": 1, "changes": list}).to_string().into_bytes();
    let managed = BundledPolicies::none();
    ChangeSet::read("c.json", text, &mut NoFiles, &managed).expect("a change set is read")
}

fn world(text: &Value) -> StoreSnapshot {
    let managed = BundledPolicies::new().expect("the policies load");
    let options = ReadOptions {
        files: &mut NoFiles,
        managed_policies: &managed,
        takes_several_resources: &|_| false,
    };
    let bytes = text.to_string().into_bytes();
    Scenario::read("w.json", bytes, options).expect("the world is read").snapshot
}

fn run(
    world: StoreSnapshot,
    changes: Vec<ChangeSet>,
    options: ReplayOptions,
    sources: Vec<LogSource>,
) -> Report {
    let replay = Replay::new(world, changes, EngineOptions::default(), options);
    let replay = replay.expect("the world can be decided with");
    replay.run(sources, &mut |_| true).expect("the log is replayed")
}

/// A log and one change, and no world.
fn alone(change: ChangeSet, records: &[Value]) -> Report {
    let sources = vec![source("log.json", log(records))];
    run(StoreSnapshot::empty(), vec![change], ReplayOptions::default(), sources)
}

/// A call of a user of account 1 in its own log, with some members changed.
fn event(source: &str, name: &str, parameters: &Value, other: &Value) -> Value {
    let mut record = json!({
        "eventType": "AwsApiCall", "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name, "eventTime": "2024-05-01T12:00:00Z", "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.1", "recipientAccountId": "111111111111",
        "eventID": format!("{source}-{name}-{parameters}-{other}"),
        "requestParameters": parameters,
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111111111111:user/ana",
            "accountId": "111111111111", "accessKeyId": "AKIAEXAMPLE", "userName": "ana"}
    });
    for (key, value) in other.as_object().into_iter().flatten() {
        record[key] = value.clone();
    }
    record
}

fn group(report: &Report, action: &str) -> Option<Group> {
    report.groups.iter().find(|group| &*group.action == action).cloned()
}

/// The calls that a change breaks, as `action resource`.
fn broken(report: &Report) -> Vec<String> {
    assert_eq!(report.totals.errors, 0, "{:?}", report.totals.error_codes);
    let denied = report.groups.iter().filter(|g| g.effect == DifferenceEffect::NewlyDenied);
    denied.map(|group| format!("{} {}", group.action, group.resource)).collect()
}

/// C-29: S3 without any world.
#[test]
fn s3_calls_that_a_policy_denies_and_others() {
    let bucket = |name: &str, account: &str| json!([{"ARN": format!("arn:aws:s3:::{name}/k")}, {"ARN": format!("arn:aws:s3:::{name}"), "accountId": account}]);
    let get = |name: &str, account: &str| {
        let parameters = json!({"bucketName": name, "key": "k"});
        event("s3", "GetObject", &parameters, &json!({"resources": bucket(name, account)}))
    };
    let records = [get("own", "111111111111"), get("other", "222222222222")];
    let statement = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:ResourceAccount": "111111111111"}}});
    let report = alone(attached("scp", &statement), &records);
    assert_eq!(broken(&report), ["s3:GetObject arn:aws:s3:::other/k"]);
    let found = group(&report, "s3:GetObject").expect("there is a group");
    let after = found.after.expect("there is a change");
    assert_eq!(
        (found.before.decision, after.decision),
        (Decision::Allowed, Decision::ExplicitDeny)
    );
    assert_eq!(after.layer, Layer::ServiceControl);
    let statement = after.statement.as_ref().expect("a statement denies");
    assert_eq!(statement.source.as_deref(), Some("change.json"));
    assert_eq!(statement.span.map(|span| span.line), Some(1));
    let assumptions = &report.totals.assumptions;
    assert_eq!(assumptions[&Assumption::Organization], 2);
    assert_eq!(assumptions[&Assumption::Identity], 2);
    assert_eq!(assumptions[&Assumption::Resource], 2);
}

/// C-29, F-71: nothing is assumed of a resource that a change gives a policy to.
#[test]
fn a_policy_for_a_resource_without_a_record_is_asked() {
    let queue = "arn:aws:sqs:eu-west-1:111111111111:q";
    let url = json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111111111111/q"});
    let records = [event("sqs", "SendMessage", &url, &json!({}))];
    let change = |effect: &str| {
        let statement =
            json!({"Effect": effect, "Principal": "*", "Action": "sqs:*", "Resource": "*"});
        attached(&format!("resource:{queue}"), &statement)
    };
    assert_eq!(broken(&alone(change("Deny"), &records)), [format!("sqs:SendMessage {queue}")]);
    assert!(broken(&alone(change("Allow"), &records)).is_empty());
}

/// C-29: where the organization is made up, it is the one that the policies are about.
#[test]
fn the_organization_that_is_made_up_is_the_one_that_policies_name() {
    let records = [event("s3", "ListBuckets", &json!({}), &json!({}))];
    let outside = |of: &str| {
        json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
            "Condition": {"StringNotEqualsIfExists": {of: "o-exampleorg1"}}})
    };
    for key in ["aws:PrincipalOrgID", "aws:ResourceOrgID"] {
        assert!(broken(&alone(attached("rcp", &outside(key)), &records)).is_empty(), "{key}");
    }
    let inside = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}}});
    assert_eq!(broken(&alone(attached("rcp", &inside), &records)), ["s3:ListAllMyBuckets *"]);
}

/// C-29: every account of the log stands under the root that is made up, one that the log names
/// as the owner of a resource alone among them.
#[test]
fn owners_of_resources_are_accounts_of_the_log() {
    let get = |resources: &Value| {
        let parameters = json!({"bucketName": "other", "key": "k"});
        event("s3", "GetObject", &parameters, &json!({"resources": resources}))
    };
    let bucket = json!({"ARN": "arn:aws:s3:::other", "accountId": "222222222222"});
    let records = [get(&json!([{"ARN": "arn:aws:s3:::other/k"}, bucket]))];
    let nothing = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"});
    let report = alone(attached("rcp", &nothing), &records);
    assert_eq!(broken(&report), ["s3:GetObject arn:aws:s3:::other/k"]);
    let other = json!({"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"});
    assert!(broken(&alone(attached("rcp", &other), &records)).is_empty());
    // Where there is an organization, it says who is in it.
    let organization = json!({"assize": 1, "accounts": {"100000000001": {}, "111111111111": {}},
        "organization": {"id": "o-exampleorgid", "managementAccount": "100000000001",
            "policyTypes": ["SCP", "RCP"],
            "root": {"id": "r-exam", "accounts": ["100000000001", "111111111111"]}}});
    let sources = vec![source("log.json", log(&records))];
    let changes = vec![attached("rcp", &nothing)];
    let report = run(world(&organization), changes, ReplayOptions::default(), sources);
    assert!(report.groups.iter().all(|group| group.effect != DifferenceEffect::NewlyDenied));
}

/// C-29: a gated check opens, and an RCP closes it for outsiders alone.
#[test]
fn kms_calls_that_a_policy_denies_and_others() {
    let decrypt = |caller: &str| {
        let identity = json!({"type": "IAMUser", "arn": format!("arn:aws:iam::{caller}:user/u"),
            "accountId": caller, "accessKeyId": "AKIAX"});
        let key = "arn:aws:kms:eu-west-1:111111111111:key/k1";
        event(
            "kms",
            "Decrypt",
            &json!({"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}),
            &json!({
            "userIdentity": identity, "resources": [{"ARN": key, "accountId": "111111111111"}]}),
        )
    };
    let statement = json!({"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "111111111111"}}});
    let report =
        alone(attached("rcp", &statement), &[decrypt("111111111111"), decrypt("333333333333")]);
    assert_eq!(broken(&report).len(), 1);
    let found = group(&report, "kms:Decrypt").expect("there is a group");
    assert_eq!(&*found.principal, "arn:aws:iam::333333333333:user/u");
    assert_eq!(found.count, 1);
}

/// C-29: a trust policy is assumed for a role that nobody declared.
#[test]
fn sts_calls_that_a_policy_denies_and_others() {
    let assume = |role: &str, other: Value| {
        let parameters = json!({"roleArn": format!("arn:aws:iam::111111111111:role/{role}"), "roleSessionName": "s"});
        event("sts", "AssumeRole", &parameters, &other)
    };
    let service =
        json!({"userIdentity": {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}});
    let records =
        [assume("admin", json!({})), assume("reader", json!({})), assume("function", service)];
    let statement = json!({"Effect": "Deny", "Action": "sts:AssumeRole",
        "Resource": ["arn:aws:iam::*:role/admin", "arn:aws:iam::*:role/function"]});
    // SCPs do not bind services.
    let report = alone(attached("scp", &statement), &records);
    assert_eq!(broken(&report), ["sts:AssumeRole arn:aws:iam::111111111111:role/admin"]);
    assert_eq!(report.events_of(DifferenceEffect::Same), 2);
}

/// C-29: both sides of a call between accounts, and the account that SCPs spare.
#[test]
fn calls_between_accounts_and_the_management_account() {
    let put = event(
        "s3",
        "PutObject",
        &json!({"bucketName": "b", "key": "k"}),
        &json!({
        "recipientAccountId": "222222222222",
        "resources": [{"ARN": "arn:aws:s3:::b/k"}, {"ARN": "arn:aws:s3:::b", "accountId": "222222222222"}]}),
    );
    let read = event("ec2", "DescribeInstances", &json!({}), &json!({}));
    let deny = |action: &str| json!({"Effect": "Deny", "Action": action, "Resource": "*"});
    let records = [put, read];
    let report = alone(attached("scp", &deny("s3:PutObject")), &records);
    assert_eq!(broken(&report), ["s3:PutObject arn:aws:s3:::b/k"]);
    let options = ReplayOptions {
        management_account: "111111111111".parse().ok(),
        ..ReplayOptions::default()
    };
    let change = attached("scp", &deny("*"));
    let sources = vec![source("log.json", log(&records))];
    let report = run(StoreSnapshot::empty(), vec![change], options, sources);
    assert_eq!(broken(&report), [""; 0]);
}

/// C-29: a VPC endpoint that the world lacks is as the log shows it, also where the world or the log
/// has its account.
#[test]
fn endpoints_that_the_world_lacks_are_as_the_log_shows_them() {
    let through = |id: &str, account: &str| {
        let other = json!({"vpcEndpointId": id, "vpcEndpointAccountId": account});
        event("sqs", "ListQueues", &json!({}), &other)
    };
    let records = [
        through("vpce-1", "111111111111"),
        through("vpce-2", "222222222222"),
        through("vpce-1", "111111111111"),
    ];
    let deny = |condition: Value| {
        let statement =
            json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition});
        attached("scp", &statement)
    };
    for (condition, n_denied) in [
        (json!({"StringEquals": {"aws:VpceAccount": "111111111111"}}), 1),
        (json!({"StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}}), 2),
        (json!({"StringEquals": {"aws:VpceAccount": "333333333333"}}), 0),
    ] {
        let report = alone(deny(condition.clone()), &records);
        assert_eq!((report.totals.events, report.totals.errors), (2, 0), "{condition}");
        assert_eq!(report.events_of(DifferenceEffect::NewlyDenied), n_denied, "{condition}");
        assert_eq!(report.totals.assumptions[&Assumption::Endpoint], 1);
    }
    // Of the VPC, the log says nothing.
    let of_vpc = deny(json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}}));
    let partial = EngineOptions { context: ContextMode::Partial, ..EngineOptions::default() };
    let empty = StoreSnapshot::empty();
    let replay = Replay::new(empty, vec![of_vpc], partial, ReplayOptions::default());
    let sources = vec![source("log.json", log(&records))];
    let replay = replay.expect("the world can be decided with");
    let of_vpc = replay.run(sources, &mut |_| true).expect("the log is replayed");
    assert_eq!(of_vpc.events_of(DifferenceEffect::MayBeDenied), 2);
    // A world that has the account and not the endpoint.
    let sources = vec![source("log.json", log(&records))];
    let change = vec![deny(json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}))];
    let mut known = small_world();
    known["endpoints"] = json!({"vpce-3": {"account": "111111111111"}});
    let report = run(world(&known), change, ReplayOptions::default(), sources);
    assert_eq!(report.totals.errors, 0);
    let strict = ReplayOptions { strict_world: true, ..ReplayOptions::default() };
    let report = run(world(&known), Vec::new(), strict, vec![source("log.json", log(&records))]);
    assert_eq!(report.totals.error_codes["unknown_entity"], 1);
}

fn small_world() -> Value {
    json!({"assize": 1,
      "organization": {"id": "o-exampleorg0", "managementAccount": "999999999999",
        "root": {"id": "r-exam", "scps": ["FullAWSAccess"], "accounts": ["111111111111"]}},
      "accounts": {"111111111111": {"users": {"ana": {"inline": {"read": {"Version": "2012-10-17",
        "Statement": [{"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject", "ec2:Describe*"], "Resource": "*"}]}}}}}},
      "resources": [{"arn": "arn:aws:s3:::own", "account": "111111111111"}]})
}

fn get_own() -> Value {
    event("s3", "GetObject", &json!({"bucketName": "own", "key": "k"}), &json!({}))
}

/// F-77: without a change the log is the judge.
#[test]
fn a_log_is_compared_with_the_world() {
    let denied = json!({"errorCode": "AccessDenied", "errorMessage": "Access Denied"});
    let delete = |other: &Value| {
        event("s3", "DeleteObject", &json!({"bucketName": "own", "key": "k"}), other)
    };
    let records = [get_own(), delete(&denied), delete(&json!({}))];
    let sources = || vec![source("log.json", log(&records))];
    let report = run(world(&small_world()), Vec::new(), ReplayOptions::default(), sources());
    assert_eq!((report.totals.agree, report.totals.disagree), (2, 1));
    assert_eq!(report.groups.len(), 1);
    let found = &report.groups[0];
    assert_eq!((found.effect, &*found.action), (DifferenceEffect::Disagrees, "s3:DeleteObject"));
    assert_eq!((found.observed.allowed, found.after.is_none()), (1, true));
}

/// F-73, F-74.
#[test]
fn changes_of_a_world_are_told_apart() {
    let ana = "arn:aws:iam::111111111111:user/ana";
    let deny = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "*"}]});
    let delete = event("s3", "DeleteObject", &json!({"bucketName": "own", "key": "k"}), &json!({}));
    let records = [get_own(), delete];
    let replayed = |change: Value| {
        let sources = vec![source("log.json", log(&records))];
        let set = vec![changes(&json!([change]))];
        run(world(&small_world()), set, ReplayOptions::default(), sources)
    };
    let report = replayed(
        json!({"op": "replace", "kind": "identity", "target": ana, "name": "read", "policy": deny}),
    );
    assert_eq!(broken(&report), ["s3:GetObject arn:aws:s3:::own/k"]);
    let allowed = group(&report, "s3:DeleteObject").expect("there is a group");
    assert_eq!(allowed.effect, DifferenceEffect::NewlyAllowed);
    let report = replayed(json!({"op": "remove", "kind": "entity", "target": ana}));
    assert_eq!(broken(&report), ["s3:GetObject arn:aws:s3:::own/k"]);
    let removed = group(&report, "s3:GetObject").and_then(|group| group.after);
    assert_eq!(removed.map(|side| side.reason), Some(ReasonCode::PrincipalRemoved));
}

/// F-56: a secret that a call names is the one that the world has under the name; else what AWS
/// puts behind the name is open.
#[test]
fn secrets_are_those_of_the_world() {
    let arn = |name: &str| format!("arn:aws:secretsmanager:eu-west-1:111111111111:secret:{name}");
    let all = json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let known = world(&json!({"assize": 1,
        "accounts": {"111111111111": {"users": {"ana": {"inline": {"all": all}}}}},
        "resources": [{"arn": arn("db-AbCdEf")}, {"arn": arn("db-old-AbCdEf")}]}));
    let get =
        |id: &str| event("secretsmanager", "GetSecretValue", &json!({"secretId": id}), &json!({}));
    let records = ["db", "other"].map(get);
    let denied = |resource: &str| {
        let deny = json!({"Effect": "Deny", "Action": "*", "Resource": resource});
        let sources = vec![source("log.json", log(&records))];
        let change = vec![attached("scp", &deny)];
        broken(&run(known.clone(), change, ReplayOptions::default(), sources))
    };
    let get = |name: &str| format!("secretsmanager:GetSecretValue {}", arn(name));
    assert_eq!(denied(&arn("db-AbCdEf")), [get("db-AbCdEf")]);
    assert_eq!(denied(&arn("other-??????")), [get("other-??????")]);
    assert_eq!(denied(&arn("*")).len(), 2);
}

/// C-29: `--strict-world`.
#[test]
fn a_strict_world_assumes_nothing() {
    let stranger = json!({"type": "IAMUser", "arn": "arn:aws:iam::333333333333:user/u",
        "accountId": "333333333333", "accessKeyId": "AKIAX"});
    let foreign = event("ec2", "DescribeInstances", &json!({}), &json!({"userIdentity": stranger}));
    let records = [get_own(), foreign];
    let options = ReplayOptions { strict_world: true, all: true, ..ReplayOptions::default() };
    let change = attached("scp", &json!({"Effect": "Deny", "Action": "*", "Resource": "*"}));
    let sources = vec![source("log.json", log(&records))];
    let report = run(world(&small_world()), vec![change.clone()], options.clone(), sources);
    assert_eq!(broken(&report), ["s3:GetObject arn:aws:s3:::own/k"]);
    let found = group(&report, "ec2:DescribeInstances").expect("all groups are kept");
    assert_eq!(found.before.decision, Decision::ImplicitDeny);
    assert!(report.totals.assumptions.is_empty());
    // There is no root to attach the policy to.
    let options = ReplayOptions { strict_world: true, ..ReplayOptions::default() };
    let replay =
        Replay::new(StoreSnapshot::empty(), vec![change], EngineOptions::default(), options);
    let error = replay.expect_err("there is no organization");
    assert!(error.to_string().contains("has no organization"), "{error}");
}

/// F-51: one call in the logs of two accounts, in different files.
#[test]
fn copies_of_an_event_count_once() {
    let shared = |id: &str, other: &Value| {
        let mut record = get_own();
        record["eventID"] = id.into();
        record["sharedEventID"] = "7d0b4c3e-2f5a-4d7c-9d36-0f6a4b1f5a11".into();
        for (key, value) in other.as_object().into_iter().flatten() {
            record[key] = value.clone();
        }
        record
    };
    let nameless = json!({"userIdentity": {"type": "AWSAccount", "accountId": "111111111111", "principalId": "AIDAX"}});
    let first = log(&[shared("a", &nameless), shared("b", &json!({}))]);
    let second = log(&[shared("b", &json!({}))]);
    let sources = vec![source("1.json", first), source("2.json", second)];
    let report = run(world(&small_world()), Vec::new(), ReplayOptions::default(), sources);
    assert_eq!((report.totals.events, report.totals.agree), (1, 1));
    assert_eq!(report.coverage.skipped_for(assize_cloudtrail::SkipReason::Duplicate), 2);
}

/// F-51: an event that is asked about by the account of its log is told by the copy that names the
/// caller, whichever log that is in. Events of others are not asked about.
#[test]
fn an_account_sees_the_calls_of_others_in_its_log() {
    let mut own = get_own();
    own["eventID"] = "a".into();
    own["sharedEventID"] = "7d0b4c3e-2f5a-4d7c-9d36-0f6a4b1f5a11".into();
    let mut theirs = own.clone();
    theirs["eventID"] = "b".into();
    theirs["recipientAccountId"] = "222222222222".into();
    theirs["userIdentity"] = json!({"type": "AWSAccount", "principalId": "AIDAX"});
    let mut other = own.clone();
    other["eventID"] = "c".into();
    other["sharedEventID"] = "00000000-2f5a-4d7c-9d36-0f6a4b1f5a11".into();
    let later = event("ec2", "DescribeInstances", &json!({}), &json!({}));
    let replayed = |account: &str| {
        let filter =
            Filter { accounts: [account.parse().expect("an account")].into(), ..Filter::default() };
        let sources = vec![
            source("1.json", log(&[other.clone(), own.clone()])),
            source("2.json", log(&[theirs.clone(), later.clone()])),
        ];
        let options = ReplayOptions { filter, ..ReplayOptions::default() };
        let report = run(world(&small_world()), Vec::new(), options, sources);
        let n_copies = report.coverage.skipped_for(assize_cloudtrail::SkipReason::Duplicate);
        (report.coverage.total.records, report.totals.events, n_copies)
    };
    assert_eq!(replayed("222222222222"), (2, 1, 1));
    assert_eq!(replayed("111111111111"), (3, 3, 0));
    assert_eq!(replayed("333333333333"), (0, 0, 0));
}

/// F-54: the call that makes a session may stand in a later file of the same window.
#[test]
fn sessions_are_joined_across_files() {
    let assume = event(
        "sts",
        "AssumeRole",
        &json!({"roleArn": "arn:aws:iam::333333333333:role/r", "roleSessionName": "s", "tags": [{"key": "team", "value": "red"}]}),
        &json!({"responseElements": {"credentials": {"accessKeyId": "ASIAKNOWN"}}}),
    );
    let used = event(
        "ec2",
        "DescribeInstances",
        &json!({}),
        &json!({"userIdentity": {
        "type": "AssumedRole", "arn": "arn:aws:sts::333333333333:assumed-role/r/s",
        "accountId": "333333333333", "accessKeyId": "ASIAKNOWN"}}),
    );
    let statement = json!({"Effect": "Deny", "Action": "ec2:*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}}});
    let sources = vec![source("1.json", log(&[used])), source("2.json", log(&[assume]))];
    let change = vec![attached("scp", &statement)];
    let report = run(StoreSnapshot::empty(), change, ReplayOptions::default(), sources);
    assert_eq!(broken(&report), ["ec2:DescribeInstances *"]);
}

/// Broken files are told with their name and place, and the rest is decided.
#[test]
fn broken_files_cost_only_themselves() {
    let whole = gzip(&log(&[get_own()]));
    let many: Vec<Value> = (0..2_000)
        .map(|n| {
            event(
                "s3",
                "GetObject",
                &json!({"bucketName": "own", "key": n.to_string()}),
                &json!({}),
            )
        })
        .collect();
    let packed = gzip(&log(&many));
    let cut = packed[..packed.len() / 2].to_vec();
    let mut damaged = whole.clone();
    damaged[20] ^= 0xff;
    let missing = LogSource {
        name: "missing.json".to_owned(),
        n_bytes: None,
        open: Box::new(|| Err(std::io::Error::from(std::io::ErrorKind::NotFound))),
    };
    let sources = vec![
        source("cut.json.gz", cut),
        source("damaged.json.gz", damaged),
        missing,
        source("whole.json.gz", whole),
    ];
    let report = run(world(&small_world()), Vec::new(), ReplayOptions::default(), sources);
    assert!(report.totals.events > 1, "what comes before the break is decided");
    let told: Vec<(&str, bool)> =
        report.problems.iter().map(|problem| (&*problem.file, problem.offset > 0)).collect();
    assert!(told.contains(&("cut.json.gz", true)), "{:?}", report.problems);
    assert!(told.contains(&("damaged.json.gz", true)), "{:?}", report.problems);
    assert!(told.contains(&("missing.json", false)), "{:?}", report.problems);
    assert_eq!(report.problems.len(), 3);
}

/// F-50, F-74: what the log does not show is unknown, and a decision that hangs on it says so.
#[test]
fn what_the_log_leaves_out_is_depended_on() {
    let statement = json!({"Effect": "Deny", "Action": "lambda:*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:ResourceTag/stage": "test"}}});
    let record =
        event("lambda", "GetFunction20150331v2", &json!({"functionName": "f"}), &json!({}));
    let sources = vec![source("log.json", log(&[record]))];
    let engine_options =
        EngineOptions { context: ContextMode::Partial, ..EngineOptions::default() };
    let change = vec![attached("scp", &statement)];
    let replay =
        Replay::new(StoreSnapshot::empty(), change, engine_options, ReplayOptions::default());
    let replay = replay.expect("the world can be decided with");
    let report = replay.run(sources, &mut |_| true).expect("the log is replayed");
    let found = group(&report, "lambda:GetFunction").expect("there is a group");
    assert_eq!(found.effect, DifferenceEffect::MayBeDenied);
    let after = found.after.expect("there is a change");
    assert_eq!(after.depends_on, ["aws:ResourceTag/stage".into()]);
}

#[test]
fn filters_leave_out_what_they_do_not_admit() {
    let records = [get_own(), event("ec2", "DescribeInstances", &json!({}), &json!({}))];
    let filter = Filter { services: ["ec2".into()].into(), ..Filter::default() };
    let options = ReplayOptions { filter, ..ReplayOptions::default() };
    let sources = vec![source("log.json", log(&records))];
    let report = run(world(&small_world()), Vec::new(), options, sources);
    assert_eq!((report.totals.events, report.coverage.total.records), (1, 1));
}

/// That nothing differs is said of events that were decided, not of those that were not.
#[test]
fn a_report_of_nothing_says_so() {
    let bob = json!({"userIdentity": {"type": "IAMUser", "accountId": "111111111111",
        "arn": "arn:aws:iam::111111111111:user/bob", "userName": "bob"}});
    let of_bob = event("s3", "GetObject", &json!({"bucketName": "own", "key": "k"}), &bob);
    let deny = json!({"Effect": "Deny", "Action": "ec2:*", "Resource": "*"});
    let said = "No event would be decided otherwise.";
    let report = |records: &[Value], service: &str| {
        let services = [Filter::service(service)].into();
        let filter = Filter { services, ..Filter::default() };
        let options = ReplayOptions { filter, ..ReplayOptions::default() };
        let change = vec![attached("scp", &deny)];
        run(world(&small_world()), change, options, vec![source("log.json", log(records))])
    };
    let whole = report(&[get_own()], "S3.amazonaws.com");
    assert!(whole.warnings.is_empty() && whole.to_html().contains(said), "{:?}", whole.warnings);
    let unknown = report(std::slice::from_ref(&of_bob), "s3");
    assert_eq!(
        unknown.warnings,
        [
            "1 of 1 event could not be decided, and are in no group: unknown_principal: 1",
            "no event was decided: the report does not say that nothing differs",
        ]
    );
    let page = unknown.to_html();
    assert!(!page.contains(said) && page.contains("Warning: no event was decided"), "{page}");
    let both = report(&[of_bob, get_own()], "s3");
    assert_eq!(both.warnings.len(), 1, "{:?}", both.warnings);
    let none = report(&[get_own()], "sqs");
    assert_eq!(none.warnings, ["no record of the log is asked about: the report says nothing"]);
    assert!(!none.to_html().contains(said));
}

/// All real events against a real SCP, in one file and in many: the same report, and every
/// record accounted for.
#[test]
fn real_events_give_one_report_however_they_are_stored() {
    let records: Vec<Value> = fixtures::records("cloudtrail-events.ndjson.gz")
        .into_iter()
        .map(|line| line["event"].clone())
        .collect();
    let statement = json!({"Sid": "Regions", "Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "eu-central-1"]}}});
    let stream = |sources: Vec<LogSource>| {
        let change = vec![attached("scp", &statement)];
        let report = run(StoreSnapshot::empty(), change, ReplayOptions::default(), sources);
        assert_eq!(report.totals.errors, 0, "{:?}", report.totals.error_codes);
        let skipped: u64 = report.coverage.skipped.iter().sum();
        assert_eq!((report.totals.events, skipped), (2_358, 84));
        assert_eq!(report.events_of(DifferenceEffect::NewlyDenied), 296);
        assert_eq!(report.events_of(DifferenceEffect::NewlyAllowed), 0);
        let mut out = Vec::new();
        report.write_stream(&mut out).expect("memory takes it");
        out
    };
    let one = stream(vec![source("all.json", log(&records))]);
    let pieces = records.chunks(100).enumerate();
    let pieces = pieces.map(|(at, piece)| source(&format!("{at}.json.gz"), gzip(&log(piece))));
    let many = stream(pieces.collect());
    assert!(one == many, "the report depends on how the log is cut");
}

/// F-50: every form in which people have their events.
#[test]
fn every_form_of_a_log_gives_the_same_report() {
    let records: Vec<Value> = fixtures::records("cloudtrail-events.ndjson.gz")
        .into_iter()
        .map(|line| line["event"].clone())
        .collect();
    let texts = || records.iter().map(Value::to_string);
    let lines = |all: Vec<String>| all.join("\n").into_bytes();
    let looked_up = texts().map(|text| json!({"EventId": "1", "CloudTrailEvent": text}));
    let looked_up = json!({"Events": looked_up.collect::<Vec<_>>(), "NextToken": null});
    let rows = texts().map(|text| json!([{"eventID": "1"}, {"eventJson": text}]));
    let queried = json!({"QueryStatus": "FINISHED", "QueryResultRows": rows.collect::<Vec<_>>()});
    let csv = texts().map(|text| format!("1,\"{}\"", text.replace('"', "\"\"")));
    let bridge = records.iter().map(|record| {
        json!({"version": "0", "detail-type": "AWS API Call via CloudTrail", "detail": record})
            .to_string()
    });
    let statement = json!({"Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}});
    let stream = |name: &str, bytes: Vec<u8>| {
        let change = vec![attached("scp", &statement)];
        let sources = vec![source(name, bytes)];
        let report = run(StoreSnapshot::empty(), change, ReplayOptions::default(), sources);
        assert_eq!(report.problems, [], "{name}");
        assert_eq!(report.totals.events, 2_358, "{name}");
        let mut out = Vec::new();
        report.write_stream(&mut out).expect("memory takes it");
        out
    };
    let expected = stream("Records", log(&records));
    for (name, bytes) in [
        ("lines", lines(texts().collect())),
        ("list", json!(records).to_string().into_bytes()),
        ("EventBridge", lines(bridge.collect())),
        ("lookup-events", looked_up.to_string().into_bytes()),
        ("lookup-events, compressed", gzip(&serde_json::to_vec_pretty(&looked_up).expect("JSON"))),
        ("get-query-results", queried.to_string().into_bytes()),
        ("Lake", lines(["eventID,eventJson".to_owned()].into_iter().chain(csv).collect())),
    ] {
        assert!(stream(name, bytes) == expected, "{name}");
    }
}

/// What is wrong in an export is told with the file and the place in it.
#[test]
fn broken_rows_cost_only_themselves() {
    let good = get_own().to_string().replace('"', "\"\"");
    let csv = format!("eventID,eventJson\n1,\"{good}\"\n2,{{}},3\n");
    let at = csv.find("2,{}").expect("the row is there") as u64;
    let sources = vec![source("lake.csv.gz", gzip(csv.as_bytes()))];
    let report = run(world(&small_world()), Vec::new(), ReplayOptions::default(), sources);
    assert_eq!(report.totals.events, 1);
    let [problem] = report.problems.as_slice() else { unreachable!("one row is broken") };
    assert_eq!((&*problem.file, problem.offset, problem.is_final), ("lake.csv.gz", at, false));
    assert_eq!(problem.message, "a row of 3 cells where the head has 2");
}

/// C-25: what is no record is reported and counted, and the rest is decided, in files of CloudTrail
/// and lines alike.
#[test]
fn what_is_no_record_is_counted() {
    let good = |id: &str| {
        let mut record = get_own();
        record["eventID"] = json!(id);
        record.to_string()
    };
    let bad = [r#"{"eventName":"A","eventName":"B"}"#, r#"{"userAgent":"\ud800"}"#, "null"];
    let file = format!(r#"{{"Records":[{},{},{}]}}"#, good("1"), bad.join(","), good("2"));
    let lines = format!("{}\n{}\n{}\n", good("3"), bad.join("\n"), good("4"));
    let mut bytes = format!("{}\n", good("5")).into_bytes();
    bytes.extend_from_slice(b"{\"userAgent\":\"caf\xe9\"}\n");
    bytes.extend_from_slice(good("6").as_bytes());
    let sources = vec![
        source("file.json", file.into_bytes()),
        source("lines.json", lines.into_bytes()),
        source("bytes.json", bytes),
    ];
    let report = run(world(&small_world()), Vec::new(), ReplayOptions::default(), sources);
    assert_eq!((report.totals.events, report.coverage.total.records), (6, 13));
    assert_eq!(report.coverage.skipped_for(assize_cloudtrail::SkipReason::Malformed), 7);
    // Lines that do not even begin as records are told with those before them.
    let told: Vec<&str> = report.problems.iter().map(|problem| &*problem.file).collect();
    assert_eq!(
        told,
        ["file.json", "file.json", "file.json", "lines.json", "lines.json", "bytes.json"]
    );
    assert!(report.problems.iter().all(|problem| !problem.is_final));
    let mut out = Vec::new();
    report.write_stream(&mut out).expect("memory takes it");
    assert!(String::from_utf8_lossy(&out).contains(r#""skipped":{"malformed":7}"#));
}

/// An event whose time cannot be read is in no span of time, and the report says so.
#[test]
fn events_without_a_time_are_told_where_times_are_asked_about() {
    let mut untimed = get_own();
    untimed["eventTime"] = json!("yesterday");
    let report = |since: Option<i64>| {
        let filter = Filter { since, ..Filter::default() };
        let options = ReplayOptions { filter, ..ReplayOptions::default() };
        let sources = vec![source("log.json", log(std::slice::from_ref(&untimed)))];
        run(world(&small_world()), Vec::new(), options, sources)
    };
    assert!(report(None).warnings.is_empty());
    let warnings = report(Some(0)).warnings;
    assert!(warnings[0].starts_with("1 record without a time that can be read"), "{warnings:?}");
}

/// F-50: columns without quotes leave a doubt, and the report says so; whole records do not.
#[test]
fn parameters_without_quotes_are_told() {
    let head = "eventSource,eventName,eventType,eventCategory,eventTime,eventID,sharedEventID,\
                errorCode,vpcEndpointId,recipientAccountId,userIdentity,requestParameters";
    let ana = "{type=IAMUser, arn=arn:aws:iam::111111111111:user/ana, accountid=111111111111}";
    let row = |parameters: &str| {
        format!(
            "{head}\ns3.amazonaws.com,GetObject,AwsApiCall,Data,2024-05-01 12:00:00.000,e,,,,\
             111111111111,\"{ana}\",\"{parameters}\"\n"
        )
    };
    let warnings = |parameters: &str| {
        let sources = vec![source("lake.csv", row(parameters).into_bytes())];
        let report = run(world(&small_world()), Vec::new(), ReplayOptions::default(), sources);
        assert_eq!((report.totals.agree, report.problems.len()), (1, 0), "{:?}", report.problems);
        report.warnings
    };
    let told = warnings("{bucketName=own, key=k}");
    assert!(told.len() == 1 && told[0].contains("the parameters of 1 event come"), "{told:?}");
    assert!(warnings(r#"{""bucketName"":""own"",""key"":""k""}"#).is_empty());
}

/// The page holds what the report says, as text: names in a log are no markup.
#[test]
fn a_page_shows_the_groups() {
    let evil = json!({"functionName": "<img src=x onerror=alert(1)>"});
    let record = event("lambda", "GetFunction20150331v2", &evil, &json!({}));
    let statement = json!({"Sid": "No", "Effect": "Deny", "Action": "lambda:*", "Resource": "*"});
    let page = alone(attached("scp", &statement), &[record]).to_html();
    let action = "<td data-name=\"Action\"><span>lambda:<wbr>Get<wbr>Function</span></td>";
    assert!(page.contains(action), "{page}");
    assert!(
        page.contains("scp:<wbr>p-<wbr>change<br>No <small>change.<wbr>json:1</small>"),
        "{page}"
    );
    assert!(
        page.contains("Assumed: every account stands under one root with full access (1 event).")
    );
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;") && !page.contains("<img"));
    assert!(page.contains("<svg viewBox") && page.contains("2024-05-01: 1 event"));
    assert!(!page.contains("http://") && !page.contains("https://"));
    for tag in ["html", "head", "body", "main", "style", "script", "table", "thead", "tbody", "svg"]
    {
        let opened = page.matches(&format!("<{tag}")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

/// A file with faults in every line fills neither memory nor screen.
#[test]
fn of_many_problems_only_the_first_are_kept() {
    let text = "{\n".repeat(5_000) + &get_own().to_string();
    let table = "bucket,size\n".repeat(5_000);
    let sources =
        vec![source("bad.json", text.into_bytes()), source("other.csv", table.into_bytes())];
    let report = run(world(&small_world()), Vec::new(), ReplayOptions::default(), sources);
    assert_eq!(report.totals.events, 1);
    assert_eq!((report.problems.len(), report.more_problems), (1_000, 4_001));
    assert!(report.to_html().contains("4,001 more parts cannot be read"));
}

#[test]
fn an_interrupted_run_reports_what_it_has_read() {
    let sources = (0..200).map(|n| source(&n.to_string(), log(&[get_own()]))).collect();
    let replay = Replay::new(
        world(&small_world()),
        Vec::new(),
        EngineOptions::default(),
        ReplayOptions::default(),
    );
    let replay = replay.expect("the world can be decided with");
    let report = replay.run(sources, &mut |_| false).expect("the log is replayed");
    assert!(report.is_interrupted);
    assert_eq!(report.coverage.total.records, 64);
    let mut out = Vec::new();
    report.write_stream(&mut out).expect("memory takes it");
    assert!(String::from_utf8_lossy(&out).contains(r#""interrupted":true"#));
}

/// The groups of reports with how many events they have.
fn counted(reports: impl IntoIterator<Item = Report>) -> BTreeMap<String, u64> {
    let mut groups = BTreeMap::new();
    for report in reports {
        assert_eq!(report.totals.errors, 0, "{:?}", report.totals.error_codes);
        for group in report.groups {
            let Group { effect, principal, account, action, resource, before, after, .. } = group;
            let key = (effect, principal, account, action, resource, before, after);
            *groups.entry(format!("{key:?}")).or_default() += group.count;
        }
    }
    groups
}

/// Events that differ in nothing that a policy sees are decided once: each as if it were alone.
#[test]
fn events_that_are_alike_are_decided_as_each_alone() {
    let mut records: Vec<Value> = fixtures::records("cloudtrail-events.ndjson.gz")
        .into_iter()
        .step_by(8)
        .map(|line| line["event"].clone())
        .collect();
    // What a call of the log says of another would be missing where each is alone.
    for record in &mut records {
        record["responseElements"] = Value::Null;
        record["sharedEventID"] = Value::Null;
    }
    let accounts: BTreeSet<String> = records
        .iter()
        .flat_map(|record| [&record["recipientAccountId"], &record["userIdentity"]["accountId"]])
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect();
    let named = accounts.iter().map(|id| json!({"recipientAccountId": id})).collect::<Vec<_>>();
    let regions = json!({"Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1"]}}});
    let seeing = json!({"Effect": "Deny", "Action": "*", "Resource": ["arn:*:s3:::*a*", "arn:*:ec2:*"],
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/bert-*"},
            "NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}});
    for statement in [regions, seeing] {
        let replayed = |records: &[Value]| {
            let records: Vec<Value> = named.iter().chain(records).cloned().collect();
            let options = ReplayOptions { all: true, ..ReplayOptions::default() };
            let sources = vec![source("log.json", log(&records))];
            run(StoreSnapshot::empty(), vec![attached("scp", &statement)], options, sources)
        };
        let together = counted([replayed(&records)]);
        let alone = counted(records.iter().map(|record| replayed(std::slice::from_ref(record))));
        assert!(together.len() > 100, "{}", together.len());
        assert_eq!(together, alone);
    }
}

/// Whatever part of an ARN a pattern spells out, what it matches is told from what it does not,
/// whichever comes first.
#[test]
fn events_about_named_resources_are_decided_as_each_alone() {
    let get = |bucket: &str, key: &str| {
        event("s3", "GetObject", &json!({"bucketName": bucket, "key": key}), &json!({}))
    };
    let keys = ["k", "Secret", "\u{17f}ecret", "111111111111", "ana/x"];
    let pairs = ["open", "secret", "other"].into_iter().flat_map(|b| keys.map(|k| (b, k)));
    let records: Vec<Value> = pairs.map(|(bucket, key)| get(bucket, key)).collect();
    let reversed: Vec<Value> = records.iter().rev().cloned().collect();
    let resources = [
        json!({"Resource": "arn:aws:s3:::secret/*"}),
        json!({"NotResource": ["arn:aws:s3:::secret/*", "arn:aws:s3:::open/k"]}),
        json!({"Resource": "arn:aws:s3:::secret/?"}),
        json!({"Resource": "arn:aws:s3:::open/Secret"}),
        json!({"Resource": "arn:aws:s3:::open/\u{17f}ecret"}),
        json!({"Resource": "arn:aws:s3:*:*:*/k"}),
        json!({"Resource": "arn:aws:s3*:::secret/*"}),
        json!({"Resource": "arn:*:s3:::secret/*"}),
        json!({"Resource": "arn:aws:s3:::*/${aws:PrincipalAccount}"}),
        json!({"Resource": "arn:aws:s3:::*/${aws:username}/*"}),
    ];
    for resource in resources {
        let mut statement = json!({"Effect": "Deny", "Action": "s3:*"});
        for (key, value) in resource.as_object().into_iter().flatten() {
            statement[key] = value.clone();
        }
        let replayed = |records: &[Value]| {
            let options = ReplayOptions { all: true, ..ReplayOptions::default() };
            let sources = vec![source("log.json", log(records))];
            run(StoreSnapshot::empty(), vec![attached("scp", &statement)], options, sources)
        };
        let alone = counted(records.iter().map(|record| replayed(std::slice::from_ref(record))));
        assert!(alone.keys().any(|group| group.contains("NewlyDenied")), "{resource}");
        assert!(alone.keys().any(|group| !group.contains("NewlyDenied")), "{resource}");
        assert_eq!(counted([replayed(&records)]), alone, "{resource}");
        assert_eq!(counted([replayed(&reversed)]), alone, "{resource}");
    }
}

/// A grant to one session is not a grant to the next one of its role (E-81), whichever comes first.
#[test]
fn sessions_with_and_without_a_grant_are_decided_as_each_alone() {
    let key = "arn:aws:kms:eu-west-1:111111111111:key/11111111-1111-1111-1111-111111111111";
    let world = world(&json!({"assize": 1,
        "accounts": {"111111111111": {"roles": {"R": {}}}},
        "resources": [{"arn": key, "account": "111111111111",
            "policy": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
                "Action": "kms:Describe*", "Resource": "*"}]},
            "attributes": {"kmsGrants": [{
                "grantee": "arn:aws:sts::111111111111:assumed-role/R/s1",
                "operations": ["Decrypt"]}]}}]}));
    let decrypt = |session: &str| {
        let arn = format!("arn:aws:sts::111111111111:assumed-role/R/{session}");
        let issuer = json!({"type": "Role", "arn": "arn:aws:iam::111111111111:role/R",
            "accountId": "111111111111", "userName": "R"});
        let identity = json!({"type": "AssumedRole", "arn": arn, "accountId": "111111111111",
            "accessKeyId": "ASIAEXAMPLE", "sessionContext": {"sessionIssuer": issuer}});
        event("kms", "Decrypt", &json!({"keyId": key}), &json!({"userIdentity": identity}))
    };
    let replayed = |sessions: &[&str]| {
        let options = ReplayOptions { all: true, ..ReplayOptions::default() };
        let records: Vec<Value> = sessions.iter().map(|session| decrypt(session)).collect();
        run(world.clone(), Vec::new(), options, vec![source("log.json", log(&records))])
    };
    let alone = counted([replayed(&["s1"]), replayed(&["s2"])]);
    assert_eq!(alone.len(), 2, "{alone:?}");
    assert_eq!(counted([replayed(&["s1", "s2"])]), alone);
    assert_eq!(counted([replayed(&["s2", "s1"])]), alone);
}
