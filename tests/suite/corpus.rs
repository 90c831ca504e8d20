//! Every case of the corpus through every layer.

use assize::formats::Scenario;
use assize_model::{EngineOptions, Request};
use assize_policy::{Style, load, parse, print};
use assize_tests::answer::{Answer, Oracle, engine};
use assize_tests::corpus::corpus;

/// Calls `check` for every request of the corpus, with where it stands.
fn each_cell(
    scenario: &Scenario,
    mut check: impl FnMut(&str, &EngineOptions, &assize::formats::Cell),
) {
    for test in &scenario.tests {
        for cell in &test.cells {
            let at: Vec<&str> = cell.coordinates.iter().collect();
            let place = format!("{} `{}` [{}]", scenario.file, test.name, at.join(", "));
            check(&place, &test.options, cell);
        }
    }
}

fn assert_none(failures: &[String], n_cases: usize) {
    assert!(failures.is_empty(), "{} of {n_cases}:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn reference_decides_the_corpus() {
    let (mut failures, mut n_cases) = (Vec::new(), 0);
    for scenario in corpus() {
        each_cell(&scenario, |place, options, cell| {
            n_cases += 1;
            let oracle = Oracle::new(&scenario.snapshot, options);
            let found = cell.record().and_then(|record| oracle.evaluate(&record.request));
            let mismatches = cell.expect.check(found.as_ref());
            failures.extend(mismatches.iter().map(|mismatch| format!("{place}: {mismatch}")));
        });
    }
    assert_none(&failures, n_cases);
}
