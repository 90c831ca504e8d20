#![doc = include_str!("../README.md")]

mod account;
mod applicable;
mod attachment;
mod builtin;
pub mod context;
mod diagnostic;
mod document;
mod edit;
mod error;
mod export;
mod identifier;
#[cfg(feature = "import")]
mod import;
mod organization;
mod principal;
mod resource;
mod snapshot;
mod sorted;
mod unique;

pub use account::{Account, ExternalAccount, OidcProvider, SamlProvider};
pub use applicable::{AccountPath, EntityPolicies};
pub use attachment::{
    Document, DocumentText, InlinePolicy, ManagedPolicy, Origin, PolicyVersion, SourceAnchor,
    tree_text,
};
pub use builtin::{
    FULL_AWS_ACCESS, FULL_AWS_ACCESS_ID, RCP_FULL_AWS_ACCESS, RCP_FULL_AWS_ACCESS_ID,
    builtin_organization_policy,
};
pub use context::{Parent, parent};
pub use diagnostic::{Diagnostic, DiagnosticCode, DiagnosticLevel};
pub use edit::tree::{MAX_OU_DEPTH, MAX_UNIT_NAME};
pub use edit::{ManagedPolicySource, StoreChange, StoreEditor};
pub use error::{Error, ErrorKind};
pub use export::SnapshotDifference;
pub use identifier::{
    ALIAS_LENGTH, MAX_NAME, MAX_PATH, MAX_POLICY_NAME, MAX_TAG_KEY, MAX_TAG_VALUE, MAX_USER_NAME,
    UNIQUE_ID_CHARS, UNIQUE_ID_LENGTH, UNIQUE_ID_PREFIXES, fold_name, unique_id,
};
#[cfg(feature = "import")]
pub use import::{Import, ImportFile, ImportKind, ImportOptions, MAX_IMPORT_BYTES, import};
pub use organization::{Organization, OrganizationNode, OrganizationPolicy, OrganizationalUnit};
pub use principal::{DEFAULT_MAX_SESSION_SECONDS, Group, InstanceProfile, Role, Tag, User};
pub use resource::{EndpointType, Grant, Resource, ResourceAttributes, VpcEndpoint};
pub use snapshot::{Entity, StoreSnapshot};
