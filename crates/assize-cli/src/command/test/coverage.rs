//! Coverage (F-47): which statements of the policies some test matched.

use std::collections::BTreeMap;

use assize::Engine;
use assize_model::{EffectiveDecision, StatementRef};

use crate::render::source::place_in_file;

/// What the ARNs of AWS-managed policies have.
const AWS_MANAGED: &str = ":iam::aws:policy/";

/// A statement: its policy, the file of the policy, and its position.
type Key = (Box<str>, Option<Box<str>>, u32);

/// The statements of a world that stand in files, and whether a test matched them.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    reached: BTreeMap<Key, u64>,
    statements: Vec<Covered>,
}

/// A statement and how often it was matched.
#[derive(Debug)]
pub(super) struct Covered {
    pub(super) policy: Box<str>,
    pub(super) statement: u32,
    pub(super) sid: Option<Box<str>>,
    pub(super) file: Box<str>,
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) n_matches: u64,
}

impl Coverage {
    /// Counts the statements that a decision matched.
    pub(super) fn reach(&mut self, found: &EffectiveDecision) {
        for check in &found.checks {
            for result in &check.layers {
                result.allows.iter().chain(&result.denies).for_each(|found| self.count(found));
            }
        }
    }

    fn count(&mut self, statement: &StatementRef) {
        let Some(index) = statement.statement else { return };
        // A document has one name as boundary, as session policy and by itself.
        let name = ["boundary:", "session:"]
            .iter()
            .find_map(|prefix| statement.policy.strip_prefix(prefix))
            .unwrap_or(&statement.policy);
        let key = (name.into(), statement.source.clone(), index);
        *self.reached.entry(key).or_insert(0) += 1;
    }

    /// Lists the statements of the documents that stand in files: those that AWS manages are not
    /// the user's to test.
    pub(super) fn add_statements(&mut self, engine: &Engine) {
        for (id, document) in engine.snapshot().documents() {
            let (Some(origin), Some(entry)) = (&document.origin, engine.library().get(id)) else {
                continue;
            };
            let Some(policy) = &entry.policy else { continue };
            if document.reference.contains(AWS_MANAGED) {
                continue;
            }
            let text = document.text.as_deref().unwrap_or_default();
            let spans = policy.statements.iter().zip(&entry.statement_spans);
            for (index, (statement, span)) in (0u32..).zip(spans) {
                let file: Box<str> = (&*origin.file).into();
                let key = (document.reference.clone(), Some(file.clone()), index);
                let (line, column) = place_in_file(text, span.start, origin);
                self.statements.push(Covered {
                    policy: document.reference.clone(),
                    statement: index,
                    sid: statement.sid.clone(),
                    file,
                    line,
                    column,
                    n_matches: self.reached.get(&key).copied().unwrap_or(0),
                });
            }
        }
    }

    /// All statements, in order of their documents.
    pub(super) fn statements(&self) -> &[Covered] {
        &self.statements
    }

    /// The statements that no test matched.
    pub(super) fn missed(&self) -> impl Iterator<Item = &Covered> {
        self.statements.iter().filter(|covered| covered.n_matches == 0)
    }
}
