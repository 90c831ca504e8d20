//! Reading policies: every AWS-managed policy, as text, as a parse and as loaded statements.

use std::error::Error;
use std::hint::black_box;

use assize_catalog::ManagedPolicies;
use assize_model::PolicyType;
use assize_policy::{LoadMode, LoadOptions, json, load, parse};
use criterion::{Criterion, Throughput};

fn main() -> Result<(), Box<dyn Error>> {
    let policies = ManagedPolicies::bundled()?;
    let documents: Vec<String> = policies.iter().map(|p| p.document().to_owned()).collect();
    let n_bytes = documents.iter().map(String::len).sum::<usize>();
    let options = LoadOptions::new(PolicyType::ManagedIdentity, LoadMode::Import);
    // What is timed below loads without an error.
    for document in &documents {
        if load(document, &options).policy.is_none() {
            return Err(format!("a managed policy does not load: {document}").into());
        }
    }

    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let mut group = criterion.benchmark_group("managed policies");
    group.throughput(Throughput::Bytes(u64::try_from(n_bytes)?));
    group.bench_function("json", |b| {
        b.iter(|| {
            for document in &documents {
                black_box(json::parse(document, assize_policy::MAX_NESTING).is_ok());
            }
        });
    });
    group.bench_function("parse", |b| {
        b.iter(|| {
            for document in &documents {
                black_box(parse(document));
            }
        });
    });
    group.bench_function("load", |b| {
        b.iter(|| {
            for document in &documents {
                black_box(load(document, &options));
            }
        });
    });
    group.finish();
    criterion.final_summary();
    Ok(())
}
