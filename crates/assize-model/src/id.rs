//! Dense `u32` ids with a niche, and vectors indexed by them.

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::ops::{Index, IndexMut};

/// A dense id: a newtype of a position in an [`IndexVec`].
pub trait Id: Copy + Eq + Ord + std::hash::Hash + fmt::Debug {
    /// The id of a position, or `None` above the range of ids (2³² − 2).
    fn try_from_index(index: usize) -> Option<Self>;

    /// The position.
    fn index(self) -> usize;

    /// The id of a position that is known to be in range.
    ///
    /// # Panics
    /// When the position is above 2³² − 2. Every input of Assize has a limit far below, so
    /// this states an invariant; use [`Id::try_from_index`] where none holds.
    fn from_index(index: usize) -> Self {
        Self::try_from_index(index).expect("inputs are limited far below the range of ids")
    }
}

macro_rules! define_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(NonZeroU32);

        impl $name {
            /// The id of position `index`, or `None` above the range of ids.
            pub const fn new(index: u32) -> Option<Self> {
                match index.checked_add(1) {
                    Some(n) => match NonZeroU32::new(n) {
                        Some(n) => Some(Self(n)),
                        None => None,
                    },
                    None => None,
                }
            }

            /// The position as `u32`.
            pub const fn get(self) -> u32 {
                self.0.get() - 1
            }
        }

        impl Id for $name {
            fn try_from_index(index: usize) -> Option<Self> {
                u32::try_from(index).ok().and_then(Self::new)
            }

            fn index(self) -> usize {
                self.get() as usize
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.get())
            }
        }
    };
}

define_id! {
    /// One policy document as it stands in a store snapshot or comes with a request: where the
    /// store (who has it) and the policy library (what it says) meet.
    PolicyId
}
define_id! {
    /// One statement: the position in its policy document.
    StatementId
}
define_id! {
    /// One principal that a snapshot holds.
    PrincipalId
}
define_id! {
    /// One action of a catalog. The catalog hands these out.
    ActionId
}
define_id! {
    /// One service prefix of a catalog. The catalog hands these out.
    ServiceId
}

/// A vector whose positions are ids of one kind.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexVec<I, T> {
    items: Vec<T>,
    marker: PhantomData<fn(I)>,
}

impl<I: Id, T> IndexVec<I, T> {
    /// An empty vector.
    pub const fn new() -> Self {
        Self { items: Vec::new(), marker: PhantomData }
    }

    /// Appends an item and gives its id.
    ///
    /// # Panics
    /// As [`Id::from_index`].
    pub fn push(&mut self, item: T) -> I {
        let id = I::from_index(self.items.len());
        self.items.push(item);
        id
    }

    /// The item of an id, if there is one.
    pub fn get(&self, id: I) -> Option<&T> {
        self.items.get(id.index())
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The items in order of their ids.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// Ids and items in order of the ids.
    pub fn iter_enumerated(&self) -> impl Iterator<Item = (I, &T)> {
        self.items.iter().enumerate().map(|(index, item)| (I::from_index(index), item))
    }

    /// The items as a slice, positions being ids.
    pub fn as_slice(&self) -> &[T] {
        &self.items
    }
}

impl<I: Id, T> Default for IndexVec<I, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I: Id, T> From<Vec<T>> for IndexVec<I, T> {
    fn from(items: Vec<T>) -> Self {
        Self { items, marker: PhantomData }
    }
}

impl<I: Id, T> FromIterator<T> for IndexVec<I, T> {
    fn from_iter<It: IntoIterator<Item = T>>(iter: It) -> Self {
        iter.into_iter().collect::<Vec<_>>().into()
    }
}

impl<I: Id, T> Index<I> for IndexVec<I, T> {
    type Output = T;

    fn index(&self, id: I) -> &T {
        &self.items[id.index()]
    }
}

impl<I: Id, T> IndexMut<I> for IndexVec<I, T> {
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.index()]
    }
}

impl<I, T: fmt::Debug> fmt::Debug for IndexVec<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.items).finish()
    }
}

impl<'a, I: Id, T> IntoIterator for &'a IndexVec<I, T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_optional_id_is_four_bytes() {
        assert_eq!(size_of::<Option<ActionId>>(), 4);
        assert_eq!(size_of::<Option<PolicyId>>(), 4);
    }

    #[test]
    fn the_range_of_ids_is_checked() {
        assert_eq!(PolicyId::new(0).map(PolicyId::get), Some(0));
        assert_eq!(PolicyId::new(u32::MAX - 1).map(PolicyId::get), Some(u32::MAX - 1));
        assert_eq!(PolicyId::new(u32::MAX), None);
    }

    #[test]
    fn pushing_hands_out_ids_in_order() {
        let mut names = IndexVec::<ActionId, &str>::new();
        let first = names.push("a");
        let second = names.push("b");
        assert!(first < second);
        assert_eq!(names[second], "b");
        assert_eq!(names.iter_enumerated().map(|(id, _)| id.get()).collect::<Vec<_>>(), [0, 1]);
    }
}
