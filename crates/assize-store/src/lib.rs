#![doc = include_str!("../README.md")]

mod account;
mod attachment;
mod edit;
mod organization;
mod principal;
mod resource;
mod snapshot;

pub use account::{Account, ExternalAccount, OidcProvider, SamlProvider};
pub use attachment::{
    Document, DocumentText, InlinePolicy, ManagedPolicy, Origin, PolicyVersion, SourceAnchor,
};
pub use edit::StoreChange;
pub use organization::{Organization, OrganizationNode, OrganizationPolicy, OrganizationalUnit};
pub use principal::{DEFAULT_MAX_SESSION_SECONDS, Group, InstanceProfile, Role, Tag, User};
pub use resource::{EndpointType, Grant, Resource, ResourceAttributes, VpcEndpoint};
