//! The principals of batches.

use super::{KeyId, PrincipalEntry, ValueId};
use crate::stamp::Stamp;

/// Principals by number. They are only added, so that what was worked out for a number stays true
/// of it, from batch to batch.
#[derive(Debug, Clone, Default)]
pub struct Principals {
    list: Vec<PrincipalEntry>,
    stamp: Stamp,
}

impl Principals {
    /// No principals.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a principal, whose number is how many there were.
    pub fn push(&mut self, principal: PrincipalEntry) {
        self.list.push(principal);
    }

    /// Gives a principal other values of keys. What was worked out for these principals is
    /// forgotten.
    pub fn set_constants(&mut self, number: usize, constants: Vec<(KeyId, ValueId)>) {
        self.stamp = Stamp::default();
        if let Some(principal) = self.list.get_mut(number) {
            principal.constants = constants;
        }
    }

    /// The principal of a number.
    #[inline]
    pub fn get(&self, number: usize) -> Option<&PrincipalEntry> {
        self.list.get(number)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Tells these principals from all others.
    pub(crate) fn stamp(&self) -> u64 {
        self.stamp.number()
    }
}

impl FromIterator<PrincipalEntry> for Principals {
    fn from_iter<I: IntoIterator<Item = PrincipalEntry>>(principals: I) -> Self {
        Self { list: principals.into_iter().collect(), stamp: Stamp::default() }
    }
}
