//! What compiling did.

use assize_automata::BuildReport;

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
    /// Tests of conditions with many patterns, which are searched together as those of cells.
    pub n_condition_sets: usize,
    /// Patterns in both that are looked up whole.
    pub n_literals: usize,
    /// Patterns in both that are found by a rare part.
    pub n_by_needle: usize,
    /// Patterns in both that are matched one by one.
    pub n_one_by_one: usize,
    /// States of their automata.
    pub n_states: usize,
    /// Bytes of their automata.
    pub automaton_bytes: usize,
    /// Documents that no set holds any more, left behind by compiling again. The parts below
    /// `n_statements` count what they need too.
    pub n_dead_documents: usize,
    /// Bytes of the tables, by the sizes of their parts.
    pub n_bytes: usize,
    /// Where a slower form took over, most often since a limit was hit; the answers are the same.
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
        let of_conditions = || program.atoms.iter().filter_map(|atom| atom.test.pattern_set());
        report.n_condition_sets = of_conditions().count();
        let of_indexes =
            program.indexes.iter().filter(|index| index.first == 0).map(|index| &*index.set);
        for set in of_indexes.chain(of_conditions()) {
            report.count(set.report());
        }
        report
    }

    /// Adds a set of patterns that are searched together.
    fn count(&mut self, set: &BuildReport) {
        self.n_literals += set.n_literals;
        self.n_by_needle += set.n_by_needle;
        self.n_one_by_one += set.n_one_by_one;
        self.n_states += set.n_states;
        self.automaton_bytes += set.automaton_bytes;
        for &fallback in &set.fallbacks {
            let n_sets = self.fallbacks.iter_mut().find_map(|known| match known {
                Fallback::PatternSets { fallback: other, n_sets } if *other == fallback => {
                    Some(n_sets)
                }
                _ => None,
            });
            match n_sets {
                Some(n_sets) => *n_sets += 1,
                None => self.fallbacks.push(Fallback::PatternSets { fallback, n_sets: 1 }),
            }
        }
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
    /// Indexes would hold more patterns than allowed if those of several documents, or those that
    /// deny and those that allow, were joined: further cells search them one after the other.
    IndexesApart {
        /// The limit.
        limit: usize,
    },
    /// What became of patterns that are searched together.
    PatternSets {
        /// What stepped down.
        fallback: assize_automata::Fallback,
        /// In how many sets of patterns.
        n_sets: usize,
    },
}
