//! The conditions of a statement that a decision names, as they are written.

use std::collections::HashMap;

use assize::Engine;
use assize_model::{PolicyId, StatementRef};
use assize_policy::ast::{DocumentElement, StatementElement};
use assize_policy::parse;

/// One test of a condition block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) operator: String,
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

/// The documents of a snapshot by the names that decisions have for them.
#[derive(Debug)]
pub(super) struct Documents<'e> {
    engine: &'e Engine,
    by_reference: HashMap<&'e str, Vec<PolicyId>>,
}

impl<'e> Documents<'e> {
    pub(super) fn new(engine: &'e Engine) -> Self {
        let mut by_reference: HashMap<&str, Vec<PolicyId>> = HashMap::new();
        for (id, document) in engine.snapshot().documents() {
            by_reference.entry(&document.reference).or_default().push(id);
        }
        Self { engine, by_reference }
    }

    /// The tests of a statement; nothing when its document is not one of the snapshot's.
    pub(super) fn conditions(&self, statement: &StatementRef) -> Vec<Condition> {
        let text = self.text(statement);
        match (text, statement.statement) {
            (Some(text), Some(index)) => conditions(text, index as usize),
            _ => Vec::new(),
        }
    }

    fn text(&self, statement: &StatementRef) -> Option<&'e str> {
        let name = ["boundary:", "session:"]
            .iter()
            .find_map(|prefix| statement.policy.strip_prefix(prefix))
            .unwrap_or(&statement.policy);
        let snapshot = self.engine.snapshot();
        // Inline policies of several accounts may have one name; the file and the `Sid` tell
        // them apart as far as it matters.
        let fits = |id: &&PolicyId| {
            let document = snapshot.document(**id);
            let file = document.and_then(|document| document.origin.as_ref());
            file.map(|origin| &*origin.file) == statement.source.as_deref()
                && self.has_statement(**id, statement)
        };
        let id = self.by_reference.get(name)?.iter().find(fits)?;
        snapshot.document(*id)?.text.as_deref()
    }

    fn has_statement(&self, id: PolicyId, statement: &StatementRef) -> bool {
        let policy = self.engine.library().get(id).and_then(|entry| entry.policy.as_ref());
        let found = policy
            .zip(statement.statement)
            .and_then(|(policy, index)| policy.statements.get(index as usize));
        found.is_some_and(|found| {
            found.sid == statement.sid && Some(found.effect) == statement.effect
        })
    }
}

/// The tests of one statement of a document, in the order of the text.
fn conditions(text: &str, index: usize) -> Vec<Condition> {
    let parse = parse(text);
    let Some(document) = &parse.document else { return Vec::new() };
    let elements = document.elements.expected().into_iter().flatten();
    let statement = elements
        .filter_map(|element| match element {
            DocumentElement::Statement(element) => element.value.expected(),
            _ => None,
        })
        .flat_map(|list| list.iter().map(|(_, statement)| statement))
        .nth(index);
    let blocks =
        statement.into_iter().flat_map(|statement| &statement.elements).filter_map(|element| {
            match element {
                StatementElement::Condition(element) => element.value.expected(),
                _ => None,
            }
        });
    let mut tests = Vec::new();
    for operator in blocks.flat_map(|block| &block.operators) {
        for entry in operator.keys.expected().into_iter().flatten() {
            let values =
                entry.values.expected().into_iter().flat_map(assize_policy::ast::List::iter);
            tests.push(Condition {
                operator: operator.operator.value.to_string(),
                key: entry.key.value.to_string(),
                values: values.map(|(_, value)| value.text.value.to_string()).collect(),
            });
        }
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_stand_as_they_are_written() {
        let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow"},{
            "Condition":{"StringLike":{"aws:PrincipalTag/a":["x*","y"]},"Bool":{"aws:SecureTransport":true}}}]}"#;
        let found = conditions(text, 1);
        assert_eq!(found.len(), 2);
        assert_eq!((&*found[0].operator, &*found[0].key), ("StringLike", "aws:PrincipalTag/a"));
        assert_eq!(found[0].values, ["x*", "y"]);
        assert_eq!(found[1].values, ["true"]);
        assert!(conditions(text, 0).is_empty());
        assert!(conditions("nothing", 0).is_empty());
    }
}
