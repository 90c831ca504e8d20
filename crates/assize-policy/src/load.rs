//! Loading: parse and lower in one (L, section 0).

use assize_model::PolicyType;

/// What becomes of rules that only a write enforces (L-004).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LoadMode {
    /// A write: everything the language calls rejected is.
    Author,
    /// A policy that AWS already stores: author-only rules become findings.
    Import,
}

/// The two kinds of VPC endpoint; they read account principals differently (L-216).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndpointKind {
    /// An interface endpoint: principals match as in any resource-based policy.
    #[default]
    Interface,
    /// A gateway endpoint (S3, DynamoDB): an account stands for its root user alone.
    Gateway,
}

/// Which language service control policies are written in (L-211).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScpLanguage {
    /// The language of identity policies, as since September 2025.
    #[default]
    Full,
    /// The restricted language of before.
    Legacy,
}

/// What loading depends on beside the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct LoadOptions {
    /// The type of the policy.
    pub policy_type: PolicyType,
    /// The prefix of the service that owns the resource of a resource-based policy, such as
    /// `s3`. Without it the rules that differ by service are not applied.
    pub service: Option<Box<str>>,
    /// The kind of the endpoint of an endpoint policy.
    pub endpoint: EndpointKind,
    /// Whether this is a write.
    pub mode: LoadMode,
    /// The language of service control policies.
    pub scp_language: ScpLanguage,
}

impl LoadOptions {
    /// The options of a policy type and a mode, everything else by default.
    pub fn new(policy_type: PolicyType, mode: LoadMode) -> Self {
        Self {
            policy_type,
            service: None,
            endpoint: EndpointKind::default(),
            mode,
            scp_language: ScpLanguage::default(),
        }
    }

    /// The same options for a resource-based policy of a service.
    #[must_use]
    pub fn with_service(mut self, service: &str) -> Self {
        self.service = Some(service.to_ascii_lowercase().into());
        self
    }
}
