//! Statements found by the resource patterns that match, for cells with many patterns.

use assize_automata::{PatternSet, SetScratch};

use super::Rule;

/// Statements of one effect whose resource patterns are searched together: those of a document, or
/// of several in the order of a set.
#[derive(Debug, Clone)]
pub(crate) struct PatternIndex {
    /// The bodies, in the order of their documents.
    pub(crate) bodies: Box<[u32]>,
    /// All patterns of the statements that are searched.
    pub(crate) set: PatternSet,
    /// For each pattern of the set, the position in `bodies` of its statement.
    pub(crate) owners: Box<[u32]>,
    /// Positions of statements that are not found by patterns and so always candidates.
    pub(crate) others: Box<[u32]>,
    /// For each body the position of its document in the set, if they are of several.
    pub(crate) documents: Box<[u16]>,
}

/// A candidate: a position in `bodies`, and whether its resource part is known to be true.
pub(crate) type Candidate = (u32, bool);

impl PatternIndex {
    /// The rule of the index, as one of a candidate.
    #[inline]
    pub(crate) fn rule_of(&self, rule: Rule, at: u32) -> Rule {
        self.documents.get(at as usize).map_or(rule, |&document| rule.at(document, rule.node))
    }

    /// Fills `out` with the candidates for a resource, in the order of the document.
    pub(crate) fn candidates(
        &self,
        resource: Option<&str>,
        scratch: &mut SetScratch,
        matched: &mut Vec<u32>,
        out: &mut Vec<Candidate>,
    ) {
        out.clear();
        match resource {
            Some(text) => self.set.matches(text.as_bytes(), scratch, matched),
            None => matched.clear(),
        }
        // Patterns are numbered in the order of their statements, so owners ascend.
        for &pattern in matched.iter() {
            let owner = self.owners[pattern as usize];
            if out.last() != Some(&(owner, true)) {
                out.push((owner, true));
            }
        }
        if !self.others.is_empty() {
            out.extend(self.others.iter().map(|&at| (at, false)));
            out.sort_unstable();
        }
    }
}
