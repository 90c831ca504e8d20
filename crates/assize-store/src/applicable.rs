//! Which policies apply to whom: groups, default versions and the path through the organization
//! resolved, so that a look-up is all a request needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use assize_model::{AccountId, ApplicablePolicies, AppliedPolicy, OrgPath, PolicyId};

use crate::document::DocumentTable;
use crate::sorted::{Keyed, Sorted};
use crate::{Organization, OrganizationNode, Role, User};

/// The policies of a user or role itself (E-33).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntityPolicies {
    /// Layer `identity`: inline and attached managed policies of the entity and, for a user, of
    /// all its groups, each once, by its default version (I-18).
    pub identity: ApplicablePolicies,
    /// Layer `boundary`: the permissions boundary.
    pub boundary: Option<PolicyId>,
}

/// Where an account stands in its organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountPath {
    /// The organization, `o-…`.
    pub organization: Box<str>,
    /// The value of `aws:PrincipalOrgPaths` (E-15).
    pub org_path: OrgPath,
    /// The nodes from the root through the OUs to the account itself.
    pub nodes: Vec<Box<str>>,
    /// Whether this is the management account, exempt from SCPs and RCPs (I-17).
    pub is_management: bool,
}

/// What an organization means for one of its accounts.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) path: AccountPath,
    /// INVARIANT: none for the management account and where the policy type is disabled
    /// (test `the_management_account_is_exempt`).
    pub(crate) scp: Option<ApplicablePolicies>,
    pub(crate) rcp: Option<ApplicablePolicies>,
}

/// An entity and its policies, sorted by name.
#[derive(Debug)]
pub(crate) struct Resolved<T> {
    pub(crate) entity: Arc<T>,
    pub(crate) policies: Arc<EntityPolicies>,
}

impl<T> Clone for Resolved<T> {
    fn clone(&self) -> Self {
        Self { entity: Arc::clone(&self.entity), policies: Arc::clone(&self.policies) }
    }
}

impl Keyed for Resolved<User<PolicyId>> {
    type Key = str;

    fn key(&self) -> &str {
        &self.entity.name
    }
}

impl Keyed for Resolved<Role<PolicyId>> {
    type Key = str;

    fn key(&self) -> &str {
        &self.entity.name
    }
}

/// What is resolved for the entities of an account.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountPolicies {
    pub(crate) users: Sorted<Resolved<User<PolicyId>>>,
    pub(crate) roles: Sorted<Resolved<Role<PolicyId>>>,
    /// Managed policies that entities of the account reference and nothing resolves, sorted.
    pub(crate) unresolved: Vec<Arc<str>>,
}

/// Policies of one layer in the order of E-102, each once.
pub(crate) fn in_order(table: &DocumentTable, mut policies: Vec<PolicyId>) -> ApplicablePolicies {
    policies.sort_by(|&a, &b| (table.reference(a), a).cmp(&(table.reference(b), b)));
    policies.dedup();
    let policies = policies.into_iter().map(|policy| AppliedPolicy { policy, node: 0 }).collect();
    ApplicablePolicies { policies, n_nodes: 1 }
}

/// The path from the root to a node; empty when the node is unknown. The tree has been checked.
pub(crate) fn path_of<'a, P>(organization: &'a Organization<P>, node: &'a str) -> Vec<&'a str> {
    let mut path = Vec::new();
    let mut next = organization.nodes.get_key_value(node);
    while let Some((id, node)) = next {
        path.push(&**id);
        let parent = node.parent.as_deref();
        next = parent.and_then(|parent| organization.nodes.get_key_value(parent));
    }
    path.reverse();
    path
}

/// The policies on each node of a path, in the order of E-102.
fn on_path(
    organization: &Organization<PolicyId>,
    table: &DocumentTable,
    path: &[&str],
    attached: fn(&OrganizationNode) -> &[Box<str>],
) -> ApplicablePolicies {
    let mut policies = Vec::new();
    for (position, id) in (0u16..).zip(path) {
        let ids = organization.nodes.get(*id).map_or(&[][..], attached);
        let documents = ids.iter().filter_map(|id| organization.policies.get(id));
        policies.extend(
            documents.map(|policy| AppliedPolicy { policy: policy.document, node: position }),
        );
    }
    policies.sort_by(|a, b| {
        let key = |applied: &AppliedPolicy| (applied.node, applied.policy);
        (table.reference(a.policy), key(a)).cmp(&(table.reference(b.policy), key(b)))
    });
    policies.dedup();
    let n_nodes = u16::try_from(path.len()).unwrap_or(u16::MAX);
    ApplicablePolicies { policies, n_nodes }
}

/// What an organization means for each of its accounts.
pub(crate) fn members(
    organization: &Organization<PolicyId>,
    table: &DocumentTable,
) -> BTreeMap<AccountId, Member> {
    let member = |account: AccountId, node: &str| {
        let path = path_of(organization, node);
        let is_management = account == organization.management_account;
        let applies = |enabled: bool| enabled && !is_management;
        let above = path.iter().take(path.len().saturating_sub(1)).copied();
        Member {
            scp: applies(organization.scp_enabled)
                .then(|| on_path(organization, table, &path, |node| &node.scps)),
            rcp: applies(organization.rcp_enabled)
                .then(|| on_path(organization, table, &path, |node| &node.rcps)),
            path: AccountPath {
                organization: organization.id.clone(),
                org_path: OrgPath::new(&organization.id, above),
                nodes: path.iter().map(|&id| id.into()).collect(),
                is_management,
            },
        }
    };
    organization
        .nodes
        .keys()
        .filter_map(|id| id.parse::<AccountId>().ok().map(|account| (account, member(account, id))))
        .collect()
}
