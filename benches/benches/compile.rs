//! From a world to an engine that decides: compiling the decision tables of W1, W2 and W3.

use std::error::Error;
use std::hint::black_box;

use assize::Engine;
use assize_benches::setup::Ready;
use criterion::Criterion;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("compile");
    for ready in Ready::all()? {
        let (snapshot, options) = (ready.engine.snapshot(), ready.engine.options());
        group.bench_function(ready.label, |b| {
            b.iter(|| black_box(Engine::new(snapshot.clone(), options.clone()).is_ok()));
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
