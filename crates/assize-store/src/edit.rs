//! Changes and the editor that applies them.

use assize_model::AccountId;

use crate::{
    Account, DocumentText, Group, InstanceProfile, ManagedPolicy, Organization, Resource, Role,
    User, VpcEndpoint,
};

/// One checked fact to write (a closed set): what importers, scenario files, change sets and the
/// operations of IAM all end in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreChange {
    /// Adds or replaces an organization with its tree and policies.
    PutOrganization(Organization<DocumentText>),
    /// Takes an organization away.
    RemoveOrganization(Box<str>),
    /// Adds or replaces an account as a whole.
    PutAccount(Box<Account<DocumentText>>),
    /// Takes an account away.
    RemoveAccount(AccountId),
    /// Adds or replaces a user.
    PutUser(AccountId, User<DocumentText>),
    /// Takes a user away, with inline policies, memberships and attachments.
    RemoveUser(AccountId, Box<str>),
    /// Adds or replaces a group.
    PutGroup(AccountId, Group<DocumentText>),
    /// Takes a group away.
    RemoveGroup(AccountId, Box<str>),
    /// Adds or replaces a role.
    PutRole(AccountId, Role<DocumentText>),
    /// Takes a role away.
    RemoveRole(AccountId, Box<str>),
    /// Adds or replaces a customer-managed policy.
    PutPolicy(AccountId, ManagedPolicy<DocumentText>),
    /// Takes a customer-managed policy away.
    RemovePolicy(AccountId, Box<str>),
    /// Adds or replaces an AWS-managed policy, by its ARN.
    PutAwsManagedPolicy(ManagedPolicy<DocumentText>),
    /// Adds or replaces an instance profile.
    PutInstanceProfile(AccountId, InstanceProfile),
    /// Takes an instance profile away.
    RemoveInstanceProfile(AccountId, Box<str>),
    /// Adds or replaces a resource, by its ARN.
    PutResource(Resource<DocumentText>),
    /// Takes a resource away.
    RemoveResource(Box<str>),
    /// Adds or replaces a VPC endpoint.
    PutEndpoint(VpcEndpoint<DocumentText>),
    /// Takes a VPC endpoint away.
    RemoveEndpoint(Box<str>),
}
