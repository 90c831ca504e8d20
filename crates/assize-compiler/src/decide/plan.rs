//! What stands in the layers of a group: its cells, fetched once.

use assize_model::Layer;
use smallvec::SmallVec;

use super::allows;
use super::dynamic::DynamicCells;
use super::fetch::{SetSlot, SlotCells};
use crate::columns::{ActionRef, EndpointLayer, Frame, IdentityLayer, SessionLayer, SetRef};
use crate::overlay::Overlay;
use crate::program::Rule;
use crate::program::evaluate::{Evaluate, Undecided};
use crate::simplify::AllowState;
use crate::tables::DecisionTables;

/// The statements of one set over the action of the group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CellView<'a> {
    pub(crate) denies: &'a [Rule],
    pub(crate) allows: &'a [Rule],
    pub(crate) allow: AllowState,
    pub(crate) n_nodes: u16,
}

impl DecisionTables {
    /// The cell at a position.
    fn cell_view(&self, at: u32, n_nodes: u16) -> Option<CellView<'_>> {
        let cell = self.cells.get(at as usize)?;
        let (denies, allows) = (cell.denies.of(&self.rules), cell.allows.of(&self.rules));
        Some(CellView { denies, allows, allow: cell.allow, n_nodes })
    }
}

/// The Deny statements of a layer, or that it is poisoned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Denies<'a> {
    pub(super) layer: Layer,
    pub(super) in_grants: bool,
    pub(super) poison: Option<u16>,
    pub(super) rules: &'a [Rule],
}

/// A layer of which only whether it allows is of interest.
#[derive(Debug, Clone, Copy)]
pub(super) enum Restriction<'a> {
    /// It does not apply.
    None,
    /// It allows nothing.
    Empty,
    /// Its statements.
    Cell(CellView<'a>),
}

impl Restriction<'_> {
    pub(super) fn is_none_or_allows(
        &self,
        evaluator: &mut impl Evaluate,
    ) -> Result<bool, Undecided> {
        match self {
            Self::None => Ok(true),
            Self::Empty => Ok(false),
            Self::Cell(cell) => allows(*cell, evaluator),
        }
    }
}

/// Layers that can deny: the seven of E-50, and grants.
const N_LAYERS: usize = 8;

/// Everything about a group that does not depend on the row.
#[derive(Debug, Clone)]
pub(super) struct Plan<'a> {
    pub(super) frame: &'a Frame,
    /// Layers with Deny statements or poison, in the order of E-50.
    pub(super) denies: SmallVec<[Denies<'a>; N_LAYERS]>,
    /// The guardrails that do not allow always (E-51).
    pub(super) guards: SmallVec<[(Layer, CellView<'a>); 3]>,
    /// Resource-based Allow statements, those of grants first.
    pub(super) resource_allows: SmallVec<[(bool, &'a [Rule]); 2]>,
    pub(super) identity: Option<CellView<'a>>,
    pub(super) identity_allows_all: bool,
    pub(super) boundary: Restriction<'a>,
    pub(super) session: Restriction<'a>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        tables: &'a DecisionTables,
        overlay: Option<&'a Overlay>,
        (frame, action): (&'a Frame, ActionRef),
        dynamic: &'a DynamicCells,
        cells: &SlotCells,
    ) -> Self {
        Self::with(frame, |slot, set| {
            let view = tables.set(overlay, set);
            let cell = tables.cell_view(cells[slot as usize], view.n_nodes);
            (cell.unwrap_or_else(|| dynamic.get(set, action, view.n_nodes)), view.poison)
        })
    }

    /// The plan of a frame whose sets all have their cells in the tables. What had none would
    /// allow nothing.
    pub(super) fn of_cells(
        tables: &'a DecisionTables,
        frame: &'a Frame,
        cells: &SlotCells,
    ) -> Self {
        Self::with(frame, |slot, set| {
            let view = tables.set(None, set);
            let none = CellView { denies: &[], allows: &[], allow: AllowState::Never, n_nodes: 1 };
            let cell = tables.cell_view(cells[slot as usize], view.n_nodes);
            (cell.unwrap_or(none), view.poison)
        })
    }

    fn with(
        frame: &'a Frame,
        fetch: impl Fn(SetSlot, SetRef) -> (CellView<'a>, Option<u16>),
    ) -> Self {
        let mut plan = Self {
            frame,
            denies: SmallVec::new(),
            guards: SmallVec::new(),
            resource_allows: SmallVec::new(),
            identity: None,
            identity_allows_all: frame.identity == IdentityLayer::AllowAll,
            boundary: Restriction::None,
            session: Restriction::None,
        };
        plan.guardrails(&fetch);
        plan.resource(&fetch);
        if let IdentityLayer::Set(set) = frame.identity {
            plan.identity = Some(plan.deny(Layer::Identity, fetch(SetSlot::Identity, set)));
        }
        if let Some(set) = frame.boundary {
            plan.boundary =
                Restriction::Cell(plan.deny(Layer::Boundary, fetch(SetSlot::Boundary, set)));
        }
        plan.session = match frame.session {
            SessionLayer::NotApplicable => Restriction::None,
            SessionLayer::Empty => Restriction::Empty,
            SessionLayer::Set(set) => {
                Restriction::Cell(plan.deny(Layer::Session, fetch(SetSlot::Session, set)))
            }
            SessionLayer::Task(set) => {
                plan.deny(Layer::Session, fetch(SetSlot::Session, set));
                Restriction::None
            }
        };
        plan
    }

    /// Takes in what a layer denies.
    fn deny(&mut self, layer: Layer, (cell, poison): (CellView<'a>, Option<u16>)) -> CellView<'a> {
        if poison.is_some() || !cell.denies.is_empty() {
            self.denies.push(Denies { layer, in_grants: false, poison, rules: cell.denies });
        }
        cell
    }

    fn guardrails(&mut self, fetch: impl Fn(SetSlot, SetRef) -> (CellView<'a>, Option<u16>)) {
        let endpoint = match self.frame.endpoint {
            EndpointLayer::Set(set) => Some(set),
            EndpointLayer::NotApplicable | EndpointLayer::AllowAll => None,
        };
        let guardrails = [
            (Layer::ResourceControl, SetSlot::ResourceControl, self.frame.rcp),
            (Layer::ServiceControl, SetSlot::ServiceControl, self.frame.scp),
            (Layer::VpcEndpoint, SetSlot::Endpoint, endpoint),
        ];
        for (layer, slot, set) in guardrails {
            let Some(set) = set else { continue };
            let cell = self.deny(layer, fetch(slot, set));
            if cell.allow != AllowState::Always {
                self.guards.push((layer, cell));
            }
        }
    }

    /// Grants and the resource's own policies, with the exceptions of E-83 and E-84.
    fn resource(&mut self, fetch: impl Fn(SetSlot, SetRef) -> (CellView<'a>, Option<u16>)) {
        let sets = [
            (true, SetSlot::Grants, self.frame.grants),
            (false, SetSlot::Resource, self.frame.resource),
        ];
        for (in_grants, slot, set) in sets {
            let Some((cell, poison)) = set.map(|set| fetch(slot, set)) else { continue };
            let frame = self.frame;
            let rules = if frame.ignore_resource_denies && !in_grants { &[] } else { cell.denies };
            if poison.is_some() || !rules.is_empty() {
                self.denies.push(Denies { layer: Layer::Resource, in_grants, poison, rules });
            }
            let ignored = frame.ignore_resource_allows && !in_grants;
            if !ignored && !cell.allows.is_empty() {
                self.resource_allows.push((in_grants, cell.allows));
            }
        }
    }
}
