//! Context keys that follow from who asks (E-15 – E-17, A-52) or from an account (E-20).

use assize_catalog::Catalog;
use assize_model::{
    AccountId, ArnParts, ConditionKey, ContextValue, Delivery, PrincipalKind, Request,
    RequestError, RequestErrorKind, Session, Source, StatedPrincipal, fold_key, is_claim,
    is_session_claim,
};
use assize_store::{StoreSnapshot, Tag};

use super::context::normalize;
use super::gaps::{Gap, GapSet};
use super::key::{KeyFacts, KeyRule};
use super::principal::Who;
use super::time;

/// The field of a principal that holds the claims of its identity provider.
const CLAIMS: &str = "/principal/session/claims";

/// E-17: when credentials were issued whose time nobody states: before every time by which a
/// policy revokes sessions.
pub(super) const OLDEST_ISSUE_TIME: i64 = 0;

/// Derived keys, sorted by folded name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Derived {
    entries: Vec<(ConditionKey, ContextValue)>,
}

impl Derived {
    /// The value of a key, by its folded name.
    pub(crate) fn get(&self, folded: &str) -> Option<&ContextValue> {
        let at = self.entries.binary_search_by(|(key, _)| key.folded().cmp(folded)).ok()?;
        Some(&self.entries[at].1)
    }

    /// The keys in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(ConditionKey, ContextValue)> {
        self.entries.iter()
    }

    /// The same with another value for a key, or without it.
    pub(super) fn with(&self, key: ConditionKey, value: Option<ContextValue>) -> Self {
        let others = self.entries.iter().filter(|(other, _)| *other != key).cloned();
        let mut entries: Vec<_> = others.collect();
        entries.extend(value.map(|value| (key, value)));
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self { entries }
    }

    fn single(&mut self, key: &str, value: impl Into<Box<str>>) {
        self.entries.push((ConditionKey::new(key), ContextValue::Single(value.into())));
    }

    fn list(&mut self, key: &str, values: Vec<Box<str>>) {
        self.entries.push((ConditionKey::new(key), ContextValue::List(values)));
    }

    fn optional(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.single(key, value);
        }
    }

    /// `…OrgID` and `…OrgPaths` of the organization an account is in.
    fn organization(&mut self, snapshot: &StoreSnapshot, account: AccountId, prefix: &str) {
        if let Some(path) = snapshot.path(account) {
            self.single(&format!("{prefix}OrgID"), path.organization.clone());
            self.list(&format!("{prefix}OrgPaths"), vec![path.org_path.as_str().into()]);
        }
    }

    /// Sorts; entries of one folded name become one colliding entry (L-606).
    fn finish(mut self) -> Self {
        self.entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.entries.dedup_by(|(later, _), (earlier, value)| {
            let same = later == earlier;
            if same {
                *value = ContextValue::Colliding;
            }
            same
        });
        self
    }
}

/// The keys of E-15, E-16 and E-17, MFA apart; tags only if they are known (E-121).
///
/// # Errors
/// When a claim is none, or has not the shape of its key.
pub(super) fn principal_keys(
    (snapshot, catalog): (&StoreSnapshot, &Catalog),
    stated: &StatedPrincipal<'_>,
    who: &Who<'_>,
    request: &Request<'_>,
    (gaps, is_temporary): (GapSet, bool),
) -> Result<Derived, RequestError> {
    let mut keys = Derived::default();
    type_keys(&mut keys, who);
    if let Some(account) = who.account {
        keys.organization(snapshot, account, "aws:Principal");
    }
    // No key stands for a tag without a name (L-710).
    let is_told = |tag: &&Tag| !gaps.has(Gap::PrincipalTags) && !tag.key.is_empty();
    for tag in effective_tags(stated, who).iter().filter(is_told) {
        keys.single(&format!("aws:PrincipalTag/{}", tag.key), tag.value.clone());
    }
    if who.kind == PrincipalKind::Service {
        service_keys(&mut keys, snapshot, who, request);
    }
    // A web identity names its provider in the call itself.
    if let (PrincipalKind::Federated, Some(provider)) = (who.kind, who.provider.as_deref())
        && !provider.contains(":saml-provider/")
    {
        keys.single("aws:FederatedProvider", provider);
    }
    if is_temporary && !gaps.has(Gap::TokenIssueTime) {
        let issued = stated.session.as_ref().and_then(|session| session.issued_at);
        let issued = issued.unwrap_or(OLDEST_ISSUE_TIME);
        keys.single("aws:TokenIssueTime", time::iso8601(issued));
    }
    if let Some(session) = &stated.session {
        session_keys(&mut keys, catalog, who.kind, session)?;
    }
    Ok(keys.finish())
}

/// The table of E-15.
fn type_keys(keys: &mut Derived, who: &Who<'_>) {
    let account = who.account.map(|account| account.as_str().to_owned()).unwrap_or_default();
    let session = who.session_name.as_deref().unwrap_or_default();
    let (arn, principal_type, user_id) = match who.kind {
        PrincipalKind::User => (who.arn.clone(), "User", who.unique_id.clone()),
        PrincipalKind::RoleSession => {
            let id = who.unique_id.as_ref().map(|id| format!("{id}:{session}").into());
            (who.entity_arn.clone(), "AssumedRole", id)
        }
        PrincipalKind::FederatedUser | PrincipalKind::FederatedRoot => {
            (who.arn.clone(), "FederatedUser", Some(format!("{account}:{session}").into()))
        }
        PrincipalKind::Root | PrincipalKind::AssumedRoot => {
            (who.arn.clone(), "Account", Some(account.as_str().into()))
        }
        PrincipalKind::Anonymous => {
            keys.single("aws:PrincipalAccount", "anonymous");
            keys.single("aws:PrincipalType", "Anonymous");
            keys.single("aws:userid", "anonymous");
            return;
        }
        PrincipalKind::Service => {
            keys.single("aws:PrincipalIsAWSService", "true");
            return;
        }
        PrincipalKind::Federated | PrincipalKind::Oai => return,
    };
    keys.optional("aws:PrincipalArn", arn.as_deref());
    keys.single("aws:PrincipalAccount", account);
    keys.single("aws:PrincipalType", principal_type);
    keys.optional("aws:userid", user_id.as_deref());
    keys.optional("aws:username", who.user_name.as_deref());
    keys.single("aws:PrincipalIsAWSService", "false");
    if who.kind == PrincipalKind::AssumedRoot {
        keys.single("aws:AssumedRoot", "true");
    }
}

/// E-16.
fn service_keys(
    keys: &mut Derived,
    snapshot: &StoreSnapshot,
    who: &Who<'_>,
    request: &Request<'_>,
) {
    keys.optional("aws:PrincipalServiceName", who.service_name.as_deref());
    keys.list("aws:PrincipalServiceNamesList", who.service_names.clone());
    let Some(source) = &request.source else { return };
    keys.optional("aws:SourceArn", source.arn.as_deref());
    if let Some(account) = account_of_source(source) {
        keys.single("aws:SourceAccount", account.as_str());
        keys.organization(snapshot, account, "aws:Source");
    }
}

/// E-16: the account that a service calls for.
pub(super) fn account_of_source(source: &Source<'_>) -> Option<AccountId> {
    let in_arn = || ArnParts::split(source.arn.as_deref()?)?.account_id();
    source.account.or_else(in_arn)
}

/// E-17, MFA and the issue time apart.
fn session_keys(
    keys: &mut Derived,
    catalog: &Catalog,
    kind: PrincipalKind,
    session: &Session<'_>,
) -> Result<(), RequestError> {
    if kind == PrincipalKind::Federated || kind == PrincipalKind::RoleSession {
        claim_keys(keys, catalog, kind, session)?;
    }
    if kind != PrincipalKind::RoleSession {
        return Ok(());
    }
    keys.optional("aws:SourceIdentity", session.source_identity.as_deref());
    keys.optional("aws:FederatedProvider", session.federated_provider.as_deref());
    match &session.delivery {
        Some(Delivery::Ec2 { instance_arn, role_delivery, vpc, private_ip }) => {
            keys.optional("ec2:SourceInstanceArn", instance_arn.as_deref());
            keys.optional("ec2:RoleDelivery", role_delivery.as_deref());
            keys.optional("aws:Ec2InstanceSourceVpc", vpc.as_deref());
            keys.optional("aws:Ec2InstanceSourcePrivateIPv4", private_ip.as_deref());
        }
        Some(Delivery::Lambda { function_arn }) => {
            keys.optional("lambda:SourceFunctionArn", function_arn.as_deref());
        }
        Some(Delivery::Glue { role_assumed_by, credential_issuing_service }) => {
            keys.optional("glue:RoleAssumedBy", role_assumed_by.as_deref());
            keys.optional("glue:CredentialIssuingService", credential_issuing_service.as_deref());
        }
        Some(Delivery::Ssm { instance_arn }) => {
            keys.optional("ssm:SourceInstanceArn", instance_arn.as_deref());
        }
        _ => {}
    }
    Ok(())
}

/// The keys of the identity provider: all in the federation call itself, a few in the session.
/// They have the shapes of their keys as all of the context (L-609); under another name than a
/// provider's a claim would be a forged key (E-23).
fn claim_keys(
    keys: &mut Derived,
    catalog: &Catalog,
    kind: PrincipalKind,
    session: &Session<'_>,
) -> Result<(), RequestError> {
    for (name, input) in session.claims.iter().flatten() {
        let folded = fold_key(name);
        let pointer = || format!("{CLAIMS}/{}", name.replace('~', "~0").replace('/', "~1"));
        if !is_claim(&folded) {
            let message = format!("`{name}` is no claim: it does not name an identity provider");
            return Err(RequestError::new(RequestErrorKind::InvalidField, message).at(pointer()));
        }
        if KeyRule::of(&folded) == KeyRule::Never {
            continue;
        }
        let shape = KeyFacts::declared_shape(catalog, name);
        let value = normalize(shape, name, input).map_err(|error| error.at(pointer()))?;
        let is_kept = kind != PrincipalKind::RoleSession || is_session_claim(&folded);
        if let Some(value) = value.filter(|_| is_kept) {
            keys.entries.push((ConditionKey::new(name), value.to_value()));
        }
    }
    Ok(())
}

/// The tags of a principal: those of the entity, those passed to the session, inherited
/// transitive ones; later wins, keys without regard to case. Two of one kind collide (L-606).
pub(super) fn effective_tags(stated: &StatedPrincipal<'_>, who: &Who<'_>) -> Vec<Tag> {
    let mut tags: Vec<Tag> = match &stated.inline {
        Some(inline) => inline.tags.iter().map(owned_tag).collect(),
        None => who.stored_tags.to_vec(),
    };
    let session = stated.session.as_ref();
    let passed = session.and_then(|s| s.tags.as_ref());
    let inherited = session.and_then(|s| s.inherited_tags.as_ref());
    for later in [passed, inherited].into_iter().flatten() {
        let is_replaced =
            |tag: &Tag| later.iter().any(|(key, _)| key.eq_ignore_ascii_case(&tag.key));
        tags.retain(|tag| !is_replaced(tag));
        tags.extend(later.iter().map(owned_tag));
    }
    tags
}

pub(super) fn owned_tag<K: AsRef<str>, V: AsRef<str>>((key, value): &(K, V)) -> Tag {
    Tag { key: key.as_ref().into(), value: value.as_ref().into() }
}

/// The tags that a role session hands on when it assumes another role (E-91): inherited ones and
/// those it was given as transitive.
pub(super) fn transitive_tags(session: Option<&Session<'_>>) -> Vec<Tag> {
    let Some(session) = session else { return Vec::new() };
    let keys = session.transitive_tag_keys.as_deref().unwrap_or_default();
    let is_transitive = |tag: &Tag| keys.iter().any(|key| key.eq_ignore_ascii_case(&tag.key));
    let mut tags: Vec<Tag> =
        session.tags.iter().flatten().map(owned_tag).filter(is_transitive).collect();
    for tag in session.inherited_tags.iter().flatten().map(owned_tag) {
        tags.retain(|earlier| !earlier.key.eq_ignore_ascii_case(&tag.key));
        tags.push(tag);
    }
    tags
}
