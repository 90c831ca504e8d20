//! What was granted, and what a log shows in use (F-59).

use std::io::{Cursor, Read};

use assize::BundledPolicies;
use assize_formats::{NoFiles, ReadOptions, Scenario};
use assize_model::EngineOptions;
use assize_replay::{Filter, LogSource, PrincipalUsage, Replay, ReplayOptions, Report, Usage};
use serde_json::{Value, json};

const ANA: &str = "arn:aws:iam::111111111111:user/ana";
const BEN: &str = "arn:aws:iam::111111111111:user/ben";
const ADMIN: &str = "arn:aws:iam::111111111111:user/root-like";
const READER: &str = "arn:aws:iam::222222222222:role/team/reader";

fn allow(actions: &Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": "*"})
}

fn policy(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// Ana's own policy grants and takes away; Ben has a group's within a boundary; a role has all
/// but one service.
fn world() -> Value {
    let ana = policy(&[
        allow(&json!(["s3:GetObject", "s3:PutObject", "lambda:*Function", "iam:PassRole"])),
        json!({"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}),
        json!({"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::secret/*"}),
    ]);
    let group = policy(&[allow(&json!(["kms:ListKeys", "kms:ListAliases"]))]);
    let boundary =
        policy(&[json!({"Effect": "Allow", "NotAction": "kms:ListAliases", "Resource": "*"})]);
    let reader = policy(&[allow(&json!(["tag:*", "kms:ListKeys"]))]);
    let admin = policy(&[allow(&json!(["iam:*", "lambda:*"]))]);
    json!({"assize": 1, "accounts": {
        "111111111111": {
            "policies": {"edge": boundary},
            "groups": {"g": {"inline": {"list": group}}},
            "users": {
                "ana": {"inline": {"own": ana}},
                "ben": {"groups": ["g"], "boundary": "arn:aws:iam::111111111111:policy/edge"},
                "root-like": {"inline": {"all": admin}}}},
        "222222222222": {"roles": {"reader": {"path": "/team/", "inline": {"all": reader},
            "trust": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}}}}}})
}

fn event(source: &str, name: &str, time: &str, other: &Value) -> Value {
    let mut record = json!({
        "eventType": "AwsApiCall", "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name, "eventTime": format!("2024-05-01T{time}:00Z"), "awsRegion": "eu-west-1",
        "recipientAccountId": "111111111111", "eventID": format!("{name}-{time}"),
        "requestParameters": {"bucketName": "b", "key": "k", "functionName": "f"},
        "userIdentity": {"type": "IAMUser", "arn": ANA, "accountId": "111111111111",
            "accessKeyId": "AKIAEXAMPLE", "userName": "ana"}
    });
    for (key, value) in other.as_object().into_iter().flatten() {
        record[key] = value.clone();
    }
    record
}

fn replay(records: &[Value], filter: Filter) -> Report {
    let managed = BundledPolicies::new().expect("the policies load");
    let options = ReadOptions {
        files: &mut NoFiles,
        managed_policies: &managed,
        takes_several_resources: &|_| false,
    };
    let bytes = world().to_string().into_bytes();
    let snapshot = Scenario::read("w.json", bytes, options).expect("the world is read").snapshot;
    let options = ReplayOptions { used: true, filter, ..ReplayOptions::default() };
    let replay = Replay::new(snapshot, Vec::new(), EngineOptions::default(), options);
    let replay = replay.expect("the world can be decided with");
    let log = json!({"Records": records}).to_string().into_bytes();
    let open = move || Ok(Box::new(Cursor::new(log)) as Box<dyn Read + Send>);
    let source = LogSource { name: "log.json".to_owned(), n_bytes: None, open: Box::new(open) };
    replay.run(vec![source], &mut |_| true).expect("the log is replayed")
}

fn usage(records: &[Value], filter: Filter) -> Usage {
    replay(records, filter).usage.expect("usage is asked for")
}

fn of<'u>(usage: &'u Usage, principal: &str) -> &'u PrincipalUsage {
    let found = usage.principals.iter().find(|one| &*one.principal == principal);
    found.expect("the principal is in the report")
}

/// `action count granted last`, a line each.
fn used(one: &PrincipalUsage) -> Vec<String> {
    let line = |used: &assize_formats::ActionUse| {
        let last = used.last.map_or_else(|| "-".repeat(20), assize_formats::format_time);
        format!("{} {} {:?} {}", used.action, used.count(), used.is_granted, &last[11..16])
    };
    one.used.iter().map(line).collect()
}

fn denied() -> Value {
    json!({"errorCode": "AccessDenied"})
}

#[test]
fn granted_actions_are_used_or_never_or_not_shown() {
    let records = [
        event("s3", "GetObject", "10:00", &json!({})),
        event("s3", "GetObject", "12:00", &json!({})),
        event("s3", "GetObject", "11:00", &denied()),
        event("ec2", "DescribeInstances", "09:00", &json!({})),
        // The resource of the call cannot be told; it was made all the same.
        event("lambda", "DeleteFunction20150331", "13:00", &json!({"requestParameters": null})),
    ];
    let usage = usage(&records, Filter::default());
    let ana = of(&usage, ANA);
    assert_eq!(
        used(ana),
        [
            "s3:GetObject 3 Some(true) 12:00",
            "ec2:DescribeInstances 1 Some(false) 09:00",
            "lambda:DeleteFunction 1 Some(true) 13:00",
        ]
    );
    let get = &ana.used[0].observed;
    assert_eq!((get.allowed, get.denied, get.unknown), (2, 1, 0));
    assert!(ana.never.contains(&"lambda:CreateFunction".to_owned()), "{:?}", ana.never);
    assert!(!ana.never.iter().any(|action| action.starts_with("s3:")), "{:?}", ana.never);
    assert!(ana.not_shown.contains(&"iam:PassRole".to_owned()), "{:?}", ana.not_shown);
    // `s3:PutObject` is denied whatever the object; `s3:GetObject` on some.
    assert_eq!(ana.granted, Some(3 + ana.never.len() as u64 - 1 + ana.not_shown.len() as u64));
    assert_eq!(usage.events, 5);
    let noon = 1_714_564_800;
    assert_eq!(usage.window, Some((noon - 3 * 3_600, noon + 3_600)));
}

#[test]
fn groups_and_boundaries_say_what_is_granted() {
    let usage = usage(&[], Filter::default());
    let ben = of(&usage, BEN);
    assert_eq!((ben.granted, ben.n_never), (Some(1), 1));
    assert_eq!(ben.never, ["kms:ListKeys"]);
    let reader = of(&usage, READER);
    assert_eq!(reader.never, ["kms:ListKeys", "tag:*"]);
    assert!(reader.n_never > 2 && reader.used.is_empty());
    assert_eq!(usage.window, None);
}

/// An action that a service checks beside the one that was called may have been used.
#[test]
fn actions_beside_those_of_the_log_are_not_called_unused() {
    let key = "arn:aws:kms:eu-west-1:111111111111:key/k";
    let parameters = json!({"requestParameters": {"functionName": "f", "kMSKeyArn": key}});
    let create = event("lambda", "CreateFunction20150331", "10:00", &parameters);
    let usage = usage(&[create], Filter::default());
    let ana = of(&usage, ANA);
    assert_eq!(used(ana), ["lambda:CreateFunction 1 Some(true) 10:00"]);
    assert!(!ana.never.contains(&"iam:PassRole".to_owned()));
}

/// A whole service is called unused only where a log would show each of its actions.
#[test]
fn a_service_with_actions_that_no_log_shows_is_told_action_by_action() {
    let caller = json!({"userIdentity": {"type": "IAMUser", "arn": ADMIN,
        "accountId": "111111111111", "accessKeyId": "AKIAEXAMPLE", "userName": "root-like"}});
    let create = event("lambda", "CreateFunction20150331", "10:00", &caller);
    for records in [&[][..], &[create]] {
        let usage = usage(records, Filter::default());
        let admin = of(&usage, ADMIN);
        let (never, not_shown) = (&admin.never, &admin.not_shown);
        assert!(!never.iter().any(|name| name == "iam:*" || name == "iam:PassRole"), "{never:?}");
        assert!(never.contains(&"iam:CreateUser".to_owned()), "{never:?}");
        assert!(not_shown.contains(&"iam:PassRole".to_owned()), "{not_shown:?}");
        let told = (admin.used.len() + never.len() + not_shown.len()) as u64;
        assert_eq!(admin.granted, Some(told), "an action is told once");
    }
}

/// An action that no catalog knows is granted by the patterns that match its name; that it is not
/// granted cannot be said.
#[test]
fn unknown_actions_are_granted_by_name() {
    let caller = |name: &str| {
        let arn = format!("arn:aws:iam::111111111111:user/{name}");
        json!({"userIdentity": {"type": "IAMUser", "arn": arn, "accountId": "111111111111",
            "accessKeyId": "AKIAEXAMPLE", "userName": name}})
    };
    let records = [
        event("lambda", "FoldUniverse", "10:00", &caller("root-like")),
        event("lambda", "FoldFunction", "10:00", &json!({})),
        event("lambda", "FoldUniverse", "11:00", &json!({})),
        event("brandnew", "FoldUniverse", "12:00", &caller("ben")),
    ];
    let usage = usage(&records, Filter::default());
    assert_eq!(used(of(&usage, ADMIN)), ["lambda:FoldUniverse 1 Some(true) 10:00"]);
    assert_eq!(
        used(of(&usage, ANA)),
        ["lambda:FoldFunction 1 Some(true) 10:00", "lambda:FoldUniverse 1 None 11:00"]
    );
    assert_eq!(used(of(&usage, BEN)), ["brandnew:FoldUniverse 1 None 12:00"]);
}

#[test]
fn sessions_of_a_role_are_the_role() {
    let session = json!({"userIdentity": {
        "type": "AssumedRole", "arn": "arn:aws:sts::222222222222:assumed-role/reader/s",
        "accountId": "222222222222", "accessKeyId": "ASIAX",
        "sessionContext": {"sessionIssuer": {"type": "Role", "arn": READER}}}});
    let usage = usage(&[event("kms", "ListKeys", "10:00", &session)], Filter::default());
    assert_eq!(used(of(&usage, READER)), ["kms:ListKeys 1 Some(true) 10:00"]);
    assert_eq!(of(&usage, READER).never, ["tag:*"]);
}

#[test]
fn strangers_have_no_grants() {
    let stranger = json!({"userIdentity": {"type": "IAMUser", "accountId": "333333333333",
        "arn": "arn:aws:iam::333333333333:user/u", "accessKeyId": "AKIAX"}});
    let usage = usage(&[event("s3", "GetObject", "10:00", &stranger)], Filter::default());
    let one = of(&usage, "arn:aws:iam::333333333333:user/u");
    assert_eq!((one.granted, one.never.len()), (None, 0));
    assert_eq!(used(one), ["s3:GetObject 1 None 10:00"]);
}

#[test]
fn filters_hold_for_grants_too() {
    let filter = Filter {
        services: ["lambda".into()].into(),
        accounts: ["111111111111".parse().expect("an account id")].into(),
        ..Filter::default()
    };
    let usage = usage(&[event("s3", "GetObject", "10:00", &json!({}))], filter);
    let names: Vec<&str> = usage.principals.iter().map(|one| &*one.principal).collect();
    assert_eq!(names, [ANA, BEN, ADMIN]);
    assert!(of(&usage, ANA).never.iter().all(|action| action.starts_with("lambda:")));
    assert_eq!(of(&usage, BEN).granted, Some(0));
}

/// A log without data events of a service cannot show that its objects were not read, whatever
/// it holds of others.
#[test]
fn the_limits_of_the_log_are_told() {
    let limits = |records: &[Value]| usage(records, Filter::default()).limits;
    let last = |records: &[Value]| limits(records).pop().unwrap_or_default();
    let called = event("ec2", "DescribeInstances", "10:00", &json!({}));
    assert_eq!(last(std::slice::from_ref(&called)), "this log holds no data events");
    let read = event("s3", "GetObject", "10:00", &json!({"eventCategory": "Data"}));
    let of_s3 = "this log holds data events of s3.amazonaws.com alone";
    assert_eq!(last(&[called, read.clone()]), of_s3);
    let invoked = event("lambda", "Invoke", "10:00", &json!({"eventCategory": "Data"}));
    let of_both = "this log holds data events of lambda.amazonaws.com, s3.amazonaws.com alone";
    assert_eq!(last(&[read, invoked]), of_both);
    // Records of older versions have no category.
    let older = |is_management: bool| json!({"managementEvent": is_management});
    assert_eq!(last(&[event("s3", "GetObject", "10:00", &older(false))]), of_s3);
    let bucket = event("s3", "GetBucketAcl", "10:00", &older(true));
    assert_eq!(last(&[bucket]), "this log holds no data events");
    for limit in ["are data events", "trails leave out"] {
        assert!(limits(&[]).iter().any(|text| text.contains(limit)), "{limit}");
    }
}

/// A call without a time is in no window, and of no year.
#[test]
fn calls_without_a_time_are_not_dated() {
    let timeless =
        || event("s3", "GetObject", "10:00", &json!({"eventTime": null, "eventID": "x"}));
    let alone = usage(&[timeless()], Filter::default());
    assert_eq!(alone.window, None);
    assert_eq!(used(of(&alone, ANA)), ["s3:GetObject 1 Some(true) -----"]);
    let report = replay(&[timeless()], Filter::default());
    assert!(report.days.is_empty(), "{:?}", report.days);
    let (mut stream, mut differences) = (Vec::new(), Vec::new());
    report
        .usage
        .as_ref()
        .expect("usage is asked for")
        .write_stream(&report, &mut stream)
        .expect("memory takes it");
    report.write_stream(&mut differences).expect("memory takes it");
    let page = report.to_html();
    for text in
        [String::from_utf8_lossy(&stream), String::from_utf8_lossy(&differences), page.into()]
    {
        assert!(!text.contains("1970"), "{text}");
    }
    let both =
        usage(&[timeless(), event("s3", "GetObject", "11:00", &json!({}))], Filter::default());
    let (ana, eleven) = (of(&both, ANA), Some(1_714_561_200));
    assert_eq!((ana.used[0].first, ana.used[0].last), (eleven, eleven));
    assert_eq!(both.window, eleven.zip(eleven));
}

#[test]
fn the_stream_has_a_line_for_everyone() {
    let report = replay(&[event("s3", "GetObject", "10:00", &json!({}))], Filter::default());
    assert!(report.is_about_use());
    let mut out = Vec::new();
    report
        .usage
        .as_ref()
        .expect("usage is asked for")
        .write_stream(&report, &mut out)
        .expect("memory takes it");
    let lines: Vec<Value> = out
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("a line is JSON"))
        .collect();
    assert_eq!(lines.len(), 6);
    assert_eq!(lines[0]["stream"], "usage");
    assert_eq!(lines[1]["principal"], ANA);
    assert_eq!(lines[1]["used"][0]["count"], 1);
    assert_eq!(lines[5]["summary"]["idle"], 3);
}
