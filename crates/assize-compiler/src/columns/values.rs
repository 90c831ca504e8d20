//! The values of condition keys: some for as long as the columns are used, some for one batch.

use std::hash::BuildHasher;

use assize_model::SharedText;
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

    /// Whether it came with a row, as a single value.
    #[inline]
    pub(crate) fn is_passing_single(self) -> bool {
        self.0 & (PASSING_BIT | LIST_ID_BIT) == PASSING_BIT
    }

    /// Whether it is a list, which the id tells without a look at the value.
    #[inline]
    pub(crate) fn is_list(self) -> bool {
        self.0 & LIST_ID_BIT != 0
    }

    /// The position among the values of its kind.
    #[inline]
    fn position(self) -> u32 {
        let at = self.0 & !(PASSING_BIT | LIST_ID_BIT);
        if self.0 & PASSING_BIT == 0 { at.wrapping_sub(N_RESERVED) } else { at }
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

/// The values of the condition keys of batches. Values are shared by all keys.
///
/// What hangs on principals and resources is *interned*: each distinct value has one id, which
/// stays. What comes with a row is *passing*: [`Values::pass_single`] appends it without asking
/// whether it was there before (but finds it again while it is recent), and
/// [`Values::forget_passing`] forgets it. Most values of requests are seen once, and a dictionary
/// of them would cost more than deciding does.
///
/// Values that stand in a text which was lent ([`Values::lend`]) are not copied, and each has an id
/// of its own: what is never asked for costs nothing. Which of them are equal is found when they
/// are asked for.
///
/// Two ids are equal only if their values are; passing values that are equal may have two ids.
#[derive(Debug, Clone, Default)]
pub struct Values<'t> {
    interned: Store<'t>,
    singles: HashTable<u32>,
    lists: HashTable<u32>,
    hasher: DefaultHashBuilder,
    passing: Store<'t>,
    /// Passing single values that were seen lately, by a hash of their texts: the position, and
    /// one more than `n_forgotten`. What is not more than that was forgotten.
    recent: Vec<u32>,
    /// How many positions were given to passing values that are forgotten.
    n_forgotten: u32,
    /// Whether equal passing values are not looked for.
    keeps_apart: bool,
}

/// Texts and lists by position.
#[derive(Debug, Clone, Default)]
struct Store<'t> {
    /// A text of the caller's, in front of `text`.
    lent: Option<SharedText<'t>>,
    text: String,
    entries: Vec<Entry>,
    members: Vec<ValueId>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Where the text of a single value begins, in what was lent and the own text behind it, or
    /// the members of a list.
    start: u32,
    /// The length, and [`LIST_BIT`].
    len: u32,
}

const LIST_BIT: u32 = 1 << 31;
/// How many ids do not stand in entries: absent and colliding.
const N_RESERVED: u32 = 2;
/// Ids of passing values have it.
const PASSING_BIT: u32 = 1 << 31;
/// Ids of lists have it.
const LIST_ID_BIT: u32 = 1 << 30;
/// How many recent values are remembered: 8 KiB, which stays in the first cache.
const N_RECENT: usize = 1 << 11;
/// Fibonacci hashing: 2⁶⁴ divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl<'t> Values<'t> {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// The id of a single value, which stays.
    pub fn intern_single(&mut self, text: &str) -> ValueId {
        let hash = self.hasher.hash_one(text);
        let store = &self.interned;
        if let Some(&at) = self.singles.find(hash, |&at| store.text(at) == Some(text)) {
            return ValueId(at + N_RESERVED);
        }
        let at = self.interned.push_text(text);
        let (store, hasher) = (&self.interned, &self.hasher);
        self.singles.insert_unique(hash, at, |&at| hasher.hash_one(store.text(at)));
        ValueId(at + N_RESERVED)
    }

    /// The id of a list, which stays. The empty list is absence (L-609).
    pub fn intern_list(&mut self, members: &[&str]) -> ValueId {
        if members.is_empty() {
            return ValueId::ABSENT;
        }
        let ids: Vec<ValueId> = members.iter().map(|member| self.intern_single(member)).collect();
        let hash = self.hasher.hash_one(&ids);
        let store = &self.interned;
        if let Some(&at) = self.lists.find(hash, |&at| store.members(at) == Some(&ids)) {
            return ValueId((at + N_RESERVED) | LIST_ID_BIT);
        }
        let at = self.interned.push_list(&ids);
        let (store, hasher) = (&self.interned, &self.hasher);
        self.lists.insert_unique(hash, at, |&at| hasher.hash_one(store.members(at)));
        ValueId((at + N_RESERVED) | LIST_ID_BIT)
    }

    /// Lends a text, so that values that are parts of it need not be copied, until
    /// [`Values::forget_passing`]. What came with rows before is forgotten.
    pub fn lend(&mut self, text: SharedText<'t>) {
        self.forget_passing();
        self.passing.lent = Some(text).filter(|text| text.len() < LIST_BIT as usize);
    }

    /// Gives each single value that is to come an id of its own, until
    /// [`Values::forget_passing`]: of a few values it costs more to find the equal ones than to
    /// keep them twice.
    pub fn keep_apart(&mut self) {
        self.keeps_apart = true;
    }

    /// Whether equal values may have several ids because a text was lent.
    #[inline]
    pub(crate) fn lends(&self) -> bool {
        self.passing.lent.is_some()
    }

    /// A single value until [`Values::forget_passing`].
    #[inline]
    pub fn pass_single(&mut self, text: &str) -> ValueId {
        if let Some(start) = self.passing.lent_position(text) {
            let len = length(text.len());
            return ValueId(self.passing.push(Entry { start, len }) | PASSING_BIT);
        }
        self.pass_copied(text)
    }

    /// A single value that is no part of what was lent.
    fn pass_copied(&mut self, text: &str) -> ValueId {
        if self.keeps_apart {
            return ValueId(self.passing.push_text(text) | PASSING_BIT);
        }
        if self.recent.is_empty() {
            self.recent.resize(N_RECENT, 0);
        }
        let recent = self.recent.get_mut(place_of(text));
        let Some(recent) = recent else { return ValueId::COLLIDING };
        let first = self.n_forgotten + 1;
        if let Some(at) = recent.checked_sub(first)
            && self.passing.text(at) == Some(text)
        {
            return ValueId(at | PASSING_BIT);
        }
        let at = self.passing.push_text(text);
        *recent = first + at;
        ValueId(at | PASSING_BIT)
    }

    /// A list until [`Values::forget_passing`]. The empty list is absence (L-609).
    pub fn pass_list<'m>(&mut self, members: impl IntoIterator<Item = &'m str>) -> ValueId {
        let start = self.passing.members.len();
        for member in members {
            let id = self.pass_single(member);
            self.passing.members.push(id);
        }
        if self.passing.members.len() == start {
            return ValueId::ABSENT;
        }
        let len = length(self.passing.members.len() - start) | LIST_BIT;
        let at = self.passing.push(Entry { start: length(start), len });
        ValueId(at | PASSING_BIT | LIST_ID_BIT)
    }

    /// Forgets the values that came with rows, and keeps their memory.
    pub fn forget_passing(&mut self) {
        // Clearing what was seen lately takes longer than deciding one request.
        let n_passing = u32::try_from(self.passing.entries.len()).unwrap_or(u32::MAX);
        let n_forgotten = self.n_forgotten.checked_add(n_passing);
        self.n_forgotten = n_forgotten.filter(|n| *n < u32::MAX / 2).unwrap_or_else(|| {
            self.recent.fill(0);
            0
        });
        self.passing.clear();
        self.keeps_apart = false;
    }

    /// The bytes that passing values take. A batch holds at most 2³⁰ of them.
    pub fn n_passing_bytes(&self) -> usize {
        let Store { text, entries, members, .. } = &self.passing;
        text.len() + size_of_val(&**entries) + size_of_val(&**members)
    }

    /// The id of a key to whose name several entries fold (L-606).
    pub fn colliding(&self) -> ValueId {
        ValueId::COLLIDING
    }

    /// What an id stands for. An id of other values may be taken for absent.
    #[inline]
    pub fn get(&self, id: ValueId) -> ValueView<'_> {
        let store = if id.0 & PASSING_BIT == 0 { &self.interned } else { &self.passing };
        let Some(entry) = store.entries.get(id.position() as usize) else {
            let colliding = id == ValueId::COLLIDING;
            return if colliding { ValueView::Colliding } else { ValueView::Absent };
        };
        match entry.len & LIST_BIT {
            0 => ValueView::Single(store.text_of(*entry)),
            _ => ValueView::List(entry.members(&store.members)),
        }
    }

    /// The text of a single value.
    #[inline]
    pub fn text(&self, id: ValueId) -> Option<&str> {
        match self.get(id) {
            ValueView::Single(text) => Some(text),
            _ => None,
        }
    }

    /// The number of values held.
    pub fn len(&self) -> usize {
        self.interned.entries.len() + self.passing.entries.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where a text begins that is a part of another, by their addresses: two texts that are there at
/// the same time share bytes only if one is a part of the other. None for the empty text.
#[inline]
pub fn position_in(whole: &str, part: &str) -> Option<u32> {
    let start = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
    let is_part = !part.is_empty() && start < whole.len() && part.len() <= whole.len() - start;
    if is_part { u32::try_from(start).ok() } else { None }
}

/// Finds one id for values with equal texts, as far as it remembers them: who remembers what was
/// worked out for a value then finds it again although the values of a text that was lent have an
/// id each.
#[derive(Debug, Clone, Default)]
pub(crate) struct SameTexts {
    /// Values that were seen lately, by a hash of their texts.
    recent: Vec<ValueId>,
}

impl SameTexts {
    /// Forgets everything: ids may mean something else from here on.
    pub(crate) fn begin(&mut self, values: &Values<'_>) {
        if values.lends() {
            self.recent.clear();
            self.recent.resize(N_RECENT, ValueId::ABSENT);
        }
    }

    /// An id whose text is that of a single value.
    #[inline]
    pub(crate) fn first(&mut self, values: &Values<'_>, value: ValueId) -> ValueId {
        if values.lends() && value.is_passing_single() { self.find(values, value) } else { value }
    }

    fn find(&mut self, values: &Values<'_>, value: ValueId) -> ValueId {
        let Some(text) = values.text(value) else { return value };
        let Some(recent) = self.recent.get_mut(place_of(text)) else { return value };
        if !recent.is_absent() && values.text(*recent) == Some(text) {
            return *recent;
        }
        *recent = value;
        value
    }
}

/// Where a text is remembered. The two ends of a text tell most apart, and a mistake only costs
/// memory.
#[inline]
fn place_of(text: &str) -> usize {
    let bytes = text.as_bytes();
    let word = |at: usize| {
        let mut word = [0; 8];
        if let Some(eight) = bytes.get(at..at + 8) {
            word.copy_from_slice(eight);
        } else {
            let rest = bytes.get(at..).unwrap_or_default();
            word[..rest.len().min(8)].copy_from_slice(&rest[..rest.len().min(8)]);
        }
        u64::from_le_bytes(word)
    };
    let ends = word(0).rotate_left(23) ^ word(bytes.len().saturating_sub(8));
    let hash = (ends ^ bytes.len() as u64).wrapping_mul(GOLDEN);
    // The highest bits of the product are the best.
    usize::try_from(hash >> (64 - N_RECENT.trailing_zeros())).unwrap_or_default()
}

impl Store<'_> {
    fn text(&self, at: u32) -> Option<&str> {
        let entry = self.entries.get(at as usize)?;
        (entry.len & LIST_BIT == 0).then(|| self.text_of(*entry))
    }

    fn lent(&self) -> &str {
        self.lent.as_deref().unwrap_or_default()
    }

    /// The text of the entry of a single value.
    #[inline]
    fn text_of(&self, entry: Entry) -> &str {
        let lent = self.lent();
        let range = entry.range();
        let text = if range.start < lent.len() {
            lent.get(range)
        } else {
            self.text.get(range.start - lent.len()..range.end - lent.len())
        };
        text.unwrap_or_default()
    }

    /// Where a text stands that is a part of what was lent. Asked of addresses: two texts that are
    /// there at the same time share bytes only if one is a part of the other.
    #[inline]
    fn lent_position(&self, text: &str) -> Option<u32> {
        position_in(self.lent.as_ref()?, text)
    }

    fn members(&self, at: u32) -> Option<&[ValueId]> {
        let entry = self.entries.get(at as usize)?;
        (entry.len & LIST_BIT != 0).then(|| entry.members(&self.members))
    }

    fn push_text(&mut self, text: &str) -> u32 {
        let start = length(self.lent().len() + self.text.len());
        self.text.push_str(text);
        self.push(Entry { start, len: length(text.len()) })
    }

    fn push_list(&mut self, members: &[ValueId]) -> u32 {
        let start = length(self.members.len());
        self.members.extend_from_slice(members);
        self.push(Entry { start, len: length(members.len()) | LIST_BIT })
    }

    #[inline]
    fn push(&mut self, entry: Entry) -> u32 {
        let at = length(self.entries.len());
        assert!(at < LIST_ID_BIT - N_RESERVED, "{FEW}");
        self.entries.push(entry);
        at
    }

    fn clear(&mut self) {
        self.lent = None;
        self.text.clear();
        self.entries.clear();
        self.members.clear();
    }
}

impl Entry {
    fn range(self) -> std::ops::Range<usize> {
        let start = self.start as usize;
        start..start + (self.len & !LIST_BIT) as usize
    }

    fn members(self, members: &[ValueId]) -> &[ValueId] {
        &members[self.range()]
    }
}

/// INVARIANT: whoever fills a batch looks at [`Values::n_passing_bytes`], and interns far fewer
/// values than that.
const FEW: &str = "the values of a batch are limited below 2³⁰";

fn length(n: usize) -> u32 {
    u32::try_from(n).ok().filter(|n| n & LIST_BIT == 0).expect(FEW)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn interned_values_that_are_equal_have_equal_ids() {
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
    fn passing_values_are_what_was_passed_until_they_are_forgotten() {
        let mut values = Values::new();
        let kept = values.intern_single("kept");
        let texts: Vec<String> = (0..9_999).map(|n| format!("{}-{}", n % 3_333, n % 7)).collect();
        for round in 0..2 {
            let ids: Vec<_> = texts.iter().map(|text| values.pass_single(text)).collect();
            for (id, text) in ids.iter().zip(&texts) {
                assert_eq!(values.text(*id), Some(text.as_str()), "round {round}");
            }
            let list = values.pass_list(["x", "y"]);
            let ValueView::List(members) = values.get(list) else { panic!("a list") };
            assert_eq!(values.text(members[1]), Some("y"));
            assert_eq!(values.pass_list([]), ValueId::ABSENT);
            assert_eq!(values.pass_single("y"), values.pass_single("y"));
            values.keep_apart();
            let apart = values.pass_single("y");
            assert_ne!(apart, values.pass_single("y"));
            assert_eq!(values.text(apart), Some("y"));
            values.forget_passing();
            assert_eq!(values.get(ids[7]), ValueView::Absent);
            assert_eq!(values.text(kept), Some("kept"));
        }
        assert_eq!(values.len(), 1);
    }

    #[test]
    fn parts_of_a_lent_text_are_what_they_were_and_are_found_to_be_the_same() {
        let mut values = Values::new();
        for round in 0..2 {
            let lent = Arc::new("one two one two é".to_owned());
            values.lend(SharedText::Kept(Arc::clone(&lent)));
            let parts: Vec<&str> = lent.split(' ').chain(["two", "", "three"]).collect();
            let ids: Vec<ValueId> = parts.iter().map(|part| values.pass_single(part)).collect();
            for (id, part) in ids.iter().zip(&parts) {
                assert_eq!(values.text(*id), Some(*part), "round {round}");
            }
            let mut same = SameTexts::default();
            same.begin(&values);
            let first: Vec<ValueId> = ids.iter().map(|id| same.first(&values, *id)).collect();
            for (a, b) in (0..parts.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
                assert_eq!(first[a] == first[b], parts[a] == parts[b], "{} {}", parts[a], parts[b]);
            }
            let list = values.pass_list([parts[0], parts[2], "four"]);
            let ValueView::List(members) = values.get(list) else { panic!("a list") };
            assert_eq!(values.text(members[1]), Some("one"));
            assert_eq!(same.first(&values, list), list);
            values.forget_passing();
            assert_eq!(Arc::strong_count(&lent), 1);
            assert_eq!(values.get(ids[1]), ValueView::Absent);
        }
    }

    #[test]
    fn parts_are_told_from_equal_texts_elsewhere() {
        let whole = "abcabc".to_owned();
        assert_eq!(position_in(&whole, &whole), Some(0));
        assert_eq!(position_in(&whole, &whole[4..]), Some(4));
        assert_eq!(position_in(&whole, &whole[3..3]), None);
        assert_eq!(position_in(&whole, "abc"), None);
        assert_eq!(position_in(&whole[..3], &whole[2..4]), None);
        assert_eq!(position_in(&whole[1..], &whole[..2]), None);
    }
}
