//! What stands behind the id in the records of a stream. Few decisions differ in it, so that it is
//! put together once and copied from there on.

use std::hash::{Hash, Hasher};
use std::ops::Range;

use assize_compiler::DecisionRow;
use assize_model::{AccountId, PolicyId};
use hashbrown::HashMap;

use super::{document, path_account};
use crate::resolve::{DocumentHandle, Resolver};

/// The ends of records that were written lately.
#[derive(Debug, Default)]
pub(super) struct Tails {
    /// Where each stands in `text`.
    places: HashMap<TailKey, Range<usize>>,
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

impl Hash for TailKey {
    /// What tells most of them apart, at once: field by field it takes as long as copying the end.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { decided, document, account } = self;
        let statement = decided.place().and_then(|place| place.statement);
        let kinds = [decided.decision as u8, decided.layer as u8, decided.reason as u8];
        let [decision, layer, reason] = kinds.map(u64::from);
        let (policy, node) = document.map_or((0, 0), |(policy, node)| (policy.get(), node));
        let place = u64::from(statement.unwrap_or_default()) << 16 | u64::from(node);
        state.write_u64(place << 24 | decision << 16 | layer << 8 | reason);
        state.write_u32(policy);
        if let Some(account) = account {
            account.hash(state);
        }
    }
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
}

/// How many texts are remembered.
const MAX_TAILS: usize = 1 << 12;
/// Bytes of texts, past which all are forgotten: names of policies have any length.
const MAX_TEXT_BYTES: usize = 1 << 20;

impl Tails {
    /// The end of a record, put together by `write` unless it is remembered.
    #[inline]
    pub(super) fn get(&mut self, key: TailKey, write: impl FnOnce(&mut Vec<u8>)) -> &[u8] {
        let place = match self.places.get(&key) {
            Some(place) => place.clone(),
            None => self.add(key, write),
        };
        &self.text[place]
    }

    fn add(&mut self, key: TailKey, write: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
        if self.places.len() == MAX_TAILS || self.text.len() > MAX_TEXT_BYTES {
            self.places.clear();
            self.text.clear();
        }
        let start = self.text.len();
        write(&mut self.text);
        let place = start..self.text.len();
        self.places.insert(key, place.clone());
        place
    }
}
