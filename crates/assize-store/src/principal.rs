//! Users, groups, roles and instance profiles (I-6 – I-10).

use std::sync::Arc;

use crate::InlinePolicy;

/// A tag (I-23): the key is unique in its entity without regard to case, its spelling is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// The key.
    pub key: Box<str>,
    /// The value.
    pub value: Box<str>,
}

/// An IAM user (I-6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User<P> {
    /// The name.
    pub name: Box<str>,
    /// The path, with its slashes.
    pub path: Box<str>,
    /// The ARN.
    pub arn: Arc<str>,
    /// `AIDA…`.
    pub unique_id: Box<str>,
    /// When it was made, as the export says.
    pub created: Option<Box<str>>,
    /// Inline policies.
    pub inline: Vec<InlinePolicy<P>>,
    /// ARNs of the attached managed policies.
    pub attached: Vec<Arc<str>>,
    /// Folded names of the groups the user is in.
    pub groups: Vec<Box<str>>,
    /// ARN of the permissions boundary.
    pub boundary: Option<Arc<str>>,
    /// Tags.
    pub tags: Vec<Tag>,
}

/// A group (I-7). Never a principal (E-14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group<P> {
    /// The name.
    pub name: Box<str>,
    /// The path, with its slashes.
    pub path: Box<str>,
    /// The ARN.
    pub arn: Arc<str>,
    /// `AGPA…`.
    pub unique_id: Box<str>,
    /// When it was made, as the export says.
    pub created: Option<Box<str>>,
    /// Inline policies.
    pub inline: Vec<InlinePolicy<P>>,
    /// ARNs of the attached managed policies.
    pub attached: Vec<Arc<str>>,
}

/// A role (I-8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role<P> {
    /// The name.
    pub name: Box<str>,
    /// The path, with its slashes.
    pub path: Box<str>,
    /// The ARN.
    pub arn: Arc<str>,
    /// `AROA…`.
    pub unique_id: Box<str>,
    /// When it was made, as the export says.
    pub created: Option<Box<str>>,
    /// The trust policy; a scenario may leave it out, and then nobody is trusted.
    pub trust: Option<P>,
    /// The description.
    pub description: Option<Box<str>>,
    /// Longest session, in seconds.
    pub max_session_seconds: u32,
    /// Inline policies.
    pub inline: Vec<InlinePolicy<P>>,
    /// ARNs of the attached managed policies.
    pub attached: Vec<Arc<str>>,
    /// ARN of the permissions boundary.
    pub boundary: Option<Arc<str>>,
    /// Tags.
    pub tags: Vec<Tag>,
}

impl<P> Role<P> {
    /// Whether this is a service-linked role (E-13).
    pub fn is_service_linked(&self) -> bool {
        self.path.starts_with("/aws-service-role/")
    }
}

/// The longest session of a role whose record does not tell, in seconds (I, section 5.1).
pub const DEFAULT_MAX_SESSION_SECONDS: u32 = 3_600;

/// An instance profile (I-10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceProfile {
    /// The name.
    pub name: Box<str>,
    /// The path, with its slashes.
    pub path: Box<str>,
    /// The ARN.
    pub arn: Arc<str>,
    /// `AIPA…`.
    pub unique_id: Box<str>,
    /// Folded name of its role, if it has one (I-20).
    pub role: Option<Box<str>>,
}
