//! The nearest change that flips an answer (C-2), proven by deciding the request again over the
//! changed policies.
//!
//! A search from the smallest change up: what decides is repaired in each way that is known, and
//! the request is decided again with the repair in place. What flips the answer is a change; what
//! does not is a step, and what decides now is repaired in turn.

mod key;
mod propose;

use std::collections::{BTreeMap, BTreeSet};

use assize_compiler::RowTrace;
use assize_model::{
    AccountId, Decision, Layer, Principal, PrincipalKind, Request, RequestError, StatementRef,
};

use super::trace;
use crate::batch::{Decider, answer, decisive};
use crate::engine::Inner;
use crate::resolve::{ChangedWorld, Resolver, Run};

/// Edits of one change, at most. What needs more is no change but another world.
const MAX_EDITS: usize = 6;
/// Changes that are tried for one request, at most.
const MAX_TRIALS: usize = 512;
/// Statements that are looked at for one request, at most: what bounds the time it takes.
const MAX_STATEMENTS_TRACED: usize = 1_000_000;
/// Changes of one request that are given, at most.
const MAX_CHANGES: usize = 4;

/// Something to do to a policy or a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Edit {
    /// Take a statement out of its policy.
    RemoveStatement {
        /// The statement.
        statement: StatementRef,
    },
    /// Detach a policy that only AWS can edit.
    DetachPolicy {
        /// The layer it stands in.
        layer: Layer,
        /// The policy, by the forms of E-101.
        policy: Box<str>,
    },
    /// Let a statement be about one more action.
    AddAction {
        /// The statement.
        statement: StatementRef,
        /// The action.
        action: Box<str>,
    },
    /// Let a statement be about one more resource.
    AddResource {
        /// The statement.
        statement: StatementRef,
        /// The resource.
        resource: Box<str>,
    },
    /// Let a statement name one more principal.
    AddPrincipal {
        /// The statement.
        statement: StatementRef,
        /// The principal, as a `Principal` element names it.
        principal: Box<str>,
    },
    /// Add a statement that allows the action to the policies of a layer.
    AddStatement {
        /// The layer.
        layer: Layer,
        /// The policy, where the layer has one and no more: a resource's, a boundary, ….
        policy: Option<Box<str>>,
        /// The node of the organization, for SCPs.
        node: Option<Box<str>>,
        /// `Principal`, where policies of the layer have one.
        principal: Option<Box<str>>,
        /// `Action`.
        action: Box<str>,
        /// `Resource`; none in a trust policy.
        resource: Option<Box<str>>,
    },
    /// Send a request whose context has a key.
    GiveKey {
        /// The key.
        key: Box<str>,
        /// Its value.
        value: Box<str>,
    },
    /// Send a request whose context lacks a key.
    OmitKey {
        /// The key.
        key: Box<str>,
    },
    /// Tag the user or role that asks, or take a tag away: `aws:PrincipalTag/TAG`.
    TagPrincipal {
        /// The name of the tag.
        tag: Box<str>,
        /// Its value; none to take it away.
        value: Option<Box<str>>,
    },
    /// Tag the resource, or take a tag away.
    TagResource {
        /// The resource.
        resource: Box<str>,
        /// The name of the tag.
        tag: Box<str>,
        /// Its value; none to take it away.
        value: Option<Box<str>>,
    },
    /// Say whose resource it is (E-9).
    StateOwner {
        /// The resource.
        resource: Box<str>,
        /// Its account.
        account: AccountId,
    },
}

/// A change that flips the answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// What to do, all of it.
    pub edits: Vec<Edit>,
    /// The decision with it: that of deciding the request over the changed policies.
    pub decision: Decision,
}

/// A request and policies with some edits in place.
#[derive(Debug, Clone)]
struct Variant<'r> {
    request: Request<'r>,
    world: ChangedWorld,
    edits: Vec<Edit>,
    cost: u32,
}

impl Variant<'_> {
    /// The same for equal edits in any order.
    fn identity(&self) -> Vec<String> {
        let mut texts: Vec<String> = self.edits.iter().map(|edit| format!("{edit:?}")).collect();
        texts.sort_unstable();
        texts
    }
}

/// A variant that was decided: the rows of its checks, and all of the one that decides.
struct Tried<'s, 'e> {
    resolver: &'s Resolver<'e>,
    run: Run,
    row: usize,
    decision: Decision,
    trace: RowTrace,
}

/// The smallest changes that flip the answer to a request, the smallest first: Allowed to a
/// denial, a denial to Allowed. They have equally many edits. None if no change of few edits does.
///
/// # Errors
/// Why the request is malformed (E-3).
pub(crate) fn nearest_changes(
    engine: &Inner,
    request: &Request<'_>,
) -> Result<Vec<Change>, RequestError> {
    let mut decider = Decider::new(engine);
    // The short way knows less of the resource than what could be changed.
    decider.resolver.keeps_context = true;
    let was_allowed = decider.decide(request)?.decision.is_allowed();
    let mut own = request.clone();
    // What its session has can only be said of a caller who is stated.
    if let Principal::Text(text) = &request.principal {
        let stated = decider.resolver.stated_from_text(text)?;
        if stated.kind == PrincipalKind::RoleSession {
            own.principal = Principal::Stated(Box::new(stated));
        }
    }
    let start =
        Variant { request: own, world: ChangedWorld::default(), edits: Vec::new(), cost: 0 };
    // By number of edits, then cost, then the order in which they were thought of.
    let mut queue = BTreeMap::from([((0, 0, 0), start)]);
    let mut seen = BTreeSet::new();
    let mut changes: Vec<Change> = Vec::new();
    let mut n_traced = 0;
    for n_trials in 1..=MAX_TRIALS {
        let Some((_, variant)) = queue.pop_first() else { break };
        let is_larger = |change: &Change| change.edits.len() < variant.edits.len();
        if changes.len() == MAX_CHANGES || changes.first().is_some_and(is_larger) {
            break;
        }
        // What makes the request malformed is no change.
        let Ok(tried) = try_variant(&mut decider, &variant) else { continue };
        n_traced += tried.trace.layers.iter().map(|layer| layer.statements.len()).sum::<usize>();
        if n_traced > MAX_STATEMENTS_TRACED {
            break;
        }
        let decision = tried.decision;
        if decision.is_allowed() != was_allowed {
            changes.push(Change { edits: variant.edits, decision });
            continue;
        }
        for next in propose::next(&tried, &variant) {
            if next.edits.len() <= MAX_EDITS && seen.insert(next.identity()) {
                let order = (next.edits.len(), next.cost, n_trials * MAX_TRIALS + seen.len());
                queue.insert(order, next);
            }
        }
    }
    Ok(changes)
}

/// Decides a variant.
fn try_variant<'s, 'e>(
    decider: &'s mut Decider<'e>,
    variant: &Variant<'_>,
) -> Result<Tried<'s, 'e>, RequestError> {
    let resolver = &mut decider.resolver;
    resolver.begin();
    let run = resolver.push(&variant.request)?;
    resolver.change_rows(run, &variant.world)?;
    resolver.decide();
    let (row, _) = decisive(resolver, run);
    let decision = answer(resolver, run).decision;
    let trace = trace(resolver, row)?;
    Ok(Tried { resolver, run, row, decision, trace })
}
