//! Everything about one row, statement by statement.
//!
//! A trace reads the IR that stands beside the tables and shares neither cells, nor atoms, nor
//! pattern sets with [`DecisionTables::decide`], so that comparing the two means something.

mod detail;
mod matching;

use assize_catalog::Catalog;
use assize_model::{
    AllowedBy, ConditionKey, Effect, Grant, Layer, PolicyType, ReasonCode, Strength, Verdict,
};
use assize_policy::ir::Statement;

pub use self::detail::{ConditionDetail, EntryDetail, Expected, PartDetail, StatementDetail, Void};
pub(crate) use self::matching::Check;
use self::matching::PrincipalPart;
use crate::columns::{
    DecisionRow, EndpointLayer, Frame, IdentityLayer, RequestColumns, SessionLayer, SetRef,
    StatementPlace,
};
use crate::overlay::Overlay;
use crate::partial::{PartialColumns, Side};
use crate::service_rules::{self, Ending, Grants};
use crate::tables::DecisionTables;
use crate::truth::Truth;

/// Everything about one row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowTrace {
    /// The answer; the same as that of [`DecisionTables::decide`].
    pub answer: DecisionRow,
    /// The seven layers of policies, in the order of E-50.
    pub layers: Vec<LayerTrace>,
    /// How resource-based Allow statements name the principal (E-45).
    pub grant: Grant,
    /// The strengths at which Allow statements of layer `resource` took part in an Allowed
    /// (E-102: as used by the formula).
    pub took_part: Grant,
    /// The layers that keep the formulas of E-53 – E-55 from granting, in the order of E-58;
    /// empty if they grant.
    pub blame: Vec<Layer>,
}

/// What one layer says of the row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerTrace {
    /// The layer.
    pub layer: Layer,
    /// Its verdict.
    pub verdict: Verdict,
    /// Its documents that do not load (E-112).
    pub poison: Vec<StatementPlace>,
    /// Every statement of its documents, in the order of E-102.
    pub statements: Vec<StatementTrace>,
    /// The verdict of each node, for SCPs and RCPs; one for the other layers, none for layers
    /// without a policy set.
    pub nodes: Vec<Verdict>,
}

/// What one statement says of the row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatementTrace {
    /// Where it stands in the set.
    pub place: StatementPlace,
    /// The node its document is attached to.
    pub node: u16,
    /// Its effect.
    pub effect: Effect,
    /// The first part that is false; none if the statement applies.
    pub failed: Option<FailedPart>,
    /// How closely a `Principal` element names the principal, where there is one.
    pub strength: Option<Strength>,
    /// E-83, E-84: it plays no part in this check.
    pub ignored: bool,
    /// Keys it asks about and the context lacks, if it matches in all else (E-104), in the order
    /// first seen.
    pub missing_keys: Vec<ConditionKey>,
    /// In partial context, the keys of its tests and of the variables in their values, if it
    /// matches in all else.
    pub asked_keys: Vec<ConditionKey>,
    /// In partial context, the unknown keys of a statement that is U (E-129), in the order and
    /// spelling of its text; none of one that is T or F. Whether it applies is then a matter of
    /// the side that was traced.
    pub open_keys: Option<Vec<ConditionKey>>,
}

/// A part of a statement that is false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailedPart {
    /// `Principal` or `NotPrincipal`.
    Principal,
    /// `Action` or `NotAction`.
    Action,
    /// `Resource` or `NotResource`.
    Resource,
    /// The test at this position of the condition block.
    Condition(usize),
}

impl StatementTrace {
    /// Whether it applies and plays a part.
    pub fn applies(&self) -> bool {
        self.failed.is_none() && !self.ignored
    }
}

impl LayerTrace {
    /// The Allow statements that apply, in the order of E-102.
    pub fn allows(&self) -> impl Iterator<Item = &StatementTrace> {
        self.matched(Effect::Allow)
    }

    /// The Deny statements that apply, in the order of E-102.
    pub fn denies(&self) -> impl Iterator<Item = &StatementTrace> {
        self.matched(Effect::Deny)
    }

    fn matched(&self, effect: Effect) -> impl Iterator<Item = &StatementTrace> {
        self.statements.iter().filter(move |s| s.effect == effect && s.applies())
    }

    fn bare(layer: Layer, verdict: Verdict) -> Self {
        Self { layer, verdict, poison: Vec::new(), statements: Vec::new(), nodes: Vec::new() }
    }

    fn allowing(&self) -> bool {
        self.verdict == Verdict::Allow
    }

    fn open(&self) -> bool {
        matches!(self.verdict, Verdict::Allow | Verdict::NotApplicable)
    }
}

/// The layers of policies, in the order of E-50.
const LAYERS: [Layer; 7] = [
    Layer::ResourceControl,
    Layer::ServiceControl,
    Layer::VpcEndpoint,
    Layer::Resource,
    Layer::Identity,
    Layer::Boundary,
    Layer::Session,
];

impl DecisionTables {
    /// Everything about one row, or `None` if the columns have no such row or it points outside
    /// their lists. `catalog` is the one the tables were compiled with. Allocates.
    pub fn trace(
        &self,
        catalog: &Catalog,
        overlay: Option<&Overlay>,
        columns: &RequestColumns<'_>,
        row: usize,
    ) -> Option<RowTrace> {
        let (frame, check) = self.check(catalog, overlay, columns, row)?;
        Some(check.trace(frame))
    }

    /// Everything about one row on one side, with every unknown falling to it (E-127).
    pub fn trace_partial(
        &self,
        catalog: &Catalog,
        overlay: Option<&Overlay>,
        partial: &PartialColumns<'_>,
        row: usize,
        side: Side,
    ) -> Option<RowTrace> {
        let columns = partial.on(side);
        let (frame, check) = self.check(catalog, overlay, &columns, row)?;
        let check = Check { side, ..check.with_gaps(partial)? };
        Some(check.trace(frame))
    }

    /// Why the statement at a place of a layer applies to a row, or does not: part by part. None
    /// if there is no such row or statement. Allocates.
    pub fn statement_detail(
        &self,
        catalog: &Catalog,
        overlay: Option<&Overlay>,
        columns: &RequestColumns<'_>,
        row: usize,
        (layer, place): (Layer, StatementPlace),
    ) -> Option<StatementDetail> {
        let (frame, check) = self.check(catalog, overlay, columns, row)?;
        check.detail_at(frame.set_at(layer, place)?, place)
    }

    /// The same in partial context: a part that is unknown does not hold.
    pub fn statement_detail_partial(
        &self,
        catalog: &Catalog,
        overlay: Option<&Overlay>,
        partial: &PartialColumns<'_>,
        row: usize,
        (layer, place): (Layer, StatementPlace),
    ) -> Option<StatementDetail> {
        let (frame, check) = self.check(catalog, overlay, partial.columns, row)?;
        check.with_gaps(partial)?.detail_at(frame.set_at(layer, place)?, place)
    }

    /// A row and what it points to.
    pub(crate) fn check<'a>(
        &'a self,
        catalog: &'a Catalog,
        overlay: Option<&'a Overlay>,
        columns: &'a RequestColumns<'a>,
        row: usize,
    ) -> Option<(&'a Frame, Check<'a>)> {
        let frame = columns.frames.get(*columns.frame.get(row)?)?;
        let check = Check {
            tables: self,
            catalog,
            overlay,
            columns,
            row,
            action: *columns.action.get(row)?,
            principal: columns.principals.get(*columns.principal.get(row)? as usize)?,
            resource: columns.resources.get(*columns.resource.get(row)? as usize)?,
            gaps: None,
            side: Side::Worst,
        };
        Some((frame, check))
    }
}

impl Check<'_> {
    fn trace(&self, frame: &Frame) -> RowTrace {
        let check = self;
        let layers = if frame.builtin_allow {
            // E-70, E-71: the endpoint's policy alone is asked.
            let bare = |layer| LayerTrace::bare(layer, Verdict::NotApplicable);
            let mut layers = LAYERS.map(bare).to_vec();
            layers[2] = endpoint(check, frame);
            layers
        } else {
            vec![
                guardrail(check, Layer::ResourceControl, frame.rcp),
                guardrail(check, Layer::ServiceControl, frame.scp),
                endpoint(check, frame),
                resource(check, frame),
                identity(check, frame),
                guardrail(check, Layer::Boundary, frame.boundary),
                session(check, frame),
            ]
        };
        conclude(frame, layers)
    }
}

fn guardrail(check: &Check<'_>, layer: Layer, set: Option<SetRef>) -> LayerTrace {
    match set {
        Some(set) => layer_of_set(check, layer, set),
        None => LayerTrace::bare(layer, Verdict::NotApplicable),
    }
}

fn endpoint(check: &Check<'_>, frame: &Frame) -> LayerTrace {
    let layer = Layer::VpcEndpoint;
    match frame.endpoint {
        EndpointLayer::NotApplicable => LayerTrace::bare(layer, Verdict::NotApplicable),
        EndpointLayer::AllowAll => LayerTrace::bare(layer, Verdict::Allow),
        EndpointLayer::Set(set) => layer_of_set(check, layer, set),
    }
}

fn identity(check: &Check<'_>, frame: &Frame) -> LayerTrace {
    let layer = Layer::Identity;
    match frame.identity {
        // The kinds of E-52 have no identity layer.
        IdentityLayer::None if service_rules::is_outsider(frame.kind) => {
            LayerTrace::bare(layer, Verdict::NotApplicable)
        }
        IdentityLayer::None => LayerTrace::bare(layer, Verdict::ImplicitDeny),
        IdentityLayer::AllowAll => LayerTrace::bare(layer, Verdict::Allow),
        IdentityLayer::Set(set) => layer_of_set(check, layer, set),
    }
}

/// E-38.
fn session(check: &Check<'_>, frame: &Frame) -> LayerTrace {
    let layer = Layer::Session;
    match frame.session {
        SessionLayer::NotApplicable => LayerTrace::bare(layer, Verdict::NotApplicable),
        SessionLayer::Empty => LayerTrace::bare(layer, Verdict::ImplicitDeny),
        SessionLayer::Set(set) => layer_of_set(check, layer, set),
        SessionLayer::Task(set) => {
            let mut traced = layer_of_set(check, layer, set);
            if traced.verdict == Verdict::ImplicitDeny {
                traced.verdict = Verdict::Allow;
            }
            traced
        }
    }
}

/// Grants and the resource's own policies as one layer (E-46, E-81, E-83, E-84).
fn resource(check: &Check<'_>, frame: &Frame) -> LayerTrace {
    let layer = Layer::Resource;
    let mut traced = LayerTrace::bare(layer, Verdict::NotApplicable);
    if let Some(set) = frame.grants {
        add_statements(check, set, true, |_| false, &mut traced);
    }
    if let Some(set) = frame.resource {
        let ignored = |effect| match effect {
            Effect::Deny => frame.ignore_resource_denies,
            Effect::Allow => frame.ignore_resource_allows,
        };
        add_statements(check, set, false, ignored, &mut traced);
    }
    if frame.grants.or(frame.resource).is_some() {
        settle(&mut traced, 1);
    }
    traced
}

fn layer_of_set(check: &Check<'_>, layer: Layer, set: SetRef) -> LayerTrace {
    let mut traced = LayerTrace::bare(layer, Verdict::ImplicitDeny);
    add_statements(check, set, false, |_| false, &mut traced);
    settle(&mut traced, check.tables.set(check.overlay, set).n_nodes);
    traced
}

/// The verdict of each node, and of the layer (E-35, 2.1, E-112).
fn settle(traced: &mut LayerTrace, n_nodes: u16) {
    let verdict = |node: u16| {
        let at_node = |statement: &&StatementTrace| n_nodes == 1 || statement.node == node;
        if traced.denies().any(|statement| at_node(&statement)) {
            Verdict::ExplicitDeny
        } else if traced.allows().any(|statement| at_node(&statement)) {
            Verdict::Allow
        } else {
            Verdict::ImplicitDeny
        }
    };
    let nodes: Vec<Verdict> = (0..n_nodes).map(verdict).collect();
    traced.verdict = if !traced.poison.is_empty() || traced.denies().next().is_some() {
        Verdict::ExplicitDeny
    } else if nodes.iter().all(|node| *node == Verdict::Allow) {
        Verdict::Allow
    } else {
        Verdict::ImplicitDeny
    };
    traced.nodes = nodes;
}

fn add_statements(
    check: &Check<'_>,
    set: SetRef,
    in_grants: bool,
    ignored: impl Fn(Effect) -> bool,
    traced: &mut LayerTrace,
) {
    let set = check.tables.set(check.overlay, set);
    for (&member, document) in set.members.iter().zip(0..) {
        let source = check.tables.member(check.overlay, member);
        let place = StatementPlace { in_grants, document, statement: None };
        let Some(policy) = source.and_then(|(document, _)| document.source.policy()) else {
            traced.poison.push(place);
            continue;
        };
        for (statement, at) in policy.statements.iter().zip(0..) {
            let place = StatementPlace { statement: Some(at), ..place };
            let mut found = check.statement(statement, policy.policy_type);
            if in_grants {
                // The constraint of a grant is no condition of a statement (E-104).
                found.missing_keys.clear();
            }
            traced.statements.push(StatementTrace {
                place,
                node: member.node,
                effect: statement.effect,
                failed: found.failed,
                strength: found.strength,
                ignored: ignored(statement.effect),
                missing_keys: found.missing_keys,
                asked_keys: found.asked_keys,
                open_keys: found.open_keys,
            });
        }
    }
}

/// What became of one statement.
struct Found {
    failed: Option<FailedPart>,
    strength: Option<Strength>,
    missing_keys: Vec<ConditionKey>,
    asked_keys: Vec<ConditionKey>,
    open_keys: Option<Vec<ConditionKey>>,
}

impl Check<'_> {
    /// L-241, E-104, E-126.
    fn statement(&self, statement: &Statement, policy_type: PolicyType) -> Found {
        let mut found = Found {
            failed: None,
            strength: None,
            missing_keys: Vec::new(),
            asked_keys: Vec::new(),
            open_keys: None,
        };
        match self.principal_part(statement, policy_type) {
            PrincipalPart::False => {
                found.failed = Some(FailedPart::Principal);
                return found;
            }
            PrincipalPart::True => {}
            PrincipalPart::Named(strength) => found.strength = Some(strength),
        }
        if !self.action_part(&statement.action) {
            found.failed = Some(FailedPart::Action);
            return found;
        }
        self.missing_in_resources(&statement.resource, &mut found.missing_keys);
        let resource = self.resource_part(&statement.resource);
        if resource == Truth::False {
            found.failed = Some(FailedPart::Resource);
            return found;
        }
        self.missing_in_conditions(&statement.conditions, &mut found.missing_keys);
        if self.gaps.is_some() {
            found.asked_keys = Self::asked_keys(&statement.conditions);
        }
        let tests = statement.conditions.iter().map(|condition| self.test(condition));
        let tests: Vec<Truth> = tests.collect();
        let position = |truth| tests.iter().position(|test| *test == truth);
        if let Some(failed) = position(Truth::False) {
            found.failed = Some(FailedPart::Condition(failed));
        } else if resource == Truth::Unknown || position(Truth::Unknown).is_some() {
            found.open_keys = Some(self.open_keys(statement));
            let part = match position(Truth::Unknown) {
                Some(test) if resource == Truth::True => FailedPart::Condition(test),
                _ => FailedPart::Resource,
            };
            found.failed = (!self.falls(statement.effect)).then_some(part);
        }
        found
    }

    /// E-127: whether a statement of this effect that is U applies on the traced side.
    fn falls(&self, effect: Effect) -> bool {
        match (effect, self.side) {
            (Effect::Allow, Side::Best) | (Effect::Deny, Side::Worst) => true,
            (Effect::Allow, Side::Worst) | (Effect::Deny, Side::Best) => false,
        }
    }
}

/// Section 3.1, with every verdict known.
fn conclude(frame: &Frame, layers: Vec<LayerTrace>) -> RowTrace {
    let grant = grant(&layers[3]);
    let grants = Grants {
        identity: layers[4].allowing(),
        boundary: layers[5].open(),
        session: layers[6].open(),
        direct: grant.direct,
        entity: grant.entity,
        account: grant.account,
    };
    let ending = service_rules::conclude(frame, grants);
    let mut took_part = Grant::default();
    let answer = builtin_allow(frame, &layers[2])
        .or_else(|| layers.iter().find_map(explicit_deny))
        .or_else(|| {
            let refusal = frame.builtin_refusal?;
            Some(DecisionRow::implicit(Layer::Builtin, refusal))
        })
        .or_else(|| {
            let closed = layers[..3].iter().find(|l| l.verdict == Verdict::ImplicitDeny)?;
            Some(DecisionRow::implicit(closed.layer, ReasonCode::NoAllow))
        })
        .or_else(|| Some(DecisionRow::implicit(Layer::Service, frame.refusal?)))
        .unwrap_or_else(|| {
            took_part = part_of_resource(frame, ending, grants);
            let first = match ending {
                Ending::Allowed { layer: Layer::Identity, .. } => layers[4].allows().next(),
                Ending::Allowed { layer: Layer::Resource, .. } => {
                    layers[3].allows().find(|allow| match strength(allow) {
                        Strength::Direct => took_part.direct,
                        Strength::Entity => took_part.entity,
                        Strength::Account => took_part.account,
                    })
                }
                _ => None,
            };
            first.map_or(ending.row(), |first| ending.row().at(first.place))
        });
    let blame = match ending {
        Ending::Allowed { .. } => Vec::new(),
        Ending::Denied(_) => service_rules::blamed(frame, grants),
    };
    RowTrace { answer, layers, grant, took_part, blame }
}

/// The strengths at which resource-based Allow statements took part.
fn part_of_resource(frame: &Frame, ending: Ending, grants: Grants) -> Grant {
    let Ending::Allowed { layer, by, entity_took_part } = ending else { return Grant::default() };
    match layer {
        Layer::Resource => Grant {
            direct: grants.direct,
            entity: grants.entity && entity_took_part,
            account: false,
        },
        Layer::Identity if by == AllowedBy::IdentityAndResource => Grant {
            direct: grants.direct,
            entity: grants.entity,
            account: grants.account && (frame.gated || !frame.same_account),
        },
        _ => Grant::default(),
    }
}

/// E-40: a statement without a principal element speaks to everyone.
fn strength(statement: &StatementTrace) -> Strength {
    statement.strength.unwrap_or(Strength::Direct)
}

/// E-45.
fn grant(resource: &LayerTrace) -> Grant {
    let mut grant = Grant::default();
    for allow in resource.allows() {
        match strength(allow) {
            Strength::Direct => grant.direct = true,
            Strength::Entity => grant.entity = true,
            Strength::Account => grant.account = true,
        }
    }
    grant
}

/// E-70, E-71.
fn builtin_allow(frame: &Frame, endpoint: &LayerTrace) -> Option<DecisionRow> {
    if !frame.builtin_allow {
        return None;
    }
    Some(explicit_deny(endpoint).unwrap_or_else(|| {
        if endpoint.open() {
            DecisionRow::allowed(Layer::Builtin, ReasonCode::BuiltinAllow, AllowedBy::Builtin)
        } else {
            DecisionRow::implicit(Layer::VpcEndpoint, ReasonCode::NoAllow)
        }
    }))
}

fn explicit_deny(layer: &LayerTrace) -> Option<DecisionRow> {
    if let Some(poison) = layer.poison.first() {
        return Some(DecisionRow::poison(layer.layer, poison.document, poison.in_grants));
    }
    let deny = layer.denies().next()?;
    Some(DecisionRow::explicit(layer.layer, deny.place))
}
