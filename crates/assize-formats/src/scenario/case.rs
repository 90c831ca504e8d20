//! Tests (F-44, F-46).

use assize_model::EngineOptions;

use super::cell::Cell;
use super::{Reader, cell};
use crate::file::File;
use crate::json::{Node, Value, shorten};
use crate::{ErrorKind, Place};

/// A test: one request, or a matrix of them.
#[derive(Debug, Clone, PartialEq)]
pub struct TestCase {
    /// `name`, unique in the file; without one `test N`, counted from 1.
    pub name: Box<str>,
    /// Where the test stands.
    pub place: Place,
    /// `rules` it shows.
    pub rules: Vec<Box<str>>,
    /// `source`: where the expectation comes from.
    pub source: Option<Box<str>>,
    /// `skip`, with the reason.
    pub skip: Option<Box<str>>,
    /// `pending`, with the reason.
    pub pending: Option<Box<str>>,
    /// `only`.
    pub only: bool,
    /// `tags`.
    pub tags: Vec<Box<str>>,
    /// The options of the test over those of the file.
    pub options: EngineOptions,
    /// The requests: one, or those of the matrix in the order principals, actions, resources.
    pub cells: Vec<Cell>,
}

/// The members of a test beside those of a request.
pub(super) const TEST_FIELDS: [&str; 11] = [
    "name",
    "skip",
    "only",
    "rules",
    "pending",
    "tags",
    "principals",
    "actions",
    "options",
    "expect",
    "source",
];
/// The members of a request that a test takes.
pub(super) const REQUEST_FIELDS: [&str; 16] = [
    "principal",
    "action",
    "resource",
    "resources",
    "checks",
    "resourceData",
    "requestTags",
    "context",
    "absent",
    "complete",
    "unknown",
    "network",
    "via",
    "region",
    "time",
    "source",
];

impl Reader<'_> {
    /// `tests`.
    pub(super) fn tests(&mut self, file: &File, node: Option<&Node<'_>>) -> Vec<TestCase> {
        let mut tests: Vec<TestCase> = Vec::new();
        let items = node.map(|node| self.items(file, node)).unwrap_or_default();
        let mut names = std::collections::BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let Some(test) = self.test(file, item, index) else { continue };
            if !names.insert(test.name.clone()) {
                let message = format!("two tests are named `{}`", shorten(&test.name));
                self.error(file, ErrorKind::Repeated, item, message);
            }
            tests.push(test);
        }
        tests
    }

    fn test(&mut self, file: &File, node: &Node<'_>, index: usize) -> Option<TestCase> {
        let known: Vec<&str> = TEST_FIELDS.into_iter().chain(REQUEST_FIELDS).collect();
        let fields = self.fields(file, node, &known)?;
        let mut options = self.engine_options.clone();
        if let Some(node) = fields.get("options") {
            self.stated_options(file, node).apply(&mut options);
        }
        // The schema has two members `source`: a text says where the expectation comes from, an
        // object on whose behalf a service calls. A test that needs both writes the text as
        // `x-source`.
        let source = fields.get("source").filter(|node| matches!(node.value, Value::String(_)));
        let source = source.or(fields.get("x-source"));
        let name = self.text_of(file, &fields, "name");
        let only = fields.get("only").and_then(|node| self.boolean(file, node));
        Some(TestCase {
            name: name.unwrap_or_else(|| format!("test {}", index + 1).into()),
            place: file.place(node.span),
            rules: self.strings_of(file, &fields, "rules"),
            source: source.and_then(|node| self.text(file, node)),
            skip: self.text_of(file, &fields, "skip"),
            pending: self.text_of(file, &fields, "pending"),
            only: only.unwrap_or(false),
            tags: self.strings_of(file, &fields, "tags"),
            options,
            cells: cell::cells(self, file, node, &fields),
        })
    }
}
