//! `assize replay`: what did they do, and what would this change break? (C-4)

mod change;
mod checkpoint;
mod csv;
mod human;
mod usage;

use std::io::{self, Read, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, bail};
use assize::BundledPolicies;
use assize_catalog::ApiMap;
use assize_formats::{DifferenceEffect, count};
use assize_model::{ContextMode, EngineOptions, UnknownResourceAccount};
use assize_replay::{Filter, LogSource, Replay, ReplayOptions, Report};
use assize_store::StoreSnapshot;

use crate::args::{Global, ReplayArgs, ReplayFormat};
use crate::files::{self, Counted, Found, STDIO};
use crate::interrupt::{self, InterruptibleStdin};
use crate::output::Output;
use crate::output::file::Sink;
use crate::render::BadInput;
use crate::render::progress::{Progress, Unit};
use crate::status::Status;
use crate::world::{self, Located, Reader};

use self::checkpoint::Keeper;

/// The files of a directory that are taken for logs by their names.
const EXTENSIONS: [&str; 12] = [
    ".json",
    ".json.gz",
    ".json.zst",
    ".ndjson",
    ".ndjson.gz",
    ".ndjson.zst",
    ".jsonl",
    ".jsonl.gz",
    ".jsonl.zst",
    ".csv",
    ".csv.gz",
    ".csv.zst",
];

pub(super) fn run(args: &ReplayArgs, global: &Global, output: &Output) -> Result<Status> {
    interrupt::end_gracefully();
    if args.logs.iter().filter(|path| path.as_path() == Path::new(STDIO)).count() > 1 {
        bail!("standard input is named twice");
    }
    std::thread::spawn(read_bundled);
    let mut found = files::walk(&args.logs, &files::EVERY_FILE)?;
    keep_logs(&mut found, output);
    if found.is_empty() {
        bail!("there are no logs under the given paths");
    }
    // CloudTrail puts the time in the name of a file. In that order, calls that make sessions
    // come before those of the sessions, whatever the region.
    found.sort_by_cached_key(|found| delivery_time(&found.name()));
    if args.format == ReplayFormat::Csv && args.used && !args.changes.is_empty() {
        bail!("a CSV file holds one table: ask for `--used` or for `--change`");
    }
    let (replay, world) = prepare(args, global, output)?;
    let sink = Sink::open(args.output.as_deref())?;
    let mut keeper = match &args.checkpoint {
        Some(path) => Some(Keeper::open(path, &found)?),
        None => None,
    };
    let report = replayed(replay, found, keeper.as_mut(), output)?;
    write(args, &report, sink, output)?;
    for problem in &report.problems {
        let (file, offset, message) = (&problem.file, problem.offset, &problem.message);
        output.error(format_args!("`{file}`, byte {offset}: {message}"));
    }
    if report.more_problems > 0 {
        let more = count(whole(report.more_problems), "more part");
        output.error(format_args!("{more} of the logs cannot be read"));
    }
    for warning in &report.warnings {
        output.warn(warning);
    }
    if !output.is_quiet() && args.format != ReplayFormat::Human {
        output.say(&human::totals(&report, output.error_style()));
    }
    if let Some(keeper) = keeper {
        keeper.finish(report.is_interrupted, output)?;
    }
    let status = world.and(status(&report));
    // The process ends: to free a large report piece by piece would only take time.
    std::mem::forget(report);
    Ok(status)
}

/// Reads data of the binary that are needed later, while the logs are looked for. Each is read once;
/// whoever needs it waits for it, and tells what is wrong with it.
fn read_bundled() {
    let _ = BundledPolicies::new();
    let _ = ApiMap::bundled();
}

/// Takes out what was found in directories and is no log: a file of another name than logs have,
/// which does not begin as a log does either (C-21).
fn keep_logs(found: &mut Vec<Found>, output: &Output) {
    let n_before = found.len();
    found.retain(|found| {
        let is_log = found.is_named
            || files::has_extension(&found.path, &EXTENSIONS)
            || files::open(&found.path)
                .is_ok_and(|input| assize_replay::begins_as_log(input).unwrap_or_default());
        if !is_log && output.is_verbose() {
            output.note(format_args!("`{}` is no log", found.name()));
        }
        is_log
    });
    let n_others = n_before - found.len();
    if n_others > 0 && !output.is_verbose() {
        let others = count(n_others, "file");
        output
            .note(format_args!("{others} passed over that begin as no log does: `-v` names them"));
    }
}

/// Replays the logs, from the checkpoint if there is one.
fn replayed(
    replay: Replay,
    found: Vec<Found>,
    mut keeper: Option<&mut Keeper>,
    output: &Output,
) -> Result<Report> {
    let progress = Progress::new(sizes(&found), Unit::Bytes, output.is_quiet());
    let n_read = Arc::new(AtomicU64::new(0));
    let sources = found.into_iter().map(|found| source(found, &n_read)).collect();
    let before = keeper.as_mut().and_then(|keeper| keeper.before.take());
    let mut watch = |at: assize_replay::Progress<'_>| {
        progress.set(n_read.load(Ordering::Relaxed), &count(whole(at.records), "record"));
        let is_ending = interrupt::is_interrupted();
        keeper.as_mut().is_none_or(|keeper| keeper.keep(at, is_ending)) && !is_ending
    };
    let ended = match &before {
        Some(before) => replay.resume(before, sources, &mut watch),
        None => replay.run(sources, &mut watch),
    };
    progress.finish();
    ended.map_err(|error| match keeper {
        Some(keeper) => keeper.explain(error),
        None => error.into(),
    })
}

/// The replay, and whether the world could be read as a whole.
fn prepare(args: &ReplayArgs, global: &Global, output: &Output) -> Result<(Replay, Status)> {
    let located = Located::find(global)?;
    let reader = Reader::new()?;
    let mut world = Status::Yes;
    let read = match &located.path {
        Some(path) => {
            let assumes = world::assumes_full_access(&located.settings, global)?;
            let read = reader.world(path, assumes)?;
            world = world::summarize(&read, output);
            Some(read)
        }
        None => None,
    };
    // F-50: what a log leaves out is unknown.
    let mut options = EngineOptions {
        context: ContextMode::Partial,
        unknown_resource_account: if args.strict_world {
            UnknownResourceAccount::Deny
        } else {
            UnknownResourceAccount::Principal
        },
        ..EngineOptions::default()
    };
    if let Some(read) = &read {
        read.options.apply(&mut options);
    }
    located.settings.options.apply(&mut options);
    world::apply_flags(&mut options, global)?;
    let changes = args.changes.iter().map(|words| change::read(words, &reader));
    let changes = changes.collect::<Result<Vec<_>>>()?;
    change::warn(&changes, reader.catalog(), output);
    let replay_options = ReplayOptions {
        filter: Filter {
            since: args.since,
            until: args.until,
            accounts: args.accounts.iter().copied().collect(),
            services: args.services.iter().map(|name| Filter::service(name)).collect(),
        },
        strict_world: args.strict_world,
        management_account: args.management_account,
        all: args.all,
        used: args.used,
        resumable: args.checkpoint.is_some(),
    };
    let snapshot = read.map_or_else(StoreSnapshot::empty, |read| read.snapshot);
    let replay = Replay::new(snapshot, changes, options, replay_options);
    let replay = replay.map_err(|error| match error.change() {
        Some(change) => anyhow::Error::from(BadInput::from(vec![change.clone()])),
        None => error.into(),
    })?;
    Ok((replay, world))
}

fn write(args: &ReplayArgs, report: &Report, mut sink: Sink, output: &Output) -> Result<()> {
    match args.format {
        ReplayFormat::Human => {
            let style = match args.output {
                None => output.style(),
                Some(_) => crate::render::style::Style::new(false),
            };
            let text = human::report(report, args, style, output.is_verbose());
            sink.write_all(text.as_bytes())?;
        }
        ReplayFormat::Ndjson => {
            if !report.is_about_use() {
                report.write_stream(&mut sink)?;
            }
            if let Some(usage) = &report.usage {
                usage.write_stream(report, &mut sink)?;
            }
        }
        ReplayFormat::Csv => match &report.usage {
            Some(usage) => usage::csv(usage, &mut sink)?,
            None => csv::write(report, &mut sink)?,
        },
        ReplayFormat::Html => sink.write_all(report.to_html().as_bytes())?,
    }
    if report.is_interrupted {
        if let Some(partial) = sink.abandon() {
            output.note(format_args!("the report so far is in `{}`", partial.display()));
        }
        return Ok(());
    }
    sink.finish()
}

/// The time that CloudTrail delivered a file, `…_20240501T1200Z_…`, before the name itself; files
/// of other names come first.
fn delivery_time(name: &str) -> (String, String) {
    let file = name.rsplit('/').next().unwrap_or(name);
    let time = file.split('_').find(|part| {
        part.len() == "20240501T1200Z".len()
            && part.bytes().enumerate().all(|(at, byte)| match at {
                8 => byte == b'T',
                13 => byte == b'Z',
                _ => byte.is_ascii_digit(),
            })
    });
    // A stable sort keeps the byte order of the others.
    (time.unwrap_or_default().to_owned(), time.map(|_| name.to_owned()).unwrap_or_default())
}

fn source(found: Found, n_read: &Arc<AtomicU64>) -> LogSource {
    let n_read = Arc::clone(n_read);
    let name = found.name();
    let n_bytes = size(&found);
    let open = move || {
        let inner: Box<dyn Read + Send> = if found.path == Path::new(STDIO) {
            Box::new(InterruptibleStdin::start())
        } else {
            files::open(&found.path).map_err(|error| as_io(&error))?
        };
        Ok(Box::new(Counted { inner, n_read }) as Box<dyn Read + Send>)
    };
    LogSource { name, n_bytes, open: Box::new(open) }
}

/// What the system says of a file: the report names the file itself.
fn as_io(error: &anyhow::Error) -> io::Error {
    match error.root_cause().downcast_ref::<io::Error>() {
        Some(cause) => io::Error::new(cause.kind(), cause.to_string()),
        None => io::Error::other(format!("{error:#}")),
    }
}

/// The bytes of all files, when each is one.
fn sizes(found: &[Found]) -> Option<u64> {
    found.iter().map(size).sum()
}

/// The bytes of a file, if it is one.
fn size(found: &Found) -> Option<u64> {
    let metadata = found.path.metadata().ok()?;
    metadata.is_file().then_some(metadata.len())
}

fn whole(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// The exit status (F-82). The use of grants is told, not judged.
fn status(report: &Report) -> Status {
    use DifferenceEffect as E;
    if report.is_interrupted || !report.problems.is_empty() {
        return Status::NoAnswer;
    }
    if report.is_about_use() {
        return Status::Yes;
    }
    let any = |effects: &[E]| effects.iter().any(|effect| report.events_of(*effect) > 0);
    let depends = if report.changes.is_empty() {
        report.totals.indeterminate > 0
    } else {
        any(&[E::MayBeDenied, E::MayDiffer])
    };
    if any(&[E::NewlyDenied, E::Disagrees]) {
        Status::No
    } else if depends {
        Status::Depends
    } else {
        Status::Yes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_cloudtrail_come_in_the_order_of_their_times() {
        let name = |region: &str, time: &str| {
            format!(
                "AWSLogs/1/CloudTrail/{region}/2024/05/01/1_CloudTrail_{region}_{time}_x.json.gz"
            )
        };
        let mut names = [
            name("eu-west-1", "20240501T1205Z"),
            name("us-east-1", "20240501T1200Z"),
            "b.json".to_owned(),
            "a.json".to_owned(),
        ];
        names.sort_by_cached_key(|name| delivery_time(name));
        assert_eq!(names[..2], ["b.json", "a.json"]);
        assert!(names[2].contains("T1200Z") && names[3].contains("T1205Z"));
    }
}
