//! The facts a catalog is built from, as plain lists.

use assize_model::{KeyShape, KeyType};

use crate::AccessLevel;

/// Everything that [`super::write`] makes a data file of.
///
/// The order of the lists does not matter; names that differ only in case are the same name.
#[derive(Debug, Clone, Default)]
pub struct CatalogSource {
    /// The date of the data, `YYYY-MM-DD`.
    pub date: String,
    /// Name and version of the source.
    pub origin: String,
    /// Partition and region of the services with [`SourceService::global`] (E-19).
    pub global_regions: Vec<(String, String)>,
    /// Condition keys that AWS sets for every service.
    pub global_keys: Vec<SourceKey>,
    /// The services.
    pub services: Vec<SourceService>,
}

/// One service.
#[derive(Debug, Clone, Default)]
pub struct SourceService {
    /// The prefix, in lower case.
    pub prefix: String,
    /// What AWS calls it.
    pub name: String,
    /// Whether RCPs apply to it (E-36).
    pub rcp: bool,
    /// Whether VPC endpoint policies take part in decisions about it (E-98).
    pub endpoint_policy: bool,
    /// Whether one region serves the whole partition (E-19).
    pub global: bool,
    /// Its condition keys; global ones among them give way to [`CatalogSource::global_keys`].
    pub keys: Vec<SourceKey>,
    /// Its resource types.
    pub resource_types: Vec<SourceResourceType>,
    /// Its actions.
    pub actions: Vec<SourceAction>,
}

/// One condition key, or a pattern with one placeholder (`${TagKey}`, `<key>`).
#[derive(Debug, Clone)]
pub struct SourceKey {
    /// The name.
    pub name: String,
    /// The type of its values.
    pub key_type: KeyType,
    /// One value or several, if that is fixed.
    pub shape: Option<KeyShape>,
    /// Whether its value is a tag of the resource the request is about (E-20).
    pub resource_tag: bool,
    /// The only resource types of which it carries tags, of a key that goes with requests about
    /// what they hold too; none if it carries those of any.
    pub tags_of: Option<&'static str>,
}

/// One resource type.
#[derive(Debug, Clone, Default)]
pub struct SourceResourceType {
    /// The name.
    pub name: String,
    /// Its ARN formats.
    pub formats: Vec<String>,
    /// Names of its condition keys.
    pub keys: Vec<String>,
}

/// One action.
#[derive(Debug, Clone)]
pub struct SourceAction {
    /// The name without the service.
    pub name: String,
    /// How AWS classifies it.
    pub level: AccessLevel,
    /// Whether `aws:ResourceAccount` and its kin are absent (L-704).
    pub resource_account_absent: bool,
    /// Whether no resource-based policy allows it to other accounts (E-55).
    pub own_account_only: bool,
    /// Whether no resource-based policy allows it to anyone (E-55).
    pub identity_only: bool,
    /// Whether what it creates has the tags of the request as its own (E-20).
    pub creates_with_tags: bool,
    /// Whether its resource types are alternatives (E-68).
    pub types_are_alternatives: bool,
    /// The wildcard form, if it is not `*` (E-6).
    pub wildcard_form: Option<String>,
    /// Its resource types; several entries for one type count together.
    pub resources: Vec<SourceActionResource>,
    /// Names of its own condition keys.
    pub keys: Vec<String>,
    /// Full names of the actions it depends on.
    pub dependents: Vec<String>,
}

/// One resource type of an action.
#[derive(Debug, Clone, Default)]
pub struct SourceActionResource {
    /// The name of the resource type, of the same service.
    pub resource_type: String,
    /// Whether a call always is about a resource of the type.
    pub required: bool,
    /// Names of its condition keys.
    pub keys: Vec<String>,
    /// Full names of the actions it depends on.
    pub dependents: Vec<String>,
}
