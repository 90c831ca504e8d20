//! What is wrong with a JSON value, while it is not known yet which file or line it is in.

use std::fmt::Write;

use assize_model::{RequestError, RequestErrorKind};

use super::Cursor;

/// The result of reading a piece of JSON.
pub type Result<T> = std::result::Result<T, Fault>;

/// What is wrong, where in the text, and inside which members. One pointer wide: the way
/// without faults pays nothing for it.
#[derive(Debug)]
pub struct Fault(Box<Detail>);

#[derive(Debug)]
struct Detail {
    kind: RequestErrorKind,
    message: String,
    offset: usize,
    /// The members around the place, the innermost first.
    path: Vec<String>,
}

impl Fault {
    /// A fault at a byte offset.
    #[cold]
    pub(crate) fn new(kind: RequestErrorKind, offset: usize, message: impl Into<String>) -> Self {
        Self(Box::new(Detail { kind, message: message.into(), offset, path: Vec::new() }))
    }

    /// The same fault, seen from outside the member `key`.
    #[cold]
    #[must_use]
    pub(crate) fn within(mut self, key: impl Into<String>) -> Self {
        self.0.path.push(key.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> RequestErrorKind {
        self.0.kind
    }

    fn is_syntax(&self) -> bool {
        self.kind() == RequestErrorKind::JsonSyntax
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where, in bytes from the beginning of the text.
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// The members around the place, the outermost first.
    pub(crate) fn path(&self) -> impl Iterator<Item = &str> {
        self.0.path.iter().rev().map(String::as_str)
    }

    /// The JSON pointer (RFC 6901) of the place; empty for the whole text.
    pub(crate) fn pointer(&self) -> String {
        let mut pointer = String::new();
        for key in self.path() {
            let _ = write!(pointer, "/{}", key.replace('~', "~0").replace('/', "~1"));
        }
        pointer
    }

    /// The fault as the error of a request line. Broken JSON is named by its column, all else by
    /// the pointer of the field. A text that is no JSON is first of all that: a field that is
    /// wrong in front of the break says nothing about it.
    #[cold]
    pub(crate) fn into_request_error(self, text: &str) -> RequestError {
        let fault = syntax_fault(text).unwrap_or(self);
        if fault.is_syntax() {
            let before = text.get(..fault.offset()).unwrap_or(text);
            let column = before.chars().count() + 1;
            let message = format!("{} at column {column}", fault.message());
            return RequestError::new(RequestErrorKind::JsonSyntax, message);
        }
        let pointer = fault.pointer();
        let error = RequestError::new(fault.kind(), fault.message());
        if pointer.is_empty() { error } else { error.at(pointer) }
    }
}

/// Where a text stops being JSON.
fn syntax_fault(text: &str) -> Option<Fault> {
    let mut c = Cursor::new(text);
    c.skip().and_then(|()| c.end()).err().filter(Fault::is_syntax)
}
