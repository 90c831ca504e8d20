//! Lines of the plain form, read at the speed of memory.
//!
//! Nearly every line of a request stream is an object of a principal, an action, a resource and a
//! context, all of them strings without escapes. One pass over the line finds its quotes, sixteen
//! bytes at a time, and a walk over the quotes reads it. A line with anything else in it, and
//! every malformed line, is left to [`super::RequestRecord`], which knows the errors.

use wide::u8x16;

use super::{MAX_CONTEXT_KEYS, MAX_LINE_BYTES, MAX_RESOURCE_BYTES};

/// A line of the plain form: what [`super::RequestRecord`] reads in it, borrowed as it stands.
///
/// # Examples
/// ```
/// use assize_formats::PlainLine;
///
/// let mut line = PlainLine::default();
/// assert!(line.read(r#"{"principal":"*","action":"s3:GetObject","resource":"arn:aws:s3:::b/k"}"#));
/// assert_eq!(line.resource, Some("arn:aws:s3:::b/k"));
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
    /// `context`.
    pub context: Vec<(&'a str, &'a str)>,
    /// For each 64 bytes of the line, the bits of its quotes.
    quotes: Vec<u64>,
}

/// A walk over a line whose quotes are known.
struct Walk<'a, 'q> {
    text: &'a str,
    at: usize,
    /// Quotes that were not met yet: those of the word at hand, and the words behind it.
    word: u64,
    base: usize,
    rest: std::slice::Iter<'q, u64>,
}

impl<'a> PlainLine<'a> {
    /// Reads a line. Gives false when it is not of the plain form, malformed ones among them; the
    /// fields then mean nothing.
    pub fn read(&mut self, line: &'a str) -> bool {
        self.id = None;
        self.resource = None;
        self.context.clear();
        find_quotes(line.as_bytes(), &mut self.quotes) && self.walk(line).is_some()
    }

    fn walk(&mut self, line: &'a str) -> Option<()> {
        let Self { id, principal, action, resource, context, quotes } = self;
        let mut rest = quotes.iter();
        let word = rest.next().copied().unwrap_or_default();
        let mut walk = Walk { text: line, at: 0, word, base: 0, rest };
        let (mut has_principal, mut has_action, mut has_context) = (false, false, false);
        walk.expect(b'{')?;
        loop {
            // A member that comes twice is an error, which the other reader tells.
            match walk.key()? {
                "principal" if !has_principal => {
                    *principal = walk.string()?;
                    has_principal = true;
                }
                "action" if !has_action => {
                    *action = walk.string()?;
                    has_action = true;
                }
                "resource" if resource.is_none() => {
                    *resource = Some(walk.string()?);
                }
                "context" if !has_context => {
                    walk.context(context)?;
                    has_context = true;
                }
                "id" if id.is_none() => *id = Some(walk.id()?),
                _ => return None,
            }
            if !walk.goes_on()? {
                break;
            }
        }
        walk.skip_space();
        let fits = resource.is_none_or(|text| text.len() <= MAX_RESOURCE_BYTES);
        (walk.at == line.len() && has_principal && has_action && fits).then_some(())
    }
}

impl<'a> Walk<'a, '_> {
    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
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
    fn quote(&mut self) -> Option<usize> {
        while self.word == 0 {
            self.word = *self.rest.next()?;
            self.base += WORD_BYTES;
        }
        let at = self.base + self.word.trailing_zeros() as usize;
        self.word &= self.word - 1;
        Some(at)
    }

    #[inline]
    fn string(&mut self) -> Option<&'a str> {
        self.skip_space();
        let (open, close) = (self.quote()?, self.quote()?);
        if open != self.at {
            return None;
        }
        self.at = close + 1;
        self.text.get(open + 1..close)
    }

    #[inline]
    fn key(&mut self) -> Option<&'a str> {
        let key = self.string()?;
        self.expect(b':')?;
        Some(key)
    }

    /// Whether the object goes on behind a member.
    #[inline]
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

    fn context(&mut self, entries: &mut Vec<(&'a str, &'a str)>) -> Option<()> {
        self.expect(b'{')?;
        self.skip_space();
        if self.byte() == Some(b'}') {
            self.at += 1;
            return Some(());
        }
        loop {
            entries.push((self.key()?, self.string()?));
            if !self.goes_on()? {
                break;
            }
        }
        (entries.len() <= MAX_CONTEXT_KEYS).then_some(())
    }

    /// A string, or a whole number as JSON writes it.
    fn id(&mut self) -> Option<(&'a str, bool)> {
        self.skip_space();
        if self.byte() == Some(b'"') {
            return Some((self.string()?, false));
        }
        let start = self.at;
        while self.byte().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = self.text.get(start..self.at)?;
        let is_plain = digits == "0" || !(digits.is_empty() || digits.starts_with('0'));
        is_plain.then_some((digits, true))
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
    let mut unfit = u8x16::ZERO;
    let (words, rest) = line.as_chunks::<WORD_BYTES>();
    quotes.extend(words.iter().map(|word| quotes_of(word, &mut unfit)));
    let mut last = [b' '; WORD_BYTES];
    last[..rest.len()].copy_from_slice(rest);
    quotes.push(quotes_of(&last, &mut unfit));
    !unfit.any()
}

/// The bits of the quotes in a word; marks bytes that do not fit the plain form.
#[inline]
fn quotes_of(word: &[u8; WORD_BYTES], unfit: &mut u8x16) -> u64 {
    let (vectors, _) = word.as_chunks::<LANES>();
    vectors.iter().rev().fold(0, |mask, vector| {
        let bytes = u8x16::new(*vector);
        let backslashes = bytes.simd_eq(u8x16::splat(b'\\'));
        // The smaller of a byte and 0x1f is the byte: a control character.
        let controls = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
        *unfit |= backslashes | controls;
        mask << LANES | u64::from(bytes.simd_eq(u8x16::splat(b'"')).to_bitmask())
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use assize_model::{ContextInput, ContextScalar, Principal, Target};
    use proptest::prelude::*;

    use super::*;
    use crate::{RecordId, RequestRecord};

    /// What the other reader reads in a line of the plain form.
    fn check_same(line: &str) {
        let mut plain = PlainLine::default();
        if !plain.read(line) {
            return;
        }
        let record = RequestRecord::parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let id = plain.id.map(|(id, is_number)| {
            let id = Cow::Borrowed(id);
            if is_number { RecordId::Number(id) } else { RecordId::Text(id) }
        });
        let context = plain.context.iter().map(|(key, value)| {
            let value = ContextScalar::String(Cow::Borrowed(*value));
            (Cow::Borrowed(*key), ContextInput::Scalar(value))
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

    fn check(line: &str, is_plain: bool) {
        assert_eq!(PlainLine::default().read(line), is_plain, "{line}");
        check_same(line);
    }

    #[test]
    fn plain_lines_are_read_as_the_other_reader_reads_them() {
        check(r#"{"principal":"p","action":"a"}"#, true);
        check(r#" { "id" : 7 , "principal" : "p" , "action" : "a" , "context" : { } } "#, true);
        check(r#"{"id":"x","context":{"k":"v","l":"é"},"action":"a","principal":"p"}"#, true);
        check(r#"{"id":0,"principal":"p","action":"a","resource":"*"}"#, true);
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
            let line = r#"{"id":12,"principal":"arn:p","action":"s3:GetObject","resource":"arn:r","context":{"aws:a":"b","c":""}}"#;
            let mut broken = line.to_owned();
            let at = at.min(line.len() - 1);
            broken.replace_range(at..=at, with);
            let mut plain = PlainLine::default();
            if plain.read(&broken) && RequestRecord::parse(&broken).is_err() {
                // A key that is given twice is told by whoever takes the keys.
                prop_assert!(plain.context.len() == 2 && plain.context[0].0 == plain.context[1].0);
            } else {
                check_same(&broken);
            }
        }
    }
}
