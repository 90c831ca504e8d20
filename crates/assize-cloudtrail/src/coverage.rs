//! How much of a log became requests.

use std::collections::BTreeMap;

use crate::skip::{Note, SkipReason};

/// Most event sources that are told apart: AWS has a tenth as many services.
pub const MAX_SOURCES: usize = 1 << 12;
/// What other event sources are counted as.
pub const OTHER_SOURCES: &str = "(others)";

/// What became of the records of a log, in all and by event source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// In all.
    pub total: Counts,
    /// By `eventSource`; of very many, those that came last are counted together.
    pub by_source: BTreeMap<Box<str>, Counts>,
    /// Skipped records by reason, in the order of [`SkipReason::ALL`].
    pub skipped: [u64; SkipReason::ALL.len()],
    /// Requests by what they rest on, in the order of [`Note::ALL`].
    pub notes: [u64; Note::ALL.len()],
}

/// Counts of records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records read.
    pub records: u64,
    /// Records of authorized calls: all but those of F-51.
    pub calls: u64,
    /// Calls of which an action is known to the catalog.
    pub with_action: u64,
    /// Of these, calls whose action takes a resource.
    pub take_resource: u64,
    /// Of these, calls whose resource was recovered.
    pub with_resource: u64,
    /// Requests.
    pub requests: u64,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.calls += other.calls;
        self.with_action += other.with_action;
        self.take_resource += other.take_resource;
        self.with_resource += other.with_resource;
        self.requests += other.requests;
    }

    /// The share of calls with an action, of 1; none for no calls.
    pub fn action_share(&self) -> Option<f64> {
        share(self.with_action, self.calls)
    }

    /// The share of calls with a resource among those that take one, of 1; none for none.
    pub fn resource_share(&self) -> Option<f64> {
        share(self.with_resource, self.take_resource)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of counts is for people")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Coverage {
    /// Whether there are as many event sources as are told apart.
    pub fn is_full(&self) -> bool {
        self.by_source.len() >= MAX_SOURCES
    }

    /// Adds another log's. Where it is full, new event sources are counted together.
    pub fn add(&mut self, other: &Self, is_full: bool) {
        self.total.add(&other.total);
        for (source, counts) in &other.by_source {
            let is_named = !is_full || self.by_source.contains_key(source);
            let source: &str = if is_named { source } else { OTHER_SOURCES };
            match self.by_source.get_mut(source) {
                Some(known) => known.add(counts),
                None => self.by_source.entry(source.into()).or_default().add(counts),
            }
        }
        self.skipped.iter_mut().zip(other.skipped).for_each(|(own, other)| *own += other);
        self.notes.iter_mut().zip(other.notes).for_each(|(own, other)| *own += other);
    }

    /// How many records were skipped for a reason.
    pub fn skipped_for(&self, reason: SkipReason) -> u64 {
        self.skipped[reason as usize]
    }

    /// How many requests rest on something.
    pub fn noted(&self, note: Note) -> u64 {
        self.notes[note as usize]
    }

    /// Counts lines and elements of lists that were no records ([`crate::LogReader`]).
    pub fn count_malformed(&mut self, n: u64) {
        self.total.records += n;
        self.skipped[SkipReason::Malformed as usize] += n;
    }

    pub(crate) fn count(&mut self, source: Option<&str>, counts: &Counts) {
        self.total.add(counts);
        let source = source.unwrap_or("-");
        match self.by_source.get_mut(source) {
            Some(known) => known.add(counts),
            None => self.by_source.entry(source.into()).or_default().add(counts),
        }
    }

    pub(crate) fn count_skip(&mut self, reason: SkipReason) {
        self.skipped[reason as usize] += 1;
    }

    pub(crate) fn count_notes(&mut self, notes: &[Note]) {
        for note in notes {
            self.notes[*note as usize] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_sources_beyond_many_are_counted_together() {
        let counts = Counts { records: 1, ..Counts::default() };
        let of = |sources: &[&str]| {
            let mut coverage = Coverage::default();
            for source in sources {
                coverage.count(Some(source), &counts);
            }
            coverage
        };
        let mut all = of(&["a"]);
        all.add(&of(&["a", "b"]), false);
        assert!(!all.is_full());
        all.add(&of(&["b", "c", "d"]), true);
        let by_source: Vec<_> =
            all.by_source.iter().map(|(source, counts)| (&**source, counts.records)).collect();
        assert_eq!(by_source, [("(others)", 2), ("a", 2), ("b", 2)]);
        assert_eq!(all.total.records, 6);
    }
}
