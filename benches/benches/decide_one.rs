//! One decision at a time: a typed request in, an answer with its statement out.

use std::error::Error;
use std::hint::black_box;

use assize_benches::setup::{Ready, request_of};
use criterion::{Criterion, Throughput};

/// Requests that take turns.
const N_REQUESTS: usize = 4_096;
/// Of so many answers one is checked against the reference.
const CHECK_STEP: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let mut group = criterion.benchmark_group("decide one");
    group.throughput(Throughput::Elements(1));
    for ready in Ready::all()? {
        let requests: Vec<_> = ready.workload.requests().take(N_REQUESTS).collect();
        let typed: Vec<_> = requests.iter().map(request_of).collect();
        let mut decider = ready.engine.decider();
        let outcomes =
            typed.iter().map(|request| decider.decide(request)).collect::<Result<Vec<_>, _>>()?;
        ready.check(&requests, &outcomes, CHECK_STEP)?;
        let mut turn = typed.iter().cycle();
        group.bench_function(ready.label, |b| {
            b.iter(|| black_box(turn.next().map(|request| decider.decide(request))));
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
