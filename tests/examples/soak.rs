//! What `cargo xtask soak` runs: generated requests, reference against tables, until the time is
//! over or something differs.

#![expect(clippy::print_stdout, reason = "it reports on standard output")]

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use assize_tests::soak::{End, Found, run};

/// How often each decision, layer and reason must come up in a run of [`LONG`] requests.
const FEWEST: usize = 100;
/// From how many requests on a run must have met everything.
const LONG: usize = 100_000;

fn main() -> ExitCode {
    let Some(args) = Args::read() else {
        println!("usage: soak (--minutes N | --requests N) [--seed S] [--threads T]");
        return ExitCode::from(2);
    };
    println!("soak: from seed {}, {} threads", args.seed, args.threads);
    let started = Instant::now();
    let (tally, found) = run(args.seed, args.end, args.threads);
    print!("{tally}");
    println!("soak: {} requests in {} s", tally.n_requests, started.elapsed().as_secs());
    if let Some(found) = found {
        return report(&found);
    }
    let rare = tally.rare(FEWEST);
    if tally.n_requests >= LONG && !rare.is_empty() {
        println!("soak: came up less than {FEWEST} times: {}", rare.join(", "));
        return ExitCode::FAILURE;
    }
    println!("soak: no difference");
    ExitCode::SUCCESS
}

/// Says what differs, and writes the scenario that shows it.
fn report(found: &Found) -> ExitCode {
    let Found { seed, passes, difference } = found;
    let file = format!("soak-{seed}.assize.json");
    println!("soak: seed {seed}, compiled with {passes}:");
    println!("  the tables say {:?}", difference.found);
    println!("  the reference says {:?}", difference.expected);
    match std::fs::write(&file, &difference.scenario) {
        Ok(()) => println!("soak: {file} shows it"),
        Err(error) => println!("soak: {file}: {error}\n{}", difference.scenario),
    }
    ExitCode::FAILURE
}

struct Args {
    end: End,
    seed: u64,
    threads: usize,
}

impl Args {
    fn read() -> Option<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut args = Self {
            end: End::After(0),
            seed: now,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        };
        let mut words = std::env::args().skip(1);
        let mut ends = false;
        while let Some(name) = words.next() {
            let number: u64 = words.next()?.parse().ok()?;
            match &*name {
                "--minutes" => {
                    args.end = End::At(Instant::now() + Duration::from_secs(60 * number));
                    ends = true;
                }
                "--requests" => {
                    args.end = End::After(number);
                    ends = true;
                }
                "--seed" => args.seed = number,
                "--threads" => args.threads = usize::try_from(number).ok()?,
                _ => return None,
            }
        }
        ends.then_some(args)
    }
}
