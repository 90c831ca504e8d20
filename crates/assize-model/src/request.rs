//! The request: who wants to do what to which resource, and under which circumstances.

use std::borrow::Cow;
use std::fmt;

use crate::{AccountId, ContextInput, EffectiveDecision, Principal};

/// Tags in the order given: key and value.
pub type Tags<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// The JSON text of a policy document that comes with a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PolicyText<'a>(pub Cow<'a, str>);

/// A request before it meets a snapshot: plain data, borrowed from the line it was read from
/// (E-1, F-10). What can be wrong with it is found when it is resolved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request<'a> {
    /// Who asks.
    pub principal: Principal<'a>,
    /// For what.
    pub target: Target<'a>,
    /// `resourceData`: shared by all checks.
    pub resource_data: Option<Box<ResourceData<'a>>>,
    /// `requestTags`.
    pub request_tags: Option<Tags<'a>>,
    /// `context`, in the order given.
    pub context: Vec<(Cow<'a, str>, ContextInput<'a>)>,
    /// `absent`: keys that are known-absent (E-122).
    pub absent: Vec<Cow<'a, str>>,
    /// `complete`: prefixes under which what is not carried is absent (E-122).
    pub complete: Vec<Cow<'a, str>>,
    /// `unknown`: keys or prefixes that are unknown (E-122).
    pub unknown: Vec<Cow<'a, str>>,
    /// `network`.
    pub network: Option<Box<Network<'a>>>,
    /// `via`: the services that pass the call on, in order (E-22).
    pub via: Option<Vec<Cow<'a, str>>>,
    /// `region` the call was sent to.
    pub region: Option<Cow<'a, str>>,
    /// `time`, seconds since the epoch.
    pub time: Option<i64>,
    /// `source`: on whose behalf a service calls (E-16).
    pub source: Option<Source<'a>>,
}

/// What a request asks for: an action on resources, or checks spelled out (F-10).
#[derive(Debug, Clone, PartialEq)]
pub enum Target<'a> {
    /// `action` with `resource` or `resources`; without either, the action's wildcard form.
    Action {
        /// `service:Name`.
        action: Cow<'a, str>,
        /// `resource`: a single resource, taken as it stands (E-68).
        resource: Option<Cow<'a, str>>,
        /// `resources`: expanded into checks (E-68).
        resources: Vec<ResourceInput<'a>>,
    },
    /// `checks`, taken as they stand.
    Checks(Vec<Check<'a>>),
}

impl Default for Target<'_> {
    fn default() -> Self {
        Self::Checks(Vec::new())
    }
}

/// One of `resources`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResourceInput<'a> {
    /// The ARN, or `*`.
    pub arn: Cow<'a, str>,
    /// `data` of this resource; overrides the shared one field by field (E-25).
    pub data: Option<Box<ResourceData<'a>>>,
    /// `context` of this resource; overrides the shared one key by key (E-25).
    pub context: Vec<(Cow<'a, str>, ContextInput<'a>)>,
}

/// One check: an action on a resource.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Check<'a> {
    /// `service:Name`.
    pub action: Cow<'a, str>,
    /// The ARN or `*`; without it the action's wildcard form.
    pub resource: Option<Cow<'a, str>>,
    /// `data`; overrides the shared one field by field (E-25).
    pub data: Option<Box<ResourceData<'a>>>,
    /// `context`; overrides the shared one key by key (E-25).
    pub context: Vec<(Cow<'a, str>, ContextInput<'a>)>,
}

/// What the caller says of a resource (F-10, `resourceData`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ResourceData<'a> {
    /// `account`: the owner (E-8a).
    pub account: Option<AccountId>,
    /// `objectOwner`: the owner of an S3 object, when not the bucket's account (E-84).
    pub object_owner: Option<AccountId>,
    /// `tags`.
    pub tags: Option<Tags<'a>>,
    /// `policy`: resource-based policies in place of the snapshot's.
    pub policy: Option<Vec<PolicyText<'a>>>,
    /// `managedByAws`: an AWS-managed KMS key (E-36).
    pub managed_by_aws: Option<bool>,
    /// `kmsGrants` (E-81).
    pub kms_grants: Option<Vec<KmsGrant<'a>>>,
    /// `publicAccessBlock` (E-86).
    pub public_access_block: Option<PublicAccessBlock>,
}

/// A grant on a KMS key (E-81): `{"grantee", "retiringPrincipal", "operations",
/// "encryptionContextEquals", "encryptionContextSubset"}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct KmsGrant<'a> {
    /// The ARN or service name of the grantee.
    pub grantee: Cow<'a, str>,
    /// The ARN or service name of the principal that may retire the grant.
    pub retiring_principal: Option<Cow<'a, str>>,
    /// The operations, such as `Decrypt`.
    pub operations: Vec<Cow<'a, str>>,
    /// The encryption context must be exactly this.
    pub encryption_context_equals: Option<Tags<'a>>,
    /// The encryption context must hold at least this.
    pub encryption_context_subset: Option<Tags<'a>>,
}

/// The block-public-access settings of a bucket or account (E-86). Absent means off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PublicAccessBlock {
    /// `blockPublicAcls`: no effect here (E-84).
    pub block_public_acls: bool,
    /// `ignorePublicAcls`: no effect here (E-84).
    pub ignore_public_acls: bool,
    /// `blockPublicPolicy`: acts when a policy is written.
    pub block_public_policy: bool,
    /// `restrictPublicBuckets`: keeps outsiders from a bucket with a public policy.
    pub restrict_public_buckets: bool,
}

/// How the request came (F-13).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network<'a> {
    /// `sourceIp`.
    pub source_ip: Option<Cow<'a, str>>,
    /// `vpcSourceIp`.
    pub vpc_source_ip: Option<Cow<'a, str>>,
    /// `vpce`: the endpoint the request came through.
    pub vpce: Option<Cow<'a, str>>,
    /// `vpc`.
    pub vpc: Option<Cow<'a, str>>,
    /// `vpceAccount`.
    pub vpce_account: Option<AccountId>,
    /// `secureTransport`.
    pub secure_transport: Option<bool>,
    /// `userAgent`.
    pub user_agent: Option<Cow<'a, str>>,
    /// `referer`.
    pub referer: Option<Cow<'a, str>>,
}

/// On whose behalf a service calls (E-16).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Source<'a> {
    /// `arn`.
    pub arn: Option<Cow<'a, str>>,
    /// `account`; the default is the ARN's account.
    pub account: Option<AccountId>,
}

/// Why a request is malformed (E-3): it has no decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestError {
    kind: RequestErrorKind,
    message: Box<str>,
    pointer: Option<Box<str>>,
}

/// The kinds of [`RequestError`]; `as_str` is the `error.code` of F-20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestErrorKind {
    /// The line is not JSON.
    JsonSyntax,
    /// A field has the wrong type or an impossible value.
    InvalidField,
    /// A field that the format does not know (F-4).
    UnknownField,
    /// The principal has no known form, or lacks or has a field against F-16.
    InvalidPrincipal,
    /// The principal does not exist in an account which the snapshot holds.
    UnknownPrincipal,
    /// The action is not `service:Name`.
    InvalidAction,
    /// The catalog does not know the action (option `strictActions`, E-5).
    UnknownAction,
    /// The resource is neither `*` nor an ARN.
    InvalidResource,
    /// Another entity that the request names does not exist: an endpoint, a session policy.
    UnknownEntity,
    /// The stated owner contradicts the snapshot or the ARN (E-8).
    ResourceAccountConflict,
    /// A derived key is contradicted (E-23), or the lists of E-122 contradict the request.
    ContextConflict,
    /// `unknown` in complete mode, or partial context in enforcement (E-120, E-122).
    ContextMode,
    /// A required resource type has no ARN (option `requireAllResources`, E-68).
    MissingResource,
    /// A limit of F-6 is exceeded.
    Limit,
    /// A fault of ours (E-59).
    Internal,
}

impl RequestErrorKind {
    /// The code of the wire format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::JsonSyntax => "json_syntax",
            Self::InvalidField => "invalid_field",
            Self::UnknownField => "unknown_field",
            Self::InvalidPrincipal => "invalid_principal",
            Self::UnknownPrincipal => "unknown_principal",
            Self::InvalidAction => "invalid_action",
            Self::UnknownAction => "unknown_action",
            Self::InvalidResource => "invalid_resource",
            Self::UnknownEntity => "unknown_entity",
            Self::ResourceAccountConflict => "resource_account_conflict",
            Self::ContextConflict => "context_conflict",
            Self::ContextMode => "context_mode",
            Self::MissingResource => "missing_resource",
            Self::Limit => "limit",
            Self::Internal => "internal",
        }
    }
}

impl RequestError {
    /// An error of a kind with a message.
    pub fn new(kind: RequestErrorKind, message: impl Into<Box<str>>) -> Self {
        Self { kind, message: message.into(), pointer: None }
    }

    /// The same error with the JSON pointer of the field it is about.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<Box<str>>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> RequestErrorKind {
        self.kind
    }

    /// What is wrong, for a person.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The JSON pointer of the field at fault, if one is.
    pub fn pointer(&self) -> Option<&str> {
        self.pointer.as_deref()
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pointer {
            Some(pointer) => write!(f, "{} at `{pointer}`", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for RequestError {}

/// Whoever answers requests: the engine, and the reference interpreter.
pub trait Authorizer {
    /// Decides one request, in full.
    ///
    /// # Errors
    /// Why the request is malformed (E-3).
    fn authorize(&self, request: &Request<'_>) -> Result<EffectiveDecision, RequestError>;
}
