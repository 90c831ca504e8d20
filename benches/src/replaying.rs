//! Replaying a synthetic trail from files: how it is run, and the figures beside plain
//! decompression of the same files.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assize_formats::ChangeSet;
use assize_model::{ContextMode, EngineOptions, UnknownResourceAccount};
use assize_replay::{LogSource, Progress, Replay, ReplayOptions, Report};
use assize_store::StoreSnapshot;
use tempfile::TempDir;

use crate::measure::{median, rate, shown_rate, time};
use crate::setup::Result;
use crate::trail::{Trail, TrailShape, Written};

/// The change that is replayed: a service control policy that denies regions.
const CHANGE: &[u8] = include_bytes!("../../examples/policies/deny-regions.json");

/// A trail on disk, for as long as it is needed.
#[derive(Debug)]
pub struct TrailOnDisk {
    folder: TempDir,
    /// What was written.
    pub written: Written,
}

impl TrailOnDisk {
    /// Writes a trail of so many records into a folder of its own.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(n_records: usize) -> Result<Self> {
        Self::of(TrailShape::of(n_records))
    }

    /// Writes a trail of a shape into a folder of its own.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn of(shape: TrailShape) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let written = Trail::new(shape)?.write(folder.path())?;
        Ok(Self { folder, written })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn sources(&self) -> Vec<LogSource> {
        let files = self.written.files.iter().cloned();
        files
            .map(|path| LogSource {
                name: path.display().to_string(),
                n_bytes: None,
                open: Box::new(move || Ok(Box::new(File::open(path)?) as Box<dyn Read + Send>)),
            })
            .collect()
    }

    /// Replays it with one change and without a world, as `assize replay` does.
    ///
    /// # Errors
    /// When it cannot be replayed.
    pub fn replay(&self, n_threads: usize) -> Result<Report> {
        self.replay_watched(n_threads, &mut |_| true)
    }

    /// The same, telling how far it has come.
    ///
    /// # Errors
    /// When it cannot be replayed.
    pub fn replay_watched(
        &self,
        n_threads: usize,
        progress: &mut (dyn FnMut(Progress<'_>) -> bool + Send),
    ) -> Result<Report> {
        let change = ChangeSet::short("scp", "deny-regions.json", CHANGE.to_vec())
            .map_err(|errors| format!("{errors:?}"))?;
        let options = EngineOptions {
            context: ContextMode::Partial,
            unknown_resource_account: UnknownResourceAccount::Principal,
            ..EngineOptions::default()
        };
        let empty = StoreSnapshot::empty();
        let replay = Replay::new(empty, vec![change], options, ReplayOptions::default())?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build()?;
        let report = pool.install(|| replay.run(self.sources(), progress))?;
        let n_read = usize::try_from(report.coverage.total.records)?;
        if n_read != self.written.n_records || !report.problems.is_empty() {
            return Err(format!("{n_read} of {} records were read", self.written.n_records).into());
        }
        Ok(report)
    }

    /// Decompresses the files with two `zcat` at once; gives whether there is such a program.
    fn zcat_twice(&self) -> Result<bool> {
        let files = &self.written.files;
        let (one, other) = files.split_at(files.len() / 2);
        let start = |files: &[PathBuf]| {
            Command::new("zcat").args(files).stdin(Stdio::null()).stdout(Stdio::null()).spawn()
        };
        let Ok(mut first) = start(one) else { return Ok(false) };
        let second = start(other)?.wait()?;
        Ok(first.wait()?.success() && second.success())
    }
}

/// The figures of the record, as Markdown: a trail of so many records, medians of so many runs.
///
/// # Errors
/// When the trail cannot be replayed, or answers differ with the number of threads.
pub fn figures(n_records: usize, n_runs: usize) -> Result<String> {
    let trail = TrailOnDisk::new(n_records)?;
    let stream = |n_threads| -> Result<Vec<u8>> {
        let mut text = Vec::new();
        trail.replay(n_threads)?.write_stream(&mut text)?;
        Ok(text)
    };
    if stream(1)? != stream(2)? {
        return Err("the report differs with the number of threads".into());
    }
    let has_zcat = trail.zcat_twice()?;
    // One of each in turn, so that the machine is the same for all.
    let mut durations = [const { Vec::new() }; 3];
    for _ in 0..n_runs {
        for (n_threads, own) in [1, 2].into_iter().zip(&mut durations) {
            let (duration, report) = time(|| trail.replay(n_threads));
            report?;
            own.push(duration);
        }
        if has_zcat {
            durations[2].push(time(|| trail.zcat_twice()).0);
        }
    }
    let [one, two, zcat] = durations.map(|mut all| rate(n_records, median(&mut all)));
    let Written { files, n_text_bytes, n_bytes, .. } = &trail.written;
    let mut table = format!(
        "Records a second of `assize replay --change scp=deny-regions.json` without a world, from \
         compressed files to the report; medians of {n_runs} runs over {n_records} records in {} \
         files, {n_text_bytes} bytes of text, {n_bytes} on disk. A quarter of the records repeats \
         a call.\n\n",
        files.len()
    );
    table.push_str("| 1 thread | 2 threads | two zcat at once | 2 threads of two zcat |\n");
    table.push_str("|---|---|---|---|\n");
    let (zcat_rate, share) = if has_zcat {
        (shown_rate(zcat), format!("{:.0} %", two / zcat * 100.0))
    } else {
        ("–".to_owned(), "–".to_owned())
    };
    write!(table, "| {} | {} | {zcat_rate} | {share} |", shown_rate(one), shown_rate(two))?;
    Ok(table)
}
