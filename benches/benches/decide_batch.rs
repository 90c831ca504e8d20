//! Batches: columns in memory, the request stream from bytes to bytes, and the two rulers, which
//! are baselines.

use std::error::Error;
use std::hint::black_box;

use assize::{StreamFormat, StreamOptions};
use assize_benches::ruler::{Answer, RulerRequest};
use assize_benches::setup::{Ready, ndjson, request_of};
use assize_benches::workload::WorkloadRequest;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};

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
        rulers(&mut group, &ready, &requests)?;
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
                    ready.engine.decide_lines(&lines, &mut answers, &options, &mut |_| true).is_ok()
                });
            });
        }
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}

/// The two baselines, whose answers are checked against the reference too.
fn rulers(
    group: &mut BenchmarkGroup<'_, WallTime>,
    ready: &Ready,
    requests: &[WorkloadRequest],
) -> Result<(), Box<dyn Error>> {
    ready.with_rulers(requests, |ruler_a, ruler_b, split| {
        let answers: [&dyn Fn(&RulerRequest<'_>) -> Answer; 2] =
            [&|request| ruler_a.decide(request), &|request| ruler_b.decide(request)];
        for answer in answers {
            ready.check_ruler(requests, CHECK_STEP, |request| {
                let lowered = ready.lower(request);
                answer(&ready.split(request, &lowered, ruler_a.keys()))
            })?;
        }
        for (name, answer) in ["ruler A", "ruler B"].into_iter().zip(answers) {
            group.bench_function(format!("{}/{name}", ready.label), |b| {
                b.iter(|| {
                    split.iter().filter(|request| answer(request) == Answer::Allowed).count()
                });
            });
        }
        Ok(())
    })
}
