//! Files of AWS CLI output that a scenario imports (F-42).

use assize_model::AccountId;
use assize_store::{ImportFile, ImportKind, ImportOptions, import};

use super::Reader;
use crate::ErrorKind;
use crate::file::File;
use crate::json::Node;

const FIELDS: [&str; 8] =
    ["type", "file", "account", "arn", "parentId", "childId", "policyId", "targetId"];

/// One of `imports`, read but not yet understood: files of one organization belong together.
struct Imported {
    name: std::sync::Arc<str>,
    bytes: Vec<u8>,
    kind: ImportKind,
    account: Option<AccountId>,
    arn: Option<Box<str>>,
    parent_id: Option<Box<str>>,
    child_id: Option<Box<str>>,
    policy_id: Option<Box<str>>,
    target_id: Option<Box<str>>,
}

impl Reader<'_> {
    /// `imports`, in order.
    pub(super) fn imports(&mut self, file: &File, node: &Node<'_>) {
        let items = self.items(file, node);
        let read: Vec<Imported> =
            items.iter().filter_map(|item| self.imported(file, item)).collect();
        let files: Vec<ImportFile<'_>> = read.iter().map(Imported::as_file).collect();
        let options = ImportOptions {
            assume_full_access: self.engine_options.assume_full_access,
            managed_policies: Some(self.options.managed_policies),
        };
        let imported = import(&files, &options);
        self.diagnostics.extend(imported.diagnostics);
        for change in imported.changes {
            self.apply(file, node, change);
        }
    }

    fn imported(&mut self, file: &File, node: &Node<'_>) -> Option<Imported> {
        let fields = self.fields(file, node, &FIELDS)?;
        let kinds: Vec<(&str, ImportKind)> =
            ImportKind::ALL.iter().map(|kind| (kind.as_str(), *kind)).collect();
        let kind = match fields.get("type") {
            Some(node) => self.word(file, node, &kinds),
            None => self.missing(file, node, "type"),
        };
        let path = match fields.get("file") {
            Some(node) => self.string(file, node),
            None => self.missing(file, node, "file"),
        };
        let opened = self.options.files.read(&file.name, path?);
        let source = opened.map_err(|message| {
            self.errors.push(file.error(ErrorKind::File, node.span, message));
        });
        let (source, kind) = (source.ok()?, kind?);
        Some(Imported {
            name: source.name,
            bytes: source.bytes,
            kind,
            account: fields.get("account").and_then(|node| self.account_id(file, node)),
            arn: self.text_of(file, &fields, "arn"),
            parent_id: self.text_of(file, &fields, "parentId"),
            child_id: self.text_of(file, &fields, "childId"),
            policy_id: self.text_of(file, &fields, "policyId"),
            target_id: self.text_of(file, &fields, "targetId"),
        })
    }
}

impl Imported {
    fn as_file(&self) -> ImportFile<'_> {
        ImportFile {
            name: &self.name,
            bytes: &self.bytes,
            kind: Some(self.kind),
            account: self.account,
            arn: self.arn.as_deref(),
            parent_id: self.parent_id.as_deref(),
            child_id: self.child_id.as_deref(),
            policy_id: self.policy_id.as_deref(),
            target_id: self.target_id.as_deref(),
        }
    }
}
