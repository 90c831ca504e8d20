//! Layers and how they combine (evaluation, sections 2 and 3).

mod bounds;

pub(crate) use bounds::combine;

use assize_model::{
    AllowedBy, Bounds, CheckDecision, ConditionKey, Decision, Effect, Grant, Layer, LayerResult,
    NodeVerdict, PrincipalKind as Kind, ReasonCode, StatementRef, Strength, Verdict,
};
use assize_policy::ir::Statement;

use crate::applicable::{self, Document, EndpointLayer, Node};
use crate::evaluate::principal::Standing;
use crate::evaluate::{Case, Remarks, Side, output};
use crate::service_rules::organizations::{self, Right};
use crate::service_rules::{self, kms, s3, sts};
use crate::statement::{self, Asked, Match};

// ---- Section 2: layers ----

/// The layers that hold documents, in the order in which denies are reported (E-50).
const LAYERS: [Layer; 7] = [
    Layer::ResourceControl,
    Layer::ServiceControl,
    Layer::VpcEndpoint,
    Layer::Resource,
    Layer::Identity,
    Layer::Boundary,
    Layer::Session,
];

/// What the layers say of a check.
#[derive(Debug)]
struct Layers {
    /// In the order of [`LAYERS`].
    results: Vec<LayerResult>,
    /// E-45.
    grant: Grant,
    missing: Vec<ConditionKey>,
    /// The statements that are U.
    open: Vec<Open>,
}

impl Layers {
    fn get(&self, layer: Layer) -> Option<&LayerResult> {
        self.results.iter().find(|result| result.layer == layer)
    }

    fn verdict(&self, layer: Layer) -> Verdict {
        self.get(layer).map_or(Verdict::NotApplicable, |result| result.verdict)
    }
}

/// A statement of which unknown keys leave open whether it applies (E-126).
#[derive(Debug, Clone)]
struct Open {
    layer: Layer,
    effect: Effect,
    reference: StatementRef,
    /// E-129, as spelled.
    keys: Vec<ConditionKey>,
}

/// The statements of some documents that apply.
#[derive(Debug, Default)]
struct Found {
    allows: Vec<StatementRef>,
    denies: Vec<StatementRef>,
    /// Those that may; on the side where they are taken to apply they are above, too.
    open: Vec<Open>,
}

impl Found {
    /// Section 2.1.
    fn verdict(&self) -> Verdict {
        match (self.denies.is_empty(), self.allows.is_empty()) {
            (false, _) => Verdict::ExplicitDeny,
            (true, false) => Verdict::Allow,
            (true, true) => Verdict::ImplicitDeny,
        }
    }

    fn append(&mut self, mut other: Self) {
        self.allows.append(&mut other.allows);
        self.denies.append(&mut other.denies);
        self.open.append(&mut other.open);
    }

    /// Takes a statement that matches on the side of the case (E-127): one that is U applies if
    /// it allows and that is the best, or denies and that is the worst.
    fn take(&mut self, layer: Layer, side: Side, reference: StatementRef, matched: Match) {
        let effect = reference.effect.unwrap_or(Effect::Deny);
        let falls = (effect == Effect::Allow) == (side == Side::Best);
        let applies = matched.open.is_none() || falls;
        if let Some(keys) = matched.open {
            self.open.push(Open { layer, effect, reference: reference.clone(), keys });
        }
        match effect {
            Effect::Allow if applies => self.allows.push(reference),
            Effect::Deny if applies => self.denies.push(reference),
            Effect::Allow | Effect::Deny => {}
        }
    }

    fn into_result(self, layer: Layer, verdict: Verdict) -> LayerResult {
        LayerResult {
            allows: in_order(self.allows),
            denies: in_order(self.denies),
            ..plain(layer, verdict)
        }
    }
}

/// E-102: by policy, byte for byte. Statements of one policy were found node by node and in their
/// order, and stay so.
fn in_order(mut statements: Vec<StatementRef>) -> Vec<StatementRef> {
    statements.sort_by(|a, b| a.policy.cmp(&b.policy));
    statements
}

/// A layer without statements.
fn plain(layer: Layer, verdict: Verdict) -> LayerResult {
    let (allows, denies, nodes) = (Vec::new(), Vec::new(), Vec::new());
    LayerResult { layer, verdict, allows, denies, nodes, bypassed: false }
}

/// E-101: a reference to a document. Where it stands in which file is for whoever shows it.
fn reference(document: &Document<'_>, node: Option<&str>) -> StatementRef {
    let policy = document.reference.as_str().into();
    StatementRef { policy, node: node.map(Into::into), ..StatementRef::default() }
}

/// E-101: a reference to a statement of a document.
fn statement_reference(
    document: &Document<'_>,
    node: Option<&str>,
    index: u32,
    statement: &Statement,
) -> StatementRef {
    StatementRef {
        statement: Some(index),
        sid: statement.sid.clone(),
        effect: Some(statement.effect),
        ..reference(document, node)
    }
}

/// What looking through documents collects.
struct Reader<'c, 'a> {
    case: &'c Case<'a>,
    remarks: &'c mut Remarks,
    asked: Asked,
    open: Vec<Open>,
}

/// Every layer of a check (section 2).
fn layers(case: &Case<'_>, remarks: &mut Remarks) -> Layers {
    let mut reader = Reader::new(case, remarks);
    let rcp = reader.on_path(Layer::ResourceControl, applicable::rcp(case));
    let scp = reader.on_path(Layer::ServiceControl, applicable::scp(case));
    let vpce = reader.endpoint();
    let (resource, grant) = reader.resource();
    let identity = reader.identity();
    let boundary = reader.boundary();
    let session = reader.session();
    let results = vec![rcp, scp, vpce, resource, identity, boundary, session];
    reader.into_layers(results, grant)
}

impl<'c, 'a> Reader<'c, 'a> {
    fn new(case: &'c Case<'a>, remarks: &'c mut Remarks) -> Self {
        Self { case, remarks, asked: Asked::default(), open: Vec::new() }
    }

    fn into_layers(self, results: Vec<LayerResult>, grant: Grant) -> Layers {
        for assumption in &self.asked.assumptions {
            self.remarks.assume(*assumption);
        }
        Layers { results, grant, missing: self.asked.missing, open: self.open }
    }

    /// E-112: with `skipInvalidPolicies`, documents that do not load are as if they were not
    /// attached. None: there were documents, and all of them are dropped.
    fn kept(&mut self, documents: Vec<Document<'a>>) -> Option<Vec<Document<'a>>> {
        if !self.case.world.options.skip_invalid_policies {
            return Some(documents);
        }
        let n_documents = documents.len();
        let (kept, dropped): (Vec<_>, Vec<_>) =
            documents.into_iter().partition(|document| document.policy.is_some());
        for document in &dropped {
            self.remarks.note(format!("skipped_invalid_policy:{}", document.reference));
        }
        (!kept.is_empty() || n_documents == 0).then_some(kept)
    }

    /// Section 2.1: the statements of documents that apply. E-112: poison denies.
    fn read(&mut self, layer: Layer, documents: &[Document<'a>], node: Option<&str>) -> Found {
        let mut found = Found::default();
        for document in documents {
            let Some(policy) = &document.policy else {
                self.remarks.note(format!("invalid_policy:{}", document.reference));
                found.denies.push(reference(document, node));
                continue;
            };
            for (index, statement) in (0u32..).zip(&policy.statements) {
                if let Some(matched) = statement::applies(self.case, statement, &mut self.asked) {
                    let reference = StatementRef {
                        strength: matched.strength.filter(|_| node.is_none()),
                        ..statement_reference(document, node, index, statement)
                    };
                    found.take(layer, self.case.side, reference, matched);
                }
            }
        }
        found
    }

    /// The result of a layer; what is open in it is kept beside.
    fn conclude(&mut self, mut found: Found, layer: Layer, verdict: Verdict) -> LayerResult {
        self.open.append(&mut found.open);
        found.into_result(layer, verdict)
    }

    /// A layer that is one set of documents.
    fn set(&mut self, layer: Layer, documents: Option<Vec<Document<'a>>>) -> LayerResult {
        let Some(documents) = documents else { return plain(layer, Verdict::NotApplicable) };
        let found = self.read(layer, &documents, None);
        let verdict = found.verdict();
        self.conclude(found, layer, verdict)
    }

    /// E-35, E-36: SCPs and RCPs, node by node. E-37: in organization policies `Principal` is
    /// everyone, which says nothing.
    fn on_path(&mut self, layer: Layer, path: Option<Vec<Node<'a>>>) -> LayerResult {
        let Some(path) = path else { return plain(layer, Verdict::NotApplicable) };
        let (mut all, mut nodes) = (Found::default(), Vec::new());
        for node in path {
            let documents = self.kept(node.documents).unwrap_or_default();
            let found = self.read(layer, &documents, Some(node.id));
            nodes.push(NodeVerdict { node: node.id.into(), verdict: found.verdict() });
            all.append(found);
        }
        let any = |verdict| nodes.iter().any(|node: &NodeVerdict| node.verdict == verdict);
        let denies = [Verdict::ExplicitDeny, Verdict::ImplicitDeny];
        let verdict = denies.into_iter().find(|deny| any(*deny)).unwrap_or(Verdict::Allow);
        LayerResult { nodes, ..self.conclude(all, layer, verdict) }
    }

    /// E-32, E-37. E-121: a request of which nobody says how it came, came through no endpoint.
    fn endpoint(&mut self) -> LayerResult {
        if self.case.known.is_unknown("aws:sourcevpce") {
            self.remarks.assume("no_endpoint");
        }
        let documents = match applicable::endpoint(self.case) {
            EndpointLayer::NotApplicable => {
                return plain(Layer::VpcEndpoint, Verdict::NotApplicable);
            }
            EndpointLayer::Open => None,
            EndpointLayer::Policy(document) => self.kept(vec![document]),
        };
        match documents {
            Some(documents) => self.set(Layer::VpcEndpoint, Some(documents)),
            None => plain(Layer::VpcEndpoint, Verdict::Allow),
        }
    }

    /// E-33, E-39, F-48.
    fn identity(&mut self) -> LayerResult {
        let case = self.case;
        let root = matches!(case.caller.kind, Kind::Root | Kind::FederatedRoot | Kind::AssumedRoot);
        if root || case.caller.standing == Standing::Trusted {
            return plain(Layer::Identity, Verdict::Allow);
        }
        let documents = applicable::identity(case).map(|own| self.kept(own).unwrap_or_default());
        self.set(Layer::Identity, documents)
    }

    /// E-33, F-48.
    fn boundary(&mut self) -> LayerResult {
        let documents = match self.case.caller.standing {
            Standing::Trusted => None,
            Standing::Held | Standing::Outside => applicable::boundary(self.case),
        };
        let documents = documents.and_then(|documents| self.kept(documents));
        self.set(Layer::Boundary, documents)
    }

    /// E-38. The task policies of AssumeRoot hold nothing but denies.
    fn session(&mut self) -> LayerResult {
        let passed = applicable::session(self.case);
        let documents = passed.map(|passed| self.kept(passed).unwrap_or_default());
        let has_task = documents.as_ref().is_some_and(|documents| !documents.is_empty());
        let mut result = self.set(Layer::Session, documents);
        let is_task = self.case.caller.kind == Kind::AssumedRoot && has_task;
        if is_task && result.verdict == Verdict::ImplicitDeny {
            result.verdict = Verdict::Allow;
        }
        result
    }

    /// E-44 – E-46, E-55, E-81, E-83, E-84.
    fn resource(&mut self) -> (LayerResult, Grant) {
        let case = self.case;
        let documents = applicable::resource_based(case).and_then(|own| self.kept(own));
        // E-80: a key without a policy has an empty one.
        let documents = documents.or_else(|| kms::is_gated(case.check).then(Vec::new));
        let is_applicable = documents.is_some();
        let mut found = self.read(Layer::Resource, &documents.unwrap_or_default(), None);
        if s3::is_bucket_owner_root(case) {
            found.denies.retain(is_poison);
            found.open.retain(|open| open.effect == Effect::Allow);
        }
        if case.check.is_foreign_object || is_closed(case) {
            found.allows.clear();
            found.open.retain(|open| open.effect == Effect::Deny);
        }
        let grants = kms::matching_grants(case);
        let is_applicable = is_applicable || !grants.is_empty();
        for (reference, matched) in grants {
            found.take(Layer::Resource, case.side, reference, matched);
        }
        let has = |strength| found.allows.iter().any(|allow| allow.strength == Some(strength));
        let grant = Grant {
            direct: has(Strength::Direct),
            entity: has(Strength::Entity),
            account: has(Strength::Account),
        };
        let verdict = if is_applicable { found.verdict() } else { Verdict::NotApplicable };
        (self.conclude(found, Layer::Resource, verdict), grant)
    }
}

/// E-55: an action that no resource-based policy allows, or none to identities of other accounts,
/// asked by one of them, or by nobody.
fn is_closed(case: &Case<'_>) -> bool {
    let action = case.check.action.id;
    if action.is_some_and(|id| case.world.catalog.is_identity_only(id)) {
        return true;
    }
    let has_side = match case.caller.kind {
        Kind::Service | Kind::Federated | Kind::Oai => return false,
        Kind::Anonymous => false,
        _ => case.caller.account == case.check.account,
    };
    !has_side && action.is_some_and(|id| case.world.catalog.is_own_account_only(id))
}

// ---- Section 3: the algorithm ----

/// What the formulas of E-53 – E-55 look at.
#[derive(Debug, Clone, Copy)]
struct Terms {
    kind: Kind,
    /// I, B, S.
    identity: bool,
    boundary: bool,
    session: bool,
    /// Rd, Re, Ra.
    grant: Grant,
    /// G (E-57).
    gated: bool,
    cross_account: bool,
}

/// What decides a check.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    decision: Decision,
    layer: Layer,
    reason: ReasonCode,
    allowed_by: Option<AllowedBy>,
}

impl Outcome {
    fn refused(layer: Layer, reason: ReasonCode) -> Self {
        Self { decision: Decision::ImplicitDeny, layer, reason, allowed_by: None }
    }

    fn allowed(layer: Layer, reason: ReasonCode, by: AllowedBy) -> Self {
        Self { decision: Decision::Allowed, layer, reason, allowed_by: Some(by) }
    }
}

/// What the algorithm says of a check, on the side of the case.
#[derive(Debug)]
struct Reading {
    layers: Layers,
    terms: Terms,
    outcome: Outcome,
}

/// One check and its bounds: on both sides where something is open (E-127).
pub(crate) fn authorize(case: &Case<'_>, remarks: &mut Remarks) -> (CheckDecision, Bounds) {
    let worst_case = case.on(Side::Worst);
    let worst = read(&worst_case, remarks);
    if !bounds::may_differ(case, &worst) {
        let bound = worst.outcome.bound();
        return (conclude(&worst_case, worst), Bounds { worst: bound, best: bound });
    }
    let best_case = case.on(Side::Best);
    let best = read(&best_case, remarks);
    bounds::conclude(case, worst, best)
}

/// Section 3.1: one check, on the side of the case.
fn read(case: &Case<'_>, remarks: &mut Remarks) -> Reading {
    if service_rules::builtin_allow(case) {
        return builtin(case, remarks);
    }
    let layers = layers(case, remarks);
    let terms = terms(case, &layers);
    let outcome = explicit_deny(&layers)
        .or_else(|| builtin_refusal(case))
        .or_else(|| guardrail(&layers))
        .or_else(|| service_refusal(case))
        .unwrap_or_else(|| grants(terms));
    Reading { layers, terms, outcome }
}

/// E-70, E-71: allowed, unless the endpoint policy says otherwise. No other layer is consulted.
fn builtin(case: &Case<'_>, remarks: &mut Remarks) -> Reading {
    let mut reader = Reader::new(case, remarks);
    let vpce = reader.endpoint();
    let results = LAYERS.map(|layer| match layer {
        Layer::VpcEndpoint => vpce.clone(),
        _ => plain(layer, Verdict::NotApplicable),
    });
    let layers = reader.into_layers(results.to_vec(), Grant::default());
    let terms = terms(case, &layers);
    let outcome = explicit_deny(&layers).or_else(|| guardrail(&layers)).unwrap_or_else(|| {
        Outcome::allowed(Layer::Builtin, ReasonCode::BuiltinAllow, AllowedBy::Builtin)
    });
    Reading { layers, terms, outcome }
}

/// Step 1, E-50, E-112: an explicit deny anywhere.
fn explicit_deny(layers: &Layers) -> Option<Outcome> {
    let denying = layers.results.iter().find(|result| result.verdict == Verdict::ExplicitDeny)?;
    let is_invalid = denying.denies.iter().any(is_poison);
    let reason = if is_invalid { ReasonCode::InvalidPolicy } else { ReasonCode::ExplicitDeny };
    let (decision, layer) = (Decision::ExplicitDeny, denying.layer);
    Some(Outcome { decision, layer, reason, allowed_by: None })
}

/// A reference to a document that does not load.
fn is_poison(reference: &StatementRef) -> bool {
    reference.statement.is_none() && reference.effect.is_none()
}

/// E-71 – E-75.
fn builtin_refusal(case: &Case<'_>) -> Option<Outcome> {
    service_rules::builtin_refusal(case).map(|code| Outcome::refused(Layer::Builtin, code))
}

/// Step 2, E-51: guardrails must allow.
fn guardrail(layers: &Layers) -> Option<Outcome> {
    let guardrails = [Layer::ResourceControl, Layer::ServiceControl, Layer::VpcEndpoint];
    let closed =
        guardrails.into_iter().find(|layer| layers.verdict(*layer) == Verdict::ImplicitDeny)?;
    Some(Outcome::refused(closed, ReasonCode::NoAllow))
}

/// Step 2: refusals that look at no document, or at what it is rather than what it matches.
fn service_refusal(case: &Case<'_>) -> Option<Outcome> {
    service_rules::refusal(case).map(|code| Outcome::refused(Layer::Service, code))
}

/// The terms of step 3. E-94: AssumeRoot is decided within the caller's account. E-99: so is what a
/// member may do in its organization without a delegation. E-55: of a service of VPC Lattice both
/// sides must allow as they must across accounts.
fn terms(case: &Case<'_>, layers: &Layers) -> Terms {
    let open = |layer| matches!(layers.verdict(layer), Verdict::Allow | Verdict::NotApplicable);
    let same = match organizations::right(case) {
        Right::Usual => {
            case.caller.account == case.check.account || sts::is_assume_root(case.check)
        }
        Right::Own => true,
        Right::Delegated => false,
    };
    Terms {
        kind: case.caller.kind,
        identity: layers.verdict(Layer::Identity) == Verdict::Allow,
        boundary: open(Layer::Boundary),
        session: open(Layer::Session),
        grant: layers.grant,
        gated: service_rules::gated(case.check),
        cross_account: case.caller.kind.has_account()
            && (!same || service_rules::needs_both_sides(case.check)),
    }
}

/// Step 3, E-52 – E-58, F-21.
fn grants(terms: Terms) -> Outcome {
    if !is_granted(terms) {
        let layer = blame(terms).first().copied().unwrap_or(Layer::Resource);
        return Outcome::refused(layer, ReasonCode::NoAllow);
    }
    let (layer, by) = allowed_by(terms);
    let reason = if layer == Layer::Root { ReasonCode::Root } else { ReasonCode::Allow };
    Outcome::allowed(layer, reason, by)
}

fn is_granted(terms: Terms) -> bool {
    if !terms.kind.has_account() {
        terms.grant.direct
    } else if terms.cross_account {
        cross_account(terms)
    } else if terms.gated {
        gated(terms)
    } else {
        same_account(terms)
    }
}

/// E-53.
fn same_account(terms: Terms) -> bool {
    let Terms { identity: i, boundary: b, session: s, .. } = terms;
    let Grant { direct: rd, entity: re, .. } = terms.grant;
    match terms.kind {
        Kind::User => rd || i && b,
        Kind::RoleSession | Kind::FederatedUser => rd || (re || i) && b && s,
        Kind::FederatedRoot => rd || s,
        // E-56: the one whom a grant to the account alone gives anything.
        Kind::Root => true,
        Kind::AssumedRoot => s,
        Kind::Service | Kind::Federated | Kind::Oai | Kind::Anonymous => rd,
    }
}

/// E-54.
fn gated(terms: Terms) -> bool {
    let Terms { identity: i, boundary: b, session: s, .. } = terms;
    let Grant { direct: rd, entity: re, account: ra } = terms.grant;
    match terms.kind {
        Kind::User => rd || ra && i && b,
        Kind::RoleSession | Kind::FederatedUser => rd || re && b && s || ra && i && b && s,
        Kind::FederatedRoot => rd || re && s,
        Kind::Root | Kind::Service | Kind::Federated | Kind::Oai | Kind::Anonymous => rd,
        Kind::AssumedRoot => rd && s,
    }
}

/// E-55.
fn cross_account(terms: Terms) -> bool {
    let Terms { identity: i, boundary: b, session: s, .. } = terms;
    let Grant { direct: rd, entity: re, account: ra } = terms.grant;
    match terms.kind {
        // E-61, E-62.
        Kind::User => (rd || ra) && i && b,
        // E-61, E-62.
        Kind::RoleSession | Kind::FederatedUser => (rd || re || ra) && i && b && s,
        Kind::FederatedRoot => (rd || re) && s,
        // E-63, of root users.
        Kind::Root | Kind::Service | Kind::Federated | Kind::Oai | Kind::Anonymous => rd,
        Kind::AssumedRoot => rd && s,
    }
}

/// E-58: the layers that keep step 3 from granting, the one to blame first.
fn blame(terms: Terms) -> Vec<Layer> {
    let Grant { direct, entity, account } = terms.grant;
    let no_grant = !(direct || entity || account);
    if !terms.kind.has_account() {
        return vec![Layer::Resource];
    }
    let causes = if terms.cross_account {
        let root = matches!(terms.kind, Kind::Root | Kind::AssumedRoot);
        [
            (!terms.identity, Layer::Identity),
            (!terms.boundary, Layer::Boundary),
            (!terms.session, Layer::Session),
            (if root { !direct } else { no_grant }, Layer::Resource),
        ]
    } else {
        [
            (terms.gated && no_grant, Layer::Resource),
            (!(terms.identity || entity), Layer::Identity),
            (!terms.boundary, Layer::Boundary),
            (!terms.session, Layer::Session),
        ]
    };
    causes.into_iter().filter(|(applies, _)| *applies).map(|(_, layer)| layer).collect()
}

/// E-58: the blamed layers that would have to change. Where the gate of a resource of the same
/// account is shut, a resource that names the caller directly is enough: it is the first term of
/// every row of E-54, and only an assumed root's needs its session policy beside it.
fn to_change(terms: Terms) -> Vec<Layer> {
    let mut layers = blame(terms);
    if !terms.cross_account && layers.contains(&Layer::Resource) {
        let needs_session = terms.kind == Kind::AssumedRoot;
        layers
            .retain(|layer| *layer == Layer::Resource || needs_session && *layer == Layer::Session);
    }
    layers
}

/// rbPath of F-21: the part of the formula of E-53 or E-54 without I.
fn resource_path(terms: Terms) -> bool {
    let through_entity = match terms.kind {
        Kind::RoleSession | Kind::FederatedUser => {
            terms.grant.entity && terms.boundary && terms.session
        }
        Kind::FederatedRoot => terms.gated && terms.grant.entity && terms.session,
        _ => false,
    };
    terms.grant.direct || through_entity
}

/// idPath of F-21.
fn identity_path(terms: Terms) -> bool {
    let opened = !terms.gated || terms.grant.account;
    terms.identity && terms.boundary && terms.session && opened
}

/// F-21: the decisive layer of what is allowed, and whose policies allow it.
fn allowed_by(terms: Terms) -> (Layer, AllowedBy) {
    let resource = (Layer::Resource, AllowedBy::Resource);
    match terms.kind {
        Kind::Service | Kind::Federated | Kind::Oai | Kind::Anonymous => return resource,
        Kind::Root | Kind::AssumedRoot | Kind::FederatedRoot => {
            let by_session = terms.kind != Kind::FederatedRoot || terms.session;
            let own = !terms.cross_account && !terms.gated && by_session;
            return if own { (Layer::Root, AllowedBy::Root) } else { resource };
        }
        Kind::User | Kind::RoleSession | Kind::FederatedUser => {}
    }
    if terms.cross_account {
        return (Layer::Identity, AllowedBy::IdentityAndResource);
    }
    match (identity_path(terms), resource_path(terms)) {
        (true, true) => (Layer::Identity, AllowedBy::IdentityAndResource),
        (true, false) if terms.gated => (Layer::Identity, AllowedBy::IdentityAndResource),
        (true, false) => (Layer::Identity, AllowedBy::Identity),
        (false, _) => resource,
    }
}

// ---- Output of a check ----

/// E-100, E-102: everything about the check.
fn conclude(case: &Case<'_>, reading: Reading) -> CheckDecision {
    let Reading { mut layers, terms, outcome } = reading;
    let would_allow = would_allow(case, &layers, terms, outcome);
    let statements = decisive_statements(&layers, terms, outcome);
    if outcome.decision == Decision::Allowed {
        for result in &mut layers.results {
            result.bypassed = result.verdict == Verdict::ImplicitDeny;
        }
    }
    CheckDecision {
        action: case.check.action.text.as_str().into(),
        resource: case.check.resource.as_str().into(),
        principal_account: case.caller.account,
        resource_account: case.check.account,
        cross_account: terms.cross_account,
        gated: terms.gated,
        decision: outcome.decision,
        layer: outcome.layer,
        reason: outcome.reason,
        allowed_by: outcome.allowed_by,
        statements,
        bounds: None,
        depends_on: Vec::new(),
        grant: layers.grant,
        layers: layers.results,
        would_allow,
        missing_context_keys: output::sorted_keys(layers.missing),
        context: case.known.present().clone(),
    }
}

/// E-102: the decisive statements.
fn decisive_statements(layers: &Layers, terms: Terms, outcome: Outcome) -> Vec<StatementRef> {
    match outcome.decision {
        Decision::ExplicitDeny => {
            let denies = layers.get(outcome.layer).map_or(&[][..], |result| &result.denies);
            let poisoned = outcome.reason == ReasonCode::InvalidPolicy;
            denies.iter().filter(|deny| !poisoned || is_poison(deny)).cloned().collect()
        }
        Decision::Allowed => {
            let allows = layers.results.iter().flat_map(|result| {
                let took_part = |allow: &&StatementRef| {
                    took_part(terms, outcome.layer, result.layer, allow.strength)
                };
                result.allows.iter().filter(took_part)
            });
            let mut allows: Vec<StatementRef> = allows.cloned().collect();
            allows.sort_by(|a, b| (&a.policy, a.statement).cmp(&(&b.policy, b.statement)));
            allows
        }
        Decision::ImplicitDeny | Decision::Indeterminate => Vec::new(),
    }
}

/// E-102, F-21: whether an Allow of a layer took part in what the decisive layer allows. What
/// belongs to the guardrails always did; the rest where the formula that granted needs its layer.
fn took_part(terms: Terms, decisive: Layer, layer: Layer, strength: Option<Strength>) -> bool {
    if matches!(layer, Layer::ResourceControl | Layer::ServiceControl | Layer::VpcEndpoint) {
        return true;
    }
    if decisive == Layer::Builtin {
        return false;
    }
    let through_identity = match terms.kind {
        Kind::User | Kind::RoleSession | Kind::FederatedUser => {
            terms.cross_account || identity_path(terms)
        }
        _ => false,
    };
    let through_entity = {
        let entity = Grant { direct: false, ..terms.grant };
        resource_path(Terms { grant: entity, ..terms })
    };
    match layer {
        Layer::Identity => through_identity,
        Layer::Boundary => through_identity || through_entity,
        Layer::Session => {
            let own = match terms.kind {
                Kind::AssumedRoot => true,
                Kind::FederatedRoot => terms.cross_account,
                _ => false,
            };
            through_identity || through_entity || own || decisive == Layer::Root
        }
        // What a root user may by itself, no resource-based statement grants.
        Layer::Resource if decisive == Layer::Root => false,
        // At Direct always, at Entity where the term holds, at Account where it opened the gate or
        // the border.
        Layer::Resource => match strength {
            Some(Strength::Direct) => true,
            Some(Strength::Entity) => terms.cross_account || through_entity,
            Some(Strength::Account) => terms.cross_account || terms.gated && identity_path(terms),
            None => false,
        },
        _ => false,
    }
}

/// E-58: every layer that would have to change for the check to be allowed, in the order of
/// [`Layer`].
fn would_allow(case: &Case<'_>, layers: &Layers, terms: Terms, outcome: Outcome) -> Vec<Layer> {
    let mut changes = Vec::new();
    if outcome.decision == Decision::Allowed {
        return changes;
    }
    for result in &layers.results {
        let is_guardrail = matches!(
            result.layer,
            Layer::ResourceControl | Layer::ServiceControl | Layer::VpcEndpoint
        );
        if result.verdict == Verdict::ExplicitDeny
            || is_guardrail && result.verdict == Verdict::ImplicitDeny
        {
            changes.push(result.layer);
        }
    }
    if !service_rules::builtin_allow(case) {
        if service_rules::builtin_refusal(case).is_some() {
            changes.push(Layer::Builtin);
        }
        if service_rules::refusal(case).is_some() {
            changes.push(Layer::Service);
        }
        if !is_granted(terms) {
            changes.extend(to_change(terms));
        }
    }
    changes.sort_unstable();
    changes.dedup();
    changes
}
