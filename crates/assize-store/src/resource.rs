//! Resources with policies and tags, and VPC endpoints.

use std::borrow::Cow;

use assize_model::{AccountId, ArnParts, PublicAccessBlock};

use crate::Tag;

/// The ARN that a resource is known by. `DescribeLogGroups` prints that of a log group with `:*`
/// behind it, and `DescribeResourcePolicy` of AWS Organizations that of the policy itself, which is
/// the organization's (E-99).
pub(crate) fn known_arn(arn: &str) -> Cow<'_, str> {
    let Some(parts) = ArnParts::split(arn) else { return arn.into() };
    let head = &arn[..arn.len() - parts.resource.len()];
    let delegation = parts.resource.strip_prefix("resourcepolicy/").and_then(|p| p.split_once('/'));
    match (parts.service, delegation) {
        ("organizations", Some((id, _))) => format!("{head}organization/{id}").into(),
        ("logs", _) if is_log_group(parts.resource) => arn.strip_suffix(":*").unwrap_or(arn).into(),
        _ => arn.into(),
    }
}

/// Whether a resource is a log group with something behind it.
fn is_log_group(resource: &str) -> bool {
    resource.starts_with("log-group:") && resource.matches(':').count() == 2
}

/// Of an ARN that ends in a wildcard, as patterns of policies do, that of what the wildcard stands
/// in.
pub(crate) fn before_wildcard(arn: &str) -> Option<&str> {
    let own = ArnParts::split(arn).filter(|_| arn.ends_with("/*") || arn.ends_with(":*"))?.resource;
    let at = own.find("/*").into_iter().chain(own.find(":*")).min()?;
    Some(&arn[..arn.len() - own.len() + at])
}

/// What is known of one resource (F-43).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource<P> {
    /// The ARN.
    pub arn: Box<str>,
    /// The owner.
    pub account: AccountId,
    /// Tags; none when nobody said (E-23, E-121).
    pub tags: Option<Vec<Tag>>,
    /// Resource-based policies: one set (E-48).
    pub policies: Vec<P>,
    /// What else decides.
    pub attributes: ResourceAttributes,
}

/// Attributes of a resource that service rules look at (F-43).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceAttributes {
    /// Block public access of a bucket (E-86).
    pub public_access_block: Option<PublicAccessBlock>,
    /// Grants on a key (E-81).
    pub kms_grants: Vec<Grant>,
    /// An AWS-managed key (E-36).
    pub managed_by_aws: bool,
    /// The bucket behind an access point (E-85): its name or ARN as given.
    pub bucket: Option<Box<str>>,
    /// The VPC an access point is for, when its network origin is a VPC (E-85): `networkOrigin`
    /// `VPC`, with the VPC's id when given.
    pub network_origin_vpc: Option<Option<Box<str>>>,
    /// Aliases of a key (E-82), as `alias/name`.
    pub aliases: Vec<Box<str>>,
    /// The ARN of the backup vault that a recovery point is in, which its own ARN does not tell
    /// (E-33).
    pub backup_vault: Option<Box<str>>,
}

impl<P> Resource<P> {
    /// Whether it may be a mistake, as far as it tells by itself: no resource ends in a wildcard, and
    /// vaults and recovery points need each other.
    pub(crate) fn is_doubtful(&self) -> bool {
        before_wildcard(&self.arn).is_some()
            || self.attributes.backup_vault.is_some()
            || self.is_vault_with_policy()
            || self.is_network_with_policy()
    }

    /// Whether it is a vault of AWS Backup, whose policies are those of what is in it.
    pub(crate) fn is_vault_with_policy(&self) -> bool {
        self.is_with_policy("backup", "backup-vault:")
    }

    /// Whether it is a service network of VPC Lattice, whose policy is asked about requests to the
    /// services in it.
    pub(crate) fn is_network_with_policy(&self) -> bool {
        self.is_with_policy("vpc-lattice", "servicenetwork/")
    }

    fn is_with_policy(&self, service: &str, kind: &str) -> bool {
        let is_of =
            |parts: ArnParts<'_>| parts.service == service && parts.resource.starts_with(kind);
        !self.policies.is_empty() && ArnParts::split(&self.arn).is_some_and(is_of)
    }
}

impl ResourceAttributes {
    /// What the attributes are called in records and scenarios (F-43).
    pub const NAMES: [&str; 8] = [
        "publicAccessBlock",
        "kmsGrants",
        "managedByAws",
        "bucket",
        "networkOrigin",
        "vpc",
        "aliases",
        "backupVault",
    ];
}

/// A stored grant on a KMS key (E-81).
pub type Grant = assize_model::KmsGrant<'static>;

/// A VPC endpoint (E-18, E-32).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpcEndpoint<P> {
    /// `vpce-…`.
    pub id: Box<str>,
    /// The owner.
    pub account: Option<AccountId>,
    /// `vpc-…`.
    pub vpc: Option<Box<str>>,
    /// The VPC's ARN.
    pub vpc_arn: Option<Box<str>>,
    /// Interface or gateway.
    pub endpoint_type: EndpointType,
    /// The service, as the export names it.
    pub service: Option<Box<str>>,
    /// The endpoint policy; without one everything is allowed (E-32).
    pub policy: Option<P>,
}

/// The two kinds of endpoint (L-216).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum EndpointType {
    /// An interface endpoint.
    #[default]
    Interface,
    /// A gateway endpoint, of S3 and DynamoDB.
    Gateway,
}
