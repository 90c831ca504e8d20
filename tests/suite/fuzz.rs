//! The fuzz bodies over all seeds, and over small changes of them.

use assize_tests::{fixtures, fuzz, seeds};

/// Calls a body over seeds and over changes of them.
fn run(body: fn(&[u8]), seeds: &[Vec<u8>], n_changes: usize) {
    assert!(!seeds.is_empty(), "there are seeds");
    let mut rng = fastrand::Rng::with_seed(1);
    for seed in seeds {
        body(seed);
        for _ in 0..n_changes {
            body(&seeds::change(seed, &mut rng));
        }
    }
}

fn with_kept(target: &str, mut seeds: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    seeds.extend(seeds::kept(target));
    seeds
}

#[test]
fn parse_policy_holds_over_its_seeds() {
    run(fuzz::parse_policy, &with_kept("parse_policy", seeds::policies()), 10);
}

#[test]
fn print_roundtrip_holds_over_its_seeds() {
    run(fuzz::print_roundtrip, &with_kept("print_roundtrip", seeds::policies()), 4);
}

#[test]
fn lower_policy_holds_over_its_seeds() {
    run(fuzz::lower_policy, &with_kept("lower_policy", seeds::policies()), 2);
}

#[test]
fn decide_differential_holds_over_its_seeds() {
    let mut rng = fastrand::Rng::with_seed(2);
    let random = |n_bytes: usize| (0..n_bytes).map(|_| rng.u8(..)).collect();
    let seeds = with_kept("decide_differential", [0, 1, 64, 512, 4096].map(random).to_vec());
    run(fuzz::decide_differential, &seeds, 3);
}

#[test]
fn import_account_holds_over_its_seeds() {
    let small = fixtures::bytes("account-authorization-details/aws-cli-example.json.gz");
    run(fuzz::import_account, &with_kept("import_account", vec![small]), 60);
}

#[test]
fn read_cloudtrail_holds_over_its_seeds() {
    run(fuzz::read_cloudtrail, &with_kept("read_cloudtrail", seeds::logs()), 3);
}

#[test]
fn read_requests_holds_over_its_seeds() {
    run(fuzz::read_requests, &with_kept("read_requests", seeds::requests()), 4);
}

#[test]
fn read_scenarios_holds_over_its_seeds() {
    run(fuzz::read_scenarios, &with_kept("read_scenarios", seeds::scenarios()), 4);
}

#[test]
fn wildcard_set_holds_over_its_seeds() {
    let texts = ["arn:aws:s3:::b/a/k", "aaaaaaaaab", "", "::", "s3:GetObject", "kü中:"];
    let globs = "*\narn:aws:s3:::b/*\n:arn:*:s3:*:*:b/*/k\n*a*b\n?\n:*\na*a*a*a*b\n*:GetObject\n";
    let seeds = texts.map(|text| format!("{text}\n{globs}").into_bytes()).to_vec();
    run(fuzz::wildcard_set, &with_kept("wildcard_set", seeds), 2_000);
}
