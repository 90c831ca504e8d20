//! The fuzz bodies over all seeds, and over small changes of them.

use assize_tests::{fuzz, seeds};

/// Calls the body of a target over its seeds and over changes of them.
fn run(target: &str, body: fn(&[u8]), n_changes: usize) {
    let seeds = seeds::of(target);
    assert!(!seeds.is_empty(), "there are seeds");
    let mut rng = fastrand::Rng::with_seed(1);
    for seed in &seeds {
        body(seed);
        for _ in 0..n_changes {
            body(&seeds::change(seed, &mut rng));
        }
    }
}

#[test]
fn parse_policy_holds_over_its_seeds() {
    run("parse_policy", fuzz::parse_policy, 10);
}

#[test]
fn print_roundtrip_holds_over_its_seeds() {
    run("print_roundtrip", fuzz::print_roundtrip, 4);
}

#[test]
fn lower_policy_holds_over_its_seeds() {
    run("lower_policy", fuzz::lower_policy, 2);
}

#[test]
fn decide_differential_holds_over_its_seeds() {
    run("decide_differential", fuzz::decide_differential, 3);
}

#[test]
fn import_account_holds_over_its_seeds() {
    run("import_account", fuzz::import_account, 60);
}

#[test]
fn read_cloudtrail_holds_over_its_seeds() {
    run("read_cloudtrail", fuzz::read_cloudtrail, 3);
}

#[test]
fn read_requests_holds_over_its_seeds() {
    run("read_requests", fuzz::read_requests, 4);
}

#[test]
fn read_scenarios_holds_over_its_seeds() {
    run("read_scenarios", fuzz::read_scenarios, 4);
}

#[test]
fn wildcard_set_holds_over_its_seeds() {
    run("wildcard_set", fuzz::wildcard_set, 2_000);
}
