//! The world of a scenario: what it includes, imports and states itself (F-42).

use std::sync::Arc;

use super::field::Fields;
use super::{MAX_INCLUDE_DEPTH, Reader};
use crate::ErrorKind;
use crate::file::File;
use crate::json::{Node, shorten};

impl Reader<'_> {
    /// Lays a file's world over what is there: included worlds first, then imports, then what the
    /// file states itself.
    pub(super) fn world(&mut self, file: &Arc<File>, fields: &Fields<'_>) {
        self.including.push(Arc::clone(&file.name));
        for node in fields.get("include").map(|node| self.items(file, node)).unwrap_or_default() {
            self.include(file, node);
        }
        if let Some(node) = fields.get("imports") {
            self.imports(file, node);
        }
        self.policies(file, fields.get("policies"));
        self.accounts(file, fields.get("accounts"));
        if let Some(node) = fields.get("organization") {
            self.organization(file, node);
        }
        self.resources(file, fields.get("resources"));
        self.endpoints(file, fields.get("endpoints"));
        self.including.pop();
    }

    fn include(&mut self, file: &File, node: &Node<'_>) {
        let Some(path) = self.string(file, node) else { return };
        let Some(included) = self.open(file, node, path).map(Arc::new) else { return };
        if self.including.contains(&included.name) {
            let message = format!("`{}` includes itself", shorten(&included.name));
            return self.error(file, ErrorKind::Cycle, node, message);
        }
        if self.including.len() > MAX_INCLUDE_DEPTH {
            let message = format!("files included deeper than {MAX_INCLUDE_DEPTH}");
            return self.error(file, ErrorKind::Limit, node, message);
        }
        let Some(tree) = self.tree(&included) else { return };
        let Some(fields) = self.top(&included, &tree, &super::FIELDS) else { return };
        self.world(&included, &fields);
    }

    /// `policies`: documents under names.
    pub(crate) fn policies(&mut self, file: &File, node: Option<&Node<'_>>) {
        let members = node.and_then(|node| self.members(file, node)).unwrap_or_default();
        for member in members {
            if let Some(document) = self.document(file, &member.value) {
                self.refs.insert((&*member.key).into(), document);
            }
        }
    }
}
