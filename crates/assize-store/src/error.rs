//! Why a change was refused.

use std::fmt;

/// A change that was not applied: the store is as it was before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: Box<str>,
}

/// Which invariant of the store a change would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A name of the wrong length or with other characters (I-3, I-5, I-12).
    Name,
    /// A name that differs from another one of its kind in case alone, or a map key that is not
    /// the folded name (I-12).
    NameTaken,
    /// A path that does not begin and end with `/`, is too long, or has other characters (I-13).
    Path,
    /// An inline policy name (I-14).
    PolicyName,
    /// An inline policy name that its entity has twice (I-14).
    PolicyNameTaken,
    /// An account alias (I-15).
    Alias,
    /// An account alias of another account (I-15).
    AliasTaken,
    /// A unique id of no known form (I-16).
    UniqueId,
    /// A unique id that another entity has (I-16).
    UniqueIdTaken,
    /// An ARN that is none, or that contradicts account, path and name.
    Arn,
    /// A canonical user id that is not 64 hex digits (I-4).
    CanonicalId,
    /// A tag (I-23).
    Tag,
    /// An account that the store does not hold.
    NoSuchAccount,
    /// Something to remove that the store does not hold.
    NoSuchEntity,
    /// A group that the account does not have.
    NoSuchGroup,
    /// A role that the account does not have.
    NoSuchRole,
    /// A group with members, or a role in an instance profile, that was to be removed.
    InUse,
    /// An attachment or boundary of another account's policy (I-19).
    ForeignPolicy,
    /// A managed policy without versions, with ids that do not rise, or without exactly one
    /// default (I-18).
    PolicyVersion,
    /// An organization id, root id or OU id (I-2, I-3).
    OrganizationId,
    /// A tree that is none: no root, two roots, an unknown parent, a cycle, an account above
    /// something (I-17).
    Tree,
    /// OUs nested deeper than [`MAX_OU_DEPTH`](crate::MAX_OU_DEPTH) (I-17).
    TreeDepth,
    /// An account in two organizations (I-17).
    AccountTaken,
    /// An attached organization policy that the organization does not have (I-5).
    NoSuchPolicy,
    /// An SCP attached as RCP, or the other way round (I-5).
    PolicyType,
    /// An owner that contradicts the resource's ARN (E-8).
    ResourceAccount,
    /// More documents than there are policy ids.
    TooManyDocuments,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string().into() }
    }

    /// Which invariant the change would break.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}
