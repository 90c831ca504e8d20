//! The reference against the tables on generated organizations.

use std::collections::BTreeMap;

use assize::formats::RequestRecord;
use assize_compiler::CompileOptions;
use assize_tests::answer::{Answer, Oracle};
use assize_tests::corpus::read_scenario;
use assize_tests::differential::{Tally, compare_seed, expectation, first_difference};
use assize_tests::generate::{self, Source};
use serde_json::Value;

/// Worlds of the normal run.
const N_WORLDS: u64 = 1_000;
/// Requests to each.
const REQUESTS_PER_WORLD: usize = 100;
/// How often each decision, layer and reason comes up at least, to mean something.
const FEWEST: usize = 40;

#[test]
fn tables_agree_with_the_reference_on_generated_worlds() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut tally, mut differences) = (Tally::default(), Differences::new());
    std::thread::scope(|scope| {
        let seeds = |thread| (thread..N_WORLDS).step_by(threads);
        let run = |thread| move || run(seeds(thread), REQUESTS_PER_WORLD);
        let handles: Vec<_> = (0..threads as u64).map(|thread| scope.spawn(run(thread))).collect();
        for handle in handles {
            let (found, differing) = handle.join().expect("no panic");
            tally.add(&found);
            differences.extend(differing);
        }
    });
    let shown: Vec<_> = differences.values().take(MAX_SHOWN).map(String::as_str).collect();
    assert!(shown.is_empty(), "{} kinds of differences:\n{}", differences.len(), shown.join("\n"));
    enough(&tally);
}

/// What `cargo xtask mutants` can afford for each fault: 2,000 requests to 50 worlds, all of which
/// the test above decides too. The first difference is enough, as it is.
#[test]
#[ignore = "a part of the test above, for faults put in on purpose"]
fn tables_agree_on_a_sample() {
    let mut tally = Tally::default();
    for seed in (0..N_WORLDS).step_by(20) {
        let mut source = Source::seeded(seed);
        let world = generate::world(&mut source);
        let requests: Vec<Value> = (0..40).map(|_| generate::request(&mut source)).collect();
        match first_difference(&world, &requests, &CompileOptions::default()) {
            Ok(found) => tally.add(&found),
            Err(unlike) => panic!("seed {seed}: {unlike:?}"),
        }
    }
    assert_eq!(tally.n_requests, 2_000);
}

/// Different differences: both answers, without the statements, and the report of the first.
type Differences = BTreeMap<String, String>;

/// How many differences are shown.
const MAX_SHOWN: usize = 8;

fn run(seeds: impl Iterator<Item = u64>, n_requests: usize) -> (Tally, Differences) {
    let (mut tally, mut differences) = (Tally::default(), Differences::new());
    for seed in seeds {
        match compare_seed(seed, n_requests) {
            Ok(found) => tally.add(&found),
            Err(difference) => {
                let (found, expected) = (&difference.found, &difference.expected);
                let kind = |answer| format!("{answer:?}").split(',').next().map(str::to_owned);
                let report = || {
                    format!(
                        "seed {seed}: the tables say {found:?}, the reference {expected:?}:\n{}",
                        difference.scenario
                    )
                };
                let kind = format!("{:?} {:?}", kind(found), kind(expected));
                differences.entry(kind).or_insert_with(report);
            }
        }
    }
    (tally, differences)
}

fn enough(tally: &Tally) {
    let rare = tally.rare(FEWEST);
    assert!(rare.is_empty(), "too few of {rare:?}:\n{tally}");
    assert!(tally.n_errors * 10 < tally.n_requests, "too many errors:\n{tally}");
}

/// What a difference is written as is a scenario whose one test the reference passes.
#[test]
fn a_difference_is_written_as_a_scenario() {
    let mut n_read = 0;
    for seed in 0..40 {
        let mut source = Source::seeded(seed);
        let world = generate::world(&mut source);
        let request = generate::request(&mut source);
        let scenario = world.read().expect("a world");
        let text = request.to_string();
        let record = RequestRecord::parse(&text).expect("a request");
        let oracle = Oracle::new(&scenario.snapshot, &scenario.options);
        let answer = Answer::of_decision(&oracle.evaluate(&record.request));
        let written = world.reproduce(&request, expectation(&answer));
        // Not all documents of a world load, and then a test must be about that.
        let Ok(again) = read_scenario("again.assize.json", written.as_bytes()) else { continue };
        n_read += 1;
        let cell = &again.tests[0].cells[0];
        let record = cell.record().expect("a request");
        let oracle = Oracle::new(&again.snapshot, &again.options);
        let found = oracle.evaluate(&record.request);
        assert!(cell.expect.check(found.as_ref()).is_empty(), "seed {seed}: {written}");
    }
    assert!(n_read >= 10, "only {n_read} worlds could be written");
}
