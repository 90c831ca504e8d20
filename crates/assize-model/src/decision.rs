//! Decisions and everything that is said about them (evaluation, section 6; F-20).

use std::fmt;

use crate::{AccountId, RequestContext};

/// What a statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// `Allow`.
    Allow,
    /// `Deny`.
    Deny,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All values, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word of the wire format.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value of a word of the wire format.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// The answer to a request (evaluation, section 4).
    Decision {
        /// Every check is allowed.
        Allowed = "Allowed",
        /// A statement denies.
        ExplicitDeny = "ExplicitDeny",
        /// Nothing allows.
        ImplicitDeny = "ImplicitDeny",
        /// It depends on context that the request does not tell (partial context only).
        Indeterminate = "Indeterminate",
    }
}

impl Decision {
    /// Whether the request may go through. Everything else is refused (E-132).
    pub fn is_allowed(self) -> bool {
        self == Self::Allowed
    }
}

words! {
    /// What one kind of policy says of one check (E-30 – E-34). The first seven are in the order
    /// in which denies are reported (E-50).
    Layer {
        /// Resource control policies.
        ResourceControl = "rcp",
        /// Service control policies.
        ServiceControl = "scp",
        /// The policy of the VPC endpoint.
        VpcEndpoint = "vpce",
        /// Resource-based policies, trust policies and KMS grants.
        Resource = "resource",
        /// Identity policies, inline and managed, of groups too.
        Identity = "identity",
        /// The permissions boundary.
        Boundary = "boundary",
        /// Session policies.
        Session = "session",
        /// The powers of a root user.
        Root = "root",
        /// Rules of a service.
        Service = "service",
        /// Rules of IAM and STS themselves.
        Builtin = "builtin",
    }
}

words! {
    /// What a layer says.
    Verdict {
        /// The layer does not apply.
        NotApplicable = "NotApplicable",
        /// Some statement allows, none denies.
        Allow = "Allow",
        /// No statement allows, none denies.
        ImplicitDeny = "ImplicitDeny",
        /// Some statement denies.
        ExplicitDeny = "ExplicitDeny",
    }
}

words! {
    /// Why (E-105).
    ReasonCode {
        /// Policies allow.
        Allow = "allow",
        /// It depends on context that is not known.
        MissingContext = "missing_context",
        /// A change set took the principal away (F-73).
        PrincipalRemoved = "principal_removed",
        /// A statement denies.
        ExplicitDeny = "explicit_deny",
        /// A document of the layer did not load (E-112).
        InvalidPolicy = "invalid_policy",
        /// No statement of the layer allows.
        NoAllow = "no_allow",
        /// A root user may.
        Root = "root",
        /// Everyone may.
        BuiltinAllow = "builtin_allow",
        /// Not with temporary credentials (E-71).
        TemporaryCredentials = "temporary_credentials",
        /// Not in a session of this kind (E-72).
        SessionKind = "session_kind",
        /// Not by a principal of this kind (E-73).
        PrincipalKind = "principal_kind",
        /// Nobody may change this (E-74).
        Unmodifiable = "unmodifiable",
        /// Principal and resource are in different partitions.
        PartitionMismatch = "partition_mismatch",
        /// Nobody knows who owns the resource (E-9).
        UnknownResourceAccount = "unknown_resource_account",
        /// The action does not take a resource of this type (E-7).
        ResourceTypeMismatch = "resource_type_mismatch",
        /// An access point for one VPC only (E-85).
        NetworkOrigin = "network_origin",
        /// Block public access (E-86).
        BlockPublicAccess = "block_public_access",
        /// A role of another account cannot be passed (E-96).
        CrossAccountPassRole = "cross_account_pass_role",
        /// A condition of AssumeRoot is not met (E-94).
        AssumeRoot = "assume_root",
    }
}

words! {
    /// Whose policies allow (F-21).
    AllowedBy {
        /// The principal's own.
        Identity = "identity",
        /// The resource's.
        Resource = "resource",
        /// Both together.
        IdentityAndResource = "identity+resource",
        /// The powers of a root user.
        Root = "root",
        /// A rule of STS itself.
        Builtin = "builtin",
    }
}

words! {
    /// How closely a resource-based statement names the principal (E-40), weakest first.
    Strength {
        /// The account of the principal.
        Account = "account",
        /// The role of a session, or the user behind a federated session.
        Entity = "entity",
        /// The principal itself, or everyone.
        Direct = "direct",
    }
}

/// Where a statement stands in its source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceSpan {
    /// Byte offset of the first character.
    pub start: u32,
    /// Byte offset behind the last character.
    pub end: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column of the end.
    pub end_column: u32,
}

/// One statement of one policy (E-101).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementRef {
    /// The policy, by the forms of E-101: an ARN, `inline:user/NAME/POLICY`, `scp:p-…`, ….
    pub policy: Box<str>,
    /// The position of the statement, from 0; none for a document that does not load and for a
    /// KMS grant.
    pub statement: Option<u32>,
    /// Its `Sid`, if any.
    pub sid: Option<Box<str>>,
    /// Its effect.
    pub effect: Option<Effect>,
    /// The node an SCP or RCP is attached to.
    pub node: Option<Box<str>>,
    /// For resource-based statements, how closely the principal is named.
    pub strength: Option<Strength>,
    /// The file the policy came from.
    pub source: Option<Box<str>>,
    /// Where in that file.
    pub span: Option<SourceSpan>,
}

/// The verdict of one node of a path (E-35).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeVerdict {
    /// The id of the root, OU or account.
    pub node: Box<str>,
    /// What its policies say.
    pub verdict: Verdict,
}

/// What one layer says of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerResult {
    /// The layer.
    pub layer: Layer,
    /// Its verdict.
    pub verdict: Verdict,
    /// The Allow statements that apply, in the order of E-102.
    pub allows: Vec<StatementRef>,
    /// The Deny statements that apply, in the order of E-102; documents that do not load first
    /// among those of equal policy id.
    pub denies: Vec<StatementRef>,
    /// For SCPs and RCPs, node by node from the root down.
    pub nodes: Vec<NodeVerdict>,
    /// An implicit deny that had no effect (E-53).
    pub bypassed: bool,
}

/// The three flags of E-45: how resource-based Allow statements name the principal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grant {
    /// Rd.
    pub direct: bool,
    /// Re.
    pub entity: bool,
    /// Ra.
    pub account: bool,
}

/// One bound of a decision in partial context (E-127).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The decision.
    pub decision: Decision,
    /// Its decisive layer.
    pub layer: Layer,
    /// Its reason.
    pub reason: ReasonCode,
}

/// Both bounds of a decision in partial context (E-127).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Every unknown against the request.
    pub worst: Bound,
    /// Every unknown for the request.
    pub best: Bound,
}

/// What decided (F-20 `decisive`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decisive {
    /// The check, from 0 (E-67).
    pub check: u32,
    /// The layer.
    pub layer: Layer,
    /// The reason.
    pub reason: ReasonCode,
    /// Whose policies allow, when allowed (F-21).
    pub allowed_by: Option<AllowedBy>,
    /// The statements (E-102).
    pub statements: Vec<StatementRef>,
}

/// Everything about one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckDecision {
    /// The action, in the catalog's spelling when it is known (E-4).
    pub action: Box<str>,
    /// The resource, as evaluated (E-6).
    pub resource: Box<str>,
    /// The principal's account.
    pub principal_account: Option<AccountId>,
    /// The resource's account (E-8).
    pub resource_account: Option<AccountId>,
    /// Whether the accounts differ (E-55).
    pub cross_account: bool,
    /// Whether the resource's own policy must speak (E-57).
    pub gated: bool,
    /// The decision.
    pub decision: Decision,
    /// Its decisive layer.
    pub layer: Layer,
    /// Its reason.
    pub reason: ReasonCode,
    /// Whose policies allow, when allowed (F-21).
    pub allowed_by: Option<AllowedBy>,
    /// The decisive statements (E-102).
    pub statements: Vec<StatementRef>,
    /// Both bounds, when they differ (partial context).
    pub bounds: Option<Bounds>,
    /// The unknown keys the decision hangs on (E-129).
    pub depends_on: Vec<Box<str>>,
    /// How resource-based statements name the principal.
    pub grant: Grant,
    /// The layers, in the order of [`Layer`].
    pub layers: Vec<LayerResult>,
    /// The layers that would have to change for Allowed.
    pub would_allow: Vec<Layer>,
    /// Keys that statements asked for and the context lacks (E-104).
    pub missing_context_keys: Vec<Box<str>>,
    /// What the conditions saw.
    pub context: RequestContext,
}

/// Everything about one request (E-100).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveDecision {
    /// The decision.
    pub decision: Decision,
    /// What decided.
    pub decisive: Decisive,
    /// Both bounds, when they differ (partial context).
    pub bounds: Option<Bounds>,
    /// The unknown keys the decision hangs on (E-129).
    pub depends_on: Vec<Box<str>>,
    /// Check by check.
    pub checks: Vec<CheckDecision>,
    /// All missing keys, sorted by folded name (E-104).
    pub missing_context_keys: Vec<Box<str>>,
    /// What was assumed, sorted.
    pub assumptions: Vec<Box<str>>,
    /// What else is worth knowing, sorted.
    pub notes: Vec<Box<str>>,
    /// The sentence AWS services print (E-106); empty when allowed.
    pub message: Box<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for layer in Layer::ALL {
            assert_eq!(Layer::from_word(layer.as_str()), Some(*layer));
        }
        for reason in ReasonCode::ALL {
            assert_eq!(ReasonCode::from_word(reason.as_str()), Some(*reason));
        }
        assert_eq!(Decision::from_word("allowed"), None);
    }

    #[test]
    fn hot_types_are_one_byte() {
        assert_eq!(size_of::<Decision>(), 1);
        assert_eq!(size_of::<Layer>(), 1);
        assert_eq!(size_of::<ReasonCode>(), 1);
    }
}
