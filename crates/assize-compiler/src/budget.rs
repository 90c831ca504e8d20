//! What compiling may cost, which passes run, and the error when a limit is hit.

use std::fmt;

/// Most documents in one policy set: a place in a set takes 16 bits.
pub const MAX_DOCUMENTS: usize = u16::MAX as usize - 1;
/// Most statements in one document: a place in a document takes 16 bits.
pub const MAX_STATEMENTS: usize = u16::MAX as usize - 1;
/// Most distinct policy sets in tables or in an overlay.
pub const MAX_SETS: usize = (1 << 31) - 1;
/// Most actions unknown to the catalog in one overlay.
pub const MAX_OVERLAY_ACTIONS: usize = 1 << 20;
/// Most rules in all cells, unless the caller says otherwise; eight bytes each.
pub const DEFAULT_MAX_RULES: usize = 1 << 24;
/// Most rules in the cells of one set, unless the caller says otherwise.
pub const DEFAULT_MAX_RULES_PER_SET: usize = 1 << 21;
/// Most patterns in all indexes of cells, unless the caller says otherwise; about 200 bytes each.
pub const DEFAULT_MAX_INDEXED_PATTERNS: usize = 1 << 17;
/// Most rules of cells made while deciding that are kept during one call.
pub const MAX_KEPT_RULES: usize = 1 << 16;

/// Which passes run and what they may cost. Passes and budgets change speed and memory, never an
/// answer (E-110).
///
/// What a pass buys is what the benchmark `scale` has measured with it switched off, on W1, W2 and
/// W3 of `benches` (one principal; an account of 200; 500 wildcard patterns); what is not named did
/// not change beyond noise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompileOptions {
    /// Equal documents, sets and cells are compiled once: W2 has 206 sets instead of 402, 10,000
    /// principals have half as many.
    pub interning: bool,
    /// Equal conditions of different statements are one atom. Rates do not show it: what it saves
    /// are tests to keep and to remember the answers of.
    pub shared_atoms: bool,
    /// Actions are resolved to cells at load; otherwise statement by statement while deciding. A
    /// decision is 8 times as fast in W2, 40 times in W3; compiling W2 takes 17 ms more.
    pub action_partition: bool,
    /// Statements behind one that always applies are cut, and cells that need no row are marked:
    /// half of the cells of W2. A batch, which joins the layers itself, gains nothing by it any
    /// more; its rows that come once do.
    pub static_verdicts: bool,
    /// Many patterns are searched together. A decision is 40 times as fast in W3; compiling W2
    /// takes 4 ms more.
    pub pattern_sets: bool,
    /// Pages of the action tables that look alike are one. Compiling W2 takes a third of the time,
    /// and its tables less than a third of the memory.
    pub shared_pages: bool,
    /// What all layers say of a frame and an action is kept between batches, put together and as
    /// far as it hangs on no row; otherwise it is put together for each group of rows. In W2 this
    /// doubles the rate of columns.
    pub joint_cells: bool,
    /// What conditions say of a value, of a principal's own keys and of a resource's is worked out
    /// once for each of them and all conditions, not for each row and condition.
    pub row_facts: bool,
    /// Most rules in all cells. Sets beyond it are matched statement by statement.
    pub max_rules: usize,
    /// Most rules in the cells of one set. A set beyond it is matched statement by statement.
    pub max_rules_per_set: usize,
    /// Most patterns in all indexes. Cells beyond it match their patterns one by one.
    pub max_indexed_patterns: usize,
}

impl Default for CompileOptions {
    fn default() -> Self {
        Self {
            action_partition: true,
            static_verdicts: true,
            shared_atoms: true,
            pattern_sets: true,
            interning: true,
            shared_pages: true,
            joint_cells: true,
            row_facts: true,
            max_rules: DEFAULT_MAX_RULES,
            max_rules_per_set: DEFAULT_MAX_RULES_PER_SET,
            max_indexed_patterns: DEFAULT_MAX_INDEXED_PATTERNS,
        }
    }
}

/// Why tables or an overlay could not be made.
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

/// The limits that are errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// More documents in a set than [`MAX_DOCUMENTS`].
    TooManyDocuments {
        /// The limit.
        limit: usize,
    },
    /// More statements in a document than [`MAX_STATEMENTS`].
    TooManyStatements {
        /// The limit.
        limit: usize,
    },
    /// More statements in all documents than ids can name.
    TooManyStatementsInAll {
        /// The limit.
        limit: usize,
    },
    /// More sets than [`MAX_SETS`].
    TooManySets {
        /// The limit.
        limit: usize,
    },
    /// More unknown actions than [`MAX_OVERLAY_ACTIONS`].
    TooManyActions {
        /// The limit.
        limit: usize,
    },
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyDocuments { limit } => {
                write!(f, "more than {limit} policies in one policy set")
            }
            Self::TooManyStatements { limit } => {
                write!(f, "more than {limit} statements in one policy")
            }
            Self::TooManyStatementsInAll { limit } => {
                write!(f, "more than {limit} statements in all policies")
            }
            Self::TooManySets { limit } => write!(f, "more than {limit} policy sets"),
            Self::TooManyActions { limit } => {
                write!(f, "more than {limit} actions that the catalog does not know")
            }
        }
    }
}
