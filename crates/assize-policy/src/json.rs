//! JSON with places: strict RFC 8259, every value and name with its bytes, duplicate members
//! kept (L-103 – L-106).
//!
//! Strings are borrowed from the text unless they hold escapes; numbers stay text. Broken JSON
//! never gives a value, but where it can be told what was meant the reader goes on, so that one
//! pass names several mistakes.

mod input;
mod reader;

use std::borrow::Cow;
use std::fmt;

use crate::Span;

/// The most syntax errors one call reports; the reader stops at the last.
pub const MAX_SYNTAX_ERRORS: usize = 100;

/// A JSON value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value<'a> {
    /// Its bytes, quotes and brackets included.
    pub span: Span,
    /// What it is.
    pub kind: ValueKind<'a>,
}

/// What a JSON value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueKind<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as its text.
    Number(&'a str),
    /// A string, unescaped.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Value<'a>>),
    /// An object: its members in the order of the text, duplicates kept.
    Object(Vec<Member<'a>>),
}

impl ValueKind<'_> {
    /// The type for a message, with its article.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// The name, unescaped.
    pub name: Cow<'a, str>,
    /// The bytes of the name, quotes included.
    pub name_span: Span,
    /// The value.
    pub value: Value<'a>,
}

/// A place where a text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The bytes at fault.
    pub span: Span,
    /// The line of the first, from 1.
    pub line: u32,
    /// The column of the first, in characters from 1.
    pub column: u32,
    /// The JSON path of the value that could not be read.
    pub path: Box<str>,
    /// What is wrong and what was expected, without the place.
    pub message: Box<str>,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, message, .. } = self;
        write!(f, "{message} at line {line}, column {column} (byte {})", self.span.start)
    }
}

impl std::error::Error for SyntaxError {}

/// Reads a JSON text whose arrays and objects are nested at most `max_depth` deep.
///
/// Cost: one pass; memory in proportion to the text.
///
/// # Errors
/// Everything that is not JSON, as far as the reader could go on, in the order of the text.
///
/// # Examples
/// ```
/// use assize_policy::json;
///
/// let wrong = json::parse("{\"a\": [1, 2,], b: tru}", 16).unwrap_err();
/// assert_eq!(wrong.len(), 3);
/// assert_eq!(wrong[0].to_string(), "trailing comma before `]` at line 1, column 13 (byte 12)");
/// ```
pub fn parse(text: &str, max_depth: u8) -> Result<Value<'_>, Vec<SyntaxError>> {
    reader::document(text, max_depth)
}

/// Reads a JSON text from bytes; they must be UTF-8.
///
/// # Errors
/// As [`parse`]; for bytes that are not UTF-8, where the first of them is.
pub fn parse_bytes(bytes: &[u8], max_depth: u8) -> Result<Value<'_>, Vec<SyntaxError>> {
    match decode(bytes) {
        Ok(text) => parse(text, max_depth),
        Err(error) => Err(vec![error]),
    }
}

/// The text of bytes that must be UTF-8 (L-101).
///
/// # Errors
/// Where the first byte stands that is not.
pub fn decode(bytes: &[u8]) -> Result<&str, SyntaxError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        let start = u32::try_from(error.valid_up_to()).unwrap_or(u32::MAX);
        let (line, column) = crate::line_column(valid, start);
        let bad = u32::try_from(error.error_len().unwrap_or(1)).unwrap_or(1);
        SyntaxError {
            span: Span::new(start, start.saturating_add(bad)),
            line,
            column,
            path: "$".into(),
            message: "invalid UTF-8".into(),
        }
    })
}

/// A text as a JSON string: `Display` writes it in quotes, with the escapes JSON demands and with
/// everything beyond U+00FF as `\uXXXX`, which every policy type takes (L-102).
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;

        f.write_char('"')?;
        let mut rest = self.0;
        while let Some(at) = rest.find(must_escape) {
            f.write_str(&rest[..at])?;
            let mut chars = rest[at..].chars();
            chars.next().map_or(Ok(()), |c| write_escape(f, c))?;
            rest = chars.as_str();
        }
        f.write_str(rest)?;
        f.write_char('"')
    }
}

fn must_escape(c: char) -> bool {
    matches!(c, '"' | '\\' | '\0'..='\u{1f}' | '\u{100}'..)
}

fn write_escape(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '"' => f.write_str("\\\""),
        '\\' => f.write_str("\\\\"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        '\u{8}' => f.write_str("\\b"),
        '\u{c}' => f.write_str("\\f"),
        _ => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(f, "\\u{unit:04x}")),
    }
}

#[cfg(test)]
mod tests;
