//! What a run ends with (F-80 – F-83).

use std::process::ExitCode;

/// The answer of a run, in the order in which one outweighs another (F-81): several causes give
/// the greatest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// The answer is yes.
    #[default]
    Yes,
    /// The answer depends on missing context.
    Depends,
    /// The answer is no.
    No,
    /// There is no answer: wrong usage, bad input, a limit, an interruption.
    NoAnswer,
}

impl Status {
    /// The weightier of two causes.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// The exit code (F-80).
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::NoAnswer => 2,
            Self::Depends => 3,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F-81.
    #[test]
    fn two_outweighs_one_outweighs_three() {
        let causes = [Status::Yes, Status::Depends, Status::No, Status::NoAnswer];
        assert_eq!(causes.map(Status::code), [0, 3, 1, 2]);
        for pair in causes.windows(2) {
            assert_eq!(pair[0].and(pair[1]), pair[1]);
            assert_eq!(pair[1].and(pair[0]), pair[1]);
        }
    }
}
