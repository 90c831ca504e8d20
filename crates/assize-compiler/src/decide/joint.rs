//! What all layers of a frame say of an action, worked out together and kept.
//!
//! The cells of the layers are found one by one, and what they say is put in order, for each frame
//! and action that comes up. A batch comes back to the same few, so the result is kept as a
//! [`Joint`]: the Deny statements that look at the row, and what follows when none of them applies.
//! Most often that is an answer already, or one list of Allow statements. Equal joints are one.
//!
//! Nothing of a row is kept, only what the tables say. A joint belongs to the frames and tables it
//! was made of; those of others are forgotten ([`Joints::begin`]).

use assize_model::{Layer, PrincipalKind};
use hashbrown::HashMap;

use super::facts::{Asked, Facts};
use super::fetch::{NO_CELL, SlotCells, sets};
use super::plan::{CellView, Denies, Plan, Restriction};
use super::step::Step;
use super::{after_denies, allows, builtin_allow, decide_check, first};
use crate::columns::{ActionRef, DecisionRow, Frame, Frames};
use crate::intern::position;
use crate::program::evaluate::{GroupEvaluator, RowEvaluator, Undecided};
use crate::program::{Part, Program, Rule};
use crate::service_rules::{self, Grants};
use crate::simplify::AllowState;
use crate::tables::DecisionTables;

/// Most distinct joints: what two bytes number beside the two that are none.
const MAX_JOINTS: usize = u16::MAX as usize - 2;
/// Most steps of all joints.
const MAX_STEPS: usize = 1 << 18;
/// Most Allow statements of a layer that a joint repeats; of more it names the cell.
const MAX_ALLOWS: usize = 64;
/// Most places of frames and actions, two bytes each: 16 MiB.
const MAX_PLACES: usize = 1 << 23;
/// What the list of a frame takes besides its places, in places.
const N_FRAME_PLACES: usize = 20;

/// An action without a number.
const NO_NUMBER: u16 = u16::MAX;

/// The place of a frame and an action that did not come up yet.
const NEW: u16 = 0;
/// That of one that came up once: only what comes again is worth keeping.
const SEEN: u16 = 1;
/// The first joint.
const FIRST: u16 = 2;

/// Kept joints, and where those of each frame and action are.
#[derive(Debug, Clone, Default)]
pub(super) struct Joints {
    /// The tables and the frames they are of.
    of: (u64, u64),
    /// Numbers of the actions that came up, by their position in the catalog.
    numbers: Vec<u16>,
    n_numbers: u16,
    /// For each frame the joints by number of the action, as far as they came up.
    places: Vec<Vec<u16>>,
    n_places: usize,
    distinct: Vec<Joint>,
    /// What is asked of every row before its joint is.
    outlooks: Vec<Outlook>,
    index: HashMap<Joint, u16>,
    steps: Vec<Step>,
    lists: HashMap<Box<[Step]>, Part>,
    /// The cells of plans that are made again.
    plans: Vec<SlotCells>,
    plan_index: HashMap<SlotCells, u32>,
    endings: Endings,
}

/// What the layers of a frame say of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Joint {
    /// The part of the steps: denies that hang on the row, in order.
    denies: Part,
    /// The facts that all its steps ask.
    pub(super) asked: Asked,
    rest: Rest,
}

impl Joint {
    /// What it means for its rows.
    fn outlook(&self) -> Outlook {
        match self.rest {
            Rest::Answer(answer) if self.denies.len() == 0 => Outlook { answer, is_open: false },
            _ => Outlook { answer: DecisionRow::default(), is_open: true },
        }
    }
}

/// What a joint means for a row before the row is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outlook {
    /// The answer, if the joint is not open.
    pub(super) answer: DecisionRow,
    /// Whether the answer hangs on the row.
    pub(super) is_open: bool,
}

/// What follows when no deny applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Rest {
    /// The answer.
    Answer(DecisionRow),
    /// It hangs on the identity policies and what restricts them.
    Chain(Chain),
    /// It hangs on more: the plan is made again from the cells.
    Plan(u32),
    /// E-70: allowed unless the endpoint's policy, which hangs on the row, objects.
    Builtin(u32),
}

/// Step 3 of a check that no resource-based policy can allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Chain {
    identity: Part,
    boundary: Limit,
    session: Limit,
    /// Without an Allow of the identity policies nothing else is of interest.
    settles: bool,
    /// The position in [`Endings`].
    endings: u16,
}

/// What a layer of one node that can only restrict says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Limit {
    Fixed(bool),
    /// Allow statements.
    Steps(Part),
}

/// How checks end, by what step 3 looks at of them.
#[derive(Debug, Clone, Default)]
struct Endings {
    /// Who asks, whether in one account, and whether the resource must grant.
    kinds: Vec<(PrincipalKind, bool, bool)>,
    /// By the bits of identity, boundary and session.
    rows: Vec<[DecisionRow; 8]>,
}

/// The identity policies allow.
const IDENTITY: u8 = 1;
/// The boundary allows or does not apply.
const BOUNDARY: u8 = 2;
/// The session policies allow or do not apply.
const SESSION: u8 = 4;

impl Joints {
    /// Makes ready for batches of these tables and frames. Says whether it starts over.
    pub(super) fn begin(&mut self, tables: &DecisionTables, frames: &Frames) -> bool {
        let of = (tables.stamp.number(), frames.stamp());
        let is_full = self.distinct.len() >= MAX_JOINTS
            || self.steps.len() >= MAX_STEPS
            || self.n_places >= MAX_PLACES;
        if self.of == of && !is_full {
            return false;
        }
        *self = Self { of, numbers: std::mem::take(&mut self.numbers), ..Self::default() };
        self.numbers.clear();
        self.numbers.resize(tables.n_actions, NO_NUMBER);
        true
    }

    /// The joint of a frame and an action, if there is one.
    #[inline]
    pub(super) fn find(&self, frame: u32, action: ActionRef) -> Option<u16> {
        let number = *self.numbers.get(action.0 as usize)?;
        self.places.get(frame as usize)?.get(usize::from(number))?.checked_sub(FIRST)
    }

    /// A joint with what it means for its rows.
    #[inline]
    pub(super) fn outlook(&self, joint: u16) -> Option<(u16, &Outlook)> {
        self.outlooks.get(usize::from(joint)).map(|outlook| (joint, outlook))
    }

    #[inline]
    pub(super) fn get(&self, joint: u16) -> Option<&Joint> {
        self.distinct.get(usize::from(joint))
    }

    /// Takes note that a frame and an action came up in `n_rows` rows. Gives whether to keep what
    /// the layers say: when they came up before or come up more than once.
    pub(super) fn note(&mut self, frame: u32, action: ActionRef, n_rows: usize) -> bool {
        let Some(place) = self.place(frame, action) else { return false };
        let keeps = *place == SEEN || n_rows > 1;
        *place = (*place).max(SEEN);
        keeps
    }

    fn place(&mut self, frame: u32, action: ActionRef) -> Option<&mut u16> {
        let number = self.numbers.get_mut(action.0 as usize)?;
        if *number == NO_NUMBER {
            *number = self.n_numbers;
            // The last number is nobody's: actions past it are never kept.
            self.n_numbers = self.n_numbers.saturating_add(1);
        }
        if *number == NO_NUMBER || self.n_places >= MAX_PLACES {
            return None;
        }
        let frame = frame as usize;
        if frame >= self.places.len() {
            let n_frames = frame + 1 - self.places.len();
            self.n_places = self.n_places.saturating_add(n_frames * N_FRAME_PLACES);
            if self.n_places >= MAX_PLACES {
                return None;
            }
            self.places.resize_with(frame + 1, Vec::new);
        }
        let row = self.places.get_mut(frame)?;
        let at = usize::from(*number);
        if at >= row.len() {
            self.n_places += at + 1 - row.len();
            row.resize(at + 1, NEW);
        }
        row.get_mut(at)
    }

    /// Keeps what a plan says; nothing when some layer is not of the tables.
    pub(super) fn keep(
        &mut self,
        (tables, facts): (&DecisionTables, &mut Facts),
        (frame, action): (u32, ActionRef),
        plan: &Plan<'_>,
        cells: &SlotCells,
    ) {
        let of_tables =
            sets(plan.frame).iter().zip(cells).all(|(set, cell)| set.is_none() || *cell != NO_CELL);
        if !of_tables || self.distinct.len() >= MAX_JOINTS || self.steps.len() >= MAX_STEPS {
            return;
        }
        let joint = self.read((tables, facts), plan, cells);
        let next = u16::try_from(self.distinct.len()).unwrap_or(NO_NUMBER);
        let number = *self.index.entry(joint).or_insert(next);
        if number == next {
            self.distinct.push(joint);
            self.outlooks.push(joint.outlook());
        }
        if let Some(place) = self.place(frame, action) {
            *place = number + FIRST;
        }
    }

    /// What a plan says, as far as it can be said without a row.
    fn read(
        &mut self,
        (tables, facts): (&DecisionTables, &mut Facts),
        plan: &Plan<'_>,
        cells: &SlotCells,
    ) -> Joint {
        let mut known = GroupEvaluator { shared: &tables.program, overlay: None };
        if plan.frame.builtin_allow {
            let rest = match decide_check(plan, &mut known) {
                Ok(answer) => Rest::Answer(answer),
                Err(Undecided) => Rest::Builtin(self.plan(cells)),
            };
            return Joint { denies: Part::default(), asked: Asked::default(), rest };
        }
        let mut asked = Asked::default();
        let (steps, answer) = denies(&tables.program, facts, plan, &mut asked);
        let denies = self.list(steps);
        let answer = answer.map_or_else(|| after_denies(plan, &mut known), Ok);
        let rest = match answer {
            Ok(answer) => Rest::Answer(answer),
            Err(Undecided) => match self.chain((tables, facts), plan, &mut asked) {
                Some(chain) => Rest::Chain(chain),
                None => Rest::Plan(self.plan(cells)),
            },
        };
        Joint { denies, asked, rest }
    }

    /// Where steps stand.
    fn list(&mut self, steps: Vec<Step>) -> Part {
        *self.lists.entry(steps.into()).or_insert_with_key(|steps| {
            let start = position(self.steps.len());
            self.steps.extend_from_slice(steps);
            Part { start, end: position(self.steps.len()) }
        })
    }

    /// Where the cells of a plan stand.
    fn plan(&mut self, cells: &SlotCells) -> u32 {
        *self.plan_index.entry(*cells).or_insert_with(|| {
            self.plans.push(*cells);
            position(self.plans.len() - 1)
        })
    }

    /// Where Allow statements stand, unless they are many.
    fn allows(
        &mut self,
        (tables, facts): (&DecisionTables, &mut Facts),
        (layer, rules): (Layer, &[Rule]),
        asked: &mut Asked,
    ) -> Option<Part> {
        if rules.len() > MAX_ALLOWS {
            return None;
        }
        let steps = rules.iter().map(|&rule| {
            let (step, of_step) = Step::new(&tables.program, facts, rule, (layer, false));
            *asked = asked.and(of_step);
            step
        });
        let steps = steps.collect();
        Some(self.list(steps))
    }

    /// Step 3 as a chain, if it is one.
    fn chain(
        &mut self,
        (tables, facts): (&DecisionTables, &mut Facts),
        plan: &Plan<'_>,
        asked: &mut Asked,
    ) -> Option<Chain> {
        let mut known = GroupEvaluator { shared: &tables.program, overlay: None };
        let frame = plan.frame;
        let guarded = plan.guards.iter().any(|&(_, cell)| allows(cell, &mut known) != Ok(true));
        let identity = plan.identity.filter(|cell| cell.allow != AllowState::Never)?;
        if guarded
            || frame.refusal.is_some()
            || !plan.resource_allows.is_empty()
            || service_rules::is_outsider(frame.kind)
        {
            return None;
        }
        let mut limit = |restriction: &Restriction<'_>, layer| {
            Some(match (restriction.is_none_or_allows(&mut known), restriction) {
                (Ok(fixed), _) => Limit::Fixed(fixed),
                (Err(Undecided), Restriction::Cell(CellView { allows, n_nodes: 1, .. })) => {
                    Limit::Steps(self.allows((tables, facts), (layer, allows), asked)?)
                }
                (Err(Undecided), _) => return None,
            })
        };
        Some(Chain {
            boundary: limit(&plan.boundary, Layer::Boundary)?,
            session: limit(&plan.session, Layer::Session)?,
            identity: self.allows((tables, facts), (Layer::Identity, identity.allows), asked)?,
            settles: service_rules::identity_settles(frame.kind),
            endings: self.endings.number(frame)?,
        })
    }
}

/// The Deny statements that hang on the row, as far as one is reached that holds of every row:
/// its answer.
fn denies(
    program: &Program,
    facts: &mut Facts,
    plan: &Plan<'_>,
    asked: &mut Asked,
) -> (Vec<Step>, Option<DecisionRow>) {
    let mut known = GroupEvaluator { shared: program, overlay: None };
    let mut steps = Vec::new();
    for &Denies { layer, in_grants, poison, rules } in &plan.denies {
        if let Some(document) = poison {
            return (steps, Some(DecisionRow::poison(layer, document, in_grants)));
        }
        for &rule in rules {
            match first(&[rule], in_grants, &mut known) {
                Ok(Some(place)) => return (steps, Some(DecisionRow::explicit(layer, place))),
                Ok(None) => {}
                Err(Undecided) => {
                    let (step, of_step) = Step::new(program, facts, rule, (layer, in_grants));
                    *asked = asked.and(of_step);
                    steps.push(step);
                }
            }
        }
    }
    (steps, None)
}

impl Endings {
    /// Where the endings of a frame stand.
    fn number(&mut self, frame: &Frame) -> Option<u16> {
        let kind = (frame.kind, frame.same_account, frame.gated);
        if let Some(at) = self.kinds.iter().position(|known| *known == kind) {
            return u16::try_from(at).ok();
        }
        let at = u16::try_from(self.kinds.len()).ok()?;
        let row = |bits: u8| {
            let grants = Grants {
                identity: bits & IDENTITY != 0,
                boundary: bits & BOUNDARY != 0,
                session: bits & SESSION != 0,
                ..Grants::default()
            };
            service_rules::conclude(frame, grants).row()
        };
        self.kinds.push(kind);
        self.rows.push([0, 1, 2, 3, 4, 5, 6, 7].map(row));
        Some(at)
    }
}

impl Joints {
    /// Decides a row by its joint. `facts` are those that the joint asks, where they are known.
    ///
    /// # Errors
    /// When the row names no frame.
    #[inline]
    pub(super) fn decide(
        &self,
        tables: &DecisionTables,
        joint: &Joint,
        facts: Option<u64>,
        evaluator: &mut RowEvaluator<'_>,
    ) -> Result<DecisionRow, Undecided> {
        for step in joint.denies.of(&self.steps) {
            if let Some(place) = step.place(facts, evaluator) {
                return Ok(DecisionRow::explicit(step.layer, place));
            }
        }
        match joint.rest {
            Rest::Answer(answer) => Ok(answer),
            Rest::Chain(ref chain) => Ok(self.end(chain, facts, evaluator)),
            Rest::Plan(at) => after_denies(&self.plan_of(tables, at, evaluator)?, evaluator),
            Rest::Builtin(at) => builtin_allow(&self.plan_of(tables, at, evaluator)?, evaluator),
        }
    }

    fn plan_of<'a>(
        &self,
        tables: &'a DecisionTables,
        at: u32,
        evaluator: &RowEvaluator<'a>,
    ) -> Result<Plan<'a>, Undecided> {
        let columns = evaluator.columns;
        let number = columns.frame.get(evaluator.row).ok_or(Undecided)?;
        let frame = columns.frames.get(*number).ok_or(Undecided)?;
        let cells = self.plans.get(at as usize).ok_or(Undecided)?;
        Ok(Plan::of_cells(tables, frame, cells))
    }

    fn end(
        &self,
        chain: &Chain,
        facts: Option<u64>,
        evaluator: &mut RowEvaluator<'_>,
    ) -> DecisionRow {
        let mut first =
            |part: Part| part.of(&self.steps).iter().find_map(|step| step.place(facts, evaluator));
        let identity = first(chain.identity);
        let mut allows = |limit: Limit| match limit {
            Limit::Fixed(fixed) => fixed,
            Limit::Steps(part) => first(part).is_some(),
        };
        let mut bits = 0;
        if identity.is_some() || !chain.settles {
            bits |= if identity.is_some() { IDENTITY } else { 0 };
            bits |= if allows(chain.boundary) { BOUNDARY } else { 0 };
            bits |= if allows(chain.session) { SESSION } else { 0 };
        }
        let rows = self.endings.rows.get(usize::from(chain.endings));
        let row = rows.map_or_else(DecisionRow::default, |rows| rows[usize::from(bits)]);
        let by_identity = row.decision.is_allowed() && row.layer == Layer::Identity;
        identity.filter(|_| by_identity).map_or(row, |place| row.at(place))
    }
}
