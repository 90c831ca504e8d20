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
mod recompile;
mod report;
mod resources;
mod service_rules;
mod simplify;
mod stamp;
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
    ActionRef, DecisionRow, EndpointLayer, Frame, Frames, IdentityLayer, KeyId, KeyScope,
    PolicySetId, PrincipalEntry, Principals, RequestColumns, ResourcePlace, Resources,
    SessionLayer, SetRef, StatementPlace, ValueId, ValueView, Values, position_in,
};
pub use decide::{BoundRows, Scratch};
pub use intern::DocumentSource;
pub use overlay::Overlay;
pub use partial::{
    Gaps, KeySet, OrganizationKey, PartialColumns, Relevant, RelevantStatement, Side,
};
pub use recompile::recompile;
pub use report::{CompileReport, Fallback};
pub use tables::{DecisionTables, DocumentRef};
pub use trace::{
    ConditionDetail, EntryDetail, Expected, FailedPart, LayerTrace, PartDetail, RowTrace,
    StatementDetail, StatementTrace, Void,
};

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
/// The passes, in order, each with its switch in [`CompileOptions`], where it says what it buys:
///
/// | pass | function | switch |
/// |---|---|---|
/// | equal documents and sets are one; statements become numbered parts | `intern::join` | `interning` |
/// | on the way: conditions to atoms, equal ones to one | `conditions::lower` | `shared_atoms` |
/// | on the way: resource elements to patterns and templates | `resources::lower` | – |
/// | action patterns to runs of actions, runs to cells | `partition::fill` | `action_partition` |
/// | on the way: what no row can change is settled | `simplify::cut_denies`, `cut_allows`, `allow_state` | `static_verdicts` |
/// | on the way: literals, rare parts and the rest of many patterns to one search | `resources::indexes` | `pattern_sets` |
/// | layout: cells of a set in a row, actions to cells by pages of two bytes each | `partition::CellBuilder::page` | `shared_pages` |
///
/// While deciding, two more run:
///
/// | pass | module | switch |
/// |---|---|---|
/// | what the layers say together is kept between batches | `decide::joint` | `joint_cells` |
/// | conditions on what is constant for a principal, a resource or a value are folded to bits of it | `decide::facts` | `row_facts` |
///
/// [`CompileReport`] says what was chosen, how large it became, and where a slower form took over.
///
/// # Errors
/// When a limit of [`ErrorKind`] is hit. Budgets of [`CompileOptions`] never fail.
pub fn compile(
    input: CompileInput<'_>,
    options: &CompileOptions,
) -> Result<(DecisionTables, Vec<PolicySetId>, CompileReport), Error> {
    make(DecisionTables::empty(input.catalog.n_actions(), options), None, input)
}

/// Runs the passes over tables that have no sets yet, and takes over what those of before have.
fn make(
    mut tables: DecisionTables,
    before: Option<&DecisionTables>,
    input: CompileInput<'_>,
) -> Result<(DecisionTables, Vec<PolicySetId>, CompileReport), Error> {
    let ids = intern::join(&mut tables, before, input)?;
    let (n_compiled_sets, fallbacks) = partition::fill(&mut tables);
    tables.keeps_budgets = fallbacks.is_empty();
    let mut report = CompileReport::of(&tables);
    report.n_sets = input.sets.len();
    report.n_compiled_sets = n_compiled_sets;
    report.fallbacks.splice(..0, fallbacks);
    Ok((tables, ids, report))
}

#[cfg(test)]
mod tests;
