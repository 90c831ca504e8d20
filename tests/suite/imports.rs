//! Exports, policies and events of others (I-40 – I-47).

use std::collections::{BTreeMap, BTreeSet};

use assize::formats::RequestRecord;
use assize_model::{EngineOptions, PolicyType, PrincipalForm, Request};
use assize_policy::{FindingCode, LoadMode, LoadOptions, load};
use assize_store::{
    DiagnosticCode, DiagnosticLevel, Import, ImportFile, ImportOptions, StoreSnapshot, import,
};
use assize_tests::answer::{Answer, Oracle, engine};
use assize_tests::corpus::{managed_policies, read_scenario};
use assize_tests::fixtures::{bytes, records, text};

fn import_fixture(name: &str) -> (Import, StoreSnapshot) {
    let bytes = bytes(name);
    let file = ImportFile { name, bytes: &bytes, ..ImportFile::default() };
    let options =
        ImportOptions { managed_policies: Some(managed_policies()), ..ImportOptions::default() };
    let found = import(&[file], &options);
    let mut editor = StoreSnapshot::empty().edit();
    for change in found.changes.clone() {
        editor.apply(change).expect("an empty store takes what an import found");
    }
    let (snapshot, _) = editor.commit();
    (found, snapshot)
}

fn has(found: &Import, level: DiagnosticLevel, code: DiagnosticCode) -> bool {
    found.diagnostics.iter().any(|diagnostic| diagnostic.level == level && diagnostic.code == code)
}

/// I-41: a whole account, and some users of another.
#[test]
fn a_whole_account_is_imported() {
    let (found, snapshot) =
        import_fixture("account-authorization-details/cloudsplaining-example.json.gz");
    let errors: Vec<_> =
        found.diagnostics.iter().filter(|d| d.level == DiagnosticLevel::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // The file holds three users of another account, which the importer says.
    assert!(has(&found, DiagnosticLevel::Warning, DiagnosticCode::MixedAccounts), "{found:#?}");
    let mut counts = (0, 0, 0);
    for account in snapshot.accounts() {
        counts.0 += account.users.len();
        counts.1 += account.groups.len();
        counts.2 += account.roles.len();
    }
    assert_eq!(counts, (44, 5, 78));
    assert!(!has(&found, DiagnosticLevel::Warning, DiagnosticCode::TruncatedExport));
}

/// I-41: a first page says that more follow.
#[test]
fn a_truncated_export_is_imported_with_a_warning() {
    let (found, snapshot) = import_fixture("account-authorization-details/aws-cli-example.json.gz");
    assert!(has(&found, DiagnosticLevel::Warning, DiagnosticCode::TruncatedExport), "{found:#?}");
    let account = snapshot.accounts().next().expect("one account");
    assert_eq!((account.users.len(), account.groups.len(), account.roles.len()), (3, 3, 1));
}

/// Everyone in an imported account asks for the same things; the tables answer as the reference.
#[test]
fn an_imported_account_decides_alike() {
    const TARGETS: [(&str, &str); 6] = [
        ("s3:GetObject", "arn:aws:s3:::example-org-sbx-vmimport/k"),
        ("iam:PassRole", "ROLE"),
        ("sts:AssumeRole", "ROLE"),
        ("iam:CreateAccessKey", "USER"),
        ("ec2:DescribeInstances", "*"),
        ("kms:Decrypt", "arn:aws:kms:eu-west-1:ACCOUNT:key/1"),
    ];
    let (_, snapshot) =
        import_fixture("account-authorization-details/cloudsplaining-example.json.gz");
    let options = EngineOptions { time: Some(1_714_564_800), ..EngineOptions::default() };
    let account = snapshot.accounts().max_by_key(|account| account.users.len());
    let account = account.expect("an account");
    let users = account.users.values().map(|user| user.arn.to_string());
    let principals: Vec<String> =
        users.chain(account.roles.values().map(|role| role.arn.to_string())).collect();
    let (user, role) = (principals.first().expect("a user"), principals.last().expect("a role"));
    let lines: Vec<String> = principals
        .iter()
        .flat_map(|principal| {
            TARGETS.map(|(action, resource)| {
                let resource = resource
                    .replace("ROLE", role)
                    .replace("USER", user)
                    .replace("ACCOUNT", account.id.as_str());
                serde_json::json!({"principal": principal, "action": action, "resource": resource})
                    .to_string()
            })
        })
        .collect();
    let requests: Vec<Request<'_>> =
        lines.iter().map(|line| RequestRecord::parse(line).expect("a request").request).collect();
    let oracle = Oracle::new(&snapshot, &options);
    let outcomes = engine(&snapshot, &options).decide_batch(&requests);
    let mut decisions: BTreeMap<String, usize> = BTreeMap::new();
    for ((line, request), outcome) in lines.iter().zip(&requests).zip(&outcomes) {
        let expected = Answer::of_decision(&oracle.evaluate(request));
        assert_eq!(Answer::of_outcome(outcome), expected, "{line}");
        *decisions.entry(format!("{:?}", expected.decision())).or_default() += 1;
    }
    assert!(decisions.len() >= 2, "{decisions:?}");
}

/// The policy type of a record of the fixtures.
fn policy_type(kind: &str) -> PolicyType {
    match kind {
        "scp" => PolicyType::ServiceControl,
        "rcp" => PolicyType::ResourceControl,
        "trust" => PolicyType::RoleTrust,
        "endpoint" => PolicyType::VpcEndpoint,
        "resource" => PolicyType::ResourceBased,
        _ => PolicyType::ManagedIdentity,
    }
}

/// How many of the policies of others are refused, by source and code. Nearly all hold text to be
/// filled in: `<my-bucket>`, an expression of Terraform or of CloudFormation where a principal or
/// an ARN belongs. The rest lack an element (three samples), name no service (an RCP), are of
/// other kinds than their folder, or are wrong on purpose (tests of Cloud Custodian).
const REFUSED: [(&str, &str, usize); 16] = [
    ("access-analyzer-samples", "DATA_TYPE_MISMATCH", 2),
    ("access-analyzer-samples", "MISSING_RESOURCE", 1),
    ("aws-iam-policy", "INVALID_PRINCIPAL_FORMAT", 1),
    ("cloud-custodian", "INVALID_ARN_PREFIX", 1),
    ("cloud-custodian", "INVALID_CONDITION_OPERATOR", 1),
    ("cloud-custodian", "INVALID_PRINCIPAL_FORMAT", 4),
    ("cloud-custodian", "UNSUPPORTED_WILDCARD_IN_PRINCIPAL", 1),
    ("cloudgoat", "INVALID_ARN_PREFIX", 25),
    ("cloudgoat", "VARIABLE_UNSUPPORTED_IN_ELEMENT", 4),
    ("data-perimeter-policy-examples", "INVALID_ACTION", 1),
    ("data-perimeter-policy-examples", "INVALID_ARN_PREFIX", 1),
    ("data-perimeter-policy-examples", "X_RCP_ACTION_STAR", 1),
    ("iam-policy-json-to-terraform", "DATA_TYPE_MISMATCH", 1),
    ("iam-policy-json-to-terraform", "MISSING_PRINCIPAL", 1),
    ("iam-vulnerable", "VARIABLE_UNSUPPORTED_IN_ELEMENT", 34),
    ("resource-control-policy-examples", "MISSING_RESOURCE", 1),
];

/// Policies that AWS publishes, that accounts hold and that labs deploy load as what they are.
#[test]
fn policies_of_others_load_as_their_kind() {
    let (mut n_loaded, mut refused) = (0, BTreeMap::new());
    for name in ["policies.ndjson.gz", "privesc-policies.ndjson.gz"] {
        for record in records(name) {
            let options = LoadOptions::new(policy_type(text(&record, "kind")), LoadMode::Import);
            let loaded = load(&record["document"].to_string(), &options);
            if loaded.policy.is_some() {
                n_loaded += 1;
                continue;
            }
            let mut reasons = loaded.findings.iter().filter(|finding| finding.rejects);
            let reason = reasons.find(|finding| finding.code != FindingCode::XInvalidPolicy);
            let code = reason.map(|finding| finding.code.as_str()).unwrap_or_default();
            *refused.entry((text(&record, "source").to_owned(), code)).or_insert(0) += 1;
        }
    }
    let expected: BTreeMap<(String, &str), usize> =
        REFUSED.into_iter().map(|(source, code, n)| ((source.to_owned(), code), n)).collect();
    assert_eq!(refused, expected);
    assert_eq!(n_loaded + expected.values().sum::<usize>(), 322 + 161);
}

/// Odd texts load or are refused, and the JSON ones among them are told from the others.
#[test]
fn odd_policies_are_loaded_or_refused() {
    for record in records("odd-policies.ndjson.gz") {
        let text_of = text(&record, "text");
        let parses = assize_policy::parse(text_of).document.is_some();
        assert_eq!(Some(parses), record["parses"].as_bool(), "{}", text(&record, "case"));
        for policy_type in PolicyType::ALL {
            for mode in [LoadMode::Author, LoadMode::Import] {
                let loaded = load(text_of, &LoadOptions::new(policy_type, mode));
                assert!(loaded.policy.is_some() || !loaded.findings.is_empty());
            }
        }
    }
}

/// Every AWS-managed policy that is bundled loads, as AWS stores it.
#[test]
fn aws_managed_policies_load() {
    let policies = assize_catalog::ManagedPolicies::bundled().expect("they load");
    let options = LoadOptions::new(PolicyType::ManagedIdentity, LoadMode::Import);
    let mut refused = Vec::new();
    for policy in policies.iter() {
        let loaded = load(policy.document(), &options);
        if loaded.policy.is_none() {
            let reasons: Vec<_> = loaded.findings.iter().filter(|f| f.rejects).collect();
            refused.push(format!("{}: {reasons:?}", policy.name()));
        }
    }
    assert!(policies.len() > 1_000);
    assert!(refused.is_empty(), "{} of {}:\n{}", refused.len(), policies.len(), refused.join("\n"));
}

/// The ARN of every caller in real logs has a form that is known (E-10), made-up ones apart.
#[test]
fn callers_of_real_events_have_known_forms() {
    let events = records("cloudtrail-events.ndjson.gz");
    assert_eq!(events.len(), 2_442);
    let (mut n_callers, mut unknown) = (0, BTreeSet::new());
    for record in &events {
        let Some(arn) = record["event"]["userIdentity"]["arn"].as_str() else { continue };
        n_callers += 1;
        if PrincipalForm::parse(arn).is_err() {
            unknown.insert(arn);
        }
    }
    assert!(n_callers > 2_000, "{n_callers}");
    let made_up = [
        "arn:aws::sts:101010101111:assumed-role/UserRole/userid",
        "arn:aws:iam::0000:robot",
        "arn:aws:sts::03412312600:assumed-role/GR_Dev_Developer/Radiant",
    ];
    assert_eq!(unknown, BTreeSet::from(made_up));
}

/// I-48: what a later state of a world adds, lacks and changes, whatever file it came from.
#[test]
fn two_states_of_a_world_differ_object_by_object() {
    const ALL: &str =
        r#"{Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}"#;
    const NONE: &str =
        r#"{Version: "2012-10-17", Statement: [{Effect: Deny, Action: "s3:*", Resource: "*"}]}"#;
    let read =
        |text: &str| read_scenario("w.assize.yaml", text.as_bytes()).expect("a world").snapshot;
    let world = |name: &str, users: &str, policy: &str, rest: &str| {
        read(&format!(
            "assize: 1\naccounts:\n  '111111111111':\n    name: {name}\n    users: {users}\n    \
             roles: {{R: {{inline: {{p: {policy}}}}}}}\n{rest}"
        ))
    };
    let before = world("a", "{ana: {}, bob: {}}", ALL, "");
    assert!(before.difference(&before).is_empty());
    // The same facts in another file.
    assert!(before.difference(&world("a", "{bob: {}, ana: {}}", ALL, "\n# again\n")).is_empty());
    let resource = "resources: [{arn: 'arn:aws:s3:::b', account: '111111111111'}]\n";
    let after = world("b", "{ana: {}, eve: {groups: []}}", NONE, resource);
    let difference = before.difference(&after);
    let user = |name: &str| format!("arn:aws:iam::111111111111:user/{name}").into_boxed_str();
    assert_eq!(difference.added, [user("eve"), "resource arn:aws:s3:::b".into()]);
    assert_eq!(difference.removed, [user("bob")]);
    assert_eq!(
        difference.changed,
        ["account 111111111111".into(), "arn:aws:iam::111111111111:role/R".into()] as [Box<str>; 2]
    );
    let back = after.difference(&before);
    assert_eq!((back.added, back.removed), (difference.removed, difference.added));
}
