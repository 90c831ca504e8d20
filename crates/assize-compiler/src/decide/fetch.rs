//! Fetching the cells of many groups at once.
//!
//! The way to a cell is four steps through tables that together outgrow the second cache. Taken
//! for one group after the other, each step waits for memory; taken for all groups step by step,
//! the waits overlap.

use super::Group;
use crate::columns::{ActionRef, EndpointLayer, Frame, IdentityLayer, SessionLayer, SetRef};
use crate::tables::{CellPlaces, DecisionTables, N_PAGE_ACTIONS};

/// The layers of a frame that a policy set can stand in.
#[derive(Debug, Clone, Copy)]
pub(super) enum SetSlot {
    ResourceControl,
    ServiceControl,
    Endpoint,
    Grants,
    Resource,
    Identity,
    Boundary,
    Session,
}

/// [`N_PAGE_ACTIONS`] as a position is counted.
const N_PAGE: u32 = 64;
const _: () = assert!(N_PAGE as usize == N_PAGE_ACTIONS, "one page size");

/// How many slots there are.
pub(super) const N_SLOTS: usize = 8;

/// The cells of the sets of a group by slot: positions in the tables, or [`NO_CELL`].
pub(super) type SlotCells = [u32; N_SLOTS];

/// The slot is empty, or its set has no cell for the action in the tables.
pub(super) const NO_CELL: u32 = u32::MAX;

/// The cells of groups.
#[derive(Debug, Clone, Default)]
pub(super) struct Fetched {
    steps: Vec<Step>,
    pub(super) cells: Vec<SlotCells>,
}

/// One cell on the way.
#[derive(Debug, Clone, Copy)]
struct Step {
    group: u32,
    slot: u8,
    /// The action within its page.
    offset: u32,
    /// Where to look next: in the page tables, then in the pages.
    at: u32,
    first_cell: u32,
}

/// The sets of a frame, by slot.
pub(super) fn sets(frame: &Frame) -> [Option<SetRef>; N_SLOTS] {
    let endpoint = match frame.endpoint {
        EndpointLayer::Set(set) => Some(set),
        EndpointLayer::NotApplicable | EndpointLayer::AllowAll => None,
    };
    let identity = match frame.identity {
        IdentityLayer::Set(set) => Some(set),
        IdentityLayer::None | IdentityLayer::AllowAll => None,
    };
    let session = match frame.session {
        SessionLayer::Set(set) | SessionLayer::Task(set) => Some(set),
        SessionLayer::NotApplicable | SessionLayer::Empty => None,
    };
    let (rcp, scp, grants) = (frame.rcp, frame.scp, frame.grants);
    [rcp, scp, endpoint, grants, frame.resource, identity, frame.boundary, session]
}

/// The cells of one frame and action.
pub(super) fn cells_of(tables: &DecisionTables, (frame, action): (&Frame, ActionRef)) -> SlotCells {
    let mut cells = [NO_CELL; N_SLOTS];
    let Some(action) = tables.known_action(action) else { return cells };
    for (cell, set) in cells.iter_mut().zip(sets(frame)) {
        let places = set.and_then(|set| places(tables, set));
        let at = places.and_then(|places| tables.cell_position(places, action));
        *cell = at.unwrap_or(NO_CELL);
    }
    cells
}

/// Where the cells of a set are, if the tables have them.
fn places(tables: &DecisionTables, set: SetRef) -> Option<CellPlaces> {
    let set = Some(set).filter(|set| set.overlay_index().is_none())?;
    tables.sets.get(set.0 as usize)?.places
}

impl Fetched {
    /// Fetches the cells of groups, which are in `cells` by the position of the group then.
    pub(super) fn fetch<'g>(
        &mut self,
        tables: &DecisionTables,
        groups: impl Iterator<Item = Group<'g>>,
    ) {
        self.cells.clear();
        self.steps.clear();
        for group in groups {
            self.begin(tables, &group);
        }
        for step in &mut self.steps {
            let page = tables.page_tables.get(step.at as usize).copied().unwrap_or_default();
            step.at = page * N_PAGE + step.offset;
        }
        for step in &mut self.steps {
            let cell = tables.pages.get(step.at as usize).copied().unwrap_or_default();
            step.at = step.first_cell + u32::from(cell);
            if let Some(cells) = self.cells.get_mut(step.group as usize) {
                cells[usize::from(step.slot)] = step.at;
            }
        }
        self.touch(tables);
    }

    fn begin(&mut self, tables: &DecisionTables, group: &Group<'_>) {
        let number = crate::intern::position(self.cells.len());
        self.cells.push([NO_CELL; N_SLOTS]);
        let Some(action) = tables.known_action(group.action) else { return };
        for (slot, set) in (0..).zip(sets(group.frame)) {
            let Some(places) = set.and_then(|set| places(tables, set)) else { continue };
            self.steps.push(Step {
                group: number,
                slot,
                offset: action % N_PAGE,
                at: places.page_table + action / N_PAGE,
                first_cell: places.first_cell,
            });
        }
    }

    /// Reads the first statements of the cells, all at once as well.
    fn touch(&self, tables: &DecisionTables) {
        let mut sum = 0_u32;
        for step in &self.steps {
            let Some(cell) = tables.cells.get(step.at as usize) else { continue };
            for part in [cell.denies, cell.allows] {
                let rule = tables.rules.get(part.start as usize);
                sum = sum.wrapping_add(rule.map_or(0, |rule| rule.number()));
            }
        }
        std::hint::black_box(sum);
    }
}
