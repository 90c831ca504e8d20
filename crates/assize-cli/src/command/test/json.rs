//! Test results as one JSON document.

use anyhow::Result;
use assize_formats::{Mismatch, Provenance};
use serde::Serialize;

use super::Broken;
use super::human::Tally;
use super::run::{CellRun, FileRun, Outcome, TestRun};

#[derive(Serialize)]
struct Report<'r> {
    files: Vec<File<'r>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault<'r>>,
    summary: Summary,
}

#[derive(Serialize)]
struct File<'r> {
    #[serde(rename = "file")]
    path: &'r str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'r str>,
    provenance: Origin<'r>,
    tests: Vec<Test<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<CoverageReport<'r>>,
}

/// A file that could not be run, or not as a whole.
#[derive(Serialize)]
struct Fault<'r> {
    file: &'r str,
    message: &'r str,
}

#[derive(Serialize)]
struct Origin<'r> {
    assize: u32,
    engine: &'r str,
    catalog: &'r str,
    snapshot: &'r str,
}

#[derive(Serialize)]
struct Test<'r> {
    name: &'r str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cell: Vec<&'r str>,
    line: u32,
    column: u32,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mismatches: Vec<Point<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<&'r str>,
}

#[derive(Serialize)]
struct Point<'r> {
    field: &'r str,
    expected: &'r str,
    found: &'r str,
}

#[derive(Serialize)]
struct CoverageReport<'r> {
    statements: usize,
    matched: usize,
    missed: Vec<Missed<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Missed<'r> {
    policy_id: &'r str,
    statement: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'r str>,
    source: &'r str,
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct Summary {
    files: usize,
    passed: usize,
    failed: usize,
    pending: usize,
    skipped: usize,
}

pub(super) fn report(runs: &[FileRun], broken: &[Broken]) -> Result<String> {
    let Tally { passed, failed, pending, skipped } = Tally::of(runs);
    let report = Report {
        files: runs.iter().map(file).collect(),
        errors: broken.iter().map(|Broken { file, message }| Fault { file, message }).collect(),
        summary: Summary { files: runs.len(), passed, failed, pending, skipped },
    };
    let mut text = serde_json::to_string_pretty(&report)?;
    text.push('\n');
    Ok(text)
}

fn file(run: &FileRun) -> File<'_> {
    let Provenance { engine, catalog, snapshot, .. } = &run.provenance;
    let tests = run.tests.iter().flat_map(|test| test.cells.iter().map(move |cell| (test, cell)));
    File {
        path: &run.file,
        name: run.name.as_deref(),
        provenance: Origin { assize: assize_formats::FORMAT_VERSION, engine, catalog, snapshot },
        tests: tests.map(|(test, cell)| one(test, cell)).collect(),
        coverage: run.coverage.as_ref().map(|coverage| {
            let missed: Vec<Missed<'_>> = coverage
                .missed()
                .map(|covered| Missed {
                    policy_id: &covered.policy,
                    statement: covered.statement,
                    sid: covered.sid.as_deref(),
                    source: &covered.file,
                    line: covered.line,
                    column: covered.column,
                })
                .collect();
            let statements = coverage.statements().len();
            CoverageReport { statements, matched: statements - missed.len(), missed }
        }),
    }
}

fn one<'r>(test: &'r TestRun, cell: &'r CellRun) -> Test<'r> {
    let (outcome, reason, mismatches, found): (_, _, &[Mismatch], _) = match &cell.outcome {
        Outcome::Passed => ("passed", None, &[], None),
        Outcome::Failed(mismatches, found) => ("failed", None, mismatches, Some(found.as_str())),
        Outcome::Pending(reason) => ("pending", Some(&**reason), &[], None),
        Outcome::PendingPasses(reason) => ("pending_passes", Some(&**reason), &[], None),
        Outcome::Skipped(reason) => ("skipped", Some(&**reason), &[], None),
        Outcome::CannotRun(error) => ("error", Some(error.as_str()), &[], None),
    };
    let point = |mismatch: &'r Mismatch| Point {
        field: &mismatch.field,
        expected: &mismatch.expected,
        found: &mismatch.found,
    };
    Test {
        name: &test.name,
        cell: cell.coordinates.iter().map(String::as_str).collect(),
        line: test.place.line,
        column: test.place.column,
        outcome,
        reason,
        mismatches: mismatches.iter().map(point).collect(),
        found,
    }
}
