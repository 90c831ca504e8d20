//! Every case of the corpus through every layer: policies parse, print and load; the reference,
//! the explanation and the tables decide; one by one and as a batch; with every pass of the
//! compiler and without.

use std::collections::{BTreeMap, BTreeSet};

use assize::formats::{Cell, Scenario};
use assize_model::{
    Decision, EffectiveDecision, EngineOptions, Layer, ReasonCode, Request, RequestError,
};
use assize_policy::{Style, load, parse, print};
use assize_tests::answer::{Answer, Oracle, engine, engine_with};
use assize_tests::corpus::{catalog, corpus};
use assize_tests::differential::reduced_passes;

/// The tests of a scenario that share options: one engine serves them.
struct Group<'s> {
    options: &'s EngineOptions,
    cells: Vec<(String, &'s Cell)>,
}

/// The cells of a scenario by their options.
fn groups(scenario: &Scenario) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for test in &scenario.tests {
        let known = groups.iter().position(|group| *group.options == test.options);
        let at = known.unwrap_or_else(|| {
            groups.push(Group { options: &test.options, cells: Vec::new() });
            groups.len() - 1
        });
        let group = &mut groups[at];
        for cell in &test.cells {
            let at: Vec<&str> = cell.coordinates.iter().collect();
            let place = format!("{} `{}` [{}]", scenario.file, test.name, at.join(", "));
            group.cells.push((place, cell));
        }
    }
    groups
}

/// How much of a failure is shown.
const MAX_FAILURE_CHARS: usize = 2_000;

/// What went wrong in how many cases.
#[derive(Default)]
struct Report {
    n_cases: usize,
    failures: Vec<String>,
}

impl Report {
    fn fail(&mut self, place: &str, what: impl std::fmt::Display) {
        let what = what.to_string();
        let end = what.char_indices().nth(MAX_FAILURE_CHARS).map_or(what.len(), |(at, _)| at);
        self.failures.push(format!("{place}: {}", &what[..end]));
    }

    fn assert_none(self) {
        let Self { n_cases, failures } = self;
        assert!(n_cases > 0, "nothing was checked");
        assert!(
            failures.is_empty(),
            "{} in {n_cases} cases:\n{}",
            failures.len(),
            failures.join("\n")
        );
    }
}

/// Checks an answer in full against what the corpus expects.
fn check(
    report: &mut Report,
    place: &str,
    cell: &Cell,
    found: &Result<EffectiveDecision, RequestError>,
) {
    report.n_cases += 1;
    for mismatch in cell.expect.check(found.as_ref()) {
        report.fail(place, mismatch);
    }
}

#[test]
fn reference_decides_the_corpus() {
    let mut report = Report::default();
    for scenario in corpus() {
        for group in groups(&scenario) {
            let oracle = Oracle::new(&scenario.snapshot, group.options);
            for (place, cell) in &group.cells {
                let found = cell.record().and_then(|record| oracle.evaluate(&record.request));
                check(&mut report, place, cell, &found);
            }
        }
    }
    report.assert_none();
}

#[test]
fn explanations_decide_the_corpus() {
    let mut report = Report::default();
    for scenario in corpus() {
        for group in groups(&scenario) {
            let engine = engine(&scenario.snapshot, group.options);
            for (place, cell) in &group.cells {
                let found = cell.record().and_then(|record| engine.explain(&record.request));
                check(&mut report, place, cell, &found);
            }
        }
    }
    report.assert_none();
}

/// How often a request is asked at once: so many rows are worth what the tables find out once for
/// all rows of a principal, a resource or a value.
const MANY: usize = 8;

/// The tables answer as the reference does: decision, check, layer, reason, whose policies allow
/// and the first statement; alone, again with a warm decider, many times at once, when it was kept
/// what the tables say, and in one batch.
#[test]
fn oracle_and_tables_agree() {
    let mut report = Report::default();
    for scenario in corpus() {
        for group in groups(&scenario) {
            let oracle = Oracle::new(&scenario.snapshot, group.options);
            let engine = engine(&scenario.snapshot, group.options);
            let mut decider = engine.decider();
            let (mut requests, mut expected) = (Vec::new(), Vec::new());
            for (place, cell) in &group.cells {
                // A request that cannot be read has no answer beyond that.
                let Ok(record) = cell.record() else { continue };
                let answer = Answer::of_decision(&oracle.evaluate(&record.request));
                let alone = Answer::of_outcome(&engine.decide(&record.request));
                let warm = Answer::of_outcome(&decider.decide(&record.request));
                compare(&mut report, place, &answer, &alone, "alone");
                compare(&mut report, place, &answer, &warm, "warm");
                let many = vec![record.request.clone(); MANY];
                for found in (0..2).flat_map(|_| decider.decide_all(&many)) {
                    compare(&mut report, place, &answer, &Answer::of_outcome(&found), "many");
                }
                requests.push(record.request);
                expected.push((place, answer));
            }
            let batch = engine.decide_batch(&requests);
            for ((place, answer), found) in expected.iter().zip(&batch) {
                compare(&mut report, place, answer, &Answer::of_outcome(found), "batch");
            }
        }
    }
    report.assert_none();
}

fn compare(report: &mut Report, place: &str, expected: &Answer, found: &Answer, how: &str) {
    report.n_cases += 1;
    if expected != found {
        report.fail(place, format!("{how}: {found:?}, the reference says {expected:?}"));
    }
}

/// The explanation says what the reference says, of every check, layer and statement.
/// E-100: everything that there is to say.
#[test]
fn explanations_are_those_of_the_reference() {
    let mut report = Report::default();
    for scenario in corpus() {
        for group in groups(&scenario) {
            let oracle = Oracle::new(&scenario.snapshot, group.options);
            let engine = engine(&scenario.snapshot, group.options);
            for (place, cell) in &group.cells {
                let Ok(record) = cell.record() else { continue };
                report.n_cases += 1;
                let expected = oracle.evaluate(&record.request).map(plain);
                let found = engine.explain(&record.request).map(plain);
                match (expected, found) {
                    (Ok(expected), Ok(found)) => {
                        for difference in differences(&expected, &found) {
                            report.fail(place, difference);
                        }
                    }
                    (expected, found) => {
                        let (expected, found) = (expected.is_ok(), found.is_ok());
                        if expected != found {
                            report.fail(place, "one of them gives an error");
                        }
                    }
                }
            }
        }
    }
    report.assert_none();
}

/// A decision without what only one side knows: where statements stand in their files.
fn plain(mut decision: EffectiveDecision) -> EffectiveDecision {
    let strip = |statements: &mut Vec<assize_model::StatementRef>| {
        for statement in statements {
            (statement.source, statement.span) = (None, None);
        }
    };
    strip(&mut decision.decisive.statements);
    for check in &mut decision.checks {
        strip(&mut check.statements);
        for layer in &mut check.layers {
            strip(&mut layer.allows);
            strip(&mut layer.denies);
        }
    }
    decision
}

/// The fields in which two decisions differ.
fn differences(expected: &EffectiveDecision, found: &EffectiveDecision) -> Vec<String> {
    let mut differences = Vec::new();
    let mut field = |name: &str, expected: String, found: String| {
        if expected != found {
            differences.push(format!("{name}: {found}, the reference says {expected}"));
        }
    };
    macro_rules! fields {
        ($at:expr, $a:expr, $b:expr, $($name:ident),+) => {
            $(field(
                &format!("{}{}", $at, stringify!($name)),
                format!("{:?}", $a.$name),
                format!("{:?}", $b.$name),
            );)+
        };
    }
    fields!("", expected, found, decision, decisive, missing_context_keys, assumptions, notes);
    fields!("", expected, found, message, bounds, depends_on);
    field("checks", expected.checks.len().to_string(), found.checks.len().to_string());
    for (at, (a, b)) in expected.checks.iter().zip(&found.checks).enumerate() {
        let at = format!("checks[{at}].");
        fields!(at, a, b, action, resource, principal_account, resource_account, cross_account);
        fields!(at, a, b, gated, decision, layer, reason, allowed_by, statements, grant);
        fields!(at, a, b, would_allow, missing_context_keys, context, bounds, depends_on);
        field(&format!("{at}layers"), a.layers.len().to_string(), b.layers.len().to_string());
        for (a, b) in a.layers.iter().zip(&b.layers) {
            let at = format!("{at}{}.", a.layer);
            fields!(at, a, b, layer, verdict, allows, denies, nodes, bypassed);
        }
    }
    differences
}

/// E-110, E-111: the tables are an optimization, whichever of its passes runs.
#[test]
fn every_pass_keeps_every_answer() {
    let mut report = Report::default();
    for scenario in corpus() {
        for group in groups(&scenario) {
            let records: Vec<_> = group
                .cells
                .iter()
                .filter_map(|(place, cell)| Some((place, cell.record().ok()?)))
                .collect();
            let requests: Vec<Request<'_>> =
                records.iter().map(|(_, record)| record.request.clone()).collect();
            let expected = engine(&scenario.snapshot, group.options).decide_batch(&requests);
            for (name, passes) in reduced_passes() {
                let engine = engine_with(&scenario.snapshot, group.options, &passes);
                let found = engine.decide_batch(&requests);
                for (((place, _), expected), found) in records.iter().zip(&expected).zip(&found) {
                    let (expected, found) =
                        (Answer::of_outcome(expected), Answer::of_outcome(found));
                    report.n_cases += 1;
                    if expected != found {
                        report.fail(place, format!("{name}: {found:?}, all passes: {expected:?}"));
                    }
                }
            }
        }
    }
    report.assert_none();
}

/// Loading gives what the document cases say (F-46a).
#[test]
fn documents_load_as_the_corpus_says() {
    let mut report = Report::default();
    for scenario in corpus() {
        for case in &scenario.documents {
            report.n_cases += 1;
            let options = case.load_options().with_rcp_services(catalog().rcp_services());
            let loaded = load(&case.document.text, &options);
            let place = format!("{} `{}`", scenario.file, case.name);
            for mismatch in case.check(loaded.policy.is_some(), &loaded.findings) {
                report.fail(&place, mismatch);
            }
        }
    }
    report.assert_none();
}

/// Every policy of the corpus is the same document after printing, in each style.
#[test]
fn printing_keeps_every_document() {
    let mut report = Report::default();
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for scenario in corpus() {
        for (_, document) in scenario.snapshot.documents() {
            if let Some(text) = &document.text {
                texts.insert(format!("{} {}", scenario.file, document.reference), text.to_string());
            }
        }
        for case in &scenario.documents {
            let place = format!("{} `{}`", scenario.file, case.name);
            texts.insert(place, case.document.text.to_string());
        }
    }
    for (place, text) in &texts {
        report.n_cases += 1;
        if let Err(what) = assize_tests::fuzz::print_keeps(text) {
            report.fail(place, what);
        }
    }
    report.assert_none();
    let document = parse(r#"{"Version": "2012-10-17", "Statement": []}"#).document;
    let printed = document.map(|document| print(&document, Style::Minified));
    assert_eq!(printed.as_deref(), Some(r#"{"Version":"2012-10-17","Statement":[]}"#));
}

/// Names tell cases apart, and every case says which rules it shows and where its expectation
/// comes from.
#[test]
fn every_case_has_rules_and_a_source() {
    let mut report = Report::default();
    for scenario in corpus() {
        let tests = scenario.tests.iter().map(|t| (&t.name, &t.rules, &t.source, &t.pending));
        let documents =
            scenario.documents.iter().map(|d| (&d.name, &d.rules, &d.source, &d.pending));
        let mut names = BTreeSet::new();
        for (name, rules, source, pending) in tests.chain(documents) {
            report.n_cases += 1;
            let place = format!("{} `{name}`", scenario.file);
            if !names.insert(name) {
                report.fail(&place, "there are two of this name");
            }
            if rules.is_empty() || rules.iter().any(|rule| !is_rule(rule)) {
                report.fail(&place, "`rules` lists no rule, or something else");
            }
            if source.as_ref().is_none_or(|source| source.trim().is_empty()) {
                report.fail(&place, "`source` is missing");
            }
            if pending.is_some() {
                report.fail(&place, "pending");
            }
        }
    }
    report.assert_none();
}

/// Whether a text is the id of a rule, such as `E-53` or `F-46a`.
fn is_rule(text: &str) -> bool {
    let Some((letter, number)) = text.split_once('-') else { return false };
    let number = number.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    matches!(letter, "L" | "E" | "I" | "A" | "F") && is_number
}

/// The corpus reaches every decision, every layer and nearly every reason.
#[test]
fn corpus_reaches_every_layer_and_reason() {
    let (mut decisions, mut layers, mut reasons) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for scenario in corpus() {
        for group in groups(&scenario) {
            let oracle = Oracle::new(&scenario.snapshot, group.options);
            for (_, cell) in &group.cells {
                let found = cell.record().and_then(|record| oracle.evaluate(&record.request));
                let Ok(found) = found else { continue };
                decisions.insert(found.decision);
                layers.insert(found.decisive.layer);
                reasons.insert(found.decisive.reason);
            }
        }
    }
    let missing_layers: Vec<_> = Layer::ALL.iter().filter(|l| !layers.contains(l)).collect();
    assert!(missing_layers.is_empty(), "no case is decided by {missing_layers:?}");
    assert_eq!(decisions.len(), Decision::ALL.len());
    // That needs change sets.
    let others = [ReasonCode::PrincipalRemoved];
    let missing: Vec<_> =
        ReasonCode::ALL.iter().filter(|r| !reasons.contains(r) && !others.contains(r)).collect();
    assert!(missing.is_empty(), "no case has the reason {missing:?}");
}
