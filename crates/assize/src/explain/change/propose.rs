//! What could be done about what decides.

use assize_catalog::Catalog;
use assize_catalog::managed::ROOT_TASK_POLICY_ARNS as TASKS;
use assize_compiler::{FailedPart, LayerTrace, StatementDetail, StatementPlace, StatementTrace};
use assize_model::{
    ArnParts, Decision, Effect, Layer, PolicyType, PrincipalKind, ReasonCode, StatementRef, Verdict,
};
use assize_policy::ir::{
    ActionElement, ActionPattern, ArnPattern, Condition, Piece, Policy, PrincipalElement,
    PrincipalPattern, ResourceElement, ResourcePattern, Statement,
};

use super::key::{KeyEdit, falsifying, satisfying};
use super::{Edit, Tried, Variant};
use crate::batch::{document, located_statement, nodes};
use crate::explain::statement::detail;
use crate::resolve::{AddedPolicy, ChangedWorld, DocumentKey, PRINCIPAL_TAG};

/// Statements of a layer that are looked at, at most.
const MAX_STATEMENTS: usize = 256;

/// Proposals about one answer, at most.
const MAX_PROPOSALS: usize = 12;

/// The order of edits that are equally many: a request is sooner sent otherwise than a policy
/// changed, and a policy sooner than something new is written.
mod cost {
    pub(super) const KEY: u32 = 1;
    pub(super) const TAG: u32 = 2;
    pub(super) const REMOVE: u32 = 2;
    pub(super) const ADD_ACTION: u32 = 3;
    pub(super) const ADD_RESOURCE: u32 = 4;
    pub(super) const ADD_PRINCIPAL: u32 = 5;
    /// To a statement about actions of other services.
    pub(super) const ADD_OTHER_ACTION: u32 = 6;
    pub(super) const ADD_STATEMENT: u32 = 7;
}

/// Every variant with one thing more done about the answer of one.
pub(super) fn next<'r>(tried: &Tried<'_, '_>, variant: &Variant<'r>) -> Vec<Variant<'r>> {
    let mut proposals = Proposals { tried, variant, next: Vec::new() };
    let answer = tried.trace.answer;
    match (answer.decision, answer.reason) {
        (Decision::Allowed, _) => proposals.deny(),
        (_, ReasonCode::ExplicitDeny) => proposals.lift_deny(answer.layer),
        (_, ReasonCode::NoAllow) => proposals.allow(answer.layer),
        (_, ReasonCode::UnknownResourceAccount) => proposals.state_owner(),
        (_, ReasonCode::NetworkOrigin) => proposals.come_from_vpc(),
        // E-72: temporary credentials of a user call IAM with MFA.
        (_, ReasonCode::SessionKind) => proposals.give("aws:MultiFactorAuthPresent", "true"),
        // E-94: with a task.
        (_, ReasonCode::AssumeRoot) => proposals.give("sts:TaskPolicyArn", TASKS[0]),
        _ => {}
    }
    // The cheapest, in the order in which they were thought of: the rest would keep a search from
    // ever taking a second step.
    proposals.next.sort_by_key(|variant| variant.cost);
    proposals.next.truncate(MAX_PROPOSALS);
    proposals.next
}

struct Proposals<'t, 's, 'e, 'r> {
    tried: &'t Tried<'s, 'e>,
    variant: &'t Variant<'r>,
    next: Vec<Variant<'r>>,
}

/// A statement that was traced, with what it says.
struct Site<'t> {
    layer: Layer,
    traced: &'t StatementTrace,
    key: DocumentKey,
    policy: &'t Policy,
    at: usize,
    detail: StatementDetail,
}

impl Site<'_> {
    fn conditions(&self) -> &[Condition] {
        &self.policy.statements[self.at].conditions
    }
}

impl<'t> Proposals<'t, '_, '_, '_> {
    fn catalog(&self) -> &'t Catalog {
        &self.tried.resolver.engine.catalog
    }

    fn layer(&self, layer: Layer) -> Option<&'t LayerTrace> {
        self.tried.trace.layers.iter().find(|traced| traced.layer == layer)
    }

    /// What a traced statement says, when its document can be changed.
    fn site(&self, layer: Layer, traced: &'t StatementTrace) -> Option<Site<'t>> {
        let Tried { resolver, row, .. } = *self.tried;
        let handle = document(resolver, row, layer, traced.place)?;
        let key = resolver.document_key(handle);
        let policy = match self.variant.world.replaced.get(&key) {
            Some(policy) => policy,
            None => resolver.policy_of(handle)?,
        };
        let at = usize::from(traced.place.statement?);
        policy.statements.get(at)?;
        let detail = detail(resolver, row, layer, traced.place).ok()?;
        Some(Site { layer, traced, key, policy, at, detail })
    }

    /// The statements of a layer that may be worth changing.
    fn sites(
        &self,
        layer: &'t LayerTrace,
        is_worth: impl Fn(&StatementTrace) -> bool,
    ) -> Vec<Site<'t>> {
        let statements = layer.statements.iter();
        statements
            .filter(|traced| !traced.ignored && is_worth(traced))
            .take(MAX_STATEMENTS)
            .filter_map(|traced| self.site(layer.layer, traced))
            .collect()
    }

    fn push_world(&mut self, edit: Edit, cost: u32, change: impl FnOnce(&mut ChangedWorld)) {
        let mut variant = self.variant.clone();
        change(&mut variant.world);
        variant.edits.push(edit);
        variant.cost += cost;
        self.next.push(variant);
    }

    fn push_statement(
        &mut self,
        site: &Site<'_>,
        edit: Edit,
        cost: u32,
        change: impl FnOnce(&mut Statement),
    ) {
        let Site { key, at, .. } = *site;
        let mut policy = site.policy.clone();
        change(&mut policy.statements[at]);
        self.push_world(edit, cost, |world| {
            world.replaced.insert(key, policy);
        });
    }

    fn push_keys(&mut self, keys: Option<Vec<KeyEdit>>) {
        let Some(keys) = keys.filter(|keys| !keys.is_empty()) else { return };
        let mut variant = self.variant.clone();
        for key in keys {
            variant.cost += match self.push_key(&mut variant, key) {
                Some(Edit::TagPrincipal { .. } | Edit::TagResource { .. }) => cost::TAG,
                Some(_) => cost::KEY,
                None => return,
            };
        }
        self.next.push(variant);
    }

    /// Gives or takes a key: a tag where it is one. The edit, if there is a way.
    fn push_key<'v>(&self, variant: &'v mut Variant<'_>, key: KeyEdit) -> Option<&'v Edit> {
        let Tried { resolver, run, row, .. } = *self.tried;
        let caller = &resolver.principals[resolver.rows.principal[row] as usize];
        let action = resolver.actions[resolver.rows.resolved_action[row] as usize].id;
        key.is_possible(self.catalog(), action).then_some(())?;
        // A tag of the session may stand over what the store has: only the request can tell.
        let edit = if let Some(tag) = key.after(PRINCIPAL_TAG).filter(|_| caller.knows_tags()) {
            let has_tags = matches!(
                caller.kind,
                PrincipalKind::User | PrincipalKind::RoleSession | PrincipalKind::FederatedUser
            );
            // What the store lacks cannot be tagged (E-26).
            if !has_tags || caller.outside {
                return None;
            }
            let value = key.value().map(Into::into);
            variant.world.principal_tags.push((tag.clone(), value.clone()));
            Edit::TagPrincipal { tag, value }
        } else if let Some(tag) = key.resource_tag() {
            let resource: Box<str> = resolver.resource_text_of(row).into();
            // What is said of the resource is shared by all checks.
            let record = resolver.engine.snapshot.resource(&resource);
            if run.len > 1 || ArnParts::split(&resource).is_none() {
                return None;
            }
            let tags = record.and_then(|record| record.tags.as_deref());
            key.tag_resource(&mut variant.request, &tag, tags, resolver.is_partial);
            Edit::TagResource { resource, tag, value: key.value().map(Into::into) }
        } else {
            key.apply(&mut variant.request, resolver.is_partial);
            key.into()
        };
        variant.edits.push(edit);
        variant.edits.last()
    }

    fn reference(&self, site: &Site<'_>) -> StatementRef {
        located_statement(self.tried.resolver, self.tried.row, site.layer, site.traced.place)
    }

    // ---- From Allowed to a denial ----

    fn deny(&mut self) {
        let tried = self.tried;
        let allows = |s: &StatementTrace| s.effect == Effect::Allow && s.applies();
        // Conditions are looked at last, so all else is true.
        let nearly_denies = |s: &StatementTrace| {
            s.effect == Effect::Deny && matches!(s.failed, Some(FailedPart::Condition(_)))
        };
        for layer in &tried.trace.layers {
            for site in self.sites(layer, allows) {
                self.omit_keys(&site);
                self.remove(&site);
            }
            for site in self.sites(layer, nearly_denies) {
                self.push_keys(satisfy_all(self.catalog(), &site));
            }
        }
    }

    /// The request without each key that a statement asks about, or with another value.
    fn omit_keys(&mut self, site: &Site<'_>) {
        for (condition, detail) in site.conditions().iter().zip(&site.detail.conditions) {
            self.push_keys(falsifying(self.catalog(), condition, detail).map(|key| vec![key]));
        }
    }

    fn remove(&mut self, site: &Site<'_>) {
        let statement = self.reference(site);
        let nothing = || ActionElement { negated: false, patterns: Vec::new() };
        match owner(&statement.policy) {
            Owner::Fixed => {}
            Owner::Customer => {
                let edit = Edit::RemoveStatement { statement };
                self.push_statement(site, edit, cost::REMOVE, |s| s.action = nothing());
            }
            Owner::Aws => {
                let Site { key, layer, .. } = *site;
                let mut policy = site.policy.clone();
                for statement in &mut policy.statements {
                    statement.action = nothing();
                }
                let edit = Edit::DetachPolicy { layer, policy: statement.policy };
                self.push_world(edit, cost::REMOVE, |world| {
                    world.replaced.insert(key, policy);
                });
            }
        }
    }

    // ---- From a denial to Allowed ----

    /// The first Deny of a layer: gone, or with a condition that does not hold.
    fn lift_deny(&mut self, layer: Layer) {
        let Some(deny) = self.layer(layer).and_then(|layer| layer.denies().next()) else { return };
        let Some(site) = self.site(layer, deny) else { return };
        self.omit_keys(&site);
        self.remove(&site);
    }

    /// An Allow in a layer that has none, or, in the principal's own account, in the policies of
    /// the resource instead of the principal's (E-53).
    fn allow(&mut self, layer: Layer) {
        let Some(traced) = self.layer(layer) else { return };
        let node = traced.nodes.iter().position(|verdict| *verdict != Verdict::Allow);
        let node = u16::try_from(node.unwrap_or_default()).unwrap_or_default();
        self.widen(traced, node);
        let frame = self.tried.resolver.frame_of(self.tried.row);
        if layer == Layer::Identity && frame.same_account && !frame.ignore_resource_allows {
            let resource = self.layer(Layer::Resource);
            if let Some(resource) = resource {
                self.widen(resource, 0);
            }
        }
        // A provider vouches for everyone it knows, and a service acts for everyone: where keys tell
        // them apart, no statement is offered that asks for none.
        let caller = self.tried.resolver.principal_entry_of(self.tried.row);
        let is_of_many = matches!(caller.kind, PrincipalKind::Federated | PrincipalKind::Service);
        if !is_of_many || self.next.is_empty() {
            self.add_statement(layer, node, traced.nodes.len() > 1);
        }
    }

    /// Allow statements of a node that lack one thing.
    fn widen(&mut self, layer: &'t LayerTrace, node: u16) {
        let is_path = layer.nodes.len() > 1;
        let may_allow = |s: &StatementTrace| {
            s.effect == Effect::Allow && !s.applies() && (!is_path || s.node == node)
        };
        for site in self.sites(layer, may_allow) {
            let detail = &site.detail;
            let lacks_principal = detail.principal.as_ref().is_some_and(|part| !part.holds);
            let lacks_resource = detail.resource.as_ref().is_some_and(|part| !part.holds);
            let lacks_key = detail.conditions.iter().any(|condition| !condition.holds);
            match (lacks_principal, !detail.action.holds, lacks_resource, lacks_key) {
                (false, false, false, true) => self.push_keys(satisfy_all(self.catalog(), &site)),
                (true, false, false, false) => self.add_principal(&site),
                (false, true, false, false) => self.add_action(&site),
                (false, false, true, false) => self.add_resource(&site),
                _ => {}
            }
        }
    }

    fn add_action(&mut self, site: &Site<'_>) {
        let statement = self.reference(site);
        if site.detail.action.negated || owner(&statement.policy) != Owner::Customer {
            return;
        }
        let (text, pattern) = self.action();
        let is_of_service = |other: &ActionPattern| match (other, &pattern) {
            (ActionPattern::Named { vendor: a, .. }, ActionPattern::Named { vendor: b, .. }) => {
                a == b
            }
            _ => false,
        };
        let patterns = &site.policy.statements[site.at].action.patterns;
        let cost = if patterns.iter().any(is_of_service) {
            cost::ADD_ACTION
        } else {
            cost::ADD_OTHER_ACTION
        };
        let edit = Edit::AddAction { statement, action: text };
        self.push_statement(site, edit, cost, |s| s.action.patterns.push(pattern));
    }

    fn add_resource(&mut self, site: &Site<'_>) {
        let statement = self.reference(site);
        if owner(&statement.policy) != Owner::Customer {
            return;
        }
        let (text, pattern) = self.resource();
        let edit = Edit::AddResource { statement, resource: text };
        if let ResourceElement::Resource(_) = &site.policy.statements[site.at].resource {
            self.push_statement(site, edit, cost::ADD_RESOURCE, |s| {
                if let ResourceElement::Resource(entries) = &mut s.resource {
                    entries.push(pattern);
                }
            });
        }
    }

    fn add_principal(&mut self, site: &Site<'_>) {
        let statement = self.reference(site);
        let Some(pattern) = self.principal() else { return };
        if owner(&statement.policy) != Owner::Customer {
            return;
        }
        let edit = Edit::AddPrincipal { statement, principal: pattern.to_string().into() };
        if let PrincipalElement::Principal(_) = &site.policy.statements[site.at].principal {
            self.push_statement(site, edit, cost::ADD_PRINCIPAL, |s| {
                if let PrincipalElement::Principal(entries) = &mut s.principal {
                    entries.push(pattern);
                }
            });
        }
    }

    /// One more statement in the policies of a layer.
    fn add_statement(&mut self, layer: Layer, node: u16, is_path: bool) {
        let Tried { resolver, run, row, .. } = *self.tried;
        let action = &resolver.actions[resolver.rows.resolved_action[row] as usize];
        let resource = &resolver.resources[resolver.rows.resolved_resource[row] as usize];
        if layer == Layer::Resource && !resolver.may_have_policies(row) {
            return;
        }
        let is_trust = layer == Layer::Resource && resource.is_assumed_by(action.rule);
        let Some((policy_type, names)) = policy_type(layer, is_trust) else { return };
        let principal = match names {
            Names::Nobody => PrincipalElement::Unspecified,
            Names::Everyone => PrincipalElement::Principal(vec![PrincipalPattern::Everyone]),
            Names::Caller => match self.principal() {
                Some(pattern) => PrincipalElement::Principal(vec![pattern]),
                None => return,
            },
        };
        let named = match &principal {
            PrincipalElement::Principal(entries) => entries.first().map(ToString::to_string),
            _ => None,
        };
        let (action, action_pattern) = self.action();
        let (resource, resource_pattern) = self.resource();
        let statement = Statement {
            sid: None,
            effect: Effect::Allow,
            principal,
            action: ActionElement { negated: false, patterns: vec![action_pattern] },
            resource: if is_trust {
                ResourceElement::Unspecified
            } else {
                ResourceElement::Resource(vec![resource_pattern])
            },
            conditions: Vec::new(),
        };
        let names = nodes(resolver, row, layer);
        let edit = Edit::AddStatement {
            layer,
            policy: self.only_policy(layer),
            node: names.get(usize::from(node)).filter(|_| is_path).cloned(),
            principal: named.map(Into::into),
            action,
            resource: (!is_trust).then_some(resource),
        };
        let check = u32::try_from(row).unwrap_or_default().saturating_sub(run.start);
        let policy = Policy { policy_type, statements: vec![statement] };
        self.push_world(edit, cost::ADD_STATEMENT, |world| {
            world.added.push(AddedPolicy { layer, node, check, policy });
        });
    }

    /// The one policy of a layer that has one.
    fn only_policy(&self, layer: Layer) -> Option<Box<str>> {
        let Tried { resolver, row, .. } = *self.tried;
        let own = |document| {
            let place = StatementPlace { in_grants: false, document, statement: None };
            self::document(resolver, row, layer, place)?;
            Some(located_statement(resolver, row, layer, place).policy)
        };
        let is_single = matches!(layer, Layer::VpcEndpoint) || own(1).is_none();
        let has_one = !matches!(layer, Layer::Identity | Layer::ServiceControl);
        own(0).filter(|policy| is_single && has_one && owner(policy) == Owner::Customer)
    }

    /// E-9: the principal's account owns the resource.
    fn state_owner(&mut self) {
        let Tried { resolver, row, .. } = *self.tried;
        let Some(account) = resolver.principal_entry_of(row).account else { return };
        let mut variant = self.variant.clone();
        variant.request.resource_data.get_or_insert_default().account = Some(account);
        let resource = resolver.resource_text_of(row).into();
        variant.edits.push(Edit::StateOwner { resource, account });
        variant.cost += cost::KEY;
        self.next.push(variant);
    }

    /// E-85: from the VPC whose requests the access point takes, where no public address is known
    /// (E-18).
    fn come_from_vpc(&mut self) {
        let Tried { resolver, row, .. } = *self.tried;
        let vpc = resolver.admitted_vpc(row);
        let Some(vpc) = vpc.map(|vpc| KeyEdit::give("aws:SourceVpc", vpc)) else { return };
        self.push_keys(Some(vec![vpc.clone()]));
        self.push_keys(Some(vec![KeyEdit::omit("aws:SourceIp"), vpc]));
    }

    fn give(&mut self, key: &str, value: &str) {
        self.push_keys(Some(vec![KeyEdit::give(key, value)]));
    }

    // ---- The request as elements name it ----

    fn action(&self) -> (Box<str>, ActionPattern) {
        let Tried { resolver, row, .. } = *self.tried;
        let action = &resolver.actions[resolver.rows.resolved_action[row] as usize];
        let (vendor, name) = (action.service.clone(), action.name.clone());
        (action.text.clone(), ActionPattern::Named { vendor, name })
    }

    fn resource(&self) -> (Box<str>, ResourcePattern) {
        let text = self.tried.resolver.resource_text_of(self.tried.row);
        (text.into(), literal_resource(text))
    }

    /// The principal, named as closely as it lasts: the role of a session. Nobody is offered to
    /// let everyone in for the sake of an anonymous caller.
    fn principal(&self) -> Option<PrincipalPattern> {
        let entry = self.tried.resolver.principal_entry_of(self.tried.row);
        let account = || {
            let partition = Some(entry.partition.clone());
            Some(PrincipalPattern::Account { partition, account: entry.account? })
        };
        match entry.kind {
            PrincipalKind::User => entry.arn.clone().map(PrincipalPattern::User),
            PrincipalKind::RoleSession => entry.entity_arn.clone().map(PrincipalPattern::Role),
            PrincipalKind::FederatedUser | PrincipalKind::FederatedRoot => {
                entry.arn.clone().map(PrincipalPattern::FederatedUser)
            }
            PrincipalKind::Root | PrincipalKind::AssumedRoot => account(),
            PrincipalKind::Service => {
                // What is no host name is no service, and no policy can name it.
                let names = entry.service_names.first().filter(|name| name.contains('.'));
                names.cloned().map(PrincipalPattern::Service)
            }
            PrincipalKind::Federated => entry.provider.clone().map(PrincipalPattern::Provider),
            PrincipalKind::Oai => entry.arn.clone().map(PrincipalPattern::Oai),
            PrincipalKind::Anonymous => None,
        }
    }
}

/// Who can edit a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Customer,
    /// AWS alone; the customer attaches and detaches it.
    Aws,
    /// AWS alone, and it cannot be detached (E-36). A grant is made anew, not edited.
    Fixed,
}

fn owner(policy: &str) -> Owner {
    match policy {
        "rcp:p-RCPFullAWSAccess" => Owner::Fixed,
        other if other.starts_with("grant:") => Owner::Fixed,
        "scp:p-FullAWSAccess" => Owner::Aws,
        other if other.contains(":iam::aws:policy/") => Owner::Aws,
        _ => Owner::Customer,
    }
}

/// Whom the statements of a layer name.
enum Names {
    Nobody,
    Everyone,
    Caller,
}

fn policy_type(layer: Layer, is_trust: bool) -> Option<(PolicyType, Names)> {
    Some(match layer {
        // RCPs cannot allow more than the one that is always there (E-36).
        Layer::ResourceControl | Layer::Root | Layer::Service | Layer::Builtin => return None,
        Layer::ServiceControl => (PolicyType::ServiceControl, Names::Nobody),
        Layer::VpcEndpoint => (PolicyType::VpcEndpoint, Names::Everyone),
        Layer::Resource if is_trust => (PolicyType::RoleTrust, Names::Caller),
        Layer::Resource => (PolicyType::ResourceBased, Names::Caller),
        Layer::Identity => (PolicyType::InlineIdentity, Names::Nobody),
        Layer::Boundary => (PolicyType::PermissionsBoundary, Names::Nobody),
        Layer::Session => (PolicyType::Session, Names::Nobody),
    })
}

/// What makes every condition hold.
fn satisfy_all(catalog: &Catalog, site: &Site<'_>) -> Option<Vec<KeyEdit>> {
    let conditions = site.conditions().iter().zip(&site.detail.conditions);
    let failing = conditions.filter(|(_, detail)| !detail.holds);
    failing.map(|(condition, detail)| satisfying(catalog, condition, detail)).collect()
}

/// A pattern that one resource matches.
fn literal_resource(text: &str) -> ResourcePattern {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let &["arn", partition, service, region, account, resource] = &parts[..] else {
        return ResourcePattern::Any;
    };
    let literal = |text: &str| match text {
        "" => Vec::new(),
        text => vec![Piece::Literal(text.into())],
    };
    let segments = [partition, service, region, account, resource].map(literal);
    ResourcePattern::Arn(ArnPattern { segments })
}
