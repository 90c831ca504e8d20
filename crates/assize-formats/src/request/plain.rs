//! Lines of the plain form, read at the speed of memory.
//!
//! Nearly every line of a request stream is an object of a principal, an action, a resource and a
//! context, all of them strings without escapes. One pass over the line finds its quotes, sixteen
//! bytes at a time, and a walk from string to string reads it. What stands between two strings is
//! nearly always what stood between them in a line before: then it is compared instead of read. A
//! line with anything else in it, and every malformed line, is left to
//! [`super::RequestRecord`], which knows the errors.

use hashbrown::HashMap;
use wide::u8x16;

use super::{MAX_CONTEXT_KEYS, MAX_LINE_BYTES, MAX_RESOURCE_BYTES};

/// A line of the plain form: what [`super::RequestRecord`] reads in it, borrowed as it stands.
///
/// Reading many lines with one of these is the quicker the more alike they are.
///
/// # Examples
/// ```
/// use assize_formats::PlainLine;
///
/// let mut line = PlainLine::default();
/// assert!(line.read(r#"{"principal":"*","action":"s3:GetObject","context":{"s3:prefix":"a"}}"#));
/// assert_eq!((line.action, line.resource), ("s3:GetObject", None));
/// assert_eq!(line.context, [(0, "a")]);
/// assert_eq!(line.keys[0], "s3:prefix");
/// assert!(!line.read(r#"{"principal":"*","action":"s3:GetObject","via":[]}"#));
/// ```
#[derive(Debug, Clone, Default)]
pub struct PlainLine<'a> {
    /// `id`, with whether it is a number.
    pub id: Option<(&'a str, bool)>,
    /// `principal`.
    pub principal: &'a str,
    /// `action`.
    pub action: &'a str,
    /// `resource`.
    pub resource: Option<&'a str>,
    /// `context`: positions in `keys`, and values.
    pub context: Vec<(u32, &'a str)>,
    /// The keys of the contexts of all lines that were read, each spelling once.
    pub keys: Vec<&'a str>,
    key_index: HashMap<&'a str, u32>,
    /// For each 64 bytes of the line, the bits of its quotes.
    quotes: Vec<u64>,
    /// What stood behind each value, by its [`Slot`].
    gaps: Vec<[Gap<'a>; N_REMEMBERED]>,
}

/// What a value of a line is: one of the members, or what stands beside a key of the context.
type Slot = u32;
/// No value: the beginning of the line, and its end.
const START: Slot = 0;
const END: Slot = 1;
/// An id that is a number; all values from here on are strings.
const NUMBER: Slot = 2;
const ID: Slot = 3;
const PRINCIPAL: Slot = 4;
const ACTION: Slot = 5;
const RESOURCE: Slot = 6;
/// No value: the object around the keys.
const CONTEXT: Slot = 7;
/// The first of the keys.
const FIRST_KEY: Slot = 8;

/// What stands between two values of a line, the quotes of strings included.
#[derive(Debug, Clone, Copy, Default)]
struct Gap<'a> {
    /// Empty for a gap that was not seen yet.
    text: &'a str,
    /// What the value behind it is.
    next: Slot,
    /// Bits of the members that are met in it.
    meets: u32,
}

impl Gap<'_> {
    /// Whether it is what a text begins with. A string begins right behind its quote, so that
    /// only what is no string asks for a look at what comes then.
    #[inline]
    fn begins(&self, text: &[u8]) -> bool {
        begins_with(text, self.text.as_bytes())
            && (self.next >= ID
                || match text.get(self.text.len()) {
                    Some(byte) => self.next == NUMBER && byte.is_ascii_digit(),
                    None => self.next == END,
                })
    }
}

/// How many gaps are remembered behind one value.
const N_REMEMBERED: usize = 3;

/// A walk over a line whose quotes are known.
#[derive(Clone, Copy)]
struct Walk<'a, 'q> {
    text: &'a str,
    at: usize,
    quotes: &'q [u64],
    /// Bits of the members that were met.
    met: u32,
}

impl<'a> PlainLine<'a> {
    /// Reads a line. Gives false when it is not of the plain form, malformed ones among them; the
    /// fields then mean nothing.
    pub fn read(&mut self, line: &'a str) -> bool {
        self.id = None;
        self.resource = None;
        self.context.clear();
        let mut quotes = std::mem::take(&mut self.quotes);
        let is_plain = find_quotes(line.as_bytes(), &mut quotes)
            && self.walk(Walk { text: line, at: 0, quotes: &quotes, met: 0 }).is_some();
        self.quotes = quotes;
        is_plain
    }

    fn walk(&mut self, mut walk: Walk<'a, '_>) -> Option<()> {
        let mut slot = START;
        loop {
            let gap = match self.known_gap(&walk, slot) {
                Some(gap) => gap,
                None => self.gap(walk, slot)?,
            };
            walk.pass(&gap)?;
            slot = gap.next;
            if slot >= FIRST_KEY {
                self.context.push((slot - FIRST_KEY, walk.string()?));
                continue;
            }
            match slot {
                NUMBER => self.id = Some((walk.number()?, true)),
                ID => self.id = Some((walk.string()?, false)),
                PRINCIPAL => self.principal = walk.string()?,
                ACTION => self.action = walk.string()?,
                RESOURCE => self.resource = Some(walk.string()?),
                _ => break,
            }
        }
        let is_whole = walk.at == walk.text.len() && walk.has(PRINCIPAL) && walk.has(ACTION);
        let fits = self.context.len() <= MAX_CONTEXT_KEYS
            && self.resource.is_none_or(|text| text.len() <= MAX_RESOURCE_BYTES);
        (is_whole && fits).then_some(())
    }

    /// The gap that stands next, when it stood behind such a value before.
    #[inline]
    fn known_gap(&self, walk: &Walk<'a, '_>, slot: Slot) -> Option<Gap<'a>> {
        let rest = walk.text.as_bytes().get(walk.at..)?;
        let mut gaps = self.gaps.get(slot as usize)?.iter();
        gaps.find(|gap| gap.begins(rest)).copied()
    }

    /// Reads the gap that stands next, and remembers it.
    fn gap(&mut self, mut walk: Walk<'a, '_>, slot: Slot) -> Option<Gap<'a>> {
        let from = walk.at;
        walk.met = 0;
        let mut next = if slot == START {
            walk.expect(b'{')?;
            self.member(&mut walk)?
        } else {
            self.behind_value(&mut walk, slot >= FIRST_KEY)?
        };
        if next < FIRST_KEY {
            // A member that comes twice is an error, which the other reader tells.
            walk.meet(next)?;
        }
        if next == ID && walk.byte()? != b'"' {
            next = NUMBER;
        } else if next != END {
            walk.expect(b'"')?;
        }
        let gap = Gap { text: walk.text.get(from..walk.at)?, next, meets: walk.met };
        let at = slot as usize;
        if self.gaps.len() <= at {
            self.gaps.resize(at + 1, [Gap::default(); N_REMEMBERED]);
        }
        let gaps = &mut self.gaps[at];
        gaps.rotate_right(1);
        gaps[0] = gap;
        Some(gap)
    }

    fn behind_value(&mut self, walk: &mut Walk<'a, '_>, mut in_context: bool) -> Option<Slot> {
        while !walk.goes_on()? {
            if !in_context {
                walk.skip_space();
                return Some(END);
            }
            in_context = false;
        }
        if in_context { self.context_key(walk) } else { self.member(walk) }
    }

    fn member(&mut self, walk: &mut Walk<'a, '_>) -> Option<Slot> {
        match walk.key()? {
            "id" => Some(ID),
            "principal" => Some(PRINCIPAL),
            "action" => Some(ACTION),
            "resource" => Some(RESOURCE),
            "context" => {
                walk.meet(CONTEXT)?;
                walk.expect(b'{')?;
                if walk.expect(b'}').is_some() {
                    return self.behind_value(walk, false);
                }
                self.context_key(walk)
            }
            _ => None,
        }
    }

    fn context_key(&mut self, walk: &mut Walk<'a, '_>) -> Option<Slot> {
        let key = walk.key()?;
        let next = u32::try_from(self.keys.len()).ok()?;
        let at = *self.key_index.entry(key).or_insert(next);
        if at == next {
            self.keys.push(key);
        }
        FIRST_KEY.checked_add(at)
    }
}

impl<'a> Walk<'a, '_> {
    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn has(&self, slot: Slot) -> bool {
        self.met & 1 << slot != 0
    }

    /// Notes a member, which must be the first of its name.
    #[inline]
    fn meet(&mut self, slot: Slot) -> Option<()> {
        let is_first = !self.has(slot);
        self.met |= 1 << slot;
        is_first.then_some(())
    }

    /// Control characters were refused, so that a blank is the only space.
    #[inline]
    fn skip_space(&mut self) {
        while self.byte() == Some(b' ') {
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skip_space();
        (self.byte() == Some(byte)).then(|| self.at += 1)
    }

    /// The position of the next quote.
    #[inline]
    fn quote(&self, from: usize) -> Option<usize> {
        let mut word = from / WORD_BYTES;
        let mut bits = self.quotes.get(word)? & u64::MAX << (from % WORD_BYTES);
        while bits == 0 {
            word += 1;
            bits = *self.quotes.get(word)?;
        }
        Some(word * WORD_BYTES + bits.trailing_zeros() as usize)
    }

    /// Passes over a gap, none of whose members were met before.
    #[inline]
    fn pass(&mut self, gap: &Gap<'_>) -> Option<()> {
        let is_first = self.met & gap.meets == 0;
        self.met |= gap.meets;
        self.at += gap.text.len();
        is_first.then_some(())
    }

    /// The rest of a string, behind its first quote.
    #[inline]
    fn string(&mut self) -> Option<&'a str> {
        let start = self.at;
        let close = self.quote(start)?;
        self.at = close + 1;
        self.text.get(start..close)
    }

    /// A key, up to its value.
    fn key(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let key = self.string()?;
        self.expect(b':')?;
        self.skip_space();
        Some(key)
    }

    /// Whether the object goes on behind a member.
    fn goes_on(&mut self) -> Option<bool> {
        self.skip_space();
        let byte = self.byte()?;
        self.at += 1;
        match byte {
            b',' => Some(true),
            b'}' => Some(false),
            _ => None,
        }
    }

    /// A whole number as JSON writes it.
    fn number(&mut self) -> Option<&'a str> {
        let start = self.at;
        while self.byte().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = self.text.get(start..self.at)?;
        let is_plain = digits == "0" || !(digits.is_empty() || digits.starts_with('0'));
        is_plain.then_some(digits)
    }
}

/// Whether a text begins with a gap. Gaps are short, and nearly always the one that is expected:
/// comparing their two ends is the quicker than a call.
#[inline]
fn begins_with(text: &[u8], gap: &[u8]) -> bool {
    let Some(text) = text.get(..gap.len()) else { return false };
    let has_ends = |found: Option<bool>| found.unwrap_or_else(|| text.iter().eq(gap));
    match gap.len() {
        ..=LANES => has_ends(equal_ends::<8>(text, gap)),
        len if len <= 2 * LANES => has_ends(equal_ends::<LANES>(text, gap)),
        _ => text == gap,
    }
}

/// Whether the first and the last bytes of two texts are the same, if there are so many.
#[inline]
fn equal_ends<const N: usize>(a: &[u8], b: &[u8]) -> Option<bool> {
    Some(a.first_chunk::<N>()? == b.first_chunk()? && a.last_chunk::<N>()? == b.last_chunk()?)
}

/// Bytes of a vector.
const LANES: usize = 16;
/// Bytes whose quotes are the bits of one word.
const WORD_BYTES: usize = 64;

/// Finds the quotes of a line. Gives false when it has backslashes or control characters, or is
/// too long.
fn find_quotes(line: &[u8], quotes: &mut Vec<u64>) -> bool {
    quotes.clear();
    if line.len() > MAX_LINE_BYTES {
        return false;
    }
    let mut seen = Seen { backslashes: u8x16::ZERO, least: u8x16::splat(b' ') };
    let (words, rest) = line.as_chunks::<WORD_BYTES>();
    quotes.extend(words.iter().map(|word| seen.quotes_of(word)));
    let mut last = [b' '; WORD_BYTES];
    last[..rest.len()].copy_from_slice(rest);
    quotes.push(seen.quotes_of(&last));
    !seen.backslashes.any() && seen.least.simd_eq(u8x16::splat(b' ')).all()
}

/// What a line must not hold, lane by lane.
struct Seen {
    backslashes: u8x16,
    /// The least byte, if it is a control character.
    least: u8x16,
}

impl Seen {
    /// The bits of the quotes in a word.
    #[inline]
    fn quotes_of(&mut self, word: &[u8; WORD_BYTES]) -> u64 {
        let (vectors, _) = word.as_chunks::<LANES>();
        vectors.iter().rev().fold(0, |mask, vector| {
            let bytes = u8x16::new(*vector);
            self.backslashes |= bytes.simd_eq(u8x16::splat(b'\\'));
            self.least = self.least.min(bytes);
            mask << LANES | u64::from(bytes.simd_eq(u8x16::splat(b'"')).to_bitmask())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use assize_model::{ContextInput, ContextScalar, Principal, Target};
    use proptest::prelude::*;

    use super::*;
    use crate::{RecordId, RequestRecord};

    #[test]
    fn gaps_are_told_apart_at_every_byte() {
        let bytes: Vec<u8> = (b'0'..b'0' + 50).collect();
        for len in 0..bytes.len() {
            let gap = &bytes[..len];
            assert!(begins_with(&bytes, gap), "{len}");
            for at in 0..len {
                let mut other = bytes.clone();
                other[at] ^= 1;
                assert!(!begins_with(&other, gap), "{len} {at}");
            }
            assert!(len == 0 || !begins_with(&gap[1..], gap), "{len}");
        }
    }

    /// What the other reader reads in a line that was read as one of the plain form.
    fn check_record(plain: &PlainLine<'_>, line: &str) {
        let record = RequestRecord::parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let id = plain.id.map(|(id, is_number)| {
            let id = Cow::Borrowed(id);
            if is_number { RecordId::Number(id) } else { RecordId::Text(id) }
        });
        let context = plain.context.iter().map(|(key, value)| {
            let value = ContextScalar::String(Cow::Borrowed(*value));
            (Cow::Borrowed(plain.keys[*key as usize]), ContextInput::Scalar(value))
        });
        let mut expected = RequestRecord { id, ..RequestRecord::default() };
        expected.request.principal = Principal::Text(Cow::Borrowed(plain.principal));
        expected.request.context = context.collect();
        expected.request.target = Target::Action {
            action: Cow::Borrowed(plain.action),
            resource: plain.resource.map(Cow::Borrowed),
            resources: Vec::new(),
        };
        assert_eq!(record, expected, "{line}");
    }

    /// Whatever was read before, a line is read as if it were the first.
    fn check(line: &str, is_plain: bool) {
        let mut plain = PlainLine::default();
        for first in [true, false] {
            assert_eq!(plain.read(line), is_plain, "{line} ({first})");
            if is_plain {
                check_record(&plain, line);
            }
            assert!(plain.read(ORDINARY));
            check_record(&plain, ORDINARY);
        }
    }

    const ORDINARY: &str = r#"{"id":12,"principal":"arn:p","action":"s3:GetObject","resource":"arn:r","context":{"aws:a":"b","c":""}}"#;

    #[test]
    fn plain_lines_are_read_as_the_other_reader_reads_them() {
        check(r#"{"principal":"p","action":"a"}"#, true);
        check(r#" { "id" : 7 , "principal" : "p" , "action" : "a" , "context" : { } } "#, true);
        check(r#"{"id":"x","context":{"k":"v","l":"é"},"action":"a","principal":"p"}"#, true);
        check(r#"{"id":0,"principal":"p","action":"a","resource":"*"}"#, true);
        check(
            r#"{"principal":"p","action":"a","context":{"aws:a":"b","principal":"p"},"id":5}"#,
            true,
        );
        check(r#"{"context":{"aws:a":"b"},"principal":"p","action":"a","resource":"r"}"#, true);
        check(r#"{"principal": "p", "action": "a", "context": {"aws:a": "b", "c": ""}}"#, true);
    }

    #[test]
    fn what_is_out_of_the_ordinary_is_left_to_the_other_reader() {
        for line in [
            "",
            "{",
            "{}",
            r#"{"principal":"p"}"#,
            r#"{"principal":"p","action":"a"}}"#,
            r#"{"principal":"p","action":"a",}"#,
            r#"{"principal":"p","action":"a"} x"#,
            r#"{"principal":"p""action":"a"}"#,
            r#"{"principal":"p","action":"a","action":"b"}"#,
            r#"{"principal":"p","action":"a","context":{"k":1}}"#,
            r#"{"principal":"p","action":"a","context":{"k":"v"}"#,
            r#"{"principal":"p","action":"a","context":{"k":"v",}}"#,
            r#"{"principal":"p\n","action":"a"}"#,
            "{\"principal\":\"p\t\",\"action\":\"a\"}",
            "{\"principal\":\"p\",\n\"action\":\"a\"}",
            r#"{"id":01,"principal":"p","action":"a"}"#,
            r#"{"id":1.5,"principal":"p","action":"a"}"#,
            r#"{"id":-1,"principal":"p","action":"a"}"#,
            r#"{"principal":{"type":"Root"},"action":"a"}"#,
            r#"{"principal":"p","action":"a","x-note":"n"}"#,
            r#"{"principal":"p,"action":"a"}"#,
            r#"{"id":1,"principal":"p","action":"a","id":2}"#,
            r#"{"principal":"p","action":"a","context":{"k":"v"},"context":{"l":"v"}}"#,
            r#"{"context":{},"principal":"p","action":"a","context":{}}"#,
            r#"{"principal":"arn:p","action":"a","context":{"aws:a":"b","c":""}},"#,
            r#"{"principal":"p","action":"a","context":{"aws:a":"b","c":"","principal":"p"}}}"#,
        ] {
            check(line, false);
        }
        let long = "x".repeat(MAX_RESOURCE_BYTES + 1);
        check(&format!(r#"{{"principal":"p","action":"a","resource":"{long}"}}"#), false);
    }

    #[test]
    fn lines_of_every_length_are_searched_to_their_end() {
        for n in 0..64 {
            let name = "n".repeat(n);
            check(&format!(r#"{{"principal":"{name}","action":"{name}"}}"#), true);
            check(&format!(r#"{{"principal":"{name}\\","action":""}}"#), false);
        }
    }

    proptest! {
        #[test]
        fn broken_lines_are_read_the_same_way_or_not(
            at in 0_usize..120,
            with in prop::sample::select(vec!["", "\"", "\\", "{", "}", ":", ",", " ", "\t", "é", "1"]),
        ) {
            let line = ORDINARY;
            let mut broken = line.to_owned();
            let at = at.min(line.len() - 1);
            broken.replace_range(at..=at, with);
            let first_read = PlainLine::default().read(&broken);
            let mut plain = PlainLine::default();
            prop_assert!(plain.read(line));
            prop_assert_eq!(plain.read(&broken), first_read);
            if first_read && RequestRecord::parse(&broken).is_err() {
                // A key that is given twice is told by whoever takes the keys.
                prop_assert!(plain.context.len() == 2 && plain.context[0].0 == plain.context[1].0);
            } else if first_read {
                check_record(&plain, &broken);
            }
        }
    }
}
