//! Policies of AWS and of others load as their owners meant and are decided alike by reference and
//! tables, over requests made from their own patterns.

use std::collections::BTreeMap;

use assize_model::{Decision, PolicyType};
use assize_policy::{FindingCode, LoadMode, LoadOptions, load};
use assize_tests::differential::Tally;
use assize_tests::fixtures::{records, text};
use assize_tests::real::policies;

/// Requests to each policy.
const N_REQUESTS: usize = 20;
/// Of so many policies one is decided here; `cargo xtask ci --full` decides all.
const ONE_OF: usize = 8;
/// Of the requests, so many are allowed at least, and as many are not.
const FEWEST: usize = 1_000;

/// Policies that AWS would not store, and the first reason: unfinished examples, placeholders and
/// snippets of templates among the fixtures, and what the odd ones are odd for.
const REFUSED: [(&str, &str); 34] = [
    ("policies 8b7d13bcabaf", "MISSING_RESOURCE"),
    ("policies 187ae775935e", "X_RCP_ACTION_STAR"),
    ("policies cad617b2ba0b", "INVALID_ARN_PREFIX"),
    ("policies 126824af39d4", "INVALID_ACTION"),
    ("policies eae9866f878c", "DATA_TYPE_MISMATCH"),
    ("policies 7b04183ac92f", "DATA_TYPE_MISMATCH"),
    ("policies 8d496a746854", "MISSING_RESOURCE"),
    ("policies 5df7b0cf3453", "INVALID_PRINCIPAL_FORMAT"),
    ("policies e2cc0a89e9d9", "DATA_TYPE_MISMATCH"),
    ("policies 6bc9f1433a33", "MISSING_PRINCIPAL"),
    ("policies 0a7bf0ced53e", "UNSUPPORTED_WILDCARD_IN_PRINCIPAL"),
    ("policies c92c0dada532", "INVALID_CONDITION_OPERATOR"),
    ("policies 250e2696c00a", "INVALID_PRINCIPAL_FORMAT"),
    ("policies c7d9501c4b74", "INVALID_PRINCIPAL_FORMAT"),
    ("policies c9980113ecc8", "INVALID_PRINCIPAL_FORMAT"),
    ("policies a5238c5257fb", "INVALID_PRINCIPAL_FORMAT"),
    ("policies 0ea86dbbfc81", "INVALID_ARN_PREFIX"),
    ("odd 2fa0ec33f75b", "UNSUPPORTED_ELEMENT_COMBINATION"),
    ("odd 341d1a878e03", "MISSING_ACTION"),
    ("odd bbd8322ccda5", "MISSING_STATEMENT"),
    ("odd 67ccdaa1d643", "UNSUPPORTED_SID"),
    ("odd 2c1b77d4d962", "INVALID_CONDITION_OPERATOR"),
    ("odd dac2cbca70ca", "UNIQUE_SIDS_REQUIRED"),
    ("odd 7634b506971d", "INVALID_ARN_PREFIX"),
    ("odd 4b5a4da2457a", "DATA_TYPE_MISMATCH"),
    ("odd e5b8833ecdcb", "UNIQUE_SIDS_REQUIRED"),
    ("odd 76448c6432a7", "UNSUPPORTED_SID"),
    ("odd 74e7e8a323e3", "INVALID_ARN_PREFIX"),
    ("odd 600b5553f7c7", "UNSUPPORTED_WILDCARD_IN_PRINCIPAL"),
    ("odd 7228a6bb6f06", "UNSUPPORTED_WILDCARD_IN_PRINCIPAL"),
    ("odd e5ff0e2b2800", "MISSING_STATEMENT"),
    ("odd f8cf69d25635", "MISSING_STATEMENT"),
    ("odd 44136fa355b3", "MISSING_STATEMENT"),
    ("odd 766ff9e21495", "MISSING_PRINCIPAL"),
];

/// Every AWS-managed policy loads, for an author too; of the others those that AWS would store.
#[test]
fn policies_load_as_their_owners_meant() {
    let mut refused: BTreeMap<&str, &str> = REFUSED.into_iter().collect();
    for policy in policies() {
        let loaded = policy.load(LoadMode::Import);
        let poison = FindingCode::XInvalidPolicy;
        let mut rejecting = loaded.findings.iter().filter(|f| f.rejects && f.code != poison);
        let found = rejecting.next().map(|finding| finding.code.as_str());
        assert_eq!(found, refused.remove(&*policy.name), "{}", policy.name);
        assert_eq!(loaded.policy.is_some(), found.is_none(), "{}", policy.name);
        if policy.policy_type == PolicyType::ManagedIdentity {
            let author = policy.load(LoadMode::Author);
            assert_eq!(author.policy, loaded.policy, "{}", policy.name);
        }
    }
    assert!(refused.is_empty(), "not among the policies: {refused:?}");
    let mut n_broken = 0;
    for record in records("odd-policies.ndjson.gz") {
        let text = text(&record, "text");
        if serde_json::from_str::<serde_json::Value>(text).is_err() {
            n_broken += 1;
            let options = LoadOptions::new(PolicyType::InlineIdentity, LoadMode::Import);
            assert!(load(text, &options).policy.is_none(), "{text}");
        }
    }
    assert!(n_broken > 0, "no text is broken");
}

#[test]
fn real_policies_are_decided_alike() {
    let mut tally = Tally::default();
    for policy in policies().iter().step_by(ONE_OF) {
        match policy.compare(N_REQUESTS) {
            Ok(found) => tally.add(&found),
            Err(difference) => panic!(
                "{}: the tables say {:?}, the reference {:?}, here:\n{}",
                policy.name, difference.found, difference.expected, difference.scenario
            ),
        }
    }
    let n_allowed = tally.decisions.get(&Decision::Allowed).copied().unwrap_or_default();
    let n_denied = tally.n_requests - n_allowed - tally.n_errors;
    assert!(n_allowed >= FEWEST && n_denied >= FEWEST, "one-sided:\n{tally}");
}
