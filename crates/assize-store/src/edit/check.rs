//! The invariants of the store, checked before a change is applied (I-12 – I-25).

use std::collections::BTreeSet;

use assize_model::{AccountId, ArnParts};

use crate::identifier::{
    MAX_NAME, MAX_TAG_KEY, MAX_TAG_VALUE, MAX_USER_NAME, is_alias, is_name, is_path,
    is_policy_name, is_tag_text, is_unique_id,
};
use crate::{
    Account, Error, ErrorKind, Group, InlinePolicy, InstanceProfile, ManagedPolicy, Resource, Role,
    Tag, User, VpcEndpoint, fold_name,
};

/// The account segment of AWS-managed policies.
pub(crate) const AWS: &str = "aws";

/// Digits of a canonical user id (I-4).
const CANONICAL_ID_CHARS: usize = 64;

pub(crate) fn refuse<T>(kind: ErrorKind, message: impl std::fmt::Display) -> Result<T, Error> {
    Err(Error::new(kind, message))
}

/// Name, path and ARN of an IAM object agree (I-1, I-12, I-13).
fn named(
    what: &str,
    account: &str,
    (name, max): (&str, usize),
    path: &str,
    arn: &str,
) -> Result<(), Error> {
    if !is_name(name, max) {
        return refuse(
            ErrorKind::Name,
            format_args!(
                "`{name}` is no name of a {what}: expected 1 to {max} of letters, digits and \
                 `+=,.@_-`"
            ),
        );
    }
    if !is_path(path) {
        return refuse(
            ErrorKind::Path,
            format_args!("`{path}` is no path of a {what}: expected `/` or `/…/`"),
        );
    }
    let agrees = ArnParts::split(arn).is_some_and(|parts| {
        let rest = parts.resource.strip_prefix(what).and_then(|rest| rest.strip_prefix(path));
        parts.service == "iam"
            && parts.region.is_empty()
            && parts.account == account
            && !parts.partition.is_empty()
            && rest == Some(name)
    });
    if agrees {
        return Ok(());
    }
    refuse(
        ErrorKind::Arn,
        format_args!(
            "`{arn}` is not the ARN of this {what}: expected `arn:…:iam::{account}:{what}{path}{name}`"
        ),
    )
}

fn unique_id(id: &str) -> Result<(), Error> {
    if is_unique_id(id) {
        return Ok(());
    }
    refuse(
        ErrorKind::UniqueId,
        format_args!(
            "`{id}` is no unique id: expected a prefix such as `AIDA` and 16 to 128 capital \
             letters and digits in all"
        ),
    )
}

fn tags(tags: &[Tag]) -> Result<(), Error> {
    let mut keys = BTreeSet::new();
    for Tag { key, value } in tags {
        let lengths = (1..=MAX_TAG_KEY).contains(&key.chars().count())
            && value.chars().count() <= MAX_TAG_VALUE;
        if !lengths || !is_tag_text(key) || !is_tag_text(value) {
            return refuse(
                ErrorKind::Tag,
                format_args!("tag `{key}` is too long or has characters that tags do not have"),
            );
        }
        if !keys.insert(key.to_lowercase()) {
            return refuse(
                ErrorKind::Tag,
                format_args!("tag `{key}` is there twice, compared without regard to case"),
            );
        }
    }
    Ok(())
}

fn inline<P>(policies: &[InlinePolicy<P>]) -> Result<(), Error> {
    let mut names = BTreeSet::new();
    for InlinePolicy { name, .. } in policies {
        if !is_policy_name(name) {
            return refuse(
                ErrorKind::PolicyName,
                format_args!(
                    "`{name}` is no name of an inline policy: expected 1 to 128 printable \
                     characters without `\\`, `/`, `*`, `?` and blanks"
                ),
            );
        }
        if !names.insert(name) {
            return refuse(
                ErrorKind::PolicyNameTaken,
                format_args!("inline policy `{name}` is there twice"),
            );
        }
    }
    Ok(())
}

/// Attachments and boundaries are managed policies of the same account or AWS's (I-19). Whether
/// there is such a policy is another matter: exports may lack it (I-44).
fn references<'a>(
    account: AccountId,
    arns: impl IntoIterator<Item = &'a std::sync::Arc<str>>,
) -> Result<(), Error> {
    for arn in arns {
        let parts = ArnParts::split(arn)
            .filter(|parts| parts.service == "iam" && parts.resource.starts_with("policy/"));
        let Some(parts) = parts else {
            return refuse(
                ErrorKind::Arn,
                format_args!("`{arn}` is not the ARN of a managed policy"),
            );
        };
        if parts.account != AWS && parts.account != account.as_str() {
            return refuse(
                ErrorKind::ForeignPolicy,
                format_args!(
                    "`{arn}` is neither a policy of account {account} nor AWS-managed, so nothing \
                     of the account can have it"
                ),
            );
        }
    }
    Ok(())
}

/// A user, its groups apart.
pub(crate) fn user<P>(account: AccountId, user: &User<P>) -> Result<(), Error> {
    named("user", account.as_str(), (&user.name, MAX_USER_NAME), &user.path, &user.arn)?;
    unique_id(&user.unique_id)?;
    inline(&user.inline)?;
    references(account, user.attached.iter().chain(&user.boundary))?;
    tags(&user.tags)
}

/// The groups of a user are groups of the account.
pub(crate) fn membership<P, Q>(user: &User<P>, account: &Account<Q>) -> Result<(), Error> {
    match user.groups.iter().find(|group| !account.groups.contains_key(*group)) {
        None => Ok(()),
        Some(group) => refuse(
            ErrorKind::NoSuchGroup,
            format_args!(
                "user `{}` is in group `{group}`, which account {} does not have",
                user.name, account.id
            ),
        ),
    }
}

/// A group.
pub(crate) fn group<P>(account: AccountId, group: &Group<P>) -> Result<(), Error> {
    named("group", account.as_str(), (&group.name, MAX_NAME), &group.path, &group.arn)?;
    unique_id(&group.unique_id)?;
    inline(&group.inline)?;
    references(account, &group.attached)
}

/// A role. What I-21 says of service-linked roles binds those who write to AWS; what a record
/// shows is taken.
pub(crate) fn role<P>(account: AccountId, role: &Role<P>) -> Result<(), Error> {
    named("role", account.as_str(), (&role.name, MAX_USER_NAME), &role.path, &role.arn)?;
    unique_id(&role.unique_id)?;
    inline(&role.inline)?;
    references(account, role.attached.iter().chain(&role.boundary))?;
    tags(&role.tags)
}

/// The number of a version id, `v1`, `v2`, ….
pub(crate) fn version_number(id: &str) -> Option<u64> {
    let digits = id.strip_prefix('v').filter(|digits| !digits.starts_with(['0', '+']))?;
    digits.parse().ok()
}

/// A managed policy; `account` is twelve digits or [`AWS`] (I-9, I-18).
pub(crate) fn policy<P>(account: &str, policy: &ManagedPolicy<P>) -> Result<(), Error> {
    named("policy", account, (&policy.name, MAX_NAME), &policy.path, &policy.arn)?;
    policy.unique_id.as_deref().map_or(Ok(()), unique_id)?;
    tags(&policy.tags)?;
    if policy.default_document().is_none() {
        return refuse(
            ErrorKind::PolicyVersion,
            format_args!("policy `{}` has no default version", policy.arn),
        );
    }
    let mut last = 0;
    for version in &policy.versions {
        match version_number(&version.id) {
            Some(number) if number > last => last = number,
            _ => {
                return refuse(
                    ErrorKind::PolicyVersion,
                    format_args!(
                        "version `{}` of policy `{}` is not `v` and a number above the version \
                         before",
                        version.id, policy.arn
                    ),
                );
            }
        }
    }
    Ok(())
}

/// An instance profile, its role apart (I-10).
pub(crate) fn instance_profile(account: AccountId, profile: &InstanceProfile) -> Result<(), Error> {
    let name = (&*profile.name, MAX_NAME);
    named("instance-profile", account.as_str(), name, &profile.path, &profile.arn)?;
    unique_id(&profile.unique_id)
}

/// The role of an instance profile is a role of the account (I-20).
pub(crate) fn profile_role<Q>(
    profile: &InstanceProfile,
    account: &Account<Q>,
) -> Result<(), Error> {
    match profile.role.as_ref().filter(|role| !account.roles.contains_key(*role)) {
        None => Ok(()),
        Some(role) => refuse(
            ErrorKind::NoSuchRole,
            format_args!(
                "instance profile `{}` has role `{role}`, which account {} does not have",
                profile.name, account.id
            ),
        ),
    }
}

/// A key of a map of names is the folded name (I-12).
fn key(what: &str, key: &str, name: &str) -> Result<(), Error> {
    if key == fold_name(name) {
        return Ok(());
    }
    refuse(
        ErrorKind::NameTaken,
        format_args!("{what} `{name}` stands under `{key}`, which is not its name in lower case"),
    )
}

/// An account with everything in it; its alias and unique ids are compared with other accounts
/// elsewhere.
pub(crate) fn account<P>(account: &Account<P>) -> Result<(), Error> {
    if let Some(alias) = account.alias.as_deref().filter(|alias| !is_alias(alias)) {
        return refuse(
            ErrorKind::Alias,
            format_args!(
                "`{alias}` is no account alias: expected 3 to 63 of lower-case letters, digits \
                 and single hyphens, and not an account id"
            ),
        );
    }
    let hex =
        |id: &&str| id.len() == CANONICAL_ID_CHARS && id.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some(id) = account.canonical_id.as_deref().filter(|id| !hex(id)) {
        return refuse(
            ErrorKind::CanonicalId,
            format_args!("`{id}` is no canonical user id: expected 64 hexadecimal digits"),
        );
    }
    for (name, found) in &account.groups {
        key("group", name, &found.name)?;
        group(account.id, found)?;
    }
    for (name, found) in &account.users {
        key("user", name, &found.name)?;
        user(account.id, found)?;
        membership(found, account)?;
    }
    for (name, found) in &account.roles {
        key("role", name, &found.name)?;
        role(account.id, found)?;
    }
    for (name, found) in &account.policies {
        key("policy", name, &found.name)?;
        policy(account.id.as_str(), found)?;
    }
    for (name, found) in &account.instance_profiles {
        key("instance profile", name, &found.name)?;
        instance_profile(account.id, found)?;
        profile_role(found, account)?;
    }
    Ok(())
}

/// A resource: an ARN, and an owner that the ARN does not contradict (E-8).
pub(crate) fn resource<P>(resource: &Resource<P>) -> Result<(), Error> {
    let parts = match ArnParts::parse(&resource.arn) {
        Ok(parts) => parts,
        Err(error) => return refuse(ErrorKind::Arn, error),
    };
    match parts.account_id().filter(|account| *account != resource.account) {
        None => Ok(()),
        Some(account) => refuse(
            ErrorKind::ResourceAccount,
            format_args!(
                "`{}` belongs to account {account} by its ARN and to {} by its record",
                resource.arn, resource.account
            ),
        ),
    }
}

/// A VPC endpoint: the id is what requests name it by.
pub(crate) fn endpoint<P>(endpoint: &VpcEndpoint<P>) -> Result<(), Error> {
    if endpoint.id.starts_with("vpce-") {
        return Ok(());
    }
    refuse(
        ErrorKind::Name,
        format_args!("`{}` is no id of a VPC endpoint: expected `vpce-…`", endpoint.id),
    )
}
