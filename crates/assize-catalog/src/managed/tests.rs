//! Tests on the bundled policies.

use super::*;
use crate::ErrorKind;

static DATA: &[u8] = include_bytes!("../../data/managed-policies.bin");

fn policies() -> Arc<ManagedPolicies> {
    ManagedPolicies::bundled().unwrap()
}

#[test]
fn policies_are_found_by_name_and_arn() {
    let policies = policies();
    assert_eq!(policies.date(), "2026-08-22");
    assert_eq!(policies.len(), 1_307);
    for policy in policies.iter() {
        assert_eq!(policies.by_name(policy.name()).map(|p| p.name()), Some(policy.name()));
        if let Some(arn) = policy.arn() {
            assert_eq!(policies.by_arn(arn).map(|p| p.name()), Some(policy.name()));
            let path = policy.path().unwrap();
            assert!(arn.ends_with(&format!("policy{path}{}", policy.name())), "{arn}");
        }
    }
    assert!(policies.iter().map(|policy| policy.name()).is_sorted());
    assert!(policies.by_name("readonlyaccess").is_none());
    assert!(policies.by_arn("arn:aws:iam::111122223333:policy/IAMFullAccess").is_none());
    assert!(policies.by_arn("").is_none());
}

#[test]
fn whoever_may_do_everything_is_known() {
    let policies = policies();
    let policy = policies.by_arn("arn:aws:iam::aws:policy/AdministratorAccess").unwrap();
    assert_eq!(policy.document(), FULL_AWS_ACCESS.document);
}

#[test]
fn a_policy_says_what_the_source_says() {
    let policies = policies();
    let policy = policies.by_name("AIDevOpsAgentAccessPolicy").unwrap();
    assert_eq!(policy.arn(), Some("arn:aws:iam::aws:policy/AIDevOpsAgentAccessPolicy"));
    assert_eq!(policy.version(), 10);
    assert_eq!(policy.created(), Some("2026-08-12T23:07:09+00:00"));
    assert!(!policy.is_deprecated());
    assert!(policy.document().starts_with(r#"{"Statement":[{"Action":["cloudtrail:StartQuery","#));
    assert_eq!(policies.iter().filter(ManagedPolicy::is_deprecated).count(), 56);
    assert_eq!(policies.iter().filter(|policy| policy.arn().is_none()).count(), 57);
}

#[test]
fn documents_are_compact_json() {
    for policy in policies().iter() {
        let document: serde_json::Value = serde_json::from_str(policy.document()).unwrap();
        assert!(document["Statement"].is_array() || document["Statement"].is_object());
        assert!(!policy.document().contains('\n'), "{}", policy.name());
    }
    for builtin in [FULL_AWS_ACCESS, RCP_FULL_AWS_ACCESS] {
        let document: serde_json::Value = serde_json::from_str(builtin.document).unwrap();
        assert_eq!(document["Statement"][0]["Effect"], "Allow");
        assert!(builtin.arn.ends_with(builtin.id) && builtin.id.ends_with(builtin.name));
    }
}

#[test]
fn root_task_policies_hold_deny_statements_only() {
    let policies = policies();
    assert_eq!(policies.root_task_policies().count(), ROOT_TASK_POLICY_ARNS.len());
    for policy in policies.root_task_policies() {
        let document: serde_json::Value = serde_json::from_str(policy.document()).unwrap();
        let statements = document["Statement"].as_array().unwrap();
        assert!(statements.iter().all(|s| s["Effect"] == "Deny"), "{}", policy.name());
    }
}

#[test]
fn damaged_data_is_an_error() {
    for cut in (0..DATA.len()).step_by(9_973).chain(0..40) {
        assert!(ManagedPolicies::from_bytes(&DATA[..cut]).is_err(), "{cut}");
    }
    for at in (0..DATA.len()).step_by(14_983).chain(0..40) {
        let mut changed = DATA.to_vec();
        changed[at] ^= 1 << (at % 8);
        assert!(ManagedPolicies::from_bytes(&changed).is_err(), "{at}");
    }
}

/// Bodies with right checksums and wrong contents.
#[test]
fn damaged_bodies_are_errors_and_never_panics() {
    let body = open(MAGIC, MANAGED_VERSION, &sample()).unwrap();
    for at in 0..body.len() {
        for value in [0, 1, 2, 0x7f, 0x80, 0xff] {
            let mut changed = body.clone();
            changed[at] = value;
            let _ = ManagedPolicies::from_bytes(&seal(MAGIC, MANAGED_VERSION, &changed).unwrap());
        }
        let cut = seal(MAGIC, MANAGED_VERSION, &body[..at]).unwrap();
        assert_eq!(ManagedPolicies::from_bytes(&cut).unwrap_err().kind(), ErrorKind::Damaged);
    }
}

fn sample() -> Vec<u8> {
    let policy = |name: &str, arn: Option<&str>| SourcePolicy {
        name: name.to_owned(),
        arn: arn.map(str::to_owned),
        version: 300,
        created: "2026-01-01T00:00:00Z".to_owned(),
        updated: String::new(),
        deprecated: arn.is_none(),
        document: "{}".to_owned(),
    };
    let arn = "arn:aws:iam::aws:policy/job-function/B";
    write("2026-01-01", &[policy("B", Some(arn)), policy("A", None)]).unwrap()
}

#[test]
fn policies_round_trip() {
    let policies = ManagedPolicies::from_bytes(&sample()).unwrap();
    assert_eq!(policies.iter().map(|policy| policy.name()).collect::<Vec<_>>(), ["A", "B"]);
    let policy = policies.by_name("B").unwrap();
    assert_eq!(policy.path(), Some("/job-function/"));
    assert_eq!((policy.version(), policy.updated()), (300, None));
    assert_eq!(policies.by_name("A").unwrap().arn(), None);
}

#[test]
fn policies_with_foreign_arns_are_refused() {
    let mut policy = SourcePolicy {
        name: "A".to_owned(),
        arn: Some("arn:aws:iam::aws:policy/B".to_owned()),
        version: 1,
        created: String::new(),
        updated: String::new(),
        deprecated: false,
        document: "{}".to_owned(),
    };
    assert_eq!(write("d", std::slice::from_ref(&policy)).unwrap_err().kind(), ErrorKind::Source);
    policy.arn = None;
    let twice = [policy.clone(), policy];
    assert_eq!(write("d", &twice).unwrap_err().kind(), ErrorKind::Source);
}
