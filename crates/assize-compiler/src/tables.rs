//! Decision tables: policy sets × actions to cells of statements.

mod dump;

use std::mem::size_of_val;

use assize_model::{ActionId, PolicyId};

use crate::budget::CompileOptions;
use crate::columns::{ActionRef, KeyId, KeyScope, OVERLAY_BIT, PolicySetId, SetRef};
use crate::intern::{Document, Maps};
use crate::overlay::Overlay;
use crate::program::{Part, Program, Rule};
use crate::simplify::AllowState;
use crate::stamp::Stamp;

/// Actions on one page of the action table.
pub(crate) const N_PAGE_ACTIONS: usize = 64;

/// A document of the tables or of an overlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentRef(pub(crate) u32);

/// A document of a set and the node it is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SetMember {
    /// The document; one of an overlay has [`OVERLAY_BIT`].
    pub(crate) document: u32,
    pub(crate) node: u16,
}

/// A distinct policy set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PolicySet {
    /// The part of the members.
    pub(crate) members: Part,
    /// How many nodes must each allow.
    pub(crate) n_nodes: u16,
    /// The first document that does not load.
    pub(crate) poison: Option<u16>,
    /// Where its cells are; none if it is matched statement by statement.
    pub(crate) places: Option<CellPlaces>,
}

/// Where the cells of a set are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CellPlaces {
    /// Where its page table begins.
    pub(crate) page_table: u32,
    /// Its first cell; pages count from it.
    pub(crate) first_cell: u32,
}

/// The statements of a set that stand over an action.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) denies: Part,
    pub(crate) allows: Part,
    pub(crate) allow: AllowState,
}

/// Compiled policies: everything that deciding needs, immutable and shared.
///
/// # Layout
/// A policy set has a table of pages, a page the cell of 64 actions, a cell the statements of
/// the set that are about these actions, denies and allows apart, in the order of E-102.
/// Statements, conditions, resource patterns and principals are shared by all sets.
#[derive(Debug, Clone)]
pub struct DecisionTables {
    pub(crate) program: Program,
    /// What compiling again has to know of the program.
    pub(crate) maps: Maps,
    pub(crate) documents: Vec<Document>,
    /// What each document says, as one number.
    pub(crate) document_hashes: Vec<u64>,
    /// The documents by their ids in the library, sorted.
    pub(crate) policies: Vec<(PolicyId, u32)>,
    pub(crate) sets: Vec<PolicySet>,
    pub(crate) members: Vec<SetMember>,
    pub(crate) cells: Vec<Cell>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) page_tables: Vec<u32>,
    /// Cells of actions, counted from the first cell of the set: two bytes, so that what a batch
    /// touches stays in the second cache.
    pub(crate) pages: Vec<u16>,
    pub(crate) n_actions: usize,
    pub(crate) options: CompileOptions,
    /// Whether no budget was hit.
    pub(crate) keeps_budgets: bool,
    /// How many sets compiling again has left behind: their cells are still there.
    pub(crate) n_dead_sets: usize,
    /// Tells these tables from all others.
    pub(crate) stamp: Stamp,
}

/// A set of the tables or of an overlay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SetView<'a> {
    pub(crate) members: &'a [SetMember],
    pub(crate) n_nodes: u16,
    pub(crate) poison: Option<u16>,
}

impl DecisionTables {
    /// Tables of no sets.
    pub(crate) fn empty(n_actions: usize, options: &CompileOptions) -> Self {
        Self {
            program: Program::default(),
            maps: Maps::default(),
            documents: Vec::new(),
            document_hashes: Vec::new(),
            policies: Vec::new(),
            sets: Vec::new(),
            members: Vec::new(),
            cells: Vec::new(),
            rules: Vec::new(),
            page_tables: Vec::new(),
            pages: Vec::new(),
            n_actions,
            options: options.clone(),
            keeps_budgets: true,
            stamp: Stamp::default(),
            n_dead_sets: 0,
        }
    }

    /// The documents that some set holds, ascending.
    pub(crate) fn live_documents(&self) -> Vec<u32> {
        let mut live: Vec<u32> = self.policies.iter().map(|known| known.1).collect();
        live.sort_unstable();
        live.dedup();
        live
    }

    /// The number of keys that the policies ask about; their ids are `0..n_keys()`.
    pub fn n_keys(&self) -> usize {
        self.program.keys.len()
    }

    /// The keys in order of their ids: folded name and where values come from.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = (KeyId, &str, KeyScope)> {
        let keys = self.program.keys.iter().zip(&self.program.scopes).enumerate();
        keys.map(|(at, (key, scope))| (KeyId(crate::intern::position(at)), &**key, *scope))
    }

    /// The key of a folded name, if the policies ask about it.
    pub fn key(&self, folded: &str) -> Option<KeyId> {
        self.maps.keys.get(folded).copied().map(KeyId)
    }

    /// The number of distinct policy sets.
    pub fn n_sets(&self) -> usize {
        self.sets.len()
    }

    /// The document of a library id, if a compiled set holds it.
    pub fn document(&self, policy: PolicyId) -> Option<DocumentRef> {
        let at = self.policies.binary_search_by_key(&policy, |known| known.0).ok()?;
        Some(DocumentRef(self.policies[at].1))
    }

    /// The documents of a set, in order.
    pub fn set_documents(&self, set: PolicySetId) -> impl ExactSizeIterator<Item = DocumentRef> {
        let members = self.sets.get(set.index()).map(|set| set.members).unwrap_or_default();
        members.of(&self.members).iter().map(|member| DocumentRef(member.document))
    }

    /// A set by its reference. A reference to nothing is a set of no documents, which allows
    /// nothing.
    pub(crate) fn set<'a>(&'a self, overlay: Option<&'a Overlay>, set: SetRef) -> SetView<'a> {
        let found = match set.overlay_index() {
            Some(at) => {
                overlay.and_then(|overlay| overlay.sets.get(at).map(|set| (set, &overlay.members)))
            }
            None => self.sets.get(set.0 as usize).map(|set| (set, &self.members)),
        };
        let Some((set, members)) = found else {
            return SetView { members: &[], n_nodes: 1, poison: None };
        };
        SetView { members: set.members.of(members), n_nodes: set.n_nodes, poison: set.poison }
    }

    /// The document of a member, and the program its statements are in.
    pub(crate) fn member<'a>(
        &'a self,
        overlay: Option<&'a Overlay>,
        member: SetMember,
    ) -> Option<(&'a Document, &'a Program)> {
        if member.document & OVERLAY_BIT == 0 {
            return Some((self.documents.get(member.document as usize)?, &self.program));
        }
        let overlay = overlay?;
        let at = (member.document & !OVERLAY_BIT) as usize;
        Some((overlay.documents.get(at)?, &overlay.program))
    }

    /// The cell of a set and an action of the catalog.
    pub(crate) fn cell(&self, places: CellPlaces, action: u32) -> Option<&Cell> {
        self.cells.get(self.cell_position(places, action)? as usize)
    }

    /// The position of a cell.
    pub(crate) fn cell_position(&self, places: CellPlaces, action: u32) -> Option<u32> {
        let action = action as usize;
        if action >= self.n_actions {
            return None;
        }
        let page = self.page_tables[places.page_table as usize + action / N_PAGE_ACTIONS] as usize;
        let cell = self.pages[page * N_PAGE_ACTIONS + action % N_PAGE_ACTIONS];
        Some(places.first_cell + u32::from(cell))
    }

    /// An estimate of the bytes of the tables, by the sizes of their parts.
    pub(crate) fn n_bytes(&self) -> usize {
        let program = &self.program;
        let patterns: usize =
            program.patterns.iter().map(|pattern| 200 + 2 * pattern.n_bytes()).sum();
        let indexes: usize = program
            .indexes
            .iter()
            .map(|index| {
                let report = index.set.report();
                let of_set = report.automaton_bytes + report.n_distinct * 300;
                size_of_val(&*index.bodies)
                    + size_of_val(&*index.owners)
                    + if index.first == 0 { of_set } else { 0 }
            })
            .sum();
        size_of_val(&*self.pages)
            + size_of_val(&*self.page_tables)
            + size_of_val(&*self.cells)
            + size_of_val(&*self.rules)
            + size_of_val(&*self.sets)
            + size_of_val(&*self.members)
            + size_of_val(&*self.documents)
            + size_of_val(&*program.bodies)
            + size_of_val(&*program.action_ranges)
            + size_of_val(&*program.action_starts)
            + size_of_val(&*program.atoms)
            + size_of_val(&*program.atom_ids)
            + size_of_val(&*program.pattern_lists)
            + size_of_val(&*program.pattern_ids)
            + patterns
            + indexes
    }
}

impl DecisionTables {
    /// The action of the tables' catalog behind a reference, if it is one.
    pub(crate) fn known_action(&self, action: ActionRef) -> Option<u32> {
        action.action().map(ActionId::get).filter(|&action| (action as usize) < self.n_actions)
    }
}
