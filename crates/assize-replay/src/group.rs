//! Events that were decided the same way (F-74).

pub(crate) mod table;

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use assize::Outcome;
use assize_formats::{DifferenceEffect, DifferenceRecord, ObservedCounts, ObservedDecision, Side};
use assize_model::{AccountId, Decision, Layer, ReasonCode, StatementRef};
use hashbrown::DefaultHashBuilder;

use crate::answer::{Decided, Sides};

/// One of the two decisions of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSide {
    /// The decision.
    pub decision: Decision,
    /// The decisive layer.
    pub layer: Layer,
    /// The reason.
    pub reason: ReasonCode,
    /// The first decisive statement.
    pub statement: Option<StatementRef>,
    /// The unknown keys it hangs on.
    pub depends_on: Vec<Box<str>>,
}

impl GroupSide {
    pub(crate) fn of(outcome: Outcome) -> Self {
        let Outcome { decision, layer, reason, statement, depends_on, .. } = outcome;
        Self { decision, layer, reason, statement, depends_on }
    }

    /// F-73: what happens to a principal that a change takes away.
    pub(crate) fn removed() -> Self {
        Self {
            decision: Decision::ImplicitDeny,
            layer: Layer::Builtin,
            reason: ReasonCode::PrincipalRemoved,
            statement: None,
            depends_on: Vec::new(),
        }
    }

    /// Whether two sides say the same by F-74: decision, layer, first statement, keys.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        fn statement(side: &GroupSide) -> Option<(&str, Option<u32>)> {
            let statement = side.statement.as_ref()?;
            Some((&statement.policy, statement.statement))
        }
        std::ptr::eq(self, other)
            || self.decision == other.decision
                && self.layer == other.layer
                && self.reason == other.reason
                && statement(self) == statement(other)
                && self.depends_on == other.depends_on
    }

    pub(crate) fn hash_into(&self, hasher: &mut impl Hasher) {
        (self.decision, self.layer, self.reason).hash(hasher);
        if let Some(statement) = &self.statement {
            (&statement.policy, statement.statement).hash(hasher);
        }
        self.depends_on.hash(hasher);
    }

    /// Whether its statement is of a policy of the resource.
    pub(crate) fn is_of_resource(&self) -> bool {
        self.layer == Layer::Resource && self.statement.is_some()
    }

    fn is_denied(&self) -> bool {
        matches!(self.decision, Decision::ExplicitDeny | Decision::ImplicitDeny)
    }

    fn as_side(&self) -> Side<'_> {
        Side {
            decision: self.decision,
            layer: self.layer,
            reason: self.reason,
            statement: self.statement.as_ref(),
            depends_on: &self.depends_on,
        }
    }
}

/// What becomes of events that were decided so before and after (F-74).
pub(crate) fn effect(before: &GroupSide, after: &GroupSide) -> DifferenceEffect {
    use DifferenceEffect as E;
    let depends = |side: &GroupSide| side.decision == Decision::Indeterminate;
    match (depends(before), depends(after)) {
        (false, true) if before.is_denied() => E::MayBeAllowed,
        (false, true) => E::MayBeDenied,
        (true, false) if after.is_denied() => E::DeniedForCertain,
        (true, false) => E::AllowedForCertain,
        (true, true) if before.says_the_same(after) => E::Same,
        (true, true) => E::MayDiffer,
        (false, false) => match (before.is_denied(), after.is_denied()) {
            (false, true) => E::NewlyDenied,
            (true, false) => E::NewlyAllowed,
            (true, true) if !before.says_the_same(after) => E::OtherReason,
            _ => E::Same,
        },
    }
}

/// Events of one principal, action and resource that were decided the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What becomes of them.
    pub effect: DifferenceEffect,
    /// The entity's ARN, a service's name, `anonymous`.
    pub principal: Box<str>,
    /// The principal's account.
    pub account: Option<AccountId>,
    /// The action of the decisive check.
    pub action: Box<str>,
    /// Its resource.
    pub resource: Box<str>,
    /// How many events.
    pub count: u64,
    /// The time of the first, in seconds since the epoch; none where no event has one.
    pub first: Option<i64>,
    /// The time of the last.
    pub last: Option<i64>,
    /// The decision before; groups that are decided alike share it.
    pub before: Arc<GroupSide>,
    /// The decision after; none without changes.
    pub after: Option<Arc<GroupSide>>,
    /// What the log says happened.
    pub observed: ObservedCounts,
    /// The id of the first event.
    pub example: Option<Box<str>>,
}

impl Group {
    /// The side that says why: the decision after the changes, else the one before.
    pub fn decisive_side(&self) -> &GroupSide {
        self.after.as_deref().unwrap_or(&self.before)
    }

    /// The record of the wire format.
    pub fn record(&self) -> DifferenceRecord<'_> {
        DifferenceRecord {
            effect: self.effect,
            principal: &self.principal,
            account: self.account,
            action: &self.action,
            resource: &self.resource,
            count: self.count,
            first: self.first,
            last: self.last,
            before: self.before.as_side(),
            after: self.after.as_deref().map(GroupSide::as_side),
            observed: self.observed,
            example: self.example.as_deref(),
        }
    }

    /// The same group, whose sides are those of others.
    pub(crate) fn with_shared_sides(self, sides: &mut Sides) -> Self {
        let before = sides.shared(Arc::unwrap_or_clone(self.before));
        let after = self.after.map(|after| sides.shared(Arc::unwrap_or_clone(after)));
        Self { before, after, ..self }
    }

    fn key(&self) -> GroupKey<'_> {
        GroupKey {
            effect: self.effect,
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            before: &self.before,
            after: self.after.as_deref(),
        }
    }

    /// Takes in one more event.
    fn take(&mut self, event: &Event<'_>) {
        self.count += 1;
        self.last = self.last.max(event.time);
        self.observed.add(observed(event.observed));
        if is_earlier((event.time, event.id), (self.first, self.example.as_deref())) {
            self.first = event.time;
            self.example = event.id.map(Into::into);
        }
    }

    /// Takes in the events of the same group.
    fn join(&mut self, other: Self) {
        self.count += other.count;
        self.last = self.last.max(other.last);
        self.observed.add(other.observed);
        let own = (self.first, self.example.as_deref());
        if is_earlier((other.first, other.example.as_deref()), own) {
            self.first = other.first;
            self.example = other.example;
        }
    }
}

/// Whether an event comes before another, by time and id: those without a time come last.
fn is_earlier(one: (Option<i64>, Option<&str>), other: (Option<i64>, Option<&str>)) -> bool {
    (one.0.is_none(), one) < (other.0.is_none(), other)
}

/// An event that was decided.
#[derive(Debug)]
pub(crate) struct Event<'e> {
    pub(crate) effect: DifferenceEffect,
    pub(crate) decided: &'e Decided,
    pub(crate) principal: Cow<'e, str>,
    pub(crate) action: &'e str,
    pub(crate) resource: Cow<'e, str>,
    pub(crate) time: Option<i64>,
    pub(crate) observed: Option<ObservedDecision>,
    pub(crate) id: Option<&'e str>,
}

impl Event<'_> {
    fn key(&self) -> GroupKey<'_> {
        GroupKey {
            effect: self.effect,
            principal: &self.principal,
            action: self.action,
            resource: &self.resource,
            before: &self.decided.before,
            after: self.decided.after.as_deref(),
        }
    }

    fn to_group(&self) -> Group {
        Group {
            effect: self.effect,
            principal: self.principal.as_ref().into(),
            account: self.decided.account,
            action: self.action.into(),
            resource: self.resource.as_ref().into(),
            count: 1,
            first: self.time,
            last: self.time,
            before: Arc::clone(&self.decided.before),
            after: self.decided.after.clone(),
            observed: observed(self.observed),
            example: self.id.map(Into::into),
        }
    }
}

/// What makes events one group (F-74).
struct GroupKey<'g> {
    effect: DifferenceEffect,
    principal: &'g str,
    action: &'g str,
    resource: &'g str,
    before: &'g GroupSide,
    after: Option<&'g GroupSide>,
}

impl GroupKey<'_> {
    fn is_of(&self, other: &Self) -> bool {
        let sides = match (self.after, other.after) {
            (Some(own), Some(other)) => own.says_the_same(other),
            (None, None) => true,
            _ => false,
        };
        self.effect == other.effect
            && self.resource == other.resource
            && self.action == other.action
            && self.principal == other.principal
            && self.before.says_the_same(other.before)
            && sides
    }

    fn hash(&self, hasher: &DefaultHashBuilder) -> u64 {
        let mut hasher = hasher.build_hasher();
        (self.effect, self.principal, self.action, self.resource).hash(&mut hasher);
        self.before.hash_into(&mut hasher);
        if let Some(after) = self.after {
            after.hash_into(&mut hasher);
        }
        hasher.finish()
    }
}

/// The order of a report: effect, most events first, then principal, action and resource (F-75).
fn order(a: &Group, b: &Group) -> Ordering {
    (a.effect, Reverse(a.count))
        .cmp(&(b.effect, Reverse(b.count)))
        .then_with(|| {
            (&a.principal, &a.action, &a.resource).cmp(&(&b.principal, &b.action, &b.resource))
        })
        .then_with(|| {
            let sides = |group: &Group| format!("{:?}{:?}", group.before, group.after);
            sides(a).cmp(&sides(b))
        })
}

/// Counts one observation.
pub(crate) fn observed(decision: Option<ObservedDecision>) -> ObservedCounts {
    let mut counts = ObservedCounts::default();
    counts.count(decision.unwrap_or(ObservedDecision::Unknown));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(decision: Decision, layer: Layer) -> GroupSide {
        let reason = ReasonCode::NoAllow;
        GroupSide { decision, layer, reason, statement: None, depends_on: Vec::new() }
    }

    /// F-74, every row of the table.
    #[test]
    fn effects_are_those_of_the_table() {
        use Decision::{Allowed, ExplicitDeny, ImplicitDeny, Indeterminate};
        use DifferenceEffect as E;
        let identity = |decision| side(decision, Layer::Identity);
        for (before, after, expected) in [
            (Allowed, ExplicitDeny, E::NewlyDenied),
            (Allowed, ImplicitDeny, E::NewlyDenied),
            (ExplicitDeny, Allowed, E::NewlyAllowed),
            (ImplicitDeny, Allowed, E::NewlyAllowed),
            (Allowed, Indeterminate, E::MayBeDenied),
            (ImplicitDeny, Indeterminate, E::MayBeAllowed),
            (Indeterminate, ExplicitDeny, E::DeniedForCertain),
            (Indeterminate, Allowed, E::AllowedForCertain),
            (Indeterminate, Indeterminate, E::Same),
            (ExplicitDeny, ImplicitDeny, E::OtherReason),
            (ImplicitDeny, ImplicitDeny, E::Same),
            (Allowed, Allowed, E::Same),
        ] {
            assert_eq!(effect(&identity(before), &identity(after)), expected);
        }
        let scp = side(ImplicitDeny, Layer::ServiceControl);
        assert_eq!(effect(&identity(ImplicitDeny), &scp), E::OtherReason);
        let mut differs = identity(Indeterminate);
        differs.depends_on = vec!["aws:SourceIp".into()];
        assert_eq!(effect(&identity(Indeterminate), &differs), E::MayDiffer);
    }
}
