//! The sentences that AWS services print.

use assize::formats::RequestRecord;
use assize_model::EngineOptions;
use assize_store::{ImportFile, ImportOptions, StoreSnapshot, import};
use assize_tests::answer::{Oracle, engine};
use assize_tests::corpus::read_scenario;
use serde_json::{Value, json};

/// Two accounts of one organization and one of none; whatever a message can name.
const WORLD: &str = r#"
assize: 1
policies:
  no-sqs: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}, {Effect: Deny, Action: "sqs:*", Resource: "*"}]}
  no-put: {Version: "2012-10-17", Statement: [{Effect: Deny, Principal: "*", Action: "s3:PutObject", Resource: "*"}]}
  no-get: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "s3:Get*", Resource: "*"}]}
  all: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "*", Resource: "*"}]}
organization:
  id: o-w1aaaaaaaa
  managementAccount: "100000000001"
  policyTypes: [SCP, RCP]
  root:
    id: r-1aaa
    rcps: [{ref: no-put}]
    accounts: ["100000000001", {id: "111111111111", scps: [{ref: no-sqs}]}, {id: "222222222222", scps: [{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}]}]
accounts:
  "100000000001": {}
  "111111111111":
    users:
      plain: {}
      all: {attached: [{ref: all}]}
      denied: {attached: [{ref: all}, {ref: no-get}]}
      inline: {inline: {p: {Version: "2012-10-17", Statement: [{Effect: Deny, Action: "*", Resource: "*"}]}}}
      bounded: {attached: [{ref: all}], boundary: {ref: no-get}}
      narrow: {attached: [{ref: all}], boundary: {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "ec2:*", Resource: "*"}]}}
    roles:
      R:
        attached: [{ref: all}]
        trust: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {AWS: "arn:aws:iam::111111111111:user/all"}, Action: "sts:AssumeRole"}, {Effect: Deny, Principal: {AWS: "arn:aws:iam::111111111111:user/denied"}, Action: "sts:AssumeRole"}]}
  "222222222222":
    users:
      other: {attached: [{ref: all}]}
  "333333333333":
    users:
      stranger: {attached: [{ref: all}, {ref: no-get}]}
resources:
  - {arn: "arn:aws:s3:::b", account: "111111111111", policy: {Version: "2012-10-17", Statement: [{Effect: Deny, Principal: "*", Action: "s3:DeleteObject", Resource: "*"}]}}
endpoints:
  vpce-1: {account: "111111111111", vpc: vpc-1, policy: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: "*", Action: "ec2:*", Resource: "*"}]}}
  vpce-2: {account: "111111111111", vpc: vpc-1, policy: {Version: "2012-10-17", Statement: [{Effect: Deny, Principal: "*", Action: "*", Resource: "*"}]}}
tests:
  - {principal: anonymous, action: "s3:GetObject", resource: "arn:aws:s3:::b/k", expect: Denied}
"#;

/// Holds the message of a request against what is printed behind the first part, by the reference
/// and by the explanation.
fn check(request: &Value, expected: &str) {
    let scenario = read_scenario("messages.assize.yaml", WORLD.as_bytes()).expect("the world");
    check_in(&scenario.snapshot, &scenario.options, request, expected);
}

fn check_in(snapshot: &StoreSnapshot, options: &EngineOptions, request: &Value, expected: &str) {
    let text = request.to_string();
    let record = RequestRecord::parse(&text).expect("a request");
    let oracle = Oracle::new(snapshot, options).evaluate(&record.request);
    let explained = engine(snapshot, options).explain(&record.request);
    for found in [oracle, explained] {
        assert_eq!(&*found.expect("a decision").message, expected, "{request}");
    }
}

fn by(user: &str, action: &str, resource: &str) -> Value {
    let principal = format!("arn:aws:iam::111111111111:user/{user}");
    json!({"principal": principal, "action": action, "resource": resource})
}

fn says(user: &str, action: &str, resource: &str, rest: &str) {
    let expected = format!(
        "User: arn:aws:iam::111111111111:user/{user} is not authorized to perform: {action} on \
         resource: {resource}{rest}"
    );
    check(&by(user, action, resource), &expected);
}

const OBJECT: &str = "arn:aws:s3:::b/k";
const ROLE: &str = "arn:aws:iam::111111111111:role/R";
const SQS: &str = "arn:aws:sqs:eu-west-1:111111111111:q";

/// E-106: the sentence names action, resource and the kind of policy.
#[test]
fn denials_print_as_aws_prints_them() {
    check(&by("all", "s3:GetObject", OBJECT), "");
    let get = "s3:GetObject";
    says("plain", get, OBJECT, " because no identity-based policy allows the s3:GetObject action");
    says("inline", get, OBJECT, " with an explicit deny in an identity-based policy");
    says("narrow", get, OBJECT, " because no permissions boundary allows the s3:GetObject action");
    let delete = "s3:DeleteObject";
    says("all", delete, OBJECT, " with an explicit deny in a resource-based policy");
    let assume = "sts:AssumeRole";
    says("bounded", assume, ROLE, " because no role trust policy allows the sts:AssumeRole action");
    says("denied", assume, ROLE, " with an explicit deny in the role trust policy");
    let managed = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    says("all", "iam:DeletePolicy", managed, " because unmodifiable");
    let through = |endpoint: &str, rest: &str| {
        let mut request = by("all", get, OBJECT);
        request["network"] = json!({"vpce": endpoint});
        let first = "User: arn:aws:iam::111111111111:user/all is not authorized to perform: \
                     s3:GetObject on resource: arn:aws:s3:::b/k";
        check(&request, &format!("{first}{rest}"));
    };
    through("vpce-1", " because no VPC endpoint policy allows the s3:GetObject action");
    through("vpce-2", " with an explicit deny in a VPC endpoint policy");
    let session = json!({"type": "roleSession", "role": ROLE, "session": {"name": "s",
        "policy": {"Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}]}}});
    let in_session = |action: &str, rest: &str| {
        let first = format!(
            "User: arn:aws:sts::111111111111:assumed-role/R/s is not authorized to perform: {action}"
        );
        let request = json!({"principal": session, "action": action, "resource": OBJECT});
        check(&request, &format!("{first} on resource: {OBJECT}{rest}"));
    };
    in_session(get, " with an explicit deny in a session policy");
    in_session("s3:ListBucket", " because resource_type_mismatch");
    in_session("s3:GetObjectAcl", " because no session policy allows the s3:GetObjectAcl action");
    // A request without a resource names none.
    let principal = "arn:aws:iam::222222222222:user/other";
    check(
        &json!({"principal": principal, "action": "ec2:DescribeInstances"}),
        "User: arn:aws:iam::222222222222:user/other is not authorized to perform: \
         ec2:DescribeInstances because no service control policy allows the \
         ec2:DescribeInstances action",
    );
}

/// E-107: the policy that denies is named by its ARN to readers of the same account or
/// organization, and strangers are told nothing.
#[test]
fn denying_policies_are_named_to_those_who_may_know() {
    let arn = "arn:aws:iam::111111111111:policy/no-get";
    let deny = " with an explicit deny in";
    says("denied", "s3:GetObject", OBJECT, &format!("{deny} an identity-based policy: {arn}"));
    says("bounded", "s3:GetObject", OBJECT, &format!("{deny} a permissions boundary: {arn}"));
    // The organization of a scenario has no ARNs to name.
    says("all", "sqs:SendMessage", SQS, &format!("{deny} a service control policy"));
    says("all", "s3:PutObject", OBJECT, &format!("{deny} a resource control policy"));
    check(
        &json!({"principal": "anonymous", "action": "s3:GetObject", "resource": OBJECT}),
        "Access Denied",
    );
    let stranger = json!({"principal": "arn:aws:iam::333333333333:user/stranger",
        "action": "s3:GetObject", "resource": OBJECT});
    check(&stranger, "Access Denied");
    let colleague = json!({"principal": "arn:aws:iam::222222222222:user/other",
        "action": "s3:GetObject", "resource": OBJECT});
    check(
        &colleague,
        "User: arn:aws:iam::222222222222:user/other is not authorized to perform: s3:GetObject on \
         resource: arn:aws:s3:::b/k because no resource-based policy allows the s3:GetObject action",
    );
}

/// E-107: option `messagePolicyArn` says whether the policy is named.
#[test]
fn denying_policies_are_not_named_when_nobody_wants_it() {
    let scenario = read_scenario("messages.assize.yaml", WORLD.as_bytes()).expect("the world");
    let options = EngineOptions { message_policy_arn: false, ..scenario.options };
    let request = by("denied", "s3:GetObject", OBJECT);
    let expected = "User: arn:aws:iam::111111111111:user/denied is not authorized to perform: \
                    s3:GetObject on resource: arn:aws:s3:::b/k with an explicit deny in an \
                    identity-based policy";
    check_in(&scenario.snapshot, &options, &request, expected);
}

/// An organization with an account under policies that have ARNs, as AWS prints it.
const ORGANIZATION: [&str; 6] = [
    r#"{"Organization":{"Id":"o-exampleorg1","MasterAccountId":"100000000001"}}"#,
    r#"{"Roots":[{"Id":"r-exam","Name":"Root","PolicyTypes":[{"Type":"SERVICE_CONTROL_POLICY","Status":"ENABLED"},{"Type":"RESOURCE_CONTROL_POLICY","Status":"ENABLED"}]}]}"#,
    r#"{"Policy":{"PolicySummary":{"Id":"p-scp00001","Arn":"arn:aws:organizations::100000000001:policy/o-exampleorg1/service_control_policy/p-scp00001","Name":"s","Type":"SERVICE_CONTROL_POLICY","AwsManaged":false},"Content":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"sns:*\",\"Resource\":\"*\"}]}"}}"#,
    r#"{"Policy":{"PolicySummary":{"Id":"p-rcp00001","Arn":"arn:aws:organizations::100000000001:policy/o-exampleorg1/resource_control_policy/p-rcp00001","Name":"r","Type":"RESOURCE_CONTROL_POLICY","AwsManaged":false},"Content":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"sqs:*\",\"Resource\":\"*\"}]}"}}"#,
    r#"{"PolicyId":"p-scp00001","Targets":[{"TargetId":"111111111111","Type":"ACCOUNT"}]}"#,
    r#"{"PolicyId":"p-rcp00001","Targets":[{"TargetId":"111111111111","Type":"ACCOUNT"}]}"#,
];

/// E-107: policies of the organization are named to its accounts.
#[test]
fn policies_of_the_organization_are_named() {
    let file = |text: &'static str| ImportFile {
        name: "organization.json",
        bytes: text.as_bytes(),
        ..ImportFile::default()
    };
    let accounts = r#"{"Accounts":[{"Id":"111111111111","Name":"app","Status":"ACTIVE"}]}"#;
    let mut files: Vec<_> = ORGANIZATION.map(file).to_vec();
    files.push(ImportFile { parent_id: Some("r-exam"), ..file(accounts) });
    let options = ImportOptions { assume_full_access: true, ..ImportOptions::default() };
    let mut editor = StoreSnapshot::empty().edit();
    for change in import(&files, &options).changes {
        editor.apply(change).expect("an empty store takes what an import found");
    }
    let (snapshot, _) = editor.commit();
    for (action, resource, rest) in [
        (
            "sns:Publish",
            "arn:aws:sns:eu-west-1:111111111111:t",
            "a service control policy: arn:aws:organizations::100000000001:policy/o-exampleorg1/service_control_policy/p-scp00001",
        ),
        (
            "sqs:SendMessage",
            SQS,
            "a resource control policy: arn:aws:organizations::100000000001:policy/o-exampleorg1/resource_control_policy/p-rcp00001",
        ),
    ] {
        let expected = format!(
            "User: arn:aws:iam::111111111111:user/u is not authorized to perform: {action} on \
             resource: {resource} with an explicit deny in {rest}"
        );
        check_in(&snapshot, &EngineOptions::default(), &by("u", action, resource), &expected);
    }
}
