//! What stands behind the id in the records of a stream. Few decisions differ in it, so that it is
//! put together once and copied from there on.

use assize_model::AccountId;

use super::{document, path_account};
use crate::resolve::{DocumentHandle, Resolver};

/// The ends of records that were written lately.
///
/// Each has two places side by side, of which it takes that of another when both are taken.
#[derive(Debug, Default)]
pub(super) struct Tails {
    places: Vec<Place>,
    text: Vec<u8>,
}

/// Where the end of a record stands in the text.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    key: TailKey,
    start: usize,
    /// None is empty: an end has a line end at least.
    len: usize,
}

/// All that the end of a record hangs on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TailKey {
    /// Decision, layer, reason, whose policies allow, and the statement in its document.
    said: u64,
    /// The document of the statement, and the position of its node in a path.
    document: u64,
    /// Whose path that is.
    account: Option<AccountId>,
}

impl TailKey {
    /// The key of a row that is decided. None where a document came with the request, which
    /// another request does not have. Compact records do not name nodes.
    #[inline]
    pub(super) fn of(resolver: &Resolver<'_>, row: usize, names_nodes: bool) -> Option<Self> {
        let decided = &resolver.decided[row];
        let allowed_by = decided.allowed_by.map_or(0, |by| 1 + by as u8);
        let kinds = [decided.decision as u8, decided.layer as u8, decided.reason as u8, allowed_by];
        let said = u64::from(u32::from_le_bytes(kinds));
        let Some(place) = decided.place() else {
            return Some(Self { said, ..Self::default() });
        };
        let DocumentHandle::Stored { policy, node } =
            document(resolver, row, decided.layer, place)?
        else {
            return None;
        };
        let statement = place.statement.map_or(0, |statement| 1 + u64::from(statement));
        let said = said | statement << u32::BITS;
        // One more than it is: none is another.
        let document = (1 + u64::from(policy.get())) << u16::BITS;
        if !names_nodes {
            return Some(Self { said, document, account: None });
        }
        let account = path_account(resolver, row, decided.layer);
        Some(Self { said, document: document | u64::from(node), account })
    }

    /// Its first place. What is told apart by accounts alone is so by their last digits.
    #[inline]
    fn place(self) -> usize {
        let last =
            self.account.as_ref().and_then(|account| account.as_str().as_bytes().last_chunk());
        let account = last.map_or(0, |last| u64::from_le_bytes(*last));
        let mixed =
            (self.said ^ self.document.rotate_left(u32::BITS) ^ account).wrapping_mul(GOLDEN);
        // The highest bits of the product are the best.
        let pair = mixed >> (u64::BITS - (N_PLACES / N_SIDE_BY_SIDE).trailing_zeros());
        usize::try_from(pair).unwrap_or_default() * N_SIDE_BY_SIDE
    }
}

/// How many ends are remembered, and how many of them are looked at.
const N_PLACES: usize = 1 << 12;
const N_SIDE_BY_SIDE: usize = 2;
/// Fibonacci hashing: 2⁶⁴ divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// Bytes of texts, past which all are forgotten: names of policies have any length.
const MAX_TEXT_BYTES: usize = 1 << 20;

impl Tails {
    /// The end of a record, put together by `write` unless it is remembered.
    #[inline]
    pub(super) fn get(&mut self, key: TailKey, write: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        let at = key.place();
        let is_it = |place: &&Place| place.len > 0 && place.key == key;
        let known = self.places.get(at..at + N_SIDE_BY_SIDE);
        let (start, len) = match known.and_then(|places| places.iter().find(is_it)) {
            Some(place) => (place.start, place.len),
            None => self.add(at, key, write),
        };
        &self.text[start..start + len]
    }

    #[cold]
    fn add(&mut self, at: usize, key: TailKey, write: impl FnOnce(&mut Vec<u8>)) -> (usize, usize) {
        if self.places.is_empty() || self.text.len() > MAX_TEXT_BYTES {
            self.places.clear();
            self.places.resize(N_PLACES, Place::default());
            self.text.clear();
        }
        let start = self.text.len();
        write(&mut self.text);
        let len = self.text.len() - start;
        // The last one that was put stands first.
        self.places.swap(at, at + 1);
        self.places[at] = Place { key, start, len };
        (start, len)
    }
}
