//! Requests of which not every context key is known: bounds, and what they hang on (evaluation,
//! 10.3).

use assize_compiler::{BoundRows, DecisionRow, Relevant, RelevantStatement, StatementPlace};
use assize_model::{Bound, Bounds, ConditionKey, Decision, Layer, ReasonCode};

use super::Answer;
use crate::resolve::{Resolver, Run};

/// E-126, E-129: the best of a check which may not be made at all.
const NOT_MADE: Bound =
    Bound { decision: Decision::Allowed, layer: Layer::Service, reason: ReasonCode::Allow };

fn bound_of(row: &DecisionRow) -> Bound {
    Bound { decision: row.decision, layer: row.layer, reason: row.reason }
}

/// Both bounds of a check.
pub(crate) fn bounds_of(resolver: &Resolver<'_>, row: usize) -> Bounds {
    let BoundRows { worst, best } = resolver.bounds[row];
    let is_optional = resolver.partial.made_if[row].is_some();
    let best = if is_optional { NOT_MADE } else { bound_of(&best) };
    Bounds { worst: bound_of(&worst), best }
}

/// Whether the decisions of both bounds differ.
pub(crate) fn differ(bounds: Bounds) -> bool {
    bounds.worst.decision != bounds.best.decision
}

/// E-128: the decision that follows from both bounds.
pub(crate) fn combine(bounds: Bounds) -> Decision {
    match (bounds.worst.decision, bounds.best.decision) {
        (Decision::Allowed, _) => Decision::Allowed,
        (_, Decision::Allowed) => Decision::Indeterminate,
        (_, denied) => denied,
    }
}

/// E-67: how heavy a decision of a check weighs in that of the request.
fn weight(decision: Decision) -> u8 {
    match decision {
        Decision::ExplicitDeny => 2,
        Decision::ImplicitDeny | Decision::Indeterminate => 1,
        Decision::Allowed => 0,
    }
}

/// E-67, E-127: one bound of a request, and the position of the check it comes from: the first
/// that has it.
fn bound(resolver: &Resolver<'_>, run: Run, side: fn(Bounds) -> Bound) -> (usize, Bound) {
    let mut found: Option<(usize, Bound)> = None;
    for (at, row) in run.range().enumerate() {
        let bound = side(bounds_of(resolver, row));
        if found.is_none_or(|(_, heaviest)| weight(bound.decision) > weight(heaviest.decision)) {
            found = Some((at, bound));
        }
    }
    found.unwrap_or((0, NOT_MADE))
}

/// The answer to a request (E-127 – E-129).
pub(super) fn answer(resolver: &Resolver<'_>, run: Run) -> Answer {
    let (worst_at, worst) = bound(resolver, run, |bounds| bounds.worst);
    let (best_at, best) = bound(resolver, run, |bounds| bounds.best);
    let bounds = Bounds { worst, best };
    let decision = combine(bounds);
    let at = if decision == Decision::Allowed { worst_at } else { best_at };
    let row = run.start as usize + at;
    let BoundRows { worst, best } = resolver.bounds[row];
    let decided = if decision == Decision::Allowed { worst } else { best };
    let mut answer = Answer::of_row(row, at, &decided);
    if !differ(bounds) {
        return answer;
    }
    (answer.decision, answer.bounds) = (decision, Some(bounds));
    let mut keys = Vec::new();
    let mut first = None;
    for row in run.range().filter(|row| differ(bounds_of(resolver, *row))) {
        let mut turning = turning(resolver, row);
        keys.append(&mut turning.keys);
        first.get_or_insert((row, turning.layer, turning.statements.first().copied()));
    }
    answer.depends_on = unique(keys);
    if let (Decision::Indeterminate, Some((row, layer, place))) = (decision, first) {
        let at = row - run.start as usize;
        answer.row = row;
        answer.check = u32::try_from(at).unwrap_or_default();
        (answer.layer, answer.reason, answer.place) = (layer, ReasonCode::MissingContext, place);
        answer.allowed_by = None;
    }
    answer
}

/// Each key once, by folded name, in the spelling first seen (E-129).
pub(crate) fn unique(keys: Vec<ConditionKey>) -> Vec<Box<str>> {
    let mut unique: Vec<ConditionKey> = Vec::new();
    for key in keys {
        if !unique.contains(&key) {
            unique.push(key);
        }
    }
    unique.sort();
    unique.into_iter().map(|key| key.spelling().into()).collect()
}

/// What can turn an open check (E-129).
#[derive(Debug)]
pub(crate) struct Turning {
    /// The layer of the first of it.
    pub(crate) layer: Layer,
    /// The relevant statements of that layer.
    pub(crate) statements: Vec<StatementPlace>,
    /// All unknown keys, spelled as `dependsOn` spells them.
    pub(crate) keys: Vec<ConditionKey>,
}

/// E-129: denies in the order of E-50, then refusals and the check itself, then allows.
pub(crate) fn turning(resolver: &Resolver<'_>, row: usize) -> Turning {
    let none = Relevant::default();
    let relevant = resolver.relevant(row).unwrap_or(&none);
    let worst = resolver.bounds[row].worst;
    let mut items: Vec<(Layer, Option<StatementPlace>)> = Vec::new();
    let mut keys = Vec::new();
    let take = |statements: &[RelevantStatement], items: &mut Vec<_>, keys: &mut Vec<_>| {
        for statement in statements {
            items.push((statement.layer, Some(statement.place)));
            keys.extend(statement.keys.iter().cloned());
        }
    };
    take(&relevant.denies, &mut items, &mut keys);
    if let Some((layer, key)) = open_refusal(resolver, row) {
        items.push((layer, None));
        keys.push(ConditionKey::new(key));
    }
    if let Some(made_if) = resolver.partial.made_if[row] {
        items.push((worst.layer, None));
        keys.push(ConditionKey::new(made_if.key()));
    }
    take(&relevant.allows, &mut items, &mut keys);
    let layer = items.first().map_or(worst.layer, |first| first.0);
    let of_layer = items.iter().filter(|item| item.0 == layer);
    let statements = of_layer.filter_map(|item| item.1).collect();
    let keys = keys.iter().map(|key| resolver.spelled(key)).collect();
    Turning { layer, statements, keys }
}

/// E-126: the refusal that is U, if one is, and the unknown key it looks at.
fn open_refusal(resolver: &Resolver<'_>, row: usize) -> Option<(Layer, &'static str)> {
    if resolver.bounds[row].best.decision != Decision::Allowed {
        return None;
    }
    let (worst, best) = (resolver.frame_of(row), resolver.best_frame_of(row));
    if worst.builtin_refusal != best.builtin_refusal {
        return Some((Layer::Builtin, "aws:MultiFactorAuthPresent"));
    }
    match worst.refusal.filter(|_| worst.refusal != best.refusal)? {
        ReasonCode::NetworkOrigin => Some((Layer::Service, "aws:SourceVpc")),
        _ => Some((Layer::Service, "sts:TaskPolicyArn")),
    }
}
