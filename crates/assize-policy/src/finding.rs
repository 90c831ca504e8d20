//! Findings: what can be said about someone's policy (language, section 9).
//!
//! A finding names a place by a JSON path. `$` is the document; a member whose name is letters,
//! digits and underscores, not starting with a digit, follows after a dot (`$.Statement`), any
//! other as a JSON string in brackets (`["aws:SourceIp"]`); an array member is its position from
//! zero in brackets. An element that was written as a single value is named without a position:
//! `$.Statement` when `Statement` is an object, `$.Statement[0].Action[1]` in two arrays.

mod code;

use std::borrow::Cow;
use std::ops::Range;

use assize_model::MAX_QUOTED_CHARS;

pub use self::code::{FindingCode, Severity};
use crate::Span;

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
