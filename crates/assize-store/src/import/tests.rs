//! Imports of every kind of record, good and bad. Real exports are imported by the suite.

use std::sync::Arc;

use assize_model::AccountId;

use crate::{
    Diagnostic, DiagnosticCode, DiagnosticLevel, Import, ImportFile, ImportKind, ImportOptions,
    ManagedPolicySource, StoreSnapshot, import,
};

fn id(text: &str) -> AccountId {
    text.parse().expect("an account id")
}

fn file(text: &str) -> ImportFile<'_> {
    ImportFile { name: "f.json", bytes: text.as_bytes(), ..ImportFile::default() }
}

fn import_one(file: ImportFile<'_>) -> Import {
    import(&[file], &ImportOptions::default())
}

fn import_text(text: &str) -> Import {
    import_one(file(text))
}

/// The snapshot that an import makes of the empty store; every change must be taken.
#[track_caller]
fn store(import: &Import) -> StoreSnapshot {
    let mut editor = StoreSnapshot::empty().edit();
    for change in &import.changes {
        editor.apply(change.clone()).expect("importers make checked changes");
    }
    editor.commit().0
}

fn codes(import: &Import) -> Vec<&str> {
    import.diagnostics.iter().map(|found| found.code.as_str()).collect()
}

#[track_caller]
fn only(import: &Import) -> &Diagnostic {
    assert_eq!(import.diagnostics.len(), 1, "{:#?}", import.diagnostics);
    &import.diagnostics[0]
}

fn user(name: &str, more: &str) -> String {
    format!(
        r#"{{"UserName":"{name}","Path":"/","UserId":"AIDA{:0>17}",
            "Arn":"arn:aws:iam::111122223333:user/{name}"{more}}}"#,
        name.to_ascii_uppercase()
    )
}

fn users(users: &[String]) -> String {
    format!(r#"{{"UserDetailList":[{}]}}"#, users.join(","))
}

// ---- Forms of one account file ----

#[test]
fn pages_and_files_are_merged() {
    let first = format!(
        r#"{{"UserDetailList":[{}],"IsTruncated":true,"Marker":"x"}}"#,
        user("ana", r#","GroupList":["Dev"]"#)
    );
    let second = r#"{"GroupDetailList":[{"GroupName":"dev","Path":"/","GroupId":"AGPA1234567890EXAMPLE",
        "Arn":"arn:aws:iam::111122223333:group/dev"}],"IsTruncated":false}"#;
    let pages = import_text(&format!("[{first},{second}]"));
    assert_eq!(codes(&pages), [""; 0]);
    assert_eq!(store(&pages).user(id("111122223333"), "ana").map(|ana| ana.groups.len()), Some(1));

    let files = import(&[file(&first), file(second)], &ImportOptions::default());
    assert_eq!(codes(&files), [""; 0]);
    assert_eq!(store(&files).digest(), store(&pages).digest());

    let back = import_text(&format!("[{second},{first}]"));
    assert_eq!(codes(&back), ["truncated_export"]);
    // What the AWS CLI prints where it was told to stop.
    for (token, expected) in [(r#""abc""#, &["truncated_export"][..]), ("null", &[])] {
        let cut = first.replace(r#""IsTruncated":true"#, &format!(r#""NextToken":{token}"#));
        let back = import_text(&format!("[{second},{cut}]"));
        assert_eq!(codes(&back), expected, "{token}");
    }
}

#[test]
fn documents_are_objects_strings_or_percent_encoded() {
    let more = r#","UserPolicyList":[
        {"PolicyName":"a","PolicyDocument":{"Version" : "2012-10-17"}},
        {"PolicyName":"b","PolicyDocument":"{\"Version\" : \"2012-10-17\"}"},
        {"PolicyName":"c","PolicyDocument":"%7B%22Version%22%20%3A%20%222012-10-17%22%7D"},
        {"PolicyName":"d","PolicyDocument":"no policy"}]"#;
    let import = import_text(&users(&[user("ana", more)]));
    assert_eq!(codes(&import), [""; 0]);
    let snapshot = store(&import);
    let ana = snapshot.user(id("111122223333"), "ana").expect("held");
    let texts: Vec<Arc<str>> = ana
        .inline
        .iter()
        .filter_map(|policy| snapshot.document(policy.document)?.text.clone())
        .collect();
    let text = r#"{"Version" : "2012-10-17"}"#;
    assert_eq!(
        texts.iter().map(|text| &**text).collect::<Vec<_>>(),
        [text, text, text, "no policy"]
    );
    assert!(Arc::ptr_eq(&texts[0], &texts[2]));
}

#[test]
fn a_bad_record_is_left_out_alone() {
    let check = |more: &str, code: &str| {
        let import = import_text(&users(&[user("ana", more), user("bob", "")]));
        assert_eq!(codes(&import), [code], "{more}");
        let found = only(&import);
        assert_eq!(found.level, DiagnosticLevel::Error, "{more}");
        assert!(found.pointer.as_deref().is_some_and(|p| p.starts_with("/UserDetailList/0")));
        assert_eq!(found.file.as_deref(), Some("f.json"));
        let snapshot = store(&import);
        assert!(snapshot.user(id("111122223333"), "ana").is_none(), "{more}");
        assert!(snapshot.user(id("111122223333"), "bob").is_some(), "{more}");
    };
    check(r#","GroupList":["none"]"#, "unknown_group");
    check(r#","GroupList":[7]"#, "invalid_record");
    check(r#","UserPolicyList":[{"PolicyName":"p"}]"#, "invalid_record");
    check(r#","UserPolicyList":[{"PolicyName":"p/q","PolicyDocument":{}}]"#, "invalid_record");
    check(r#","UserPolicyList":"none""#, "invalid_record");
    check(r#","Tags":[{"Key":"a","Value":"1"},{"Key":"A","Value":"2"}]"#, "invalid_record");
    check(r#","Path":"/""#, "invalid_record");
    let foreign =
        r#","AttachedManagedPolicies":[{"PolicyArn":"arn:aws:iam::444455556666:policy/p"}]"#;
    check(foreign, "invalid_record");
}

#[test]
fn names_are_unique_without_regard_to_case() {
    let other = user("ANA", "").replace("AIDA0", "AIDA1");
    let import = import_text(&users(&[user("ana", ""), other]));
    let found = only(&import);
    assert_eq!(found.code, DiagnosticCode::DuplicateName);
    assert_eq!(found.pointer.as_deref(), Some("/UserDetailList/1"));
    assert_eq!(found.span.map(|span| span.line), Some(2));
}

#[test]
fn the_default_version_is_stated_once() {
    let policy = |default: &str, versions: &str| {
        format!(
            r#"{{"UserDetailList":[],"Policies":[{{"PolicyName":"p","Path":"/",
            "PolicyId":"ANPA1234567890EXAMPLE","Arn":"arn:aws:iam::111122223333:policy/p"
            {default},"PolicyVersionList":[{versions}]}}]}}"#
        )
    };
    let version = |id: &str, more: &str| {
        format!(r#"{{"VersionId":"{id}","Document":{{"Id":"{id}"}}{more}}}"#)
    };
    let check = |default: &str, versions: &[String], expected: Result<&str, &str>| {
        let import = import_text(&policy(default, &versions.join(",")));
        match expected {
            Ok(text) => {
                let snapshot = store(&import);
                let id = snapshot.managed_document("arn:aws:iam::111122223333:policy/p");
                let found = id.and_then(|id| snapshot.document(id)).and_then(|d| d.text.clone());
                assert_eq!(found.as_deref(), Some(text));
            }
            Err(code) => assert_eq!(codes(&import), [code]),
        }
    };
    let (yes, no) = (r#","IsDefaultVersion":true"#, r#","IsDefaultVersion":false"#);
    let stated = r#","DefaultVersionId":"v2""#;
    let conflict = Err("default_version_conflict");
    check(stated, &[version("v2", yes), version("v1", no)], Ok(r#"{"Id":"v2"}"#));
    check(stated, &[version("v10", no), version("v2", "")], Ok(r#"{"Id":"v2"}"#));
    check("", &[version("v10", yes), version("v2", no)], Ok(r#"{"Id":"v10"}"#));
    check(stated, &[version("v2", no), version("v1", yes)], conflict);
    check(stated, &[version("v1", no)], conflict);
    check("", &[version("v1", yes), version("v2", yes)], conflict);
    check("", &[], conflict);
    check(stated, &[version("v2", yes), version("v2", yes)], conflict);
    check(stated, &[version("v2", yes), version("x", no)], Err("invalid_record"));
}

/// Each account shows the policies of AWS as they were on the day of its export.
#[test]
fn the_newest_version_of_a_policy_of_aws_is_taken() {
    let arn = "arn:aws:iam::aws:policy/P";
    let policy = |version: &str, text: &str| {
        format!(
            r#"{{"UserDetailList":[],"Policies":[{{"PolicyName":"P","Path":"/","Arn":"{arn}",
            "PolicyId":"ANPA1234567890EXAMPLE","DefaultVersionId":"{version}",
            "PolicyVersionList":[{{"VersionId":"{version}","Document":{{"Id":"{text}"}}}}]}}]}}"#
        )
    };
    let (old, new) = (policy("v2", "old"), policy("v10", "new"));
    for files in [[&old, &new], [&new, &old]] {
        let import = import(&files.map(|text| file(text)), &ImportOptions::default());
        assert_eq!(codes(&import), [""; 0]);
        let snapshot = store(&import);
        let document = snapshot.managed_document(arn).and_then(|id| snapshot.document(id));
        assert_eq!(document.and_then(|found| found.text.as_deref()), Some(r#"{"Id":"new"}"#));
    }
    let other = policy("v2", "other");
    let both = import(&[file(&old), file(&other)], &ImportOptions::default());
    assert_eq!(codes(&both), ["conflicting_records"]);
}

#[test]
fn references_are_resolved_by_the_files_then_by_the_library() {
    struct Library;
    impl ManagedPolicySource for Library {
        fn document(&self, arn: &str) -> Option<(Arc<str>, Box<str>)> {
            arn.ends_with("/ReadOnlyAccess").then(|| ("{}".into(), "v3".into()))
        }
    }
    let attach = |names: &[&str]| {
        let one = |name: &&str| format!(r#"{{"PolicyArn":"arn:aws:iam::{name}"}}"#);
        let all: Vec<String> = names.iter().map(one).collect();
        format!(r#","AttachedManagedPolicies":[{}]"#, all.join(","))
    };
    let names = ["aws:policy/ReadOnlyAccess", "aws:policy/Gone", "111122223333:policy/gone"];
    let text = users(&[user("ana", &attach(&names))]);
    let options = ImportOptions { managed_policies: Some(&Library), ..ImportOptions::default() };
    let import = import(&[file(&text)], &options);
    assert_eq!(codes(&import), ["unresolved_policy", "unresolved_policy", "bundled_policy"]);
    let found = &import.diagnostics[1];
    assert_eq!(found.subject.as_deref(), Some("arn:aws:iam::aws:policy/Gone"));
    let pointer = "/UserDetailList/0/AttachedManagedPolicies/1";
    assert_eq!(found.pointer.as_deref(), Some(pointer));
    let span = found.span.expect("a place");
    assert!(text[span.start as usize..span.end as usize].contains("policy/Gone"));
    assert!(store(&import).aws_managed_policy("arn:aws:iam::aws:policy/ReadOnlyAccess").is_some());
}

#[test]
fn unknown_members_are_counted() {
    let import = import_text(&users(&[user("a", r#","New":1"#), user("b", r#","New":2"#)]));
    assert_eq!(only(&import).code, DiagnosticCode::UnknownFields);
    assert_eq!(import.unknown_fields.get("UserDetailList.New"), Some(&2));
    assert_eq!(store(&import).account(id("111122223333")).map(|found| found.users.len()), Some(2));
}

#[test]
fn beyond_a_quota_is_a_warning() {
    let policy = format!(r#"{{"Sid":"{}"}}"#, "x".repeat(2_048));
    let more = format!(r#","UserPolicyList":[{{"PolicyName":"p","PolicyDocument":{policy}}}]"#);
    let import = import_text(&users(&[user("ana", &more)]));
    assert_eq!(only(&import).code, DiagnosticCode::QuotaExceeded);
    assert!(store(&import).user(id("111122223333"), "ana").is_some());
}

#[test]
fn garbage_is_an_error() {
    let check = |bytes: &[u8], code: &str| {
        let import = import_one(ImportFile { name: "x", bytes, ..Default::default() });
        assert_eq!(codes(&import), [code]);
        assert!(import.changes.is_empty());
    };
    check(b"", "invalid_json");
    check(b"\xff\xfe", "invalid_json");
    check(b"{", "invalid_json");
    check(b"nonsense", "invalid_json");
    check(b"{}", "unknown_kind");
    check(b"7", "unknown_kind");
    check(&vec![b'['; 1_000_000], "invalid_json");
    check(&b"{\"a\":".repeat(200_000), "invalid_json");
}

// ---- Organizations ----

const DESCRIBE: &str = r#"{"Organization":{"Id":"o-exampleorg1","Arn":"arn:aws:organizations::100000000001:organization/o-exampleorg1",
    "FeatureSet":"ALL","MasterAccountArn":"arn:aws:organizations::100000000001:account/o-exampleorg1/100000000001",
    "MasterAccountId":"100000000001","AvailablePolicyTypes":[]}}"#;
const ROOTS: &str = r#"{"Roots":[{"Id":"r-exam","Arn":"arn:aws:organizations::100000000001:root/o-exampleorg1/r-exam",
    "Name":"Root","PolicyTypes":[{"Type":"SERVICE_CONTROL_POLICY","Status":"ENABLED"},
    {"Type":"RESOURCE_CONTROL_POLICY","Status":"ENABLED"},{"Type":"TAG_POLICY","Status":"ENABLED"}]}]}"#;
const UNITS: &str = r#"{"ParentId":"r-exam","OrganizationalUnits":[{"Id":"ou-exam-prod0001",
    "Arn":"arn:aws:organizations::100000000001:ou/o-exampleorg1/ou-exam-prod0001","Name":"prod"}]}"#;
const ACCOUNTS: &str = r#"{"Accounts":[{"Id":"111122223333","Arn":"arn:aws:organizations::100000000001:account/o-exampleorg1/111122223333",
    "Email":"a@b.example","Name":"app","Status":"ACTIVE","JoinedMethod":"CREATED","JoinedTimestamp":1}]}"#;
const POLICIES: &str = r#"{"Policies":[{"Id":"p-FullAWSAccess","Name":"FullAWSAccess","Type":"SERVICE_CONTROL_POLICY","AwsManaged":true},
    {"Id":"p-deny0001","Name":"deny","Type":"SERVICE_CONTROL_POLICY","AwsManaged":false},
    {"Id":"p-tags0001","Name":"tags","Type":"TAG_POLICY","AwsManaged":false}]}"#;
const POLICY: &str = r#"{"Policy":{"PolicySummary":{"Id":"p-deny0001","Name":"deny","Type":"SERVICE_CONTROL_POLICY","AwsManaged":false},
    "Content":"{\"Version\":\"2012-10-17\"}"}}"#;

fn tree_files() -> Vec<ImportFile<'static>> {
    let mut files: Vec<_> = [DESCRIBE, ROOTS, UNITS, POLICIES, POLICY].map(file).to_vec();
    files.push(ImportFile { parent_id: Some("ou-exam-prod0001"), ..file(ACCOUNTS) });
    files
}

fn targets(policy: &str, targets: &[&str]) -> String {
    let one = |target: &&str| format!(r#"{{"TargetId":"{target}","Type":"ROOT"}}"#);
    let all: Vec<String> = targets.iter().map(one).collect();
    format!(r#"{{"PolicyId":"{policy}","Targets":[{}]}}"#, all.join(","))
}

fn scps(snapshot: &StoreSnapshot, account: &str) -> Vec<(String, u16)> {
    let scp = snapshot.scp(id(account)).expect("a member account");
    let reference = |id| snapshot.document(id).map(|found| found.reference.to_string());
    scp.policies.iter().map(|one| (reference(one.policy).expect("lives"), one.node)).collect()
}

#[test]
fn an_organization_is_put_together() {
    let all = ["r-exam", "ou-exam-prod0001", "111122223333", "100000000001"];
    let full = targets("p-FullAWSAccess", &all);
    let deny = targets("p-deny0001", &["ou-exam-prod0001"]);
    let mut files = tree_files();
    files.extend([file(&full), file(&deny)]);
    let import = import(&files, &ImportOptions::default());
    assert_eq!(codes(&import), [""; 0], "{:#?}", import.diagnostics);
    let snapshot = store(&import);
    let path = snapshot.path(id("111122223333")).expect("a member");
    assert_eq!(path.org_path.as_str(), "o-exampleorg1/r-exam/ou-exam-prod0001/");
    let name = |text: &str, node| (text.to_owned(), node);
    let expected = [
        name("scp:p-FullAWSAccess", 0),
        name("scp:p-FullAWSAccess", 1),
        name("scp:p-FullAWSAccess", 2),
        name("scp:p-deny0001", 1),
    ];
    assert_eq!(scps(&snapshot, "111122223333"), expected);
    assert_eq!(snapshot.rcp(id("111122223333")).map(|rcp| rcp.policies.len()), Some(3));
    // A member is not an account that the store holds (E-26).
    assert!(snapshot.account(id("111122223333")).is_none());
    let organization = snapshot.organizations().next().expect("one");
    assert!(!organization.policies.contains_key("p-tags0001"));
}

#[test]
fn without_lists_of_attachments_everything_is_denied_or_full_access_assumed() {
    let files = tree_files();
    let strict = import(&files, &ImportOptions::default());
    let n_missing = codes(&strict).iter().filter(|code| **code == "missing_attachments").count();
    assert_eq!(n_missing, 4);
    assert!(scps(&store(&strict), "111122223333").is_empty());

    let lenient = ImportOptions { assume_full_access: true, ..ImportOptions::default() };
    let assumed = import(&files, &lenient);
    assert_eq!(scps(&store(&assumed), "111122223333").len(), 3);

    // An empty list is a list.
    let empty = r#"{"TargetId":"ou-exam-prod0001","Policies":[]}"#;
    let mut files = files;
    files.push(file(empty));
    let assumed = import(&files, &lenient);
    assert_eq!(scps(&store(&assumed), "111122223333").len(), 2);
}

/// I-46: the targets of some SCPs are no list of all SCPs on a node.
#[test]
fn targets_of_other_policies_say_nothing_of_full_access() {
    let deny = targets("p-deny0001", &["ou-exam-prod0001"]);
    let mut files: Vec<_> = [DESCRIBE, ROOTS, UNITS, POLICY, &deny].map(file).to_vec();
    files.push(ImportFile { parent_id: Some("ou-exam-prod0001"), ..file(ACCOUNTS) });
    let strict = import(&files, &ImportOptions::default());
    let n_missing = codes(&strict).iter().filter(|code| **code == "missing_attachments").count();
    assert_eq!(n_missing, 4);
    let lenient = ImportOptions { assume_full_access: true, ..ImportOptions::default() };
    assert_eq!(scps(&store(&import(&files, &lenient)), "111122223333").len(), 4);

    // With its targets the lists are whole, and those that are empty are warned about.
    let full = targets("p-FullAWSAccess", &["r-exam", "ou-exam-prod0001"]);
    files.push(file(&full));
    let whole = import(&files, &lenient);
    assert_eq!(codes(&whole), ["missing_attachments"; 2]);
    assert!(whole.diagnostics.iter().all(|found| found.message.contains("is empty")));
    assert_eq!(scps(&store(&whole), "111122223333").len(), 3);
}

#[test]
fn a_list_of_a_target_speaks_for_its_types() {
    let listed = r#"{"TargetId":"ou-exam-prod0001","Policies":[
        {"Id":"p-deny0001","Name":"deny","Type":"SERVICE_CONTROL_POLICY","AwsManaged":false},
        {"Id":"p-rcp00001","Name":"r","Type":"RESOURCE_CONTROL_POLICY","AwsManaged":false}]}"#;
    let mut files = tree_files();
    files.push(file(listed));
    let import = import(&files, &ImportOptions::default());
    let n_codes = |code| codes(&import).iter().filter(|found| **found == code).count();
    assert_eq!(n_codes("missing_attachments"), 3);
    // No file has the RCP's document: it is poison where it is attached.
    assert_eq!(n_codes("unresolved_policy"), 1);
    assert_eq!(n_codes("rcp_full_access_added"), 1);
    let snapshot = store(&import);
    assert_eq!(scps(&snapshot, "111122223333"), [("scp:p-deny0001".to_owned(), 1)]);
    let rcp = snapshot.rcp(id("111122223333")).expect("a member account");
    let poison = rcp.policies.iter().filter_map(|one| snapshot.document(one.policy));
    assert!(poison.into_iter().any(|found| found.text.as_deref() == Some("")));
}

#[test]
fn an_incomplete_organization_is_none() {
    let check = |texts: &[&str], code: &str| {
        let files: Vec<_> = texts.iter().map(|text| file(text)).collect();
        let import = import(&files, &ImportOptions::default());
        assert!(import.changes.is_empty(), "{texts:?}");
        assert!(codes(&import).contains(&code), "{:#?}", import.diagnostics);
    };
    check(&[DESCRIBE], "incomplete_organization");
    check(&[UNITS], "incomplete_organization");
    let orphan = UNITS.replace("\"r-exam\"", "\"ou-exam-gone0001\"");
    check(&[DESCRIBE, ROOTS, &orphan], "incomplete_organization");
    check(&[ACCOUNTS], "invalid_record");
    // Roots alone tell organization and management account by their ARN.
    let roots = import_text(ROOTS);
    assert!(store(&roots).path(id("100000000001")).is_some_and(|path| path.is_management));
}

/// I-17, I-45: what is attached to a node outside the tree would be lost without a word.
#[test]
fn a_target_that_the_tree_does_not_hold_is_an_error() {
    let check = |text: &str, named: &str, expected: &str| {
        let mut files = tree_files();
        files.push(file(text));
        let import = import(&files, &ImportOptions::default());
        let missing = |found: &&Diagnostic| found.code == DiagnosticCode::MissingNode;
        let found: Vec<_> = import.diagnostics.iter().filter(missing).collect();
        let [found] = found[..] else { panic!("{text}: {:#?}", import.diagnostics) };
        assert_eq!(found.level, DiagnosticLevel::Error);
        assert!(found.message.contains(expected), "{}", found.message);
        let span = found.span.expect("a place");
        assert_eq!(&text[span.start as usize..span.end as usize], named);
    };
    let target = |id: &str| format!(r#"{{"TargetId":"{id}","Type":"ROOT"}}"#);
    for (id, expected) in [
        ("444455556666", "`list-accounts-for-parent`"),
        ("111122223334", "did you mean `111122223333`?"),
        ("ou-exam-gone0001", "`list-organizational-units-for-parent`"),
        ("ou-exam-prdo0001", "did you mean `ou-exam-prod0001`?"),
        ("r-exma", "no id of a root, OU or account of the organization; did you mean `r-exam`?"),
    ] {
        check(&targets("p-deny0001", &["r-exam", id]), &target(id), expected);
    }
    let empty = r#"{"TargetId":"ou-exam-gone0001","Policies":[]}"#;
    check(empty, r#""ou-exam-gone0001""#, "stands nowhere in the tree");
    let administrator = r#"{"Id":"444455556666"}"#;
    let list = format!(r#"{{"DelegatedAdministrators":[{administrator}]}}"#);
    check(&list, administrator, "stands nowhere in the tree");
}

/// I-45: the parents of a node put it into the tree as well as the lists of its parent's children.
#[test]
fn parents_put_a_node_into_the_tree() {
    let deny = targets("p-deny0001", &["ou-exam-prod0001", "111122223333"]);
    let parents = |child, parent| {
        format!(r#"{{"ChildId":"{child}","Parents":[{{"Id":"{parent}","Type":"ROOT"}}]}}"#)
    };
    let unit = parents("ou-exam-prod0001", "r-exam");
    let account = parents("111122223333", "ou-exam-prod0001");
    let all = [DESCRIBE, ROOTS, POLICY, &deny, &unit, &account].map(file);
    let import = import(&all, &ImportOptions::default());
    assert!(import.diagnostics.iter().all(|found| found.level != DiagnosticLevel::Error));
    let expected = [("scp:p-deny0001".to_owned(), 1), ("scp:p-deny0001".to_owned(), 2)];
    assert_eq!(scps(&store(&import), "111122223333"), expected);
    assert_eq!(codes(&import_text(&parents("r-exam", "r-exam")))[0], "invalid_record");
}

/// I-17: neither of two records that contradict each other is known to be right.
#[test]
fn records_that_contradict_each_other_are_an_error() {
    let check = |text: &str, expected: &str| {
        let mut files = tree_files();
        files.push(ImportFile { name: "second.json", ..file(text) });
        let import = import(&files, &ImportOptions::default());
        let conflict = |found: &&Diagnostic| found.code == DiagnosticCode::ConflictingRecords;
        let found: Vec<_> = import.diagnostics.iter().filter(conflict).collect();
        let [found] = found[..] else { panic!("{text}: {:#?}", import.diagnostics) };
        assert_eq!(found.level, DiagnosticLevel::Error);
        assert_eq!(found.file.as_deref(), Some("second.json"));
        assert!(found.message.contains(expected), "{}", found.message);
    };
    let (unit, elsewhere) = ("`ou-exam-prod0001` by f.json:1:", "is under `r-exam` here");
    let parents = r#"{"ChildId":"111122223333","Parents":[{"Id":"r-exam","Type":"ROOT"}]}"#;
    let under_root = ACCOUNTS.replacen('{', r#"{"ParentId":"r-exam","#, 1);
    for text in [parents, &under_root] {
        check(text, unit);
        check(text, elsewhere);
    }
    let moved = UNITS.replacen("r-exam", "ou-exam-other001", 1);
    check(&moved, "`ou-exam-prod0001` is under `ou-exam-other001` here and under `r-exam` by");
    check(
        &POLICY.replace("2012-10-17", "2008-10-17"),
        "`p-deny0001` has another document by f.json:2:",
    );
    let tags = POLICIES.replace("SERVICE_CONTROL_POLICY\",\"AwsManaged\":false", "TAG_POLICY\"");
    check(&tags, "`p-deny0001` is of type `TAG_POLICY` here and `SERVICE_CONTROL_POLICY` by");
    let management = DESCRIBE.replace(r#"AccountId":"100000000001"#, r#"AccountId":"100000000002"#);
    check(&management, "the management account is 100000000002 here and 100000000001 before");
    check(&DESCRIBE.replace("\"ALL\"", "\"CONSOLIDATED_BILLING\""), "`FeatureSet`");

    // The same once more is no contradiction.
    let mut files = tree_files();
    files.extend(tree_files());
    let twice = import(&files, &ImportOptions::default());
    assert!(twice.diagnostics.iter().all(|found| found.level != DiagnosticLevel::Error));
    assert_eq!(
        store(&twice).digest(),
        store(&import(&tree_files(), &ImportOptions::default())).digest()
    );
}

/// I-17, I-45: the list of a policy's targets and that of a target's policies.
#[test]
fn lists_of_attachments_that_contradict_each_other_are_an_error() {
    let check = |lists: &[&str], expected: &[&str]| {
        let mut files = tree_files();
        files.extend(lists.iter().copied().map(file));
        let import = import(&files, &ImportOptions::default());
        let conflict = |found: &&Diagnostic| found.code == DiagnosticCode::ConflictingRecords;
        let found = import.diagnostics.iter().filter(conflict).map(|found| &*found.message);
        assert_eq!(found.collect::<Vec<_>>(), expected, "{lists:?}");
    };
    let of_unit = |policies: &[(&str, &str)]| {
        let one = |(id, of): &(&str, &str)| format!(r#"{{"Id":"{id}","Type":"{of}_POLICY"}}"#);
        let all: Vec<String> = policies.iter().map(one).collect();
        format!(r#"{{"TargetId":"ou-exam-prod0001","Policies":[{}]}}"#, all.join(","))
    };
    let full = targets("p-FullAWSAccess", &["r-exam", "ou-exam-prod0001"]);
    let (deny, scp) = ("p-deny0001", "SERVICE_CONTROL");
    check(
        &[&full, &of_unit(&[(deny, scp)])],
        &[
            "`p-FullAWSAccess` is on `ou-exam-prod0001` here and not in the list of the policies of \
           the target",
        ],
    );
    check(
        &[&targets(deny, &["r-exam"]), &of_unit(&[(deny, scp), ("p-FullAWSAccess", scp)])],
        &["`p-deny0001` is on `ou-exam-prod0001` here and not in the list of the targets of the \
           policy"],
    );
    check(&[&full, &of_unit(&[(deny, scp), ("p-FullAWSAccess", scp)])], &[]);
    // Lists of other types, and an empty one, which may be of any.
    check(&[&full, &of_unit(&[("p-rcp00001", "RESOURCE_CONTROL"), ("p-tags0001", "TAG")])], &[]);
    check(&[&targets("p-tags0001", &["r-exam"]), &of_unit(&[("p-tags0001", "TAG")])], &[]);
    check(&[&full, &of_unit(&[])], &[]);
}

/// I-41, I-45: what a list breaks off before may deny.
#[test]
fn a_list_that_is_cut_off_is_an_error() {
    let full = targets("p-FullAWSAccess", &["r-exam"]);
    let listed = r#"{"TargetId":"ou-exam-prod0001","Policies":[]}"#;
    for text in [UNITS, POLICIES, ROOTS, &full, listed] {
        let cut = text.replacen('{', r#"{"NextToken":"abc","#, 1);
        let whole = text.replacen('{', r#"{"NextToken":null,"#, 1);
        let n_cut = |last: &str| {
            let mut files = tree_files();
            files.extend([file(&cut), file(last)]);
            let import = import(&files, &ImportOptions::default());
            let cut = import.diagnostics.iter().filter(|found| {
                found.code == DiagnosticCode::TruncatedExport
                    && found.level == DiagnosticLevel::Error
            });
            cut.filter(|found| found.pointer.as_deref() == Some("/NextToken")).count()
        };
        assert_eq!((n_cut(&cut), n_cut(&whole)), (1, 0), "{text}");
        // The end of another list is not the end of this one.
        assert_eq!(n_cut(r#"{"ParentId":"ou-exam-prod0001","OrganizationalUnits":[]}"#), 1);
    }
}

#[test]
fn policies_act_only_with_all_features() {
    let billing = DESCRIBE.replace("\"ALL\"", "\"CONSOLIDATED_BILLING\"");
    let mut files = tree_files();
    files[0] = file(&billing);
    let snapshot = store(&import(&files, &ImportOptions::default()));
    assert!(snapshot.path(id("111122223333")).is_some());
    assert!(snapshot.scp(id("111122223333")).is_none());
}

// ---- Resources ----

#[test]
fn resource_policies_come_in_the_forms_of_each_service() {
    let account = Some(id("111122223333"));
    let check = |text: &str, arn: Option<&str>, expected: &str| {
        let import = import_one(ImportFile { account, arn, ..file(text) });
        assert_eq!(codes(&import), [""; 0], "{text}: {:#?}", import.diagnostics);
        let snapshot = store(&import);
        let resource = snapshot.resource(expected).expect(text);
        assert_eq!(resource.policies.len(), 1, "{text}");
        let document = snapshot.document(resource.policies[0]).expect("lives");
        assert_eq!(document.text.as_deref(), Some(r#"{"Id":"x"}"#), "{text}");
    };
    let policy = r#""{\"Id\":\"x\"}""#;
    let bucket = "arn:aws:s3:::b";
    check(&format!(r#"{{"Policy":{policy}}}"#), Some(bucket), bucket);
    let key = "arn:aws:kms:eu-west-1:111122223333:key/k";
    check(&format!(r#"{{"Policy":{policy},"PolicyName":"default"}}"#), Some(key), key);
    let queue = "arn:aws:sqs:eu-west-1:111122223333:q";
    check(&format!(r#"{{"Attributes":{{"Policy":{policy},"QueueArn":"{queue}"}}}}"#), None, queue);
    let topic = "arn:aws:sns:eu-west-1:111122223333:t";
    let attributes = format!(
        r#"{{"Attributes":{{"Policy":{policy},"TopicArn":"{topic}","Owner":"111122223333"}}}}"#
    );
    check(&attributes, None, topic);
    let secret = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:s-abcdef";
    let output = format!(r#"{{"ARN":"{secret}","Name":"s","ResourcePolicy":{policy}}}"#);
    check(&output, None, secret);
    let repository = "arn:aws:ecr:eu-west-1:111122223333:repository/r";
    let output =
        format!(r#"{{"registryId":"111122223333","repositoryName":"r","policyText":{policy}}}"#);
    check(&output, Some(repository), repository);
    check(&format!(r#"{{"arn":"{queue}","policy":{{"Id":"x"}}}}"#), None, queue);
}

/// C-11, I-47: what each service prints, and the policy itself.
#[test]
fn every_shape_that_holds_a_policy_is_read() {
    let check = |text: &str, arn: Option<&str>, expected: &[&str]| {
        let import = import_one(ImportFile {
            account: Some(id("111122223333")),
            arn,
            kind: Some(ImportKind::ResourcePolicy),
            ..file(text)
        });
        assert_eq!(codes(&import), [""; 0], "{text}: {:#?}", import.diagnostics);
        let snapshot = store(&import);
        let mut found = Vec::new();
        for resource in snapshot.resources() {
            for policy in &resource.policies {
                let document = snapshot.document(*policy).and_then(|found| found.text.as_deref());
                let document = document.map(|text| text.replace(' ', ""));
                assert_eq!(document.as_deref(), Some(r#"{"Statement":[]}"#), "{text}");
                found.push(&*resource.arn);
            }
        }
        assert_eq!(found, expected, "{text}");
    };
    let policy = r#""{\"Statement\":[]}""#;
    let given = "arn:aws:glue:eu-west-1:111122223333:catalog";
    for text in [
        r#"{"Statement": []}"#.to_owned(),
        format!(r#"{{"policy":{policy}}}"#),
        r#"{"Policy":{"Statement":[]}}"#.to_owned(),
        format!(r#"{{"PolicyInJson":{policy},"PolicyHash":"h","CreateTime":1}}"#),
        format!(r#"{{"policyDocument":{policy},"revisionId":"1"}}"#),
        format!(r#"{{"PolicyDocument":{policy}}}"#),
        format!(r#"{{"resourcePolicy":{policy}}}"#),
        format!(r#"{{"policy":{{"Policy":{policy}}}}}"#),
        format!(r#"{{"DomainConfig":{{"AccessPolicies":{{"Options":{policy},"Status":{{}}}}}}}}"#),
        format!(
            r#"{{"Policy":{{"Established":{{"Policy":{policy}}},"Proposed":{{"Policy":"{{}}"}}}}}}"#
        ),
        format!(r#"{{"resourcePolicies":[{{"policyName":"p","policyDocument":{policy}}}]}}"#),
        format!(r#"{{"ResourcePolicies":[{{"PolicyName":"p","PolicyDocument":{policy}}}]}}"#),
        format!(r#"{{"FirewallRuleGroupPolicy":{policy}}}"#),
        format!(r#"{{"ResolverRulePolicy":{policy}}}"#),
        format!(r#"{{"ResolverQueryLogConfigPolicy":{policy}}}"#),
        format!(r#"{{"configuredAudienceModelPolicy":{policy}}}"#),
        format!(r#"{{"GetResourcePoliciesResponseList":[{{"PolicyInJson":{policy}}}]}}"#),
        format!(r#"{{"ProjectPolicies":[{{"PolicyDocument":{policy}}}]}}"#),
        format!(r#"{{"Policies":{{"first":{policy}}}}}"#),
        format!(r#"{{"policies":[{policy}]}}"#),
        r#"{"id":"a","name":"n","policy":"{\\\"Statement\\\":[]}"}"#.to_owned(),
    ] {
        check(&text, Some(given), &[given]);
        check(&format!("[{text}]"), Some(given), &[given]);
    }
    let both = format!(r#"{{"ResourcePolicy":{policy},"DelegatedAdminResourcePolicy":{policy}}}"#);
    check(&both, Some(given), &[given, given]);

    let bus = "arn:aws:events:eu-west-1:111122223333:event-bus/b";
    check(&format!(r#"{{"Name":"b","Arn":"{bus}","Policy":{policy}}}"#), None, &[bus]);
    let vault = "arn:aws:backup:eu-west-1:111122223333:backup-vault:v";
    check(&format!(r#"{{"BackupVaultArn":"{vault}","Policy":{policy}}}"#), None, &[vault]);
    for name in [
        "arn",
        "ResourceArn",
        "SinkArn",
        "ContactArn",
        "EndpointArn",
        "LineageGroupArn",
        "ProjectArn",
        "investigationGroupArn",
        "configuredAudienceModelArn",
    ] {
        check(&format!(r#"{{"{name}":"{bus}","Policy":{policy}}}"#), None, &[bus]);
    }
    let package = "arn:aws:codeartifact:eu-west-1:111122223333:repository/d/r";
    let output = format!(r#"{{"policy":{{"resourceArn":"{package}","document":{policy}}}}}"#);
    check(&output, None, &[package]);
    let domain = "arn:aws:es:eu-west-1:111122223333:domain/d";
    let status = format!(r#"{{"ARN":"{domain}","AccessPolicies":{policy}}}"#);
    check(&format!(r#"{{"DomainStatus":{status}}}"#), None, &[domain]);
    check(&format!(r#"{{"DomainStatusList":[{status}]}}"#), None, &[domain]);
    let delegation = "arn:aws:organizations::111122223333:resourcepolicy/o-exampleorg1/rp-1";
    let output = format!(
        r#"{{"ResourcePolicy":{{"ResourcePolicySummary":{{"Arn":"{delegation}"}},"Content":{policy}}}}}"#
    );
    check(&output, None, &["arn:aws:organizations::111122223333:organization/o-exampleorg1"]);
    // Each is its own resource's, whatever the file is said to be about.
    let log = "arn:aws:logs:eu-west-1:111122223333:log-group:g";
    let output = format!(
        r#"{{"resourcePolicies":[{{"policyDocument":{policy},"resourceArn":"{log}"}},
        {{"policyDocument":{policy}}}]}}"#
    );
    check(&output, Some(given), &[given, log]);
}

/// C-11: a policy that is not found is not a resource without one.
#[test]
fn an_output_without_a_policy_is_an_error_unless_there_is_none() {
    let given = "arn:aws:glue:eu-west-1:111122223333:catalog";
    let import_it = |text: &str| {
        import_one(ImportFile {
            arn: Some(given),
            kind: Some(ImportKind::ResourcePolicy),
            ..file(text)
        })
    };
    for text in [
        "{}",
        "[{}]",
        r#"{"Polcy":"{}"}"#,
        r#"{"Policy":{}}"#,
        r#"{"Policy":{"PolicyName":"p","Arn":"arn:aws:iam::111122223333:policy/p"}}"#,
        r#"{"Attributes":{"Polcy":"{}"}}"#,
        r#"{"DomainStatus":{"ARN":"arn:aws:es:eu-west-1:111122223333:domain/d"}}"#,
        r#"{"resourcePolicies":[{"polcy":"{}"}]}"#,
        r#"{"items":[{"policy":"{}"}]}"#,
        r#"{"ARN":"a","Name":"s","ResourcePolcy":"{}"}"#,
        r#"{"Policy":{"Policy":{"Policy":{"Policy":{"Polcy":{"Policy":"{}"}}}}}}"#,
    ] {
        let import = import_it(text);
        assert_eq!(codes(&import)[0], "invalid_record", "{text}");
        assert!(import.diagnostics[0].message.contains("`PolicyInJson`"), "{text}");
        assert!(import.changes.is_empty(), "{text}");
    }
    for text in [
        r#"{"ARN":"a","Name":"s"}"#,
        r#"{"Name":"default","Arn":"a"}"#,
        r#"{"id":"a","name":"n","rootResourceId":"r","tags":{}}"#,
        r#"{"Attributes":{"QueueArn":"a","DelaySeconds":"0"}}"#,
        r#"{"DomainStatus":{"ARN":"a","AccessPolicies":""}}"#,
        r#"{"Policy":null}"#,
        r#"{"resourcePolicies":[]}"#,
        r#"{"Policies":{}}"#,
    ] {
        let import = import_it(text);
        assert_eq!(codes(&import), [""; 0], "{text}: {:#?}", import.diagnostics);
        let snapshot = store(&import);
        let resource = snapshot.resource(given).expect(text);
        assert!(resource.policies.is_empty(), "{text}");
    }
}

#[test]
fn a_resource_without_an_owner_or_arn_is_an_error() {
    let policy = r#"{"Policy":"{}"}"#;
    assert_eq!(codes(&import_text(policy)), ["invalid_record"]);
    let bucket = import_one(ImportFile { arn: Some("arn:aws:s3:::b"), ..file(policy) });
    assert_eq!(codes(&bucket), ["invalid_record"]);
    let foreign = r#"{"arn":"arn:aws:sqs:eu-west-1:111122223333:q","account":"444455556666"}"#;
    assert_eq!(codes(&import_text(foreign)), ["invalid_record"]);
}

/// F-4, I-40: a resource record is our own format. What another name hides may deny.
#[test]
fn a_resource_record_has_no_other_members() {
    let at = r#""arn":"arn:aws:s3:::a","account":"111122223333""#;
    for text in [
        format!(r#"{{{at},"polcy":{{"Statement":[]}}}}"#),
        format!(r#"{{{at},"Policy":{{"Statement":[]}}}}"#),
        format!(r#"{{{at},"attributes":{{"publicAccessBlok":{{}}}}}}"#),
        format!(
            r#"{{{at},"attributes":{{"publicAccessBlock":{{"RestrictPublicBuckets":true}}}}}}"#
        ),
        format!(r#"{{{at},"attributes":{{"kmsGrants":[{{"grantee":"g","operation":[]}}]}}}}"#),
    ] {
        assert_eq!(codes(&import_text(&text)), ["invalid_record"], "{text}");
    }
    assert!(codes(&import_text(&format!(r#"{{{at},"x-note":"ours"}}"#))).is_empty());
    let vpc = r#""attributes":{"networkOrigin":"VPC","vpc":"vpc-1"}"#;
    let point = r#""arn":"arn:aws:s3:eu-west-1:111122223333:accesspoint/p""#;
    let snapshot = store(&import_text(&format!("{{{point},{vpc}}}")));
    let point = snapshot.resource("arn:aws:s3:eu-west-1:111122223333:accesspoint/p");
    let origin = point.and_then(|point| point.attributes.network_origin_vpc.clone());
    assert_eq!(origin, Some(Some("vpc-1".into())));
}

#[test]
fn resource_records_come_one_a_line() {
    let text = concat!(
        r#"{"arn":"arn:aws:s3:::a","account":"111122223333","tags":{"team":"x"},"attributes":"#,
        r#"{"publicAccessBlock":{"restrictPublicBuckets":true}}}"#,
        "\n\n",
        r#"{"arn":"arn:aws:s3:::b","account":"#,
        "\n",
        r#"{"arn":"arn:aws:kms:eu-west-1:111122223333:key/k","policy":[{},"{}"],"attributes":"#,
        r#"{"kmsGrants":[{"grantee":"arn:aws:iam::111122223333:role/r","operations":["Decrypt"],"#,
        r#""encryptionContextSubset":{"a":"b"}}],"managedByAws":true,"aliases":["alias/a"],"x":1}}"#,
        "\n",
    );
    let import = import_text(text);
    assert_eq!(codes(&import), ["invalid_json", "invalid_record"]);
    assert_eq!(import.diagnostics[0].span.map(|span| span.line), Some(3));
    assert!(import.diagnostics[1].message.starts_with("unknown member `x`; there are "));
    let snapshot = store(&import);
    let bucket = snapshot.resource("arn:aws:s3:::a").expect("held");
    assert!(
        bucket.attributes.public_access_block.is_some_and(|block| block.restrict_public_buckets)
    );
    assert_eq!(bucket.tags.as_ref().map(Vec::len), Some(1));
    let key = snapshot.resource("arn:aws:kms:eu-west-1:111122223333:key/k").expect("held");
    assert_eq!((key.policies.len(), key.attributes.kms_grants.len()), (2, 1));
    assert!(key.attributes.managed_by_aws);
    assert_eq!(snapshot.resources().count(), 2);
}

#[test]
fn endpoints_are_imported() {
    let text = r#"{"VpcEndpoints":[{"VpcEndpointId":"vpce-1","VpcEndpointType":"Gateway","VpcId":"vpc-1",
        "OwnerId":"111122223333","ServiceName":"com.amazonaws.eu-west-1.s3",
        "PolicyDocument":"{\"Version\":\"2008-10-17\"}"},{"VpcEndpointId":"1"}]}"#;
    let import = import_text(text);
    assert_eq!(codes(&import), ["invalid_record"]);
    let snapshot = store(&import);
    let endpoint = snapshot.endpoint("vpce-1").expect("held");
    assert_eq!(endpoint.account, Some(id("111122223333")));
    let document = endpoint.policy.and_then(|id| snapshot.document(id)).expect("a policy");
    assert!(document.gateway);
}

#[test]
fn endpoints_and_resources_are_told_once_and_whole() {
    let endpoint = |version: &str| {
        format!(
            r#"{{"VpcEndpoints":[{{"VpcEndpointId":"vpce-1","OwnerId":"111122223333",
            "PolicyDocument":"{{\"Version\":\"{version}\"}}"}}]}}"#
        )
    };
    let (old, new) = (endpoint("2008-10-17"), endpoint("2012-10-17"));
    let both = |files: [&str; 2]| import(&files.map(file), &ImportOptions::default());
    assert_eq!(codes(&both([&old, &new])), ["conflicting_records"]);
    assert_eq!(codes(&both([&old, &old])), [""; 0]);
    let cut = old.replacen('{', r#"{"NextToken":"abc","#, 1);
    assert_eq!(codes(&both([&old, &cut])), ["truncated_export"]);
    assert_eq!(codes(&both([&cut, &old])), [""; 0]);

    let tagged = |tags: &str| {
        format!(r#"{{"arn":"arn:aws:s3:::b","account":"111122223333","tags":{{{tags}}}}}"#)
    };
    let (one, other) = (tagged(r#""a":"1","b":"2""#), tagged(r#""b":"2","a":"1""#));
    assert_eq!(codes(&both([&one, &other])), [""; 0]);
    assert_eq!(codes(&both([&one, &tagged(r#""a":"1""#)])), ["conflicting_records"]);
}
