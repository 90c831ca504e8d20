//! Options of evaluation, given once when an engine is made.

/// What a condition key that a request does not carry means (E-120).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum ContextMode {
    /// It is absent.
    #[default]
    Complete,
    /// It is unknown, unless known to be absent.
    Partial,
}

/// Who owns a resource whose owner nothing tells (E-9).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum UnknownResourceAccount {
    /// Nobody knows: the check is denied.
    #[default]
    Deny,
    /// The principal's account, with assumption `resource_account`.
    Principal,
}

/// The options of evaluation (formats, section 6.1: `options`). Plain data; every field has the
/// default of the specification.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one documented option of the format")]
pub struct EngineOptions {
    /// Complete or partial context (E-120).
    pub context: ContextMode,
    /// Service keys the catalog does not list for an action are known-absent (E-122).
    pub absent_by_catalog: bool,
    /// Owner of undeclared resources (E-9).
    pub unknown_resource_account: UnknownResourceAccount,
    /// An action the catalog lacks is an error instead of a note (E-5).
    pub strict_actions: bool,
    /// Refuse resources whose type the action does not take (E-7).
    pub check_resource_types: bool,
    /// A required resource type without an ARN is an error (E-68).
    pub require_all_resources: bool,
    /// Evaluate dependent actions as further checks (E-69).
    pub include_dependent: bool,
    /// Add the trust check to `iam:PassRole` (E-96).
    pub include_trust: bool,
    /// Let `context` win over derived keys (E-23). For tests only.
    pub allow_context_override: bool,
    /// Drop documents that do not load, with a note (E-112).
    pub skip_invalid_policies: bool,
    /// A missing list of SCP attachments means `FullAWSAccess` (I-46).
    pub assume_full_access: bool,
    /// Enforce quotas on writes (I-26).
    pub quotas: bool,
    /// The session name of a role given as a principal (E-10).
    pub default_session_name: Box<str>,
    /// The time of requests that state none, in seconds since the epoch (E-19). Without it the
    /// caller of the engine supplies the clock once a batch.
    pub time: Option<i64>,
    /// Put the effective context into explanations.
    pub echo_context: bool,
    /// Append the ARN of the denying policy to messages (E-107).
    pub message_policy_arn: bool,
    /// Replaces the catalog's list of services that RCPs cover (E-36).
    pub rcp_services: Option<Vec<Box<str>>>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            context: ContextMode::Complete,
            absent_by_catalog: false,
            unknown_resource_account: UnknownResourceAccount::Deny,
            strict_actions: false,
            check_resource_types: true,
            require_all_resources: false,
            include_dependent: false,
            include_trust: false,
            allow_context_override: false,
            skip_invalid_policies: false,
            assume_full_access: false,
            quotas: true,
            default_session_name: "assize".into(),
            time: None,
            echo_context: false,
            message_policy_arn: true,
            rcp_services: None,
        }
    }
}
