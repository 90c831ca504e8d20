//! What conditions and variables see: derived keys, and the keys that a request gives (E-15 –
//! E-25).

use assize_model::{
    AccountId, ArnParts, ConditionKey, ContextEntry, ContextValue, Delivery, PrincipalKind as Kind,
    Request, RequestContext, RequestError, RequestErrorKind, Tags, Target, fold_key,
};

use super::check::Check;
use super::given::{Given, normalize_claims};
use super::knowledge::{
    Claims, Gaps, Knowledge, State, conflict, is_derived, is_resource_tag, outlives_the_call,
};
use super::principal::ROLES_ANYWHERE;
use super::{Caller, Remarks, World, organization, resource};
use crate::condition::value::{format_instant, parse_bool, parse_instant};
use crate::service_rules::{s3, sts};

/// The context of a check, and what is known of the keys it does not hold.
pub(crate) fn build<'a>(
    world: &'a World<'a>,
    caller: &Caller<'_>,
    check: &Check<'_>,
    request: &Request<'_>,
    remarks: &mut Remarks,
) -> Result<Knowledge<'a>, RequestError> {
    let (context, given) = (RequestContext::default(), check.given.clone());
    let gaps = Gaps::new(world, request, &given, check.action.id)?;
    let carried = given.carried.iter().map(|key| key.folded().into()).collect();
    let mut builder =
        Builder { world, caller, check, request, remarks, context, given, gaps, carried };
    builder.principal_keys()?;
    builder.calling_service_keys()?;
    builder.session_keys()?;
    builder.network_keys()?;
    builder.environment_keys()?;
    builder.resource_keys()?;
    builder.resource_tags()?;
    builder.holder_tags()?;
    builder.request_tags()?;
    builder.call_chain()?;
    builder.other_keys()?;
    builder.known_absent()?;
    let Builder { mut context, gaps, carried, .. } = builder;
    if let Some(gaps) = &gaps {
        gaps.forget(&mut context, &carried)?;
    }
    Ok(Knowledge::new(world.catalog, context, gaps))
}

/// E-17: when credentials were issued whose time nobody states: before every time by which a policy
/// revokes sessions.
const OLDEST_ISSUE_TIME: i64 = 0;

/// The keys of how credentials reached a workload (E-17).
const DELIVERY_KEYS: [&str; 8] = [
    "ec2:SourceInstanceArn",
    "ec2:RoleDelivery",
    "aws:Ec2InstanceSourceVpc",
    "aws:Ec2InstanceSourcePrivateIPv4",
    "lambda:SourceFunctionArn",
    "glue:RoleAssumedBy",
    "glue:CredentialIssuingService",
    "ssm:SourceInstanceArn",
];

/// The keys of E-22.
const CALL_CHAIN_KEYS: [&str; 4] =
    ["aws:ViaAWSService", "aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast"];

struct Builder<'a, 'r> {
    world: &'a World<'a>,
    caller: &'a Caller<'a>,
    check: &'a Check<'a>,
    request: &'a Request<'a>,
    remarks: &'r mut Remarks,
    context: RequestContext,
    given: Given,
    /// What stays unknown; none in complete context.
    gaps: Option<Gaps>,
    /// The folded names of the keys that the request carries, in `context` or a field.
    carried: Vec<String>,
}

fn single(text: impl Into<Box<str>>) -> ContextValue {
    ContextValue::Single(text.into())
}

fn boolean(value: bool) -> ContextValue {
    single(if value { "true" } else { "false" })
}

fn list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> ContextValue {
    ContextValue::List(texts.into_iter().map(|text| text.as_ref().into()).collect())
}

fn text_of(value: Option<&ContextValue>) -> Option<&str> {
    match value {
        Some(ContextValue::Single(text)) => Some(text),
        _ => None,
    }
}

fn account_of(value: Option<&ContextValue>) -> Option<AccountId> {
    text_of(value)?.parse().ok()
}

/// tags over which later ones win, keys compared without regard to case.
fn lay_over(tags: &mut Vec<(String, String)>, later: Option<&Tags<'_>>) {
    let Some(later) = later else { return };
    tags.retain(|(key, _)| !later.iter().any(|(other, _)| other.eq_ignore_ascii_case(key)));
    tags.extend(later.iter().map(|(key, value)| (key.to_string(), value.to_string())));
}

/// the effective principal tags.
fn principal_tags(caller: &Caller<'_>) -> Vec<(String, String)> {
    let stored = match (caller.user, caller.role) {
        (Some(user), _) => &*user.tags,
        (None, Some(role)) => &*role.tags,
        (None, None) => &[],
    };
    let mut tags: Vec<(String, String)> =
        stored.iter().map(|tag| (tag.key.to_string(), tag.value.to_string())).collect();
    if let Some(inline) = caller.inline {
        tags.clear();
        lay_over(&mut tags, Some(&inline.tags));
    }
    lay_over(&mut tags, caller.session.tags.as_ref());
    lay_over(&mut tags, caller.session.inherited_tags.as_ref());
    tags
}

/// E-23: what `context` gives under several names of one tag of the resource is one value.
fn one_value_a_tag(given: &[ContextEntry]) -> Result<(), RequestError> {
    let tag = |entry: &ContextEntry| Some(entry.key.folded().split_once('/')?.1.to_owned());
    let other_of = |entry: &&ContextEntry| {
        given.iter().any(|other| tag(other) == tag(entry) && other.value != entry.value)
    };
    match given.iter().find(other_of) {
        Some(entry) => Err(conflict(entry.key.spelling(), "and another name of this tag differ")),
        None => Ok(()),
    }
}

impl Builder<'_, '_> {
    fn set(&mut self, key: &str, value: ContextValue) {
        self.context.set(ConditionKey::new(key), value);
    }

    fn set_some(&mut self, key: &str, value: Option<ContextValue>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// E-121: whether keys stay unknown, which they do where their inputs are not known and the
    /// context is partial: names, or prefixes ending in `/`.
    fn leave_if(&mut self, are_inputs_unknown: bool, names: &[&str]) -> bool {
        match &mut self.gaps {
            Some(gaps) if are_inputs_unknown => {
                gaps.leave(names);
                true
            }
            _ => false,
        }
    }

    /// E-122: whether a key whose inputs are not known is derived all the same, as in complete
    /// context, because the request says all there is to say of it.
    fn is_told(&self, key: &str) -> bool {
        let said = self.gaps.as_ref().and_then(|gaps| gaps.says(&fold_key(key)));
        matches!(said, Some(State::Absent))
    }

    /// The keys of an account and its organization, under a common beginning (E-15, E-16, E-20).
    fn set_account(&mut self, stem: &str, account: AccountId) -> Result<(), RequestError> {
        self.set(&format!("{stem}Account"), single(account.as_str()));
        let values = organization::keys(self.world.snapshot, account);
        let keys = ["OrgID", "OrgPaths"].map(|name| format!("{stem}{name}"));
        let is_elsewhere = !organization::is_known(self.world.snapshot, account);
        for (at, key) in keys.iter().enumerate() {
            self.set_some(key, values.as_ref().map(|values| values[at].clone()));
            if is_elsewhere {
                let given = self.given.take(key);
                self.elsewhere(key, given.as_ref())?;
                self.set_some(key, given);
            }
        }
        Ok(())
    }

    /// E-15, E-121: a key of the organization of an account that is in none of the snapshot's: the
    /// request may give it, and nobody else can.
    fn elsewhere(&mut self, key: &str, given: Option<&ContextValue>) -> Result<(), RequestError> {
        let snapshot = self.world.snapshot;
        if given.is_some_and(|value| organization::is_own(snapshot, value)) {
            self.overrides(key)?;
        }
        if let Some(gaps) = &mut self.gaps {
            gaps.leave_elsewhere(key, snapshot);
        }
        Ok(())
    }

    /// A key of a tag: two tags whose keys are equal but for case collide (L-606), and no key
    /// stands for a tag without a name (L-710).
    fn set_tag(&mut self, stem: &str, tag: &str, value: &str) {
        if tag.is_empty() {
            return;
        }
        let key = ConditionKey::new(&format!("{stem}{tag}"));
        match self.context.get(key.folded()).map(|entry| entry.key.clone()) {
            Some(first) => self.context.set(first, ContextValue::Colliding),
            None => self.context.set(key, single(value)),
        }
    }

    /// E-23: whether a contradicting value of the request wins, which is noted; else an error.
    fn overrides(&mut self, key: &str) -> Result<(), RequestError> {
        if self.world.options.allow_context_override {
            self.remarks.note(format!("context_override:{key}"));
            return Ok(());
        }
        Err(conflict(key, "contradicts what the request or the snapshot says elsewhere"))
    }

    /// E-23: a key that may be given in its own field or in `context`, not differently in both.
    fn own(
        &mut self,
        key: &str,
        field: Option<ContextValue>,
    ) -> Result<Option<ContextValue>, RequestError> {
        if field.is_some() {
            self.carried.push(key.to_ascii_lowercase());
        }
        self.stated(key, field)
    }

    /// As [`Self::own`], for a key that is derived from the field.
    fn stated(
        &mut self,
        key: &str,
        field: Option<ContextValue>,
    ) -> Result<Option<ContextValue>, RequestError> {
        match (field, self.given.take(key)) {
            (Some(field), Some(given)) if field != given => {
                self.overrides(key)?;
                Ok(Some(given))
            }
            (field, given) => Ok(field.or(given)),
        }
    }

    /// E-15.
    fn principal_keys(&mut self) -> Result<(), RequestError> {
        let caller = self.caller;
        if caller.kind == Kind::Anonymous {
            self.set("aws:PrincipalAccount", single("anonymous"));
            self.set("aws:PrincipalType", single("Anonymous"));
            self.set("aws:userid", single("anonymous"));
            return Ok(());
        }
        if caller.kind == Kind::Service {
            self.set("aws:PrincipalIsAWSService", boolean(true));
            if caller.name == ROLES_ANYWHERE {
                self.principal_tag_keys();
            }
        }
        let (Some(account), Some(arn)) = (caller.account, caller.arn.as_deref()) else {
            return Ok(());
        };
        let unique_id = caller.unique_id.as_deref();
        let session = &caller.session_name;
        let (principal_type, arn, user_id) = match caller.kind {
            Kind::User => ("User", arn, unique_id.map(String::from)),
            Kind::RoleSession => {
                let role = caller.entity_arn.as_deref().unwrap_or(arn);
                ("AssumedRole", role, unique_id.map(|id| format!("{id}:{session}")))
            }
            Kind::FederatedUser | Kind::FederatedRoot => {
                ("FederatedUser", arn, Some(format!("{account}:{session}")))
            }
            _ => ("Account", arn, Some(account.to_string())),
        };
        self.set("aws:PrincipalArn", single(arn));
        self.set_account("aws:Principal", account)?;
        self.set("aws:PrincipalType", single(principal_type));
        // Nobody but the request can say the id of an entity elsewhere.
        self.leave_if(user_id.is_none(), &["aws:userid"]);
        let given = if user_id.is_none() { self.given.take("aws:userid") } else { None };
        self.set_some("aws:userid", user_id.map(single).or(given));
        self.set("aws:PrincipalIsAWSService", boolean(false));
        if caller.kind == Kind::User {
            self.set_some("aws:username", arn.rsplit('/').next().map(single));
        }
        if caller.kind == Kind::AssumedRoot {
            self.set("aws:AssumedRoot", boolean(true));
        }
        self.principal_tag_keys();
        Ok(())
    }

    /// E-15: the tags of the principal.
    fn principal_tag_keys(&mut self) {
        let caller = self.caller;
        let has_session_tags = caller.name == ROLES_ANYWHERE
            || matches!(caller.kind, Kind::RoleSession | Kind::FederatedUser | Kind::FederatedRoot);
        let are_open = caller.session.tags.is_none() && (has_session_tags || caller.is_outside());
        let is_open = self.leave_if(are_open, &["aws:PrincipalTag/"]);
        for (key, value) in principal_tags(caller) {
            if !is_open || self.is_told(&format!("aws:PrincipalTag/{key}")) {
                self.set_tag("aws:PrincipalTag/", &key, &value);
            }
        }
    }

    /// E-16.
    fn calling_service_keys(&mut self) -> Result<(), RequestError> {
        let caller = self.caller;
        if caller.kind != Kind::Service {
            return Ok(());
        }
        self.set("aws:PrincipalServiceName", single(caller.name.as_str()));
        self.set("aws:PrincipalServiceNamesList", list(&caller.service_names));
        let keys = ["aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths"];
        self.leave_if(self.request.source.is_none(), &keys);
        let Some(source) = &self.request.source else { return Ok(()) };
        let arn = source.arn.as_deref();
        self.set_some("aws:SourceArn", arn.map(single));
        let in_arn = || arn.and_then(ArnParts::split).and_then(|parts| parts.account_id());
        match source.account.or_else(in_arn) {
            Some(account) => self.set_account("aws:Source", account),
            None => Ok(()),
        }
    }

    /// E-17.
    fn session_keys(&mut self) -> Result<(), RequestError> {
        let (caller, session) = (self.caller, &self.caller.session);
        let says_nothing = caller.kind == Kind::User && !caller.states_session;
        let is_undated = caller.is_temporary() && session.issued_at.is_none();
        let is_open = self.leave_if(says_nothing || is_undated, &["aws:TokenIssueTime"]);
        let is_told = self.gaps.as_ref().is_some_and(|gaps| gaps.tells("aws:tokenissuetime"));
        // Of a user, MFA in the context alone tells no session that could have a time.
        if caller.is_temporary() && !says_nothing && (!is_open || is_told) {
            let issued = session.issued_at.unwrap_or(OLDEST_ISSUE_TIME);
            self.set("aws:TokenIssueTime", single(format_instant(issued)));
        }
        self.mfa_keys()?;
        self.leave_session_keys();
        self.set_some("aws:SourceIdentity", session.source_identity.as_deref().map(single));
        let is_web_identity = |provider: &&str| {
            !provider.contains(":saml-provider/") && caller.kind == Kind::Federated
        };
        let provider = caller.provider.as_deref().filter(is_web_identity);
        let provider = provider.or(session.federated_provider.as_deref());
        self.set_some("aws:FederatedProvider", provider.map(single));
        if let Some(claims) = &session.claims {
            for ContextEntry { key, value } in normalize_claims(self.world.catalog, claims)? {
                if caller.kind == Kind::Federated || outlives_the_call(key.folded()) {
                    self.context.set(key, value);
                }
            }
        }
        if let Some(delivery) = &session.delivery {
            self.delivery_keys(delivery);
        }
        Ok(())
    }

    /// E-121: the keys of E-17 that only a session can tell.
    fn leave_session_keys(&mut self) {
        let (kind, session) = (self.caller.kind, &self.caller.session);
        let is_role = kind == Kind::RoleSession;
        self.leave_if(is_role && session.source_identity.is_none(), &["aws:SourceIdentity"]);
        self.leave_if(is_role && session.federated_provider.is_none(), &["aws:FederatedProvider"]);
        self.leave_if(is_role && session.delivery.is_none(), &DELIVERY_KEYS);
        let Some(gaps) = self.gaps.as_mut().filter(|_| session.claims.is_none()) else { return };
        match kind {
            Kind::RoleSession => gaps.leave_claims(Claims::OfSession),
            Kind::Federated => gaps.leave_claims(Claims::All),
            _ => {}
        }
    }

    /// E-17, E-23, A-47: MFA.
    fn mfa_keys(&mut self) -> Result<(), RequestError> {
        let caller = self.caller;
        let mfa = caller.session.mfa;
        let may_be_temporary = !caller.states_session || caller.is_temporary();
        let is_open = caller.kind == Kind::User && mfa.is_none() && may_be_temporary;
        let keys = ["aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge"];
        if self.leave_if(is_open, &keys) && !self.is_told(keys[0]) {
            return Ok(());
        }
        let present = mfa.is_some_and(|mfa| mfa.present);
        let (state, at) = match caller.kind {
            Kind::User | Kind::Root if caller.is_temporary() => {
                (Some(present), mfa.and_then(|mfa| mfa.at))
            }
            // An AssumeRole call that carries an MFA code of its own: true for that call.
            Kind::User if present && self.check.action.is("sts", &sts::OF_ASSUME_ROLE_CALL) => {
                let now = self.time()?;
                (Some(true), Some(mfa.and_then(|mfa| mfa.at).unwrap_or(now)))
            }
            Kind::RoleSession | Kind::FederatedUser | Kind::FederatedRoot | Kind::AssumedRoot => {
                (Some(false), None)
            }
            _ => (None, None),
        };
        self.set_some("aws:MultiFactorAuthPresent", state.map(boolean));
        let is_undated = state == Some(true) && mfa.is_some_and(|mfa| mfa.at.is_none());
        let is_open = caller.kind == Kind::User && is_undated;
        if self.leave_if(is_open, &[keys[1]]) && !self.is_told(keys[1]) {
            return Ok(());
        }
        if let (Some(true), Some(at)) = (state, at) {
            let age = self.time()?.saturating_sub(at).max(0);
            self.set("aws:MultiFactorAuthAge", single(age.to_string()));
        }
        Ok(())
    }

    /// E-17: how the credentials reached the workload.
    fn delivery_keys(&mut self, delivery: &Delivery<'_>) {
        let keys = match delivery {
            Delivery::Ec2 { instance_arn, role_delivery, vpc, private_ip } => vec![
                ("ec2:SourceInstanceArn", instance_arn),
                ("ec2:RoleDelivery", role_delivery),
                ("aws:Ec2InstanceSourceVpc", vpc),
                ("aws:Ec2InstanceSourcePrivateIPv4", private_ip),
            ],
            Delivery::Lambda { function_arn } => vec![("lambda:SourceFunctionArn", function_arn)],
            Delivery::Glue { role_assumed_by, credential_issuing_service } => vec![
                ("glue:RoleAssumedBy", role_assumed_by),
                ("glue:CredentialIssuingService", credential_issuing_service),
            ],
            Delivery::Ssm { instance_arn } => vec![("ssm:SourceInstanceArn", instance_arn)],
            _ => Vec::new(),
        };
        for (key, value) in keys {
            self.set_some(key, value.as_deref().map(single));
            // E-121: one kind says that there are none of the others, and of its own nothing of
            // what it does not state.
            self.leave_if(value.is_none(), &[key]);
        }
    }

    /// E-18. A request that states any key of a VPC endpoint came through one.
    fn network_keys(&mut self) -> Result<(), RequestError> {
        let network = self.request.network.as_deref().cloned().unwrap_or_default();
        let text = |field: &Option<std::borrow::Cow<'_, str>>| field.as_deref().map(single);
        let source_ip = self.own("aws:SourceIp", text(&network.source_ip))?;
        let vpc_source_ip = self.own("aws:VpcSourceIp", text(&network.vpc_source_ip))?;
        let vpce = self.own("aws:SourceVpce", text(&network.vpce))?;
        let account = network.vpce_account.map(|account| single(account.as_str()));
        let account = self.own("aws:VpceAccount", account)?;
        let snapshot = self.world.snapshot;
        let record = text_of(vpce.as_ref()).and_then(|id| snapshot.endpoint(id));
        let holder = account_of(account.as_ref()).and_then(|id| snapshot.account(id));
        if let (Some(id), Some(holder), None) = (text_of(vpce.as_ref()), holder, record) {
            let message = format!("there is no VPC endpoint `{id}` in account {}", holder.id);
            return Err(RequestError::new(RequestErrorKind::UnknownEntity, message));
        }
        let vpc = record.and_then(|record| record.vpc.as_deref());
        let vpc = self.recorded("aws:SourceVpc", vpc, text(&network.vpc))?;
        let vpc_arn = record.and_then(|record| record.vpc_arn.as_deref());
        let vpc_arn = self.recorded("aws:SourceVpcArn", vpc_arn, None)?;
        let owner = record.and_then(|record| record.account).map(|account| account.to_string());
        let account = self.recorded("aws:VpceAccount", owner.as_deref(), account)?;
        let owner = account_of(account.as_ref());
        let organization = owner.and_then(|id| organization::keys(snapshot, id));
        let (org_id, org_paths) = organization.map(|[id, paths]| (id, paths)).unzip();
        let org_id = self.stated("aws:VpceOrgID", org_id)?;
        let org_paths = self.stated("aws:VpceOrgPaths", org_paths)?;
        let knows_organization = owner.is_some_and(|id| organization::is_known(snapshot, id));
        if owner.is_some() && !knows_organization {
            self.elsewhere("aws:VpceOrgID", org_id.as_ref())?;
            self.elsewhere("aws:VpceOrgPaths", org_paths.as_ref())?;
        }
        let keys = [
            ("aws:VpcSourceIp", vpc_source_ip),
            ("aws:SourceVpce", vpce),
            ("aws:SourceVpc", vpc),
            ("aws:SourceVpcArn", vpc_arn),
            ("aws:VpceAccount", account),
            ("aws:VpceOrgID", org_id),
            ("aws:VpceOrgPaths", org_paths),
        ];
        let through_endpoint = keys.iter().any(|(_, value)| value.is_some());
        self.leave_network(source_ip.is_some(), knows_organization, &keys);
        for (key, value) in keys {
            self.set_some(key, value);
        }
        if !through_endpoint && self.caller.kind != Kind::Service {
            self.set_some("aws:SourceIp", source_ip);
        }
        Ok(())
    }

    /// E-121: without an address or an endpoint all keys of E-18 are unknown, with an endpoint
    /// those that neither request nor record gives.
    fn leave_network(
        &mut self,
        has_ip: bool,
        knows_organization: bool,
        of_endpoint: &[(&'static str, Option<ContextValue>)],
    ) {
        let has = |name| of_endpoint.iter().any(|(key, value)| *key == name && value.is_some());
        let through_endpoint = of_endpoint.iter().any(|(_, value)| value.is_some());
        let says_nothing = !has_ip && !has("aws:VpcSourceIp") && !has("aws:SourceVpce");
        for (key, _) in of_endpoint {
            let is_known = knows_organization && key.starts_with("aws:VpceOrg");
            let is_open = says_nothing || through_endpoint && !is_known;
            self.leave_if(is_open, &[*key]);
        }
        self.leave_if(says_nothing && self.caller.kind != Kind::Service, &["aws:SourceIp"]);
    }

    /// A key that the endpoint's record may tell, the request in a field, or in `context`.
    fn recorded(
        &mut self,
        key: &str,
        record: Option<&str>,
        field: Option<ContextValue>,
    ) -> Result<Option<ContextValue>, RequestError> {
        let stated = self.own(key, field)?;
        match (record.map(single), stated) {
            (Some(recorded), Some(stated)) if recorded != stated => {
                self.overrides(key)?;
                Ok(Some(stated))
            }
            (recorded, stated) => Ok(recorded.or(stated)),
        }
    }

    /// E-19, L-706: the one instant of the request.
    fn time(&mut self) -> Result<i64, RequestError> {
        let mut instant = self.request.time;
        if instant.is_some() {
            self.carried.extend(["aws:currenttime", "aws:epochtime"].map(String::from));
        }
        for key in ["aws:CurrentTime", "aws:EpochTime"] {
            let Some(given) = self.given.get(key).cloned() else { continue };
            let read = match &given {
                ContextValue::Single(text) => parse_instant(text),
                _ => None,
            };
            let read = read.ok_or_else(|| {
                let message = format!("context key `{key}` is not a time");
                RequestError::new(RequestErrorKind::InvalidField, message)
            })?;
            if instant.is_some_and(|instant| instant != read) {
                self.overrides(key)?;
            }
            instant = Some(read);
        }
        Ok(instant.or(self.world.options.time).unwrap_or(self.world.now))
    }

    /// E-19.
    fn environment_keys(&mut self) -> Result<(), RequestError> {
        let time = self.time()?;
        self.given.take("aws:CurrentTime");
        self.given.take("aws:EpochTime");
        self.set("aws:CurrentTime", single(format_instant(time)));
        self.set("aws:EpochTime", single(time.to_string()));
        let network = self.request.network.as_deref();
        let secure = network.and_then(|network| network.secure_transport).map(boolean);
        let secure = self.own("aws:SecureTransport", secure)?;
        self.set("aws:SecureTransport", secure.unwrap_or_else(|| boolean(true)));
        let agent = network.and_then(|network| network.user_agent.as_deref()).map(single);
        let agent = self.own("aws:UserAgent", agent)?;
        self.leave_if(agent.is_none(), &["aws:UserAgent"]);
        self.set_some("aws:UserAgent", agent);
        let referer = network.and_then(|network| network.referer.as_deref()).map(single);
        let referer = self.own("aws:referer", referer)?;
        self.leave_if(referer.is_none(), &["aws:referer"]);
        self.set_some("aws:referer", referer);
        let region = self.own("aws:RequestedRegion", self.request.region.as_deref().map(single))?;
        let region = region.or_else(|| self.derived_region());
        if region.is_none() {
            self.remarks.note("region_unknown");
            self.leave_if(true, &["aws:RequestedRegion"]);
        }
        self.set_some("aws:RequestedRegion", region);
        Ok(())
    }

    /// E-19: the region of the resource, of the access point that a bucket is reached through
    /// (E-85), or the fixed one of a global service; else that of the other resources of the call,
    /// which went to one region (E-25).
    fn derived_region(&self) -> Option<ContextValue> {
        let arn = ArnParts::split(&self.check.resource);
        let mut added = self.check.service_keys.iter();
        let point = added.find(|(name, _)| *name == "s3:DataAccessPointArn");
        let point = point.and_then(|(_, value)| ArnParts::split(text_of(Some(value))?));
        let mut regions = [arn, point].into_iter().flatten().map(|arn| arn.region);
        if let Some(region) = regions.find(|region| !region.is_empty()) {
            return Some(single(region));
        }
        let of_caller = self.caller.partition.as_deref();
        let partition = arn.map(|arn| arn.partition).or(of_caller).unwrap_or("aws");
        let service = &self.check.action.service;
        let of_service = self.world.catalog.global_service_region(service, partition).map(single);
        of_service.or_else(|| match &self.request.target {
            Target::Action { resource, resources, .. } if !self.check.is_wildcard_form => {
                let arns = resource.iter().chain(resources.iter().map(|input| &input.arn));
                let mut regions = arns.filter_map(|arn| Some(ArnParts::split(arn)?.region));
                regions.find(|region| !region.is_empty()).map(single)
            }
            _ => None,
        })
    }

    /// E-20, L-704.
    fn resource_keys(&mut self) -> Result<(), RequestError> {
        let absent = |id| self.world.catalog.resource_account_keys_absent(id);
        // Of `events:PutEvents` only on the buses of others.
        let is_at_home = self.check.action.is("events", &["putevents"])
            && self.check.account.is_some()
            && self.check.account == self.caller.account;
        if self.check.action.id.is_some_and(absent) && !is_at_home {
            return Ok(());
        }
        let keys = ["aws:ResourceAccount", "aws:ResourceOrgID", "aws:ResourceOrgPaths"];
        self.leave_if(self.check.account.is_none(), &keys);
        match self.check.account {
            Some(account) if !resource::is_of_aws(self.world.snapshot, self.check) => {
                self.set_account("aws:Resource", account)
            }
            _ => Ok(()),
        }
    }

    /// E-20: what the names of keys that carry tags of this resource begin with.
    fn tag_stems(&self) -> Vec<String> {
        let action = &self.check.action;
        let mut stems: Vec<String> = match action.id {
            Some(id) => {
                let fitting = self.world.catalog.fits(id, &self.check.resource);
                let stems = self.world.catalog.resource_tag_keys(id, fitting);
                stems.map(String::from).collect()
            }
            None => vec!["aws:ResourceTag/".into()],
        };
        if sts::assumes_role(self.check) {
            // E-91.
            stems.extend(["aws:ResourceTag/".into(), "iam:ResourceTag/".into()]);
        }
        stems.sort_unstable_by_key(|stem| stem.to_ascii_lowercase());
        stems.dedup_by_key(|stem| stem.to_ascii_lowercase());
        stems
    }

    /// E-20, E-23, E-91: tags of the resource.
    fn resource_tags(&mut self) -> Result<(), RequestError> {
        let stems = self.tag_stems();
        let mut given = self.take_given(|key| is_resource_tag(key, &stems));
        let known = self.known_tags();
        if known.is_none() && self.creates_with_tags() {
            given.extend(self.tags_of_creation(&stems, &given));
        }
        let inherits_unknown = sts::assumes_role(self.check)
            && self.caller.kind == Kind::RoleSession
            && self.caller.session.tags.is_none();
        let is_open = self.gaps.is_some() && inherits_unknown;
        if let Some(gaps) = &mut self.gaps {
            gaps.set_tags(&stems, known.is_none() || is_open);
        }
        if known.is_none() || is_open {
            one_value_a_tag(&given)?;
        }
        let Some(mut tags) = known else {
            self.given_tags(&stems, given);
            return Ok(());
        };
        self.transitive_tags(&mut tags);
        for stem in &stems {
            for (key, value) in &tags {
                if !is_open || self.is_told(&format!("{stem}{key}")) {
                    self.set_tag(stem, key, value);
                }
            }
        }
        if !is_open {
            return self.agree(given);
        }
        let (own, given) = given
            .into_iter()
            .partition(|entry: &ContextEntry| self.context.get(entry.key.folded()).is_some());
        self.agree(own)?;
        let of_resource = |entry: &&ContextEntry| is_resource_tag(entry.key.folded(), &stems);
        let told: Vec<ContextEntry> = self.context.iter().filter(of_resource).cloned().collect();
        one_value_a_tag(&[&given[..], &told].concat())?;
        self.given_tags(&stems, given);
        self.given_tags(&stems, told);
        Ok(())
    }

    /// E-20: the tags of what holds the resource, as far as the snapshot has them.
    fn holder_tags(&mut self) -> Result<(), RequestError> {
        let snapshot = self.world.snapshot;
        for (stem, holder) in resource::holders(snapshot, &self.check.resource) {
            let Some(tags) = resource::recorded_tags(snapshot, &holder) else { continue };
            for tag in tags {
                self.set_tag(stem, &tag.key, &tag.value);
            }
            if let Some(gaps) = &mut self.gaps {
                gaps.derive(&[stem]);
            }
            let stem = stem.to_ascii_lowercase();
            let own = self.take_given(|key| key.starts_with(&stem));
            self.agree(own)?;
        }
        Ok(())
    }

    /// E-20: whether the tags of the request are those of the resource, which is made with them.
    fn creates_with_tags(&self) -> bool {
        self.check.action.id.is_some_and(|id| self.world.catalog.creates_with_tags(id))
    }

    /// E-20: the tags that the context gives to what the call creates, as far as it does not give
    /// them as tags of the resource too.
    fn tags_of_creation(&self, stems: &[String], given: &[ContextEntry]) -> Vec<ContextEntry> {
        let [names, _] = self.request_tag_names();
        let mut tags = Vec::new();
        for ContextEntry { key, value } in &self.given.entries {
            let of = |name: &String| key.folded().strip_prefix(&name.to_ascii_lowercase());
            let Some(tag) = names.iter().find_map(of) else { continue };
            let tag = &key.spelling()[key.spelling().len() - tag.len()..];
            for stem in stems {
                let key = ConditionKey::new(&format!("{stem}{tag}"));
                let is_same = given.iter().any(|own| own.key == key && own.value == *value);
                if !is_same {
                    tags.push(ContextEntry { key, value: value.clone() });
                }
            }
        }
        tags
    }

    /// The tags of the resource, if the request or the snapshot says.
    fn known_tags(&self) -> Option<Vec<(String, String)>> {
        if let Some(tags) = &self.check.data.tags {
            let owned = tags.iter().map(|(key, value)| (key.to_string(), value.to_string()));
            return Some(owned.collect());
        }
        let snapshot = self.world.snapshot;
        let own = resource::recorded_tags(snapshot, &self.check.resource);
        // An object that is reached through an access point is still that object (E-85).
        let behind = || s3::object_behind(snapshot, &self.check.resource);
        let whole = || resource::tagged_whole(&self.check.resource);
        let tags = own
            .or_else(|| resource::recorded_tags(snapshot, &behind()?))
            .or_else(|| resource::recorded_tags(snapshot, &whole()?));
        let Some(tags) = tags else {
            let tags = self.request.request_tags.as_ref().filter(|_| self.creates_with_tags())?;
            return Some(tags.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect());
        };
        Some(tags.iter().map(|tag| (tag.key.to_string(), tag.value.to_string())).collect())
    }

    /// E-23: tags given in `context` of a resource of which nobody says the tags.
    fn given_tags(&mut self, stems: &[String], given: Vec<ContextEntry>) {
        for ContextEntry { key, value } in &given {
            self.context.set(key.clone(), value.clone());
        }
        for ContextEntry { key, value } in given {
            let Some((_, tag)) = key.spelling().split_once('/') else { continue };
            for stem in stems {
                let key = ConditionKey::new(&format!("{stem}{tag}"));
                if self.context.get(key.folded()).is_none() {
                    self.context.set(key, value.clone());
                }
            }
        }
    }

    /// E-91: a transitive tag of the caller replaces the tag of the role of the same key.
    fn transitive_tags(&self, tags: &mut [(String, String)]) {
        if !sts::assumes_role(self.check) || self.caller.kind != Kind::RoleSession {
            return;
        }
        let session = &self.caller.session;
        let keys = session.transitive_tag_keys.as_deref().unwrap_or_default();
        let is_transitive = |key: &str| keys.iter().any(|own| own.eq_ignore_ascii_case(key));
        let passed = session.tags.iter().flatten().filter(|(key, _)| is_transitive(key));
        let transitive: Vec<_> = passed.chain(session.inherited_tags.iter().flatten()).collect();
        for (key, value) in tags {
            for (own, new) in &transitive {
                if own.eq_ignore_ascii_case(key) {
                    *value = new.to_string();
                }
            }
        }
    }

    /// E-21: what the names of keys that carry tags of this request begin with, and the keys that
    /// list these tags.
    fn request_tag_names(&self) -> [Vec<String>; 2] {
        let catalog = self.world.catalog;
        let mut names = [vec!["aws:RequestTag/".to_owned()], vec!["aws:TagKeys".to_owned()]];
        if let Some(id) = self.check.action.id {
            names[0].extend(catalog.request_tag_keys(id).map(String::from));
            names[1].extend(catalog.request_tag_lists(id).map(String::from));
        }
        names
    }

    /// E-21.
    fn request_tags(&mut self) -> Result<(), RequestError> {
        let [stems, lists] = self.request_tag_names();
        let all: Vec<&str> = stems.iter().chain(&lists).map(String::as_str).collect();
        if let Some(gaps) = &mut self.gaps {
            gaps.derive(&all);
        }
        self.leave_if(self.request.request_tags.is_none(), &all);
        let own = self.take_given(|key| {
            let is_of = |name: &&str| {
                let name = name.to_ascii_lowercase();
                key == name || name.ends_with('/') && key.starts_with(&name)
            };
            all.iter().any(is_of)
        });
        let Some(tags) = &self.request.request_tags else {
            return self.given_request_tags(own, &stems, &lists);
        };
        self.carried.extend(lists.iter().map(|name| name.to_ascii_lowercase()));
        for stem in &stems {
            for (key, value) in tags {
                if !key.is_empty() {
                    self.carried.push(format!("{stem}{key}").to_ascii_lowercase());
                }
                self.set_tag(stem, key, value);
            }
        }
        for name in &lists {
            let keys = (!tags.is_empty()).then(|| list(tags.iter().map(|(key, _)| key)));
            self.set_some(name, keys);
        }
        self.agree(own)
    }

    /// E-21, E-23: tags that `context` gives one by one have all of their names, and so has their
    /// list.
    fn given_request_tags(
        &mut self,
        own: Vec<ContextEntry>,
        stems: &[String],
        lists: &[String],
    ) -> Result<(), RequestError> {
        let (tags, given): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|entry| entry.key.folded().contains('/'));
        one_value_a_tag(&tags)?;
        self.given_tags(stems, tags);
        if let Some(other) = given.iter().find(|entry| entry.value != given[0].value) {
            return Err(conflict(other.key.spelling(), "and another list of the tags differ"));
        }
        let keys = self.keys_of_given_tags(given.first(), stems)?;
        for name in lists {
            self.set_some(name, keys.clone());
        }
        Ok(())
    }

    /// E-21, E-23: the keys of the tags that `context` gives, unless it gives their list too, which
    /// then has them all. In partial context there may be more tags, of which nobody says anything
    /// (E-121).
    fn keys_of_given_tags(
        &mut self,
        given: Option<&ContextEntry>,
        stems: &[String],
    ) -> Result<Option<ContextValue>, RequestError> {
        const KEY: &str = "aws:TagKeys";
        let mut names: Vec<String> = Vec::new();
        for (stem, name) in std::mem::take(&mut self.given.tag_names) {
            let is_own = stems.iter().any(|own| own.eq_ignore_ascii_case(&stem));
            if is_own && !names.contains(&name) {
                names.push(name);
            }
        }
        let given = given.map(|entry| &entry.value);
        if let Some(ContextValue::List(keys)) = given
            && names.iter().any(|name| !keys.iter().any(|key| key.eq_ignore_ascii_case(name)))
        {
            return Err(conflict(KEY, "lacks the key of a tag that the context gives"));
        }
        let is_known = self.gaps.is_none() || self.is_told(KEY);
        let derived = (is_known && !names.is_empty()).then(|| list(names));
        Ok(given.cloned().or(derived))
    }

    /// E-22. The last service of a chain is known when the earlier ones are not logged, so the
    /// keys are derived from the field and may be under `unknown` (E-122).
    fn call_chain(&mut self) -> Result<(), RequestError> {
        let field = self.request.via.as_ref().filter(|via| !via.is_empty());
        // E-23: a field that says that there was no service contradicts every other chain.
        for key in &CALL_CHAIN_KEYS[1..] {
            if self.request.via.is_some() && field.is_none() && self.given.get(key).is_some() {
                self.overrides(key)?;
            }
        }
        let chain = self.stated("aws:CalledVia", field.map(list))?;
        let (first, last) = match &chain {
            Some(ContextValue::List(services)) => (services.first(), services.last()),
            _ => (None, None),
        };
        let (first, last) = (first.cloned().map(single), last.cloned().map(single));
        let first = self.stated("aws:CalledViaFirst", first)?;
        let last = self.stated("aws:CalledViaLast", last)?;
        let is_via = [&chain, &first, &last].iter().any(|value| value.is_some());
        let stated = self.request.via.is_some() || is_via;
        let via = self.stated("aws:ViaAWSService", stated.then(|| boolean(is_via)))?;
        let is_open = self.leave_if(self.request.via.is_none(), &CALL_CHAIN_KEYS);
        let is_known = !is_open || self.is_told("aws:ViaAWSService");
        let via = via.or_else(|| is_known.then(|| boolean(false)));
        for (key, value) in CALL_CHAIN_KEYS.into_iter().zip([via, chain, first, last]) {
            self.set_some(key, value);
        }
        Ok(())
    }

    /// E-23, E-24: derived keys cannot be forged; all others are taken as given. Keys that rules
    /// of a service add stand over both.
    fn other_keys(&mut self) -> Result<(), RequestError> {
        let derived = self.take_given(is_derived);
        self.agree(derived)?;
        for ContextEntry { key, value } in std::mem::take(&mut self.given.entries) {
            self.context.set(key, value);
        }
        for (key, value) in &self.check.service_keys {
            self.set(key, value.clone());
        }
        Ok(())
    }

    /// Takes given entries out, by their folded names.
    fn take_given(&mut self, is_wanted: impl Fn(&str) -> bool) -> Vec<ContextEntry> {
        let all = std::mem::take(&mut self.given.entries).into_iter();
        let (wanted, rest) = all.partition(|entry| is_wanted(entry.key.folded()));
        self.given.entries = rest;
        wanted
    }

    /// Given entries must be as the derived ones; one that equals nothing is not (L-606). What
    /// partial context leaves underived, the request may carry (E-121).
    fn agree(&mut self, given: Vec<ContextEntry>) -> Result<(), RequestError> {
        for ContextEntry { key, value } in given {
            let derived = self.context.get(key.folded()).map(|entry| &entry.value);
            let open = |gaps: &Gaps| derived.is_none() && gaps.is_underived(key.folded());
            let is_open = self.gaps.as_ref().is_some_and(open);
            if derived != Some(&value) || value == ContextValue::Colliding {
                if !is_open {
                    self.overrides(key.spelling())?;
                }
                self.context.set(key, value);
            }
        }
        Ok(())
    }

    /// E-122: a key under `absent` is neither carried nor derived.
    fn known_absent(&self) -> Result<(), RequestError> {
        let present =
            |name: &&std::borrow::Cow<'_, str>| self.context.get(&fold_key(name)).is_some();
        match self.request.absent.iter().find(present) {
            Some(name) => Err(conflict(name, "is under `absent`, but the request has it")),
            None => Ok(()),
        }
    }
}

/// E-23: a user of whose session nothing is said may have its MFA state in `context`; it is taken
/// as `session.mfa`.
pub(crate) fn take_stated_mfa(
    caller: &Caller<'_>,
    given: &mut Given,
) -> Result<Option<bool>, RequestError> {
    const KEY: &str = "aws:MultiFactorAuthPresent";
    if caller.kind != Kind::User || caller.states_session {
        return Ok(None);
    }
    match given.take(KEY) {
        None => Ok(None),
        Some(ContextValue::Single(text)) if parse_bool(&text).is_some() => Ok(parse_bool(&text)),
        Some(_) => {
            let message = format!("context key `{KEY}` is neither `true` nor `false`");
            Err(RequestError::new(RequestErrorKind::InvalidField, message))
        }
    }
}
