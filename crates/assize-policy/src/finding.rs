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

/// The most findings that are kept of one document. Past it only the first that rejects is added,
/// so that whether a document loads never depends on the limit.
pub const MAX_FINDINGS: usize = 100_000;

/// Which load modes a problem keeps a document from loading in (L-004).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reject {
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

    /// Makes it a problem of the whole text.
    pub(crate) fn forget_range(&mut self) {
        self.range = None;
    }
}

/// The findings of one document while they are collected.
#[derive(Debug)]
pub(crate) struct Findings {
    mode: LoadMode,
    list: Vec<Finding>,
    rejects: bool,
}

impl Findings {
    pub(crate) fn new(mode: LoadMode) -> Self {
        Self { mode, list: Vec::new(), rejects: false }
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
        if self.list.len() < MAX_FINDINGS || (rejects && !self.rejects) {
            let (path, message) = (path.to_string().into(), message.into());
            let severity = code.severity();
            self.list.push(Finding { code, severity, path, span, message, rejects });
        }
        self.rejects |= rejects;
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
        self.rejects = true;
    }

    /// Adds what is wrong with a string of the document.
    pub(crate) fn problem(&mut self, problem: Problem, text: &Text<'_>, path: &Path<'_>) {
        let Problem { code, rejects, message, range } = problem;
        let span = range.map_or(text.span, |range| text.part(range));
        self.add(code, rejects, span, path, message);
    }

    /// Whether the document cannot load.
    pub(crate) fn reject(&self) -> bool {
        self.rejects
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_words_go_together() {
        for code in FindingCode::ALL {
            assert_eq!(FindingCode::from_word(code.as_str()), Some(*code));
            assert_eq!(code.as_str().starts_with("X_"), *code >= FindingCode::XInvalidPolicy);
        }
        assert_eq!(FindingCode::ALL.len(), 154);
        assert_eq!(FindingCode::from_word("NONSENSE"), None);
        assert_eq!(FindingCode::AllowWithNotPrincipal.severity(), Severity::SecurityWarning);
    }

    /// L-902.
    #[test]
    fn one_finding_for_a_code_and_path_in_order_of_the_text() {
        let mut findings = Findings::new(LoadMode::Import);
        let (root, other) = (Path::ROOT, Path::ROOT.member("b"));
        let mut add = |code, rejects, start, path| {
            findings.add(code, rejects, Span::new(start, start + 1), path, "m");
        };
        add(FindingCode::MissingVersion, Reject::Never, 5, &root);
        add(FindingCode::InvalidAction, Reject::Never, 9, &root);
        add(FindingCode::InvalidAction, Reject::Always, 7, &root);
        add(FindingCode::InvalidAction, Reject::Author, 5, &other);
        let shown = findings.finish().into_iter().map(|f| (f.span.start, f.code, f.rejects));
        let expected = [
            (5, FindingCode::InvalidAction, false),
            (5, FindingCode::MissingVersion, false),
            (7, FindingCode::InvalidAction, true),
        ];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_number_of_findings_is_limited_and_rejection_is_not_lost() {
        let mut findings = Findings::new(LoadMode::Import);
        for index in 0..MAX_FINDINGS + 5 {
            let path = Path::ROOT.index(index);
            findings.add(FindingCode::InvalidAction, Reject::Never, Span::default(), &path, "m");
        }
        for index in 0..3 {
            let path = Path::ROOT.index(index);
            findings.add(FindingCode::InvalidEffect, Reject::Always, Span::default(), &path, "m");
        }
        assert!(findings.reject());
        assert_eq!(findings.finish().len(), MAX_FINDINGS + 1);
    }
}
