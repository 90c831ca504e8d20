//! Statements found by the resource patterns that match, for cells with many patterns.

use assize_automata::{PatternSet, SetScratch};

/// Statements of one document and effect whose resource patterns are searched together.
#[derive(Debug, Clone)]
pub(crate) struct PatternIndex {
    /// The bodies, in the order of the document.
    pub(crate) bodies: Box<[u32]>,
    /// All patterns of the statements that are searched.
    pub(crate) set: PatternSet,
    /// For each pattern of the set, the position in `bodies` of its statement.
    pub(crate) owners: Box<[u32]>,
    /// Positions of statements that are not found by patterns and so always candidates.
    pub(crate) others: Box<[u32]>,
}

/// A candidate: a position in `bodies`, and whether its resource part is known to be true.
pub(crate) type Candidate = (u32, bool);

impl PatternIndex {
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
