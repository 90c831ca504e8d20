//! The memory of a replay in a process of its own, as a row of the table of footprints.
//!
//! `replay_memory 1000000` writes a trail of so many records and replays it on two threads;
//! `replay_memory 3000000 new` one in which no caller and no resource comes again.

#![expect(clippy::print_stdout, reason = "the row is the result")]

use std::error::Error;

use assize_benches::measure::{peak_bytes, rate, resident_bytes, shown_rate, time};
use assize_benches::replaying::TrailOnDisk;
use assize_benches::trail::TrailShape;

/// The allocator of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let n_records: usize = args.next().ok_or("say how many records")?.parse()?;
    let (shape, kind) = match args.next().as_deref() {
        None => (TrailShape::of(n_records), "a quarter of which repeats a call"),
        Some("new") => (TrailShape::ever_new(n_records), "in which nothing comes again"),
        Some(word) => return Err(format!("`{word}` is no kind of trail").into()),
    };
    let trail = TrailOnDisk::of(shape)?;
    let mut at_half = None;
    let (duration, report) = time(|| {
        trail.replay_watched(2, &mut |progress| {
            if at_half.is_none() && progress.records >= n_records as u64 / 2 {
                at_half = Some(resident_bytes());
            }
            true
        })
    });
    println!(
        "| {} records replayed from files, {kind} | constant memory | {duration:.1?} | {} a second | {} MB at half of them, {} groups | {} MB at most |",
        n_records,
        shown_rate(rate(n_records, duration)),
        at_half.unwrap_or_default() >> 20,
        report?.groups.len(),
        peak_bytes() >> 20,
    );
    Ok(())
}
