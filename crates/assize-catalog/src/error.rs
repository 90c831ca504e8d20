//! Why data is no catalog.

use std::borrow::Cow;
use std::fmt;

/// Why a data file could not be read or built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    detail: Cow<'static, str>,
}

/// The kinds of [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes are not a data file of this kind at all.
    NotData,
    /// The file has a format version that this library does not read.
    Version,
    /// The file is cut off or changed: its contents contradict each other or its checksum.
    Damaged,
    /// The file is larger than a limit of this library.
    TooLarge,
    /// The facts a data file was to be built from contradict each other.
    Source,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub(crate) fn damaged(detail: &'static str) -> Self {
        Self::new(ErrorKind::Damaged, detail)
    }

    pub(crate) fn source(detail: String) -> Self {
        Self::new(ErrorKind::Source, detail)
    }

    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::NotData => "not a catalog data file",
            ErrorKind::Version => "catalog data file of another version",
            ErrorKind::Damaged => "damaged catalog data file",
            ErrorKind::TooLarge => "catalog data file over a limit",
            ErrorKind::Source => "contradictory catalog source",
        };
        write!(f, "{what}: {}", self.detail)
    }
}
