//! What a build may cost, what it did cost, and the error when no exact answer fits.

use std::fmt;

/// Most patterns that one set takes, unless the caller says otherwise.
pub const DEFAULT_MAX_PATTERNS: usize = 1 << 20;
/// Most bytes of pattern text that one set takes, unless the caller says otherwise.
pub const DEFAULT_MAX_PATTERN_BYTES: usize = 64 << 20;
/// Most states of the literal automaton of one set, unless the caller says otherwise.
pub const DEFAULT_MAX_STATES: usize = 1 << 15;
/// Most bytes of the literal automaton of one set, unless the caller says otherwise.
pub const DEFAULT_MAX_BYTES: usize = 4 << 20;
/// Most states that a comparison of two patterns visits, unless the caller says otherwise.
pub const DEFAULT_MAX_PRODUCT_STATES: usize = 1 << 18;

/// What building a set or comparing two patterns may cost.
///
/// `max_states` and `max_bytes` never make an operation fail: a set that does not fit falls back to a slower form with the same answers, and its [`BuildReport`] says so.
/// The other limits are errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Most patterns in a set; more is an error.
    pub max_patterns: usize,
    /// Most bytes of literal text and wildcards in all patterns of a set; more is an error.
    pub max_pattern_bytes: usize,
    /// Most states of each literal automaton of a set, or windows of its needles; past it needles get shorter, then patterns are matched one by one.
    pub max_states: usize,
    /// Most bytes of each literal automaton of a set, or of its table of windows; past it as for `max_states`.
    pub max_bytes: usize,
    /// Most states visited when two patterns are compared; more is an error.
    pub max_product_states: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            max_patterns: DEFAULT_MAX_PATTERNS,
            max_pattern_bytes: DEFAULT_MAX_PATTERN_BYTES,
            max_states: DEFAULT_MAX_STATES,
            max_bytes: DEFAULT_MAX_BYTES,
            max_product_states: DEFAULT_MAX_PRODUCT_STATES,
        }
    }
}

/// How the patterns of a set are held, and what that takes.
///
/// The three strategies count distinct patterns; together they are `n_distinct`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildReport {
    /// Patterns given, repetitions included.
    pub n_patterns: usize,
    /// Patterns that differ.
    pub n_distinct: usize,
    /// A digest of the patterns that differ, whatever their order: tells sets of equal counts apart.
    pub content: u64,
    /// Patterns without wildcards, looked up in a hash table.
    pub n_literals: usize,
    /// Patterns found by a literal they require, then verified.
    pub n_by_needle: usize,
    /// Patterns matched against every text, one by one.
    pub n_one_by_one: usize,
    /// States of the literal automata; needles that are found by windows of the text have none.
    pub n_states: usize,
    /// Bytes of the literal automata and of the tables of windows.
    pub automaton_bytes: usize,
    /// What did not fit, in the order it was found.
    pub fallbacks: Vec<Fallback>,
}

impl BuildReport {
    /// Adds the counts of another part of the same set.
    pub(crate) fn absorb(&mut self, part: Self) {
        self.n_literals += part.n_literals;
        self.n_by_needle += part.n_by_needle;
        self.n_one_by_one += part.n_one_by_one;
        self.n_states += part.n_states;
        self.automaton_bytes += part.automaton_bytes;
        self.fallbacks.extend(part.fallbacks);
    }

    /// Adds patterns that have no needle.
    pub(crate) fn add_unsought(&mut self, n_patterns: usize) {
        self.n_one_by_one += n_patterns;
        if n_patterns > 0 {
            self.fallbacks.push(Fallback::NoNeedle { n_patterns });
        }
    }
}

/// One step down to a slower form; the answers stay the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fallback {
    /// The automaton over the usual needles did not fit, so shorter ones are searched and more candidates verified.
    ShorterNeedles {
        /// Bytes of the longest needle searched.
        needle_bytes: usize,
    },
    /// These patterns require no literal of their own, so each is matched against every text.
    NoNeedle {
        /// How many.
        n_patterns: usize,
    },
    /// No automaton fits the budget: these patterns are matched one by one.
    NoAutomaton {
        /// How many.
        n_patterns: usize,
    },
}

/// Why a pattern, a set or a comparison could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    kind: ErrorKind,
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind) -> Self {
        Self { kind }
    }

    /// What went wrong, for code.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

/// The ways in which a pattern, a set or a comparison cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A class excludes a byte that is not ASCII, so it is no scalar.
    ClassByteNotAscii {
        /// The byte.
        byte: u8,
    },
    /// More patterns than [`Budget::max_patterns`].
    TooManyPatterns {
        /// The limit.
        limit: usize,
    },
    /// More text than [`Budget::max_pattern_bytes`].
    TooManyPatternBytes {
        /// The limit.
        limit: usize,
    },
    /// A comparison visited more states than [`Budget::max_product_states`].
    TooManyProductStates {
        /// The limit.
        limit: usize,
    },
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClassByteNotAscii { byte } => {
                write!(f, "a wildcard can exclude only an ASCII byte, not 0x{byte:02x}")
            }
            Self::TooManyPatterns { limit } => write!(f, "more than {limit} patterns in one set"),
            Self::TooManyPatternBytes { limit } => {
                write!(f, "more than {limit} bytes of patterns in one set")
            }
            Self::TooManyProductStates { limit } => {
                write!(f, "comparing two patterns takes more than {limit} states")
            }
        }
    }
}
