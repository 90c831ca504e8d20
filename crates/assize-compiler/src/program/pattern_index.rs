//! Statements found by the resource patterns that match, for cells with many patterns.

use std::sync::Arc;

use assize_automata::PatternSet;

use super::Rule;

/// Statements of one effect whose resource patterns are searched together: those of a document, or
/// of several in the order of a set.
#[derive(Debug, Clone)]
pub(crate) struct PatternIndex {
    /// The bodies, in the order of their documents.
    pub(crate) bodies: Box<[u32]>,
    /// All patterns of the statements that are searched. Those that deny and those that allow in a
    /// cell share a set, so that a row searches it once.
    pub(crate) set: Arc<PatternSet>,
    /// The first of its patterns in the set.
    pub(crate) first: u32,
    /// For each of its patterns, the position in `bodies` of its statement.
    pub(crate) owners: Box<[u32]>,
    /// Positions of statements that are not found by patterns and so always candidates.
    pub(crate) others: Box<[u32]>,
    /// For each body the position of its document in the set, if they are of several.
    pub(crate) documents: Box<[u16]>,
}

/// A candidate: a position in `bodies`, and whether its resource part is known to be true.
pub(crate) type Candidate = (u32, bool);

/// How far the candidates of a row are gone through.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    /// The position among the patterns that match.
    pattern: usize,
    /// The position among the statements that are always candidates.
    other: usize,
}

impl PatternIndex {
    /// The rule of the index, as one of a candidate.
    #[inline]
    pub(crate) fn rule_of(&self, rule: Rule, at: u32) -> Rule {
        self.documents.get(at as usize).map_or(rule, |&document| rule.at(document, rule.node))
    }

    /// The number of a search that the indexes of a set share; `at` is the number of the index.
    #[inline]
    pub(crate) fn search(&self, at: u32) -> u32 {
        // The index whose patterns come second is made right after the other.
        if self.first == 0 { at } else { at - 1 }
    }

    /// The next candidate in the order of the document. `matched` are the patterns of the set that
    /// match, ascending.
    #[inline]
    pub(crate) fn next(&self, matched: &[u32], cursor: &mut Cursor) -> Option<Candidate> {
        let other = self.others.get(cursor.other).copied();
        // Patterns are numbered in the order of their statements, so owners ascend.
        let owner = loop {
            let Some(pattern) = matched.get(cursor.pattern) else { break None };
            let own = pattern.checked_sub(self.first);
            match own.and_then(|own| self.owners.get(own as usize)) {
                Some(&owner) => break Some(owner),
                None => cursor.pattern += 1,
            }
        };
        match (owner, other) {
            (Some(owner), other) if other.is_none_or(|other| owner < other) => {
                let is_of_owner = |pattern: &u32| {
                    let own = pattern.checked_sub(self.first);
                    own.and_then(|own| self.owners.get(own as usize)) == Some(&owner)
                };
                while matched.get(cursor.pattern).is_some_and(is_of_owner) {
                    cursor.pattern += 1;
                }
                Some((owner, true))
            }
            (_, Some(other)) => {
                cursor.other += 1;
                Some((other, false))
            }
            (_, None) => None,
        }
    }
}
