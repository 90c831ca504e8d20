//! The tree of an organization: completed where AWS leaves no choice, and checked (I-17, I-25).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use assize_model::AccountId;

use crate::builtin::{FULL_AWS_ACCESS_ID, RCP_FULL_AWS_ACCESS_ID, builtin_organization_policy};
use crate::edit::check::refuse;
use crate::identifier::is_id;
use crate::{DocumentText, Error, ErrorKind, Organization, OrganizationNode};

/// OU levels below the root (L-1001).
pub const MAX_OU_DEPTH: usize = 5;

/// Longest name of an OU or organization policy (I-3, I-5).
pub const MAX_UNIT_NAME: usize = 128;

/// Adds what AWS puts there itself: `RCPFullAWSAccess` on each node (E-36), the management
/// account under the root (I-17), and the documents of the two built-in policies.
pub(crate) fn complete(organization: &mut Organization<DocumentText>) {
    let management = organization.management_account.as_str();
    if !organization.nodes.contains_key(management)
        && organization.nodes.contains_key(&organization.root_id)
    {
        let node = OrganizationNode {
            parent: Some(organization.root_id.clone()),
            unit: None,
            scps: vec![FULL_AWS_ACCESS_ID.into()],
            rcps: Vec::new(),
        };
        organization.nodes.insert(management.into(), node);
    }
    for node in organization.nodes.values_mut() {
        if !node.rcps.iter().any(|id| **id == *RCP_FULL_AWS_ACCESS_ID) {
            node.rcps.insert(0, RCP_FULL_AWS_ACCESS_ID.into());
        }
    }
    for id in [FULL_AWS_ACCESS_ID, RCP_FULL_AWS_ACCESS_ID] {
        if let Some(policy) = builtin_organization_policy(id) {
            organization.policies.entry(id.into()).or_insert_with(|| Arc::new(policy));
        }
    }
}

/// Everything that can be seen of one organization alone.
pub(crate) fn check<P>(organization: &Organization<P>) -> Result<(), Error> {
    ids(organization)?;
    policies(organization)?;
    let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (id, node) in &organization.nodes {
        parent(organization, id, node)?;
        attachments(organization, id, node)?;
        let (Some(unit), Some(parent)) = (&node.unit, node.parent.as_deref()) else { continue };
        if unit.name.is_empty() || unit.name.chars().count() > MAX_UNIT_NAME {
            return refuse(
                ErrorKind::Name,
                format_args!("OU `{id}` has a name of no or of more than 128 characters"),
            );
        }
        if !names.entry(parent).or_default().insert(&unit.name) {
            return refuse(
                ErrorKind::NameTaken,
                format_args!("two OUs under `{parent}` are named `{}`", unit.name),
            );
        }
    }
    organization.nodes.keys().try_for_each(|id| depth(organization, id))
}

fn ids<P>(organization: &Organization<P>) -> Result<(), Error> {
    if !is_id(&organization.id, "o-", &[10..=32]) {
        return refuse(
            ErrorKind::OrganizationId,
            format_args!(
                "`{}` is no id of an organization: expected `o-` and 10 to 32 lower-case letters \
                 and digits",
                organization.id
            ),
        );
    }
    if !is_id(&organization.root_id, "r-", &[4..=32]) {
        return refuse(
            ErrorKind::OrganizationId,
            format_args!(
                "`{}` is no id of a root: expected `r-` and 4 to 32 lower-case letters and digits",
                organization.root_id
            ),
        );
    }
    if organization.nodes.contains_key(&organization.root_id) {
        return Ok(());
    }
    refuse(
        ErrorKind::Tree,
        format_args!("organization `{}` has no node for its root", organization.id),
    )
}

/// The shape of an organization policy's id is AWS's business (I-5): worlds written by hand
/// number theirs after nodes.
fn policies<P>(organization: &Organization<P>) -> Result<(), Error> {
    for (id, policy) in &organization.policies {
        if *id != policy.id || !id.starts_with("p-") {
            return refuse(
                ErrorKind::OrganizationId,
                format_args!("`{id}` is not the id of organization policy `{}`", policy.name),
            );
        }
    }
    Ok(())
}

/// A node is the root, or an OU or account below the root or an OU (I-3, I-17).
fn parent<P>(
    organization: &Organization<P>,
    id: &str,
    node: &OrganizationNode,
) -> Result<(), Error> {
    let Some(parent) = node.parent.as_deref() else {
        if *id == *organization.root_id {
            return Ok(());
        }
        return refuse(ErrorKind::Tree, format_args!("`{id}` has no parent and is not the root"));
    };
    if *id == *organization.root_id {
        return refuse(ErrorKind::Tree, format_args!("the root `{id}` has a parent"));
    }
    if id.parse::<AccountId>().is_err() && !is_id(id, "ou-", &[4..=32, 8..=32]) {
        return refuse(
            ErrorKind::OrganizationId,
            format_args!(
                "`{id}` is neither an account id nor an id of an OU: expected `ou-`, 4 to 32 \
                 lower-case letters and digits, `-` and 8 to 32 of the same"
            ),
        );
    }
    if parent.parse::<AccountId>().is_ok() || !organization.nodes.contains_key(parent) {
        return refuse(
            ErrorKind::Tree,
            format_args!(
                "the parent `{parent}` of `{id}` is no root and no OU of the organization"
            ),
        );
    }
    Ok(())
}

fn attachments<P>(
    organization: &Organization<P>,
    id: &str,
    node: &OrganizationNode,
) -> Result<(), Error> {
    let scps = node.scps.iter().map(|policy| (policy, false));
    for (policy, as_rcp) in scps.chain(node.rcps.iter().map(|policy| (policy, true))) {
        match organization.policies.get(policy) {
            None => {
                return refuse(
                    ErrorKind::NoSuchPolicy,
                    format_args!("`{policy}` on `{id}` is no policy of the organization"),
                );
            }
            Some(found) if found.resource_control != as_rcp => {
                return refuse(
                    ErrorKind::PolicyType,
                    format_args!(
                        "`{policy}` on `{id}` is attached as {} and is not one",
                        if as_rcp { "RCP" } else { "SCP" }
                    ),
                );
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// The way up from a node ends at the root, over no more OUs than may be nested (I-17).
fn depth<P>(organization: &Organization<P>, id: &str) -> Result<(), Error> {
    let mut n_units = 0;
    let mut next = organization.nodes.get(id);
    let mut is_account = id.parse::<AccountId>().is_ok();
    while let Some((node, parent)) = next.and_then(|node| Some((node, node.parent.as_deref()?))) {
        n_units += usize::from(!is_account && node.parent.is_some());
        is_account = false;
        // A cycle is at most as long as there are nodes.
        if n_units > organization.nodes.len() {
            return refuse(ErrorKind::Tree, format_args!("`{id}` is below itself"));
        }
        next = organization.nodes.get(parent);
    }
    if n_units <= MAX_OU_DEPTH {
        return Ok(());
    }
    refuse(
        ErrorKind::TreeDepth,
        format_args!("`{id}` is {n_units} OUs below the root: at most {MAX_OU_DEPTH} are possible"),
    )
}
