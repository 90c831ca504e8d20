//! Events that a log holds twice (F-51).

use hashbrown::HashSet;

use crate::record::Record;

/// How many events are remembered at least. Copies of an event stand near each other: a call
/// between two accounts is logged in both within minutes.
pub const REMEMBERED_EVENTS: usize = 1 << 20;

/// The events that were read, by id.
#[derive(Debug, Default)]
pub struct SeenEvents {
    recent: HashSet<u128>,
    older: HashSet<u128>,
}

/// What tells the copies of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventIds {
    own: Option<u128>,
    shared: Option<u128>,
    names_caller: bool,
}

impl EventIds {
    /// The ids of a record.
    pub fn of(record: &Record<'_>) -> Self {
        Self {
            own: record.event_id.as_deref().map(|id| fingerprint(id, 0)),
            shared: record.shared_event_id.as_deref().map(|id| fingerprint(id, 1)),
            names_caller: names_caller(record),
        }
    }

    /// Whether the record says who its caller was: of the copies of an event, only that of the
    /// caller's account does (F-51).
    pub fn names_caller(&self) -> bool {
        self.names_caller
    }
}

impl SeenEvents {
    /// Whether neither the event nor another copy of it was read before; remembers it.
    ///
    /// The copy that does not name its caller is to be asked about after the others.
    pub fn is_new(&mut self, event: &EventIds) -> bool {
        let EventIds { own, shared, names_caller } = *event;
        let seen = [own, shared].into_iter().flatten().any(|id| self.contains(id));
        if !seen {
            self.insert(own);
            self.insert(shared.filter(|_| names_caller));
        }
        !seen
    }

    /// What is remembered, in ascending order: of late, and of before.
    pub fn fingerprints(&self) -> (Vec<u128>, Vec<u128>) {
        let sorted = |set: &HashSet<u128>| {
            let mut all: Vec<u128> = set.iter().copied().collect();
            all.sort_unstable();
            all
        };
        (sorted(&self.recent), sorted(&self.older))
    }

    /// The events of which these are the fingerprints.
    pub fn from_fingerprints(recent: Vec<u128>, older: Vec<u128>) -> Self {
        Self { recent: recent.into_iter().collect(), older: older.into_iter().collect() }
    }

    fn contains(&self, id: u128) -> bool {
        self.recent.contains(&id) || self.older.contains(&id)
    }

    fn insert(&mut self, id: Option<u128>) {
        self.recent.extend(id);
        if self.recent.len() >= REMEMBERED_EVENTS {
            // Their memory is kept: it is needed again.
            std::mem::swap(&mut self.recent, &mut self.older);
            self.recent.clear();
        }
    }
}

fn names_caller(record: &Record<'_>) -> bool {
    record.identity.as_ref().is_some_and(|identity| identity.arn.is_some())
}

/// The digits of a UUID, which differ where the ids do; of another text, a hash. `kind` keeps ids
/// and shared ids apart.
fn fingerprint(id: &str, kind: u128) -> u128 {
    const FNV_OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut digits = id.bytes().filter(|byte| *byte != b'-');
    let uuid = (id.len() == 36).then(|| {
        digits.try_fold(0_u128, |all, byte| {
            Some(all << 4 | u128::from(char::from(byte).to_digit(16)?))
        })
    });
    let number = uuid.flatten().unwrap_or_else(|| {
        id.bytes().fold(FNV_OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(FNV_PRIME))
    });
    number ^ kind
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Identity;

    fn event(
        id: &'static str,
        shared: Option<&'static str>,
        arn: Option<&'static str>,
    ) -> EventIds {
        EventIds::of(&Record {
            event_id: Some(id.into()),
            shared_event_id: shared.map(Into::into),
            identity: Some(Identity { arn: arn.map(Into::into), ..Identity::default() }),
            ..Record::default()
        })
    }

    /// F-51.
    #[test]
    fn copies_of_an_event_are_found() {
        const ID: &str = "450230d4-b39e-4a18-a6a0-d07a6e2105cb";
        let mut seen = SeenEvents::default();
        assert!(seen.is_new(&event(ID, None, Some("arn"))));
        assert!(!seen.is_new(&event(ID, None, Some("arn"))));
        // Another kind of id with the same digits.
        assert!(seen.is_new(&event("a", Some(ID), Some("arn"))));
        assert!(!seen.is_new(&event("b", Some(ID), None)));
    }

    /// F-51: the copy with an ARN is kept.
    #[test]
    fn a_copy_without_a_caller_does_not_hide_the_other() {
        let mut seen = SeenEvents::default();
        assert!(seen.is_new(&event("a", Some("s"), None)));
        assert!(seen.is_new(&event("b", Some("s"), Some("arn"))));
        assert!(!seen.is_new(&event("c", Some("s"), None)));
    }
}
