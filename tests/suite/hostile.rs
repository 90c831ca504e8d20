//! What is made to blow up costs at most as much more as it is larger.

use assize::Engine;
use assize::compiler::CompileReport;
use assize_benches::setup::{request_of, scenario};
use assize_benches::workload::{Hostile, WorkloadRequest};
use assize_tests::answer::{Answer, Oracle};

/// Requests whose answers are compared with the reference's, which matches pattern by pattern.
const N_REQUESTS: usize = 12;

/// An engine over a hostile world, checked against the reference.
fn checked(hostile: Hostile, size: usize) -> CompileReport {
    let workload = hostile.workload(size);
    let world = scenario("hostile.assize.json", workload.world.to_scenario()).expect("a world");
    let engine = Engine::new(world.snapshot, world.options).expect("within the limits");
    let oracle = Oracle::new(engine.snapshot(), engine.options());
    let requests: Vec<WorkloadRequest> = workload.requests().take(N_REQUESTS).collect();
    let typed: Vec<_> = requests.iter().map(request_of).collect();
    for (request, outcome) in typed.iter().zip(engine.decide_batch(&typed)) {
        let expected = Answer::of_decision(&oracle.evaluate(request));
        assert_eq!(Answer::of_outcome(&outcome), expected, "{hostile:?} of {size}");
    }
    engine.compile_report().clone()
}

/// The things the tables are made of, counted.
fn n_parts(report: &CompileReport) -> usize {
    report.n_statements
        + report.n_atoms
        + report.n_patterns
        + report.n_cells
        + report.n_rules
        + report.n_literals
        + report.n_by_needle
        + report.n_one_by_one
}

/// Four times the size takes at most four times the parts and bytes of a large world, and a little
/// for what any world has.
#[test]
fn hostile_worlds_grow_with_their_size_at_most() {
    for hostile in Hostile::ALL {
        let size = hostile.largest() / 16;
        let (small, large) = (checked(hostile, size), checked(hostile, size * 4));
        assert!(
            n_parts(&large) <= 4 * n_parts(&small) + 100,
            "{hostile:?}: {} parts, then {}",
            n_parts(&small),
            n_parts(&large),
        );
        let slack = 100_000;
        assert!(
            large.n_bytes <= 4 * small.n_bytes + slack,
            "{hostile:?}: {} bytes, then {}",
            small.n_bytes,
            large.n_bytes,
        );
    }
}

/// The largest that have to be borne are within every budget but that of indexed patterns.
#[test]
fn the_largest_hostile_worlds_compile() {
    for hostile in Hostile::ALL {
        let workload = hostile.workload(hostile.largest());
        let world = scenario("hostile.assize.json", workload.world.to_scenario()).expect("a world");
        let engine = Engine::new(world.snapshot, world.options).expect("within the limits");
        let report = engine.compile_report();
        assert!(report.n_bytes < 100_000_000, "{hostile:?}: {} bytes", report.n_bytes);
        let requests: Vec<_> = workload.requests().take(64).collect();
        let typed: Vec<_> = requests.iter().map(request_of).collect();
        assert!(engine.decide_batch(&typed).iter().all(Result::is_ok), "{hostile:?}");
    }
}
