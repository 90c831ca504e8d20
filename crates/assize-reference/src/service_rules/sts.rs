//! STS and role trust (E-70 – E-73, E-88 – E-94).

use assize_catalog::managed::ROOT_TASK_POLICY_ARNS;
use assize_catalog::{ActionReference, Catalog};
use assize_model::{ActionId, ArnParts, ContextValue, PrincipalKind as Kind, ReasonCode, fold_key};

use crate::condition::value::parse_bool;
use crate::evaluate::check::Check;
use crate::evaluate::knowledge::State;
use crate::evaluate::{Case, Side};

/// The calls that assume a role (E-90, E-92).
pub(crate) const ASSUME_ROLE: [&str; 3] =
    ["assumerole", "assumerolewithsaml", "assumerolewithwebidentity"];

/// The actions that one AssumeRole call may check (E-17, E-90).
pub(crate) const OF_ASSUME_ROLE_CALL: [&str; 4] =
    ["assumerole", "setcontext", "setsourceidentity", "tagsession"];

/// E-88: an action that the trust policy of a role is asked about, on a role.
pub(crate) fn assumes_role(check: &Check<'_>) -> bool {
    let is_role = ArnParts::split(&check.resource)
        .is_some_and(|parts| parts.service == "iam" && parts.resource.starts_with("role/"));
    let is_call = |names| check.action.is("sts", names);
    is_role && (is_call(&ASSUME_ROLE) || is_call(&OF_ASSUME_ROLE_CALL))
}

/// E-90, E-91: the actions whose keys a check has: its own, and for one of a call that assumes a
/// role those of all its checks, which share them.
pub(crate) fn of_one_call(catalog: &Catalog, action: ActionId) -> Vec<ActionReference<'_>> {
    let names = ASSUME_ROLE.iter().chain(&OF_ASSUME_ROLE_CALL);
    let of_call: Vec<_> = names.filter_map(|name| catalog.action("sts", name)).collect();
    let own = if of_call.contains(&action) { of_call } else { vec![action] };
    own.into_iter().map(|id| catalog.action_ref(id)).collect()
}

/// E-94.
pub(crate) fn is_assume_root(check: &Check<'_>) -> bool {
    check.action.is("sts", &["assumeroot"])
}

/// E-70: GetCallerIdentity by everyone who is authenticated.
pub(super) fn is_caller_identity(case: &Case<'_>) -> bool {
    case.check.action.is("sts", &["getcalleridentity"])
        && !matches!(case.caller.kind, Kind::Anonymous | Kind::Federated | Kind::Oai)
}

/// E-71: GetSessionToken with long-term credentials.
pub(super) fn is_session_token(case: &Case<'_>) -> bool {
    case.check.action.is("sts", &["getsessiontoken"])
        && matches!(case.caller.kind, Kind::User | Kind::Root)
        && !case.caller.is_temporary()
}

/// E-71: GetSessionToken and GetFederationToken with temporary credentials.
pub(super) fn temporary_credentials(case: &Case<'_>) -> Option<ReasonCode> {
    let refused = case.check.action.is("sts", &["getsessiontoken", "getfederationtoken"])
        && case.caller.is_temporary();
    refused.then_some(ReasonCode::TemporaryCredentials)
}

/// The key that E-72 looks at.
pub(super) const MFA_PRESENT: &str = "aws:MultiFactorAuthPresent";

/// E-72: what sessions of GetSessionToken and GetFederationToken may not call.
pub(super) fn session_kind(case: &Case<'_>) -> Option<ReasonCode> {
    let (caller, action) = (case.caller, &case.check.action);
    let is_console = caller.session.console == Some(true);
    let refused = match caller.kind {
        Kind::User | Kind::Root if caller.is_temporary() && !is_console => {
            // E-126: a refusal that looks at an unknown key.
            let has_mfa = match case.known.state(&fold_key(MFA_PRESENT)) {
                State::Unknown => case.side == Side::Best,
                State::Present(ContextValue::Single(text)) => parse_bool(text) == Some(true),
                State::Present(_) | State::Absent => false,
            };
            let exempt = ["assumerole", "getcalleridentity", "setsourceidentity", "tagsession"];
            action.service == "iam" && !has_mfa
                || action.service == "sts" && !action.is("sts", &exempt)
        }
        Kind::FederatedUser | Kind::FederatedRoot => {
            action.service == "iam" && !is_console
                || action.service == "sts" && !action.is("sts", &["getcalleridentity"])
        }
        _ => false,
    };
    refused.then_some(ReasonCode::SessionKind)
}

/// E-73, E-92: who assumes a role in which way. Anonymous callers, origin access identities and
/// those whom a provider vouches for have no credentials to sign the call with; only the last
/// present an assertion or a token.
pub(super) fn principal_kind(case: &Case<'_>) -> Option<ReasonCode> {
    let kinds: &[Kind] = match &*case.check.action.name {
        "assumerole" => &[Kind::User, Kind::RoleSession, Kind::Service],
        _ => &[Kind::Federated],
    };
    let refused = case.check.action.is("sts", &ASSUME_ROLE) && !kinds.contains(&case.caller.kind);
    refused.then_some(ReasonCode::PrincipalKind)
}

/// The service that administers root access in member accounts (E-94).
const ROOT_ACCESS_ADMINISTRATOR: &str = "iam.amazonaws.com";

/// The key that E-94 looks at.
pub(super) const TASK_POLICY_ARN: &str = "sts:TaskPolicyArn";

/// E-94: the conditions of AssumeRoot.
pub(super) fn assume_root(case: &Case<'_>) -> Option<ReasonCode> {
    let met = may_assume_root(case).unwrap_or(false);
    (is_assume_root(case.check) && !met).then_some(ReasonCode::AssumeRoot)
}

/// None: the caller is in no organization, or the resource is no root user.
fn may_assume_root(case: &Case<'_>) -> Option<bool> {
    let (caller, snapshot) = (case.caller, case.world.snapshot);
    let own = caller.account?;
    let organization = snapshot.organization_of(own)?;
    let administrators = organization.delegated_administrators.get(ROOT_ACCESS_ADMINISTRATOR);
    let administers = organization.management_account == own
        || administrators.is_some_and(|accounts| accounts.contains(&own));
    let target = ArnParts::split(&case.check.resource)
        .filter(|parts| parts.service == "iam" && parts.resource == "root")?;
    let member = target.account_id()?;
    let is_member = snapshot.organization_of(member).is_some_and(|of| of.id == organization.id)
        && organization.management_account != member;
    let has_task = match case.known.state(&fold_key(TASK_POLICY_ARN)) {
        State::Present(ContextValue::Single(arn)) => ROOT_TASK_POLICY_ARNS.contains(&&**arn),
        State::Present(_) | State::Absent => false,
        State::Unknown => case.side == Side::Best,
    };
    let kind = matches!(caller.kind, Kind::User | Kind::RoleSession);
    Some(kind && administers && is_member && has_task)
}
