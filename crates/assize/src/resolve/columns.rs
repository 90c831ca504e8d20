//! The columns of condition keys of a chunk. Policies ask about hundreds of keys and a request
//! gives ten of them, so that only the columns that hold something are ever looked at.

use assize_compiler::{KeyId, ValueId};

/// Columns by [`KeyId`]. A column may be shorter than there are rows: what it lacks is absent.
#[derive(Debug, Default)]
pub(super) struct KeyColumns {
    /// Empty ones were not set yet, and keep their memory.
    columns: Vec<Vec<ValueId>>,
    /// The positions of all others.
    used: Vec<usize>,
}

impl KeyColumns {
    #[inline]
    pub(super) fn set(&mut self, key: KeyId, row: usize, value: ValueId) {
        match self.columns.get_mut(key.index()) {
            // Most keys were given in the row before, too.
            Some(column) if column.len() == row && row > 0 => column.push(value),
            _ => self.set_in_any(key, row, value),
        }
    }

    // Apart, so that the rest is a few steps in the midst of its caller.
    #[inline(never)]
    fn set_in_any(&mut self, key: KeyId, row: usize, value: ValueId) {
        let at = key.index();
        if self.columns.len() <= at {
            self.columns.resize_with(at + 1, Vec::new);
        }
        let column = &mut self.columns[at];
        if let Some(old) = column.get_mut(row) {
            *old = value;
            return;
        }
        if column.is_empty() {
            self.used.push(at);
        }
        if column.len() < row {
            column.resize(row, ValueId::ABSENT);
        }
        column.push(value);
    }

    pub(super) fn get(&self, key: KeyId, row: usize) -> ValueId {
        let column = self.columns.get(key.index());
        column.and_then(|column| column.get(row)).copied().unwrap_or_default()
    }

    /// Forgets the rows from `len` on.
    pub(super) fn truncate(&mut self, len: usize) {
        for &at in &self.used {
            self.columns[at].truncate(len);
        }
        if len == 0 {
            self.used.clear();
        }
    }

    /// Fills every column that holds something up to the number of rows.
    pub(super) fn complete(&mut self, len: usize) {
        for &at in &self.used {
            self.columns[at].resize(len, ValueId::ABSENT);
        }
    }

    /// The columns by the position of their key.
    pub(super) fn of_rows(&self) -> &[Vec<ValueId>] {
        &self.columns
    }
}
