//! What importers and commits have to say.

use std::fmt;
use std::sync::Arc;

use assize_model::SourceSpan;

/// How much a [`Diagnostic`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiagnosticLevel {
    /// The record was left out.
    Error,
    /// The record was taken; a decision may differ from AWS's.
    Warning,
    /// Worth knowing.
    Note,
}

impl DiagnosticLevel {
    /// `error`, `warning` or `note`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for DiagnosticLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! diagnostic_codes {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)+) => {
        /// What a [`Diagnostic`] is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum DiagnosticCode { $($(#[$doc])* $variant,)+ }

        impl DiagnosticCode {
            /// The code as it is printed.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

diagnostic_codes! {
    /// The file is not JSON, or was cut off.
    InvalidJson = "invalid_json",
    /// The file is longer than 4 GiB.
    FileTooLarge = "file_too_large",
    /// Nothing in the file tells what it is.
    UnknownKind = "unknown_kind",
    /// A member is missing, of the wrong type, or not what it should be.
    InvalidRecord = "invalid_record",
    /// A record of another account than the one asked for (I-41).
    OtherAccount = "other_account",
    /// The file holds records of several accounts (I-41).
    MixedAccounts = "mixed_accounts",
    /// Two records of one kind whose names are equal without regard to case (I-12).
    DuplicateName = "duplicate_name",
    /// A unique id that is missing, malformed or used twice; one was made (F-49).
    UniqueIdReplaced = "unique_id_replaced",
    /// Two records of one object that contradict each other, such as two parents of an account
    /// (I-17). The first is taken.
    ConflictingRecords = "conflicting_records",
    /// `DefaultVersionId` and `IsDefaultVersion` disagree (I, section 5.1).
    DefaultVersionConflict = "default_version_conflict",
    /// A user in a group that the file does not hold.
    UnknownGroup = "unknown_group",
    /// The last page says that more follow (I-41). An account file is taken as it is; a list of
    /// an organization or of endpoints is an error, for what is missing may deny.
    TruncatedExport = "truncated_export",
    /// A managed policy that is referenced and nowhere to be found (I-44): poison (E-112).
    UnresolvedPolicy = "unresolved_policy",
    /// A document that does not load (L-005): poison where it applies (E-112).
    InvalidPolicy = "invalid_policy",
    /// A resource whose ARN ends in a wildcard, which is the ARN of none.
    WildcardResource = "wildcard_resource",
    /// A policy that is said of nothing it is meant for (E-33): that of a vault that no recovery point
    /// names, or of which there is no record, and that of a service network of VPC Lattice.
    UnheardPolicy = "unheard_policy",
    /// An AWS-managed policy that was taken from the built-in library (I-44).
    BundledPolicy = "bundled_policy",
    /// A record without `MaxSessionDuration`: the default was taken (I, section 5.1).
    DefaultSessionDuration = "default_session_duration",
    /// A document or list beyond a quota (I-24, I-26).
    QuotaExceeded = "quota_exceeded",
    /// Members that this version does not read (I-40).
    UnknownFields = "unknown_fields",
    /// A node of the organization whose attachments no file gives (I-46).
    MissingAttachments = "missing_attachments",
    /// A node that policies are attached to and that the files give no place in the tree (I-17).
    MissingNode = "missing_node",
    /// `RCPFullAWSAccess` was attached where it was missing (E-36).
    RcpFullAccessAdded = "rcp_full_access_added",
    /// The files do not make an organization.
    IncompleteOrganization = "incomplete_organization",
}

impl fmt::Display for DiagnosticCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something an importer or a commit noticed (I-40).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it matters.
    pub level: DiagnosticLevel,
    /// What it is about.
    pub code: DiagnosticCode,
    /// The sentence for a person.
    pub message: Box<str>,
    /// What it is about, when that has a name: an ARN, a member's name. Two diagnostics of one
    /// code and subject say the same, such as an unresolved policy that both the importer and
    /// the commit name.
    pub subject: Option<Box<str>>,
    /// The file.
    pub file: Option<Arc<str>>,
    /// Where in it, as a JSON pointer.
    pub pointer: Option<Box<str>>,
    /// Where in it, as bytes, lines and columns.
    pub span: Option<SourceSpan>,
}

impl Diagnostic {
    pub(crate) fn new(
        level: DiagnosticLevel,
        code: DiagnosticCode,
        message: impl fmt::Display,
    ) -> Self {
        let message = message.to_string().into();
        Self { level, code, message, subject: None, file: None, pointer: None, span: None }
    }

    pub(crate) fn about(mut self, subject: &str) -> Self {
        self.subject = Some(subject.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
            if let Some(span) = &self.span {
                write!(f, "{}:{}:", span.line, span.column)?;
            }
            f.write_str(" ")?;
        }
        write!(f, "{}[{}]: {}", self.level, self.code, self.message)
    }
}
