//! The binary as a user meets it: exit codes, streams, bad input, policies without a world.

#[path = "command/check.rs"]
mod checking;
#[path = "command/context.rs"]
mod context;
#[path = "command/import.rs"]
mod import;
#[path = "command/replay.rs"]
mod replay;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

fn assize() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
    command.current_dir(repository()).env_clear();
    command
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn run(line: &[&str]) -> Output {
    assize().args(line).output().expect("the binary runs")
}

/// Exit code, standard output, standard error.
fn answer(line: &[&str]) -> (i32, String, String) {
    let output = run(line);
    (
        output.status.code().expect("no signal"),
        String::from_utf8(output.stdout).expect("UTF-8"),
        String::from_utf8(output.stderr).expect("UTF-8"),
    )
}

/// Checks the exit code, and that texts stand in standard output and standard error.
#[track_caller]
fn check(line: &[&str], code: i32, stdout: &[&str], stderr: &[&str]) -> String {
    let (found, out, err) = answer(line);
    assert_eq!(found, code, "{line:?}\n{out}\n{err}");
    for text in stdout {
        assert!(out.contains(text), "{line:?} lacks `{text}`:\n{out}");
    }
    for text in stderr {
        assert!(err.contains(text), "{line:?} lacks `{text}`:\n{err}");
    }
    out
}

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        path
    }
}

const WORLD: &str = "examples/world.assize.yaml";
const SRE: &str = "arn:aws:iam::200611803367:user/privesc-sre-user";
const OBJECT: &str = "arn:aws:s3:::reports/2024.csv";
const S3_READ: &str = "examples/policies/s3-read.json";
const OFFICE_ONLY: &str = "examples/policies/office-only.json";
const DENY_REGIONS: &str = "examples/policies/deny-regions.json";

fn allow(action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"A","Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
    )
}

/// F-80, F-82, F-83.
#[test]
fn the_exit_code_is_the_answer() {
    let get = ["simulate", "--policy", S3_READ, "-r", OBJECT, "-a", "s3:GetObject"];
    let put = ["simulate", "--policy", S3_READ, "-r", OBJECT, "-a", "s3:PutObject"];
    let expecting =
        |line: &[&'static str], word: &'static str| [line, &["--expect", word]].concat();
    check(&get, 0, &["Allowed"], &[]);
    check(&put, 1, &["ImplicitDeny", "no identity-based policy allows it"], &[]);
    check(&expecting(&put, "Denied"), 0, &[], &[]);
    check(&expecting(&put, "ExplicitDeny"), 1, &[], &[]);
    check(&expecting(&get, "Denied"), 1, &[], &[]);
    check(&expecting(&get, "error"), 1, &[], &[]);
    check(&["simulate", "--policy", S3_READ, "-a", "GetObject"], 2, &[], &["`GetObject`"]);
    let malformed = ["simulate", "--policy", S3_READ, "-a", "GetObject", "--expect", "error"];
    check(&malformed, 0, &[], &[]);
    // Two actions, one of them malformed: 2 outweighs 1 (F-81).
    check(&["simulate", "--policy", S3_READ, "-a", "x", "-a", "s3:PutObject"], 2, &[], &[]);
}

#[test]
fn wrong_usage_has_no_answer() {
    check(&["simulate"], 2, &[], &["--action"]);
    check(&["smulate"], 2, &[], &["simulate"]);
    check(&["simulate", "-a", "s3:GetObject"], 2, &[], &["which world?"]);
    let both = ["simulate", "--world", WORLD, "--policy", S3_READ, "-a", "s3:GetObject"];
    check(&both, 2, &[], &["exclude each other"]);
    check(&["simulate", "--world", WORLD, "-a", "s3:GetObject"], 2, &[], &["who asks?"]);
    let ask = ["simulate", "--policy", S3_READ, "-a", "s3:GetObject"];
    let asked = |more: &[&str], stderr: &str| check(&[&ask, more].concat(), 2, &[], &[stderr]);
    asked(&["-c", "SourceIp=1.2.3.4"], "`SourceIp` is no context key: expected `service:key`");
    asked(&["-c", "aws:SourceIp"], "expected KEY=VALUE");
    asked(
        &["--option", "strictAction=true"],
        "unknown field `strictAction`; did you mean `strictActions`?\n",
    );
    asked(
        &["--boundary", "arn:aws:iam::aws:policy/ReadOnlyAcces"],
        "is not among the bundled AWS-managed policies",
    );
    asked(&["--boundary", "examples"], "cannot read `examples`: is a directory");
    check(&["--version"], 0, &["assize ", "(catalog 20"], &[]);
    check(&["--help"], 0, &["Example:\n  assize "], &[]);
    check(&["help", "simulate"], 0, &["Example:\n  assize simulate"], &[]);
    check(&["help", "rule", "E-53"], 0, &["E-53\n  says:"], &[]);
    check(&["completions", "bash"], 0, &["_assize"], &[]);
}

/// C-27.
#[test]
fn policies_stand_in_for_the_layers_they_are_given_as() {
    let files = Files::new();
    let admin = files.write("admin.json", allow("*"));
    let ec2 = files.write("ec2.json", allow("ec2:*"));
    let s3 = files.write("s3.json", allow("s3:*"));
    let get = |options: &[&str], code: i32, text: &str| {
        let line = [&["simulate", "-a", "s3:GetObject", "-r", OBJECT], options].concat();
        check(&line, code, &[text], &[]);
    };
    get(&["--policy", &admin], 0, "inline:user/user/admin statement 0 `A`");
    get(&["--policy", &admin, "--boundary", &ec2], 1, "no permissions boundary allows it");
    get(
        &["--policy", &admin, "--boundary", &s3],
        0,
        "boundary:arn:aws:iam::111111111111:policy/s3",
    );
    get(&["--boundary", &ec2], 1, "no permissions boundary allows it");
    get(&["--scp", &ec2], 1, "no service control policy allows it");
    get(&["--scp", &s3], 0, "assumed: the principal's own policies are taken to allow everything");
    get(&["--session-policy", &ec2], 1, "no session policy allows it");
    get(&["--session-policy", &s3, "--session-policy", &ec2], 0, "Allowed");
    get(&["--policy", "arn:aws:iam::aws:policy/AmazonS3FullAccess"], 0, "AmazonS3FullAccess");
    get(&["-p", "arn:aws:iam::222222222222:role/R", "--policy", &s3], 0, "inline:role/R/s3");
    get(&["--policy", OFFICE_ONLY, "--policy", &admin, "-c", "aws:SourceIp=203.0.113.9"], 0, "");
    get(&["--policy", OFFICE_ONLY, "--policy", &admin, "-c", "aws:SourceIp=198.51.100.1"], 1, "");
    // Deny-only SCPs stand beside FullAWSAccess.
    let region = |region: &str, code| {
        let key = format!("aws:RequestedRegion={region}");
        check(
            &["simulate", "--scp", DENY_REGIONS, "-a", "ec2:RunInstances", "-c", &key],
            code,
            &["FullAWSAccess"],
            &[],
        );
    };
    region("ap-south-1", 1);
    region("us-east-1", 0);
}

#[test]
fn resources_have_policies_too() {
    let files = Files::new();
    let principal = "arn:aws:iam::222222222222:user/ana";
    let bucket = files.write(
        "bucket.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},
            "Action":"s3:GetObject","Resource":"arn:aws:s3:::reports/*"}]}"#,
    );
    let tls = files.write(
        "tls.json",
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"Tls","Effect":"Deny","Principal":"*","Action":"s3:*",
            "Resource":"*","Condition":{"BoolIfExists":{"aws:SecureTransport":"false"}}}]}"#,
    );
    let trust = files.write(
        "trust.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"222222222222"},
            "Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"tango"}}}]}"#,
    );
    let get = ["simulate", "-p", principal, "-a", "s3:GetObject", "-r", OBJECT];
    check(&[&get[..], &["--resource-policy", &tls]].concat(), 0, &["is trusted"], &[]);
    // In another account the bucket's policy must allow it.
    let across = [&get[..], &["-c", "aws:ResourceAccount=111111111111"]].concat();
    check(&[&across[..], &["--resource-policy", &tls]].concat(), 1, &["no resource-based"], &[]);
    check(&[&across[..], &["--resource-policy", &bucket]].concat(), 0, &["#0 statement 0"], &[]);
    let plain = ["--rcp", &tls, "-c", "aws:SecureTransport=false"];
    check(&[&get[..], &plain].concat(), 1, &["rcp:p-tls statement 0 `Tls`"], &[]);
    let role = "arn:aws:iam::111111111111:role/Deploy";
    let assume =
        ["simulate", "-p", principal, "-a", "sts:AssumeRole", "-r", role, "--trust", &trust];
    check(&assume, 1, &["asked for and not given: sts:ExternalId"], &[]);
    check(&[&assume[..], &["-c", "sts:ExternalId=tango"]].concat(), 0, &["trust:"], &[]);
    check(&["simulate", "-a", "sts:AssumeRole", "--trust", &trust], 2, &[], &["needs a role"]);
}

/// E-92: whom an identity provider vouches for, with the claims of the token.
#[test]
fn federated_callers_are_asked_about() {
    let files = Files::new();
    let github = "token.actions.githubusercontent.com";
    let statement = |principal: &str, action: &str, key: &str, value: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":
            "{principal}"}},"Action":"sts:{action}","Condition":{{"StringLike":{{"{key}":"{value}"}}}}}}]}}"#
        )
    };
    let web = "AssumeRoleWithWebIdentity";
    let ask = |principal: &str, action: &str, key: &str, value: &str| {
        let trust = files.write("trust.json", statement(principal, action, key, value));
        let action = format!("sts:{action}");
        let role = "arn:aws:iam::111111111111:role/x";
        let line = ["-p", principal, "-a", &action, "-r", role, "--trust", &trust];
        for command in ["simulate", "explain"] {
            let line = [&[command][..], &line].concat();
            let given = format!("{key}={value}");
            check(
                &[&line[..], &["-c", &given]].concat(),
                0,
                &["trust:arn:aws:iam::111111111111:role/x statement 0"],
                &[],
            );
            let other = format!("{key}=other");
            check(&[&line[..], &["-c", &other]].concat(), 1, &["no role trust policy"], &[]);
            check(&line, 1, &[&format!("asked for and not given: {key}")], &[]);
        }
    };
    let provider = format!("arn:aws:iam::111111111111:oidc-provider/{github}");
    ask(&provider, web, &format!("{github}:sub"), "repo:o/r:ref:refs/heads/main");
    let saml = "arn:aws:iam::111111111111:saml-provider/adfs";
    ask(saml, "AssumeRoleWithSAML", "SAML:aud", "https://signin.aws.amazon.com/saml");
    for built_in in ["cognito-identity.amazonaws.com", "accounts.google.com"] {
        ask(built_in, web, &format!("{built_in}:aud"), "x");
    }
}

/// C-2: what a service and an anonymous caller have, and what they do not.
#[test]
fn callers_of_no_account_are_explained_as_such() {
    let files = Files::new();
    let queue = "arn:aws:sqs:us-east-1:444455556666:q";
    let policy = files.write(
        "queue.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage",
            "Resource":"*"}]}"#,
    );
    let line = ["explain", "--resource-policy", &policy, "-a", "sqs:SendMessage", "-r", queue];
    for caller in ["sns.amazonaws.com", "anonymous"] {
        let out = check(&[&line[..], &["-p", caller]].concat(), 0, &[], &[]);
        assert!(out.contains("The caller is of no account, the resource in 444455556666"), "{out}");
        assert!(!out.contains("Within one account"), "{out}");
        assert!(!out.contains("own policies"), "{out}");
    }
    let user = [&line[..], &["-p", "arn:aws:iam::444455556666:user/u"]].concat();
    check(&user, 0, &["Within one account: 444455556666", "assumed: the principal's own"], &[]);
}

/// C-2: a request is not told to carry what no such request can.
#[test]
fn no_key_of_another_service_is_proposed() {
    let files = Files::new();
    let perimeter = files.write(
        "perimeter.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":
            {"StringNotEqualsIfExists":{"ec2:Owner":"amazon","aws:PrincipalTag/exempt":"true"}}}]}"#,
    );
    let explain = |action: &str, resource: &str| {
        let line = ["explain", "--scp", &perimeter, "-a", action, "-r", resource];
        let out = check(&line, 1, &["remove scp:p-perimeter statement 0"], &[]);
        out.contains("send the request with ec2:Owner `amazon`")
    };
    assert!(!explain("s3:GetObject", "arn:aws:s3:::c/k"));
    assert!(explain("ec2:RunInstances", "arn:aws:ec2:us-east-1::image/ami-12345678"));
}

/// An action on resources that is asked without one: no statement about ARNs says anything of it.
#[test]
fn a_question_without_a_resource_is_warned_about() {
    let files = Files::new();
    let deny = files.write(
        "network.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"ec2:RunInstances",
            "Resource":"arn:aws:ec2:*:*:network-interface/*"}]}"#,
    );
    let warned = ["warning: `ec2:RunInstances` is about resources of type", "decided on `*`"];
    for command in ["simulate", "explain"] {
        let line = [command, "--scp", &deny, "-a", "ec2:runinstances"];
        check(&line, 0, &["Allowed"], &warned);
        let json = [&line[..], &["--format", "json"]].concat();
        check(&json, 0, &[r#""notes":["asked_without_resource","#], &warned);
        let out = check(&[&json[..], &["-r", "*"]].concat(), 0, &["Allowed"], &[]);
        assert!(!out.contains("asked_without_resource"), "{out}");
    }
    let silent = |line: &[&str]| {
        let line = [&["simulate", "--scp", &deny][..], line].concat();
        let (_, out, warned) = answer(&[&line[..], &["--format", "json"]].concat());
        assert_eq!((out.contains("asked_without_resource"), &*warned), (false, ""), "{line:?}");
    };
    silent(&["-a", "ec2:RunInstances", "-r", "arn:aws:ec2:us-east-1:111111111111:instance/i-1"]);
    silent(&["-a", "s3:ListAllMyBuckets"]);
    silent(&["-a", "nobody:Knows"]);
}

/// C-27: where in the organization the principals stand.
#[test]
fn a_path_of_the_organization_can_be_given() {
    let files = Files::new();
    let policy = files.write(
        "path.json",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*",
            "Condition":{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-exampleorg1/r-ab12/ou-ab12-11111111/*"}}}]}"#,
    );
    let ask = |path: &str, code: i32, stderr: &[&str]| {
        let path = format!("aws:PrincipalOrgPaths={path}");
        let line = ["simulate", "--policy", &policy, "-a", "s3:ListAllMyBuckets", "-c", &path];
        check(&line, code, &[], stderr);
    };
    ask("o-exampleorg1/r-ab12/ou-ab12-11111111/ou-ab12-22222222/", 0, &[]);
    ask("o-exampleorg1/r-ab12/ou-ab12-33333333/", 1, &[]);
    ask("o-exampleorg1/r-ab12/*/", 2, &["expected the path of an account"]);
}

/// C-25.
#[test]
fn bad_policies_are_shown_with_the_text_underlined() {
    let files = Files::new();
    let broken =
        files.write("broken.json", "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n");
    let typo = files.write(
        "typo.json",
        "{\"Version\": \"2012-10-17\",\n \"Statement\": [{\"Efect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\"}]}",
    );
    let get = |policy: &str, texts: &[&str]| {
        let line = ["simulate", "--policy", policy, "-a", "s3:GetObject", "-r", OBJECT];
        check(&line, 2, &[], texts);
    };
    get(&broken, &["error[JSON_SYNTAX_ERROR]", "broken.json:"]);
    get(&typo, &["typo.json:2:17", "\"Efect\"", "^^^^^^^", "did you mean `Effect`?"]);
    get(&files.path("nowhere.json"), &["cannot read", "nowhere.json"]);
    let binary = files.write("binary.json", b"\xff\xfe\x00\x01");
    get(&binary, &["not UTF-8: a wrong byte at offset 0", "binary.json:1:1"]);
    let deep = files.write("deep.json", "[".repeat(1_000_000));
    get(&deep, &["deep.json:1:"]);
    get("arn:aws:iam::aws:policy/ReadOnlyAcces", &["did you mean"]);
}

#[test]
fn a_scenario_with_mistakes_is_shown_with_their_places() {
    let files = Files::new();
    let world = files.write(
        "w.assize.yaml",
        "assize: 1\naccounts:\n  \"111111111111\":\n    usrs: {}\n    users:\n      ana: {attached: [{ref: none}]}\n",
    );
    let line = ["simulate", "--world", &world, "-p", SRE, "-a", "s3:GetObject"];
    check(&line, 2, &[], &["w.assize.yaml:4:5", "did you mean `users`?", "w.assize.yaml:6:"]);
    check(&["test", &world], 2, &[], &["error[unknown_field]"]);
}

#[test]
fn questions_are_answered_in_a_world() {
    let simulate = ["simulate", "--world", WORLD, "-p", SRE, "-a", "iam:CreateUser"];
    check(&simulate, 1, &["scp:p-scp-deny-iam-user-actions"], &["was read with warnings"]);
    let explain = ["explain", "--world", WORLD, "-p", SRE, "-a", "iam:CreateUser"];
    check(
        &explain,
        1,
        &["denied by scp:", "StringNotLike aws:PrincipalTag/IAMUserManagementException"],
        &[],
    );
    let misspelled = SRE.replace("user", "usr").replace(":usr/", ":user/");
    let unknown = ["simulate", "--world", WORLD, "-p", &misspelled, "-a", "iam:CreateUser"];
    check(&unknown, 2, &[], &["did you mean `arn:aws:iam::200611803367:user/privesc-sre-user`?"]);
    let forged = [&simulate[..], &["-c", "aws:PrincipalOrgID=o-other"]].concat();
    check(&forged, 2, &[], &["aws:PrincipalOrgID"]);
    // C-30: said with the answer.
    let undeclared = ["simulate", "--world", WORLD, "-p", SRE, "-a", "s3:GetObject", "-r", OBJECT];
    let assumed = "assumed: the resource belongs to the account of the principal";
    check(&undeclared, 1, &[assumed], &[]);
    // What the file states stands; that it speaks of the option does not.
    let files = Files::new();
    for (options, is_assumed) in [("options", false), ("x-options", true)] {
        let text = format!(
            r#"{{"assize":1,"{options}":{{"unknownResourceAccount":"deny"}},
                "accounts":{{"111111111111":{{"users":{{"u":{{}}}}}}}}}}"#
        );
        let world = files.write("w.assize.json", text);
        let user = "arn:aws:iam::111111111111:user/u";
        let ask = ["simulate", "--world", &world, "-p", user, "-a", "s3:GetObject", "-r", OBJECT];
        assert_eq!(check(&ask, 1, &[], &[]).contains(assumed), is_assumed);
    }
}

/// C-2: every part that keeps a statement from applying, session policies that come with the
/// request among them, and what would flip the answer.
#[test]
fn an_answer_is_explained_and_what_would_change_it() {
    let files = Files::new();
    let session = files.write(
        "mine.json",
        r#"{"Version": "2012-10-17", "Statement": [{"Sid": "Mine", "Effect": "Allow",
            "Action": "s3:GetObject", "Resource": "arn:aws:s3:::home/${aws:PrincipalTag/team}/*",
            "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}]}"#,
    );
    let role = "arn:aws:iam::111111111111:role/R";
    let ask = |resource: &str, address: &str, expected: i32, parts: &[&str]| {
        let address = format!("aws:SourceIp={address}");
        let line = ["explain", "--policy", S3_READ, "--session-policy", &session, "-p", role];
        let asked = ["-a", "s3:GetObject", "-r", resource, "-c", "aws:PrincipalTag/team=red"];
        check(&[&line[..], &asked, &["-c", &address]].concat(), expected, parts, &[]);
    };
    ask(
        "arn:aws:s3:::home/red/k",
        "203.0.113.7",
        0,
        &[
            "Resource `arn:aws:s3:::home/${aws:PrincipalTag/team}/*` (here `arn:aws:s3:::home/red/*`)",
            "IpAddress aws:SourceIp `203.0.113.0/24` — found `203.0.113.7`",
            "What would deny it, proven by deciding again:",
            "send the request without aws:SourceIp",
        ],
    );
    ask(
        "arn:aws:s3:::home/red/k",
        "198.51.100.7",
        1,
        &[
            "would allow: session:arn:aws:iam::111111111111:policy/mine statement 0 `Mine`",
            "but IpAddress aws:SourceIp `203.0.113.0/24` — found `198.51.100.7`",
            "What would allow it, proven by deciding again:",
            "1. send the request with aws:SourceIp `203.0.113.0`",
        ],
    );
    ask(
        "arn:aws:s3:::home/blue/k",
        "203.0.113.7",
        1,
        &[
            "but is about `arn:aws:s3:::home/${aws:PrincipalTag/team}/*` (here `arn:aws:s3:::home/red/*`)",
        ],
    );
    let listed = ["explain", "-v", "--policy", S3_READ, "-a", "iam:GetUser"];
    check(&listed, 1, &["statement 0 (examples/policies/s3-read.json:3:16)\n      is about "], &[]);
}

/// C-2: the statement that decides is shown as text, and JSON has all of it under names of ours.
/// E-128, F-82: what hangs on keys that nobody tells is neither yes nor no.
#[test]
fn partial_context_says_what_it_depends_on() {
    let files = Files::new();
    let condition = r#""Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#;
    let statement =
        format!(r#"{{"Effect":"Allow","Action":"s3:GetObject","Resource":"*",{condition}}}"#);
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    let policy = files.write("office.json", policy);
    let partial = ["--policy", &policy, "--option", "context=partial"];
    let question = ["-a", "s3:GetObject", "-r", "arn:aws:s3:::b/k"];
    let asked = |command, more: &[&'static str]| {
        let mut line = vec![command];
        line.extend(partial.iter().chain(&question).chain(more).copied());
        line.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let check = |command, more: &[&'static str], code, stdout: &[&str]| {
        let line = asked(command, more);
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        check(&line, code, stdout, &[])
    };
    check("simulate", &[], 3, &["Indeterminate", "it depends on aws:SourceIp"]);
    check("simulate", &["--expect", "Indeterminate"], 0, &[]);
    check("simulate", &["-c", "aws:SourceIp=203.0.113.5"], 0, &["Allowed"]);
    check("explain", &[], 3, &["the key is unknown", "send the request with aws:SourceIp"]);
    let request = r#"{"principal":"arn:aws:iam::111111111111:user/u","action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}"#;
    let requests = files.write("requests.ndjson", request);
    let mut line = vec!["batch"];
    line.extend(partial);
    line.extend(["--format", "compact", &requests]);
    let (code, out, err) = answer(&line);
    assert_eq!((code, &*out), (0, "1\t?\tidentity\taws:SourceIp\n"), "{err}");
}

#[test]
fn the_statement_that_decides_is_shown() {
    let line = ["--world", WORLD, "-p", SRE, "-a", "iam:CreateUser"];
    let excerpt = "    |   \"Effect\": \"Deny\",\n";
    let simulate = [&["simulate"][..], &line].concat();
    check(&simulate, 1, &[excerpt], &[]);
    let explain = [&["explain"][..], &line].concat();
    check(
        &explain,
        1,
        &[
            excerpt,
            "1. tag the principal with IAMUserManagementException `true`\n     and allow `iam:CreateUser`",
            "2. remove scp:p-scp-deny-iam-user-actions statement 0 on ou-demo-sandbox1",
        ],
        &[],
    );
    let out = check(&[&explain[..], &["--format", "json"]].concat(), 1, &[], &[]);
    let record: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(record["x-changes"][1]["decision"], "Allowed");
    assert_eq!(record["x-changes"][1]["edits"][0]["edit"], "removeStatement");
    let statements = record["x-statements"][0].as_array().expect("statements");
    let deny = statements
        .iter()
        .find(|s| s["policyId"] == "scp:p-scp-deny-iam-user-actions" && s["statement"] == 0)
        .expect("the statement that denies");
    assert_eq!(deny["applies"], true);
    assert_eq!(deny["conditions"][1]["key"], "aws:PrincipalTag/IAMUserManagementException");
    assert_eq!(deny["conditions"][1]["actual"]["state"], "absent");
}

/// E-106, C-2: a denial of AWS is a question, and its reason is compared.
#[test]
fn a_denial_of_aws_is_explained() {
    let message = |reason: &str| {
        format!(
            "An error occurred (AccessDenied) when calling the CreateUser operation: User: {SRE} \
             is not authorized to perform: iam:CreateUser on resource: * {reason}"
        )
    };
    let explain = |message: &str, code: i32, out: &[&str], err: &[&str]| {
        check(&["explain", "--world", WORLD, "--message", message], code, out, err);
    };
    let denied = message("with an explicit deny in a service control policy");
    explain(
        &denied,
        1,
        &["denied explicitly by a service control policy; this world decides the same"],
        &[],
    );
    let other = message("because no identity-based policy allows the iam:CreateUser action");
    explain(&other, 1, &["this world decides otherwise"], &[]);
    explain("Access Denied", 2, &[], &["expected a message of AWS"]);
    check(&["explain", "--world", WORLD], 2, &[], &["--action <ACTION>"]);
}

/// E-108, E-109: the answer of the policy simulator, in both shapes.
#[test]
fn several_questions_multiply_out() {
    let line = [
        "simulate",
        "--policy",
        S3_READ,
        "-a",
        "s3:GetObject",
        "-a",
        "s3:PutObject",
        "-r",
        "arn:aws:s3:::a/b",
        "-r",
        "arn:aws:s3:::c/d",
    ];
    let json = [&line[..], &["--format", "json"]].concat();
    let out = check(&json, 1, &[], &[]);
    let records: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(records.len(), 4);
    assert_eq!(records[0]["decision"], "Allowed");
    assert_eq!(records[3]["checks"][0]["resource"], "arn:aws:s3:::c/d");
    assert!(
        records[0]["provenance"]["snapshot"].as_str().expect("a digest").starts_with("sha256:")
    );
    let aws = |shape: &[&str]| {
        let line = [&line[..], &["--format", "aws"], shape].concat();
        let out = check(&line, 1, &[], &[]);
        let response: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        response["EvaluationResults"].as_array().expect("a list").clone()
    };
    let present = aws(&[]);
    assert_eq!(present.len(), 2);
    assert_eq!(present[1]["EvalDecision"], "implicitDeny");
    assert_eq!(present[0]["ResourceSpecificResults"].as_array().expect("a list").len(), 2);
    assert_eq!(aws(&["--aws-shape", "legacy"]).len(), 4);
}

/// E-90, E-108: what decides is the tagging of the session, and what was asked for is told.
#[test]
fn the_response_of_aws_names_what_was_asked() {
    let files = Files::new();
    let user = "arn:aws:iam::111111111111:user/u";
    let role = "arn:aws:iam::111111111111:role/r";
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}"#;
    let policy = files.write("assume.json", policy);
    let line = ["simulate", "--policy", &policy, "-p", user, "-a", "sts:AssumeRole", "-r", role];
    let line = [&line[..], &["-c", "aws:RequestTag/t=1", "--format", "aws"]].concat();
    let out = check(&line, 1, &[], &[]);
    let response: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(response["EvaluationResults"][0]["EvalActionName"], "sts:AssumeRole");
}

/// F-31, F-33, F-84.
#[test]
fn a_batch_is_decided_and_its_bad_rows_counted() {
    let files = Files::new();
    let good = r#"{"id":"a","principal":"arn:aws:iam::111111111111:user/u","action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}"#;
    let requests = files.write("r.ndjson", format!("{good}\n{{\"id\":\n\n{good}\n"));
    let out = files.path("out.ndjson");
    let line = ["batch", "--policy", S3_READ, &requests];
    let to_file = [&line[..], &["-o", &out]].concat();
    let stdout = check(&to_file, 2, &[], &["3 requests"]);
    assert!(stdout.is_empty());
    assert!(!Path::new(&format!("{out}.partial")).exists());
    let lines: Vec<serde_json::Value> = std::fs::read_to_string(&out)
        .expect("a file")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[0]["stream"], "decisions");
    assert_eq!(lines[1]["decision"], "Allowed");
    assert_eq!(lines[2]["error"]["code"], "json_syntax");
    assert_eq!(lines[2]["id"], 2);
    assert_eq!(lines[4]["summary"]["error"], 1);
    // Where the bad row is, and what stands there.
    check(&to_file, 2, &[], &["error[json_syntax]", "r.ndjson:2:7", "2 | {\"id\":"]);
    check(&[&line[..], &["--allow-errors"]].concat(), 0, &[], &[]);
    let many = format!("{good}\n\n{}", "{\"principal\":\"ana\",\"action\":\"s3:x\"}\n".repeat(7));
    let many = files.write("many.ndjson", many);
    let many = ["batch", "--policy", S3_READ, &many, "--format", "compact"];
    let wanted = [
        "error[invalid_principal]: `ana` is not a principal",
        "many.ndjson:3:14",
        "many.ndjson:7:14",
        "2 more requests are malformed",
    ];
    check(&many, 2, &["7\tE\t"], &wanted);
    check(&[&line[..], &["--allow-errors", "--expect", "Denied"]].concat(), 1, &[], &[]);
    check(
        &[&line[..], &["--format", "compact", "-q"]].concat(),
        2,
        &["a\tA\tidentity\t", "2\tE\t"],
        &[],
    );
    // A header that cannot be followed ends the run, and is told once.
    let newer = files.write("newer.ndjson", format!("{{\"assize\":2}}\n{good}\n"));
    let output = assize().args(["batch", "--policy", S3_READ, &newer]).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), told.matches("version 2").count()), (Some(2), 1), "{told}");
    // Several inputs are one stream.
    let both = ["batch", "--policy", S3_READ, &requests, &requests, "--allow-errors", "-q"];
    let out = check(&both, 0, &[], &[]);
    assert_eq!(out.lines().count(), 8);
    assert!(out.contains(r#"{"summary":{"requests":6,"Allowed":4,"error":2"#), "{out}");
}

#[test]
fn a_batch_reads_standard_input_and_compressed_files() {
    let mut child = assize()
        .args(["batch", "--policy", S3_READ, "-", "--format", "compact", "-q"])
        .args(["--session-policy", "arn:aws:iam::aws:policy/ReadOnlyAccess"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let line = r#"{"id":7,"principal":"arn:aws:iam::111111111111:role/R","action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}"#;
    child.stdin.take().expect("a pipe").write_all(line.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.starts_with(b"7\tA\tidentity\t"));
    let requests = "examples/requests.ndjson.gz";
    check(&["batch", "--world", WORLD, requests, "-o", "/dev/null"], 0, &[], &["requests in"]);
}

/// F-84: a closed output pipe ends the run quietly, status 2.
/// A result cannot take the name of a directory, which is told before anything is decided.
#[test]
fn a_directory_is_no_output() {
    let files = Files::new();
    let folder = files.path("");
    let folder = folder.trim_end_matches('/');
    let batch = ["batch", "examples/requests.ndjson.gz", "--world", WORLD, "-o", folder];
    check(&batch, 2, &[], &["is a directory"]);
    assert!(!std::path::Path::new(&format!("{folder}.partial")).exists());
}

#[test]
fn a_closed_pipe_ends_the_run_quietly() {
    for line in [
        &["batch", "--world", WORLD, "examples/requests.ndjson.gz", "--explain", "-q"][..],
        &["catalog", "ec2", "--format", "json"],
    ] {
        let mut child = assize()
            .args(line)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(2), "{line:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("error") && !stderr.contains("panicked"), "{stderr}");
    }
}

/// C-20.
#[test]
fn settings_and_environment_name_a_world() {
    let files = Files::new();
    let world = repository().join(WORLD).canonicalize().expect("the example world");
    let settings =
        format!("world = {:?}\n[options]\nstrictActions = true\n", world.display().to_string());
    files.write("assize.toml", settings);
    std::fs::create_dir(files.path("below")).expect("a directory");
    let simulate = |action: &str, toml: bool| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assize"));
        command.env_clear().args(["simulate", "-q", "-p", SRE, "-a", action]);
        if toml {
            command.current_dir(files.path("below"));
        } else {
            command.env("ASSIZE_WORLD", &world).env("ASSIZE_FORMAT", "json");
        }
        command.output().expect("the binary runs")
    };
    assert_eq!(simulate("iam:CreateUser", true).status.code(), Some(1));
    assert_eq!(simulate("iam:CreateUsr", true).status.code(), Some(2));
    let output = simulate("iam:CreateUsr", false);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.starts_with(b"{\"id\":1"));
    files.write("assize.toml", "wrld = \"x\"\n");
    let output = simulate("iam:CreateUser", true);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean `world`?"));
}

/// F-40, F-46, F-47.
#[test]
fn tests_pass_and_fail() {
    let files = Files::new();
    check(&["test", "examples"], 0, &["passed in 3 files"], &[]);
    let failing = files.write(
        "f.assize.yaml",
        "assize: 1\naccounts: {\"111111111111\": {users: {ana: {}}}}\ntests:\n  - name: wrong\n    \
         principal: arn:aws:iam::111111111111:user/ana\n    action: iam:ListUsers\n    expect: Allowed\n  \
         - name: known\n    pending: later\n    principal: arn:aws:iam::111111111111:user/ana\n    \
         action: iam:ListUsers\n    expect: Allowed\n",
    );
    check(
        &["test", &failing],
        1,
        &[
            "1 failed",
            "1 pending",
            "decision: expected `Allowed`, found `ImplicitDeny`",
            "f.assize.yaml:4:5",
        ],
        &[],
    );
    check(&["test", &failing, "--filter", "known"], 0, &[], &[]);
    check(&["test", &failing, "--filter", "known", "--ci"], 1, &[], &[]);
    check(
        &["test", &failing, "--format", "tap"],
        1,
        &["not ok 1", "not ok 2", concat!("# TO", "DO later")],
        &[],
    );
    check(&["test", &failing, "--format", "junit"], 1, &["failures=\"1\" skipped=\"1\""], &[]);
    let out = check(&["test", &failing, "--format", "json"], 1, &[], &[]);
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(report["summary"]["failed"], 1);
    let coverage = ["test", "examples/guardrails.assize.yaml", "--coverage"];
    check(&coverage, 0, &["statements matched by a test", "never matched:"], &[]);
}

/// A scenario of tests of one user, who may list users and nothing else.
fn scenario(tests: &str) -> String {
    let policy = "{Version: \"2012-10-17\", Statement: [{Sid: Reached, Effect: Allow, Action: \
                  \"iam:ListUsers\", Resource: \"*\"}, {Sid: Missed, Effect: Allow, Action: \
                  \"s3:GetObject\", Resource: \"*\"}]}";
    format!(
        "assize: 1\naccounts: {{\"111111111111\": {{users: {{ana: {{inline: {{p: \
         {policy}}}}}}}}}}}\ntests:\n{tests}"
    )
}

fn test(name: &str, members: &str, expect: &str) -> String {
    format!(
        "  - {{name: {name}, {members}principal: \"arn:aws:iam::111111111111:user/ana\", action: \
         \"iam:ListUsers\", expect: {expect}}}\n"
    )
}

/// F-40: files in byte order and tests in their order, each file on its own snapshot.
#[test]
fn tests_run_in_order() {
    let files = Files::new();
    let both = test("second", "", "Allowed") + &test("first", "", "Allowed");
    let late = files.write("b.assize.yaml", scenario(&test("late", "", "Allowed")));
    files.write("B.assize.yaml", scenario(&both));
    let folder = Path::new(&late).parent().expect("a folder").to_str().expect("UTF-8");
    let out = check(&["test", folder, "--format", "tap"], 0, &["1..3"], &[]);
    let at = |name: &str| out.find(name).unwrap_or_else(|| panic!("no `{name}` in\n{out}"));
    assert!(at("second") < at("first") && at("first") < at("late"), "{out}");
}

/// F-46: what marks a test changes whether it runs and counts, and nothing else.
#[test]
fn marks_of_tests_do_what_they_say() {
    let files = Files::new();
    let write = |tests: &str| files.write("m.assize.yaml", scenario(tests));
    let marks = "rules: [F-46], source: ours, tags: [t], ";
    let file = write(&test("plain", marks, "Allowed"));
    check(&["test", &file, "--ci"], 0, &["1 passed"], &[]);
    // Two of a name.
    let file = write(&(test("same", "", "Allowed") + &test("same", "", "Allowed")));
    check(&["test", &file], 2, &[], &["same"]);
    // What is skipped does not run; what is pending runs, and fails when it passes.
    let file = write(&(test("good", "", "Allowed") + &test("bad", "skip: why, ", "Denied")));
    check(&["test", &file], 0, &["1 passed", "1 skipped"], &[]);
    let file = write(&test("late", "pending: why, ", "Denied"));
    check(&["test", &file], 0, &["1 pending"], &[]);
    check(&["test", &file, "--ci"], 1, &[], &[]);
    let file = write(&test("late", "pending: why, ", "Allowed"));
    check(&["test", &file], 1, &[], &[]);
    // One that is marked runs alone.
    let file = write(&(test("one", "only: true, ", "Allowed") + &test("other", "", "Denied")));
    check(&["test", &file], 0, &["1 passed"], &[]);
    check(&["test", &file, "--ci"], 1, &[], &[]);
}

/// F-47: each statement that no test matched is listed, and no other.
#[test]
fn coverage_lists_the_statements_that_no_test_reaches() {
    let files = Files::new();
    let file = files.write("c.assize.yaml", scenario(&test("one", "", "Allowed")));
    let out = check(&["test", &file, "--coverage"], 0, &["Missed"], &[]);
    assert!(!out.contains("Reached"), "{out}");
    let out = check(&["test", &file, "--coverage", "--format", "json"], 0, &[], &[]);
    assert!(out.contains("Missed"), "{out}");
}

#[test]
fn the_catalog_answers() {
    check(&["catalog", "s3:GetObject"], 0, &["s3:GetObject", "${BucketName}/${ObjectName}"], &[]);
    check(&["catalog", "s3:GetObjct"], 2, &[], &["did you mean `s3:GetObject`?"]);
    check(&["catalog", "iam:Create*"], 0, &["iam:CreateUser"], &[]);
}

/// C-14.
#[test]
fn the_demo_runs_anywhere_and_agrees_with_the_reference() {
    let files = Files::new();
    let mut command = assize();
    command.current_dir(files.0.path()).args(["demo", "--requests", "20000"]);
    let output = command.output().expect("the binary runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("10,000 agree"), "{text}");
    for layer in ["identity", "scp", "rcp", "resource", "boundary", "session"] {
        assert!(text.contains(layer), "{layer}: {text}");
    }
}

/// C-2: what cannot match is shown as it is written, with the reason; a list is no single value.
#[test]
fn what_equals_nothing_is_explained() {
    let files = Files::new();
    let user = "arn:aws:iam::111111111111:user/u";
    let statements = [
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::","arn:aws:s3:::b/${a"]}"#,
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:TagKeys}"}"#,
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:SourceIdentity}"}"#,
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":["soon","2020-01-01"]}}}"#,
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"aws:TagKeys":"a"}}}"#,
    ];
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    let world = format!(
        r#"{{"assize":1,"accounts":{{"111111111111":{{"users":{{"u":{{"inline":{{"p":{policy}}}}}}}}}}},
            "resources":[{{"arn":"arn:aws:s3:::b","account":"111111111111"}}]}}"#
    );
    let world = files.write("w.assize.json", world);
    let explain = [
        "explain",
        "--world",
        &*world,
        "-p",
        user,
        "-a",
        "s3:GetObject",
        "-r",
        "arn:aws:s3:::b/k",
        "-c",
        "aws:TagKeys=a",
        "-c",
        "aws:TagKeys=b",
    ];
    let out = check(
        &explain,
        1,
        &[
            "`arn:aws:s3:::` (matches nothing: it names no resource)",
            "`arn:aws:s3:::b/${a` (matches nothing: a variable in it cannot be read)",
            "`arn:aws:s3:::b/${aws:TagKeys}` (`aws:TagKeys` is a list, and a list cannot be substituted)",
            "`arn:aws:s3:::b/${aws:SourceIdentity}` (`aws:SourceIdentity` has no value here)",
            "one of `soon` (cannot be read, and equals nothing), `2020-01-01T00:00:00Z`",
            "found [`a`, `b`]: a list needs ForAnyValue or ForAllValues",
        ],
        &[],
    );
    assert!(!out.contains("a value that cannot be read"), "{out}");
    let json = check(&[&explain[..], &["--format", "json"]].concat(), 1, &[], &[]);
    let record: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let soon = &record["x-statements"][0][3]["conditions"][0]["expected"][0];
    assert_eq!(soon["written"], "soon");
    assert!(soon["compared"].is_null());
    assert_eq!(soon["why"], "cannot be read, and equals nothing");
}

/// C-2: in partial context a test of an unknown key is neither true nor false; what a request
/// leaves out makes nothing certain; tags of a session of which nobody says anything are the
/// request's to tell.
#[test]
fn what_is_unknown_is_explained_as_unknown() {
    let files = Files::new();
    let world = files.write(
        "w.assize.json",
        r#"{"assize":1,"options":{"context":"partial"},"accounts":{"111111111111":{
            "users":{"u":{"inline":{"p":{"Version":"2012-10-17","Statement":[
                {"Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}]}}}},
            "roles":{"R":{"tags":{"team":"blue"},"inline":{"p":{"Version":"2012-10-17","Statement":[
                {"Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}]}}}}}}}"#,
    );
    let role = "arn:aws:sts::111111111111:assumed-role/R/s";
    let of_role = ["explain", "--world", &*world, "-p", role, "-a", "sqs:ListQueues"];
    let out = check(&of_role, 3, &["send the request with aws:PrincipalTag/team `red`"], &[]);
    assert!(!out.contains("tag the principal"), "{out}");
    let json = check(&[&of_role[..], &["--format", "json"]].concat(), 3, &[], &[]);
    let record: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let statement = &record["x-statements"][0][0];
    assert!(statement["conditions"][0]["holds"].is_null(), "{statement}");
    assert_eq!(statement["dependsOn"][0], "aws:PrincipalTag/team");
    let user = "arn:aws:iam::111111111111:user/u";
    let source = "aws:SourceIp=203.0.113.9";
    let of_user = ["explain", "--world", &*world, "-p", user, "-a", "sqs:ListQueues", "-c", source];
    check(
        &of_user,
        0,
        &["What would no longer allow it, proven by deciding again:", "without aws:SourceIp"],
        &[],
    );
}
