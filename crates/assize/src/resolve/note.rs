//! Notes and assumptions of a row.

use std::borrow::Cow;

/// The names of the notes that say no more than their names.
pub(crate) const FLAG_NAMES: [&str; 5] = [
    "outside_principal",
    "passed_to_service_unknown",
    "region_unknown",
    "resource_ignored",
    "unknown_action",
];

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
    /// That assumption is about a resource that nobody declared (E-9).
    pub(crate) is_undeclared: bool,
    /// Assumption: the role of the caller has no path (E-11).
    pub(crate) role_path: bool,
    /// Assumption: the request came through no VPC endpoint (E-121).
    pub(crate) no_endpoint: bool,
    /// Nothing states whether the transport was secure, which it is taken to be (E-121).
    pub(crate) secure_transport: bool,
    /// Nothing tells to which service a role is passed, whose trust was asked for (E-96).
    pub(crate) passed_to_service_unknown: bool,
    /// Keys that `context` won over (E-23).
    pub(crate) overridden: Vec<Box<str>>,
}

impl Notes {
    /// The notes by their names.
    pub(crate) fn names(&self) -> impl Iterator<Item = Cow<'static, str>> + '_ {
        let flags = self.flags().into_iter().zip(FLAG_NAMES);
        let flags = flags.filter(|(set, _)| *set).map(|(_, name)| name.into());
        flags.chain(self.long_names())
    }

    /// The notes of [`FLAG_NAMES`].
    pub(crate) fn flags(&self) -> [bool; FLAG_NAMES.len()] {
        [
            self.outside_principal,
            self.passed_to_service_unknown,
            self.region_unknown,
            self.resource_ignored,
            self.unknown_action,
        ]
    }

    /// The names of the other notes.
    pub(crate) fn long_names(&self) -> impl Iterator<Item = Cow<'static, str>> + '_ {
        let missing =
            self.missing_resource.iter().map(|name| format!("missing_resource:{name}").into());
        let overridden = self.overridden.iter().map(|key| format!("context_override:{key}").into());
        missing.chain(overridden)
    }

    /// Whether there is nothing to say.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
