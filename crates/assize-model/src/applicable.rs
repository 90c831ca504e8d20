//! Which policies the store applies to a principal and a resource.

use std::fmt;

use crate::PolicyId;

/// The kinds of policy document (language, section 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PolicyType {
    /// IM: a managed identity policy.
    ManagedIdentity,
    /// II: an inline policy of a user, group or role.
    InlineIdentity,
    /// PB: a permissions boundary.
    PermissionsBoundary,
    /// SP: a session policy.
    Session,
    /// TP: the trust policy of a role.
    RoleTrust,
    /// RP: any other resource-based policy.
    ResourceBased,
    /// VE: the policy of a VPC endpoint.
    VpcEndpoint,
    /// SCP: a service control policy.
    ServiceControl,
    /// RCP: a resource control policy.
    ResourceControl,
}

impl PolicyType {
    /// All types, in order.
    pub const ALL: [Self; 9] = [
        Self::ManagedIdentity,
        Self::InlineIdentity,
        Self::PermissionsBoundary,
        Self::Session,
        Self::RoleTrust,
        Self::ResourceBased,
        Self::VpcEndpoint,
        Self::ServiceControl,
        Self::ResourceControl,
    ];

    /// The abbreviation of the specification: IM, II, PB, SP, TP, RP, VE, SCP, RCP.
    pub fn abbreviation(self) -> &'static str {
        match self {
            Self::ManagedIdentity => "IM",
            Self::InlineIdentity => "II",
            Self::PermissionsBoundary => "PB",
            Self::Session => "SP",
            Self::RoleTrust => "TP",
            Self::ResourceBased => "RP",
            Self::VpcEndpoint => "VE",
            Self::ServiceControl => "SCP",
            Self::ResourceControl => "RCP",
        }
    }

    /// The type of an abbreviation.
    pub fn from_abbreviation(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.abbreviation() == text)
    }

    /// IM, II, PB, SP: policies that carry no principal and act on the entity they belong to.
    pub fn is_identity_like(self) -> bool {
        matches!(
            self,
            Self::ManagedIdentity
                | Self::InlineIdentity
                | Self::PermissionsBoundary
                | Self::Session
        )
    }

    /// IM, II, PB, SP, TP: documents that IAM or STS parses.
    pub fn is_iam_family(self) -> bool {
        self.is_identity_like() || self == Self::RoleTrust
    }

    /// SCP and RCP.
    pub fn is_org_family(self) -> bool {
        matches!(self, Self::ServiceControl | Self::ResourceControl)
    }
}

impl fmt::Display for PolicyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.abbreviation())
    }
}

/// One policy of a layer and, for SCPs and RCPs, the node it is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppliedPolicy {
    /// The document.
    pub policy: PolicyId,
    /// For SCPs and RCPs the position of the node in the path: 0 is the organization's root,
    /// the last is the account. 0 in every other layer.
    pub node: u16,
}

/// The policies that apply to one principal, or to one resource, layer by layer.
///
/// Within a layer they stand in the order of E-102: by statement reference (byte order), then,
/// for one document attached to several nodes, by node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ApplicablePolicies {
    /// The policies.
    pub policies: Vec<AppliedPolicy>,
    /// How many nodes must each allow: the length of the path for SCPs and RCPs (a node without
    /// any policy allows nothing, E-35), 1 in every other layer.
    pub n_nodes: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abbreviations_round_trip() {
        for policy_type in PolicyType::ALL {
            assert_eq!(
                PolicyType::from_abbreviation(policy_type.abbreviation()),
                Some(policy_type)
            );
        }
    }
}
