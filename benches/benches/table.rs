//! The table of the record: Assize beside the rulers, on W1, W2 and W3, in one run, as Markdown.
//! Answers are checked against the reference interpreter before anything is timed.
//!
//! `-- --test` makes it small.

#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::error::Error;
use std::time::Duration;

use assize::{StreamFormat, StreamOptions};
use assize_benches::measure::{median, quantile, rate, shown_rate, time};
use assize_benches::ruler::{Answer, RulerA, RulerB};
use assize_benches::setup::{Ready, ndjson, request_of};

/// Requests of a measurement, and runs of which the median counts.
#[expect(clippy::struct_field_names, reason = "the names say what is counted")]
struct Size {
    n_requests: usize,
    n_interpreted: usize,
    n_runs: usize,
}

/// Of so many answers one is checked against the reference.
const CHECK_STEP: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let size = if std::env::args().any(|arg| arg == "--test") {
        Size { n_requests: 2_048, n_interpreted: 256, n_runs: 1 }
    } else {
        Size { n_requests: 1_000_000, n_interpreted: 4_096, n_runs: 7 }
    };
    println!(
        "Requests a second, one thread except where two are named; medians of {} runs over {} \
         requests. Latency is that of one typed request.",
        size.n_runs, size.n_requests,
    );
    println!();
    println!(
        "| workload | ruler A | ruler B | columns | of ruler B | typed | NDJSON | NDJSON, 2 threads | p50 | p99 | checked |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for ready in Ready::all()? {
        println!("{}", row(&ready, &size)?);
    }
    Ok(())
}

fn row(ready: &Ready, size: &Size) -> Result<String, Box<dyn Error>> {
    let requests: Vec<_> = ready.workload.requests().take(size.n_requests).collect();
    let typed: Vec<_> = requests.iter().map(request_of).collect();
    let mut decider = ready.engine.decider();
    let outcomes = decider.decide_all(&typed).into_iter().collect::<Result<Vec<_>, _>>()?;
    let n_checked = ready.check(&requests, &outcomes, CHECK_STEP)?;

    let ruler_a = RulerA::load(&ready.workload.world);
    let lowered: Vec<_> = requests.iter().map(|request| ready.lower(request)).collect();
    let split: Vec<_> = requests
        .iter()
        .zip(&lowered)
        .map(|(request, lowered)| ready.split(request, lowered, ruler_a.keys()))
        .collect();
    let ruler_b = RulerB::load(&ruler_a, split.iter().map(|request| request.action));
    let allowed = |answers: &mut dyn Iterator<Item = Answer>| {
        answers.filter(|answer| *answer == Answer::Allowed).count()
    };
    ready.check_ruler(&requests, CHECK_STEP, |request| {
        let lowered = ready.lower(request);
        ruler_b.decide(&ready.split(request, &lowered, ruler_a.keys()))
    })?;

    let a = per_second(size.n_interpreted, size.n_runs, || {
        allowed(&mut split.iter().take(size.n_interpreted).map(|request| ruler_a.decide(request)))
    });
    let b = per_second(size.n_requests, size.n_runs, || {
        allowed(&mut split.iter().map(|request| ruler_b.decide(request)))
    });
    decider.prepare(&typed);
    let columns = per_second(size.n_requests, size.n_runs, || decider.decide_prepared().len());
    let all = per_second(size.n_requests, size.n_runs, || decider.decide_all(&typed).len());
    let lines = ndjson(&requests);
    let stream = |n_threads| {
        let options = StreamOptions {
            format: StreamFormat::Compact,
            threads: Some(n_threads),
            ..StreamOptions::default()
        };
        let mut answers = Vec::new();
        per_second(size.n_requests, size.n_runs, || {
            answers.clear();
            ready
                .engine
                .decide_stream(&mut &lines[..], &mut answers, &options, &mut |_| true)
                .is_ok()
        })
    };
    let (one, two) = (stream(1), stream(2));
    let mut latencies: Vec<Duration> =
        typed.iter().map(|request| time(|| decider.decide(request)).0).collect();
    latencies.sort_unstable();
    Ok(format!(
        "| {} | {} | {} | {} | {:.1} | {} | {} | {} | {:?} | {:?} | {n_checked} |",
        ready.label,
        shown_rate(a),
        shown_rate(b),
        shown_rate(columns),
        columns / b,
        shown_rate(all),
        shown_rate(one),
        shown_rate(two),
        quantile(&latencies, 0.5),
        quantile(&latencies, 0.99),
    ))
}

/// The median rate of some runs of something that handles `n` requests.
fn per_second<T>(n: usize, n_runs: usize, mut run: impl FnMut() -> T) -> f64 {
    let mut durations: Vec<Duration> = (0..n_runs).map(|_| time(&mut run).0).collect();
    rate(n, median(&mut durations))
}
