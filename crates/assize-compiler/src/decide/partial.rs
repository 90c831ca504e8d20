//! Checks of which not every context key is known (evaluation, 10.3): the loop runs with every
//! unknown against the request, and once more for it where that can make a difference.

use assize_catalog::Catalog;
use assize_model::{Decision, Effect, Layer, Strength};
use smallvec::SmallVec;

use super::fetch::cells_of;
use super::plan::{CellView, Plan, Restriction};
use super::{Group, MIN_STATIC_ROWS, N_CHUNK_ROWS, Scratch, decide_check, place_of, sort_rows};
use crate::columns::{DecisionRow, Frame, StatementPlace};
use crate::overlay::Overlay;
use crate::partial::{Gaps, PartialColumns, Relevant, RelevantStatement, Side};
use crate::program::Rule;
use crate::program::evaluate::three_valued::SidedEvaluator;
use crate::program::evaluate::{Buffers, GroupEvaluator};
use crate::service_rules::{self, Ending, Grants};
use crate::tables::DecisionTables;
use crate::trace::Check;
use crate::truth::Truth;

/// Both bounds of a row (E-127).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BoundRows {
    /// Every unknown against the request.
    pub worst: DecisionRow,
    /// Every unknown for the request.
    pub best: DecisionRow,
}

impl DecisionTables {
    /// Decides the checks `rows` of the columns into `out`, in order, as
    /// [`DecisionTables::decide`] does, both bounds of each.
    pub fn decide_partial(
        &self,
        overlay: Option<&Overlay>,
        partial: &PartialColumns<'_>,
        scratch: &mut Scratch,
        out: &mut [BoundRows],
    ) {
        let columns = partial.columns;
        out.fill(BoundRows::default());
        scratch.buffers.memo.begin();
        scratch.buffers.same_texts.begin(columns.values);
        scratch.dynamic.begin();
        let n_rows = columns.len().min(out.len());
        let mut start = 0;
        while start < n_rows {
            let end = n_rows.min(start + N_CHUNK_ROWS);
            let mut keys = std::mem::take(&mut scratch.keys);
            sort_rows(columns, start..end, &mut keys);
            let row_of = |key: u64| start + (key & 0xffff) as usize;
            let group_of = |key: u64| (columns.frame[row_of(key)], columns.action[row_of(key)]);
            for group in keys.chunk_by(|&a, &b| group_of(a) == group_of(b)) {
                let (number, action) = group_of(group[0]);
                if let Some(frame) = columns.frames.get(number) {
                    let group = Group { number, frame, action, first_row: start, keys: group };
                    self.bound_group(overlay, partial, group, scratch, out);
                }
            }
            scratch.keys = keys;
            start = end;
        }
    }

    fn bound_group(
        &self,
        overlay: Option<&Overlay>,
        partial: &PartialColumns<'_>,
        group: Group<'_>,
        scratch: &mut Scratch,
        out: &mut [BoundRows],
    ) {
        let columns = partial.columns;
        let Scratch { dynamic, buffers, .. } = scratch;
        let asked = (group.frame, group.action);
        let cells = cells_of(self, asked);
        dynamic.prepare(self, overlay, asked, &cells);
        let plan = Plan::new(self, overlay, asked, dynamic, &cells);
        let shared = &self.program;
        let programs = overlay.map(|overlay| &overlay.program);
        let fixed = (group.keys.len() >= MIN_STATIC_ROWS)
            .then(|| decide_check(&plan, &mut GroupEvaluator { shared, overlay: programs }).ok())
            .flatten();
        for &key in group.keys {
            let row = group.first_row + (key & 0xffff) as usize;
            let same_frame = partial.best_frame.get(row) == columns.frame.get(row);
            if let Some(answer) = fixed.filter(|_| same_frame) {
                out[row] = BoundRows { worst: answer, best: answer };
                continue;
            }
            let Some(mut sides) = self.sides(overlay, partial, row, buffers) else { continue };
            let Ok(worst) = decide_check(&plan, &mut sides) else { continue };
            let mut best = worst;
            if !same_frame || sides.met_unknown {
                sides.side = Side::Best;
                let frame = partial.on(Side::Best).frame.get(row);
                let frame = frame.and_then(|frame| columns.frames.get(*frame));
                let plan = Plan { frame: frame.unwrap_or(group.frame), ..plan.clone() };
                best = decide_check(&plan, &mut sides).unwrap_or(worst);
            }
            out[row] = BoundRows { worst, best };
        }
    }

    /// The evaluator of a row, on the worst side.
    fn sides<'a>(
        &'a self,
        overlay: Option<&'a Overlay>,
        partial: &PartialColumns<'a>,
        row: usize,
        buffers: &'a mut Buffers,
    ) -> Option<SidedEvaluator<'a>> {
        let gaps: &Gaps = partial.gaps_of(row)?;
        let overlay = overlay.map(|overlay| &overlay.program);
        Some(SidedEvaluator {
            row: self.row_evaluator(overlay, partial.columns, row, buffers)?,
            gaps,
            single: partial.single,
            organizations: partial.organizations,
            side: Side::Worst,
            met_unknown: false,
        })
    }

    /// E-129: the statements that can turn a check whose bounds differ. `catalog` is the one the
    /// tables were compiled with, `scratch` that which the columns were decided with.
    pub fn relevant(
        &self,
        catalog: &Catalog,
        overlay: Option<&Overlay>,
        partial: &PartialColumns<'_>,
        row: usize,
        scratch: &mut Scratch,
    ) -> Relevant {
        self.find_relevant(catalog, overlay, partial, row, scratch).unwrap_or_default()
    }

    fn find_relevant(
        &self,
        catalog: &Catalog,
        overlay: Option<&Overlay>,
        partial: &PartialColumns<'_>,
        row: usize,
        scratch: &mut Scratch,
    ) -> Option<Relevant> {
        let columns = partial.on(Side::Best);
        let frame = columns.frames.get(*columns.frame.get(row)?)?;
        let action = *columns.action.get(row)?;
        let cells = cells_of(self, (frame, action));
        scratch.dynamic.prepare(self, overlay, (frame, action), &cells);
        let plan = Plan::new(self, overlay, (frame, action), &scratch.dynamic, &cells);
        let mut sides = self.sides(overlay, partial, row, &mut scratch.buffers)?;
        sides.side = Side::Best;
        let best = decide_check(&plan, &mut sides).ok()?;
        let mut found = Relevant::default();
        if best.decision == Decision::ExplicitDeny {
            return Some(found);
        }
        let mut denies = open_denies(&plan, &mut sides);
        let mut allows = match best.decision {
            Decision::Allowed => relevant_allows(&plan, &mut sides),
            _ => SmallVec::new(),
        };
        let order = |open: &Open| {
            let StatementPlace { in_grants, document, statement } = open.place;
            (open.layer, !in_grants, document, statement)
        };
        denies.sort_by_key(order);
        allows.sort_by_key(order);
        let (_, check) = self.check(catalog, overlay, &columns, row)?;
        let check = check.with_gaps(partial)?;
        let statement = |open: &Open| self.relevant_statement(&check, frame, *open);
        found.denies = denies.iter().filter_map(statement).collect();
        found.allows = allows.iter().filter_map(statement).collect();
        Some(found)
    }

    fn relevant_statement(
        &self,
        check: &Check<'_>,
        frame: &Frame,
        open: Open,
    ) -> Option<RelevantStatement> {
        let Open { layer, place, .. } = open;
        let set = self.set(check.overlay, frame.set_at(layer, place)?);
        let member = *set.members.get(usize::from(place.document))?;
        let (document, _) = self.member(check.overlay, member)?;
        let statements = &document.source.policy()?.statements;
        let keys = check.open_keys(statements.get(usize::from(place.statement?))?);
        Some(RelevantStatement { layer, place, keys })
    }
}

/// A statement that is U.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Open {
    pub(crate) layer: Layer,
    pub(crate) place: StatementPlace,
    pub(crate) slot: Option<Slot>,
}

/// The terms of E-52 – E-55 that an Allow can set (E-129).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Identity,
    Boundary,
    Session,
    Direct,
    Entity,
    Account,
}

/// Open Allow statements, and which terms are true without them.
type Opens = SmallVec<[Open; 4]>;

/// Every U Deny of an applicable layer that E-83 does not cancel.
fn open_denies(plan: &Plan<'_>, sides: &mut SidedEvaluator<'_>) -> Opens {
    let mut open = Opens::new();
    for layer in &plan.denies {
        if plan.frame.builtin_allow && layer.layer != Layer::VpcEndpoint {
            continue;
        }
        for &rule in layer.rules {
            sides.each(rule, |found, _, truth| {
                if truth == Truth::Unknown {
                    let place = place_of(found, layer.in_grants);
                    open.push(Open { layer: layer.layer, place, slot: None });
                }
                true
            });
        }
    }
    open
}

/// Every U Allow whose slot is relevant.
fn relevant_allows(plan: &Plan<'_>, sides: &mut SidedEvaluator<'_>) -> Opens {
    let mut relevant = Opens::new();
    for &(layer, cell) in &plan.guards {
        if !plan.frame.builtin_allow || layer == Layer::VpcEndpoint {
            guardrail_allows(layer, cell, sides, &mut relevant);
        }
    }
    if plan.frame.builtin_allow {
        return relevant;
    }
    let mut open = Opens::new();
    let mut terms = Grants {
        identity: plan.identity_allows_all,
        boundary: matches!(plan.boundary, Restriction::None),
        session: matches!(plan.session, Restriction::None),
        ..Grants::default()
    };
    let mut settle = |sides: &mut SidedEvaluator<'_>,
                      layer,
                      in_grants,
                      rules: &[Rule],
                      slot: SlotOf| {
        for &rule in rules {
            sides.each(rule, |found, effect, truth| {
                debug_assert_eq!(effect, Effect::Allow, "allows of a cell allow");
                let slot = slot(found.strength);
                if truth == Truth::True {
                    set(&mut terms, slot, true);
                } else {
                    open.push(Open { layer, place: place_of(found, in_grants), slot: Some(slot) });
                }
                true
            });
        }
    };
    if let Some(cell) = plan.identity {
        settle(sides, Layer::Identity, false, cell.allows, |_| Slot::Identity);
    }
    if let Restriction::Cell(cell) = plan.boundary {
        settle(sides, Layer::Boundary, false, cell.allows, |_| Slot::Boundary);
    }
    if let Restriction::Cell(cell) = plan.session {
        settle(sides, Layer::Session, false, cell.allows, |_| Slot::Session);
    }
    for &(in_grants, rules) in &plan.resource_allows {
        settle(sides, Layer::Resource, in_grants, rules, |strength| match strength {
            Strength::Direct => Slot::Direct,
            Strength::Entity => Slot::Entity,
            Strength::Account => Slot::Account,
        });
    }
    open.retain(|open| open.slot.is_some_and(|slot| !get(terms, slot)));
    let slots: SmallVec<[Slot; 6]> = open.iter().filter_map(|open| open.slot).collect();
    relevant.extend(
        open.into_iter()
            .filter(|open| open.slot.is_some_and(|slot| is_relevant(plan, terms, slot, &slots))),
    );
    relevant
}

type SlotOf = fn(Strength) -> Slot;

/// An open node of a guardrail is relevant.
fn guardrail_allows(
    layer: Layer,
    cell: CellView<'_>,
    sides: &mut SidedEvaluator<'_>,
    relevant: &mut Opens,
) {
    for rules in cell.allows.chunk_by(|a, b| a.node == b.node) {
        let n_before = relevant.len();
        let mut settled = false;
        for &rule in rules {
            sides.each(rule, |found, _, truth| {
                settled |= truth == Truth::True;
                relevant.push(Open { layer, place: place_of(found, false), slot: None });
                !settled
            });
        }
        if settled {
            relevant.truncate(n_before);
        }
    }
}

/// Whether the formula of E-52 – E-55 changes with a slot, for some setting of the other open
/// ones.
fn is_relevant(plan: &Plan<'_>, terms: Grants, slot: Slot, open: &[Slot]) -> bool {
    let mut others: SmallVec<[Slot; 6]> = SmallVec::new();
    for other in open {
        if *other != slot && !others.contains(other) {
            others.push(*other);
        }
    }
    let granted = |mut terms: Grants, to| {
        set(&mut terms, slot, to);
        matches!(service_rules::conclude(plan.frame, terms), Ending::Allowed { .. })
    };
    (0..1_u32 << others.len()).any(|setting| {
        let mut terms = terms;
        for (at, other) in others.iter().enumerate() {
            set(&mut terms, *other, setting >> at & 1 == 1);
        }
        granted(terms, true) != granted(terms, false)
    })
}

fn term(terms: &mut Grants, slot: Slot) -> &mut bool {
    match slot {
        Slot::Identity => &mut terms.identity,
        Slot::Boundary => &mut terms.boundary,
        Slot::Session => &mut terms.session,
        Slot::Direct => &mut terms.direct,
        Slot::Entity => &mut terms.entity,
        Slot::Account => &mut terms.account,
    }
}

fn set(terms: &mut Grants, slot: Slot, to: bool) {
    *term(terms, slot) = to;
}

fn get(mut terms: Grants, slot: Slot) -> bool {
    *term(&mut terms, slot)
}
