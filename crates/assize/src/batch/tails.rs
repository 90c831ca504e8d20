//! What stands behind the id in the records of a stream. Few decisions differ in it, so that it is
//! put together once and copied from there on.

use assize_compiler::DecisionRow;
use assize_model::{AccountId, PolicyId};

use super::{document, path_account};
use crate::resolve::{DocumentHandle, Resolver};

/// The ends of records that were written lately.
#[derive(Debug, Default)]
pub(super) struct Tails {
    slots: Vec<Option<(TailKey, u32)>>,
    /// Where each text ends in `text`, and there the next begins.
    ends: Vec<usize>,
    text: Vec<u8>,
}

/// All that the end of a record hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TailKey {
    decided: DecisionRow,
    /// The document of the statement, and the position of its node in a path.
    document: Option<(PolicyId, u16)>,
    /// Whose path that is.
    account: Option<AccountId>,
}

impl TailKey {
    /// The key of a row that is decided. None where a document came with the request, which
    /// another request does not have.
    #[inline]
    pub(super) fn of(resolver: &Resolver<'_>, row: usize) -> Option<Self> {
        let decided = resolver.decided[row];
        let Some(place) = decided.place() else {
            return Some(Self { decided, document: None, account: None });
        };
        match document(resolver, row, decided.layer, place)? {
            DocumentHandle::Stored { policy, node } => {
                let account = path_account(resolver, row, decided.layer);
                Some(Self { decided, document: Some((policy, node)), account })
            }
            DocumentHandle::Given(_) => None,
        }
    }

    /// Where it is looked for.
    fn slot(&self) -> usize {
        let (policy, _) = self.document.unzip();
        let statement = self.decided.place().and_then(|place| place.statement);
        let words = [
            policy.map_or(0, |policy| policy.get() + 1),
            statement.map_or(0, |at| u32::from(at) + 1),
            self.decided.layer as u32,
            self.decided.reason as u32,
        ];
        let hash = words.iter().fold(0, |hash: u64, word| {
            (hash.rotate_left(5) ^ u64::from(*word)).wrapping_mul(GOLDEN)
        });
        usize::try_from(hash >> (64 - N_SLOTS.trailing_zeros())).unwrap_or_default()
    }
}

/// Fibonacci hashing: 2⁶⁴ divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// How many texts are remembered.
const N_SLOTS: usize = 1 << 12;
/// Bytes of texts, past which all are forgotten: names of policies have any length.
const MAX_TEXT_BYTES: usize = 1 << 20;

impl Tails {
    /// The end of a record, put together by `write` unless it is remembered.
    #[inline]
    pub(super) fn get(&mut self, key: TailKey, write: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        let slot = key.slot();
        let at = match self.slots.get(slot) {
            Some(Some((known, at))) if *known == key => *at as usize,
            _ => self.add(slot, key, write),
        };
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[at]]
    }

    fn add(&mut self, slot: usize, key: TailKey, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        if self.slots.is_empty() || self.text.len() > MAX_TEXT_BYTES {
            *self = Self::default();
            self.slots.resize(N_SLOTS, None);
        }
        write(&mut self.text);
        let at = self.ends.len();
        self.ends.push(self.text.len());
        self.slots[slot] = u32::try_from(at).ok().map(|at| (key, at));
        at
    }
}
