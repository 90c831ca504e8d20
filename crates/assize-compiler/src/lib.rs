#![doc = include_str!("../README.md")]

mod budget;
mod columns;
mod conditions;
mod decide;
mod intern;
mod overlay;
mod partial;
mod partition;
mod program;
mod report;
mod resources;
mod service_rules;
mod simplify;
mod tables;
mod trace;
mod truth;

use assize_catalog::Catalog;
use assize_model::PolicyId;
use assize_policy::PolicyLibrary;

pub use budget::{
    CompileOptions, DEFAULT_MAX_INDEXED_PATTERNS, DEFAULT_MAX_RULES, DEFAULT_MAX_RULES_PER_SET,
    Error, ErrorKind, MAX_DOCUMENTS, MAX_KEPT_RULES, MAX_OVERLAY_ACTIONS, MAX_SETS, MAX_STATEMENTS,
};
pub use columns::{
    ActionRef, DecisionRow, EndpointLayer, Frame, IdentityLayer, KeyId, KeyScope, PolicySetId,
    PrincipalEntry, RequestColumns, ResourceEntry, SessionLayer, SetRef, StatementPlace, ValueId,
    ValueView, Values,
};
pub use decide::{BoundRows, Scratch};
pub use intern::DocumentSource;
pub use overlay::Overlay;
pub use partial::{Gaps, KeySet, PartialColumns, Relevant, RelevantStatement, Side};
pub use report::{CompileReport, Fallback};
pub use tables::{DecisionTables, DocumentRef};
pub use trace::{
    ConditionDetail, EntryDetail, Expected, FailedPart, LayerTrace, PartDetail, RowTrace,
    StatementDetail, StatementTrace,
};

use crate::intern::{Interner, JoinedSets, Maps};
use crate::partition::CellBuilder;
use crate::program::Program;
use crate::simplify::AllowState;

/// One policy set to compile: the documents of a layer, in the order of E-102.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PolicySetSpec {
    /// The documents.
    pub documents: Vec<SetDocument>,
    /// How many nodes must each allow: the length of the path for SCPs and RCPs (E-35), 1 in
    /// every other layer.
    pub n_nodes: u16,
}

/// One document of a policy set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SetDocument {
    /// Its id in the library. An id the library lacks is poison (E-112).
    pub policy: PolicyId,
    /// The position of the node it is attached to.
    pub node: u16,
}

/// What is compiled.
#[derive(Debug, Clone, Copy)]
pub struct CompileInput<'a> {
    /// The actions there are.
    pub catalog: &'a Catalog,
    /// What the documents say.
    pub library: &'a PolicyLibrary,
    /// Which documents stand together.
    pub sets: &'a [PolicySetSpec],
}

/// Compiles policy sets to decision tables. Gives the tables, the set of each spec, and what was
/// done.
///
/// The passes, in order:
/// 1. `intern`: equal documents and sets are one; statements become numbered parts,
/// 2. `resources` and `conditions`, on the way: entries and tests to patterns and atoms,
/// 3. `partition`: action patterns to cells,
/// 4. `simplify`, on the way: static verdicts,
/// 5. `resources` again: indexes of cells with many patterns.
///
/// # Errors
/// When a limit of [`ErrorKind`] is hit. Budgets of [`CompileOptions`] never fail.
pub fn compile(
    input: CompileInput<'_>,
    options: &CompileOptions,
) -> Result<(DecisionTables, Vec<PolicySetId>, CompileReport), Error> {
    let mut program = Program::default();
    let mut maps = Maps::default();
    let interner = Interner { program: &mut program, maps: &mut maps, shared_keys: None, options };
    let mut joined = JoinedSets::default();
    let ids = joined.join(input, interner)?;
    let n_actions = input.catalog.n_actions();
    let mut builder = CellBuilder::new(&mut program, &joined.documents, options, n_actions);
    let mut fallbacks = Vec::new();
    for (at, set) in joined.sets.iter_mut().enumerate() {
        if options.action_partition {
            set.places = builder.set(set.members.of(&joined.members), set.n_nodes);
            if set.places.is_none() {
                fallbacks.push(Fallback::StatementByStatement { set: at });
            }
        }
    }
    fallbacks.append(&mut builder.fallbacks);
    let CellBuilder { cells, rules, pages, page_tables, .. } = builder;
    let tables = DecisionTables {
        program,
        keys: maps.keys,
        documents: joined.documents,
        policies: joined.policies,
        sets: joined.sets,
        members: joined.members,
        cells,
        rules,
        page_tables,
        pages,
        n_actions,
        options: options.clone(),
    };
    let report = report(&tables, input.sets.len(), fallbacks);
    Ok((tables, ids, report))
}

fn report(tables: &DecisionTables, n_sets: usize, fallbacks: Vec<Fallback>) -> CompileReport {
    let program = &tables.program;
    let is_static = |cell: &&tables::Cell| {
        cell.denies
            .of(&tables.rules)
            .first()
            .map_or(cell.allow != AllowState::Depends, |rule| rule.is_unconditional())
    };
    let mut report = CompileReport {
        n_sets,
        n_distinct_sets: tables.sets.len(),
        n_documents: tables.documents.len(),
        n_poison: tables.documents.iter().filter(|d| d.source.policy().is_none()).count(),
        n_statements: program.bodies.len(),
        n_keys: program.keys.len(),
        n_atoms: program.atoms.len(),
        n_patterns: program.patterns.len(),
        n_templates: program.templates.len(),
        n_cells: tables.cells.len(),
        n_static_cells: tables.cells.iter().filter(is_static).count(),
        n_rules: tables.rules.len(),
        n_pages: tables.pages.len() / tables::N_PAGE_ACTIONS,
        n_indexes: program.indexes.len(),
        n_bytes: tables.n_bytes(),
        fallbacks,
        ..CompileReport::default()
    };
    for index in &program.indexes {
        let set = index.set.report();
        report.n_literals += set.n_literals;
        report.n_by_needle += set.n_by_needle;
        report.n_one_by_one += set.n_one_by_one;
    }
    report
}

#[cfg(test)]
mod tests;
