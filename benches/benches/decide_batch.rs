//! Batches: columns in memory, and the request stream from bytes to bytes.

use std::error::Error;
use std::hint::black_box;

use assize::{StreamFormat, StreamOptions};
use assize_benches::setup::{Ready, ndjson, request_of};
use criterion::{Criterion, Throughput};

/// Requests of a batch.
const N_REQUESTS: usize = 16_384;
/// Of so many answers one is checked against the reference.
const CHECK_STEP: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("decide batch");
    group.throughput(Throughput::Elements(u64::try_from(N_REQUESTS)?));
    for ready in Ready::all()? {
        let requests: Vec<_> = ready.workload.requests().take(N_REQUESTS).collect();
        let typed: Vec<_> = requests.iter().map(request_of).collect();
        let mut decider = ready.engine.decider();
        let outcomes = decider.decide_all(&typed).into_iter().collect::<Result<Vec<_>, _>>()?;
        ready.check(&requests, &outcomes, CHECK_STEP)?;

        group.bench_function(format!("{}/columns", ready.label), |b| {
            decider.prepare(&typed);
            b.iter(|| black_box(decider.decide_prepared().len()));
        });
        group.bench_function(format!("{}/requests", ready.label), |b| {
            b.iter(|| black_box(decider.decide_all(&typed).len()));
        });
        let lines = ndjson(&requests);
        for n_threads in [1, 2] {
            let options = StreamOptions {
                format: StreamFormat::Compact,
                threads: Some(n_threads),
                ..StreamOptions::default()
            };
            let mut answers = Vec::new();
            group.bench_function(format!("{}/stream/{n_threads}", ready.label), |b| {
                b.iter(|| {
                    answers.clear();
                    ready
                        .engine
                        .decide_stream(&mut &lines[..], &mut answers, &options, &mut |_| true)
                        .is_ok()
                });
            });
        }
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
