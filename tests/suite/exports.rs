//! Real exports, record by record (I-40 – I-44).

use assize_model::AccountId;
use assize_store::{
    DiagnosticCode, DiagnosticLevel, Entity, Import, ImportFile, ImportKind, ImportOptions,
    StoreSnapshot, import,
};
use assize_tests::fixtures::bytes;

const AWS_CLI: &str = "account-authorization-details/aws-cli-example.json.gz";
const CLOUDSPLAINING: &str = "account-authorization-details/cloudsplaining-example.json.gz";

fn id(text: &str) -> AccountId {
    text.parse().expect("an account id")
}

fn import_one(file: ImportFile<'_>) -> Import {
    import(&[file], &ImportOptions::default())
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

#[test]
fn the_example_of_the_aws_cli_is_imported_with_a_warning() {
    let text = bytes(AWS_CLI);
    let import = import_one(ImportFile { name: "a.json", bytes: &text, ..Default::default() });
    let snapshot = store(&import);
    let account = snapshot.account(id("123456789012")).expect("held");
    assert_eq!((account.users.len(), account.groups.len()), (3, 3));
    assert_eq!((account.roles.len(), account.policies.len()), (1, 2));
    assert_eq!(account.instance_profiles.len(), 1);
    let n_codes = |code| import.diagnostics.iter().filter(|found| found.code == code).count();
    assert_eq!(n_codes(DiagnosticCode::TruncatedExport), 1);
    // The example has one id for all its users.
    assert_eq!(n_codes(DiagnosticCode::UniqueIdReplaced), 2);
    assert_eq!(n_codes(DiagnosticCode::UnresolvedPolicy), 4);
    assert!(import.diagnostics.iter().all(|found| found.level != DiagnosticLevel::Error));
    assert!(import.unknown_fields.is_empty());

    let bob = snapshot.user(id("123456789012"), "bob").expect("held");
    let policies =
        snapshot.entity_policies(id("123456789012"), Entity::User(id("123456789012"), bob));
    let names: Vec<&str> = policies
        .expect("policies")
        .identity
        .policies
        .iter()
        .filter_map(|applied| snapshot.document(applied.policy))
        .map(|document| &*document.reference)
        .collect();
    let expected =
        ["arn:aws:iam::aws:policy/AdministratorAccess", "inline:user/Bob/DenyBillingAndIAMPolicy"];
    assert_eq!(names, expected);
}

#[test]
fn an_export_of_two_accounts_is_taken_apart() {
    let text = bytes(CLOUDSPLAINING);
    let import = import_one(ImportFile { name: "c.json", bytes: &text, ..Default::default() });
    assert!(
        import.diagnostics.iter().all(|found| found.level != DiagnosticLevel::Error),
        "{:#?}",
        import.diagnostics
    );
    assert_eq!(codes(&import).iter().filter(|code| **code == "mixed_accounts").count(), 1);
    let snapshot = store(&import);
    let count = |number: &str| {
        let account = snapshot.account(id(number)).expect("held");
        (account.users.len(), account.groups.len(), account.roles.len(), account.policies.len())
    };
    assert_eq!(count("200611803367"), (41, 3, 75, 44));
    assert_eq!(count("012345678901"), (3, 2, 3, 2));
    assert_eq!(snapshot.aws_managed_policies().count(), 38);
    // Every reference is resolved by the file itself.
    assert!(snapshot.documents().all(|(_, document)| document.text.is_some()));

    // Documents stand in the file byte for byte, at the line they say.
    let lines: Vec<&str> = std::str::from_utf8(&text).expect("UTF-8").lines().collect();
    for (_, document) in snapshot.documents() {
        let origin = document.origin.as_ref().expect("an origin");
        let anchor = origin.anchors[0];
        let found = document.text.as_ref().expect("a text");
        assert!(origin.verbatim);
        assert_eq!(&text[anchor.file as usize..][..found.len()], found.as_bytes());
        let line = lines[anchor.line as usize - 1];
        assert!(line[anchor.column as usize - 1..].starts_with('{'));
    }
}

#[test]
fn a_caller_who_names_the_account_gets_that_account() {
    let text = bytes(CLOUDSPLAINING);
    let account = Some(id("012345678901"));
    let import =
        import_one(ImportFile { name: "c.json", bytes: &text, account, ..Default::default() });
    let snapshot = store(&import);
    assert_eq!(snapshot.accounts().count(), 1);
    let others = codes(&import).iter().filter(|code| **code == "other_account").count();
    assert_eq!(others, 41 + 3 + 75 + 44);
}

#[test]
fn an_export_that_is_cut_off_keeps_what_was_whole() {
    let text = bytes(CLOUDSPLAINING);
    let whole = import_one(ImportFile { name: "c.json", bytes: &text, ..Default::default() });
    let whole = store(&whole);
    let mut last = 0;
    for cut in [0, 1, 100, 1_000, 50_000, 200_000, 700_000, text.len() - 3] {
        let bytes = &text[..cut];
        let kind = Some(ImportKind::AccountAuthorizationDetails);
        let import = import_one(ImportFile { name: "c.json", bytes, kind, ..Default::default() });
        let broken = import.diagnostics.first().expect("a diagnostic");
        assert_eq!(broken.code, DiagnosticCode::InvalidJson);
        assert_eq!(broken.level, DiagnosticLevel::Error);
        let line = bytes.split(|byte| *byte == b'\n').count();
        assert_eq!(broken.span.expect("a place").line as usize, line);
        let snapshot = store(&import);
        let roles = |snapshot: &StoreSnapshot| {
            snapshot.account(id("200611803367")).map_or(0, |account| account.roles.len())
        };
        assert!(roles(&snapshot) >= last && roles(&snapshot) <= roles(&whole));
        last = roles(&snapshot);
    }
    assert_eq!(last, 75);
}
