//! Readers of AWS CLI output: files in, checked changes and diagnostics out (I-40).
//!
//! One bad record is one error and is left out; the rest is taken. Nothing is executed, fetched
//! or bound to an id that the files do not give.

mod account;
mod kind;
mod organization;
mod output;
mod quota;
mod resource;
mod source;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use assize_model::AccountId;

use crate::import::account::Accounts;
use crate::import::organization::Draft;
use crate::import::resource::Resources;
use crate::import::source::{Node, Place, Problem, Record, SourceFile};
use crate::{Diagnostic, DiagnosticCode, DiagnosticLevel, ManagedPolicySource, StoreChange};

pub use kind::ImportKind;
pub use source::MAX_IMPORT_BYTES;

/// A file to import.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportFile<'a> {
    /// Its name, for messages and for the origin of documents.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
    /// What it is; when nobody says, its content tells.
    pub kind: Option<ImportKind>,
    /// The account it is about: the account of an account file, the owner of a resource.
    pub account: Option<AccountId>,
    /// The ARN of the resource, where the output of the service lacks it (I-47).
    pub arn: Option<&'a str>,
    /// What `list-…-for-parent` was called with, when the file is not wrapped (I-45).
    pub parent_id: Option<&'a str>,
    /// What `list-parents` was called with (I-45).
    pub child_id: Option<&'a str>,
    /// What `list-targets-for-policy` was called with (I-45).
    pub policy_id: Option<&'a str>,
    /// What `list-policies-for-target` was called with (I-45).
    pub target_id: Option<&'a str>,
}

/// How to import.
#[derive(Clone, Copy, Default)]
pub struct ImportOptions<'a> {
    /// `assumeFullAccess`: a node whose list of SCPs no file gives has `FullAWSAccess` (I-46).
    pub assume_full_access: bool,
    /// Where AWS-managed policies are looked up that are referenced and not in the files (I-44).
    pub managed_policies: Option<&'a dyn ManagedPolicySource>,
}

impl fmt::Debug for ImportOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImportOptions")
            .field("assume_full_access", &self.assume_full_access)
            .field("managed_policies", &self.managed_policies.is_some())
            .finish()
    }
}

/// What an import found.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// The changes, each of which a store without these accounts, organization and resources
    /// takes.
    pub changes: Vec<StoreChange>,
    /// What there is to say, in order of the files.
    pub diagnostics: Vec<Diagnostic>,
    /// Members that were left out, as `LIST.MEMBER`, and how often (I-40).
    pub unknown_fields: BTreeMap<Box<str>, usize>,
}

/// Imports files that belong together: pages of one account, parts of one organization. Files of
/// several kinds and accounts may be mixed.
///
/// ```
/// use assize_store::{ImportFile, ImportOptions, StoreSnapshot, import};
///
/// let export = br#"{"UserDetailList": [{"UserName": "ana", "Path": "/",
///     "Arn": "arn:aws:iam::111122223333:user/ana", "UserId": "AIDA1234567890EXAMPLE"}]}"#;
/// let file = ImportFile { name: "account.json", bytes: export, ..ImportFile::default() };
/// let import = import(&[file], &ImportOptions::default());
/// assert!(import.diagnostics.is_empty());
///
/// let mut editor = StoreSnapshot::empty().edit();
/// for change in import.changes {
///     editor.apply(change)?;
/// }
/// let (snapshot, _) = editor.commit();
/// assert!(snapshot.user_by_arn("arn:aws:iam::111122223333:user/ana").is_some());
/// # Ok::<(), assize_store::Error>(())
/// ```
pub fn import(files: &[ImportFile<'_>], options: &ImportOptions<'_>) -> Import {
    let mut log = Log::default();
    let mut parts = Parts::default();
    for file in files {
        import_file(file, &mut parts, &mut log);
    }
    let mut changes = parts.accounts.finish(options, &mut log);
    changes.extend(parts.organization.finish(options, &mut log));
    changes.extend(parts.resources.finish(&mut log));
    log.report_unknown_fields();
    Import { changes, diagnostics: log.diagnostics, unknown_fields: log.unknown_fields }
}

/// What the files of an import are gathered into.
#[derive(Debug, Default)]
struct Parts {
    accounts: Accounts,
    organization: Draft,
    resources: Resources,
}

fn import_file(file: &ImportFile<'_>, parts: &mut Parts, log: &mut Log) {
    let Some(mut source) = read(file, log) else { return };
    let kind = file.kind.or_else(|| ImportKind::recognize(file.bytes));
    if kind == Some(ImportKind::ResourcesNdjson) && source.root().is_none() {
        let (lines, diagnostics) = source.lines();
        log.diagnostics.extend(diagnostics);
        for line in lines {
            let result = parts.resources.record(file, &line, log);
            log.take(result);
        }
        return;
    }
    log.diagnostics.extend(source.repair());
    let Some(root) = source.root() else { return };
    let Some(kind) = kind.or_else(|| ImportKind::of(&root)) else {
        log.push(
            &root.place(),
            DiagnosticLevel::Error,
            DiagnosticCode::UnknownKind,
            "nothing in the file tells what it is: expected the output of an AWS CLI command such \
             as `aws iam get-account-authorization-details`",
        );
        return;
    };
    for page in pages(&root, log) {
        let result = match kind {
            ImportKind::AccountAuthorizationDetails => parts.accounts.page(file, &page, log),
            ImportKind::ResourcePolicy => parts.resources.policy(file, &page, log),
            ImportKind::VpcEndpoints => parts.resources.endpoints(&page, log),
            ImportKind::ResourcesNdjson => parts.resources.record(file, &page, log),
            _ => parts.organization.page(kind, file, &page, log),
        };
        log.take(result);
    }
}

/// A file as text.
fn read<'a>(file: &ImportFile<'a>, log: &mut Log) -> Option<SourceFile<'a>> {
    let refuse = |code, message: &str| Diagnostic {
        file: Some(file.name.into()),
        ..Diagnostic::new(DiagnosticLevel::Error, code, message)
    };
    if file.bytes.len() > MAX_IMPORT_BYTES {
        let message = "the file is longer than 4 GiB";
        log.diagnostics.push(refuse(DiagnosticCode::FileTooLarge, message));
        return None;
    }
    match std::str::from_utf8(file.bytes) {
        Ok(text) => Some(SourceFile::new(file.name, text)),
        Err(error) => {
            let message = format!("byte {} of the file is not UTF-8", error.valid_up_to());
            log.diagnostics.push(refuse(DiagnosticCode::InvalidJson, &message));
            None
        }
    }
}

/// One page, or several as a list (I-41).
fn pages<'a>(root: &Node<'a>, log: &mut Log) -> Vec<Node<'a>> {
    if !root.is_array() {
        return vec![root.clone()];
    }
    let elements = root.elements();
    log.take(elements).unwrap_or_default()
}

/// Diagnostics and counts on the way.
#[derive(Debug, Default)]
struct Log {
    diagnostics: Vec<Diagnostic>,
    unknown_fields: BTreeMap<Box<str>, usize>,
}

impl Log {
    fn push(
        &mut self,
        place: &Place,
        level: DiagnosticLevel,
        code: DiagnosticCode,
        message: impl fmt::Display,
    ) {
        self.diagnostics.push(place.clone().put(Diagnostic::new(level, code, message)));
    }

    /// The last page of a list says that more follow. What is missing may deny.
    fn push_truncated(&mut self, token: &Place) {
        let message = "the last page of the list says that more follow: what they hold is missing";
        self.push(token, DiagnosticLevel::Error, DiagnosticCode::TruncatedExport, message);
    }

    /// The value, or a diagnostic.
    fn take<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.diagnostics.push(problem.into_diagnostic())).ok()
    }

    /// Counts the members of a record that are not known (I-40).
    fn count_unknown(&mut self, list: &str, record: &Record<'_>, known: &[&str]) {
        for name in record.unknown(known) {
            *self.unknown_fields.entry(format!("{list}.{name}").into()).or_insert(0) += 1;
        }
    }

    fn report_unknown_fields(&mut self) {
        let n_fields: usize = self.unknown_fields.values().sum();
        if n_fields == 0 {
            return;
        }
        let names: Vec<&str> = self.unknown_fields.keys().map(|name| &**name).collect();
        let message = format!("{n_fields} members were not read: `{}`", names.join("`, `"));
        self.diagnostics.push(Diagnostic::new(
            DiagnosticLevel::Note,
            DiagnosticCode::UnknownFields,
            message,
        ));
    }
}

/// The shared text of an ARN.
fn shared(text: String) -> Arc<str> {
    text.into()
}

#[cfg(test)]
mod tests;
