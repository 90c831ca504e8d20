//! Why a text is no noun.

use std::fmt;

/// A text that is not what it was taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    text: Box<str>,
}

/// What a text was meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Not an ARN of six segments with partition, service and resource (L-801).
    Arn,
    /// Not twelve ASCII digits (L-309).
    AccountId,
    /// Not a partition name.
    Partition,
    /// Not `service:Name` (E-3).
    Action,
    /// Not a form of principal that E-10 knows.
    Principal,
}

/// Longest part of the user's text that an error message repeats, in characters.
pub const MAX_QUOTED_CHARS: usize = 120;

impl Error {
    pub(crate) fn new(kind: ErrorKind, text: &str) -> Self {
        let mut short: String = text.chars().take(MAX_QUOTED_CHARS).collect();
        if short.len() < text.len() {
            short.push('…');
        }
        Self { kind, text: short.into() }
    }

    /// What the text was meant to be.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The text, cut after [`MAX_QUOTED_CHARS`] characters.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            ErrorKind::Arn => {
                "is not an ARN: expected `arn:partition:service:region:account:resource`"
            }
            ErrorKind::AccountId => "is not an account id: expected 12 digits",
            ErrorKind::Partition => "is not a partition: expected a name such as `aws`",
            ErrorKind::Action => {
                "is not an action: expected `service:Name`, for example `s3:GetObject`"
            }
            ErrorKind::Principal => {
                "is not a principal: expected the ARN of a user, role, role session or root user, \
                 a service name such as `lambda.amazonaws.com`, or `anonymous`"
            }
        };
        write!(f, "`{}` {what}", self.text)
    }
}

impl std::error::Error for Error {}
