//! Look-up tables over folded names, and the nearest right word.

use hashbrown::HashTable;

use crate::Error;
use crate::tables::{Span, Tables};

/// Hash tables from folded names to rows. They hold row numbers only; names are compared in
/// the tables.
#[derive(Debug)]
pub(crate) struct Index {
    services: HashTable<u32>,
    actions: HashTable<u32>,
    /// Exact condition keys by name, and patterns that end in their placeholder by the text
    /// before it.
    keys: HashTable<u32>,
    /// Patterns of condition keys with text after the placeholder, which are few, in groups with
    /// the same text before it.
    inner_patterns: Vec<Vec<u32>>,
}

impl Index {
    pub(crate) fn new(tables: &Tables) -> Result<Self, Error> {
        Ok(Self {
            services: index_services(tables)?,
            actions: index_actions(tables)?,
            keys: index_keys(tables)?,
            inner_patterns: inner_patterns(tables)?,
        })
    }

    pub(crate) fn service(&self, tables: &Tables, prefix: &str) -> Option<u32> {
        let found = self.services.find(hash(&[prefix.as_bytes()]), |&at| {
            tables.strings.lower(tables.services[at as usize].prefix).eq_ignore_ascii_case(prefix)
        });
        found.copied()
    }

    pub(crate) fn action(&self, tables: &Tables, prefix: &str, name: &str) -> Option<u32> {
        let found = self.actions.find(hash(&[prefix.as_bytes(), name.as_bytes()]), |&at| {
            let row = &tables.actions[at as usize];
            let service = &tables.services[row.service as usize];
            tables.strings.get(row.name).eq_ignore_ascii_case(name)
                && tables.strings.get(service.prefix).eq_ignore_ascii_case(prefix)
        });
        found.copied()
    }

    /// The key whose name, or whose text before the placeholder, is `name`.
    pub(crate) fn key(&self, tables: &Tables, name: &str, pattern: bool) -> Option<u32> {
        let found = self.keys.find(hash(&[name.as_bytes()]), |&at| {
            tables.keys[at as usize].pattern.is_some() == pattern
                && indexed_name(tables, at).eq_ignore_ascii_case(name)
        });
        found.copied()
    }

    /// The patterns with text after the placeholder whose text before it `name` begins with.
    pub(crate) fn inner_patterns(&self, tables: &Tables, name: &str) -> impl Iterator<Item = u32> {
        let begins = |group: &&Vec<u32>| {
            let head = indexed_name(tables, group[0]).as_bytes();
            name.as_bytes().get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head))
        };
        self.inner_patterns.iter().filter(begins).flatten().copied()
    }
}

fn row_number(at: usize) -> Result<u32, Error> {
    u32::try_from(at).map_err(|_| Error::damaged("too many rows"))
}

fn index_services(tables: &Tables) -> Result<HashTable<u32>, Error> {
    let mut index = HashTable::with_capacity(tables.services.len());
    let hash_of =
        |at: u32| hash(&[tables.strings.lower(tables.services[at as usize].prefix).as_bytes()]);
    for at in 0..row_number(tables.services.len())? {
        index.insert_unique(hash_of(at), at, |&at| hash_of(at));
    }
    Ok(index)
}

fn index_actions(tables: &Tables) -> Result<HashTable<u32>, Error> {
    let mut index = HashTable::with_capacity(tables.actions.len());
    let hash_of = |at: u32| {
        let row = &tables.actions[at as usize];
        let prefix = tables.services[row.service as usize].prefix;
        hash(&[tables.strings.lower(prefix).as_bytes(), tables.strings.lower(row.name).as_bytes()])
    };
    for at in 0..row_number(tables.actions.len())? {
        index.insert_unique(hash_of(at), at, |&at| hash_of(at));
    }
    Ok(index)
}

/// What a condition key is found by: its name, or the text before its placeholder.
fn indexed_name(tables: &Tables, at: u32) -> &str {
    let row = &tables.keys[at as usize];
    let name = tables.strings.lower(row.name);
    row.pattern.map_or(name, |(head, _)| &name[..head as usize])
}

fn index_keys(tables: &Tables) -> Result<HashTable<u32>, Error> {
    let mut index = HashTable::with_capacity(tables.keys.len());
    let hash_of = |at: u32| hash(&[indexed_name(tables, at).as_bytes()]);
    for at in 0..row_number(tables.keys.len())? {
        if tables.keys[at as usize].pattern.is_none_or(|(_, tail)| tail == 0) {
            index.insert_unique(hash_of(at), at, |&at| hash_of(at));
        }
    }
    Ok(index)
}

fn inner_patterns(tables: &Tables) -> Result<Vec<Vec<u32>>, Error> {
    let mut groups: Vec<Vec<u32>> = Vec::new();
    for at in 0..row_number(tables.keys.len())? {
        if tables.keys[at as usize].pattern.is_none_or(|(_, tail)| tail == 0) {
            continue;
        }
        let head = indexed_name(tables, at);
        match groups.last_mut() {
            // The keys are sorted, so those with the same beginning stand together.
            Some(group) if indexed_name(tables, group[0]) == head => group.push(at),
            _ => groups.push(vec![at]),
        }
    }
    Ok(groups)
}

/// The rows of `span` whose folded name, as `name_of` gives it, begins with `prefix`. The rows
/// must be sorted by that name.
pub(crate) fn prefix_span<'a>(span: Span, prefix: &str, name_of: impl Fn(u32) -> &'a str) -> Span {
    let cut = |mut low: u32, before: &dyn Fn(&str) -> bool| {
        let mut high = span.end;
        while low < high {
            let middle = low + (high - low) / 2;
            if before(name_of(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    };
    let start = cut(span.start, &|name| name < prefix);
    let end = cut(start, &|name| name.starts_with(prefix));
    Span { start, end }
}

/// Whether `text` matches `pattern`, where `*` stands for any bytes and `?` for one. Both are
/// in lower case already.
pub(crate) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (Some(b'*'), _) => {
                retry = Some((p + 1, t));
                p += 1;
            }
            (Some(b'?'), Some(_)) => (p, t) = (p + 1, t + 1),
            (Some(a), Some(b)) if a == b => (p, t) = (p + 1, t + 1),
            (None, None) => return true,
            // The last `*` takes one byte more, as long as there is one.
            _ => match retry {
                Some((after, from)) if from < text.len() => {
                    retry = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                _ => return false,
            },
        }
    }
}

/// Multiplier of the hash: the fraction of the golden ratio, odd.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash of the parts, without regard to ASCII case.
///
/// It need not withstand an attacker: the tables hold the names of the catalog only, and a
/// look-up never adds to them.
fn hash(parts: &[&[u8]]) -> u64 {
    let mut state = 0;
    for part in parts {
        let (words, rest) = part.as_chunks::<8>();
        for word in words {
            state = mix(state, fold(u64::from_le_bytes(*word)));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        state = mix(state, fold(u64::from_le_bytes(last)));
        state = mix(state, part.len() as u64);
    }
    (state ^ (state >> 32)).wrapping_mul(MULTIPLIER)
}

fn mix(state: u64, word: u64) -> u64 {
    (state.rotate_left(5) ^ word).wrapping_mul(MULTIPLIER)
}

/// Eight bytes with `A`–`Z` in lower case, the others unchanged.
fn fold(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let low_bits = word & (0x7f * ONES);
    let from_a = low_bits + u64::from(0x80 - b'A') * ONES;
    let above_z = low_bits + u64::from(0x7f - b'Z') * ONES;
    let upper = (from_a ^ above_z) & !word & (0x80 * ONES);
    word | (upper >> 2)
}

/// Longest word for which the nearest one is sought, in bytes.
pub(crate) const MAX_NEAREST_BYTES: usize = 64;

/// The row of `span` whose folded name is nearest to `word`: the fewest insertions, deletions,
/// replacements and swaps, no more than a third of the word; the first of equals.
pub(crate) fn nearest<'a>(
    rows: std::ops::Range<u32>,
    word: &str,
    name_of: impl Fn(u32) -> &'a str,
) -> Option<u32> {
    if word.len() > MAX_NEAREST_BYTES {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let limit = (word.len() / 3).max(1);
    let mut best: Option<(usize, u32)> = None;
    for row in rows {
        let bound = best.map_or(limit, |(distance, _)| distance.saturating_sub(1));
        let name = name_of(row);
        if name.len().abs_diff(word.len()) <= bound {
            let distance = edit_distance(word.as_bytes(), name.as_bytes());
            if distance <= bound && best.is_none_or(|(least, _)| distance < least) {
                best = Some((distance, row));
            }
        }
    }
    best.map(|(_, row)| row)
}

/// Insertions, deletions, replacements and swaps of neighbors between two words (the
/// "optimal string alignment" distance).
fn edit_distance(a: &[u8], b: &[u8]) -> usize {
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = last[j] + usize::from(x != y);
            let mut least = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row[j + 1] = least;
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_glob(pattern: &str, text: &str, expected: bool) {
        assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} on {text}");
    }

    #[test]
    fn globs_match_whole_texts() {
        check_glob("get*", "getobject", true);
        check_glob("*object", "getobject", true);
        check_glob("*o*", "getobject", true);
        check_glob("get?bject", "getobject", true);
        check_glob("get", "getobject", false);
        check_glob("getobject?", "getobject", false);
        check_glob("getobject*", "getobject", true);
        check_glob("*a*b*c", "aabbcabc", true);
        check_glob("*a*b*cd", "aabbcabc", false);
        check_glob("", "", true);
        check_glob("", "a", false);
        check_glob("**", "", true);
        check_glob("?", "", false);
    }

    #[test]
    fn the_hash_ignores_ascii_case_only() {
        for byte in 0..=u8::MAX {
            let text = [byte; 11];
            let lower = text.map(|b| b.to_ascii_lowercase());
            assert_eq!(hash(&[&text]), hash(&[&lower]), "{byte}");
            assert_eq!(fold(u64::from_le_bytes([byte; 8])).to_le_bytes(), [lower[0]; 8]);
        }
        assert_ne!(hash(&[b"ab", b"c"]), hash(&[b"a", b"bc"]));
    }

    #[test]
    fn distances_count_edits() {
        let check = |a: &str, b: &str, expected| {
            assert_eq!(edit_distance(a.as_bytes(), b.as_bytes()), expected, "{a} {b}");
        };
        check("getobject", "getobject", 0);
        check("getobjects", "getobject", 1);
        check("gteobject", "getobject", 1);
        check("", "abc", 3);
        check("kitten", "sitting", 3);
    }
}
