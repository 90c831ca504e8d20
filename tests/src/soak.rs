//! A long run of the reference against the tables, over world after world.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::differential::{Difference, Tally, compare_seed_with, reduced_passes};

/// Requests to each world.
pub const REQUESTS_PER_WORLD: usize = 100;

/// When a run ends, if nothing differs.
#[derive(Debug, Clone, Copy)]
pub enum End {
    /// At a time.
    At(Instant),
    /// After so many requests.
    After(u64),
}

/// A difference and the seed of its world.
#[derive(Debug)]
pub struct Found {
    /// The seed.
    pub seed: u64,
    /// What the tables were compiled with.
    pub passes: &'static str,
    /// The difference.
    pub difference: Box<Difference>,
}

/// Runs world after world from a seed on, each with all passes of the compiler or with one of
/// them switched off in turn, until the end or the first difference.
///
/// # Panics
/// When a generated world cannot be read.
pub fn run(first_seed: u64, end: End, n_threads: usize) -> (Tally, Option<Found>) {
    let passes = reduced_passes();
    let next = AtomicU64::new(0);
    let stopped = AtomicBool::new(false);
    let total = Mutex::new((Tally::default(), None));
    let work = || {
        let mut tally = Tally::default();
        while !stopped.load(Ordering::Relaxed) {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if is_over(end, n) {
                break;
            }
            // Half of the worlds with all passes, the others with each change of them in turn.
            let at = usize::try_from(n / 2).unwrap_or_default() % passes.len();
            let (name, options) = if n.is_multiple_of(2) { &passes[0] } else { &passes[at] };
            let seed = first_seed.wrapping_add(n);
            match compare_seed_with(seed, REQUESTS_PER_WORLD, options) {
                Ok(found) => tally.add(&found),
                Err(difference) => {
                    stopped.store(true, Ordering::Relaxed);
                    let mut total = total.lock().expect("no thread panics with the lock");
                    total.1.get_or_insert(Found { seed, passes: name, difference });
                }
            }
        }
        total.lock().expect("no thread panics with the lock").0.add(&tally);
    };
    std::thread::scope(|scope| {
        for _ in 0..n_threads.max(1) {
            scope.spawn(work);
        }
    });
    total.into_inner().expect("no thread panics with the lock")
}

fn is_over(end: End, n_worlds: u64) -> bool {
    match end {
        End::At(time) => Instant::now() >= time,
        End::After(n_requests) => n_worlds.saturating_mul(REQUESTS_PER_WORLD as u64) >= n_requests,
    }
}
