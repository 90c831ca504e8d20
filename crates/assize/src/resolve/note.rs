//! Notes and assumptions of a row.

use std::borrow::Cow;

/// What else is worth knowing of a check (E-5, E-6, E-19, E-26, E-68), and what was assumed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Notes {
    /// The catalog does not know the action (E-5).
    pub(crate) unknown_action: bool,
    /// The ARN was replaced by `*` (E-6).
    pub(crate) resource_ignored: bool,
    /// The principal's account is not in the snapshot (E-26).
    pub(crate) outside_principal: bool,
    /// Nothing tells the region (E-19).
    pub(crate) region_unknown: bool,
    /// A required resource type without a resource (E-68).
    pub(crate) missing_resource: Option<Box<str>>,
    /// Assumption: the resource belongs to the principal's account (E-8, E-9).
    pub(crate) resource_account: bool,
    /// Nothing tells to which service a role is passed, whose trust was asked for (E-96).
    pub(crate) passed_to_service_unknown: bool,
    /// Keys that `context` won over (E-23).
    pub(crate) overridden: Vec<Box<str>>,
}

impl Notes {
    /// The notes by their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = Cow<'static, str>> + '_ {
        let flags = [
            (self.outside_principal, "outside_principal"),
            (self.passed_to_service_unknown, "passed_to_service_unknown"),
            (self.region_unknown, "region_unknown"),
            (self.resource_ignored, "resource_ignored"),
            (self.unknown_action, "unknown_action"),
        ];
        let missing =
            self.missing_resource.iter().map(|name| format!("missing_resource:{name}").into());
        let overridden = self.overridden.iter().map(|key| format!("context_override:{key}").into());
        flags
            .into_iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| name.into())
            .chain(missing)
            .chain(overridden)
    }

    /// Whether there is nothing to say.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
