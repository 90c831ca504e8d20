//! Many decisions: one after the other with warm dictionaries, or on all cores.

pub(crate) mod partial;
mod stream;
mod tails;

use std::ops::Range;

use assize_catalog::ResourceTypeId;
use assize_compiler::{BoundRows, DecisionRow, StatementPlace};
use assize_formats::FastStatement;
use assize_model::{
    AccountId, AllowedBy, Bounds, Decision, Effect, Layer, ReasonCode, Request, RequestError,
    StatementRef,
};

use crate::engine::Inner;
use crate::resolve::{DocumentHandle, Resolver, Run, Shape};

pub use stream::{Progress, StreamFormat, StreamOptions, StreamSummary};

/// The answer to one request (E-103, fast mode).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The decision.
    pub decision: Decision,
    /// The decisive check, from 0 (E-67).
    pub check: u32,
    /// The decisive layer.
    pub layer: Layer,
    /// The reason.
    pub reason: ReasonCode,
    /// Whose policies allow, when allowed.
    pub allowed_by: Option<AllowedBy>,
    /// The first statement of the decisive layer by E-102; none for an implicit deny.
    pub statement: Option<StatementRef>,
    /// Both bounds, when they differ (partial context, E-128).
    pub bounds: Option<Bounds>,
    /// The unknown keys the decision hangs on (E-129).
    pub depends_on: Vec<Box<str>>,
}

/// What resources have in common that are decided alike where neither policies nor requests tell
/// them apart: owner, region and service are in the header of their ARNs, and service rules know
/// no more than a shape and a resource type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ResourceKind<'t> {
    /// The first five segments of the ARN.
    pub header: &'t str,
    /// What service rules want to know of it.
    pub(crate) shape: Shape,
    /// Which resource type of the action it is (E-7).
    pub resource_type: Option<ResourceTypeId>,
}

impl ResourceKind<'_> {
    /// A number for what service rules want to know of it.
    pub fn shape(&self) -> u8 {
        self.shape as u8
    }
}

/// Working memory for many decisions in a row, for one thread.
#[derive(Debug)]
pub struct Decider<'e> {
    pub(crate) resolver: Resolver<'e>,
}

impl<'e> Decider<'e> {
    pub(crate) fn new(engine: &'e Inner) -> Self {
        Self { resolver: Resolver::new(engine) }
    }

    /// Decides one request.
    ///
    /// # Errors
    /// Why the request is malformed (E-3).
    pub fn decide(&mut self, request: &Request<'_>) -> Result<Outcome, RequestError> {
        self.resolver.begin();
        self.resolver.expect_one();
        let run = self.resolver.push(request)?;
        self.resolver.decide();
        Ok(self.outcome(run))
    }

    /// The statement that [`Decider::decide`] named last, with the file it stands in and where in
    /// it (E-101).
    pub fn located_statement(&self) -> Option<StatementRef> {
        let len = u32::try_from(self.resolver.n_rows()).ok().filter(|len| *len > 0)?;
        let answer = answer(&self.resolver, Run { start: 0, len });
        Some(located_statement(&self.resolver, answer.row, answer.layer, answer.place?))
    }

    /// What is decided of the resource of a request of one check, beside what policies and the
    /// request itself say of it. None when only its own text tells.
    pub fn resource_kind<'t>(
        &mut self,
        action: &str,
        resource: &'t str,
    ) -> Option<ResourceKind<'t>> {
        self.resolver.resource_kind(action, resource)
    }

    /// Decides requests together, in order.
    pub fn decide_all(&mut self, requests: &[Request<'_>]) -> Vec<Result<Outcome, RequestError>> {
        let mut outcomes = Vec::with_capacity(requests.len());
        while outcomes.len() < requests.len() {
            self.resolver.begin();
            let part = requests[outcomes.len()..].iter().take(N_BATCH_REQUESTS);
            let mut runs = Vec::with_capacity(part.len());
            for request in part {
                runs.push(self.resolver.push(request));
                if self.resolver.is_full() {
                    break;
                }
            }
            self.resolver.decide();
            outcomes.extend(runs.into_iter().map(|run| run.map(|run| self.outcome(run))));
        }
        outcomes
    }

    /// Resolves requests into columns in memory, in place of those of before, and decides
    /// nothing. Gives the rows of each request: one for each of its checks (E-67). Past 2³⁰ bytes
    /// of context values a request is an error.
    ///
    /// With [`Decider::decide_prepared`] this takes [`Decider::decide_all`] apart, for callers
    /// who decide the same columns again or measure the two halves.
    pub fn prepare(&mut self, requests: &[Request<'_>]) -> Vec<Result<Range<usize>, RequestError>> {
        self.resolver.begin();
        let runs = requests.iter().map(|request| self.resolver.push(request));
        runs.map(|run| run.map(Run::range)).collect()
    }

    /// Decides the columns of [`Decider::prepare`], row by row. No answer to a row is kept; what
    /// the policies say of a frame and an action alone is. In partial context there are no rows
    /// here, but bounds ([`Decider::bound_prepared`]).
    pub fn decide_prepared(&mut self) -> &[DecisionRow] {
        self.resolver.decide();
        &self.resolver.decided
    }

    /// Decides both bounds of the columns of [`Decider::prepare`], row by row, in partial context
    /// (E-127).
    pub fn bound_prepared(&mut self) -> &[BoundRows] {
        self.resolver.decide();
        &self.resolver.bounds
    }

    fn outcome(&self, run: Run) -> Outcome {
        let answer = answer(&self.resolver, run);
        Outcome {
            decision: answer.decision,
            check: answer.check,
            layer: answer.layer,
            reason: answer.reason,
            allowed_by: answer.allowed_by,
            statement: answer.statement(&self.resolver).map(StatementRef::from),
            bounds: answer.bounds,
            depends_on: answer.depends_on,
        }
    }
}

/// The answer to a request, in the terms of its rows.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The row that decides.
    pub(crate) row: usize,
    pub(crate) check: u32,
    pub(crate) decision: Decision,
    pub(crate) layer: Layer,
    pub(crate) reason: ReasonCode,
    pub(crate) allowed_by: Option<AllowedBy>,
    pub(crate) place: Option<StatementPlace>,
    pub(crate) bounds: Option<Bounds>,
    pub(crate) depends_on: Vec<Box<str>>,
}

impl Answer {
    fn of_row(row: usize, check: usize, decided: &DecisionRow) -> Self {
        Self {
            row,
            check: u32::try_from(check).unwrap_or_default(),
            decision: decided.decision,
            layer: decided.layer,
            reason: decided.reason,
            allowed_by: decided.allowed_by,
            place: decided.place(),
            bounds: None,
            depends_on: Vec::new(),
        }
    }

    /// E-132: a denial for certain that perhaps is an explicit one.
    pub(crate) fn is_kind_uncertain(&self) -> bool {
        self.decision == Decision::ImplicitDeny && self.bounds.is_some()
    }

    /// The one statement of fast output (E-103).
    pub(crate) fn statement<'r>(&self, resolver: &'r Resolver<'_>) -> Option<NamedStatement<'r>> {
        Some(named_statement(resolver, self.row, self.layer, self.place?))
    }
}

/// The answer to a request of the chunk at hand.
pub(crate) fn answer(resolver: &Resolver<'_>, run: Run) -> Answer {
    if resolver.is_partial {
        return partial::answer(resolver, run);
    }
    let (row, check) = decisive(resolver, run);
    Answer::of_row(row, check as usize, &resolver.decided[row])
}

/// The row that decides a request, and its position among the checks (E-67): the first that has
/// the request's decision. In partial context, with every unknown against the request.
pub(crate) fn decisive(resolver: &Resolver<'_>, run: Run) -> (usize, u32) {
    let worst: Vec<DecisionRow>;
    let rows = if resolver.is_partial {
        worst = resolver.bounds[run.range()].iter().map(|bounds| bounds.worst).collect();
        &worst
    } else {
        &resolver.decided[run.range()]
    };
    let decision = fold(rows);
    let at = rows.iter().position(|row| row.decision == decision).unwrap_or_default();
    (run.start as usize + at, u32::try_from(at).unwrap_or_default())
}

/// E-67: allowed when every check is; explicitly denied when any is; else implicitly denied.
fn fold(rows: &[DecisionRow]) -> Decision {
    if rows.iter().any(|row| row.decision == Decision::ExplicitDeny) {
        Decision::ExplicitDeny
    } else if rows.iter().all(|row| row.decision == Decision::Allowed) {
        Decision::Allowed
    } else {
        Decision::ImplicitDeny
    }
}

/// A statement by its names (E-101), borrowed from whoever holds its document.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NamedStatement<'s> {
    /// What stands before the reference of the document.
    pub(crate) prefix: &'static str,
    pub(crate) reference: &'s str,
    pub(crate) statement: Option<u32>,
    pub(crate) sid: Option<&'s str>,
    pub(crate) effect: Option<Effect>,
    pub(crate) node: Option<&'s str>,
}

impl NamedStatement<'_> {
    /// The statement as fast records name it; `buffer` holds a name that is put together.
    pub(crate) fn as_fast<'b>(&'b self, buffer: &'b mut String) -> FastStatement<'b> {
        let policy = if self.prefix.is_empty() {
            self.reference
        } else {
            buffer.clear();
            buffer.extend([self.prefix, self.reference]);
            buffer
        };
        let Self { statement: index, sid, effect, node, .. } = *self;
        FastStatement { policy, index, sid, effect, node }
    }
}

impl From<NamedStatement<'_>> for StatementRef {
    fn from(named: NamedStatement<'_>) -> Self {
        Self {
            policy: [named.prefix, named.reference].concat().into(),
            statement: named.statement,
            sid: named.sid.map(Into::into),
            effect: named.effect,
            node: named.node.map(Into::into),
            ..Self::default()
        }
    }
}

/// Names a place in the policy set of a layer of a row.
pub(crate) fn named_statement<'r>(
    resolver: &'r Resolver<'_>,
    row: usize,
    layer: Layer,
    place: StatementPlace,
) -> NamedStatement<'r> {
    let handle = document(resolver, row, layer, place);
    let Some(handle) = handle else { return NamedStatement::default() };
    let prefix = match (layer, handle) {
        (Layer::Boundary, DocumentHandle::Stored { .. }) => "boundary:",
        _ => "",
    };
    let nodes = nodes(resolver, row, layer);
    resolver.named(handle, place.statement, prefix, nodes)
}

/// The same, with the place of the statement in its file.
pub(crate) fn located_statement(
    resolver: &Resolver<'_>,
    row: usize,
    layer: Layer,
    place: StatementPlace,
) -> StatementRef {
    let mut reference = StatementRef::from(named_statement(resolver, row, layer, place));
    if let Some(DocumentHandle::Stored { policy, .. }) = document(resolver, row, layer, place) {
        resolver.engine.locate(policy, place.statement, &mut reference);
    }
    reference
}

/// The nodes of the path whose policies stand in a layer.
pub(crate) fn nodes<'r>(resolver: &'r Resolver<'_>, row: usize, layer: Layer) -> &'r [Box<str>] {
    let path = path_account(resolver, row, layer)
        .and_then(|account| resolver.engine.snapshot.path(account));
    path.map(|path| &path.nodes[..]).unwrap_or_default()
}

/// The account on whose path the policies of a layer stand.
fn path_account(resolver: &Resolver<'_>, row: usize, layer: Layer) -> Option<AccountId> {
    match layer {
        Layer::ServiceControl => resolver.principal_entry_of(row).account,
        Layer::ResourceControl => resolver.rows.account[row],
        _ => None,
    }
}

/// The document at a place of the policy set of a layer.
pub(crate) fn document(
    resolver: &Resolver<'_>,
    row: usize,
    layer: Layer,
    place: StatementPlace,
) -> Option<DocumentHandle> {
    let at = usize::from(place.document);
    let principal = &resolver.principals[resolver.rows.principal[row] as usize];
    let resource = &resolver.resources[resolver.rows.resolved_resource[row] as usize];
    let engine = resolver.engine;
    match layer {
        Layer::Identity => principal.identity_documents.get(at).copied(),
        Layer::Boundary => principal.boundary_documents.get(at).copied(),
        Layer::Session => principal.session_documents.get(at).copied(),
        Layer::Resource if place.in_grants => resource.attached().grant_documents.get(at).copied(),
        Layer::Resource => {
            let action = &resolver.actions[resolver.rows.resolved_action[row] as usize];
            resolver.resource_documents(action, resource).get(at).copied()
        }
        Layer::VpcEndpoint => {
            let id = resolver.rows.endpoints.get(row)?.as_deref()?;
            engine.sets.endpoint(id).map(|(_, document)| document)
        }
        Layer::ServiceControl => engine.sets.scp_document(principal.account?, at),
        Layer::ResourceControl => engine.sets.rcp_document(resolver.rows.account[row]?, at),
        Layer::Root | Layer::Service | Layer::Builtin => None,
    }
}

/// Requests that one thread resolves and decides together.
const N_BATCH_REQUESTS: usize = 4_096;

/// Decides requests on all cores, answers in order.
pub(crate) fn decide_batch(
    engine: &Inner,
    requests: &[Request<'_>],
) -> Vec<Result<Outcome, RequestError>> {
    #[cfg(feature = "parallel")]
    {
        use rayon::prelude::*;
        requests
            .par_chunks(N_BATCH_REQUESTS)
            .map_init(|| Decider::new(engine), |decider, chunk| decider.decide_all(chunk))
            .flatten_iter()
            .collect()
    }
    #[cfg(not(feature = "parallel"))]
    {
        let mut decider = Decider::new(engine);
        requests.chunks(N_BATCH_REQUESTS).flat_map(|chunk| decider.decide_all(chunk)).collect()
    }
}
