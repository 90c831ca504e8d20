//! Compiling again after a change: what it left as it was is taken over.

use crate::tables::DecisionTables;
use crate::{CompileInput, CompileReport, Error, PolicySetId, compile, make};

/// Compiles an input by what tables of before have of it, with their passes: documents that the
/// library has under the same id in the same entry are not lowered again, and sets of the same
/// documents keep their cells. The tables of before do not change.
///
/// The tables decide as those of [`compile`] do and have the same canonical dump
/// ([`DecisionTables::canonical_dump`]); numbers inside may differ. What no set holds any more
/// stays behind until there is more of it than of the rest; then, and where a budget of
/// [`crate::CompileOptions`] is hit, everything is compiled anew, so that what falls back does not
/// hang on what was there before.
///
/// The catalog must be that of the tables, and an entry of the library must not have changed.
///
/// # Errors
/// As [`compile`].
pub fn recompile(
    before: &DecisionTables,
    input: CompileInput<'_>,
) -> Result<(DecisionTables, Vec<PolicySetId>, CompileReport), Error> {
    if before.is_extensible(input.catalog.n_actions())
        && let Ok(made) = make(before.without_sets(), Some(before), input)
        && made.0.keeps_budgets
    {
        let (mut tables, ids, report) = made;
        let n_kept = report.n_distinct_sets - report.n_compiled_sets;
        tables.n_dead_sets += before.sets.len().saturating_sub(n_kept);
        return Ok((tables, ids, report));
    }
    compile(input, &before.options)
}

impl DecisionTables {
    /// Whether adding to the tables is better than beginning again.
    fn is_extensible(&self, n_actions: usize) -> bool {
        let n_live = self.live_documents().len();
        self.keeps_budgets
            && self.options.interning
            && self.options.action_partition
            && self.n_actions == n_actions
            && self.documents.len() - n_live <= n_live
            && self.n_dead_sets <= self.sets.len()
    }

    /// The same parts in no sets.
    fn without_sets(&self) -> Self {
        let parts = Self {
            program: self.program.clone(),
            maps: self.maps.clone(),
            documents: self.documents.clone(),
            document_hashes: self.document_hashes.clone(),
            cells: self.cells.clone(),
            rules: self.rules.clone(),
            page_tables: self.page_tables.clone(),
            pages: self.pages.clone(),
            ..Self::empty(self.n_actions, &self.options)
        };
        Self { n_dead_sets: self.n_dead_sets, ..parts }
    }
}
