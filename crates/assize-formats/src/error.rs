//! What is wrong with a file.

use std::fmt;
use std::sync::Arc;

use assize_policy::Span;

/// Something wrong with a scenario or another file of ours. Reading goes on where it can, so a
/// file gives all of its errors at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: Box<str>,
    place: Option<Box<Place>>,
}

/// The kinds of [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file is not JSON, or not YAML (F-1).
    Syntax,
    /// A plain YAML scalar that would be read as something else than the text it looks like
    /// (F-1).
    Unquoted,
    /// A field that the format does not know (F-4).
    UnknownField,
    /// A field that must be there.
    MissingField,
    /// A field of the wrong type or with an impossible value.
    InvalidField,
    /// The file is of another version of the format (F-5).
    Version,
    /// A limit of F-6 is exceeded.
    Limit,
    /// A file that cannot be read.
    File,
    /// A name that refers to nothing.
    Reference,
    /// A name that is given twice.
    Repeated,
    /// Files that include each other (F-42).
    Cycle,
    /// An imported file that does not say what it should.
    Import,
    /// A fact that the store does not take.
    Store,
}

impl ErrorKind {
    /// The code of the kind, as it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Unquoted => "unquoted",
            Self::UnknownField => "unknown_field",
            Self::MissingField => "missing_field",
            Self::InvalidField => "invalid_field",
            Self::Version => "version",
            Self::Limit => "limit",
            Self::File => "file",
            Self::Reference => "reference",
            Self::Repeated => "repeated",
            Self::Cycle => "cycle",
            Self::Import => "import",
            Self::Store => "store",
        }
    }
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: Arc<str>,
    /// Its whole text, for showing the line.
    pub text: Arc<str>,
    /// The bytes.
    pub span: Span,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
}

impl Place {
    /// The line of the place, without its end.
    pub fn excerpt(&self) -> &str {
        let at = (self.span.start as usize).min(self.text.len());
        let (before, after) = (self.text.get(..at), self.text.get(at..));
        let start = before.and_then(|text| text.rfind('\n')).map_or(0, |feed| feed + 1);
        let end = after.and_then(|text| text.find('\n')).map_or(self.text.len(), |feed| at + feed);
        self.text.get(start..end).unwrap_or_default().trim_end_matches('\r')
    }
}

impl Error {
    /// An error of no place.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Box<str>>) -> Self {
        Self { kind, message: message.into(), place: None }
    }

    /// The same error, at a place.
    #[must_use]
    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = Some(Box::new(place));
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What is wrong, what was expected, and the right word if it is near.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where, if it is about a place.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{}:{}:{}: ", place.file, place.line, place.column)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
