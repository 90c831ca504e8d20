//! AWS Organizations: what accounts that do not manage an organization may do in it (E-99).

use assize_catalog::AccessLevel;
use assize_model::ArnParts;

use crate::evaluate::Case;

/// What a call of AWS Organizations needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// What the owner of the resource says, as anywhere.
    Usual,
    /// No more than the caller's own policies, though the resource is of another account.
    Own,
    /// The delegation policy, though the call names no resource of another account.
    Delegated,
}

/// What any account may call, about itself or before it is in an organization.
const OF_ANY_ACCOUNT: [&str; 4] =
    ["createorganization", "describeorganization", "leaveorganization", "listhandshakesforaccount"];
/// What the account calls that received an invitation, whoever sent it.
const OF_INVITED: [&str; 3] = ["accepthandshake", "declinehandshake", "describehandshake"];

/// E-99: what a call needs. Delegated administrators of whatever service read.
pub(crate) fn right(case: &Case<'_>) -> Right {
    let (check, snapshot) = (case.check, case.world.snapshot);
    let is_one_of = |names: &[&str]| names.contains(&&*check.action.name);
    let Some(own) = case.caller.account else { return Right::Usual };
    if check.action.service == "account" {
        return right_to_accounts(case);
    }
    if check.action.service != "organizations" {
        return Right::Usual;
    }
    let account_id = || check.resource.rsplit('/').next().unwrap_or_default();
    let is_of_itself = is_one_of(&["describeeffectivepolicy"]) && account_id() == own.as_str();
    if is_one_of(&OF_INVITED) || is_of_itself {
        return Right::Own;
    }
    let Some(organization) = snapshot.organization_of(own) else { return Right::Usual };
    let management = organization.management_account;
    let names_none = names_none(&check.resource);
    let is_about_it = names_none || check.account == Some(management);
    if own == management || !is_about_it || names_none && is_one_of(&OF_ANY_ACCOUNT) {
        return Right::Usual;
    }
    let level = check.action.id.map(|id| case.world.catalog.action_ref(id).access_level());
    let reads = matches!(level, Some(AccessLevel::Read | AccessLevel::List));
    let mut administrators = organization.delegated_administrators.values().flatten();
    match (reads && administrators.any(|account| *account == own), names_none) {
        (true, _) => Right::Own,
        (false, true) => Right::Delegated,
        (false, false) => Right::Usual,
    }
}

/// Who administers the accounts of an organization does so in all of them.
fn right_to_accounts(case: &Case<'_>) -> Right {
    let own = case.caller.account;
    let organization = own.and_then(|own| case.world.snapshot.organization_of(own));
    let administers = organization.is_some_and(|organization| {
        let accounts = organization.delegated_administrators.get("account.amazonaws.com");
        case.check.account == Some(organization.management_account)
            && accounts.is_some_and(|accounts| accounts.iter().any(|account| own == Some(*account)))
    });
    if administers { Right::Own } else { Right::Usual }
}

/// Whether an ARN is that of a policy of AWS, which every organization has.
pub(crate) fn is_policy_of_aws(arn: &str) -> bool {
    ArnParts::split(arn).is_some_and(|parts| {
        (parts.service, parts.account) == ("organizations", "aws")
            && parts.resource.starts_with("policy/")
    })
}

/// The organization whose delegation policy is asked about a call that names no resource of an
/// account.
pub(crate) fn asked(case: &Case<'_>) -> Option<String> {
    let check = case.check;
    let asks = check.action.service == "organizations"
        && !OF_ANY_ACCOUNT.contains(&&*check.action.name)
        && !OF_INVITED.contains(&&*check.action.name)
        && names_none(&check.resource);
    let organization =
        case.world.snapshot.organization_of(case.caller.account.filter(|_| asks)?)?;
    let partition = case.caller.partition.as_deref()?;
    let (management, id) = (organization.management_account, &organization.id);
    Some(format!("arn:{partition}:organizations::{management}:organization/{id}"))
}

/// Whether a resource is none of an account: also a policy of AWS, which every organization has.
fn names_none(resource: &str) -> bool {
    resource == "*" || is_policy_of_aws(resource)
}
