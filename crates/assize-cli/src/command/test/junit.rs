//! Test results as JUnit XML.

use std::fmt::Write as _;

use super::Broken;
use super::human::Tally;
use super::run::{CellRun, FileRun, Outcome, TestRun};

pub(super) fn report(runs: &[FileRun], broken: &[Broken], is_ci: bool) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for run in runs {
        let n_tests = run.cells().count();
        let n_failures = run.cells().filter(|cell| cell.outcome.fails(is_ci)).count();
        let Tally { pending, skipped, .. } = Tally::of([run]);
        let n_skipped = if is_ci { skipped } else { skipped + pending };
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" tests=\"{n_tests}\" failures=\"{n_failures}\" \
             skipped=\"{n_skipped}\">",
            escape(&run.file)
        );
        for test in &run.tests {
            for cell in &test.cells {
                text.push_str(&case(run, test, cell, is_ci));
            }
        }
        text.push_str("  </testsuite>\n");
    }
    for Broken { file, message } in broken {
        let (file, message) = (escape(file), escape(message));
        let _ = write!(
            text,
            "  <testsuite name=\"{file}\" tests=\"1\" failures=\"0\" errors=\"1\">\n    \
             <testcase classname=\"{file}\" name=\"the file\" file=\"{file}\">\n      \
             <error message=\"{message}\"/>\n    </testcase>\n  </testsuite>\n"
        );
    }
    text.push_str("</testsuites>\n");
    text
}

fn case(run: &FileRun, test: &TestRun, cell: &CellRun, is_ci: bool) -> String {
    let (class, name) = (escape(&run.file), escape(&test.name_of(cell)));
    let mut text = format!(
        "    <testcase classname=\"{class}\" name=\"{name}\" file=\"{class}\" line=\"{}\"",
        test.place.line
    );
    let inner = match &cell.outcome {
        Outcome::Passed => None,
        Outcome::Failed(mismatches, found) => {
            let points: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
            Some(failure(&points.join("; "), &format!("found {found}")))
        }
        Outcome::PendingPasses(reason) => {
            Some(failure("passes, but is pending", &format!("pending: {reason}")))
        }
        Outcome::CannotRun(error) => Some(failure(error, "")),
        Outcome::Pending(reason) if is_ci => Some(failure("pending", reason)),
        Outcome::Pending(reason) => Some(skipped(&format!("pending: {reason}"))),
        Outcome::Skipped(reason) => Some(skipped(reason)),
    };
    match inner {
        None => text.push_str("/>\n"),
        Some(inner) => {
            let _ = write!(text, ">\n      {inner}\n    </testcase>\n");
        }
    }
    text
}

fn failure(message: &str, detail: &str) -> String {
    format!("<failure message=\"{}\">{}</failure>", escape(message), escape(detail))
}

fn skipped(message: &str) -> String {
    format!("<skipped message=\"{}\"/>", escape(message))
}

/// A text as XML may hold it; characters that XML has no place for are replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push_str("&#9;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escape("a<b>&\"\n\u{1}"), "a&lt;b&gt;&amp;&quot;&#10;\u{fffd}");
    }
}
