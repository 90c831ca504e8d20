//! Findings: what can be said about someone's policy (language, section 9).
//!
//! A finding names a place by a JSON path. `$` is the document; a member whose name is letters,
//! digits and underscores, not starting with a digit, follows after a dot (`$.Statement`), any
//! other as a JSON string in brackets (`["aws:SourceIp"]`); an array member is its position from
//! zero in brackets. An element that was written as a single value is named without a position:
//! `$.Statement` when `Statement` is an object, `$.Statement[0].Action[1]` in two arrays.

mod code;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use assize_model::MAX_QUOTED_CHARS;

pub use self::code::{FindingCode, Severity};
use crate::ast::Text;
use crate::json::SyntaxError;
use crate::path::Path;
use crate::{LoadMode, Span};

/// Something about someone's policy (L-901). It never changes what the policy means.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    /// What it is about.
    pub code: FindingCode,
    /// How grave it is: the code's severity.
    pub severity: Severity,
    /// Where: the JSON path, in the form the module describes.
    pub path: Box<str>,
    /// Where: the bytes of the text.
    pub span: Span,
    /// What is wrong, for a person.
    pub message: Box<str>,
    /// Whether it keeps the document from loading.
    pub rejects: bool,
}

/// Which load modes a problem keeps a document from loading in (L-004).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reject {
    /// Author and import.
    Always,
    /// Author only: on import it is a finding.
    Author,
    /// None: it is a finding.
    Never,
}

/// What is wrong with one text of a policy (an action, a principal, a value), before it is known
/// where the text stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Problem {
    /// What it is about.
    pub(crate) code: FindingCode,
    /// Which modes it rejects in.
    pub(crate) rejects: Reject,
    /// What is wrong, for a person.
    pub(crate) message: String,
    /// The bytes of the (unescaped) text it is about, when not all.
    pub(crate) range: Option<Range<usize>>,
}

impl Problem {
    /// A problem of the whole text.
    pub(crate) fn new(code: FindingCode, rejects: Reject, message: impl Into<String>) -> Self {
        Self { code, rejects, message: message.into(), range: None }
    }

    /// The same problem, of a part of the text.
    #[must_use]
    pub(crate) fn at(mut self, range: Range<usize>) -> Self {
        self.range = Some(range);
        self
    }
}

/// The findings of one document while they are collected.
#[derive(Debug)]
pub(crate) struct Findings {
    mode: LoadMode,
    list: Vec<Finding>,
}

impl Findings {
    pub(crate) fn new(mode: LoadMode) -> Self {
        Self { mode, list: Vec::new() }
    }

    /// Adds a finding; the mode decides whether it rejects (L-004).
    pub(crate) fn add(
        &mut self,
        code: FindingCode,
        rejects: Reject,
        span: Span,
        path: &Path<'_>,
        message: impl Into<Box<str>>,
    ) {
        let rejects = match rejects {
            Reject::Always => true,
            Reject::Author => self.mode == LoadMode::Author,
            Reject::Never => false,
        };
        self.list.push(Finding {
            code,
            severity: code.severity(),
            path: path.to_string().into(),
            span,
            message: message.into(),
            rejects,
        });
    }

    /// Adds a place where the text is not JSON (L-103).
    pub(crate) fn syntax_error(&mut self, error: &SyntaxError) {
        let code = FindingCode::JsonSyntaxError;
        self.list.push(Finding {
            code,
            severity: code.severity(),
            path: error.path.clone(),
            span: error.span,
            message: error.to_string().into(),
            rejects: true,
        });
    }

    /// Adds what is wrong with a string of the document.
    pub(crate) fn problem(&mut self, problem: Problem, text: &Text<'_>, path: &Path<'_>) {
        let Problem { code, rejects, message, range } = problem;
        let span = range.map_or(text.span, |range| text.part(range));
        self.add(code, rejects, span, path, message);
    }

    /// Whether the document cannot load.
    pub(crate) fn reject(&self) -> bool {
        self.list.iter().any(|finding| finding.rejects)
    }

    /// All findings in the order of L-902: by the start of their span, then by code; of several
    /// with one code and path the first, rejecting when one of them does.
    pub(crate) fn finish(self) -> Vec<Finding> {
        let mut list = self.list;
        list.sort_by(|a, b| {
            (a.span.start, a.code.as_str(), &a.path).cmp(&(b.span.start, b.code.as_str(), &b.path))
        });
        let mut kept: BTreeMap<(FindingCode, Box<str>), usize> = BTreeMap::new();
        let mut findings: Vec<Finding> = Vec::with_capacity(list.len());
        for finding in list {
            match kept.entry((finding.code, finding.path.clone())) {
                Entry::Occupied(first) => findings[*first.get()].rejects |= finding.rejects,
                Entry::Vacant(place) => {
                    place.insert(findings.len());
                    findings.push(finding);
                }
            }
        }
        findings
    }
}

/// The user's text as a message repeats it: cut after [`MAX_QUOTED_CHARS`] characters.
pub(crate) fn shorten(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_QUOTED_CHARS) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

/// The user's text in backticks for a message, cut as [`shorten`] does.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", shorten(text))
}
