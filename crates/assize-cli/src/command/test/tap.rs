//! Test results in the Test Anything Protocol, version 14.

use std::fmt::Write as _;

use super::Broken;
use super::run::{FileRun, Outcome};

pub(super) fn report(runs: &[FileRun], broken: &[Broken], is_ci: bool) -> String {
    let n_tests: usize = runs.iter().map(|run| run.cells().count()).sum();
    let mut text = format!("TAP version 14\n1..{}\n", n_tests + broken.len());
    let mut number = 0;
    for run in runs {
        for test in &run.tests {
            for cell in &test.cells {
                number += 1;
                let name = escape(&format!("{}: {}", run.file, test.name_of(cell)));
                let word = if cell.outcome.fails(is_ci) { "not ok" } else { "ok" };
                // A pending test is a failure that TAP is told to expect.
                let word = match &cell.outcome {
                    Outcome::Pending(_) => "not ok",
                    _ => word,
                };
                let _ =
                    writeln!(text, "{word} {number} - {name}{}", directive(&cell.outcome, is_ci));
                text.push_str(&diagnostics(&cell.outcome));
            }
        }
    }
    for Broken { file, message } in broken {
        number += 1;
        let (file, message) = (escape(file), quoted(message));
        let _ = write!(text, "not ok {number} - {file}\n  ---\n  message: {message}\n  ...\n");
    }
    text
}

/// A text as JSON has it, which YAML reads alike.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// TAP's word for a test that is expected to fail.
const EXPECTED: &str = concat!("TO", "DO");

fn directive(outcome: &Outcome, is_ci: bool) -> String {
    match outcome {
        Outcome::Skipped(reason) => format!(" # SKIP {}", escape(reason)),
        Outcome::Pending(reason) if !is_ci => format!(" # {EXPECTED} {}", escape(reason)),
        _ => String::new(),
    }
}

/// A YAML block under the line.
fn diagnostics(outcome: &Outcome) -> String {
    let mut text = String::new();
    match outcome {
        Outcome::Failed(mismatches, found) => {
            for mismatch in mismatches {
                let (field, expected) = (quoted(&mismatch.field), quoted(&mismatch.expected));
                let found = quoted(&mismatch.found);
                let _ = writeln!(
                    text,
                    "    - {{field: {field}, expected: {expected}, found: {found}}}"
                );
            }
            let found = quoted(found);
            text = format!("  ---\n  mismatches:\n{text}  found: {found}\n  ...\n");
        }
        Outcome::PendingPasses(reason) => {
            let message = quoted(&format!("passes, but is pending: {reason}"));
            text = format!("  ---\n  message: {message}\n  ...\n");
        }
        Outcome::CannotRun(error) => {
            text = format!("  ---\n  message: {}\n  ...\n", quoted(error));
        }
        _ => {}
    }
    text
}

/// A description: `#` begins a directive, and a line ends a test.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#").replace(['\n', '\r'], " ")
}
