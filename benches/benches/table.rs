//! The tables of the record, as Markdown: Assize beside the rulers, on W1, W2 and W3, in one run,
//! and logs replayed beside plain decompression.
//! Answers are checked against the reference interpreter before anything is timed.
//!
//! `-- --test` makes it small.

#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::error::Error;
use std::time::Duration;

use assize::formats::{Chunk, PlainLine, PlainReader, RequestStream};
use assize::{StreamFormat, StreamOptions};
use assize_benches::measure::{N_WARM_UPS, median, quantile, rate, shown_rate, time};
use assize_benches::replaying;
use assize_benches::ruler::Answer;
use assize_benches::setup::{Ready, ndjson, request_of};
use assize_benches::workload::WorkloadRequest;

/// The allocator of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Requests of a measurement, and runs of which the median counts.
#[expect(clippy::struct_field_names, reason = "the names say what is counted")]
struct Size {
    n_requests: usize,
    n_interpreted: usize,
    n_runs: usize,
    n_records: usize,
    n_replays: usize,
}

/// Of so many answers one is checked against the reference.
const CHECK_STEP: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let size = if std::env::args().any(|arg| arg == "--test") {
        Size { n_requests: 2_048, n_interpreted: 256, n_runs: 1, n_records: 1_000, n_replays: 1 }
    } else {
        Size {
            n_requests: 1_000_000,
            n_interpreted: 4_096,
            n_runs: 7,
            n_records: 1_000_000,
            n_replays: 3,
        }
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
    let (mut targets, mut stages) = (Vec::new(), Vec::new());
    for ready in Ready::all()? {
        let figures = Figures::measure(&ready, &size)?;
        println!("{}", figures.row(ready.label));
        targets.extend(figures.targets(ready.label));
        stages.extend(figures.stages(ready.label));
    }
    println!("\n| target | asked | measured | |\n|---|---|---|---|");
    for target in targets {
        println!("{target}");
    }
    println!(
        "\nNanoseconds a line, one thread: until it is found and known to be UTF-8; until its \
         strings are found too; until its decision is written. The decision alone is that of \
         columns.\n\n| lines | bytes | found | read | written | decision alone |\n|---|---|---|---|---|---|"
    );
    for stage in stages {
        println!("{stage}");
    }
    println!();
    println!("{}", replaying::figures(size.n_records, size.n_replays)?);
    Ok(())
}

/// What is asked of columns, NDJSON and columns as a multiple of ruler B, by workload.
const ASKED: [(&str, f64, f64, f64); 3] =
    [("W1", 10e6, 2e6, 4.7), ("W2", 20e6, 2e6, 26.0), ("W3", 5e6, 3e6, 42.0)];

/// What was measured of a workload: rates, and the latencies of single decisions.
#[derive(Debug)]
struct Figures {
    ruler_a: f64,
    ruler_b: f64,
    columns: f64,
    typed: f64,
    lines: Lines,
    two_threads: f64,
    /// Lines of about 200 bytes: as [`Figures::lines`], with one key of the context each.
    short_lines: Lines,
    p50: Duration,
    p99: Duration,
    n_checked: usize,
}

impl Figures {
    fn measure(ready: &Ready, size: &Size) -> Result<Self, Box<dyn Error>> {
        let mut requests: Vec<_> = ready.workload.requests().take(size.n_requests).collect();
        let (ruler_a, ruler_b) = rulers(ready, &requests, size)?;
        let typed: Vec<_> = requests.iter().map(request_of).collect();
        let mut decider = ready.engine.decider();
        let outcomes = decider.decide_all(&typed).into_iter().collect::<Result<Vec<_>, _>>()?;
        let n_checked = ready.check(&requests, &outcomes, CHECK_STEP)?;
        drop(outcomes);
        decider.prepare(&typed);
        for _ in 0..N_WARM_UPS {
            decider.decide_prepared();
        }
        let columns = per_second(size.n_requests, size.n_runs, || decider.decide_prepared().len());
        let all = per_second(size.n_requests, size.n_runs, || decider.decide_all(&typed).len());
        let mut latencies: Vec<Duration> =
            typed.iter().map(|request| time(|| decider.decide(request)).0).collect();
        latencies.sort_unstable();
        drop((typed, decider));
        let text = ndjson(&requests);
        let (lines, two_threads) =
            (Lines::measure(ready, &text, size), stream(ready, &text, size, 2));
        drop(text);
        for request in &mut requests {
            request.context.truncate(1);
        }
        let short_lines = Lines::measure(ready, &ndjson(&requests), size);
        Ok(Self {
            ruler_a,
            ruler_b,
            columns,
            typed: all,
            lines,
            two_threads,
            short_lines,
            p50: quantile(&latencies, 0.5),
            p99: quantile(&latencies, 0.99),
            n_checked,
        })
    }

    fn row(&self, label: &str) -> String {
        format!(
            "| {label} | {} | {} | {} | {:.1} | {} | {} | {} | {:?} | {:?} | {} |",
            shown_rate(self.ruler_a),
            shown_rate(self.ruler_b),
            shown_rate(self.columns),
            self.columns / self.ruler_b,
            shown_rate(self.typed),
            shown_rate(self.lines.written),
            shown_rate(self.two_threads),
            self.p50,
            self.p99,
            self.n_checked,
        )
    }

    /// Where the time of lines goes.
    fn stages(&self, label: &str) -> Vec<String> {
        let row = |lines: &Lines| lines.row(label, self.columns);
        let mut rows = vec![row(&self.lines)];
        if label == "W2" {
            rows.push(row(&self.short_lines));
        }
        rows
    }

    /// The targets of the workload, and whether they are met.
    fn targets(&self, label: &str) -> Vec<String> {
        let asked = ASKED.iter().find(|asked| asked.0 == label);
        let Some(&(_, columns, ndjson, multiple)) = asked else { return Vec::new() };
        let line = |name: &str, asked: String, measured: String, is_met: bool| {
            let verdict = if is_met { "met" } else { "missed" };
            format!("| {label} {name} | {asked} | {measured} | {verdict} |")
        };
        let of_b = self.columns / self.ruler_b;
        let scaling = self.two_threads / self.lines.written;
        let mut lines = vec![
            line(
                "columns",
                format!("{}, or {multiple} × ruler B", shown_rate(columns)),
                format!("{}, {of_b:.1} ×", shown_rate(self.columns)),
                self.columns >= columns || of_b >= multiple,
            ),
            line(
                "NDJSON",
                shown_rate(ndjson),
                shown_rate(self.lines.written),
                self.lines.written >= ndjson,
            ),
            line(
                "NDJSON, 2 threads",
                "1.7 × one".into(),
                format!("{scaling:.2} ×"),
                scaling >= 1.7,
            ),
        ];
        if label == "W2" {
            lines.push(line(
                &format!("NDJSON of {} bytes", self.short_lines.n_bytes),
                shown_rate(SHORT_LINES),
                shown_rate(self.short_lines.written),
                self.short_lines.written >= SHORT_LINES,
            ));
            lines.push(line(
                "single decision, p50 and p99",
                format!("{P50:?}, {P99:?}"),
                format!("{:?}, {:?}", self.p50, self.p99),
                self.p50 <= P50 && self.p99 <= P99,
            ));
        }
        lines
    }
}

/// Rates of a stream of lines, up to one stage after the other.
#[derive(Debug)]
struct Lines {
    n_bytes: usize,
    found: f64,
    read: f64,
    written: f64,
}

impl Lines {
    fn measure(ready: &Ready, text: &[u8], size: &Size) -> Self {
        let until = |reads| per_second(size.n_requests, size.n_runs, || read(text, reads));
        Self {
            n_bytes: text.len() / size.n_requests.max(1),
            found: until(false),
            read: until(true),
            written: stream(ready, text, size, 1),
        }
    }

    fn row(&self, label: &str, columns: f64) -> String {
        let shown = |rate: f64| format!("{:.0}", 1e9 / rate);
        format!(
            "| {label} | {} | {} | {} | {} | {} |",
            self.n_bytes,
            shown(self.found),
            shown(self.read),
            shown(self.written),
            shown(columns),
        )
    }
}

/// What a stream does before it decides: fetches lines, checks that they are UTF-8, and perhaps
/// finds their strings. Gives the number of lines that have the plain form.
fn read(text: &[u8], finds_strings: bool) -> Option<usize> {
    let mut stream = RequestStream::of(text).ok()?;
    let mut chunk = Chunk::new();
    let mut n_plain = 0;
    let mut reader = PlainReader::default();
    while stream.read(&mut chunk).ok()? {
        reader.begin();
        let mut plain = PlainLine::default();
        for line in chunk.lines() {
            let line = line.text().ok()?;
            n_plain += usize::from(!finds_strings || reader.read(line, &mut plain));
        }
    }
    Some(n_plain)
}

/// Asked of NDJSON of short lines in W2, and of single decisions.
const SHORT_LINES: f64 = 8e6;
const P50: Duration = Duration::from_micros(1);
const P99: Duration = Duration::from_micros(5);

/// The rates of both rulers, whose answers are checked.
fn rulers(
    ready: &Ready,
    requests: &[WorkloadRequest],
    size: &Size,
) -> Result<(f64, f64), Box<dyn Error>> {
    ready.with_rulers(requests, |ruler_a, ruler_b, split| {
        ready.check_ruler(requests, CHECK_STEP, |request| {
            let lowered = ready.lower(request);
            ruler_b.decide(&ready.split(request, &lowered, ruler_a.keys()))
        })?;
        let allowed = |answers: &mut dyn Iterator<Item = Answer>| {
            answers.filter(|answer| *answer == Answer::Allowed).count()
        };
        let a = per_second(size.n_interpreted, size.n_runs, || {
            allowed(
                &mut split.iter().take(size.n_interpreted).map(|request| ruler_a.decide(request)),
            )
        });
        let b = per_second(size.n_requests, size.n_runs, || {
            allowed(&mut split.iter().map(|request| ruler_b.decide(request)))
        });
        Ok((a, b))
    })
}

/// The rate of a stream, from bytes in memory to bytes in memory.
fn stream(ready: &Ready, lines: &[u8], size: &Size, n_threads: usize) -> f64 {
    let options = StreamOptions {
        format: StreamFormat::Compact,
        threads: Some(n_threads),
        ..StreamOptions::default()
    };
    let mut answers = Vec::new();
    per_second(size.n_requests, size.n_runs, || {
        answers.clear();
        ready.engine.decide_lines(lines, &mut answers, &options, &mut |_| true).is_ok()
    })
}

/// The median rate of some runs of something that handles `n` requests.
fn per_second<T>(n: usize, n_runs: usize, mut run: impl FnMut() -> T) -> f64 {
    let mut durations: Vec<Duration> = (0..n_runs).map(|_| time(&mut run).0).collect();
    rate(n, median(&mut durations))
}
