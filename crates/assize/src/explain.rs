//! Everything about one request: each layer, each statement, what would have to change.

use std::collections::BTreeSet;

use assize_compiler::{
    DecisionRow, Frame, LayerTrace, RowTrace, Side, StatementPlace, StatementTrace,
};
use assize_model::{
    CheckDecision, ConditionKey, Decision, Decisive, EffectiveDecision, Grant, Layer, LayerResult,
    NodeVerdict, PrincipalKind, ReasonCode, Request, RequestContext, RequestError,
    RequestErrorKind, StatementRef, Strength, Verdict,
};

use crate::batch::partial::{self, Turning};
use crate::batch::{Answer, Decider, answer, document, located_statement, nodes};
use crate::engine::Inner;
use crate::resolve::{DocumentHandle, Notes, Resolver, Run};

mod change;
mod message;
mod statement;

pub(crate) use change::nearest_changes;
pub use change::{Change, Edit};
pub(crate) use statement::explain_statements;
pub use statement::{Explanation, StatementExplanation};

/// Decides a request and traces every check.
pub(crate) fn explain(
    engine: &Inner,
    request: &Request<'_>,
) -> Result<EffectiveDecision, RequestError> {
    Decider::new(engine).explain(request)
}

impl Decider<'_> {
    /// Everything about one request, as [`crate::Engine::explain`] gives it.
    ///
    /// # Errors
    /// Why the request is malformed (E-3).
    pub fn explain(&mut self, request: &Request<'_>) -> Result<EffectiveDecision, RequestError> {
        self.resolver.begin();
        let keeps_context = std::mem::replace(&mut self.resolver.keeps_context, true);
        let run = self.resolver.push(request);
        self.resolver.keeps_context = keeps_context;
        let run = run?;
        self.resolver.decide();
        self.explain_run(run)
    }

    /// Everything about one request of the chunk at hand.
    pub(crate) fn explain_run(&self, run: Run) -> Result<EffectiveDecision, RequestError> {
        let resolver = &self.resolver;
        let answer = answer(resolver, run);
        let mut assumed = BTreeSet::new();
        let mut checks = Vec::with_capacity(run.range().len());
        for row in run.range() {
            checks.push(if resolver.is_partial {
                bounded_check(resolver, row, &mut assumed)?
            } else {
                let decided = resolver.decided[row];
                check(resolver, row, decided, resolver.frame_of(row), &trace(resolver, row)?)?
            });
        }
        Ok(fold(resolver, run, checks, answer, assumed))
    }
}

/// E-67 and the lists of the whole request.
fn fold(
    resolver: &Resolver<'_>,
    run: Run,
    checks: Vec<CheckDecision>,
    answer: Answer,
    mut assumed: BTreeSet<&'static str>,
) -> EffectiveDecision {
    let Answer { row, check: at, bounds, depends_on, .. } = answer;
    let deciding = &checks[row - run.start as usize];
    let mut missing: Vec<Box<str>> =
        checks.iter().flat_map(|c| c.missing_context_keys.iter().cloned()).collect();
    sort_keys(&mut missing);
    let rows = run.range();
    let notes = resolver.rows.notes.iter().filter(|(row, _)| rows.contains(&(*row as usize)));
    let mut names: Vec<Box<str>> =
        notes.clone().flat_map(|(_, notes)| notes.names()).map(Into::into).collect();
    names.extend(checks.iter().flat_map(poison_notes));
    names.extend(resolver.skipped_documents(run));
    names.sort_unstable();
    names.dedup();
    let any = |is_assumed: fn(&Notes) -> bool| notes.clone().any(|(_, notes)| is_assumed(notes));
    assumed.extend(any(|notes| notes.no_endpoint).then_some("no_endpoint"));
    assumed.extend(any(|notes| notes.role_path).then_some("role_path"));
    assumed.extend(any(|notes| notes.resource_account).then_some("resource_account"));
    EffectiveDecision {
        decision: deciding.decision,
        decisive: Decisive {
            check: at,
            layer: deciding.layer,
            reason: deciding.reason,
            allowed_by: deciding.allowed_by,
            statements: deciding.statements.clone(),
        },
        message: message::of(resolver, row, deciding, &depends_on),
        bounds,
        depends_on,
        missing_context_keys: missing,
        assumptions: assumed.into_iter().map(Into::into).collect(),
        notes: names,
        checks,
    }
}

/// E-112: each document that does not load is named once.
fn poison_notes(check: &CheckDecision) -> impl Iterator<Item = Box<str>> + '_ {
    let denies = check.layers.iter().flat_map(|layer| &layer.denies);
    denies
        .filter(|deny| deny.effect.is_none())
        .map(|deny| format!("invalid_policy:{}", deny.policy).into())
}

/// Sorted by folded name, each key once, in the spelling first seen.
fn sort_keys(keys: &mut Vec<Box<str>>) {
    keys.sort_by_key(|key| key.to_ascii_lowercase());
    keys.dedup_by(|later, earlier| later.eq_ignore_ascii_case(earlier));
}

/// What each layer and statement says of a row; in partial context, with every unknown against the
/// request.
fn trace(resolver: &Resolver<'_>, row: usize) -> Result<RowTrace, RequestError> {
    if resolver.is_partial {
        return trace_on(resolver, row, Side::Worst);
    }
    let trace = resolver.with_columns(|engine, overlay, columns| {
        engine.tables.trace(&engine.catalog, Some(overlay), columns, row)
    });
    trace.ok_or_else(untraceable)
}

/// What each layer and statement says of a row on the side that its check shows.
fn shown(resolver: &Resolver<'_>, row: usize) -> Result<RowTrace, RequestError> {
    if !resolver.is_partial {
        return trace(resolver, row);
    }
    let denied = [Decision::ExplicitDeny, Decision::ImplicitDeny];
    let is_denied = denied.contains(&partial::combine(partial::bounds_of(resolver, row)));
    trace_on(resolver, row, if is_denied { Side::Best } else { Side::Worst })
}

fn trace_on(resolver: &Resolver<'_>, row: usize, side: Side) -> Result<RowTrace, RequestError> {
    let trace = resolver.with_partial_columns(|engine, overlay, columns| {
        engine.tables.trace_partial(&engine.catalog, Some(overlay), columns, row, side)
    });
    trace.ok_or_else(untraceable)
}

fn untraceable() -> RequestError {
    RequestError::new(RequestErrorKind::Internal, "the row could not be traced")
}

/// A check in partial context, on the side that E-128 names; of one that is indeterminate, what
/// is seen with every unknown against the request.
fn bounded_check(
    resolver: &Resolver<'_>,
    row: usize,
    assumed: &mut BTreeSet<&'static str>,
) -> Result<CheckDecision, RequestError> {
    let mut on = |resolver: &Resolver<'_>, side| {
        let trace = trace_on(resolver, row, side)?;
        let bounds = resolver.bounds[row];
        let (decided, frame) = match side {
            Side::Worst => (bounds.worst, resolver.frame_of(row)),
            Side::Best => (bounds.best, resolver.best_frame_of(row)),
        };
        assumptions(resolver, row, &trace, assumed);
        check(resolver, row, decided, frame, &trace)
    };
    let (worst, best) = (on(resolver, Side::Worst)?, on(resolver, Side::Best)?);
    let bounds = partial::bounds_of(resolver, row);
    let decision = partial::combine(bounds);
    if !partial::differ(bounds) {
        return Ok(if decision == Decision::Allowed { worst } else { best });
    }
    let Turning { layer, statements, keys } = partial::turning(resolver, row);
    let (bounds, depends_on) = (Some(bounds), partial::unique(keys));
    if decision != Decision::Indeterminate {
        return Ok(CheckDecision { bounds, depends_on, ..best });
    }
    Ok(CheckDecision {
        decision,
        layer,
        reason: ReasonCode::MissingContext,
        allowed_by: None,
        statements: relevant_statements(resolver, row, (&worst, &best), (layer, &statements)),
        bounds,
        depends_on,
        ..worst
    })
}

/// The relevant statements of the decisive layer (E-129): the denies that apply on the worst side
/// and the allows that apply on the best.
fn relevant_statements(
    resolver: &Resolver<'_>,
    row: usize,
    sides: (&CheckDecision, &CheckDecision),
    (layer, places): (Layer, &[StatementPlace]),
) -> Vec<StatementRef> {
    let of_layer =
        |check: &CheckDecision| check.layers.iter().find(|result| result.layer == layer).cloned();
    let denies = of_layer(sides.0).map(|result| result.denies).unwrap_or_default();
    let allows = of_layer(sides.1).map(|result| result.allows).unwrap_or_default();
    let statement = |place: &StatementPlace| {
        let named = located_statement(resolver, row, layer, *place);
        let is_named =
            |found: &&StatementRef| StatementRef { strength: None, ..(*found).clone() } == named;
        denies.iter().chain(&allows).find(is_named).cloned().unwrap_or(named)
    };
    places.iter().map(statement).collect()
}

/// E-121, E-122: what the tests of statements rest on that match in all else.
fn assumptions(
    resolver: &Resolver<'_>,
    row: usize,
    trace: &RowTrace,
    assumed: &mut BTreeSet<&'static str>,
) {
    let statements = || trace.layers.iter().flat_map(|layer| &layer.statements);
    let mut notes = resolver.rows.notes.iter().filter(|(at, _)| *at as usize == row);
    let asks = |key: &ConditionKey| key.folded() == "aws:securetransport";
    if notes.any(|(_, notes)| notes.secure_transport)
        && statements().flat_map(|statement| &statement.asked_keys).any(asks)
    {
        assumed.insert("secure_transport");
    }
    let is_left = |key: &ConditionKey| resolver.is_left_to_catalog(row, key.folded());
    if statements().flat_map(|statement| &statement.missing_keys).any(is_left) {
        assumed.insert("catalogue_keys");
    }
}

fn check(
    resolver: &Resolver<'_>,
    row: usize,
    decided: DecisionRow,
    frame: &Frame,
    trace: &RowTrace,
) -> Result<CheckDecision, RequestError> {
    if trace.answer != decided {
        // Tables and trace disagree: a fault of ours, never an Allowed (E-59).
        return Err(RequestError::new(
            RequestErrorKind::Internal,
            "the explanation does not agree with the decision",
        ));
    }
    let principal = resolver.principal_entry_of(row);
    let mut layers: Vec<LayerResult> =
        trace.layers.iter().map(|layer| layer_result(resolver, row, layer)).collect();
    let statements = decisive_statements(frame, trace, &layers, decided.layer, decided.reason);
    if decided.decision == Decision::Allowed {
        for layer in &mut layers {
            layer.bypassed = layer.verdict == Verdict::ImplicitDeny;
        }
    }
    let mut missing: Vec<Box<str>> = trace
        .layers
        .iter()
        .flat_map(|layer| &layer.statements)
        .flat_map(|statement| &statement.missing_keys)
        .map(|key| key.spelling().into())
        .collect();
    sort_keys(&mut missing);
    let action = &resolver.actions[resolver.rows.resolved_action[row] as usize];
    let account = resolver.rows.account[row];
    Ok(CheckDecision {
        action: action.text.clone(),
        resource: resolver.resource_text_of(row).into(),
        principal_account: principal.account,
        resource_account: account,
        cross_account: principal.kind.has_account() && !frame.same_account,
        gated: frame.gated,
        decision: decided.decision,
        layer: decided.layer,
        reason: decided.reason,
        allowed_by: decided.allowed_by,
        statements,
        bounds: None,
        depends_on: Vec::new(),
        grant: trace.grant,
        would_allow: would_allow(frame, trace),
        layers,
        missing_context_keys: missing,
        context: context(resolver, row),
    })
}

/// What the conditions saw.
fn context(resolver: &Resolver<'_>, row: usize) -> RequestContext {
    let mut context = RequestContext::default();
    let principal = &resolver.principals[resolver.rows.principal[row] as usize];
    let own = resolver.rows.contexts.get(row).into_iter().flatten();
    let all = principal.derived.iter().chain(resolver.resource_keys_of(row)).chain(own);
    for (key, value) in all.filter(|(key, _)| !resolver.is_hidden(row, key.folded())) {
        context.set(key.clone(), value.clone());
    }
    context
}

fn layer_result(resolver: &Resolver<'_>, row: usize, layer: &LayerTrace) -> LayerResult {
    let named = |statement: &StatementTrace| StatementRef {
        strength: statement
            .strength
            .filter(|_| matches!(layer.layer, Layer::Resource | Layer::VpcEndpoint)),
        ..located_statement(resolver, row, layer.layer, statement.place)
    };
    let poison = layer.poison.iter().map(|place| StatementRef {
        effect: None,
        ..located_statement(resolver, row, layer.layer, *place)
    });
    let mut denies: Vec<StatementRef> = poison.chain(layer.denies().map(named)).collect();
    let rank = |s: &StatementRef| s.statement.map_or(0, |at| at + 1);
    denies.sort_by(|a, b| a.policy.cmp(&b.policy).then_with(|| rank(a).cmp(&rank(b))));
    let names = nodes(resolver, row, layer.layer);
    let mut verdicts = layer.nodes.clone();
    for place in &layer.poison {
        let handle = document(resolver, row, layer.layer, *place);
        if let Some(DocumentHandle::Stored { node, .. }) = handle
            && let Some(verdict) = verdicts.get_mut(usize::from(node))
        {
            *verdict = Verdict::ExplicitDeny;
        }
    }
    let nodes = names.iter().zip(&verdicts);
    LayerResult {
        layer: layer.layer,
        verdict: layer.verdict,
        allows: layer.allows().map(named).collect(),
        denies,
        nodes: nodes
            .map(|(node, verdict)| NodeVerdict { node: node.clone(), verdict: *verdict })
            .collect(),
        bypassed: false,
    }
}

/// E-102: for Allowed every Allow that took part; for ExplicitDeny the denies of the decisive
/// layer; else none.
fn decisive_statements(
    frame: &Frame,
    trace: &RowTrace,
    layers: &[LayerResult],
    decisive: Layer,
    reason: ReasonCode,
) -> Vec<StatementRef> {
    match trace.answer.decision {
        Decision::ExplicitDeny => {
            let denies = layers.iter().find(|l| l.layer == decisive).map(|l| &l.denies[..]);
            let poisoned = reason == ReasonCode::InvalidPolicy;
            let denies = denies.unwrap_or_default().iter();
            denies.filter(|deny| !poisoned || deny.effect.is_none()).cloned().collect()
        }
        Decision::Allowed => {
            let allows = layers.iter().flat_map(|l| {
                let took_part =
                    move |allow: &&StatementRef| took_part(frame, trace, l.layer, allow);
                l.allows.iter().filter(took_part)
            });
            let mut allows: Vec<StatementRef> = allows.cloned().collect();
            // Those of one policy on several nodes stay in the order of the nodes.
            allows.sort_by(|a, b| (&a.policy, a.statement).cmp(&(&b.policy, b.statement)));
            allows
        }
        Decision::ImplicitDeny | Decision::Indeterminate => Vec::new(),
    }
}

/// E-102: whether an Allow took part in what is allowed: the guardrails' always, the others' as
/// the formula that granted used their layers.
fn took_part(frame: &Frame, trace: &RowTrace, layer: Layer, allow: &StatementRef) -> bool {
    let by = trace.answer.layer;
    let by_identity = by == Layer::Identity;
    let by_entity = trace.took_part.entity;
    // Their formulas have S wherever it is not the grant itself.
    let needs_session = match frame.kind {
        PrincipalKind::AssumedRoot => true,
        PrincipalKind::FederatedRoot => !frame.same_account,
        _ => false,
    };
    match layer {
        Layer::ResourceControl | Layer::ServiceControl | Layer::VpcEndpoint => true,
        _ if by == Layer::Builtin => false,
        Layer::Resource => has_strength(trace.took_part, allow.strength),
        Layer::Identity => by_identity,
        Layer::Boundary => by_identity || by_entity,
        Layer::Session => by_identity || by_entity || by == Layer::Root || needs_session,
        Layer::Root | Layer::Service | Layer::Builtin => false,
    }
}

fn has_strength(grant: Grant, strength: Option<Strength>) -> bool {
    match strength {
        Some(Strength::Direct) => grant.direct,
        Some(Strength::Entity) => grant.entity,
        Some(Strength::Account) => grant.account,
        None => false,
    }
}

/// E-58: every layer that would have to change for Allowed.
fn would_allow(frame: &Frame, trace: &RowTrace) -> Vec<Layer> {
    let mut changes = Vec::new();
    if trace.answer.decision == Decision::Allowed {
        return changes;
    }
    for layer in &trace.layers {
        let guards = matches!(
            layer.layer,
            Layer::ResourceControl | Layer::ServiceControl | Layer::VpcEndpoint
        );
        let closed = layer.verdict == Verdict::ExplicitDeny
            || (guards && layer.verdict == Verdict::ImplicitDeny);
        if closed {
            changes.push(layer.layer);
        }
    }
    if !frame.builtin_allow {
        if frame.builtin_refusal.is_some() {
            changes.push(Layer::Builtin);
        }
        if frame.refusal.is_some() {
            changes.push(Layer::Service);
        }
        changes.extend(to_change(frame, &trace.blame));
    }
    changes.sort_unstable();
    changes.dedup();
    changes
}

/// E-58: those of the blamed layers that would have to change. In the same account a resource that
/// names the caller directly needs nothing else of a gated caller, but for the task of an assumed
/// root.
fn to_change(frame: &Frame, blame: &[Layer]) -> impl Iterator<Item = Layer> {
    let names_caller = frame.same_account && blame.contains(&Layer::Resource);
    let is_needed = move |layer: &Layer| match layer {
        Layer::Identity | Layer::Boundary => !names_caller,
        Layer::Session => !names_caller || frame.kind == PrincipalKind::AssumedRoot,
        _ => true,
    };
    blame.iter().copied().filter(is_needed)
}

/// Whether principal and resource are strangers: of different accounts and of no organization
/// in common (E-107).
pub(super) fn are_strangers(resolver: &Resolver<'_>, row: usize) -> bool {
    let principal = resolver.principal_entry_of(row);
    let (Some(own), Some(theirs)) = (principal.account, resolver.rows.account[row]) else {
        return false;
    };
    let snapshot = &resolver.engine.snapshot;
    let organization = |account| snapshot.path(account).map(|path| &path.organization);
    own != theirs && (organization(own).is_none() || organization(own) != organization(theirs))
}
