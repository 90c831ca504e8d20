//! `assize batch`: decide all of these (C-3).

mod bad_rows;
mod join;
mod policies;

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, bail};
use assize::{Engine, StreamFormat, StreamOptions, StreamSummary};
use assize_formats::{Summary, count, grouped};
use assize_model::Decision;

use self::join::Join;
use self::policies::SessionLines;
use super::answer::{no_world, refuse_world};
use crate::args::{BatchArgs, BatchFormat, Expected, Global};
use crate::files::{self, Counted, Found, STDIO};
use crate::interrupt::{self, InterruptibleStdin};
use crate::output::Output;
use crate::output::file::Sink;
use crate::render::progress::{Progress, Unit};
use crate::render::table::columns;
use crate::status::Status;
use crate::world::{self, Located, Reader, SessionPolicies, StandIn, UndeclaredOwner};

/// The files of a directory that are request streams.
const EXTENSIONS: [&str; 6] =
    [".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz", ".ndjson.zst", ".jsonl.zst"];

/// What is assumed of resources that the world does not have (C-30).
const UNDECLARED: &str = "a bucket that nobody declared belongs to the account of the principal \
                          (option unknownResourceAccount=deny refuses)";

/// The note of the summary that says that the run was ended before the requests were (C-24).
const INTERRUPTED: &str = "interrupted";

pub(super) fn run(args: &BatchArgs, global: &Global, output: &Output) -> Result<Status> {
    interrupt::end_gracefully();
    let inputs: Vec<Found> = files::walk(&args.requests, &EXTENSIONS)?;
    if inputs.is_empty() {
        bail!("there are no request streams under the given paths");
    }
    let mut run = Run::prepare(args, global, &inputs, output)?;
    let sink = Sink::open(args.output.as_deref())?;
    let compact = args.format == BatchFormat::Compact;
    let mut join = Join::new(sink, compact);
    let total = run.decide(args, global, &mut join, output);
    let whole = total.as_ref().is_ok_and(|total| !total.interrupted && total.broken.is_none());
    if whole {
        join.into_inner().finish()?;
    } else if let Some(partial) = join.into_inner().abandon() {
        output.note(format_args!("what was decided is in `{}`", partial.display()));
    }
    let total = total?;
    if !output.is_quiet() {
        output.say(&run.summary(&total, output));
    }
    Ok(run.world.and(status(&total, args)))
}

/// The inputs, the engine, and what is counted on the way.
struct Run {
    engine: Engine,
    inputs: Vec<Input>,
    /// What was assumed to make the world of policies.
    assumptions: Vec<String>,
    session: Option<SessionPolicies>,
    progress: Progress,
    /// Whether the world could be read as a whole.
    world: Status,
}

/// A request stream to read.
struct Input {
    name: String,
    /// The file, if it can be read once more.
    path: Option<PathBuf>,
    reader: Box<dyn Read + Send>,
}

/// What all inputs came to.
#[derive(Default)]
struct Total {
    counters: Summary,
    by_layer: Vec<(Decision, assize_model::Layer, u64)>,
    assumed_owners: u64,
    interrupted: bool,
    broken: Option<String>,
}

impl Run {
    fn prepare(
        args: &BatchArgs,
        global: &Global,
        found: &[Found],
        output: &Output,
    ) -> Result<Self> {
        let reader = Reader::new()?;
        if args.policies.is_empty() {
            let located = Located::find(global)?;
            let Some(path) = &located.path else { return Err(no_world()) };
            let assumes = world::assumes_full_access(&located.settings, global)?;
            let read = reader.world(path, assumes)?;
            let world = world::summarize(&read, output);
            let undeclared = UndeclaredOwner::Principal;
            let options =
                world::engine_options(Some(&read), &located.settings, global, undeclared)?;
            let engine = Engine::new(read.snapshot, options)?;
            let inputs = found.iter().map(Input::open).collect::<Result<Vec<_>>>()?;
            let progress = Progress::new(sizes(found), Unit::Bytes, output.is_quiet());
            let assumptions = Vec::new();
            return Ok(Self { engine, inputs, assumptions, session: None, progress, world });
        }
        refuse_world(global)?;
        let settings = world::Settings::find()?;
        let undeclared = UndeclaredOwner::Principal;
        let options = world::engine_options(None, &settings, global, undeclared)?;
        let mut stand_in = StandIn::read(&args.policies, &reader)?;
        let inputs = policies::note_all(found, &mut stand_in)?;
        let session = stand_in.session_policies();
        let built = stand_in.build(&reader, options.skip_invalid_policies)?;
        let engine = Engine::new(built.snapshot, options)?;
        let progress = Progress::new(sizes(found), Unit::Bytes, output.is_quiet());
        let (assumptions, world) = (built.assumptions, Status::Yes);
        Ok(Self { engine, inputs, assumptions, session, progress, world })
    }

    /// Decides every input, one after the other.
    fn decide(
        &mut self,
        args: &BatchArgs,
        global: &Global,
        join: &mut Join<Sink>,
        output: &Output,
    ) -> Result<Total> {
        let mut total = Total::default();
        let options = StreamOptions {
            format: match (args.format, args.explain) {
                (BatchFormat::Compact, _) => StreamFormat::Compact,
                (BatchFormat::Ndjson, true) => StreamFormat::Explain,
                (BatchFormat::Ndjson, false) => StreamFormat::Fast,
            },
            strict_observed: args.strict_observed,
            threads: global.jobs.map(usize::from),
        };
        let (style, mut bad_rows) = (output.error_style(), String::new());
        let n_read = Arc::new(AtomicU64::new(0));
        for input in std::mem::take(&mut self.inputs) {
            let reader = Counted { inner: input.reader, n_read: Arc::clone(&n_read) };
            let mut reader: Box<dyn Read + Send> = match &self.session {
                Some(session) => Box::new(SessionLines::open(reader, session.clone())?),
                None => Box::new(reader),
            };
            let before = total.counters.requests();
            let progress = &self.progress;
            let summary = self.engine.decide_stream(&mut *reader, join, &options, &mut |at| {
                let requests = usize::try_from(before + at.requests).unwrap_or(usize::MAX);
                progress.set(n_read.load(Ordering::Relaxed), &count(requests, "request"));
                !interrupt::is_interrupted()
            })?;
            total.add(summary);
            let path = input.path.as_deref();
            bad_rows.push_str(&join.bad_rows.report(&input.name, path, &self.engine, style));
            if let Some(broken) = &total.broken {
                output.error(format_args!("`{}`: {broken}", input.name));
                break;
            }
            total.interrupted |= interrupt::is_interrupted();
            if total.interrupted {
                break;
            }
        }
        self.progress.finish();
        if !output.is_quiet() && args.expect != Some(Expected::Error) {
            let n_hidden = join.bad_rows.n_hidden(total.counters.error);
            output.say(&bad_rows);
            if n_hidden > 0 {
                let rows = counted(n_hidden, "more request is", "more requests are");
                output.note(format_args!("{rows} malformed; each answer says why"));
            }
        }
        if total.interrupted {
            total.counters.count_note(INTERRUPTED, 1);
        }
        let mut closing = Vec::new();
        total.counters.write(&mut closing);
        join.finish(&closing)?;
        Ok(total)
    }

    /// What a person wants to know at the end (F-84: on standard error).
    fn summary(&self, total: &Total, output: &Output) -> String {
        let style = output.error_style();
        let counters = &total.counters;
        let n_requests = counters.requests();
        let seconds = self.progress.elapsed().as_secs_f64();
        let mut text = String::new();
        if total.interrupted {
            let _ = writeln!(text, "{}", style.warning("interrupted"));
        }
        let whole = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rate for people, which is neither negative nor beyond 2^53"
        )]
        let rate = (n_requests as f64 / seconds.max(1e-9)) as usize;
        let _ = writeln!(
            text,
            "{} in {seconds:.2} s ({} a second)",
            style.bold(count(whole(n_requests), "request")),
            grouped(rate)
        );
        let mut rows: Vec<[String; 3]> = total
            .by_layer
            .iter()
            .map(|(decision, layer, n)| {
                [decision.to_string(), layer.to_string(), grouped(whole(*n))]
            })
            .collect();
        if counters.error > 0 {
            rows.push(["error".into(), String::new(), grouped(whole(counters.error))]);
        }
        text.push_str(&columns(&rows, 2));
        if counters.agree + counters.disagree + counters.unknown > 0 {
            let _ = writeln!(
                text,
                "  of what was observed: {} agree, {} disagree, {} unknown",
                grouped(whole(counters.agree)),
                grouped(whole(counters.disagree)),
                grouped(whole(counters.unknown))
            );
        }
        let undeclared = (total.assumed_owners > 0).then_some(UNDECLARED);
        for assumed in self.assumptions.iter().map(String::as_str).chain(undeclared) {
            let _ = writeln!(text, "{} {assumed}", style.note("assumed:"));
        }
        for (note, n) in &counters.notes {
            if output.is_verbose() {
                let _ = writeln!(text, "  note {note}: {}", grouped(whole(*n)));
            }
        }
        text
    }
}

impl Input {
    fn open(found: &Found) -> Result<Self> {
        let name = found.name();
        let reader: Box<dyn Read + Send> = if found.path == Path::new(STDIO) {
            Box::new(InterruptibleStdin::start())
        } else {
            files::open(&found.path)?
        };
        Ok(Self { name, path: file_to_reread(&found.path), reader })
    }
}

/// The path of a plain file: a pipe can be read once.
fn file_to_reread(path: &Path) -> Option<PathBuf> {
    path.is_file().then(|| path.to_path_buf())
}

fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// The bytes of all inputs, when each is a file.
fn sizes(found: &[Found]) -> Option<u64> {
    let sizes = found.iter().map(|found| {
        let metadata = File::open(&found.path).ok()?.metadata().ok()?;
        metadata.is_file().then_some(metadata.len())
    });
    sizes.sum()
}

impl Total {
    fn add(&mut self, summary: StreamSummary) {
        self.counters.add(&summary.counters);
        for (decision, layer, n) in summary.by_layer {
            match self.by_layer.iter_mut().find(|(d, l, _)| (*d, *l) == (decision, layer)) {
                Some((_, _, known)) => *known += n,
                None => self.by_layer.push((decision, layer, n)),
            }
        }
        self.by_layer.sort_by_key(|(decision, layer, _)| (*decision, *layer));
        self.assumed_owners += summary.assumed_owners;
        self.interrupted |= summary.interrupted;
        self.broken = summary.broken.map(String::from);
    }
}

/// The exit status (F-82, F-83).
fn status(total: &Total, args: &BatchArgs) -> Status {
    if total.interrupted || total.broken.is_some() {
        return Status::NoAnswer;
    }
    let counters = &total.counters;
    let decisions = [
        (Some(Decision::Allowed), counters.allowed),
        (Some(Decision::ExplicitDeny), counters.explicit_deny),
        (Some(Decision::ImplicitDeny), counters.implicit_deny),
        (Some(Decision::Indeterminate), counters.indeterminate),
        (None, counters.error),
    ];
    let occurred = decisions.iter().filter(|(_, n)| *n > 0);
    occurred.map(|(decision, _)| status_of(*decision, args)).fold(Status::Yes, Status::and)
}

fn status_of(decision: Option<Decision>, args: &BatchArgs) -> Status {
    if args.expect.is_some_and(|expected: Expected| expected.is_met_by(decision)) {
        return Status::Yes;
    }
    match decision {
        None if args.allow_errors => Status::Yes,
        None => Status::NoAnswer,
        Some(_) if args.expect.is_none() => Status::Yes,
        Some(Decision::Indeterminate) => Status::Depends,
        Some(_) => Status::No,
    }
}
