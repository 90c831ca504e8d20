//! Requests that are decided alike.
//!
//! Logs repeat, and policies look at little of what a log holds: hardly any names a session or
//! asks for a user agent. So what no policy of either world can see is left out, and requests
//! that are the same beside it are decided once. Nothing is estimated: what may be seen stays in.

use std::borrow::Cow;
use std::collections::BTreeSet;

use assize::{Engine, ResourceKind};
use assize_automata::{Budget, Pattern, PatternSet, SetScratch};
use assize_cloudtrail::Converted;
use assize_model::{
    AccountId, ArnParts, ContextInput, ContextScalar, Delivery, Id as _, MfaState, Network,
    Principal, PrincipalForm, PrincipalKind, Request, ResourceData, Session, StatedPrincipal, Tags,
    Target,
};
use assize_policy::ir::{
    Condition, Operand, Piece, PrincipalElement, PrincipalPattern, ResourceElement,
    ResourcePattern, Statement,
};
use assize_store::StoreSnapshot;

/// What the policies of both worlds can see of a request.
#[derive(Debug)]
pub(crate) struct Sight {
    /// Callers: none of those outside these patterns is told from others of its account. The
    /// patterns are wider than the policies' own. None when every name counts.
    callers: Option<PatternSet>,
    /// Unique ids of callers.
    ids: bool,
    /// Names of role sessions.
    sessions: bool,
    /// When sessions were issued.
    issue_times: bool,
    times: bool,
    addresses: bool,
    agents: bool,
    /// The values of [`PASSIVE_KEYS`].
    passive: bool,
    /// Resources, as callers.
    resources: Option<PatternSet>,
}

/// Beginnings of the keys that nothing but conditions and variables reads.
const PASSIVE_KEYS: [&str; 2] = ["kms:encryptioncontext", "s3:"];

impl Sight {
    /// What the policies of some engines see.
    pub(crate) fn of(engines: &[&Engine]) -> Self {
        let keys: BTreeSet<&str> =
            engines.iter().flat_map(|engine| engine.keys_asked_about()).collect();
        let asks = |names: &[&str]| names.iter().any(|name| keys.contains(name));
        let entries = engines.iter().flat_map(|engine| engine.library().iter());
        let mut patterns = Patterns::default();
        for policy in entries.filter_map(|(_, entry)| entry.policy.as_ref()) {
            policy.statements.iter().for_each(|statement| patterns.add(statement));
        }
        // A grant names its grantee as a policy does, but is no document (E-81).
        let mut resources = engines.iter().flat_map(|engine| engine.snapshot().resources());
        patterns.names_sessions |=
            resources.any(|resource| !resource.attributes.kms_grants.is_empty());
        let user_ids = asks(&["aws:userid"]);
        let sees_names = patterns.sees_names || asks(&["aws:username"]);
        let set = |patterns: &[Pattern]| PatternSet::new(patterns, &Budget::default()).ok();
        Self {
            callers: if sees_names { None } else { set(&patterns.callers) },
            ids: user_ids || patterns.names_ids,
            sessions: user_ids || patterns.names_sessions,
            issue_times: asks(&["aws:tokenissuetime"]),
            times: asks(&["aws:currenttime", "aws:epochtime", "aws:multifactorauthage"]),
            addresses: asks(&["aws:sourceip", "aws:vpcsourceip"]),
            agents: asks(&["aws:useragent"]),
            passive: keys.iter().any(|key| is_passive(key)),
            resources: set(&patterns.resources),
        }
    }
}

/// Whether nothing but conditions and variables reads a key.
fn is_passive(key: &str) -> bool {
    PASSIVE_KEYS
        .iter()
        .any(|start| key.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)))
}

/// The patterns of policies.
#[derive(Debug, Default)]
struct Patterns {
    callers: Vec<Pattern>,
    resources: Vec<Pattern>,
    names_ids: bool,
    names_sessions: bool,
    /// The name of the caller stands in patterns of its own.
    sees_names: bool,
}

/// The key of a caller's ARN.
const CALLER: &str = "aws:principalarn";

impl Patterns {
    fn add(&mut self, statement: &Statement) {
        match &statement.principal {
            PrincipalElement::Unspecified => {}
            PrincipalElement::Principal(all) | PrincipalElement::NotPrincipal(all) => {
                for pattern in all {
                    self.add_principal(pattern);
                }
            }
        }
        match &statement.resource {
            ResourceElement::Unspecified => {}
            ResourceElement::Resource(all) | ResourceElement::NotResource(all) => {
                for pattern in all {
                    if let ResourcePattern::Arn(arn) = pattern {
                        let text = arn.segments.iter().map(|segment| self.widened(segment));
                        let text = text.collect::<Vec<_>>().join(":");
                        // The first segment is not kept, for it is the same in all.
                        self.resources.push(wide(&format!("arn:{text}")));
                    }
                }
            }
        }
        for Condition { key, operand, .. } in &statement.conditions {
            if let Operand::Text(texts) = operand {
                for text in texts.iter().flatten() {
                    let text = self.widened(text);
                    if key.folded() == CALLER {
                        self.callers.push(wide(&text));
                    }
                }
            }
        }
    }

    fn add_principal(&mut self, pattern: &PrincipalPattern) {
        match pattern {
            PrincipalPattern::User(arn) | PrincipalPattern::Role(arn) => {
                self.callers.push(wide(arn));
            }
            PrincipalPattern::RoleSession(_) => self.names_sessions = true,
            PrincipalPattern::UniqueId(_) => self.names_ids = true,
            // These name no user and no role.
            PrincipalPattern::Everyone
            | PrincipalPattern::Account { .. }
            | PrincipalPattern::AccountRoot { .. }
            | PrincipalPattern::FederatedUser(_)
            | PrincipalPattern::Oai(_)
            | PrincipalPattern::Service(_)
            | PrincipalPattern::Provider(_)
            | PrincipalPattern::CanonicalUser(_)
            | PrincipalPattern::Nobody => {}
            _ => self.sees_names = true,
        }
    }

    /// A text that holds whatever some pieces do.
    fn widened(&mut self, pieces: &[Piece]) -> String {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::One => text.push('?'),
                Piece::Star => text.push('*'),
                Piece::Variable(variable) => {
                    self.sees_names |= variable.key.folded() == CALLER;
                    text.push('*');
                }
            }
        }
        text
    }
}

/// The pattern of a text in which stars cross colons and letters have no case. Letters beyond
/// ASCII stand for any, since some fold to ASCII (L-614).
fn wide(text: &str) -> Pattern {
    Pattern::glob(&text.replace(|c: char| !c.is_ascii(), "*")).into_ascii_case_insensitive()
}

/// How much requests of one key have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Likeness {
    /// They are about the same resources; if not, about some of one kind.
    pub(crate) same_resources: bool,
    /// They are made by the same caller; if not, by some of one account.
    pub(crate) same_caller: bool,
}

/// What the ARN of a service-linked role has behind its account (E-31).
const SERVICE_ROLES: &str = ":role/aws-service-role/";

/// Whether a request names any resource.
fn names_resources(target: &Target<'_>) -> bool {
    match target {
        Target::Action { resources, .. } => !resources.is_empty(),
        Target::Checks(_) => true,
    }
}

/// Whether what a user or a role session says of itself may be wrong: its ARNs are no such ARNs, or
/// a session is named twice, so that one name may contradict the other. Such a request is an
/// error, and shares it with none that is not.
fn may_contradict_itself(stated: &StatedPrincipal<'_>) -> bool {
    let of_arn = stated.arn.as_deref().map(PrincipalForm::parse);
    if stated.kind == PrincipalKind::User {
        return !matches!(of_arn, Some(Ok(PrincipalForm::User { .. })));
    }
    let of_role = stated.role.as_deref().map(PrincipalForm::parse);
    let is_named = stated.session.as_ref().is_some_and(|session| session.name.is_some());
    match (of_arn, of_role) {
        (None, Some(Ok(PrincipalForm::Role { .. }))) => false,
        (Some(Ok(PrincipalForm::AssumedRole { .. })), None) => is_named,
        (Some(Ok(session)), Some(Ok(role))) => is_named || !session.is_session_of(&role),
        _ => true,
    }
}

/// An ARN without its last segment.
fn header(arn: &str) -> &str {
    ArnParts::split(arn).map_or(arn, |parts| &arn[..arn.len() - parts.resource.len()])
}

/// The kind of the resource of an action, in all worlds.
pub(crate) type KindOf<'k> = dyn for<'t> FnMut(&str, &'t str) -> Option<ResourceKind<'t>> + 'k;

/// Writes keys: requests of the same key are decided alike.
#[derive(Debug)]
pub(crate) struct Keys<'s> {
    sight: &'s Sight,
    /// The world, whose accounts are told from those that are assumed.
    world: &'s StoreSnapshot,
    scratch: SetScratch,
    /// The key that was written last.
    pub(crate) key: Vec<u8>,
}

impl<'s> Keys<'s> {
    pub(crate) fn new(sight: &'s Sight, world: &'s StoreSnapshot) -> Self {
        Self { sight, world, scratch: SetScratch::default(), key: Vec::new() }
    }

    /// Writes the key of a request, before anything is assumed of it. None for requests that bring
    /// policies of their own.
    pub(crate) fn write(
        &mut self,
        converted: &Converted<'_>,
        kind_of: &mut KindOf<'_>,
    ) -> Option<Likeness> {
        self.key.clear();
        // A member that is added to a request has to be thought of here.
        let Request {
            principal,
            target,
            resource_data,
            request_tags,
            context,
            absent,
            complete,
            unknown,
            network,
            via,
            region,
            time,
            source,
        } = &converted.record.request;
        if resource_data.is_some() {
            return None;
        }
        self.text(converted.recipient.as_ref().map_or("", AccountId::as_str));
        let same_resources = self.target(target, kind_of)?;
        // Where a resource has a record, what is attached to it may ask for more.
        let may_hide = !same_resources || !names_resources(target);
        let mut same_caller = true;
        match principal {
            Principal::Text(text) => {
                self.key.push(0);
                self.text(text);
            }
            Principal::Stated(stated) => {
                same_caller = !(may_hide && self.is_hidden(stated));
                self.key.push(1);
                self.principal(stated, same_caller)?;
            }
        }
        self.option(request_tags.as_ref(), Self::pairs);
        self.context(context, may_hide && !self.sight.passive);
        for list in [absent, complete, unknown] {
            self.texts(list);
        }
        self.option(network.as_deref(), Self::network);
        self.option(via.as_ref(), |keys, via| keys.texts(via));
        self.optional(region.as_deref());
        self.moment(*time, self.sight.times);
        self.option(source.as_ref(), |keys, source| {
            keys.optional(source.arn.as_deref());
            keys.optional(source.account.as_ref().map(AccountId::as_str));
        });
        Some(Likeness { same_resources, same_caller })
    }

    /// Whether nobody tells a caller from others of its account: the world knows nobody of the
    /// account, and no policy names the caller.
    fn is_hidden(&mut self, stated: &StatedPrincipal<'_>) -> bool {
        let Some(callers) = &self.sight.callers else { return false };
        let StatedPrincipal { kind, arn, role, .. } = stated;
        let named = match kind {
            PrincipalKind::User if !self.sight.ids => arn.as_deref(),
            PrincipalKind::RoleSession if !self.sight.ids && !self.sight.sessions => {
                role.as_deref()
            }
            _ => None,
        };
        let Some(named) = named.filter(|_| !may_contradict_itself(stated)) else { return false };
        let Some(account) = ArnParts::split(named).and_then(|arn| arn.account_id()) else {
            return false;
        };
        self.world.account(account).is_none()
            && !named.contains(SERVICE_ROLES)
            && !callers.is_match(named.as_bytes(), &mut self.scratch)
    }

    fn principal(&mut self, stated: &StatedPrincipal<'_>, shows_name: bool) -> Option<()> {
        let StatedPrincipal {
            kind,
            arn,
            role,
            user,
            account,
            service,
            service_names,
            provider,
            unique_id,
            session,
            inline,
        } = stated;
        if inline.is_some() {
            return None;
        }
        self.text(kind.as_str());
        let hides_session = *kind == PrincipalKind::RoleSession
            && !self.sight.sessions
            && !may_contradict_itself(stated);
        let arn = arn.as_deref().map(|arn| match arn.rsplit_once('/') {
            Some((role, _)) if hides_session => role,
            _ => arn,
        });
        for arn in [arn, role.as_deref()] {
            self.optional(if shows_name { arn } else { arn.map(header) });
        }
        for text in [user, service, provider] {
            self.optional(text.as_deref());
        }
        self.optional(account.as_ref().map(AccountId::as_str));
        self.option(service_names.as_ref(), |keys, names| keys.texts(names));
        // In an account of the world, the id of another entity is a contradiction.
        let is_seen = self.sight.ids || shows_name || *kind == PrincipalKind::Oai;
        self.hidden(unique_id.as_deref(), is_seen);
        match session {
            None => self.key.push(0),
            Some(session) => {
                self.key.push(1);
                self.session(session)?;
            }
        }
        Some(())
    }

    fn session(&mut self, session: &Session<'_>) -> Option<()> {
        let Session {
            name,
            policy,
            policy_arns,
            tags,
            transitive_tag_keys,
            inherited_tags,
            source_identity,
            issued_at,
            expires_at,
            mfa,
            temporary,
            console,
            chained,
            federated_provider,
            claims,
            delivery,
            task_policy_arn,
        } = session;
        let brings_policies = policy.is_some() || policy_arns.iter().flatten().next().is_some();
        if brings_policies {
            return None;
        }
        self.flag(Some(policy_arns.is_some()));
        for text in [name, source_identity, federated_provider, task_policy_arn] {
            self.optional(text.as_deref());
        }
        for tags in [tags, inherited_tags] {
            self.option(tags.as_ref(), Self::pairs);
        }
        self.option(transitive_tag_keys.as_ref(), |keys, names| keys.texts(names));
        self.moment(*issued_at, self.sight.issue_times);
        // Nothing is decided by when a session ends.
        self.moment(*expires_at, false);
        self.option(mfa.as_ref(), |keys, MfaState { present, at }| {
            keys.flag(Some(*present));
            keys.moment(*at, keys.sight.times);
        });
        for flag in [temporary, console, chained] {
            self.flag(*flag);
        }
        self.option(claims.as_ref(), |keys, claims| keys.context(claims, false));
        match delivery {
            None => self.key.push(0),
            Some(delivery) => {
                self.key.push(1);
                self.delivery(delivery)?;
            }
        }
        Some(())
    }

    fn delivery(&mut self, delivery: &Delivery<'_>) -> Option<()> {
        let (number, texts) = match delivery {
            Delivery::Ec2 { instance_arn, role_delivery, vpc, private_ip } => {
                (0, [instance_arn, role_delivery, vpc, private_ip])
            }
            Delivery::Lambda { function_arn } => (1, [function_arn, &None, &None, &None]),
            Delivery::Glue { role_assumed_by, credential_issuing_service } => {
                (2, [role_assumed_by, credential_issuing_service, &None, &None])
            }
            Delivery::Ssm { instance_arn } => (3, [instance_arn, &None, &None, &None]),
            _ => return None,
        };
        self.key.push(number);
        for text in texts {
            self.optional(text.as_deref());
        }
        Some(())
    }

    /// Gives whether the key says which resources there are.
    fn target(&mut self, target: &Target<'_>, kind_of: &mut KindOf<'_>) -> Option<bool> {
        match target {
            Target::Action { action, resource: None, resources } => {
                self.key.push(0);
                self.text(action);
                self.number(resources.len());
                if let [one] = &resources[..] {
                    if !one.context.is_empty() {
                        return None;
                    }
                    self.data(one.data.as_deref())?;
                    return Some(self.resource(action, &one.arn, kind_of));
                }
                for one in resources {
                    if !one.context.is_empty() {
                        return None;
                    }
                    self.text(&one.arn);
                    self.data(one.data.as_deref())?;
                }
                Some(true)
            }
            Target::Action { .. } => None,
            Target::Checks(checks) => {
                self.key.push(1);
                self.number(checks.len());
                for check in checks {
                    if !check.context.is_empty() {
                        return None;
                    }
                    self.text(&check.action);
                    self.optional(check.resource.as_deref());
                    self.data(check.data.as_deref())?;
                }
                Some(true)
            }
        }
    }

    /// The only resource of a request: its kind, where that is all that can matter. Gives whether
    /// the key says which it is.
    fn resource(&mut self, action: &str, arn: &str, kind_of: &mut KindOf<'_>) -> bool {
        let resources = self.sight.resources.as_ref();
        let is_told = resources.is_none_or(|set| set.is_match(arn.as_bytes(), &mut self.scratch));
        let kind = if is_told { None } else { kind_of(action, arn) };
        if let Some(kind) = kind {
            self.key.extend([1, kind.shape()]);
            self.number(kind.resource_type.map_or(0, |id| id.index() + 1));
            self.text(kind.header);
        } else {
            self.key.push(0);
            self.text(arn);
        }
        kind.is_none()
    }

    /// What a record says of a resource: its owner.
    fn data(&mut self, data: Option<&ResourceData<'_>>) -> Option<()> {
        let account = data.and_then(|data| data.account);
        let is_all = data.is_none_or(|data| {
            *data == ResourceData { account: data.account, ..ResourceData::default() }
        });
        self.flag(Some(data.is_some()));
        self.optional(account.as_ref().map(AccountId::as_str));
        is_all.then_some(())
    }

    fn network(&mut self, network: &Network<'_>) {
        let Network {
            source_ip,
            vpc_source_ip,
            vpce,
            vpc,
            vpce_account,
            secure_transport,
            user_agent,
            referer,
        } = network;
        for address in [source_ip, vpc_source_ip] {
            self.hidden(address.as_deref(), self.sight.addresses);
        }
        for text in [vpce, vpc, referer] {
            self.optional(text.as_deref());
        }
        self.optional(vpce_account.as_ref().map(AccountId::as_str));
        self.flag(*secure_transport);
        self.hidden(user_agent.as_deref(), self.sight.agents);
    }

    fn context(&mut self, entries: &[(Cow<'_, str>, ContextInput<'_>)], hides_passive: bool) {
        self.number(entries.len());
        for (key, input) in entries {
            self.text(key);
            match input {
                ContextInput::Scalar(ContextScalar::String(_))
                    if hides_passive && is_passive(key) =>
                {
                    self.key.push(2);
                }
                ContextInput::Scalar(scalar) => {
                    self.key.push(0);
                    self.scalar(scalar);
                }
                ContextInput::List(items) => {
                    self.key.push(1);
                    self.number(items.len());
                    for item in items {
                        self.scalar(item);
                    }
                }
            }
        }
    }

    fn scalar(&mut self, scalar: &ContextScalar<'_>) {
        match scalar {
            ContextScalar::String(text) => {
                self.key.push(0);
                self.text(text);
            }
            ContextScalar::Number(text) => {
                self.key.push(1);
                self.text(text);
            }
            ContextScalar::Bool(value) => self.key.extend([2, u8::from(*value)]),
        }
    }

    fn option<T: ?Sized>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        self.key.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.key.extend_from_slice(text.as_bytes());
    }

    fn optional(&mut self, text: Option<&str>) {
        self.option(text, Self::text);
    }

    /// A text of which it counts whether it is there, and what it is only if policies see it.
    fn hidden(&mut self, text: Option<&str>, is_seen: bool) {
        self.optional(text.map(|text| if is_seen { text } else { "" }));
    }

    fn moment(&mut self, time: Option<i64>, is_seen: bool) {
        self.option(time.as_ref(), |keys, time| {
            let shown = if is_seen { *time } else { 0 };
            keys.key.extend_from_slice(&shown.to_le_bytes());
        });
    }

    fn texts(&mut self, texts: &[Cow<'_, str>]) {
        self.number(texts.len());
        for text in texts {
            self.text(text);
        }
    }

    fn pairs(&mut self, tags: &Tags<'_>) {
        self.number(tags.len());
        for (key, value) in tags {
            self.text(key);
            self.text(value);
        }
    }

    fn flag(&mut self, flag: Option<bool>) {
        self.key.push(flag.map_or(0, |flag| 1 + u8::from(flag)));
    }

    fn number(&mut self, number: usize) {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.key.extend_from_slice(&number.to_le_bytes());
    }
}

#[cfg(test)]
mod tests;
