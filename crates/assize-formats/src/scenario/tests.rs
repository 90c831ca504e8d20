use std::collections::BTreeMap;

use assize_policy::LoadMode;

use assize_model::{ContextMode, Decision, Principal, Target};

use super::*;
use crate::SourceFile;

struct NoPolicies;

impl ManagedPolicySource for NoPolicies {
    fn document(&self, _: &str) -> Option<(Arc<str>, Box<str>)> {
        None
    }
}

/// Files in memory; paths are names.
#[derive(Default)]
struct Files(BTreeMap<&'static str, &'static str>);

impl FileSource for Files {
    fn read(&mut self, _: &str, path: &str) -> Result<SourceFile, Box<str>> {
        let text = self.0.get(path).ok_or_else(|| format!("no file `{path}`"))?;
        Ok(SourceFile { name: path.into(), bytes: text.as_bytes().to_vec() })
    }
}

fn read_with(
    name: &str,
    text: &str,
    files: &[(&'static str, &'static str)],
) -> Result<Scenario, Vec<Error>> {
    let mut files = Files(files.iter().copied().collect());
    let options = ReadOptions {
        files: &mut files,
        managed_policies: &NoPolicies,
        takes_several_resources: &|action| action == "ec2:RunInstances",
    };
    Scenario::read(name, text.into(), options)
}

fn read(name: &str, text: &str) -> Scenario {
    read_with(name, text, &[]).unwrap_or_else(|errors| panic!("{}", messages(&errors)))
}

fn messages(errors: &[Error]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The errors of a YAML file, one a line.
fn check(text: &str, expected: &str) {
    let found = read_with("t.yaml", text, &[]).map_or_else(|e| messages(&e), |_| "ok".to_owned());
    assert_eq!(found, expected, "{text}");
}

const BUCKET: &str = include_str!("tests/bucket.assize.yaml");
const ORGANIZATION: &str = include_str!("tests/organization.assize.yaml");
const PARTIAL: &str = include_str!("tests/partial.assize.yaml");

/// Formats, section 6.2.
#[test]
fn the_bucket_example_is_read() {
    let scenario = read("bucket.assize.yaml", BUCKET);
    assert_eq!(scenario.name.as_deref(), Some("reports bucket"));
    assert_eq!(scenario.tests.len(), 4);
    let snapshot = &scenario.snapshot;
    let ana = snapshot.user_by_arn("arn:aws:iam::111111111111:user/ana").unwrap();
    assert_eq!(&*ana.attached[0], "arn:aws:iam::111111111111:policy/s3-only");
    let role = snapshot.role_by_arn("arn:aws:iam::111111111111:role/Reader").unwrap();
    assert_eq!(role.boundary.as_deref(), Some("arn:aws:iam::111111111111:policy/ec2-only"));
    let test = scenario.test("plain http is refused").unwrap();
    let record = test.cells[0].record().unwrap();
    assert_eq!(record.request.network.unwrap().secure_transport, Some(false));
    assert_eq!(test.cells[0].expect.sid.as_deref(), Some("Tls"));
}

/// The text of a YAML policy is written anew; its anchors lead back to the file.
#[test]
fn yaml_policies_know_where_they_stand() {
    let scenario = read("bucket.assize.yaml", BUCKET);
    let resource = scenario.snapshot.resource("arn:aws:s3:::reports").unwrap();
    let document = scenario.snapshot.document(resource.policies[0]).unwrap();
    let text = document.text.as_ref().unwrap();
    let origin = document.origin.as_ref().unwrap();
    assert!(text.starts_with(r#"{"Version":"2012-10-17","Statement":[{"Sid":"Direct","#), "{text}");
    assert!(!origin.verbatim);
    let at = u32::try_from(text.find(r#""Tls""#).unwrap()).unwrap();
    let anchor = origin.anchors.iter().find(|anchor| anchor.text == at).unwrap();
    assert!(BUCKET[anchor.file as usize..].starts_with("Tls"));
    assert_eq!((anchor.line, anchor.column), assize_policy::line_column(BUCKET, anchor.file));
    assert!(origin.anchors.windows(2).all(|pair| pair[0].text < pair[1].text));
}

/// Formats, sections 6.3 and 6.1 (names, defaults).
#[test]
fn the_organization_example_is_read() {
    let scenario = read("organization.assize.yaml", ORGANIZATION);
    assert_eq!(scenario.options.time, Some(1_714_564_800));
    let snapshot = &scenario.snapshot;
    let organization = snapshot.organizations().next().unwrap();
    assert!(organization.scp_enabled && organization.rcp_enabled);
    let node = |id: &str| &organization.nodes[id];
    assert_eq!(
        node("ou-exam-prod0001").scps,
        ["p-FullAWSAccess", "p-ou-exam-prod0001-1"].map(Into::into)
    );
    assert_eq!(
        node("ou-exam-prod0001").rcps,
        ["p-RCPFullAWSAccess", "p-ou-exam-prod0001-0"].map(Into::into)
    );
    assert_eq!(node("111111111111").scps, ["p-FullAWSAccess".into()]);
    assert_eq!(node("r-exam").rcps, ["p-RCPFullAWSAccess".into()]);
    assert_eq!(node("ou-exam-prod0001").unit.as_ref().unwrap().name, "prod".into());
    let admin = snapshot.role_by_arn("arn:aws:iam::111111111111:role/Admin").unwrap();
    assert_eq!(&*admin.attached[0], "arn:aws:iam::111111111111:policy/Admin-0");
    let outside = snapshot.account("333333333333".parse().unwrap()).unwrap();
    assert_eq!(outside.external, Some(assize_store::ExternalAccount::TrustIdentity));
    let matrix = scenario.test("outsiders and anonymous are stopped by the RCP").unwrap();
    let principals: Vec<_> =
        matrix.cells.iter().map(|c| c.coordinates.principal.as_deref()).collect();
    assert_eq!(principals, [Some("anonymous"), Some("arn:aws:iam::333333333333:user/eve")]);
    assert_eq!(matrix.cells[0].coordinates.iter().count(), 1);
}

/// What a file leaves open is told apart from what it states.
#[test]
fn a_scenario_says_which_options_it_states() {
    let silent = "assize: 1\nx-note: unknownResourceAccount\n";
    assert_eq!(read("t.yaml", silent).stated_options, StatedOptions::default());
    let stated = "assize: 1\noptions: {unknownResourceAccount: deny}\n";
    let scenario = read("t.yaml", stated);
    assert_ne!(scenario.stated_options, StatedOptions::default());
    assert_eq!(scenario.options, EngineOptions::default());
}

/// Formats, section 6.5.
#[test]
fn options_of_a_test_override_those_of_the_file() {
    let scenario = read("partial.assize.yaml", PARTIAL);
    let modes: Vec<_> = scenario.tests.iter().map(|test| test.options.context).collect();
    assert_eq!(modes, [ContextMode::Partial, ContextMode::Partial, ContextMode::Complete]);
}

const MATRIX: &str = r#"{
  "assize": 1,
  "accounts": {"444444444444": {"roles": {"Pay": {}, "Ops": {}}}},
  "tests": [
    {"name": "only through s3",
     "principals": ["arn:aws:iam::444444444444:role/Pay", {"type": "roleSession", "role": "arn:aws:iam::444444444444:role/Ops"}],
     "actions": ["kms:Decrypt", "kms:GenerateDataKey"],
     "resources": ["arn:aws:kms:eu-west-1:444444444444:key/1", {"arn": "arn:aws:kms:eu-west-1:444444444444:key/2", "context": {"a:b": 1}}],
     "via": ["s3.amazonaws.com"], "source": {"account": "111111111111"},
     "expect": [
       {"when": {"principal": "arn:aws:iam::444444444444:role/Pay", "action": "kms:Decrypt"}, "decision": "Allowed"},
       {"when": {"resource": "arn:aws:kms:eu-west-1:444444444444:key/2"}, "layer": "identity"},
       {"decision": "Denied"}]},
    {"name": "one request", "principal": "anonymous", "action": "ec2:RunInstances",
     "resources": ["arn:aws:ec2:::instance/*", "arn:aws:ec2:::image/i"], "source": "a note", "expect": "Denied"},
    {"name": "two requests", "principal": "anonymous", "action": "s3:GetObject",
     "resources": ["arn:aws:s3:::b/1", "arn:aws:s3:::b/2"], "expect": "Denied"}]
}"#;

/// F-45.
#[test]
fn lists_multiply_out() {
    let scenario = read("m.json", MATRIX);
    let test = &scenario.tests[0];
    assert_eq!(test.cells.len(), 8);
    let coordinates: Vec<String> = test
        .cells
        .iter()
        .map(|cell| cell.coordinates.iter().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        coordinates[0],
        "arn:aws:iam::444444444444:role/Pay kms:Decrypt arn:aws:kms:eu-west-1:444444444444:key/1"
    );
    let decisions: Vec<_> = test.cells.iter().map(|cell| cell.expect.decision).collect();
    let (allowed, denied) = (Some(ExpectedDecision::Allowed), Some(ExpectedDecision::Denied));
    assert_eq!(decisions, [allowed, allowed, denied, None, denied, None, denied, None]);
    let record = test.cells[1].record().unwrap();
    let Target::Checks(checks) = &record.request.target else { panic!("{record:?}") };
    assert_eq!((&*checks[0].action, checks[0].context.len()), ("kms:Decrypt", 1));
    let record = test.cells[4].record().unwrap();
    assert!(matches!(record.request.principal, Principal::Stated(_)));
    assert!(record.request.source.unwrap().account.is_some());
    assert_eq!(scenario.tests[1].cells.len(), 1);
    assert_eq!(scenario.tests[1].source.as_deref(), Some("a note"));
    let record = scenario.tests[1].cells[0].record().unwrap();
    assert!(
        matches!(record.request.target, Target::Action { ref resources, .. } if resources.len() == 2)
    );
    assert_eq!(scenario.tests[2].cells.len(), 2);
}

/// F-42.
#[test]
fn included_worlds_are_laid_under() {
    let base = r#"{"assize":1,"policies":{"p":{"Version":"2012-10-17","Statement":[]}},
        "accounts":{"111111111111":{"alias":"base","users":{"a":{},"B":{"path":"/x/"}}}},
        "tests":[{"principal":"anonymous","action":"s3:a","expect":"Denied"}]}"#;
    let text = "assize: 1\ninclude: [base.json]\naccounts:\n  '111111111111':\n    users: {b: {attached: [{ref: p}]}}\n    roles: {R: {trust: {file: trust.json}}}\n";
    let trust = " {\"Version\":\"2012-10-17\",\"Statement\":[]}\n";
    let scenario = read_with("t.yaml", text, &[("base.json", base), ("trust.json", trust)]);
    let scenario = scenario.unwrap_or_else(|errors| panic!("{}", messages(&errors)));
    assert!(scenario.tests.is_empty());
    let account = scenario.snapshot.account("111111111111".parse().unwrap()).unwrap();
    assert_eq!(account.alias.as_deref(), Some("base"));
    assert_eq!((account.users.len(), &*account.users["b"].path), (2, "/"));
    let trust_id = account.roles["r"].trust.unwrap();
    let document = scenario.snapshot.document(trust_id).unwrap();
    assert_eq!(document.text.as_deref(), Some(trust));
    assert_eq!(&*document.origin.as_ref().unwrap().file, "trust.json");
    let cycle = read_with(
        "a.json",
        r#"{"assize":1,"include":["b.json"]}"#,
        &[
            ("b.json", r#"{"assize":1,"include":["a.json"]}"#),
            ("a.json", r#"{"assize":1,"include":["b.json"]}"#),
        ],
    );
    assert_eq!(cycle.unwrap_err()[0].kind(), ErrorKind::Cycle);
}

/// F-42: files are imported first, and what the scenario states replaces it entity by entity.
#[test]
fn imports_are_laid_under() {
    let export = r#"{"UserDetailList":[
        {"UserName":"ana","UserId":"AIDA1234567890EXAMPLE","Path":"/","Arn":"arn:aws:iam::444444444444:user/ana"},
        {"UserName":"bob","UserId":"AIDA1234567890EXAMPL2","Path":"/","Arn":"arn:aws:iam::444444444444:user/bob"}]}"#;
    let text = "assize: 1\nimports: [{type: account-authorization-details, file: a.json}]\naccounts: {'444444444444': {users: {ana: {path: /x/}}}}\n";
    let scenario = read_with("t.yaml", text, &[("a.json", export)]);
    let scenario = scenario.unwrap_or_else(|errors| panic!("{}", messages(&errors)));
    let account = scenario.snapshot.account("444444444444".parse().unwrap()).unwrap();
    assert_eq!((&*account.users["ana"].path, &*account.users["bob"].path), ("/x/", "/"));
    let unknown = "assize: 1\nimports: [{type: rots, file: a.json}, {file: b.json}]\n";
    let errors = read_with("t.yaml", unknown, &[("a.json", export)]).unwrap_err();
    assert!(errors[0].message().ends_with("did you mean `roots`?"), "{}", messages(&errors));
    assert_eq!(errors[1].message(), "`type` is missing");
    assert_eq!(errors[2].message(), "no file `b.json`");
}

/// F-41.
#[test]
fn a_policy_that_does_not_load_is_an_error_unless_expected() {
    let text = |test: &str| {
        format!(
            "assize: 1\naccounts:\n  '111111111111':\n    users:\n      u:\n        inline:\n          \
             p: {{Statement: {{Effect: Alow, Action: 's3:*', Resource: '*'}}}}\n{test}"
        )
    };
    let errors = read_with("t.yaml", &text(""), &[]).unwrap_err();
    let place = errors[0].place().unwrap();
    assert_eq!((place.line, place.column), (7, 35), "{}", messages(&errors));
    assert!(errors[0].message().starts_with("`inline:user/u/p` does not load: "));
    let expected =
        "tests: [{principal: anonymous, action: 's3:a', expect: {reason: invalid_policy}}]";
    assert!(read_with("t.yaml", &text(expected), &[]).is_ok());
    assert!(read_with("t.yaml", &text("options: {skipInvalidPolicies: true}"), &[]).is_ok());
}

/// The diagnostics of a scenario over files, a line each.
fn diagnostics(text: &str, files: &[(&'static str, &'static str)]) -> Vec<String> {
    let scenario = read_with("t.yaml", text, files);
    let scenario = scenario.unwrap_or_else(|errors| panic!("{}", messages(&errors)));
    scenario.diagnostics.iter().map(ToString::to_string).collect()
}

/// I-40, L-005: a document of another file that does not load is told about with its place.
#[test]
fn a_policy_file_that_does_not_load_is_told_about() {
    let text =
        "assize: 1\naccounts: {'111111111111': {users: {u: {inline: {p: {file: p.json}}}}}}\n";
    let files = [("p.json", "{\n  \"Statement\": [}\n}")];
    let found = diagnostics(text, &files);
    let [found] = &found[..] else { panic!("{found:?}") };
    let (start, end) =
        ("p.json:2:17: warning[invalid_policy]: `inline:user/u/p` does not load: ", "denied");
    assert!(found.starts_with(start) && found.contains(end), "{found}");
    let found = diagnostics(text, &[("p.json", r#"{"Statement": {"Efect": "Deny"}}"#)]);
    assert!(found[0].contains("did you mean `Effect`?"), "{found:?}");
    let fine = r#"{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}"#;
    assert_eq!(diagnostics(text, &[("p.json", fine)]), [""; 0]);
    let expected = format!(
        "{text}tests: [{{principal: anonymous, action: 's3:a', expect: {{reason: invalid_policy}}}}]"
    );
    assert_eq!(diagnostics(&expected, &files), [""; 0]);
}

/// The same of imports, in every form of I-42, and of default versions alone (I-18).
#[test]
fn an_imported_policy_that_does_not_load_is_told_about() {
    let text = "assize: 1\nimports: [{type: account-authorization-details, file: a.json}]\n";
    let export = r#"{"UserDetailList":[{"UserName":"ana","UserId":"AIDA1234567890EXAMPLE","Path":"/",
      "Arn":"arn:aws:iam::444444444444:user/ana","UserPolicyList":[
       {"PolicyName":"a","PolicyDocument":"garbage"},
       {"PolicyName":"b","PolicyDocument":"{\"Statement\":{\"Efect\":1}}"},
       {"PolicyName":"c","PolicyDocument":{"Statement":7}},
       {"PolicyName":"d","PolicyDocument":"%7B%22Statement%22%3A7%7D"},
       {"PolicyName":"e","PolicyDocument":{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}}]}],
     "Policies":[{"PolicyName":"p","PolicyId":"ANPA1234567890EXAMPLE","Path":"/",
       "Arn":"arn:aws:iam::444444444444:policy/p","DefaultVersionId":"v2","PolicyVersionList":[
        {"VersionId":"v2","Document":{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}},{"VersionId":"v1","Document":{"Statement":7}}]}]}"#;
    let found = diagnostics(text, &[("a.json", export)]);
    let starts = [
        "a.json:3:44: warning[invalid_policy]: `inline:user/ana/a` does not load: `garbage` is not a JSON \
         value; a string stands in double quotes; where it applies everything is denied",
        "a.json:4:",
        "a.json:5:",
        "a.json:6:44: warning[invalid_policy]: `inline:user/ana/d` does not load: ",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (found, start) in found.iter().zip(starts) {
        assert!(found.starts_with(start), "{found}");
    }
}

/// I-44: a reference that nothing resolves is told about where it stands.
#[test]
fn a_reference_that_nothing_resolves_has_a_place() {
    let text = "assize: 1\npolicies: {Reader: {Statement: {Effect: Deny, Action: '*', Resource: '*'}}}\naccounts:\n  '111111111111':\n    \
                users:\n      u: {attached: [{ref: Reader}, 'arn:aws:iam::111111111111:policy/Readr']}\n      \
                v: {boundary: 'arn:aws:iam::aws:policy/Gone'}\n";
    let gone = |arn: &str, place: &str, hint: &str| {
        format!(
            "t.yaml:{place}: warning[unresolved_policy]: policy `{arn}` is referenced and nowhere \
             to be found: whoever has it is denied everything{hint}"
        )
    };
    let near = "; did you mean `arn:aws:iam::111111111111:policy/Reader`?";
    let expected = [
        gone("arn:aws:iam::111111111111:policy/Readr", "6:37", near),
        gone("arn:aws:iam::aws:policy/Gone", "7:21", ""),
    ];
    assert_eq!(diagnostics(text, &[]), expected);
}

#[test]
fn errors_are_collected_with_their_places() {
    check("name: x\n", "t.yaml:1:1: `assize: 1`, the version of the format, is missing");
    check("assize: 2\n", "t.yaml:1:9: version 2 of the format; this program reads 1");
    check(
        "assize: 1\nacounts: {}\noptions: {context: partal}\nresources: [{arn: 'arn:aws:s3:::b'}]\n",
        "t.yaml:2:1: unknown field `acounts`; did you mean `accounts`?\n\
         t.yaml:3:20: `partal` is none of `complete`, `partial`; did you mean `partial`?\n\
         t.yaml:4:13: `account` is missing",
    );
    check(
        "assize: 1\noptions: {time: 0, contxt: partial}\n",
        "t.yaml:2:20: unknown field `contxt`; did you mean `context`?",
    );
    check(
        "assize: 1\naccounts:\n  '1111': {}\n  '111111111111':\n    users:\n      u: {trust: {}, groups: [g], attached: [{ref: x}, dev]}\n      U: {}\n    roles: 5\n",
        "t.yaml:3:3: `1111` is not an account id: expected 12 digits\n\
         t.yaml:7:7: `u` and `U` are one name: case does not count\n\
         t.yaml:6:11: unknown field `trust`\n\
         t.yaml:6:46: `policies` has no `x`\n\
         t.yaml:6:56: `dev` is not the ARN of a managed policy; a policy of this file is `{ref: NAME}`\n\
         t.yaml:6:31: account 111111111111 has no group `g`\n\
         t.yaml:8:12: expected an object, found a number",
    );
    check(
        "assize: 1\ntests:\n  - {name: a, principal: anonymous, action: 's3:a', time: never, expect: Alowed}\n  - {name: a, principal: anonymous, action: 's3:a', expect: Denied}\n",
        "t.yaml:3:74: `Alowed` is none of `Allowed`, `Denied`, `ExplicitDeny`, `ImplicitDeny`, \
         `Indeterminate`, `error`; did you mean `Allowed`?\n\
         t.yaml:4:5: two tests are named `a`",
    );
    check(
        "assize: 1\ntests:\n  - {principals: [anonymous, {type: usr}], action: 's3:a', expect: Denied}\n",
        "t.yaml:3:37: `usr` is none of `user`, `roleSession`, `federatedUser`, `federatedRoot`, \
         `root`, `assumedRoot`, `service`, `federated`, `oai`, `anonymous`; did you mean `user`?",
    );
    check(
        "assize: 1\ntests: [{principal: anonymous, actions: ['s3:a', 's3:b'], expect: [{when: {action: 's3:a'}, decision: Denied}]}]\n",
        "t.yaml:2:9: no `when` of `expect` fits the cell `s3:b`",
    );
    check(
        "assize: 1\ntests: [{principal: anonymous, action: 's3:a', expect: {rule: K1}}]\n",
        "t.yaml:2:56: every answer meets this: say at least a `decision`",
    );
    check(
        "assize: 1\npolicies: {p: {Statement: {Effect: Allow, Principal: {AWS: 111111111111}, Action: '*', Resource: '*'}}}\n",
        "t.yaml:2:60: `111111111111` would be read as a number; put it in quotes",
    );
}

#[test]
fn a_malformed_request_is_fine_where_an_error_is_expected() {
    let text = "assize: 1\ntests: [{principal: anonymous, action: 's3:a', context: {'a:b': null}, expect: {error: invalid_field}}]\n";
    let scenario = read("t.yaml", text);
    let error = scenario.tests[0].cells[0].record().unwrap_err();
    assert_eq!(scenario.tests[0].cells[0].expect.check(Err(&error)), []);
}

/// F-46a.
#[test]
fn document_cases_are_read() {
    let text = r#"{"assize":1,"documents":[
      {"name":"a","type":"RP","service":"S3","text":"{","expect":{"loads":false,"findings":["JSON_SYNTAX_ERROR"]}},
      {"name":"b","type":"IM","mode":"import","policy":{"Statement": [ ]},
       "expect":{"loads":true,"findingsInclude":[{"code":"MISSING_VERSION","path":"$"}]}}]}"#;
    let scenario = read("d.json", text);
    let [first, second] = scenario.documents.as_slice() else { panic!("{scenario:?}") };
    assert_eq!(first.load_options().service.as_deref(), Some("s3"));
    let loaded = assize_policy::load(&first.document.text, &first.load_options());
    assert_eq!(first.check(loaded.policy.is_some(), &loaded.findings), []);
    assert_eq!(first.check(true, &[]).len(), 2);
    assert_eq!(&*second.document.text, r#"{"Statement": [ ]}"#);
    assert_eq!(second.mode, LoadMode::Import);
    assert_eq!(second.document.origin.as_ref().unwrap().anchors[0].line, 3);
}

/// F-44.
#[test]
fn an_expected_decision_fits_some_decisions() {
    let fits = |expected: ExpectedDecision| {
        Decision::ALL
            .iter()
            .filter(|d| expected.fits(Some(**d)))
            .map(|d| d.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(fits(ExpectedDecision::Denied), ["ExplicitDeny", "ImplicitDeny"]);
    assert_eq!(fits(ExpectedDecision::Indeterminate), ["Indeterminate"]);
    assert!(fits(ExpectedDecision::Error).is_empty());
    assert!(ExpectedDecision::Error.fits(None) && !ExpectedDecision::Denied.fits(None));
}
