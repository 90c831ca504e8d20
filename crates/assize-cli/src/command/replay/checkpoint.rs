//! `--checkpoint FILE`: a run that was stopped goes on where it was (C-4).

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use assize_replay::Progress;

use crate::files::{Found, STDIO};
use crate::output::Output;
use crate::output::file::write_whole;

/// How long a run goes on at least before its place is kept again.
const INTERVAL: Duration = Duration::from_secs(2);
/// How many times longer it goes on than it took to keep it.
const PATIENCE: u32 = 20;

/// Where a run keeps how far it has come.
pub(super) struct Keeper {
    path: PathBuf,
    /// The checkpoint of the run that goes on.
    pub(super) before: Option<Vec<u8>>,
    next: Instant,
    failure: Option<anyhow::Error>,
}

impl Keeper {
    /// Reads the checkpoint of an earlier run, if there is one.
    pub(super) fn open(path: &Path, logs: &[Found]) -> Result<Self> {
        if logs.iter().any(|log| log.path == Path::new(STDIO)) {
            bail!("standard input cannot be read twice: `--checkpoint` takes files");
        }
        let before = match std::fs::read(path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read `{}`", path.display()));
            }
        };
        Ok(Self { path: path.to_path_buf(), before, next: Instant::now(), failure: None })
    }

    /// Keeps how far the run has come, if it is time, or if it is to end. Says whether it can go
    /// on: not when the file cannot be written.
    pub(super) fn keep(&mut self, at: Progress<'_>, is_ending: bool) -> bool {
        let begun = Instant::now();
        if at.is_at_end() || (begun < self.next && !is_ending) {
            return true;
        }
        let Some(checkpoint) = at.checkpoint() else { return true };
        self.failure = write_whole(&self.path, &checkpoint).err();
        self.next = Instant::now() + INTERVAL.max(begun.elapsed() * PATIENCE);
        self.failure.is_none()
    }

    /// Whether the checkpoint is of a run that cannot go on, with the file's name.
    pub(super) fn explain(&self, error: assize_replay::Error) -> anyhow::Error {
        if error.kind() == assize_replay::ErrorKind::Checkpoint {
            return anyhow::anyhow!(
                "`{}`: {error}; without the file the run begins anew",
                self.path.display()
            );
        }
        error.into()
    }

    /// Ends a run: one that came to its end needs no checkpoint any more.
    pub(super) fn finish(self, is_interrupted: bool, output: &Output) -> Result<()> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if is_interrupted {
            output.note("run it again with the same `--checkpoint` to go on");
            return Ok(());
        }
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove `{}`", self.path.display()))
            }
            _ => Ok(()),
        }
    }
}
