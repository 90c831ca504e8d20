//! Decision tables: policy sets × actions to cells of statements.

use std::fmt::Write as _;
use std::mem::size_of_val;

use assize_model::{ActionId, Id, PolicyId};

use crate::budget::CompileOptions;
use crate::columns::{ActionRef, KeyId, KeyScope, OVERLAY_BIT, PolicySetId, SetRef};
use crate::intern::{Document, KeyMap};
use crate::overlay::Overlay;
use crate::program::{Part, Program, Rule, Target};
use crate::simplify::AllowState;

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
    pub(crate) keys: KeyMap,
    pub(crate) documents: Vec<Document>,
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
}

/// A set of the tables or of an overlay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SetView<'a> {
    pub(crate) members: &'a [SetMember],
    pub(crate) n_nodes: u16,
    pub(crate) poison: Option<u16>,
}

impl DecisionTables {
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
        self.keys.get(folded).copied().map(KeyId)
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
                size_of_val(&*index.bodies)
                    + size_of_val(&*index.owners)
                    + report.automaton_bytes
                    + report.n_distinct * 300
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

    /// The tables as text: sets in order, each with its stretches of equal cells. Equal tables
    /// have equal texts, whatever made them.
    pub fn dump(&self) -> String {
        let mut text = String::new();
        let mut write = |line: std::fmt::Arguments<'_>| {
            // Writing to a string cannot fail.
            let _ = text.write_fmt(line);
            text.push('\n');
        };
        for (id, key, scope) in self.keys() {
            write(format_args!("key {} {key} {scope:?}", id.0));
        }
        for (at, atom) in self.program.atoms.iter().enumerate() {
            write(format_args!(
                "atom {at} {:?} of key {} {:?}",
                atom.quantifier, atom.key, atom.test
            ));
        }
        for (at, body) in self.program.bodies.iter().enumerate() {
            write(format_args!(
                "statement {at} {body:?} {:?}",
                body.atoms.of(&self.program.atom_ids)
            ));
        }
        for (at, set) in self.sets.iter().enumerate() {
            let members = set.members.of(&self.members);
            write(format_args!(
                "set {at} nodes {} poison {:?} {members:?}",
                set.n_nodes, set.poison
            ));
            self.dump_cells(set, &mut write);
        }
        text
    }

    fn dump_cells(&self, set: &PolicySet, write: &mut impl FnMut(std::fmt::Arguments<'_>)) {
        let Some(places) = set.places else { return };
        let mut last: Option<String> = None;
        for action in (0..self.n_actions).map(ActionId::from_index) {
            let Some(cell) = self.cell(places, action.get()) else { continue };
            let line = format!(
                "{:?} deny {} allow {}",
                cell.allow,
                self.dump_rules(cell.denies),
                self.dump_rules(cell.allows)
            );
            if last.as_ref() != Some(&line) {
                write(format_args!("  from {} {line}", action.get()));
                last = Some(line);
            }
        }
    }

    fn dump_rules(&self, part: Part) -> String {
        let mut text = String::new();
        for rule in part.of(&self.rules) {
            let bodies = match rule.target() {
                Target::Index(at) => &*self.program.indexes[at as usize].bodies,
                Target::Body(at) | Target::Unconditional(at) => &[at],
            };
            let _ = write!(text, "[{}@{} {bodies:?}]", rule.document, rule.node);
        }
        text
    }
}

impl DecisionTables {
    /// The action of the tables' catalog behind a reference, if it is one.
    pub(crate) fn known_action(&self, action: ActionRef) -> Option<u32> {
        action.action().map(ActionId::get).filter(|&action| (action as usize) < self.n_actions)
    }
}
