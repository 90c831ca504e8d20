//! The AWS-managed policies, and the policies that are part of AWS itself.
//!
//! # Layout
//! The body of their data file ([`crate::snapshot`] describes the frame) holds the date (length
//! and text), the number of policies, and for each of them in byte order of the names: name,
//! path (length and text; an empty path says that the ARN is not known), version number, creation
//! and update times (length and text; empty when not known), whether it is deprecated, and the
//! length of its document. All documents follow, in the same order.

use std::collections::BTreeMap;
use std::ops::Range;
#[cfg(feature = "bundled")]
use std::sync::{Arc, OnceLock};

use crate::Error;
use crate::snapshot::{Reader, Writer, open, seal};

/// The format version of managed-policy data files.
pub const MANAGED_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"ASZMNGPL";

/// What the ARNs of AWS-managed policies begin with; path and name follow.
const ARN_HEAD: &str = "arn:aws:iam::aws:policy";

/// A policy that AWS defines and that cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltinPolicy {
    /// The id, such as `p-FullAWSAccess`.
    pub id: &'static str,
    /// The name.
    pub name: &'static str,
    /// The ARN in partition `aws`.
    pub arn: &'static str,
    /// The document.
    pub document: &'static str,
}

/// The SCP that AWS attaches everywhere when SCPs are enabled, and that may be detached (E-35).
pub const FULL_AWS_ACCESS: BuiltinPolicy = BuiltinPolicy {
    id: "p-FullAWSAccess",
    name: "FullAWSAccess",
    arn: "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
    document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
};

/// The RCP that AWS attaches everywhere when RCPs are enabled, and that cannot be detached (E-36).
pub const RCP_FULL_AWS_ACCESS: BuiltinPolicy = BuiltinPolicy {
    id: "p-RCPFullAWSAccess",
    name: "RCPFullAWSAccess",
    arn: "arn:aws:organizations::aws:policy/resource_control_policy/p-RCPFullAWSAccess",
    document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#,
};

/// The ARNs of the task policies that a privileged root session may be made for (E-38), in byte
/// order. Their documents are among the bundled managed policies.
pub const ROOT_TASK_POLICY_ARNS: [&str; 5] = [
    "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials",
    "arn:aws:iam::aws:policy/root-task/IAMCreateRootUserPassword",
    "arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials",
    "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy",
    "arn:aws:iam::aws:policy/root-task/SQSUnlockQueuePolicy",
];

/// The default versions of AWS-managed policies, by name and ARN.
#[derive(Debug)]
pub struct ManagedPolicies {
    text: Box<str>,
    date: Range<usize>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: Range<usize>,
    path: Range<usize>,
    arn: Option<Box<str>>,
    version: u32,
    created: Range<usize>,
    updated: Range<usize>,
    deprecated: bool,
    document: Range<usize>,
}

/// One AWS-managed policy.
#[derive(Debug, Clone, Copy)]
pub struct ManagedPolicy<'a> {
    policies: &'a ManagedPolicies,
    row: &'a Row,
}

#[cfg(feature = "bundled")]
static BUNDLED_DATA: &[u8] = include_bytes!("../data/managed-policies.bin");

impl ManagedPolicies {
    /// Reads policies from a data file.
    ///
    /// # Errors
    /// When the bytes are no such file, are of another version, damaged, or over a limit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        read(bytes)
    }

    /// The policies inside this library, unpacked on first use and shared afterwards.
    ///
    /// # Errors
    /// Never in a library whose tests passed; the error is handed on all the same.
    #[cfg(feature = "bundled")]
    pub fn bundled() -> Result<Arc<Self>, Error> {
        static POLICIES: OnceLock<Result<Arc<ManagedPolicies>, Error>> = OnceLock::new();
        POLICIES.get_or_init(|| Self::from_bytes(BUNDLED_DATA).map(Arc::new)).clone()
    }

    /// The date of the data, `YYYY-MM-DD`.
    pub fn date(&self) -> &str {
        &self.text[self.date.clone()]
    }

    /// How many policies there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The policies in byte order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ManagedPolicy<'_>> {
        self.rows.iter().map(|row| ManagedPolicy { policies: self, row })
    }

    /// The policy of a name, such as `ReadOnlyAccess`. Case matters.
    pub fn by_name(&self, name: &str) -> Option<ManagedPolicy<'_>> {
        let found = self.rows.binary_search_by(|row| self.text[row.name.clone()].cmp(name));
        found.ok().map(|at| ManagedPolicy { policies: self, row: &self.rows[at] })
    }

    /// The policy of an ARN, such as `arn:aws:iam::aws:policy/ReadOnlyAccess`, in partition `aws`.
    pub fn by_arn(&self, arn: &str) -> Option<ManagedPolicy<'_>> {
        let (_, name) = arn.rsplit_once('/')?;
        self.by_name(name).filter(|policy| policy.arn() == Some(arn))
    }

    /// The policies of [`ROOT_TASK_POLICY_ARNS`] that the data hold.
    pub fn root_task_policies(&self) -> impl Iterator<Item = ManagedPolicy<'_>> {
        ROOT_TASK_POLICY_ARNS.iter().filter_map(|arn| self.by_arn(arn))
    }
}

impl<'a> ManagedPolicy<'a> {
    fn text(&self, range: &Range<usize>) -> &'a str {
        &self.policies.text[range.clone()]
    }

    fn stated(&self, range: &Range<usize>) -> Option<&'a str> {
        Some(self.text(range)).filter(|text| !text.is_empty())
    }

    /// The name, without path.
    pub fn name(&self) -> &'a str {
        self.text(&self.row.name)
    }

    /// The ARN; not known of most deprecated policies.
    pub fn arn(&self) -> Option<&'a str> {
        self.row.arn.as_deref()
    }

    /// The path, such as `/service-role/`; not known where the ARN is not.
    pub fn path(&self) -> Option<&'a str> {
        self.stated(&self.row.path)
    }

    /// The number of the default version: 3 for `v3`.
    pub fn version(&self) -> u32 {
        self.row.version
    }

    /// When the policy was created, as ISO 8601.
    pub fn created(&self) -> Option<&'a str> {
        self.stated(&self.row.created)
    }

    /// When the version was created, as ISO 8601.
    pub fn updated(&self) -> Option<&'a str> {
        self.stated(&self.row.updated)
    }

    /// Whether AWS has withdrawn the policy: it stays attached where it is and cannot be attached
    /// anew.
    pub fn is_deprecated(&self) -> bool {
        self.row.deprecated
    }

    /// The document, as compact JSON with members in the order of the source.
    pub fn document(&self) -> &'a str {
        self.text(&self.row.document)
    }
}

/// One policy to be written into a data file.
#[derive(Debug, Clone)]
pub struct SourcePolicy {
    /// The name, without path.
    pub name: String,
    /// The ARN, if known.
    pub arn: Option<String>,
    /// The number of the default version.
    pub version: u32,
    /// When the policy was created.
    pub created: String,
    /// When the version was created.
    pub updated: String,
    /// Whether AWS has withdrawn it.
    pub deprecated: bool,
    /// The document.
    pub document: String,
}

/// Builds a data file. Equal policies give equal bytes, in whatever order they are listed.
///
/// # Errors
/// When a name stands twice, or an ARN is not the one of an AWS-managed policy of that name.
pub fn write(date: &str, policies: &[SourcePolicy]) -> Result<Vec<u8>, Error> {
    let sorted: BTreeMap<&str, &SourcePolicy> =
        policies.iter().map(|policy| (policy.name.as_str(), policy)).collect();
    if sorted.len() != policies.len() {
        return Err(Error::source("a policy name stands twice".to_owned()));
    }
    let mut body = Writer::default();
    let text = |body: &mut Writer, text: &str| {
        body.count(text.len())?;
        body.text(text);
        Ok::<(), Error>(())
    };
    text(&mut body, date)?;
    body.count(sorted.len())?;
    for policy in sorted.values() {
        text(&mut body, &policy.name)?;
        text(&mut body, path_of(policy)?)?;
        body.number(policy.version);
        text(&mut body, &policy.created)?;
        text(&mut body, &policy.updated)?;
        body.byte(u8::from(policy.deprecated));
        body.count(policy.document.len())?;
    }
    for policy in sorted.values() {
        body.text(&policy.document);
    }
    let file = seal(MAGIC, MANAGED_VERSION, &body.finish())?;
    ManagedPolicies::from_bytes(&file)?;
    Ok(file)
}

/// The path in the ARN of a policy, empty when the ARN is not known.
fn path_of(policy: &SourcePolicy) -> Result<&str, Error> {
    let Some(arn) = &policy.arn else { return Ok("") };
    let rest = arn.strip_prefix(ARN_HEAD).and_then(|rest| rest.strip_suffix(&policy.name));
    let path = rest.filter(|path| path.starts_with('/') && path.ends_with('/'));
    path.ok_or_else(|| Error::source(format!("`{arn}` is not the ARN of `{}`", policy.name)))
}

/// Reads texts of a body and remembers where they lie in it.
struct TextReader<'a> {
    reader: Reader<'a>,
    length: usize,
}

impl TextReader<'_> {
    fn position(&self) -> usize {
        self.length - self.reader.remaining()
    }

    fn text(&mut self) -> Result<Range<usize>, Error> {
        let n = self.reader.number()? as usize;
        let start = self.position();
        self.reader.take(n)?;
        Ok(start..start + n)
    }
}

fn read(file: &[u8]) -> Result<ManagedPolicies, Error> {
    let body = open(MAGIC, MANAGED_VERSION, file)?;
    let mut reader = TextReader { reader: Reader::new(&body), length: body.len() };
    let date = reader.text()?;
    let n = reader.reader.count()?;
    let mut rows = Vec::with_capacity(n);
    let mut lengths = Vec::with_capacity(n);
    for _ in 0..n {
        let (row, length) = read_row(&mut reader)?;
        rows.push(row);
        lengths.push(length);
    }
    for (row, length) in rows.iter_mut().zip(lengths) {
        let start = reader.position();
        reader.reader.take(length)?;
        row.document = start..start + length;
    }
    reader.reader.finish()?;
    gather(&body, &date, rows)
}

fn read_row(reader: &mut TextReader<'_>) -> Result<(Row, usize), Error> {
    let name = reader.text()?;
    let path = reader.text()?;
    let version = reader.reader.number()?;
    let created = reader.text()?;
    let updated = reader.text()?;
    let deprecated = match reader.reader.byte()? {
        0 => false,
        1 => true,
        _ => return Err(Error::damaged("a flag is neither set nor clear")),
    };
    let length = reader.reader.number()? as usize;
    let document = 0..0;
    Ok((Row { name, path, arn: None, version, created, updated, deprecated, document }, length))
}

/// Copies the texts of a body into one string, and checks that they are texts.
fn gather(body: &[u8], date: &Range<usize>, mut rows: Vec<Row>) -> Result<ManagedPolicies, Error> {
    let mut text = String::with_capacity(body.len());
    let mut copy = |range: &Range<usize>| {
        let part = str::from_utf8(&body[range.clone()]);
        let part = part.map_err(|_| Error::damaged("a text is not UTF-8"))?;
        let start = text.len();
        text.push_str(part);
        Ok::<_, Error>(start..text.len())
    };
    let date = copy(date)?;
    for row in &mut rows {
        for range in
            [&mut row.name, &mut row.path, &mut row.created, &mut row.updated, &mut row.document]
        {
            *range = copy(range)?;
        }
    }
    for row in &mut rows {
        let path = &text[row.path.clone()];
        if !path.is_empty() {
            row.arn = Some(format!("{ARN_HEAD}{path}{}", &text[row.name.clone()]).into());
        }
    }
    if !rows.is_sorted_by(|a, b| text[a.name.clone()] < text[b.name.clone()]) {
        return Err(Error::damaged("names are not in order"));
    }
    Ok(ManagedPolicies { text: text.into(), date, rows })
}

#[cfg(test)]
#[cfg(feature = "bundled")]
mod tests;
