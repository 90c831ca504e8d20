//! Lines of the plain form, read at the speed of memory.
//!
//! Nearly every line of a request stream is an object of a principal, an action, a resource and a
//! context, all of them strings without escapes. One pass over the line finds its quotes, sixteen
//! bytes at a time, and a walk from string to string reads it. What stands between the strings is
//! nearly always what stood between those of a line before: the *form* of the line. Then it is
//! compared instead of read, and all that follows from the form alone (whether the line is whole,
//! which keys its context has) is known. A line with anything else in it, and every malformed
//! line, is left to [`super::RequestRecord`], which knows the errors.

use wide::u8x16;

use super::{MAX_CONTEXT_KEYS, MAX_LINE_BYTES, MAX_RESOURCE_BYTES};

/// A line of the plain form: what [`super::RequestRecord`] reads in it, borrowed as it stands.
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
    /// The form, of which [`PlainReader::keys`] tells the keys of `context`.
    pub form: usize,
    /// All values in their order, those of `context` among them.
    pub values: Vec<&'a str>,
}

/// A key of the context of lines of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainKey {
    /// The position of its value in [`PlainLine::values`].
    pub at: usize,
    /// Its name.
    pub name: Box<str>,
}

/// Reads lines of the plain form, the quicker the more alike they are.
///
/// # Examples
/// ```
/// use assize_formats::{PlainLine, PlainReader};
///
/// let (mut reader, mut line) = (PlainReader::default(), PlainLine::default());
/// let text = r#"{"principal":"*","action":"s3:GetObject","context":{"s3:prefix":"a"}}"#;
/// assert!(reader.read(text, &mut line));
/// assert_eq!((line.action, line.resource), ("s3:GetObject", None));
/// let [key] = reader.keys(line.form) else { panic!("one key") };
/// assert_eq!((&*key.name, line.values[key.at]), ("s3:prefix", "a"));
/// assert!(!reader.read(r#"{"principal":"*","action":"s3:GetObject","via":[]}"#, &mut line));
/// ```
#[derive(Debug, Clone, Default)]
pub struct PlainReader {
    /// The beginnings of the forms that were met; the first is the empty one.
    nodes: Vec<Node>,
    forms: Vec<Form>,
    /// The form of the last line, which the next one mostly has too, or begins as it does.
    last: usize,
    /// Bytes of the texts of both.
    n_bytes: usize,
    /// Something was not remembered.
    is_full: bool,
    /// For each 64 bytes of the line, the bits of its quotes.
    quotes: Vec<u64>,
}

/// The beginning of a form, up to a value.
#[derive(Debug, Clone)]
struct Node {
    gap: Gap,
    /// What the value is.
    slot: Slot,
    /// The first node of what may come next, and the next of what may come instead. None is the
    /// first of all nodes.
    first: usize,
    other: usize,
    /// The form, of the end of a line.
    form: usize,
    /// The node of the value before.
    parent: usize,
    /// Bits of the members that were met, and how many keys there are up to here.
    met: u32,
    n_keys: usize,
    /// The key, of a value of the context.
    key: Box<str>,
}

/// What stands between two values, or in front of the first or behind the last, the quotes of
/// strings included.
#[derive(Debug, Clone)]
struct Gap {
    head: Head,
    text: Box<str>,
}

/// The first bytes of a gap, and their bits.
#[derive(Debug, Clone)]
struct Head {
    bytes: [u8; HEAD_BYTES],
    bits: u32,
}

/// Lines with the same gaps between values.
#[derive(Debug, Clone)]
struct Form {
    /// The positions of the members among the values, by the bits of [`Slot`]; [`NOWHERE`] for
    /// those that it has not.
    members: [usize; N_MEMBERS],
    keys: Box<[PlainKey]>,
    /// The way to the values, as far as it is followed at once.
    path: Box<[Step]>,
    /// What stands behind the last value, when the path leads to it.
    end: Option<End>,
}

/// The end of a line, as it is compared at once: the last bytes of a word, and how many they are.
#[derive(Debug, Clone, Copy)]
struct End {
    word: u64,
    len: usize,
}

/// A node on the way of a form: the little of it that is looked at for each line, side by side
/// with that of the next.
#[derive(Debug, Clone)]
struct Step {
    head: Head,
    gap_len: usize,
    is_number: bool,
    node: usize,
}

/// Bytes of a gap that are compared at once.
const HEAD_BYTES: usize = 2 * LANES;
/// Members that have values.
const N_MEMBERS: usize = 5;
/// The position of what is not there.
const NOWHERE: usize = usize::MAX;

/// What a value of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Principal,
    Action,
    Resource,
    Id,
    /// An id that is a number; all other values are strings.
    Number,
    /// No value: the object around the keys.
    Context,
    /// What stands beside a key of the context.
    Key,
    /// No value: the end of the line.
    End,
}

impl Slot {
    /// The bit of a member in [`Node::met`].
    fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// The node of the empty beginning.
const ROOT: usize = 0;
/// How many nodes are remembered: some hundred forms.
const MAX_NODES: usize = 1 << 12;
/// How many others may come instead of one node: each is compared.
const MAX_OTHERS: usize = 63;
/// Bytes of texts after which nothing more is remembered: keys have any length.
const MAX_BYTES: usize = 1 << 20;

impl Gap {
    fn new(text: &str) -> Self {
        let mut bytes = [0; HEAD_BYTES];
        let n = text.len().min(HEAD_BYTES);
        bytes[..n].copy_from_slice(&text.as_bytes()[..n]);
        let bits = (0..n).fold(0, |bits, at| bits | 1 << at);
        Self { head: Head { bytes, bits }, text: text.into() }
    }

    /// Whether it is what a text begins with. Gaps are short, and nearly always the one that is
    /// expected: comparing too much of them is the quicker than a call.
    #[inline]
    fn begins(&self, text: &[u8]) -> bool {
        let Some(head) = text.first_chunk::<HEAD_BYTES>() else {
            return text.starts_with(self.text.as_bytes());
        };
        self.head.is_of(head) && (self.is_short() || text.starts_with(self.text.as_bytes()))
    }

    /// Whether the head is all of it.
    fn is_short(&self) -> bool {
        self.text.len() <= HEAD_BYTES
    }
}

impl Head {
    #[inline]
    fn is_of(&self, theirs: &[u8; HEAD_BYTES]) -> bool {
        let (ours, _) = self.bytes.as_chunks::<LANES>();
        let (theirs, _) = theirs.as_chunks::<LANES>();
        let equal = ours.iter().zip(theirs).rev().fold(0, |mask, (ours, theirs)| {
            let equal = u8x16::new(*ours).simd_eq(u8x16::new(*theirs));
            mask << LANES | equal.to_bitmask()
        });
        equal & self.bits == self.bits
    }
}

impl Step {
    /// The value that stands next, if what stands in front of it is the gap of the step.
    #[inline]
    fn read<'a>(&self, walk: &mut Walk<'a, '_>) -> Option<&'a str> {
        let rest = walk.text.as_bytes().get(walk.at..)?;
        let is_next = match rest.first_chunk() {
            Some(head) => self.head.is_of(head),
            // The last value is a short one.
            None => rest.starts_with(self.head.bytes.get(..self.gap_len)?),
        };
        if !is_next {
            return None;
        }
        walk.at += self.gap_len;
        if self.is_number { walk.number() } else { walk.string() }
    }
}

impl End {
    /// Gaps as long as a word are read the other way.
    fn new(gap: &str) -> Option<Self> {
        let bytes = gap.as_bytes();
        let word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let shift = 8 * size_of::<u64>().checked_sub(bytes.len())?;
        let word = word.checked_shl(u32::try_from(shift).ok()?)?;
        Some(Self { word, len: bytes.len() })
    }

    /// Whether it is all that stands in a text from a position on.
    #[inline]
    fn is_rest(self, text: &str, at: usize) -> bool {
        let Some(last) = text.as_bytes().last_chunk() else { return false };
        let differing = u64::from_le_bytes(*last) ^ self.word;
        text.len() - at == self.len && differing.leading_zeros() as usize >= 8 * self.len
    }
}

impl Form {
    /// Tells the values of a line.
    #[inline]
    fn tell(&self, number: usize, line: &mut PlainLine<'_>) -> Option<()> {
        let values = &line.values;
        let member = |slot: Slot| values.get(self.members[slot as usize]).copied();
        let id = member(Slot::Number).map(|number| (number, true));
        line.id = id.or_else(|| Some((member(Slot::Id)?, false)));
        line.principal = member(Slot::Principal)?;
        line.action = member(Slot::Action)?;
        line.resource = member(Slot::Resource);
        line.form = number;
        line.resource.is_none_or(|text| text.len() <= MAX_RESOURCE_BYTES).then_some(())
    }
}

impl Node {
    /// Whether its gap is what a text begins with. A string begins right behind its quote, so that
    /// only what is no string asks for a look at what comes then.
    #[inline]
    fn begins(&self, text: &[u8]) -> bool {
        self.gap.begins(text)
            && match self.slot {
                Slot::End => text.len() == self.gap.text.len(),
                Slot::Number => text.get(self.gap.text.len()).is_some_and(u8::is_ascii_digit),
                _ => true,
            }
    }
}

/// A walk over a line whose quotes are known.
#[derive(Clone, Copy)]
struct Walk<'a, 'q> {
    text: &'a str,
    at: usize,
    quotes: &'q [u64],
    /// Bits of the members that were met.
    met: u32,
}

impl PlainReader {
    /// Makes ready for more lines. Says whether it forgets all forms, whose numbers then mean
    /// nothing: when there were more than it remembers.
    pub fn begin(&mut self) -> bool {
        let forgets = self.is_full;
        if forgets {
            let quotes = std::mem::take(&mut self.quotes);
            *self = Self { quotes, ..Self::default() };
        }
        forgets
    }

    /// The keys of the context of lines of a form.
    #[inline]
    pub fn keys(&self, form: usize) -> &[PlainKey] {
        self.forms.get(form).map(|form| &*form.keys).unwrap_or_default()
    }

    /// Reads a line. Gives false when it is not of the plain form, malformed ones among them, or
    /// there were too many forms since [`PlainReader::begin`]; what was read then means nothing.
    pub fn read<'a>(&mut self, text: &'a str, line: &mut PlainLine<'a>) -> bool {
        let mut quotes = std::mem::take(&mut self.quotes);
        let is_plain = find_quotes(text.as_bytes(), &mut quotes)
            && self.walk(Walk { text, at: 0, quotes: &quotes, met: 0 }, line).is_some();
        self.quotes = quotes;
        if is_plain {
            self.last = line.form;
        }
        is_plain
    }

    fn walk<'a>(&mut self, mut walk: Walk<'a, '_>, line: &mut PlainLine<'a>) -> Option<()> {
        let mut at = ROOT;
        if let Some(form) = self.forms.get(self.last) {
            at = follow(&form.path, &mut walk, &mut line.values);
            if line.values.len() == form.path.len()
                && form.end.is_some_and(|end| end.is_rest(walk.text, walk.at))
            {
                return form.tell(self.last, line);
            }
        } else {
            line.values.clear();
        }
        loop {
            let node = if let Some((next, node)) = self.known(&walk, at) {
                at = next;
                node
            } else {
                at = self.learn(walk, at)?;
                self.nodes.get(at)?
            };
            walk.at += node.gap.text.len();
            let value = match node.slot {
                Slot::Number => walk.number()?,
                Slot::End => return self.forms.get(node.form)?.tell(node.form, line),
                _ => walk.string()?,
            };
            line.values.push(value);
        }
    }

    /// The node that comes next, when it came behind this one before.
    #[inline]
    fn known(&self, walk: &Walk<'_, '_>, at: usize) -> Option<(usize, &Node)> {
        let rest = walk.text.as_bytes().get(walk.at..)?;
        let mut next = self.nodes.get(at)?.first;
        while next != ROOT {
            let node = self.nodes.get(next)?;
            if node.begins(rest) {
                return Some((next, node));
            }
            next = node.other;
        }
        None
    }

    /// Reads the gap that stands next, and remembers it.
    #[cold]
    fn learn(&mut self, mut walk: Walk<'_, '_>, parent: usize) -> Option<usize> {
        if self.nodes.is_empty() {
            self.nodes.push(Node::default());
        }
        let before = self.nodes.get(parent)?;
        let from = walk.at;
        walk.met = before.met;
        let (mut slot, key) = if parent == ROOT {
            walk.expect(b'{')?;
            walk.member()?
        } else {
            walk.behind_value(before.slot == Slot::Key)?
        };
        if slot == Slot::Id && walk.byte()? != b'"' {
            slot = Slot::Number;
        } else if slot != Slot::End {
            walk.expect(b'"')?;
        }
        let text = walk.text.get(from..walk.at)?;
        let n_keys = before.n_keys + usize::from(slot == Slot::Key);
        let is_whole = slot != Slot::End
            || (walk.at == walk.text.len() && walk.has(Slot::Principal) && walk.has(Slot::Action));
        let others = std::iter::successors(Some(before.first), |at| {
            self.nodes.get(*at).map(|node| node.other)
        });
        let others: Vec<usize> = others.take_while(|at| *at != ROOT).collect();
        self.is_full |=
            self.nodes.len() >= MAX_NODES || others.len() > MAX_OTHERS || self.n_bytes > MAX_BYTES;
        if self.is_full || !is_whole || n_keys > MAX_CONTEXT_KEYS {
            return None;
        }
        self.n_bytes += text.len() + key.len();
        let form = self.forms.len();
        if slot == Slot::End {
            let form = self.form(parent, text);
            let sizes = form.keys.iter().map(|key| size_of_val(key) + key.name.len());
            self.n_bytes += sizes.sum::<usize>() + size_of_val(&*form.path);
            self.forms.push(form);
        }
        let (gap, key, met, at) = (Gap::new(text), key.into(), walk.met, self.nodes.len());
        let (first, other) = (ROOT, ROOT);
        self.nodes.push(Node { gap, slot, first, other, form, parent, met, n_keys, key });
        // What came first comes most often.
        match others.last() {
            Some(last) => self.nodes.get_mut(*last)?.other = at,
            None => self.nodes.get_mut(parent)?.first = at,
        }
        Some(at)
    }

    /// The form of lines that end behind a node, and what stands there.
    fn form(&self, last: usize, end: &str) -> Form {
        let (mut nodes, mut numbers) = (Vec::new(), Vec::new());
        let mut at = last;
        while let Some(node) = self.nodes.get(at).filter(|_| at != ROOT) {
            nodes.push(node);
            numbers.push(at);
            at = node.parent;
        }
        nodes.reverse();
        let mut members = [NOWHERE; N_MEMBERS];
        let mut keys = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            match members.get_mut(node.slot as usize) {
                Some(member) => *member = at,
                None => keys.push(PlainKey { at, name: node.key.clone() }),
            }
        }
        let steps = nodes.iter().zip(numbers.iter().rev()).map_while(|(node, at)| {
            node.gap.is_short().then(|| Step {
                head: node.gap.head.clone(),
                gap_len: node.gap.text.len(),
                is_number: node.slot == Slot::Number,
                node: *at,
            })
        });
        let path: Box<[Step]> = steps.collect();
        let end = if path.len() == nodes.len() { End::new(end) } else { None };
        Form { members, keys: keys.into(), path, end }
    }
}

/// Reads values as long as those of a form stand so. Gives the node of the last one.
///
/// What stands behind a value is told by the text alone, so that no other node could come next.
#[inline]
fn follow<'a>(path: &[Step], walk: &mut Walk<'a, '_>, values: &mut Vec<&'a str>) -> usize {
    values.resize(path.len(), "");
    let (mut at, mut n_read) = (ROOT, 0);
    for (step, value) in path.iter().zip(values.iter_mut()) {
        let mut next = *walk;
        let Some(read) = step.read(&mut next) else { break };
        *value = read;
        *walk = next;
        (at, n_read) = (step.node, n_read + 1);
    }
    values.truncate(n_read);
    at
}

impl Default for Node {
    /// The empty beginning, which stands for no value.
    fn default() -> Self {
        Self {
            gap: Gap::new(""),
            slot: Slot::End,
            first: ROOT,
            other: ROOT,
            form: 0,
            parent: ROOT,
            met: 0,
            n_keys: 0,
            key: Box::default(),
        }
    }
}

impl<'a> Walk<'a, '_> {
    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn has(&self, slot: Slot) -> bool {
        self.met & slot.bit() != 0
    }

    /// Notes a member, which must be the first of its name: one that comes twice is an error,
    /// which the other reader tells.
    fn meet(&mut self, slot: Slot) -> Option<()> {
        let is_first = !self.has(slot);
        self.met |= slot.bit();
        is_first.then_some(())
    }

    /// What comes behind a value, and its key if it is one of the context.
    fn behind_value(&mut self, mut in_context: bool) -> Option<(Slot, &'a str)> {
        while !self.goes_on()? {
            if !in_context {
                self.skip_space();
                return Some((Slot::End, ""));
            }
            in_context = false;
        }
        if in_context { Some((Slot::Key, self.key()?)) } else { self.member() }
    }

    fn member(&mut self) -> Option<(Slot, &'a str)> {
        let slot = match self.key()? {
            "id" => Slot::Id,
            "principal" => Slot::Principal,
            "action" => Slot::Action,
            "resource" => Slot::Resource,
            "context" => {
                self.meet(Slot::Context)?;
                self.expect(b'{')?;
                if self.expect(b'}').is_some() {
                    return self.behind_value(false);
                }
                return Some((Slot::Key, self.key()?));
            }
            _ => return None,
        };
        self.meet(slot)?;
        Some((slot, ""))
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

    /// The position of the next quote. Nearly all are among the next 64 bytes.
    #[inline]
    fn quote(&self, from: usize) -> Option<usize> {
        let mut word = from / WORD_BYTES;
        let shift = from % WORD_BYTES;
        let behind = self.quotes.get(word + 1)?;
        let bits = self.quotes.get(word)? >> shift | behind << 1 << (WORD_BYTES - 1 - shift);
        if bits != 0 {
            return Some(from + bits.trailing_zeros() as usize);
        }
        loop {
            word += 1;
            let bits = self.quotes.get(word)?;
            if *bits != 0 {
                return Some(word * WORD_BYTES + bits.trailing_zeros() as usize);
            }
        }
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
    let last = match line.last_chunk() {
        // Bytes that were looked at already are none of the rest.
        Some(last) if !rest.is_empty() => seen.quotes_of(last) >> (WORD_BYTES - rest.len()),
        Some(_) => 0,
        None => {
            let mut last = [b' '; WORD_BYTES];
            last[..rest.len()].copy_from_slice(rest);
            seen.quotes_of(&last)
        }
    };
    // One word more, so that there always is one behind that of a quote.
    quotes.extend([last, 0]);
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
        let mut quotes_of = |vector: Option<&[u8; LANES]>| {
            let bytes = vector.map_or(u8x16::splat(b' '), |vector| u8x16::new(*vector));
            self.backslashes |= bytes.simd_eq(u8x16::splat(b'\\'));
            self.least = self.least.min(bytes);
            u64::from(bytes.simd_eq(u8x16::splat(b'"')).to_bitmask())
        };
        // One by one: a loop over four is not unrolled.
        quotes_of(vectors.first())
            | quotes_of(vectors.get(1)) << LANES
            | quotes_of(vectors.get(2)) << (2 * LANES)
            | quotes_of(vectors.get(3)) << (3 * LANES)
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
            let gap = Gap::new(std::str::from_utf8(&bytes[..len]).unwrap());
            assert!(gap.begins(&bytes), "{len}");
            for at in 0..len {
                let mut other = bytes.clone();
                other[at] ^= 1;
                assert!(!gap.begins(&other), "{len} {at}");
            }
            assert!(gap.begins(&bytes[..len]), "{len}");
            assert!(len == 0 || !gap.begins(&bytes[..len - 1]), "{len}");
        }
    }

    /// What the other reader reads in a line that was read as one of the plain form.
    fn check_record(reader: &PlainReader, plain: &PlainLine<'_>, line: &str) {
        let record = RequestRecord::parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let id = plain.id.map(|(id, is_number)| {
            let id = Cow::Borrowed(id);
            if is_number { RecordId::Number(id) } else { RecordId::Text(id) }
        });
        let keys = reader.keys(plain.form);
        let context = keys.iter().map(|key| {
            let value = ContextScalar::String(Cow::Borrowed(plain.values[key.at]));
            (Cow::Borrowed(&*key.name), ContextInput::Scalar(value))
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
        let (mut reader, mut plain) = (PlainReader::default(), PlainLine::default());
        for first in [true, false] {
            assert_eq!(reader.read(line, &mut plain), is_plain, "{line} ({first})");
            if is_plain {
                check_record(&reader, &plain, line);
            }
            assert!(reader.read(ORDINARY, &mut plain));
            check_record(&reader, &plain, ORDINARY);
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
        for n in 0..200 {
            let long = "x".repeat(n);
            check(
                &format!(r#"{{"principal":"{long}","action":"a","context":{{"{long}":"v"}}}}"#),
                true,
            );
        }
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
    fn forms_past_the_limit_are_left_to_the_other_reader_until_the_next_lines() {
        let lines: Vec<String> = (0..2 * MAX_OTHERS)
            .map(|n| format!(r#"{{"principal":"p","action":"a","context":{{"k{n}":"v"}}}}"#))
            .collect();
        let (mut reader, mut plain) = (PlainReader::default(), PlainLine::default());
        for _ in 0..2 {
            for (n, line) in lines.iter().enumerate() {
                assert_eq!(reader.read(line, &mut plain), n <= MAX_OTHERS, "{line}");
                if n <= MAX_OTHERS {
                    check_record(&reader, &plain, line);
                }
            }
            assert!(reader.begin());
            assert!(!reader.begin());
        }
        let long = "k".repeat(MAX_BYTES / 4);
        let line = |n| format!(r#"{{"principal":"p","action":"a","context":{{"{long}{n}":"v"}}}}"#);
        let lines: Vec<String> = (0..3).map(line).collect();
        for (n, line) in lines.iter().enumerate() {
            assert_eq!(reader.read(line, &mut plain), n < 1, "{n}");
        }
        assert!(reader.begin());
    }

    #[test]
    fn lines_of_every_length_are_searched_to_their_end() {
        for n in 0..64 {
            let name = "n".repeat(n);
            check(&format!(r#"{{"principal":"{name}","action":"{name}"}}"#), true);
            check(&format!(r#"{{"principal":"{name}\\","action":""}}"#), false);
        }
    }

    /// A line behind another is read as if it were the first.
    fn check_behind(first: &str, line: &str) {
        let (mut reader, mut plain) = (PlainReader::default(), PlainLine::default());
        let is_plain = PlainReader::default().read(line, &mut plain);
        assert!(reader.read(first, &mut plain), "{first}");
        assert_eq!(reader.read(line, &mut plain), is_plain, "{line} behind {first}");
        if is_plain {
            check_record(&reader, &plain, line);
        }
    }

    #[test]
    fn ends_are_compared_to_the_last_byte() {
        let long = "v".repeat(2 * HEAD_BYTES);
        let begin = format!(r#"{{"principal":"p","action":"a","context":{{"k":"{long}""#);
        for n in 0..8 {
            let end = format!("{}}}}}", " ".repeat(n));
            let line = format!("{begin}{end}");
            check_behind(&line, &line);
            for at in 0..end.len() {
                for with in ["", " ", "1", "]", "}", " }"] {
                    let mut other = end.clone();
                    other.replace_range(at..=at, with);
                    check_behind(&line, &format!("{begin}{other}"));
                }
            }
        }
    }

    #[test]
    fn lines_that_end_sooner_are_of_another_form() {
        let long = "v".repeat(2 * HEAD_BYTES);
        let begin = format!(r#"{{"principal":"p","action":"{long}""#);
        let keys = |text: &str| format!(r#"{begin},"context":{{"k":"{long}"{text}}}}}"#);
        check_behind(&keys(&format!(r#","l":"{long}""#)), &keys(""));
        check_behind(&keys(&format!(r#","{long}":"v""#)), &keys(""));
        check_behind(&format!(r#"{begin},"context":{{"{long}":"v"}}}}"#), &format!("{begin}}}}}"));
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
            let mut plain = PlainLine::default();
            let first_read = PlainReader::default().read(&broken, &mut plain);
            let mut reader = PlainReader::default();
            prop_assert!(reader.read(line, &mut plain));
            prop_assert_eq!(reader.read(&broken, &mut plain), first_read);
            let keys = reader.keys(plain.form);
            if first_read && RequestRecord::parse(&broken).is_err() {
                // A key that is given twice is told by whoever takes the keys.
                prop_assert!(keys.len() == 2 && keys[0].name == keys[1].name);
            } else if first_read {
                check_record(&reader, &plain, &broken);
            }
        }
    }
}
