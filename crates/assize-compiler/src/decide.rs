//! The loop that decides columns of checks.
//!
//! What all layers say of a frame and an action is kept as one joint cell ([`joint`]). Rows whose
//! frame and action are new are sorted by both: the cells of a group's layers are fetched once, and
//! what they say without a row decides the whole group. Only what is left looks at rows.

mod dynamic;
mod facts;
mod fetch;
mod joint;
mod partial;
mod plan;
mod step;

use std::ops::Range;

use assize_model::{AllowedBy, Layer, ReasonCode, Strength};

use self::dynamic::DynamicCells;
use self::facts::Facts;
use self::fetch::{Fetched, SlotCells};
use self::joint::Joints;
pub use self::partial::BoundRows;
use self::plan::{CellView, Plan};
use crate::columns::{ActionRef, DecisionRow, Frame, RequestColumns, StatementPlace, ValueId};
use crate::intern::position;
use crate::overlay::Overlay;
use crate::program::evaluate::{
    Applying, Buffers, Evaluate, GroupEvaluator, RowEvaluator, Undecided,
};
use crate::program::{Program, Rule};
use crate::service_rules::{self, Ending, Grants};
use crate::simplify::AllowState;
use crate::tables::DecisionTables;

/// Rows that are sorted together: as many as leave the texts of their resources in the second
/// cache. With 16,384 the account workload (W2) takes 1.5 times as long.
const N_CHUNK_ROWS: usize = 1 << 12;
/// Groups of fewer rows go straight to the rows: asking first whether the group needs them costs
/// as much as asking the row.
const MIN_STATIC_ROWS: usize = 3;
/// Facts of fewer rows are not worth it: each asks all conditions of a key at once.
pub(crate) const MIN_FACT_ROWS: usize = 8;

/// Working memory of deciding, one for each thread. It grows during the first batch and is then
/// only reused.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    keys: Vec<u64>,
    groups: Vec<(u32, u32)>,
    fetched: Fetched,
    joints: Joints,
    facts: Facts,
    /// Rows of the chunk whose joints hang on the row, and the joints.
    open: Vec<(u16, u16)>,
    dynamic: DynamicCells,
    buffers: Buffers,
}

impl Scratch {
    /// Fresh working memory.
    pub fn new() -> Self {
        Self::default()
    }
}

impl DecisionTables {
    /// Decides the checks `rows` of the columns into `out`, in order: `out[n]` is the answer to
    /// row `rows.start + n`.
    ///
    /// Rows that the columns do not have, or that point outside the lists of the columns, are
    /// not allowed. Once the batches of a shape came twice nothing is allocated,
    /// unless they hold more frames and actions than are kept.
    pub fn decide(
        &self,
        overlay: Option<&Overlay>,
        columns: &RequestColumns<'_>,
        rows: Range<usize>,
        scratch: &mut Scratch,
        out: &mut [DecisionRow],
    ) {
        let lengths = [columns.principal.len(), columns.resource.len(), columns.frame.len()];
        let n_rows = lengths.into_iter().fold(columns.action.len(), usize::min);
        debug_assert!(rows.end <= n_rows && out.len() == rows.len(), "columns of one length");
        scratch.buffers.memo.begin();
        scratch.buffers.same_texts.begin(columns.values);
        scratch.dynamic.begin();
        if scratch.joints.begin(self, columns.frames) {
            scratch.facts = Facts::default();
        }
        scratch.facts.begin_run(columns.principals);
        let rows = rows.start..rows.end.min(n_rows).min(rows.start.saturating_add(out.len()));
        if let Some(missing) = out.get_mut(rows.len()..) {
            missing.fill(DecisionRow::default());
        }
        let mut start = rows.start;
        while start < rows.end {
            let end = rows.end.min(start + N_CHUNK_ROWS);
            let out = &mut out[start - rows.start..end - rows.start];
            self.decide_chunk(overlay, columns, start..end, scratch, out);
            start = end;
        }
    }

    fn decide_chunk(
        &self,
        overlay: Option<&Overlay>,
        columns: &RequestColumns<'_>,
        rows: Range<usize>,
        scratch: &mut Scratch,
        out: &mut [DecisionRow],
    ) {
        // Here and not for all rows at once, since these are still in the cache when they are decided.
        out.fill(DecisionRow::default());
        touch(columns, rows.clone(), &scratch.facts);
        let mut new = std::mem::take(&mut scratch.keys);
        new.clear();
        answer_known(columns, rows.clone(), (scratch, &mut new), out);
        self.decide_open(overlay, columns, rows.start, scratch, out);
        if !new.is_empty() {
            self.decide_new(overlay, columns, rows.start, &mut new, scratch, out);
            // What the next batch needs for them is made now.
            scratch.facts.begin(columns);
        }
        scratch.keys = new;
    }

    /// Decides rows with joints that hang on the row.
    fn decide_open(
        &self,
        overlay: Option<&Overlay>,
        columns: &RequestColumns<'_>,
        first_row: usize,
        scratch: &mut Scratch,
        out: &mut [DecisionRow],
    ) {
        let overlay = overlay.map(|overlay| &overlay.program);
        let Scratch { joints, facts, open, buffers, .. } = scratch;
        let knows_facts = self.options.row_facts && open.len() >= MIN_FACT_ROWS;
        if knows_facts {
            facts.begin(columns);
        }
        for &(offset, joint) in &*open {
            let row = first_row + usize::from(offset);
            let Some(joint) = joints.get(joint) else { continue };
            let Some(mut evaluator) = self.row_evaluator(overlay, columns, row, buffers) else {
                continue;
            };
            let facts = knows_facts.then(|| facts.of_row(joint.asked, &mut evaluator));
            if let Ok(answer) = joints.decide(self, joint, facts, &mut evaluator) {
                out[usize::from(offset)] = answer;
            }
        }
    }

    fn row_evaluator<'a>(
        &'a self,
        overlay: Option<&'a Program>,
        columns: &'a RequestColumns<'a>,
        row: usize,
        buffers: &'a mut Buffers,
    ) -> Option<RowEvaluator<'a>> {
        let principal = columns.principals.get(*columns.principal.get(row)? as usize)?;
        let resource = columns.resources.get(*columns.resource.get(row)? as usize)?;
        Some(RowEvaluator {
            shared: &self.program,
            overlay,
            columns,
            row,
            principal,
            resource,
            searched: None,
            buffers,
        })
    }

    /// Decides rows whose frames and actions have no joints, by groups. `keys` are theirs.
    fn decide_new(
        &self,
        overlay: Option<&Overlay>,
        columns: &RequestColumns<'_>,
        first_row: usize,
        keys: &mut [u64],
        scratch: &mut Scratch,
        out: &mut [DecisionRow],
    ) {
        keys.sort_unstable();
        let row_of = |key: u64| first_row + (key & 0xffff) as usize;
        let group_of = |key: u64| (columns.frame[row_of(key)], columns.action[row_of(key)]);
        let mut fetched = std::mem::take(&mut scratch.fetched);
        let mut groups = std::mem::take(&mut scratch.groups);
        groups.clear();
        let mut start = 0;
        for group in keys.chunk_by(|&a, &b| group_of(a) == group_of(b)) {
            groups.push((start, start + position(group.len())));
            start += position(group.len());
        }
        let groups_of = |&(start, end): &(u32, u32)| {
            let keys = keys.get(start as usize..end as usize)?;
            let (number, action) = group_of(*keys.first()?);
            let frame = columns.frames.get(number)?;
            Some(Group { number, frame, action, first_row, keys })
        };
        fetched.fetch(self, groups.iter().filter_map(groups_of));
        for (group, cells) in groups.iter().filter_map(groups_of).zip(&fetched.cells) {
            self.decide_group(overlay, columns, group, cells, scratch, out);
        }
        scratch.fetched = fetched;
        scratch.groups = groups;
    }

    fn decide_group(
        &self,
        overlay: Option<&Overlay>,
        columns: &RequestColumns<'_>,
        group: Group<'_>,
        cells: &SlotCells,
        scratch: &mut Scratch,
        out: &mut [DecisionRow],
    ) {
        let shared = &self.program;
        scratch.dynamic.prepare(self, overlay, (group.frame, group.action), cells);
        let plan = Plan::new(self, overlay, (group.frame, group.action), &scratch.dynamic, cells);
        if self.options.joint_cells
            && scratch.joints.note(group.number, group.action, group.keys.len())
        {
            let of = (self, &mut scratch.facts);
            scratch.joints.keep(of, (group.number, group.action), &plan, cells);
        }
        let overlay = overlay.map(|overlay| &overlay.program);
        let offsets = group.keys.iter().map(|&key| (key & 0xffff) as usize);
        if group.keys.len() >= MIN_STATIC_ROWS
            && let Ok(answer) = decide_check(&plan, &mut GroupEvaluator { shared, overlay })
        {
            offsets.for_each(|offset| out[offset] = answer);
            return;
        }
        for offset in offsets {
            let row = group.first_row + offset;
            let Some(mut evaluator) =
                self.row_evaluator(overlay, columns, row, &mut scratch.buffers)
            else {
                continue;
            };
            if let Ok(answer) = decide_check(&plan, &mut evaluator) {
                out[offset] = answer;
            }
        }
    }
}

/// Rows of one frame and action.
#[derive(Debug, Clone, Copy)]
struct Group<'a> {
    /// The number of the frame.
    number: u32,
    frame: &'a Frame,
    action: ActionRef,
    first_row: usize,
    /// The sorted keys of its rows.
    keys: &'a [u64],
}

/// Fills `keys` with the rows by frame and action, their offsets in the lowest bits.
fn sort_rows(columns: &RequestColumns<'_>, rows: Range<usize>, keys: &mut Vec<u64>) {
    keys.clear();
    keys.extend(rows.zip(0..).map(|(row, offset)| sort_key(columns, row, offset)));
    keys.sort_unstable();
}

/// The key of a row in the order by frame and action.
#[inline]
fn sort_key(columns: &RequestColumns<'_>, row: usize, offset: u16) -> u64 {
    // The order only brings equal rows together: that high bits of large numbers fall out makes
    // smaller groups, never wrong ones.
    let frame = u64::from(columns.frame[row]) << 40;
    frame | (u64::from(columns.action[row].0) & 0xff_ffff) << 16 | u64::from(offset)
}

/// Whether the lists of the columns have the principal and the resource of a row.
#[inline]
fn is_listed(columns: &RequestColumns<'_>, row: usize) -> bool {
    let has = |column: &[u32], len: usize| column.get(row).is_some_and(|at| (*at as usize) < len);
    has(columns.principal, columns.principals.len())
        && has(columns.resource, columns.resources.len())
}

/// Answers the rows whose joints hang on no row. Lists the others: in `open`, or, without a joint,
/// in `new`.
///
/// Every row is answered and written to the list, which goes on only behind an open one: whether
/// it is open would be guessed wrong too often to ask.
fn answer_known(
    columns: &RequestColumns<'_>,
    rows: Range<usize>,
    (scratch, new): (&mut Scratch, &mut Vec<u64>),
    out: &mut [DecisionRow],
) {
    let Scratch { joints, open, .. } = scratch;
    open.clear();
    open.resize(rows.len(), (0, 0));
    let mut n_open = 0;
    let frames = columns.frame.get(rows.clone()).unwrap_or_default();
    let actions = columns.action.get(rows.clone()).unwrap_or_default();
    for (((offset, &frame), &action), out) in (0_u16..).zip(frames).zip(actions).zip(out) {
        let row = rows.start + usize::from(offset);
        let joint = joints.find(frame, action);
        let Some((joint, outlook)) = joint.and_then(|joint| joints.outlook(joint)) else {
            new.push(sort_key(columns, row, offset));
            continue;
        };
        if is_listed(columns, row) {
            *out = outlook.answer;
        }
        if let Some(place) = open.get_mut(n_open) {
            *place = (offset, joint);
            n_open += usize::from(outlook.is_open);
        }
    }
    open.truncate(n_open);
}

/// Reads the values of the rows that facts are asked of, in the order in which they lie in memory,
/// all at once: asked for one by one, each would be waited for.
fn touch(columns: &RequestColumns<'_>, rows: Range<usize>, facts: &Facts) {
    /// Values in a line of the cache.
    const N_LINE: usize = 64 / size_of::<ValueId>();
    if rows.len() < N_LINE {
        return;
    }
    let mut sum = 0_u32;
    for key in facts.keys() {
        let column = columns.keys.get(key.index()).map(|column| &**column).unwrap_or_default();
        let values = column.get(rows.clone()).unwrap_or_default();
        sum = values.iter().step_by(N_LINE).fold(sum, |sum, value| sum ^ value.0);
    }
    std::hint::black_box(sum);
}

/// One check (E, section 3.1).
fn decide_check(plan: &Plan<'_>, evaluator: &mut impl Evaluate) -> Result<DecisionRow, Undecided> {
    if plan.frame.builtin_allow {
        return builtin_allow(plan, evaluator);
    }
    for layer in &plan.denies {
        if let Some(document) = layer.poison {
            return Ok(DecisionRow::poison(layer.layer, document, layer.in_grants));
        }
        if let Some(place) = first(layer.rules, layer.in_grants, evaluator)? {
            return Ok(DecisionRow::explicit(layer.layer, place));
        }
    }
    after_denies(plan, evaluator)
}

/// What follows when no deny applies.
fn after_denies(plan: &Plan<'_>, evaluator: &mut impl Evaluate) -> Result<DecisionRow, Undecided> {
    if let Some(reason) = plan.frame.builtin_refusal {
        return Ok(DecisionRow::implicit(Layer::Builtin, reason));
    }
    for &(layer, cell) in &plan.guards {
        if !allows(cell, evaluator)? {
            return Ok(DecisionRow::implicit(layer, ReasonCode::NoAllow));
        }
    }
    if let Some(reason) = plan.frame.refusal {
        return Ok(DecisionRow::implicit(Layer::Service, reason));
    }
    decide_grants(plan, evaluator)
}

/// E-70, E-71: allowed, unless the endpoint's policy objects.
fn builtin_allow(plan: &Plan<'_>, evaluator: &mut impl Evaluate) -> Result<DecisionRow, Undecided> {
    let layer = Layer::VpcEndpoint;
    if let Some(denies) = plan.denies.iter().find(|denies| denies.layer == layer) {
        if let Some(document) = denies.poison {
            return Ok(DecisionRow::poison(layer, document, false));
        }
        if let Some(place) = first(denies.rules, false, evaluator)? {
            return Ok(DecisionRow::explicit(layer, place));
        }
    }
    if let Some(&(_, cell)) = plan.guards.iter().find(|guard| guard.0 == layer)
        && !allows(cell, evaluator)?
    {
        return Ok(DecisionRow::implicit(layer, ReasonCode::NoAllow));
    }
    Ok(DecisionRow::allowed(Layer::Builtin, ReasonCode::BuiltinAllow, AllowedBy::Builtin))
}

/// Step 3: E-52 – E-58.
fn decide_grants(plan: &Plan<'_>, evaluator: &mut impl Evaluate) -> Result<DecisionRow, Undecided> {
    let frame = plan.frame;
    let named = resource_grants(plan, evaluator)?;
    let mut grants = Grants {
        direct: named.direct.is_some(),
        entity: named.entity.is_some(),
        account: named.account.is_some(),
        ..Grants::default()
    };
    let mut identity = None;
    if !service_rules::is_outsider(frame.kind) {
        grants.identity = match plan.identity {
            None => plan.identity_allows_all,
            Some(cell) if cell.allow == AllowState::Never => false,
            Some(cell) => {
                identity = first(cell.allows, false, evaluator)?;
                identity.is_some()
            }
        };
        let settled = service_rules::identity_settles(frame.kind)
            && !(grants.identity || grants.direct || grants.entity);
        if !settled {
            grants.boundary = plan.boundary.is_none_or_allows(evaluator)?;
            grants.session = plan.session.is_none_or_allows(evaluator)?;
        }
    }
    let ending = service_rules::conclude(frame, grants);
    let row = ending.row();
    let place = match ending {
        Ending::Allowed { layer: Layer::Identity, .. } => identity,
        Ending::Allowed { layer: Layer::Resource, entity_took_part, .. } => {
            let entity = named.entity.filter(|_| entity_took_part);
            match (named.direct, entity) {
                (Some(direct), Some(entity)) => Some(earlier(direct, entity)),
                (direct, entity) => direct.or(entity),
            }
        }
        _ => None,
    };
    Ok(place.map_or(row, |place| row.at(place)))
}

/// The first by E-102: grants stand before the resource's own policies.
fn earlier(a: StatementPlace, b: StatementPlace) -> StatementPlace {
    let order = |place: &StatementPlace| (!place.in_grants, place.document, place.statement);
    if order(&a) <= order(&b) { a } else { b }
}

/// The first resource-based Allow statement of each strength (E-45).
#[derive(Debug, Default)]
struct Named {
    direct: Option<StatementPlace>,
    entity: Option<StatementPlace>,
    account: Option<StatementPlace>,
}

fn resource_grants(plan: &Plan<'_>, evaluator: &mut impl Evaluate) -> Result<Named, Undecided> {
    let mut named = Named::default();
    // A Direct grant settles everything but the gate that Account grants open (E-54).
    let account_matters = plan.frame.gated && plan.frame.same_account;
    for &(in_grants, rules) in &plan.resource_allows {
        for &rule in rules {
            let go_on = evaluator.scan(rule, |found| {
                let place = match found.strength {
                    Strength::Direct => &mut named.direct,
                    Strength::Entity => &mut named.entity,
                    Strength::Account => &mut named.account,
                };
                place.get_or_insert_with(|| place_of(found, in_grants));
                named.direct.is_none() || (account_matters && named.account.is_none())
            })?;
            if !go_on {
                return Ok(named);
            }
        }
    }
    Ok(named)
}

fn place_of(found: Applying, in_grants: bool) -> StatementPlace {
    StatementPlace { in_grants, document: found.document, statement: Some(found.statement) }
}

/// The first statement of the rules that applies.
#[inline]
fn first(
    rules: &[Rule],
    in_grants: bool,
    evaluator: &mut impl Evaluate,
) -> Result<Option<StatementPlace>, Undecided> {
    let mut place = None;
    for &rule in rules {
        let go_on = evaluator.scan(rule, |found| {
            place = Some(place_of(found, in_grants));
            false
        })?;
        if !go_on {
            break;
        }
    }
    Ok(place)
}

/// Whether every node has an Allow that applies (E-35). Rules come in the order of nodes.
fn allows(cell: CellView<'_>, evaluator: &mut impl Evaluate) -> Result<bool, Undecided> {
    match cell.allow {
        AllowState::Never => return Ok(false),
        AllowState::Always => return Ok(true),
        AllowState::Depends => {}
    }
    let mut next = 0;
    for &rule in cell.allows {
        if rule.node < next {
            continue;
        }
        if rule.node > next {
            return Ok(false);
        }
        if !evaluator.scan(rule, |_| false)? {
            next += 1;
            if next == cell.n_nodes {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
