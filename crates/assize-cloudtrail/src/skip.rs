//! Records that are no requests.

/// Why a record gives no request (F-51 – F-53, F-56).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// It records no authorized call: a sign-in, an event of a service, a digest (F-51).
    NotAnAuthorization,
    /// The same event was read before (F-51).
    Duplicate,
    /// An event of a network endpoint, whose call has a record of its own (F-51).
    NetworkActivity,
    /// No action is known for the call (F-52).
    NoAction,
    /// The caller cannot be told (F-53).
    UnknownPrincipal,
    /// The caller is of a kind that IAM policies do not know (F-53).
    UnsupportedPrincipal,
    /// The resource of the call cannot be told (F-56).
    ResourceUnknown,
    /// It is no record: what stands there cannot be read (C-25).
    Malformed,
}

impl SkipReason {
    /// All reasons, in the order of the rules.
    pub const ALL: [Self; 8] = [
        Self::NotAnAuthorization,
        Self::Duplicate,
        Self::NetworkActivity,
        Self::NoAction,
        Self::UnknownPrincipal,
        Self::UnsupportedPrincipal,
        Self::ResourceUnknown,
        Self::Malformed,
    ];

    /// The word of the wire format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAnAuthorization => "not_an_authorization",
            Self::Duplicate => "duplicate",
            Self::NetworkActivity => "network_activity",
            Self::NoAction => "no_action",
            Self::UnknownPrincipal => "unknown_principal",
            Self::UnsupportedPrincipal => "unsupported_principal",
            Self::ResourceUnknown => "resource_unknown",
            Self::Malformed => "malformed",
        }
    }
}

/// What a request rests on beside its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Note {
    /// The call is in no map; the action is named after it (F-52).
    UnknownOperation,
    /// A role credential without a session name (F-53).
    NoSessionName,
    /// The resource is taken to belong to the account whose log it is (F-56).
    ResourceAccount,
    /// The resource was read out of the error message (F-56).
    ResourceFromMessage,
    /// How the session was made is not in the log: its tags are unknown, and the request has no
    /// session policy (F-54).
    SessionUnknown,
    /// Its parameters come from an export without quotes: a value that holds what looks like
    /// another parameter would be read as two.
    ParametersUnquoted,
}

impl Note {
    /// All notes.
    pub const ALL: [Self; 6] = [
        Self::UnknownOperation,
        Self::NoSessionName,
        Self::ResourceAccount,
        Self::ResourceFromMessage,
        Self::SessionUnknown,
        Self::ParametersUnquoted,
    ];

    /// The word of the wire format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownOperation => "unknown_operation",
            Self::NoSessionName => "no_session_name",
            Self::ResourceAccount => "resource_account",
            Self::ResourceFromMessage => "resource_from_message",
            Self::SessionUnknown => "session_unknown",
            Self::ParametersUnquoted => "parameters_unquoted",
        }
    }
}
