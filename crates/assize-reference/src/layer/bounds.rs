//! Both bounds of a check, and what they hang on (evaluation, 10.3).

use assize_model::{
    Bound, Bounds, CheckDecision, ConditionKey, Decision, Effect, Grant, Layer, LayerResult,
    ReasonCode, StatementRef, Strength,
};

use super::{Layers, Open, Outcome, Reading, Terms, is_granted};
use crate::evaluate::{Case, Side, output};
use crate::service_rules;

/// Whether the bounds of a check can differ at all.
pub(super) fn may_differ(case: &Case<'_>, worst: &Reading) -> bool {
    !worst.layers.open.is_empty()
        || case.check.made_if.is_some()
        || !service_rules::open_refusals(case).is_empty()
}

impl Outcome {
    pub(super) fn bound(self) -> Bound {
        Bound { decision: self.decision, layer: self.layer, reason: self.reason }
    }
}

/// E-126, E-129: the best of a check which may not be made at all.
const NOT_MADE: Bound =
    Bound { decision: Decision::Allowed, layer: Layer::Service, reason: ReasonCode::Allow };

/// E-128: the decision that follows from both bounds.
pub(crate) fn combine(worst: Decision, best: Decision) -> Decision {
    match (worst, best) {
        (Decision::Allowed, _) => Decision::Allowed,
        (_, Decision::Allowed) => Decision::Indeterminate,
        (_, denied) => denied,
    }
}

/// E-127, E-128: the decision of a check from its bounds.
pub(super) fn conclude(case: &Case<'_>, worst: Reading, best: Reading) -> (CheckDecision, Bounds) {
    let is_optional = case.check.made_if.is_some();
    let best_bound = if is_optional { NOT_MADE } else { best.outcome.bound() };
    let bounds = Bounds { worst: worst.outcome.bound(), best: best_bound };
    let decision = combine(bounds.worst.decision, bounds.best.decision);
    if bounds.worst.decision == bounds.best.decision {
        let allowed = decision == Decision::Allowed;
        let (side, bound) = if allowed { (Side::Worst, worst) } else { (Side::Best, best) };
        return (super::conclude(&case.on(side), bound), bounds);
    }
    let relevant = relevant(case, &worst, &best);
    let depends_on = output::unique_keys(
        relevant.iter().flat_map(|item| item.keys.iter().map(|key| case.known.spelled(key))),
    );
    let found = if decision == Decision::Indeterminate {
        indeterminate(super::conclude(&case.on(Side::Worst), worst), relevant)
    } else {
        super::conclude(&case.on(Side::Best), best)
    };
    (CheckDecision { bounds: Some(bounds), depends_on, ..found }, bounds)
}

/// E-129, E-102: what is shown of a check that is indeterminate: the layer of the first relevant
/// item, and the relevant statements of that layer.
fn indeterminate(worst: CheckDecision, relevant: Vec<Relevant>) -> CheckDecision {
    let layer = relevant.first().map_or(worst.layer, |first| first.layer);
    let of_layer = relevant.into_iter().filter(|item| item.layer == layer);
    CheckDecision {
        decision: Decision::Indeterminate,
        layer,
        reason: ReasonCode::MissingContext,
        allowed_by: None,
        statements: of_layer.filter_map(|item| item.statement).collect(),
        ..worst
    }
}

/// Something that can turn an open check.
#[derive(Debug)]
struct Relevant {
    layer: Layer,
    /// None for refusals and for the check itself.
    statement: Option<StatementRef>,
    keys: Vec<ConditionKey>,
}

impl From<&Open> for Relevant {
    fn from(open: &Open) -> Self {
        let (statement, keys) = (Some(open.reference.clone()), open.keys.clone());
        Self { layer: open.layer, statement, keys }
    }
}

/// E-129: what is relevant in an open check: denies in the order of E-50, then refusals and the
/// check itself, then allows; those of one layer in the order of E-102.
fn relevant(case: &Case<'_>, worst: &Reading, best: &Reading) -> Vec<Relevant> {
    let mut open: Vec<&Open> = worst.layers.open.iter().collect();
    open.sort_by(|a, b| (a.layer, &a.reference.policy).cmp(&(b.layer, &b.reference.policy)));
    let of_effect = |effect| open.iter().filter(move |open| open.effect == effect);
    // A check that may not be made is open although a Deny is certain, which no other turns.
    let is_denied = best.outcome.decision == Decision::ExplicitDeny;
    let mut relevant: Vec<Relevant> =
        of_effect(Effect::Deny).filter(|_| !is_denied).map(|open| Relevant::from(*open)).collect();
    let can_be_allowed = best.outcome.decision == Decision::Allowed;
    if can_be_allowed {
        for (layer, key) in service_rules::open_refusals(case) {
            relevant.push(Relevant { layer, statement: None, keys: vec![key] });
        }
    }
    if let Some(key) = case.check.made_if {
        let (layer, keys) = (worst.outcome.layer, vec![ConditionKey::new(key)]);
        relevant.push(Relevant { layer, statement: None, keys });
    }
    if can_be_allowed {
        let turning = of_effect(Effect::Allow).filter(|open| is_slot_relevant(open, worst, best));
        relevant.extend(turning.map(|open| Relevant::from(*open)));
    }
    relevant
}

/// The slots of E-129 that stand for a term of E-52 – E-55.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Identity,
    Boundary,
    Session,
    Direct,
    Entity,
    Account,
}

impl Slot {
    /// The slot of an Allow; none for guardrails.
    fn of(open: &Open) -> Option<Self> {
        match (open.layer, open.reference.strength) {
            (Layer::Identity, _) => Some(Self::Identity),
            (Layer::Boundary, _) => Some(Self::Boundary),
            (Layer::Session, _) => Some(Self::Session),
            (Layer::Resource, Some(Strength::Direct)) => Some(Self::Direct),
            (Layer::Resource, Some(Strength::Entity)) => Some(Self::Entity),
            (Layer::Resource, Some(Strength::Account)) => Some(Self::Account),
            _ => None,
        }
    }

    /// The terms with this slot set.
    fn set(self, terms: Terms, to: bool) -> Terms {
        let grant = terms.grant;
        match self {
            Self::Identity => Terms { identity: to, ..terms },
            Self::Boundary => Terms { boundary: to, ..terms },
            Self::Session => Terms { session: to, ..terms },
            Self::Direct => Terms { grant: Grant { direct: to, ..grant }, ..terms },
            Self::Entity => Terms { grant: Grant { entity: to, ..grant }, ..terms },
            Self::Account => Terms { grant: Grant { account: to, ..grant }, ..terms },
        }
    }
}

/// E-129: whether the slot of an Allow that is U is relevant.
fn is_slot_relevant(open: &Open, worst: &Reading, best: &Reading) -> bool {
    if is_settled(open, &worst.layers) {
        return false;
    }
    let Some(slot) = Slot::of(open) else { return open.layer != Layer::Resource };
    let allows = worst.layers.open.iter().filter(|other| other.effect == Effect::Allow);
    let unsettled = allows.filter(|other| !is_settled(other, &worst.layers));
    let mut others: Vec<Slot> = Vec::new();
    for other in unsettled.filter_map(Slot::of) {
        if other != slot && !others.contains(&other) {
            others.push(other);
        }
    }
    (0..1u32 << others.len()).any(|setting| {
        let mut terms = best.terms;
        for (at, other) in others.iter().enumerate() {
            terms = other.set(terms, setting >> at & 1 == 1);
        }
        is_granted(slot.set(terms, true)) != is_granted(slot.set(terms, false))
    })
}

/// Whether the slot of an Allow has another that is T: one that applies on the worst side, too.
fn is_settled(open: &Open, worst: &Layers) -> bool {
    let allows = |result: &LayerResult| -> bool {
        result.allows.iter().any(|allow| {
            let same_strength =
                open.layer != Layer::Resource || allow.strength == open.reference.strength;
            allow.node == open.reference.node && same_strength
        })
    };
    worst.get(open.layer).is_some_and(allows)
}
