//! The rules, what is their function and what shows them.

use assize_tests::evidence::Evidence;

/// What `cargo xtask corpus` says: every rule has a sentence, a source, a function that exists and
/// a case or test that shows it; every case has a source; none asks what another one asks.
#[test]
fn every_rule_has_a_function_and_evidence() {
    let complaints = Evidence::read().complaints();
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}
