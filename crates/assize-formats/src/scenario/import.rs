//! Files of AWS CLI output that a scenario imports (F-42).

use super::Reader;
use crate::ErrorKind;
use crate::file::File;
use crate::json::Node;

impl Reader<'_> {
    /// `imports`: the importers of the store are not joined yet.
    pub(super) fn imports(&mut self, file: &File, node: &Node<'_>) {
        self.error(file, ErrorKind::Import, node, "imports are not read by this version");
    }
}
