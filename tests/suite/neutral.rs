//! The corpus for other engines.

use assize_model::PolicyType;
use assize_policy::{LoadMode, LoadOptions, load};
use assize_tests::corpus::corpus;
use assize_tests::neutral::export;
use serde_json::Value;

fn exported() -> Value {
    serde_json::from_str(&export()).expect("JSON")
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

#[test]
fn every_case_is_exported_once() {
    let exported = exported();
    let n_cells: usize =
        corpus().iter().flat_map(|scenario| &scenario.tests).map(|test| test.cells.len()).sum();
    let n_documents: usize = corpus().iter().map(|scenario| scenario.documents.len()).sum();
    assert_eq!(list(&exported["cases"]).len(), n_cells);
    assert_eq!(list(&exported["documents"]).len(), n_documents);
    let mut ids: Vec<&str> =
        list(&exported["cases"]).iter().filter_map(|case| case["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), n_cells, "ids tell the cases apart");
    assert!(export() == export(), "the same bytes each time");
}

/// What decides is in the export: the statements that an answer names, and in each layer that
/// denies explicitly a Deny or a document that does not load.
#[test]
fn exported_policies_are_those_that_decide() {
    let (mut n_statements, mut n_denies) = (0, 0);
    for case in list(&exported()["cases"]) {
        let place = &case["id"];
        let checks = list(&case["checks"]);
        let Some(at) = case["expected"]["check"].as_u64() else { continue };
        let decisive = &checks[usize::try_from(at).expect("a small number")];
        for statement in list(&case["expected"]["statements"]) {
            // Grants on keys are no documents.
            if statement["policy"].as_str().is_some_and(|name| name.starts_with("grant:")) {
                continue;
            }
            let policy = policies(decisive)
                .find(|policy| policy["id"] == statement["policy"])
                .unwrap_or_else(|| panic!("{place}: {statement} is not exported"));
            if let Some(index) = statement["statement"].as_u64() {
                let statements = &policy["document"]["Statement"];
                let n = statements.as_array().map_or(1, Vec::len);
                assert!(index < n as u64, "{place}: {statement}");
                n_statements += 1;
            }
        }
        for check in checks {
            let verdicts = check["expected"]["verdicts"].as_object().expect("verdicts");
            for (layer, _) in verdicts.iter().filter(|(_, verdict)| *verdict == "ExplicitDeny") {
                let denies = list(&check["policies"][layer]).iter().any(may_deny);
                assert!(denies, "{place}: nothing denies in {layer}");
                n_denies += 1;
            }
        }
    }
    assert!(n_statements > 0 && n_denies > 0, "nothing was looked at");
}

fn policies(check: &Value) -> impl Iterator<Item = &Value> {
    check["policies"].as_object().into_iter().flatten().flat_map(|(_, policies)| list(policies))
}

/// Whether a document has a Deny or does not load.
fn may_deny(policy: &Value) -> bool {
    let Some(document) = policy.get("document") else { return true };
    let text = document.to_string();
    text.contains(r#""Effect":"Deny""#)
        || PolicyType::ALL.iter().any(|policy_type| {
            load(&text, &LoadOptions::new(*policy_type, LoadMode::Import)).policy.is_none()
        })
}
