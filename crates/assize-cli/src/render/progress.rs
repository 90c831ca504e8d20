//! Progress bars (C-23): on a terminal only, and only for work longer than a second.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long work goes on before a bar appears.
const DELAY: Duration = Duration::from_secs(1);
/// How often a bar is drawn anew, each second.
const DRAWS_PER_SECOND: u8 = 8;

/// A bar that may never appear.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    begun: Instant,
    is_wanted: bool,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes of files.
    Bytes,
    /// Requests.
    Requests,
    /// Files.
    Files,
}

impl Progress {
    /// Work of a known size, or of an unknown one.
    pub(crate) fn new(total: Option<u64>, unit: Unit, is_quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        bar.set_style(style(total.is_some(), unit));
        let is_wanted = !is_quiet && io::stderr().is_terminal();
        Self { bar, begun: Instant::now(), is_wanted }
    }

    /// How far the work has come.
    pub(crate) fn set(&self, done: u64, message: &str) {
        if !self.is_wanted || self.begun.elapsed() < DELAY {
            return;
        }
        let is_new = self.bar.is_hidden();
        self.bar.set_position(done);
        if !message.is_empty() {
            self.bar.set_message(message.to_owned());
        }
        // It appears with what it says, not empty.
        if is_new {
            self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND));
            self.bar.tick();
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// How long the work took.
    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

fn style(has_total: bool, unit: Unit) -> ProgressStyle {
    let template = match (has_total, unit) {
        (true, Unit::Bytes) => {
            "{wide_bar} {bytes} of {total_bytes} {bytes_per_sec}, {eta} left {msg}"
        }
        (true, Unit::Requests | Unit::Files) => {
            "{wide_bar} {human_pos} of {human_len} {per_sec}, {eta} left {msg}"
        }
        (false, Unit::Bytes) => "{spinner} {bytes} {bytes_per_sec} {msg}",
        (false, Unit::Requests | Unit::Files) => "{spinner} {human_pos} {per_sec} {msg}",
    };
    // The templates are constants; one that is wrong gives the default bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
