//! What compiling did.

/// Numbers about compiled tables, for people and for tests of memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompileReport {
    /// Policy sets asked for.
    pub n_sets: usize,
    /// Policy sets that differ.
    pub n_distinct_sets: usize,
    /// Documents that differ.
    pub n_documents: usize,
    /// Documents that do not load (E-112).
    pub n_poison: usize,
    /// Statements of the distinct documents.
    pub n_statements: usize,
    /// Condition keys that the policies ask about.
    pub n_keys: usize,
    /// Distinct tests of conditions.
    pub n_atoms: usize,
    /// Distinct resource patterns without variables.
    pub n_patterns: usize,
    /// Distinct resource patterns with variables.
    pub n_templates: usize,
    /// Distinct cells.
    pub n_cells: usize,
    /// Cells whose verdict needs no row.
    pub n_static_cells: usize,
    /// Rules in all cells.
    pub n_rules: usize,
    /// Distinct pages of the action tables.
    pub n_pages: usize,
    /// Indexes of cells with many patterns.
    pub n_indexes: usize,
    /// Patterns in indexes that are looked up whole.
    pub n_literals: usize,
    /// Patterns in indexes that are found by a rare part.
    pub n_by_needle: usize,
    /// Patterns in indexes that are matched one by one.
    pub n_one_by_one: usize,
    /// Bytes of the tables, by the sizes of their parts.
    pub n_bytes: usize,
    /// Where a limit was hit and a slower form took over; the answers are the same.
    pub fallbacks: Vec<Fallback>,
}

/// One step down to a slower form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fallback {
    /// A set whose cells would exceed a limit of rules is matched statement by statement.
    StatementByStatement {
        /// The position of the distinct set.
        set: usize,
    },
    /// Indexes would hold more patterns than allowed: further cells match them one by one.
    PatternsOneByOne {
        /// The limit.
        limit: usize,
    },
}
