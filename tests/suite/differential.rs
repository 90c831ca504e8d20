//! The reference against the tables on generated organizations.

use std::collections::BTreeMap;

use assize_model::{Decision, Layer};
use assize_tests::differential::{Tally, compare_seed};

/// Worlds of the normal run.
const N_WORLDS: u64 = 1_000;
/// Requests to each.
const REQUESTS_PER_WORLD: usize = 100;
/// How often each decision and each layer comes up at least, to mean something.
const FEWEST: usize = 100;

#[test]
fn tables_agree_with_the_reference_on_generated_worlds() {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || run((thread..N_WORLDS).step_by(threads as usize))))
            .collect();
        handles.into_iter().map(|handle| handle.join().expect("no panic")).collect()
    });
    let mut tally = Tally::default();
    for other in &tallies {
        tally.add(other);
    }
    assert_eq!(tally.n_requests as u64, N_WORLDS * REQUESTS_PER_WORLD as u64);
    eprintln!("{tally:#?}");
    enough(&tally);
}

fn run(seeds: impl Iterator<Item = u64>) -> Tally {
    let mut tally = Tally::default();
    for seed in seeds {
        match compare_seed(seed, REQUESTS_PER_WORLD) {
            Ok(found) => tally.add(&found),
            Err(difference) => panic!(
                "seed {seed}: the tables say {:?}, the reference {:?}, here:\n{}",
                difference.found, difference.expected, difference.scenario
            ),
        }
    }
    tally
}

fn enough(tally: &Tally) {
    let rare = |counts: &BTreeMap<String, usize>, all: Vec<String>| -> Vec<String> {
        all.into_iter().filter(|name| counts.get(name).is_none_or(|n| *n < FEWEST)).collect()
    };
    let decisions = Decision::ALL.iter().filter(|d| **d != Decision::Indeterminate);
    let counts = tally.decisions.iter().map(|(d, n)| (d.to_string(), *n)).collect();
    let missing = rare(&counts, decisions.map(ToString::to_string).collect());
    assert!(missing.is_empty(), "too few of {missing:?}: {tally:#?}");
    let counts = tally.layers.iter().map(|(l, n)| (l.to_string(), *n)).collect();
    let missing = rare(&counts, Layer::ALL.iter().map(ToString::to_string).collect());
    assert!(missing.is_empty(), "too few of {missing:?}: {tally:#?}");
    assert!(tally.n_errors * 10 < tally.n_requests, "too many errors: {tally:#?}");
}
