//! IAM (E-7, E-74, E-95 – E-97).

use assize_catalog::AccessLevel;
use assize_model::{ArnParts, PrincipalKind, ReasonCode};

use crate::evaluate::check::Check;
use crate::evaluate::{Case, World};

/// E-7: actions on the credentials of a user, which the root user takes on its own.
const ROOT_CREDENTIAL_ACTIONS: [&str; 18] = [
    "createaccesskey",
    "createloginprofile",
    "deactivatemfadevice",
    "deleteaccesskey",
    "deleteloginprofile",
    "deletesigningcertificate",
    "deletevirtualmfadevice",
    "enablemfadevice",
    "getaccesskeylastused",
    "getloginprofile",
    "getuser",
    "listaccesskeys",
    "listmfadevices",
    "listsigningcertificates",
    "resyncmfadevice",
    "updateaccesskey",
    "updatesigningcertificate",
    "uploadsigningcertificate",
];

/// E-7: an action on credentials, of a root user's.
pub(crate) fn is_about_root_user(check: &Check<'_>) -> bool {
    let is_root = ArnParts::split(&check.resource)
        .is_some_and(|parts| parts.service == "iam" && parts.resource == "root");
    is_root && check.action.is("iam", &ROOT_CREDENTIAL_ACTIONS)
}

/// E-7: the root user, or a session of it, stands for a user where the credentials are its own.
pub(super) fn has_own_credentials(case: &Case<'_>) -> bool {
    let (caller, check) = (case.caller, case.check);
    let is_root = matches!(caller.kind, PrincipalKind::Root | PrincipalKind::AssumedRoot);
    is_root && caller.account == check.account && is_about_root_user(check)
}

/// E-74: actions that nobody may take on policies that AWS owns.
const POLICY_CHANGES: [&str; 7] = [
    "createpolicy",
    "createpolicyversion",
    "deletepolicy",
    "deletepolicyversion",
    "setdefaultpolicyversion",
    "tagpolicy",
    "untagpolicy",
];

/// E-74: actions that nobody may take on service-linked roles.
const SERVICE_LINKED_ROLE_CHANGES: [&str; 8] = [
    "attachrolepolicy",
    "deleterole",
    "deleterolepermissionsboundary",
    "deleterolepolicy",
    "detachrolepolicy",
    "putrolepermissionsboundary",
    "putrolepolicy",
    "updateassumerolepolicy",
];

/// E-74.
pub(super) fn unmodifiable(case: &Case<'_>) -> Option<ReasonCode> {
    let action = &case.check.action;
    let parts = ArnParts::split(&case.check.resource).filter(|parts| parts.service == "iam")?;
    let refused = if parts.account == "aws" && parts.resource.starts_with("policy/") {
        action.is("iam", &POLICY_CHANGES)
    } else if parts.resource.starts_with("role/aws-service-role/") {
        action.is("iam", &SERVICE_LINKED_ROLE_CHANGES)
    } else if parts.resource.starts_with("role/aws-reserved/") {
        action.service == "iam" && !reads(case)
    } else {
        false
    };
    refused.then_some(ReasonCode::Unmodifiable)
}

/// Whether the catalog's level of the action is Read or List.
fn reads(case: &Case<'_>) -> bool {
    let level = case.check.action.id.map(|id| case.world.catalog.action_ref(id).access_level());
    matches!(level, Some(AccessLevel::Read | AccessLevel::List))
}

/// E-96: a role of another account cannot be passed.
pub(super) fn cross_account_pass_role(case: &Case<'_>) -> Option<ReasonCode> {
    let crosses =
        case.check.action.is("iam", &["passrole"]) && case.caller.account != case.check.account;
    crosses.then_some(ReasonCode::CrossAccountPassRole)
}

/// The key of E-97.
pub(crate) const BOUNDARY: &str = "iam:PermissionsBoundary";

/// E-97: writes of which the request itself names the boundary.
const NAMES_BOUNDARY: [&str; 4] =
    ["createrole", "createuser", "putrolepermissionsboundary", "putuserpermissionsboundary"];

/// E-97: the boundary of the user or role that a write of IAM is about, if it has one; none if
/// that is not asked, or the snapshot does not hold the target.
pub(crate) fn target_boundary<'a>(
    world: &World<'a>,
    check: &Check<'_>,
) -> Option<&'a Option<std::sync::Arc<str>>> {
    let action = world.catalog.action_ref(check.action.id?);
    let is_asked = action.condition_keys().any(|key| key.name() == BOUNDARY);
    if !is_asked || check.action.is("iam", &NAMES_BOUNDARY) {
        return None;
    }
    let account = world.snapshot.account(ArnParts::split(&check.resource)?.account_id()?)?;
    let users = account.users.values().map(|user| (&user.arn, &user.boundary));
    let roles = account.roles.values().map(|role| (&role.arn, &role.boundary));
    users.chain(roles).find(|(arn, _)| ***arn == *check.resource).map(|(_, boundary)| boundary)
}
