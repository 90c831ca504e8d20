//! Organizations: the tree and the policies on its nodes (I-2, I-3, I-5, I-17, I-25).

use std::collections::BTreeMap;
use std::sync::Arc;

use assize_model::AccountId;

/// An organization (I-2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization<P> {
    /// `o-…`.
    pub id: Box<str>,
    /// The management account, exempt from SCPs and RCPs (I-17).
    pub management_account: AccountId,
    /// `r-…`.
    pub root_id: Box<str>,
    /// Whether service control policies are enabled.
    pub scp_enabled: bool,
    /// Whether resource control policies are enabled.
    pub rcp_enabled: bool,
    /// Service principal to the accounts that administer it.
    pub delegated_administrators: BTreeMap<Box<str>, Vec<AccountId>>,
    /// The policies by id `p-…`, the AWS-managed ones included.
    pub policies: BTreeMap<Box<str>, Arc<OrganizationPolicy<P>>>,
    /// The nodes of the tree by id: the root, every OU, every account.
    pub nodes: BTreeMap<Box<str>, OrganizationNode>,
}

/// A node of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationNode {
    /// The parent's id; none for the root.
    pub parent: Option<Box<str>>,
    /// What an OU is called.
    pub unit: Option<OrganizationalUnit>,
    /// Ids `p-…` of the attached SCPs; empty allows nothing (E-35).
    pub scps: Vec<Box<str>>,
    /// Ids `p-…` of the attached RCPs; `RCPFullAWSAccess` always among them (E-36).
    pub rcps: Vec<Box<str>>,
}

/// An organizational unit (I-3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationalUnit {
    /// The name.
    pub name: Box<str>,
}

/// A service or resource control policy (I-5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationPolicy<P> {
    /// `p-…`.
    pub id: Box<str>,
    /// The name.
    pub name: Box<str>,
    /// The ARN, when known.
    pub arn: Option<Arc<str>>,
    /// Whether it is an RCP; else an SCP.
    pub resource_control: bool,
    /// Whether AWS owns it.
    pub aws_managed: bool,
    /// The document.
    pub document: P,
}
