//! The typed intermediate representation: what a policy document says, without its text.
//!
//! Lowering has resolved everything that depends on the text alone: defaults, single values
//! against lists, version-dependent variables (L-502), padded ARNs (L-235), typed operands
//! (L-615 – L-621), account ids as principals (L-312). What depends on a request (variables,
//! the width of a star next to one) is left to whoever evaluates.

mod display;

use std::net::IpAddr;

use assize_model::{AccountId, ConditionKey, Effect, PolicyType};

/// A policy document that loads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    /// The type it was loaded as.
    pub policy_type: PolicyType,
    /// Its statements, in the order of the text.
    pub statements: Vec<Statement>,
}

/// One statement. It matches a check when all of its parts do (L-241).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Statement {
    /// `Sid`, when not empty. It never affects a match (L-127).
    pub sid: Option<Box<str>>,
    /// `Effect`.
    pub effect: Effect,
    /// `Principal` or `NotPrincipal`.
    pub principal: PrincipalElement,
    /// `Action` or `NotAction`.
    pub action: ActionElement,
    /// `Resource` or `NotResource`.
    pub resource: ResourceElement,
    /// `Condition`: one test for each operator and key, all of which must hold (L-602).
    pub conditions: Vec<Condition>,
}

/// Whom a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PrincipalElement {
    /// The policy type carries no principal: the part is true (L-241).
    Unspecified,
    /// `Principal`: the union of the entries (L-301). Empty: nobody (L-305).
    Principal(Vec<PrincipalPattern>),
    /// `NotPrincipal` (L-331 – L-334).
    NotPrincipal(Vec<PrincipalPattern>),
}

/// One entry of a principal element (L, section 3.1). Compared case-sensitively.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PrincipalPattern {
    /// P1: `"*"` or `{"AWS": "*"}`.
    Everyone,
    /// P2 (no partition: any) and P3: every principal of an account.
    Account {
        /// P3 names a partition (L-313).
        partition: Option<Box<str>>,
        /// The account.
        account: AccountId,
    },
    /// P2 and P3 in the policy of a gateway endpoint: the root user alone (L-216).
    AccountRoot {
        /// P3 names a partition (L-313).
        partition: Option<Box<str>>,
        /// The account.
        account: AccountId,
    },
    /// P4: the ARN of a user, compared as a whole (L-314).
    User(Box<str>),
    /// P5: the ARN of a role, path included: the role and every session of it (L-315).
    Role(Box<str>),
    /// P6: the ARN of one role session, compared as a whole (L-315).
    RoleSession(Box<str>),
    /// P7: the ARN of one GetFederationToken session.
    FederatedUser(Box<str>),
    /// P8: the unique id of a user (`AIDA…`) or role (`AROA…`).
    UniqueId(Box<str>),
    /// P9: the ARN of an origin access identity.
    Oai(Box<str>),
    /// P10: the name of a service principal, compared exactly (L-316).
    Service(Box<str>),
    /// P11 and P12: the ARN or built-in name of an identity provider.
    Provider(Box<str>),
    /// P13: a canonical user id.
    CanonicalUser(Box<str>),
    /// An entry that can match nobody: `Federated` outside trust policies (L-317).
    Nobody,
}

/// Which actions a statement is about (L-224).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ActionElement {
    /// `NotAction`: true when no pattern matches.
    pub negated: bool,
    /// The patterns. An empty list matches nothing (L-203).
    pub patterns: Vec<ActionPattern>,
}

/// An action pattern (L-221, L-222), in ASCII lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActionPattern {
    /// `*` alone: every action.
    Any,
    /// `vendor:name`.
    Named {
        /// The service prefix, without wildcards.
        vendor: Box<str>,
        /// The name, in which `*` and `?` are wildcards.
        name: Box<str>,
    },
}

/// Which resources a statement is about (L-237).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ResourceElement {
    /// The part is true: trust policies (L-206) and resource policies without the element (L-205).
    Unspecified,
    /// `Resource`: true when some entry matches.
    Resource(Vec<ResourcePattern>),
    /// `NotResource`: true when no entry matches.
    NotResource(Vec<ResourcePattern>),
}

/// One entry of `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ResourcePattern {
    /// `*` alone: every resource, and the resource `*` of actions that take none (L-238).
    Any,
    /// An entry that matches no resource, as it is written.
    Nothing(Box<str>, MatchesNothing),
    /// An ARN pattern.
    Arn(ArnPattern),
}

/// Why an entry of `Resource` or `NotResource` matches nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchesNothing {
    /// It has too few segments (L-235).
    TooShort,
    /// Its resource segment is empty (L-232).
    NoResource,
    /// A variable in it cannot be read (L-504 on import).
    Unreadable,
}

/// An ARN pattern, segment by segment, padded to six (L-235). The literal `arn` is left out.
///
/// Whether a `*` of the header crosses colons depends on its being the last character of its
/// segment *after* substitution (L-411); see [`Piece::Star`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArnPattern {
    /// Partition, service, region, account, resource.
    pub segments: [Vec<Piece>; 5],
}

/// A piece of a text pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// Characters that match themselves; neither empty nor next to another literal.
    Literal(Box<str>),
    /// `*`: any run of characters. In the header segments of an ARN pattern (all but the last)
    /// a star that ends its segment after substitution is wide and may cross colons; others may
    /// not (L-411).
    Star,
    /// `?`: one character; in a header segment not a colon.
    One,
    /// `${key}`: replaced by literal text (L-507) before matching.
    Variable(PolicyVariable),
}

/// A policy variable (L-503).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PolicyVariable {
    /// The condition key.
    pub key: ConditionKey,
    /// The text that stands in when the key is absent or its value is empty (L-508).
    pub default: Option<Box<str>>,
}

/// One test of a condition block: an operator, a key and values (L-602).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    /// `ForAllValues` or `ForAnyValue`.
    pub qualifier: Option<SetQualifier>,
    /// The base operator.
    pub operator: ConditionOperator,
    /// `…IfExists`.
    pub if_exists: bool,
    /// The key.
    pub key: ConditionKey,
    /// The values, typed by the class of the operator.
    pub operand: Operand,
    /// The texts of those of the values that cannot be read, in their order (L-622).
    pub unread: Box<[Box<str>]>,
}

/// The set prefix of an operator (L-612).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetQualifier {
    /// `ForAllValues:`
    ForAllValues,
    /// `ForAnyValue:`
    ForAnyValue,
}

macro_rules! operators {
    ($($(#[$doc:meta])* $name:ident negated $negated:literal,)+) => {
        /// The base operators of L-604.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ConditionOperator { $($(#[$doc])* $name,)+ }

        impl ConditionOperator {
            /// All operators.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The canonical spelling.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// Whether the operator is a negation (`…Not…`): true when no value matches (L-602).
            pub const fn is_negated(self) -> bool {
                match self { $(Self::$name => $negated,)+ }
            }
        }
    };
}

operators! {
    /// Text equality.
    StringEquals negated false,
    /// Negation of `StringEquals`.
    StringNotEquals negated true,
    /// Text equality without regard to case (L-614).
    StringEqualsIgnoreCase negated false,
    /// Negation of `StringEqualsIgnoreCase`.
    StringNotEqualsIgnoreCase negated true,
    /// Wildcard match.
    StringLike negated false,
    /// Negation of `StringLike`.
    StringNotLike negated true,
    /// Equal numbers.
    NumericEquals negated false,
    /// Negation of `NumericEquals`.
    NumericNotEquals negated true,
    /// Less than.
    NumericLessThan negated false,
    /// Less than or equal.
    NumericLessThanEquals negated false,
    /// Greater than.
    NumericGreaterThan negated false,
    /// Greater than or equal.
    NumericGreaterThanEquals negated false,
    /// Equal instants.
    DateEquals negated false,
    /// Negation of `DateEquals`.
    DateNotEquals negated true,
    /// Before.
    DateLessThan negated false,
    /// Before or at.
    DateLessThanEquals negated false,
    /// After.
    DateGreaterThan negated false,
    /// After or at.
    DateGreaterThanEquals negated false,
    /// Equal booleans.
    Bool negated false,
    /// Equal bytes.
    BinaryEquals negated false,
    /// Address inside a block.
    IpAddress negated false,
    /// Negation of `IpAddress`.
    NotIpAddress negated true,
    /// ARN match; wildcards as in `ArnLike` (L-620).
    ArnEquals negated false,
    /// Negation of `ArnEquals`.
    ArnNotEquals negated true,
    /// ARN match, segment by segment.
    ArnLike negated false,
    /// Negation of `ArnLike`.
    ArnNotLike negated true,
    /// Whether the key is absent (L-611).
    Null negated false,
}

/// The values of a test. `None` is a value that cannot be read: it equals nothing (L-622).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operand {
    /// String and Arn operators. `None`: a malformed variable makes the value unresolved (L-504).
    /// Pieces are `Star` and `One` only where the operator has wildcards (`StringLike`, Arn);
    /// an empty list of pieces is the empty string. Arn values are substituted as a whole and
    /// only then split at colons (L-511).
    Text(Vec<Option<Vec<Piece>>>),
    /// Numeric operators (L-615).
    Number(Vec<Option<Decimal>>),
    /// Date operators: seconds since the epoch (L-616).
    Date(Vec<Option<i64>>),
    /// `Bool` and `Null` (L-617, L-621).
    Bool(Vec<Option<bool>>),
    /// `BinaryEquals`: decoded bytes (L-618).
    Binary(Vec<Option<Box<[u8]>>>),
    /// IP operators (L-619).
    Ip(Vec<Option<IpBlock>>),
}

/// An exact decimal number (L-615): ±0.DIGITS × 10^exponent, digits without leading and trailing
/// zeros; zero has no digits, no sign and exponent 0. So equal numbers are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// Below zero.
    pub negative: bool,
    /// Significant digits, `0` to `9` in ASCII.
    pub digits: Box<str>,
    /// The power of ten.
    pub exponent: i32,
}

/// A block of IP addresses (L-619): host bits cleared, IPv4-mapped IPv6 turned into IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpBlock {
    /// The first address.
    pub address: IpAddr,
    /// The number of leading bits that count.
    pub prefix_len: u8,
}
