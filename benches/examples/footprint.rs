//! Time and memory in a process of its own, as a row of a table.
//!
//! `footprint estate` puts a million principals in 1,000 accounts into a store by edits, and
//! compiles; `footprint stream` decides ten million rows of W2 from a generator in the process.

#![expect(clippy::print_stdout, reason = "the row is the result")]

use std::error::Error;
use std::io::{self, Read};

use assize::model::EngineOptions;
use assize::{Engine, StreamFormat, StreamOptions};
use assize_benches::measure::{peak_bytes, rate, resident_bytes, shown_rate, time};
use assize_benches::setup::{Ready, managed_source};
use assize_benches::workload::{self, Estate, WorkloadRequest};

/// Rows of the stream, and after how many memory is first looked at: the dictionaries are full.
const N_ROWS: u64 = 10_000_000;
const N_FIRST_ROWS: u64 = 2_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let managed = managed_source()?;
    match std::env::args().nth(1).as_deref() {
        Some("estate") => {
            let size = Estate { n_accounts: 1_000, n_principals: 1_000 };
            let (load, snapshot) = time(|| size.build(&managed));
            let snapshot = snapshot?;
            let (compile, engine) = time(|| Engine::new(snapshot, EngineOptions::default()));
            let engine = engine?;
            println!(
                "| 1,000,000 principals in 1,000 accounts | 60 s, 4 GB | put into the store {load:.1?} | compile {compile:.1?} | | {} MB at most |",
                peak_bytes() >> 20,
            );
            drop(engine);
            Ok(())
        }
        Some("stream") => stream(&Ready::new("W2", workload::account(&managed))?),
        _ => Err("say `estate` or `stream`".into()),
    }
}

/// Decides the stream of a workload and says how memory grew from its first part to its end.
fn stream(ready: &Ready) -> Result<(), Box<dyn Error>> {
    let requests = ready.workload.requests().take(usize::try_from(N_ROWS)?);
    let options = StreamOptions {
        format: StreamFormat::Compact,
        threads: Some(1),
        ..StreamOptions::default()
    };
    let mut first = None;
    let mut at_first = |progress: assize::Progress| {
        if progress.requests >= N_FIRST_ROWS && first.is_none() {
            first = Some((progress.requests, resident_bytes()));
        }
        true
    };
    let mut input = Lines { requests, line: Vec::new(), at: 0 };
    let (duration, summary) =
        time(|| ready.engine.decide_stream(&mut input, &mut io::sink(), &options, &mut at_first));
    let n_rows = summary?.counters.requests();
    let (n_first, first) = first.ok_or("the stream is too short")?;
    let grown = resident_bytes().saturating_sub(first);
    let n_more = usize::try_from(n_rows - n_first)?;
    println!(
        "| {n_rows} rows of W2 from a generator | constant memory | {duration:.1?} | {} a second, made on the way | {} kB from row {n_first} on, {} bytes for 1,000 rows | {} MB at most |",
        shown_rate(rate(usize::try_from(n_rows)?, duration)),
        grown >> 10,
        grown * 1_000 / n_more.max(1),
        peak_bytes() >> 20,
    );
    Ok(())
}

/// Requests as the lines of a stream, made when they are read.
struct Lines<I> {
    requests: I,
    line: Vec<u8>,
    at: usize,
}

impl<I: Iterator<Item = WorkloadRequest>> Read for Lines<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.line.len() {
            let Some(request) = self.requests.next() else { return Ok(0) };
            self.line = request.to_json().into_bytes();
            self.line.push(b'\n');
            self.at = 0;
        }
        let rest = &self.line[self.at..];
        let n_bytes = rest.len().min(buffer.len());
        buffer[..n_bytes].copy_from_slice(&rest[..n_bytes]);
        self.at += n_bytes;
        Ok(n_bytes)
    }
}
