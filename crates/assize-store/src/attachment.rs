//! Policy documents and how they are held: inline, managed, and by reference.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use assize_model::PolicyType;

/// A policy document on its way into the store: text and origin, not yet numbered.
///
/// Facts are generic over how they hold documents: `DocumentText` in a
/// [`StoreChange`](crate::StoreChange), [`PolicyId`](assize_model::PolicyId) in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentText {
    /// The JSON text, decoded (I-42). It may be anything: whether it is a policy is the policy
    /// library's business, and what is none is poison (L-005).
    pub text: Arc<str>,
    /// Where it came from, for messages.
    pub origin: Option<Arc<Origin>>,
}

impl DocumentText {
    /// A document of no known origin.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), origin: None }
    }
}

/// The text of a document that was given as a JSON tree, and the points behind each change in it,
/// as byte offsets in the new text and the old.
///
/// IAM holds everything beyond U+00FF as `\\uXXXX` escapes (L-102), and printers of JSON, the AWS
/// CLI's among them, write such characters out. A tree is the same either way, so the escapes are
/// put back; a text that was given as a text stays as it is.
pub fn tree_text(text: &str) -> (Cow<'_, str>, Vec<(usize, usize)>) {
    if text.is_ascii() {
        return (Cow::Borrowed(text), Vec::new());
    }
    let (mut written, mut points) = (String::with_capacity(text.len()), Vec::new());
    for (at, c) in text.char_indices() {
        if c <= '\u{ff}' {
            written.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(written, "\\u{unit:04x}");
        }
        points.push((written.len(), at + c.len_utf8()));
    }
    (Cow::Owned(written), points)
}

/// The file a document came from and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file's name as the importer was given it.
    pub file: Arc<str>,
    /// Points of the document's text and the same points in the file, rising. A document that
    /// stands in its file as it is has one anchor, at 0; one that was rewritten (YAML,
    /// percent-encoded) has one for each element that can be found again.
    pub anchors: Box<[SourceAnchor]>,
    /// Whether the text between anchors stands in the file character by character.
    pub verbatim: bool,
}

/// One point of a document and the same point in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceAnchor {
    /// Byte offset in the document's text.
    pub text: u32,
    /// Byte offset in the file.
    pub file: u32,
    /// Line in the file, from 1.
    pub line: u32,
    /// Column in the file, from 1, in characters.
    pub column: u32,
}

/// A document of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its name in statement references (E-101), without the layer's prefix for boundaries and
    /// session policies: the ARN of a managed policy, `inline:user/NAME/POLICY`,
    /// `trust:ROLE-ARN`, `resource:ARN#n`, `scp:p-…`, `rcp:p-…`, `vpce:ID`.
    pub reference: Box<str>,
    /// The type to load it as. Managed policies are `ManagedIdentity` wherever they are used: as
    /// boundary and session policy the language is the same (L-208).
    pub policy_type: PolicyType,
    /// For resource-based policies, the service of the resource; for endpoint policies nothing.
    pub service: Option<Box<str>>,
    /// For policies of APIs, the ARN that they are attached to (L-231).
    pub api: Option<Box<str>>,
    /// For endpoint policies, whether the endpoint is a gateway (L-216).
    pub gateway: bool,
    /// The text; none for a reference that nothing resolves, which is poison (E-112, I-44).
    pub text: Option<Arc<str>>,
    /// Where it came from.
    pub origin: Option<Arc<Origin>>,
}

/// An inline policy of a user, group or role (I-14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlinePolicy<P> {
    /// Its name, unique in its entity.
    pub name: Box<str>,
    /// The document.
    pub document: P,
}

/// A managed policy (I-9): customer-managed in an account, or AWS-managed in the partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedPolicy<P> {
    /// The ARN, path included.
    pub arn: Arc<str>,
    /// The name.
    pub name: Box<str>,
    /// The path.
    pub path: Box<str>,
    /// `ANPA…`.
    pub unique_id: Option<Box<str>>,
    /// Versions in rising order; at least one.
    pub versions: Vec<PolicyVersion<P>>,
    /// Position in `versions` of the default version, the only one that is evaluated (I-18).
    pub default_version: usize,
    /// When it was made, as the export says.
    pub created: Option<Box<str>>,
    /// The description.
    pub description: Option<Box<str>>,
    /// Tags.
    pub tags: Vec<crate::Tag>,
}

/// One version of a managed policy (I-18).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion<P> {
    /// `v1`, `v2`, ….
    pub id: Box<str>,
    /// The document.
    pub document: P,
    /// When it was made, as the export says.
    pub created: Option<Box<str>>,
}

impl<P> ManagedPolicy<P> {
    /// The document that is evaluated (I-18).
    pub fn default_document(&self) -> Option<&P> {
        self.versions.get(self.default_version).map(|version| &version.document)
    }
}
