//! The values of condition keys, each distinct value once.

use std::hash::BuildHasher;
use std::net::IpAddr;

use assize_policy::ir::Decimal;
use assize_policy::value::{parse_bool, parse_date, parse_decimal, parse_ip_address};
use hashbrown::{DefaultHashBuilder, HashTable};

/// A value of a [`Values`]; `0` is absence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub(crate) u32);

impl ValueId {
    /// The key is absent.
    pub const ABSENT: Self = Self(0);
    /// Several entries fold to the name of the key (L-606).
    pub const COLLIDING: Self = Self(1);

    /// Whether the key is absent.
    pub fn is_absent(self) -> bool {
        self == Self::ABSENT
    }
}

/// What a [`ValueId`] stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueView<'a> {
    /// The key is absent.
    Absent,
    /// One value.
    Single(&'a str),
    /// A list, never empty (L-609). The members are single values.
    List(&'a [ValueId]),
    /// Present, but equal to nothing (L-606).
    Colliding,
}

/// The distinct values of the condition keys of a batch.
///
/// Texts are kept as they are and read as number, date, address and boolean when they first
/// come, so that deciding never parses. Values are shared by all keys.
#[derive(Debug, Clone, Default)]
pub struct Values {
    text: String,
    entries: Vec<Entry>,
    typed: Vec<Typed>,
    members: Vec<ValueId>,
    singles: HashTable<u32>,
    lists: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The text of a single value, or the members of a list.
    start: usize,
    len: u32,
    shape: Shape,
    boolean: Option<bool>,
    /// The position in `typed`, or [`UNTYPED`].
    typed: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Single,
    List,
}

const UNTYPED: u32 = u32::MAX;

/// How many ids do not stand in `entries`: absent and colliding.
const N_RESERVED: u32 = 2;

/// A text read as something else.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    pub(crate) number: Option<Decimal>,
    pub(crate) date: Option<i64>,
    pub(crate) ip: Option<IpAddr>,
}

impl Values {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// The id of a single value.
    pub fn intern_single(&mut self, text: &str) -> ValueId {
        let hash = self.hasher.hash_one(text);
        let same = |&at: &u32| self.entries[at as usize].text(&self.text) == text;
        if let Some(&at) = self.singles.find(hash, same) {
            return ValueId(at + N_RESERVED);
        }
        let entry = Entry {
            start: self.text.len(),
            len: length(text.len()),
            shape: Shape::Single,
            boolean: parse_bool(text),
            typed: self.read(text),
        };
        self.text.push_str(text);
        let at = self.push(entry);
        let (entries, texts, hasher) = (&self.entries, &self.text, &self.hasher);
        let rehash = |&at: &u32| hasher.hash_one(entries[at as usize].text(texts));
        self.singles.insert_unique(hash, at, rehash);
        ValueId(at + N_RESERVED)
    }

    /// The id of a list. The empty list is absence (L-609).
    pub fn intern_list(&mut self, members: &[&str]) -> ValueId {
        if members.is_empty() {
            return ValueId::ABSENT;
        }
        let start = self.members.len();
        for member in members {
            let id = self.intern_single(member);
            self.members.push(id);
        }
        let hash = self.hasher.hash_one(&self.members[start..]);
        let same =
            |&at: &u32| self.entries[at as usize].members(&self.members) == &self.members[start..];
        if let Some(&at) = self.lists.find(hash, same) {
            self.members.truncate(start);
            return ValueId(at + N_RESERVED);
        }
        let len = length(members.len());
        let entry = Entry { start, len, shape: Shape::List, boolean: None, typed: UNTYPED };
        let at = self.push(entry);
        let (entries, all, hasher) = (&self.entries, &self.members, &self.hasher);
        let rehash = |&at: &u32| hasher.hash_one(entries[at as usize].members(all));
        self.lists.insert_unique(hash, at, rehash);
        ValueId(at + N_RESERVED)
    }

    /// The id of a key to whose name several entries fold (L-606).
    pub fn colliding(&self) -> ValueId {
        ValueId::COLLIDING
    }

    /// What an id stands for. An id of other values may be taken for absent.
    pub fn get(&self, id: ValueId) -> ValueView<'_> {
        let Some(entry) = self.entry(id) else {
            let colliding = id == ValueId::COLLIDING;
            return if colliding { ValueView::Colliding } else { ValueView::Absent };
        };
        match entry.shape {
            Shape::Single => ValueView::Single(entry.text(&self.text)),
            Shape::List => ValueView::List(entry.members(&self.members)),
        }
    }

    /// The text of a single value.
    pub fn text(&self, id: ValueId) -> Option<&str> {
        match self.get(id) {
            ValueView::Single(text) => Some(text),
            _ => None,
        }
    }

    /// The number of distinct values.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets all values and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
        self.typed.clear();
        self.members.clear();
        self.singles.clear();
        self.lists.clear();
    }

    /// A single value read as a boolean (L-617).
    pub(crate) fn boolean(&self, id: ValueId) -> Option<bool> {
        self.entry(id)?.boolean
    }

    /// A single value read as number, date and address.
    pub(crate) fn typed(&self, id: ValueId) -> Option<&Typed> {
        self.typed.get(self.entry(id)?.typed as usize)
    }

    #[inline]
    fn entry(&self, id: ValueId) -> Option<&Entry> {
        self.entries.get(id.0.wrapping_sub(N_RESERVED) as usize)
    }

    fn push(&mut self, entry: Entry) -> u32 {
        let at = length(self.entries.len());
        self.entries.push(entry);
        at
    }

    /// Reads a text as number, date and address, if it begins like one.
    fn read(&mut self, text: &str) -> u32 {
        let may_be_typed = text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_hexdigit() || matches!(b, b'+' | b'-' | b':'));
        if !may_be_typed {
            return UNTYPED;
        }
        let typed = Typed {
            number: parse_decimal(text),
            date: parse_date(text),
            ip: parse_ip_address(text),
        };
        if typed.number.is_none() && typed.date.is_none() && typed.ip.is_none() {
            return UNTYPED;
        }
        let at = length(self.typed.len());
        self.typed.push(typed);
        at
    }
}

impl Entry {
    fn text<'a>(&self, text: &'a str) -> &'a str {
        match self.shape {
            Shape::Single => &text[self.start..self.start + self.len as usize],
            Shape::List => "",
        }
    }

    fn members<'a>(&self, members: &'a [ValueId]) -> &'a [ValueId] {
        match self.shape {
            Shape::Single => &[],
            Shape::List => &members[self.start..self.start + self.len as usize],
        }
    }
}

/// INVARIANT: a batch has far fewer than 2³² values, members and bytes of one value, since a
/// request is limited to a few megabytes and its batch to what fits into memory.
fn length(n: usize) -> u32 {
    u32::try_from(n).expect("the values of a batch are limited far below 2³²")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_equal_ids() {
        let mut values = Values::new();
        let a = values.intern_single("a");
        let list = values.intern_list(&["a", "b"]);
        assert_eq!(values.intern_single("a"), a);
        assert_eq!(values.intern_list(&["a", "b"]), list);
        assert_ne!(values.intern_list(&["b", "a"]), list);
        assert_ne!(values.intern_list(&["a"]), a);
        assert_eq!(values.intern_list(&[]), ValueId::ABSENT);
        assert_eq!(values.get(a), ValueView::Single("a"));
        assert!(matches!(values.get(list), ValueView::List([first, _]) if *first == a));
        assert_eq!(values.get(ValueId::COLLIDING), ValueView::Colliding);
        assert_eq!(values.get(ValueId::ABSENT), ValueView::Absent);
        let empty = values.intern_single("");
        assert_eq!(values.text(empty), Some(""));
    }

    #[test]
    fn values_are_read_once() {
        let mut values = Values::new();
        let number = values.intern_single("12");
        let address = values.intern_single("::1");
        let flag = values.intern_single("TRUE");
        assert!(values.typed(number).is_some_and(|t| t.number.is_some() && t.date == Some(12)));
        assert!(values.typed(address).is_some_and(|t| t.ip.is_some()));
        assert_eq!(values.boolean(flag), Some(true));
        assert!(values.typed(flag).is_none());
    }
}
