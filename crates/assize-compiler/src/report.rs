//! What compiling did.

use crate::simplify::AllowState;
use crate::tables::{Cell, DecisionTables, N_PAGE_ACTIONS};

/// Numbers about compiled tables, for people and for tests of memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompileReport {
    /// Policy sets asked for.
    pub n_sets: usize,
    /// Policy sets that differ.
    pub n_distinct_sets: usize,
    /// Of these, how many had their cells made: all of them, unless tables were compiled again
    /// ([`crate::recompile`]) and took the rest over.
    pub n_compiled_sets: usize,
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
    /// Documents that no set holds any more, left behind by compiling again. The parts below
    /// `n_statements` count what they need too.
    pub n_dead_documents: usize,
    /// Bytes of the tables, by the sizes of their parts.
    pub n_bytes: usize,
    /// Where a limit was hit and a slower form took over; the answers are the same.
    pub fallbacks: Vec<Fallback>,
}

impl CompileReport {
    /// What can be said of the tables alone.
    pub(crate) fn of(tables: &DecisionTables) -> Self {
        let program = &tables.program;
        let is_static = |cell: &&Cell| {
            cell.denies
                .of(&tables.rules)
                .first()
                .map_or(cell.allow != AllowState::Depends, |rule| rule.is_unconditional())
        };
        let live = tables.live_documents();
        let documents = || live.iter().map(|&at| &tables.documents[at as usize]);
        let mut report = Self {
            n_distinct_sets: tables.sets.len(),
            n_documents: live.len(),
            n_dead_documents: tables.documents.len() - live.len(),
            n_poison: documents().filter(|d| d.source.policy().is_none()).count(),
            n_statements: documents().map(|d| d.bodies.len()).sum(),
            n_keys: program.keys.len(),
            n_atoms: program.atoms.len(),
            n_patterns: program.patterns.len(),
            n_templates: program.templates.len(),
            n_cells: tables.cells.len(),
            n_static_cells: tables.cells.iter().filter(is_static).count(),
            n_rules: tables.rules.len(),
            n_pages: tables.pages.len() / N_PAGE_ACTIONS,
            n_indexes: program.indexes.len(),
            n_bytes: tables.n_bytes(),
            ..Self::default()
        };
        for index in &program.indexes {
            let set = index.set.report();
            report.n_literals += set.n_literals;
            report.n_by_needle += set.n_by_needle;
            report.n_one_by_one += set.n_one_by_one;
        }
        report
    }
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
