//! One way to decide, for `cargo xtask instructions`, which counts what [`measured`] executes.
//!
//! `decide_path columns W2` decides outside of it until the tables are warm, then once inside, and
//! prints the number of decisions. A stream of lines makes its dictionaries anew whenever it is
//! decided: there are so many lines that this is a small part.

#![expect(clippy::print_stdout, reason = "the number is the result")]

use std::error::Error;
use std::hint::black_box;

use assize::{StreamFormat, StreamOptions};
use assize_benches::measure::N_WARM_UPS;
use assize_benches::setup::{Ready, ndjson, request_of, workloads};

/// Decisions that are counted.
const N_DECISIONS: usize = 4_096;
const N_LINES: usize = 1 << 16;

/// What callgrind collects: the name is known to `cargo xtask instructions`.
#[inline(never)]
fn measured(run: &mut dyn FnMut() -> usize) -> usize {
    black_box(run())
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [way, label] = &args[..] else { return Err("say a way and a workload".into()) };
    let found = workloads()?.into_iter().find(|(name, _)| name == label);
    let (label, workload) = found.ok_or("no such workload")?;
    let ready = Ready::new(label, workload)?;
    let n_requests = if way == "lines" { N_LINES } else { N_DECISIONS };
    let requests: Vec<_> = ready.workload.requests().take(n_requests).collect();
    let typed: Vec<_> = requests.iter().map(request_of).collect();
    let mut decider = ready.engine.decider();
    let n_decided = match way.as_str() {
        "columns" => {
            decider.prepare(&typed);
            warm(&mut || decider.decide_prepared().len())
        }
        "typed" => warm(&mut || decider.decide_all(&typed).len()),
        "one" => {
            warm(&mut || typed.iter().filter(|request| decider.decide(request).is_ok()).count())
        }
        "lines" => {
            let lines = ndjson(&requests);
            let options = StreamOptions {
                format: StreamFormat::Compact,
                threads: Some(1),
                ..StreamOptions::default()
            };
            let mut answers = Vec::new();
            measured(&mut || {
                let summary =
                    ready.engine.decide_lines(&lines, &mut answers, &options, &mut |_| true);
                summary.map_or(0, |_| requests.len())
            })
        }
        _ => return Err("no such way".into()),
    };
    println!("{n_decided}");
    Ok(())
}

/// Some times to warm up, once to count.
fn warm(run: &mut dyn FnMut() -> usize) -> usize {
    for _ in 0..N_WARM_UPS {
        black_box(run());
    }
    measured(run)
}
