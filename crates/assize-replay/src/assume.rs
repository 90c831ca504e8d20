//! What the world lacks is taken as the log shows it (C-29).

use std::borrow::Cow;

use assize::Decider;
use assize_catalog::managed::ROOT_TASK_POLICY_ARNS;
use assize_model::{
    AccountId, ArnParts, Check, CheckDecision, Layer, PolicyText, Principal, PrincipalForm,
    PrincipalKind, Request, ResourceData, ResourceInput, StatedPrincipal, Target, Verdict,
};
use assize_store::{StoreSnapshot, parent};

/// Something taken as the log shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Assumption {
    /// The caller's account is not in the world: its own side allows.
    Identity,
    /// The resource has no record: it belongs to the account the event names, and its own side
    /// allows.
    Resource,
    /// The world has no organization: every account stands under one root with full access.
    Organization,
    /// The VPC endpoint is not in the world: it has no policy.
    Endpoint,
    /// The log does not hold how the session was made: of a kind that can do nothing without a
    /// session policy, it has one that allows (E-38).
    Session,
}

impl Assumption {
    /// All assumptions.
    pub const ALL: [Self; 5] =
        [Self::Identity, Self::Resource, Self::Organization, Self::Endpoint, Self::Session];

    /// The word of the wire format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity_assumed",
            Self::Resource => "resource_assumed",
            Self::Organization => "organization_assumed",
            Self::Endpoint => "endpoint_assumed",
            Self::Session => "session_assumed",
        }
    }

    /// What is assumed, for people.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Identity => {
                "accounts that the world lacks let their own callers do what the log shows"
            }
            Self::Resource => "resources without a record let the log's callers in",
            Self::Organization => "every account stands under one root with full access",
            Self::Endpoint => "VPC endpoints that the world lacks have no policies",
            Self::Session => {
                "sessions that need a session policy and whose making is not in the log have one \
                 that allows"
            }
        }
    }
}

/// Who a principal is, as far as assumptions go.
pub(crate) struct Caller<'a> {
    pub(crate) kind: PrincipalKind,
    pub(crate) account: Option<AccountId>,
    /// The user or role behind it: an entity ARN, the name of a service, `anonymous` (F-74).
    pub(crate) entity: Cow<'a, str>,
}

/// The caller of a request that was made of a record.
pub(crate) fn caller<'r>(request: &'r Request<'_>) -> Caller<'r> {
    let Principal::Stated(stated) = &request.principal else {
        let (kind, entity) = (PrincipalKind::Anonymous, Cow::Borrowed("anonymous"));
        return Caller { kind, account: None, entity };
    };
    let named = stated.role.as_deref().or(stated.user.as_deref()).or(stated.arn.as_deref());
    let account = stated.account.or_else(|| ArnParts::split(named?)?.account_id());
    let entity = match stated.kind {
        PrincipalKind::Root | PrincipalKind::FederatedRoot | PrincipalKind::AssumedRoot => {
            let account = account.map(|id| id.to_string()).unwrap_or_default();
            Cow::Owned(format!("arn:aws:iam::{account}:root"))
        }
        PrincipalKind::RoleSession => role_arn(stated),
        PrincipalKind::Service => Cow::Borrowed(stated.service.as_deref().unwrap_or_default()),
        PrincipalKind::Federated => Cow::Borrowed(stated.provider.as_deref().unwrap_or_default()),
        _ => Cow::Borrowed(named.unwrap_or_default()),
    };
    Caller { kind: stated.kind, account: account.filter(|_| stated.kind.has_account()), entity }
}

/// The ARN of the role of a session; the session's own has no path.
fn role_arn<'r>(stated: &'r StatedPrincipal<'_>) -> Cow<'r, str> {
    if let Some(role) = &stated.role {
        return Cow::Borrowed(role);
    }
    let arn = stated.arn.as_deref().unwrap_or_default();
    match PrincipalForm::parse(arn) {
        Ok(PrincipalForm::AssumedRole { partition, account, role_name, .. }) => {
            Cow::Owned(format!("arn:{partition}:iam::{account}:role/{role_name}"))
        }
        _ => Cow::Borrowed(arn),
    }
}

/// Puts into a request what is assumed of its resources; gives whether anything is.
pub(crate) fn assume_resources(
    request: &mut Request<'_>,
    recipient: Option<AccountId>,
    world: &StoreSnapshot,
) -> bool {
    let grants = Grants::new(request);
    let mut any = false;
    match &mut request.target {
        Target::Action { action, resources, .. } => {
            for ResourceInput { arn, data, .. } in resources {
                any |= grants.put(action, arn, data, recipient, world);
            }
        }
        Target::Checks(checks) => {
            for Check { action, resource, data, .. } in checks {
                if let Some(arn) = resource {
                    any |= grants.put(action, arn, data, recipient, world);
                }
            }
        }
    }
    any
}

/// A session policy that takes nothing away.
const OPEN_POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Puts into a request what is assumed of its session; gives whether anything is. Federated users
/// and sessions of AssumeRoot can do nothing without a session policy (E-38), so where the log does
/// not say which they have, they have one that allows: it hangs on the request and the world alone,
/// so that requests that are alike stay so. Sessions of accounts that the world lacks need none
/// (F-48).
pub(crate) fn assume_session(
    request: &mut Request<'_>,
    world: &StoreSnapshot,
    before: &mut Decider<'_>,
) -> bool {
    use PrincipalKind::{AssumedRoot, FederatedRoot, FederatedUser};
    let Caller { kind, account, .. } = caller(request);
    let is_held = account.and_then(|account| world.account(account));
    if is_held.is_none_or(|account| account.external.is_some()) {
        return false;
    }
    match (kind, &mut request.principal) {
        (FederatedUser | FederatedRoot, Principal::Stated(stated)) => {
            let session = stated.session.get_or_insert_default();
            // Policies that are known to be none are known.
            let is_unknown = session.policy.is_none() && session.policy_arns.is_none();
            if is_unknown {
                session.policy = Some(PolicyText(Cow::Borrowed(OPEN_POLICY)));
            }
            is_unknown
        }
        (AssumedRoot, Principal::Stated(stated)) => {
            let session = stated.session.get_or_insert_default();
            session.task_policy_arn.is_none() && assume_task(request, before)
        }
        _ => false,
    }
}

/// Gives a session of AssumeRoot the first task policy that allows what is asked. Where none does,
/// it is denied whichever it has, and nothing is assumed.
fn assume_task(request: &mut Request<'_>, before: &mut Decider<'_>) -> bool {
    let allows = |check: &CheckDecision| {
        let mut layers = check.layers.iter();
        layers.any(|found| found.layer == Layer::Session && found.verdict == Verdict::Allow)
    };
    for task in ROOT_TASK_POLICY_ARNS {
        put_task(request, Some(task));
        match before.explain(request) {
            Ok(found) if found.checks.iter().all(allows) => return true,
            Ok(_) => {}
            // It is malformed whichever it has.
            Err(_) => break,
        }
    }
    put_task(request, None);
    false
}

fn put_task(request: &mut Request<'_>, task: Option<&'static str>) {
    if let Principal::Stated(stated) = &mut request.principal {
        stated.session.get_or_insert_default().task_policy_arn = task.map(Cow::Borrowed);
    }
}

/// The policies of resources that grant what the log shows: to the caller's account, so that the
/// caller still needs policies of its own where the world has them; to the caller itself where
/// nothing else helps (E-52).
struct Grants {
    principal: String,
}

/// The actions of a role trust policy (E-88, E-90).
const TRUST_ACTIONS: &str = r#"["sts:AssumeRole","sts:AssumeRoleWithSAML","sts:AssumeRoleWithWebIdentity","sts:TagSession","sts:SetSourceIdentity"]"#;

impl Grants {
    fn new(request: &Request<'_>) -> Self {
        let caller = caller(request);
        let quoted = |text: &str| text.replace(['"', '\\'], "");
        let principal = match (caller.kind, caller.account) {
            (PrincipalKind::Service, _) => {
                format!(r#"{{"Service":"{}"}}"#, quoted(&caller.entity))
            }
            (PrincipalKind::Federated, _) => {
                format!(r#"{{"Federated":"{}"}}"#, quoted(&caller.entity))
            }
            (PrincipalKind::FederatedRoot, Some(account)) => {
                let name = session_name(request);
                let name = quoted(name.unwrap_or_default());
                format!(r#"{{"AWS":"arn:aws:sts::{account}:federated-user/{name}"}}"#)
            }
            (_, Some(account)) => format!(r#"{{"AWS":"{account}"}}"#),
            (_, None) => r#""*""#.to_owned(),
        };
        Self { principal }
    }

    fn put(
        &self,
        action: &str,
        arn: &str,
        data: &mut Option<Box<ResourceData<'_>>>,
        recipient: Option<AccountId>,
        world: &StoreSnapshot,
    ) -> bool {
        if is_recorded(arn, world) {
            // The world knows the owner; what the event says of it would only contradict.
            *data = None;
            return false;
        }
        let data = data.get_or_insert_default();
        let has_account = ArnParts::split(arn).is_some_and(|arn| arn.account_id().is_some());
        if data.account.is_none() && !has_account {
            data.account = recipient;
        }
        let is_role = arn.contains(":role/") && action.starts_with("sts:");
        let principal = &self.principal;
        let text = if is_role {
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Assumed","Effect":"Allow","Principal":{principal},"Action":{TRUST_ACTIONS}}}]}}"#
            )
        } else {
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Assumed","Effect":"Allow","Principal":{principal},"Action":"*","Resource":"*"}}]}}"#
            )
        };
        data.policy = Some(vec![PolicyText(Cow::Owned(text))]);
        true
    }
}

fn session_name<'r>(request: &'r Request<'_>) -> Option<&'r str> {
    match &request.principal {
        Principal::Stated(stated) => stated.session.as_ref()?.name.as_deref(),
        Principal::Text(_) => None,
    }
}

/// Whether the world says who owns a resource and what its policy is.
fn is_recorded(arn: &str, world: &StoreSnapshot) -> bool {
    let declared = |arn: &str| world.resource(arn).is_some();
    declared(arn)
        || parent(arn).is_some_and(|parent| declared(&parent.arn))
        || world.role_by_arn(arn).is_some()
}
