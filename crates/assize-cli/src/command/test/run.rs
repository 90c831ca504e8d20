//! Running the tests of a scenario.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use assize::Engine;
use assize_catalog::Catalog;
use assize_formats::{Cell, DocumentCase, Mismatch, Place, Provenance, Scenario, TestCase};
use assize_model::{EffectiveDecision, EngineOptions, ReasonCode, RequestError};
use assize_policy::load;
use assize_store::{Diagnostic, DiagnosticCode, DiagnosticLevel, StoreSnapshot};

use super::coverage::Coverage;
use crate::args::{Global, TestArgs};
use crate::render::decision::decisive_statements;
use crate::world::{Reader, apply_flags};

/// Runs scenarios as the command line asks for.
pub(super) struct Runner<'a> {
    reader: Reader,
    args: &'a TestArgs,
    global: &'a Global,
}

/// A scenario that was run.
#[derive(Debug)]
pub(super) struct FileRun {
    pub(super) file: String,
    pub(super) name: Option<Box<str>>,
    /// What importers left out of the world: an answer without it is none.
    pub(super) errors: Vec<Diagnostic>,
    /// Policies of the world that deny everything, when no test expects that.
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) tests: Vec<TestRun>,
    /// Whether some test is marked `only`.
    pub(super) has_only: bool,
    pub(super) coverage: Option<Coverage>,
    pub(super) provenance: Provenance,
}

/// A test, or a case about a document, that was run.
#[derive(Debug)]
pub(super) struct TestRun {
    pub(super) name: Box<str>,
    pub(super) place: Place,
    pub(super) cells: Vec<CellRun>,
}

/// One request of a test.
#[derive(Debug)]
pub(super) struct CellRun {
    /// What tells it from the other requests of its test.
    pub(super) coordinates: Vec<String>,
    pub(super) outcome: Outcome,
}

/// What came of a request of a test.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is as expected.
    Passed,
    /// It is not, in these points; what was found, in a line.
    Failed(Vec<Mismatch>, String),
    /// It is not, and is known not to be.
    Pending(Box<str>),
    /// It is known not to be, and is all the same.
    PendingPasses(Box<str>),
    /// It was left out.
    Skipped(Box<str>),
    /// The engine refuses its options.
    CannotRun(String),
}

impl Outcome {
    /// Whether it fails the run (F-46).
    pub(super) fn fails(&self, is_ci: bool) -> bool {
        match self {
            Self::Passed | Self::Skipped(_) => false,
            Self::Pending(_) => is_ci,
            Self::Failed(..) | Self::PendingPasses(_) | Self::CannotRun(_) => true,
        }
    }
}

impl FileRun {
    pub(super) fn cells(&self) -> impl Iterator<Item = &CellRun> {
        self.tests.iter().flat_map(|test| &test.cells)
    }
}

impl TestRun {
    /// The full name of one of its requests.
    pub(super) fn name_of(&self, cell: &CellRun) -> String {
        if cell.coordinates.is_empty() {
            self.name.to_string()
        } else {
            format!("{} [{}]", self.name, cell.coordinates.join(", "))
        }
    }
}

/// Whether a diagnostic tells why tests find reason `invalid_policy` (E-112).
fn is_poison(found: &Diagnostic) -> bool {
    matches!(found.code, DiagnosticCode::InvalidPolicy | DiagnosticCode::UnresolvedPolicy)
}

impl<'a> Runner<'a> {
    pub(super) fn new(args: &'a TestArgs, global: &'a Global) -> Result<Self> {
        Ok(Self { reader: Reader::new()?, args, global })
    }

    /// Runs one scenario on its own snapshot (F-40).
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(super) fn file(&self, file: &Path, root: &Path) -> Result<FileRun> {
        let scenario = self.reader.scenario(file, root)?;
        let mut engines = Engines::new(&scenario.snapshot);
        let mut options = scenario.options.clone();
        apply_flags(&mut options, self.global)?;
        let provenance = engines.get(&options)?.provenance();
        let has_only = scenario.tests.iter().any(|test| test.only);
        let mut coverage = self.args.coverage.then(Coverage::default);
        let mut tests = Vec::new();
        for test in scenario.tests.iter().filter(|test| test.only || !has_only) {
            if self.is_wanted(test) {
                tests.push(self.test(test, &mut engines, coverage.as_mut())?);
            }
        }
        if !has_only {
            let documents = scenario.documents.iter();
            let wanted = documents.filter(|case| matches(self.args, &case.name, &case.rules, &[]));
            tests.extend(wanted.map(|case| document(case, self.reader.catalog())));
        }
        if let Some(coverage) = &mut coverage {
            coverage.add_statements(&engines.get(&options)?);
        }
        let expects_poison = scenario
            .tests
            .iter()
            .flat_map(|test| &test.cells)
            .any(|cell| cell.expect.reason == Some(ReasonCode::InvalidPolicy));
        let Scenario { file, name, diagnostics, .. } = scenario;
        let is_error = |found: &Diagnostic| found.level == DiagnosticLevel::Error;
        let (errors, mut warnings): (_, Vec<_>) = diagnostics.into_iter().partition(is_error);
        warnings.retain(|found| !expects_poison && is_poison(found));
        Ok(FileRun {
            file: file.to_string(),
            name,
            errors,
            warnings,
            tests,
            has_only,
            coverage,
            provenance,
        })
    }

    fn is_wanted(&self, test: &TestCase) -> bool {
        matches(self.args, &test.name, &test.rules, &test.tags)
    }

    fn test(
        &self,
        test: &TestCase,
        engines: &mut Engines<'_>,
        mut coverage: Option<&mut Coverage>,
    ) -> Result<TestRun> {
        let mut options = test.options.clone();
        apply_flags(&mut options, self.global)?;
        let engine = engines.get(&options);
        let mut cells = Vec::new();
        for cell in &test.cells {
            let outcome = match (&test.skip, &engine) {
                (Some(reason), _) => Outcome::Skipped(reason.clone()),
                (None, Err(error)) => Outcome::CannotRun(error.to_string()),
                (None, Ok(engine)) => {
                    let answer = answer(engine, cell);
                    if let (Some(coverage), Ok(found)) = (coverage.as_deref_mut(), &answer) {
                        coverage.reach(found);
                    }
                    let mismatches = cell.expect.check(answer.as_ref());
                    outcome(mismatches, test.pending.as_deref(), || summary(&answer))
                }
            };
            let coordinates = cell.coordinates.iter().map(str::to_owned).collect();
            cells.push(CellRun { coordinates, outcome });
        }
        Ok(TestRun { name: test.name.clone(), place: test.place.clone(), cells })
    }
}

/// Whether the filter, if there is one, has a test: by a part of its name, a rule or a tag.
fn matches(args: &TestArgs, name: &str, rules: &[Box<str>], tags: &[Box<str>]) -> bool {
    let Some(filter) = &args.filter else { return true };
    let lower = filter.to_ascii_lowercase();
    name.to_ascii_lowercase().contains(&lower)
        || rules.iter().chain(tags).any(|word| word.eq_ignore_ascii_case(filter))
}

fn answer(engine: &Engine, cell: &Cell) -> Result<EffectiveDecision, RequestError> {
    engine.explain(&cell.record()?.request)
}

fn outcome(
    mismatches: Vec<Mismatch>,
    pending: Option<&str>,
    summary: impl Fn() -> String,
) -> Outcome {
    match (mismatches.is_empty(), pending) {
        (true, None) => Outcome::Passed,
        (true, Some(reason)) => Outcome::PendingPasses(reason.into()),
        (false, None) => Outcome::Failed(mismatches, summary()),
        (false, Some(reason)) => Outcome::Pending(reason.into()),
    }
}

/// What was found, in a line.
fn summary(answer: &Result<EffectiveDecision, RequestError>) -> String {
    match answer {
        Err(error) => format!("error {}: {error}", error.kind().as_str()),
        Ok(found) => {
            let decisive = &found.decisive;
            let mut text =
                format!("{}, layer {}, reason {}", found.decision, decisive.layer, decisive.reason);
            if let Some(first) = decisive_statements(found).first() {
                let _ = write!(text, ", {}", first.policy);
                if let Some(index) = first.statement {
                    let _ = write!(text, "#{index}");
                }
            }
            if !found.missing_context_keys.is_empty() {
                let _ = write!(text, ", missing {}", found.missing_context_keys.join(", "));
            }
            text
        }
    }
}

/// A case about loading a document (F-46a).
fn document(case: &DocumentCase, catalog: &Catalog) -> TestRun {
    let options = case.load_options().with_rcp_services(catalog.rcp_services());
    let loaded = load(&case.document.text, &options);
    let loads = loaded.policy.is_some();
    let mismatches = case.check(loads, &loaded.findings);
    let outcome = outcome(mismatches, case.pending.as_deref(), || {
        let codes: Vec<&str> =
            loaded.findings.iter().map(|finding| finding.code.as_str()).collect();
        format!("{}, findings {}", if loads { "loads" } else { "does not load" }, codes.join(", "))
    });
    TestRun {
        name: case.name.clone(),
        place: case.place.clone(),
        cells: vec![CellRun { coordinates: Vec::new(), outcome }],
    }
}

/// The engines of a snapshot, one for each set of options.
struct Engines<'s> {
    snapshot: &'s StoreSnapshot,
    engines: Vec<(EngineOptions, Engine)>,
}

impl<'s> Engines<'s> {
    fn new(snapshot: &'s StoreSnapshot) -> Self {
        Self { snapshot, engines: Vec::new() }
    }

    fn get(&mut self, options: &EngineOptions) -> Result<Engine, assize::Error> {
        if let Some((_, engine)) = self.engines.iter().find(|(known, _)| known == options) {
            return Ok(engine.clone());
        }
        let engine = Engine::new(self.snapshot.clone(), options.clone())?;
        self.engines.push((options.clone(), engine.clone()));
        Ok(engine)
    }
}
