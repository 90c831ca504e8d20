//! Test results for a person.

use std::fmt::Write as _;

use assize_formats::count;

use super::run::{CellRun, FileRun, Outcome, TestRun};
use crate::args::TestArgs;
use crate::output::Output;
use crate::render::style::Style;

/// Most statements without a test that are listed of a file.
const MAX_MISSED: usize = 50;

/// How many requests came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) pending: usize,
    pub(super) skipped: usize,
}

impl Tally {
    /// Counts the requests of some files.
    pub(super) fn of<'r>(runs: impl IntoIterator<Item = &'r FileRun>) -> Self {
        let mut tally = Self::default();
        for cell in runs.into_iter().flat_map(FileRun::cells) {
            match cell.outcome {
                Outcome::Passed => tally.passed += 1,
                Outcome::Pending(_) => tally.pending += 1,
                Outcome::Skipped(_) => tally.skipped += 1,
                Outcome::Failed(..) | Outcome::PendingPasses(_) | Outcome::CannotRun(_) => {
                    tally.failed += 1;
                }
            }
        }
        tally
    }

    fn text(self, style: Style) -> String {
        let mut parts = vec![style.good(format_args!("{} passed", self.passed)).to_string()];
        if self.failed > 0 {
            parts.push(style.bad(format_args!("{} failed", self.failed)).to_string());
        }
        if self.pending > 0 {
            parts.push(style.doubtful(format_args!("{} pending", self.pending)).to_string());
        }
        if self.skipped > 0 {
            parts.push(format!("{} skipped", self.skipped));
        }
        parts.join(", ")
    }
}

pub(super) fn report(runs: &[FileRun], args: &TestArgs, output: &Output) -> String {
    let style = output.style();
    let mut text = String::new();
    if runs.is_empty() {
        // Every file had mistakes, which were reported.
        return text;
    }
    let (with_tests, others): (Vec<&FileRun>, Vec<_>) =
        runs.iter().partition(|run| run.cells().next().is_some());
    for run in with_tests {
        if !output.is_quiet() {
            let name = run.name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
            let tally = Tally::of([run]).text(style);
            let _ = writeln!(text, "{}{name}: {tally}", style.bold(&run.file));
        }
        for test in &run.tests {
            for cell in &test.cells {
                text.push_str(&cell_text(test, cell, args.ci, output));
            }
        }
        if args.ci && run.has_only {
            let failed = style.bad("FAILED");
            let _ = writeln!(text, "  {failed} a test is marked `only`, which --ci does not take");
        } else if run.has_only && !output.is_quiet() {
            let _ = writeln!(text, "  tests that are not marked `only` were left out");
        }
        text.push_str(&coverage(run, style));
    }
    let (n_files, n_others) = (runs.len() - others.len(), others.len());
    let _ = write!(text, "{} in {}", Tally::of(runs).text(style), count(n_files, "file"));
    let others = match n_others {
        0 => String::new(),
        n => format!("; {} without a test to run", count(n, "file")),
    };
    let _ = writeln!(text, "{others}");
    if output.is_verbose() {
        for run in runs {
            let _ = writeln!(text, "{} {}", run.provenance.snapshot, run.file);
        }
    }
    text
}

fn cell_text(test: &TestRun, cell: &CellRun, is_ci: bool, output: &Output) -> String {
    let style = output.style();
    let name = test.name_of(cell);
    let place = format!("{}:{}:{}", test.place.file, test.place.line, test.place.column);
    let failed = style.bad("FAILED");
    let mut text = String::new();
    match &cell.outcome {
        Outcome::Passed => {
            if output.is_verbose() {
                let _ = writeln!(text, "  {} {name}", style.good("passed"));
            }
        }
        Outcome::Failed(mismatches, found) => {
            let _ = writeln!(text, "  {failed} {name}\n    at {place}");
            for mismatch in mismatches {
                let _ = writeln!(text, "    {mismatch}");
            }
            let _ = writeln!(text, "    found {found}");
        }
        Outcome::CannotRun(error) => {
            let _ = writeln!(text, "  {failed} {name}\n    at {place}\n    {error}");
        }
        Outcome::PendingPasses(reason) => {
            let _ = writeln!(
                text,
                "  {failed} {name}\n    at {place}\n    passes, but is pending: {reason}"
            );
        }
        Outcome::Pending(reason) => {
            let word = if is_ci { failed } else { style.doubtful("pending") }.to_string();
            let _ = writeln!(text, "  {word} {name}\n    at {place}\n    pending: {reason}");
        }
        Outcome::Skipped(reason) => {
            if !output.is_quiet() {
                let _ = writeln!(text, "  skipped {name}: {reason}");
            }
        }
    }
    text
}

fn coverage(run: &FileRun, style: Style) -> String {
    let Some(coverage) = &run.coverage else { return String::new() };
    let n_statements = coverage.statements().len();
    let missed: Vec<_> = coverage.missed().collect();
    let mut text = format!(
        "  coverage: {} of {} matched by a test\n",
        n_statements - missed.len(),
        count(n_statements, "statement")
    );
    for covered in missed.iter().take(MAX_MISSED) {
        let sid = covered.sid.as_ref().map_or_else(String::new, |sid| format!(" `{sid}`"));
        let place = format!("({}:{}:{})", covered.file, covered.line, covered.column);
        let _ = writeln!(
            text,
            "    never matched: {} statement {}{sid} {}",
            style.name(&covered.policy),
            covered.statement,
            style.dim(place)
        );
    }
    if missed.len() > MAX_MISSED {
        let _ = writeln!(text, "    and {} more", missed.len() - MAX_MISSED);
    }
    text
}
