//! Accounts (I-4).

use std::collections::BTreeMap;
use std::sync::Arc;

use assize_model::{AccountId, PublicAccessBlock};

use crate::{Group, InstanceProfile, ManagedPolicy, Role, User};

/// An account and its IAM objects. Names are unique per kind without regard to case (I-12), so
/// the maps are keyed by the name in ASCII lower case; the records keep the spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account<P> {
    /// The id.
    pub id: AccountId,
    /// The account's name in its organization.
    pub name: Option<Box<str>>,
    /// The alias (I-15).
    pub alias: Option<Box<str>>,
    /// The canonical user id, 64 hex digits (E-41).
    pub canonical_id: Option<Box<str>>,
    /// Whether the account's principals are outside ones, and what their own side says (F-48).
    pub external: Option<ExternalAccount>,
    /// Users, by folded name.
    pub users: BTreeMap<Box<str>, Arc<User<P>>>,
    /// Groups, by folded name.
    pub groups: BTreeMap<Box<str>, Arc<Group<P>>>,
    /// Roles, by folded name.
    pub roles: BTreeMap<Box<str>, Arc<Role<P>>>,
    /// Customer-managed policies, by folded name.
    pub policies: BTreeMap<Box<str>, Arc<ManagedPolicy<P>>>,
    /// Instance profiles, by folded name.
    pub instance_profiles: BTreeMap<Box<str>, Arc<InstanceProfile>>,
    /// SAML providers, by name.
    pub saml_providers: BTreeMap<Box<str>, Arc<SamlProvider>>,
    /// OIDC providers, by host and path.
    pub oidc_providers: BTreeMap<Box<str>, Arc<OidcProvider>>,
    /// Block public access, account wide (E-86).
    pub public_access_block: PublicAccessBlock,
}

impl<P> Account<P> {
    /// An account without any objects.
    pub fn new(id: AccountId) -> Self {
        Self {
            id,
            name: None,
            alias: None,
            canonical_id: None,
            external: None,
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            roles: BTreeMap::new(),
            policies: BTreeMap::new(),
            instance_profiles: BTreeMap::new(),
            saml_providers: BTreeMap::new(),
            oidc_providers: BTreeMap::new(),
            public_access_block: PublicAccessBlock::default(),
        }
    }
}

/// The own side of principals of an account that a scenario calls external (F-48).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExternalAccount {
    /// No policies.
    None,
    /// Everything is allowed: identity Allow, boundary and session not applicable.
    TrustIdentity,
}

/// A SAML provider (I-11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlProvider {
    /// The ARN.
    pub arn: Box<str>,
    /// The metadata document, when known.
    pub metadata: Option<Box<str>>,
}

/// An OIDC provider (I-11, A-57).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcProvider {
    /// The ARN.
    pub arn: Box<str>,
    /// Client ids, the audiences it accepts.
    pub client_ids: Vec<Box<str>>,
    /// Thumbprints.
    pub thumbprints: Vec<Box<str>>,
}
