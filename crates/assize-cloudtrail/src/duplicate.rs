//! Events that a log holds twice (F-51).

use assize_model::PrincipalForm;
use hashbrown::HashSet;

use crate::record::{Identity, Record};

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
    rank: u8,
}

/// The rank of a copy that does not say who the caller was.
const NAMELESS: u8 = 4;

impl EventIds {
    /// The ids of a record.
    pub fn of(record: &Record<'_>) -> Self {
        Self {
            own: record.event_id.as_deref().map(|id| fingerprint(id, 0)),
            shared: record.shared_event_id.as_deref().map(|id| fingerprint(id, 1)),
            rank: rank(record),
        }
    }

    /// All ranks, the best first.
    pub const RANKS: std::ops::RangeInclusive<u8> = 0..=NAMELESS;

    /// Which of the copies of an event is kept: that of the lowest rank. Of the copies, only that
    /// of the caller's account says who the caller was (F-51); where others do too, it goes first,
    /// and before both what tells the role behind a session.
    pub fn rank(&self) -> u8 {
        self.rank
    }
}

impl SeenEvents {
    /// Whether neither the event nor another copy of it was read before; remembers it.
    ///
    /// Copies are to be asked about in the order of their ranks.
    pub fn is_new(&mut self, event: &EventIds) -> bool {
        let EventIds { own, shared, rank } = *event;
        let seen = [own, shared].into_iter().flatten().any(|id| self.contains(id));
        if !seen {
            self.insert(own);
            self.insert(shared.filter(|_| rank < NAMELESS));
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

fn rank(record: &Record<'_>) -> u8 {
    let Some(identity) = &record.identity else { return NAMELESS };
    let Some(arn) = identity.arn.as_deref() else { return NAMELESS };
    if record.shared_event_id.is_none() {
        return 0;
    }
    if PrincipalForm::parse(arn).is_err() || !KINDS.contains(&identity.kind.as_deref()) {
        return NAMELESS;
    }
    let is_of_other_account = identity.account != record.recipient_account;
    2 * u8::from(lacks_role(identity)) + u8::from(is_of_other_account)
}

/// The kinds of callers that have ARNs, by `userIdentity.type`.
const KINDS: [Option<&str>; 5] =
    [Some("Root"), Some("IAMUser"), Some("AssumedRole"), Some("Role"), Some("FederatedUser")];

/// Whether a session does not tell its role.
fn lacks_role(identity: &Identity<'_>) -> bool {
    let issuer = identity.session.as_ref().and_then(|session| session.issuer_arn.as_deref());
    identity.kind.as_deref() == Some("AssumedRole") && issuer.is_none()
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
    use std::borrow::Cow;

    use super::*;

    fn event(
        id: &'static str,
        shared: Option<&'static str>,
        arn: Option<&'static str>,
    ) -> EventIds {
        EventIds::of(&Record {
            event_id: Some(id.into()),
            shared_event_id: shared.map(Into::into),
            identity: Some(Identity {
                kind: Some("IAMUser".into()),
                arn: arn.map(Into::into),
                ..Identity::default()
            }),
            ..Record::default()
        })
    }

    const ARN: &str = "arn:aws:iam::111111111111:user/ana";

    /// F-51.
    #[test]
    fn the_copy_that_tells_most_of_the_caller_ranks_first() {
        let rank =
            |kind: &'static str, arn: &'static str, account, issuer: Option<&'static str>| {
                let session = issuer.map(|arn| crate::record::SessionContext {
                    issuer_arn: Some(arn.into()),
                    ..Default::default()
                });
                EventIds::of(&Record {
                    shared_event_id: Some("s".into()),
                    recipient_account: Some("111111111111".into()),
                    identity: Some(Identity {
                        kind: Some(kind.into()),
                        arn: Some(arn.into()),
                        account: Some(Cow::Borrowed(account)),
                        session,
                        ..Identity::default()
                    }),
                    ..Record::default()
                })
                .rank()
            };
        let session = "arn:aws:sts::111111111111:assumed-role/r/s";
        let role = Some("arn:aws:iam::111111111111:role/r");
        assert_eq!(rank("IAMUser", ARN, "111111111111", None), 0);
        assert_eq!(rank("IAMUser", ARN, "222222222222", None), 1);
        assert_eq!(rank("AssumedRole", session, "111111111111", role), 0);
        assert_eq!(rank("AssumedRole", session, "222222222222", role), 1);
        assert_eq!(rank("AssumedRole", session, "111111111111", None), 2);
        assert_eq!(rank("AssumedRole", session, "222222222222", None), 3);
        assert_eq!(rank("Unknown", ARN, "111111111111", None), NAMELESS);
        assert_eq!(rank("IAMUser", "arn", "111111111111", None), NAMELESS);
    }

    /// F-51.
    #[test]
    fn copies_of_an_event_are_found() {
        const ID: &str = "450230d4-b39e-4a18-a6a0-d07a6e2105cb";
        let mut seen = SeenEvents::default();
        assert!(seen.is_new(&event(ID, None, Some(ARN))));
        assert!(!seen.is_new(&event(ID, None, Some(ARN))));
        // Another kind of id with the same digits.
        assert!(seen.is_new(&event("a", Some(ID), Some(ARN))));
        assert!(!seen.is_new(&event("b", Some(ID), None)));
    }

    /// F-51: the copy with an ARN is kept.
    #[test]
    fn a_copy_without_a_caller_does_not_hide_the_other() {
        let mut seen = SeenEvents::default();
        assert!(seen.is_new(&event("a", Some("s"), None)));
        assert!(seen.is_new(&event("b", Some("s"), Some(ARN))));
        assert!(!seen.is_new(&event("c", Some("s"), None)));
    }
}
