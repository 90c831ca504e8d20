//! Replaying a trail: from compressed files to the report.

use std::error::Error;
use std::hint::black_box;

use assize_benches::replaying::TrailOnDisk;
use criterion::{Criterion, Throughput};

/// The allocator of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Records of the trail, and of one that only shows that it works.
const N_RECORDS: usize = 50_000;
const N_TEST_RECORDS: usize = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let is_test = std::env::args().any(|arg| arg == "--test");
    let trail = TrailOnDisk::new(if is_test { N_TEST_RECORDS } else { N_RECORDS })?;
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(u64::try_from(trail.written.n_records)?));
    for n_threads in [1, 2] {
        trail.replay(n_threads)?;
        group.bench_function(format!("{n_threads}"), |b| {
            b.iter(|| black_box(trail.replay(n_threads).is_ok()));
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
