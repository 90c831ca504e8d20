//! Sorted arrays that snapshots share.

use std::sync::Arc;

/// An item with its own key.
pub(crate) trait Keyed {
    /// What items are sorted by.
    type Key: Ord + ?Sized;

    /// The key.
    fn key(&self) -> &Self::Key;
}

impl<T: Keyed> Keyed for Arc<T> {
    type Key = T::Key;

    fn key(&self) -> &Self::Key {
        T::key(self)
    }
}

/// Most items of a chunk. A change copies one chunk and the list of chunks, so for a million
/// items either is some thousands of pointers.
const MAX_CHUNK_ITEMS: usize = 512;

/// A sorted array in chunks: a look-up is two binary searches, a change copies one chunk and
/// shares the rest with the array it was cloned from.
#[derive(Debug)]
pub(crate) struct Sorted<T> {
    /// INVARIANT: no chunk is empty, and keys rise within and across chunks
    /// (test `any_order_of_changes_gives_what_a_map_gives`).
    chunks: Vec<Arc<Vec<T>>>,
}

impl<T> Clone for Sorted<T> {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks.clone() }
    }
}

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T> Sorted<T> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}

impl<T: Keyed + Clone> Sorted<T> {
    /// The first chunk that may hold the key: none of the later ones does.
    fn chunk_of(&self, key: &T::Key) -> usize {
        self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| last.key() < key))
    }

    pub(crate) fn get(&self, key: &T::Key) -> Option<&T> {
        let chunk = self.chunks.get(self.chunk_of(key))?;
        let at = chunk.binary_search_by(|item| item.key().cmp(key)).ok()?;
        chunk.get(at)
    }

    /// The item of a key for changing; its key must stay.
    pub(crate) fn get_mut(&mut self, key: &T::Key) -> Option<&mut T> {
        let chunk = self.chunk_of(key);
        let chunk = self.chunks.get_mut(chunk)?;
        let at = chunk.binary_search_by(|item| item.key().cmp(key)).ok()?;
        Arc::make_mut(chunk).get_mut(at)
    }

    /// Adds an item, or replaces and returns the one of the same key.
    pub(crate) fn insert(&mut self, item: T) -> Option<T> {
        let found = self.chunk_of(item.key());
        let last = self.chunks.len().saturating_sub(1);
        let Some(chunk) = self.chunks.get_mut(found.min(last)) else {
            self.chunks.push(Arc::new(vec![item]));
            return None;
        };
        let chunk = Arc::make_mut(chunk);
        match chunk.binary_search_by(|other| other.key().cmp(item.key())) {
            Ok(at) => Some(std::mem::replace(&mut chunk[at], item)),
            Err(at) => {
                chunk.insert(at, item);
                if chunk.len() > MAX_CHUNK_ITEMS {
                    // Items that come in order leave full chunks behind.
                    let in_order = at + 1 == chunk.len();
                    let tail = chunk.split_off(if in_order { at } else { chunk.len() / 2 });
                    self.chunks.insert(found.min(last) + 1, Arc::new(tail));
                }
                None
            }
        }
    }

    /// Takes an item out.
    pub(crate) fn remove(&mut self, key: &T::Key) -> Option<T> {
        let at_chunk = self.chunk_of(key);
        let chunk = self.chunks.get_mut(at_chunk)?;
        let at = chunk.binary_search_by(|item| item.key().cmp(key)).ok()?;
        let chunk = Arc::make_mut(chunk);
        let item = chunk.remove(at);
        if chunk.is_empty() {
            self.chunks.remove(at_chunk);
        }
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Item(u32, u32);

    impl Keyed for Item {
        type Key = u32;

        fn key(&self) -> &u32 {
            &self.0
        }
    }

    proptest! {
        #[test]
        fn any_order_of_changes_gives_what_a_map_gives(
            changes in prop::collection::vec((0u32..3000, any::<u32>(), 0u8..4), 0..4000),
        ) {
            let mut map = BTreeMap::new();
            let mut sorted = Sorted::default();
            for (key, value, kind) in changes {
                if kind == 0 {
                    prop_assert_eq!(sorted.remove(&key).map(|Item(_, v)| v), map.remove(&key));
                } else {
                    let old = sorted.insert(Item(key, value)).map(|Item(_, v)| v);
                    prop_assert_eq!(old, map.insert(key, value));
                }
                prop_assert_eq!(sorted.get(&key).map(|item| item.1), map.get(&key).copied());
            }
            let items: Vec<_> = sorted.iter().map(|item| (item.0, item.1)).collect();
            prop_assert_eq!(items, map.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_change_shares_the_other_chunks() {
        let mut sorted = Sorted::default();
        for key in 0..10_000 {
            sorted.insert(Item(key, 0));
        }
        let before = sorted.clone();
        sorted.insert(Item(5_000, 1));
        let changed =
            before.chunks.iter().zip(&sorted.chunks).filter(|(a, b)| !Arc::ptr_eq(a, b)).count();
        assert_eq!(changed, 1);
        assert_eq!(before.get(&5_000), Some(&Item(5_000, 0)));
    }
}
