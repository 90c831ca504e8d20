//! Decisive statements in full (E-102): those that took part, and none of those that only matched.

use assize::formats::RequestRecord;
use assize_tests::answer::{Oracle, engine};
use assize_tests::corpus::read_scenario;
use serde_json::json;

const WORLD: &str = r#"
assize: 1
options: {time: "2024-05-01T12:00:00Z"}
policies:
  ec2: {Version: "2012-10-17", Statement: [{Sid: Ec2, Effect: Allow, Action: "ec2:*", Resource: "*"}]}
organization:
  id: o-w1aaaaaaaa
  managementAccount: "100000000001"
  policyTypes: [SCP, RCP]
  root:
    id: r-1aaa
    accounts:
      - "100000000001"
      - id: "111111111111"
        scps: [{Version: "2012-10-17", Statement: [{Sid: Scp, Effect: Allow, Action: "*", Resource: "*"}, {Sid: ScpNo, Effect: Deny, Action: "s3:DeleteObject", Resource: "*"}]}]
      - id: "222222222222"
accounts:
  "100000000001": {}
  "111111111111":
    users:
      u:
        inline: {p: {Version: "2012-10-17", Statement: [{Sid: Own, Effect: Allow, Action: "s3:*", Resource: "*"}, {Sid: OwnToo, Effect: Allow, Action: "s3:GetObject", Resource: "*"}, {Sid: OwnNo, Effect: Deny, Action: "s3:DeleteObject", Resource: "*"}]}}
        boundary: {Version: "2012-10-17", Statement: [{Sid: Bound, Effect: Allow, Action: "*", Resource: "*"}]}
      narrow:
        inline: {p: {Version: "2012-10-17", Statement: [{Sid: Narrow, Effect: Allow, Action: "s3:*", Resource: "*"}]}}
        boundary: {ref: ec2}
    roles:
      R:
        inline: {p: {Version: "2012-10-17", Statement: [{Sid: Role, Effect: Allow, Action: "s3:*", Resource: "*"}]}}
  "222222222222": {}
resources:
  - arn: arn:aws:s3:::b
    account: "111111111111"
    policy:
      Version: "2012-10-17"
      Statement:
        - {Sid: ToAccount, Effect: Allow, Principal: {AWS: "111111111111"}, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*"}
        - {Sid: ToUser, Effect: Allow, Principal: {AWS: ["arn:aws:iam::111111111111:user/u", "arn:aws:iam::111111111111:user/narrow"]}, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/named/*"}
        - {Sid: ToRole, Effect: Allow, Principal: {AWS: "arn:aws:iam::111111111111:role/R"}, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/role/*"}
  - arn: arn:aws:s3:::bb
    account: "222222222222"
    policy: {Version: "2012-10-17", Statement: [{Sid: ToAccount, Effect: Allow, Principal: {AWS: "111111111111"}, Action: "s3:GetObject", Resource: "arn:aws:s3:::bb/*"}]}
tests:
  - {principal: anonymous, action: "s3:GetObject", resource: "arn:aws:s3:::b/k", expect: Denied}
"#;

/// The statements that decide, by `sid` where they have one: the reference's and the explanation's.
#[track_caller]
fn check(who: &str, action: &str, resource: &str, expected: &[&str]) {
    let scenario = read_scenario("decisive.assize.yaml", WORLD.as_bytes()).expect("the world");
    let account = "111111111111";
    let principal = match who {
        "R" => format!("arn:aws:sts::{account}:assumed-role/R/s"),
        user => format!("arn:aws:iam::{account}:user/{user}"),
    };
    let text = json!({"principal": principal, "action": action, "resource": resource}).to_string();
    let record = RequestRecord::parse(&text).expect("a request");
    let oracle = Oracle::new(&scenario.snapshot, &scenario.options).evaluate(&record.request);
    let explained = engine(&scenario.snapshot, &scenario.options).explain(&record.request);
    for found in [oracle, explained] {
        let found = found.expect("a decision");
        let statements = found.decisive.statements.iter();
        let names: Vec<&str> = statements.map(|s| s.sid.as_deref().unwrap_or(&s.policy)).collect();
        assert_eq!(names, expected, "{text}");
    }
}

/// E-102: of an Allow for the account nothing follows within it (E-56), so it took no part; nor
/// did identity and boundary where the resource names the user.
#[test]
fn what_is_allowed_names_what_allowed_it() {
    let full = "scp:p-FullAWSAccess";
    let rcp = "rcp:p-RCPFullAWSAccess";
    let guards = [rcp, rcp, "Scp", full];
    let with = |before: &[&'static str], behind: &[&'static str]| {
        let all = before.iter().chain(&guards).chain(behind);
        all.copied().collect::<Vec<_>>()
    };
    let own = with(&["Bound", "Own", "OwnToo"], &[]);
    check("u", "s3:GetObject", "arn:aws:s3:::b/k", &own);
    check("u", "s3:PutObject", "arn:aws:s3:::b/k", &with(&["Bound", "Own"], &[]));
    check("R", "s3:GetObject", "arn:aws:s3:::b/k", &with(&["Role"], &[]));
    let named = [rcp, rcp, "ToUser", "Scp", full];
    check("narrow", "s3:GetObject", "arn:aws:s3:::b/named/k", &named);
    let across = ["Bound", "Own", "OwnToo", rcp, rcp, "ToAccount", "Scp", full];
    check("u", "s3:GetObject", "arn:aws:s3:::bb/k", &across);
}

/// E-102: what is denied names the denies of the layer that decides, and no others; what is not
/// allowed names nothing, whatever else matched.
#[test]
fn what_is_denied_names_the_denies_of_one_layer() {
    check("u", "s3:DeleteObject", "arn:aws:s3:::b/k", &["ScpNo"]);
    check("narrow", "s3:GetObject", "arn:aws:s3:::b/k", &[]);
    check("R", "ec2:DescribeInstances", "*", &[]);
}
