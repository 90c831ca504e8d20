//! A pull reader: the caller asks for the value it expects.
//!
//! Request streams are the hottest text there is, so strings are borrowed, eight bytes are looked
//! at at once, and nothing is stored to find repeated members: see [`Repeats`].

use std::borrow::Cow;

use assize_model::RequestErrorKind;

use super::repeats::Repeats;
use super::scan::find_special;
use super::{BYTE_ORDER_MARK, Fault, MARKED, MAX_NESTING, MAX_STRING_BYTES, Result};

/// The kinds of JSON value, told by the first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// A string.
    String,
    /// A list.
    Array,
    /// An object.
    Object,
}

impl Kind {
    /// The kind as a person calls it.
    pub(crate) fn phrase(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "a list",
            Self::Object => "an object",
        }
    }
}

/// A place in a JSON text, from which values are read one after the other: the caller asks for the
/// value it expects.
///
/// # Examples
/// ```
/// use assize_formats::json::Cursor;
///
/// let mut cursor = Cursor::new(r#"{"eventName":"GetObject","readOnly":true}"#);
/// let mut name = None;
/// cursor
///     .object(|cursor, key| match &*key {
///         "eventName" => cursor.string().map(|text| name = Some(text)),
///         _ => cursor.skip(),
///     })
///     .map_err(|fault| fault.message().to_owned())?;
/// assert_eq!(name.as_deref(), Some("GetObject"));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    /// Where the name of the last member began and ended.
    key: (usize, usize),
}

impl<'a> Cursor<'a> {
    /// A cursor at the beginning of a text.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, key: (0, 0) }
    }

    /// The same text at another place.
    fn moved(&self, at: usize, depth: u32) -> Self {
        Self { text: self.text, at, depth, key: (at, at) }
    }

    /// Where the name of the member begins and ends whose value is next.
    pub(crate) fn key(&self) -> (usize, usize) {
        self.key
    }

    /// The byte offset.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The text between two offsets, which the cursor itself has given.
    pub(crate) fn slice(&self, start: usize, end: usize) -> &'a str {
        // INVARIANT: offsets handed out stand beside ASCII (test `values_are_sliced_exactly`).
        self.text.get(start..end).unwrap_or_default()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
    }

    #[cold]
    fn syntax(&self, message: impl Into<String>) -> Fault {
        Fault::new(RequestErrorKind::JsonSyntax, self.at, message)
    }

    #[cold]
    fn unexpected(&self, expected: &str) -> Fault {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.syntax(match rest.chars().next() {
            None => format!("expected {expected}, found the end"),
            Some(BYTE_ORDER_MARK) => format!("expected {expected}, found {MARKED}"),
            Some(c) => format!("expected {expected}, found `{}`", c.escape_debug()),
        })
    }

    /// A fault of a field at the present place.
    #[cold]
    pub(crate) fn invalid(&self, message: impl Into<String>) -> Fault {
        Fault::new(RequestErrorKind::InvalidField, self.at, message)
    }

    /// A limit of F-6 that is exceeded here.
    #[cold]
    pub(crate) fn limit(&self, message: impl Into<String>) -> Fault {
        Fault::new(RequestErrorKind::Limit, self.at, message)
    }

    /// The kind of the next value, which is not taken.
    #[inline]
    pub fn peek(&mut self) -> Result<Kind> {
        self.skip_space();
        match self.byte() {
            Some(b'"') => Ok(Kind::String),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            _ => Err(self.unexpected("a value")),
        }
    }

    #[inline]
    fn expect(&mut self, kind: Kind) -> Result<()> {
        match self.peek()? {
            found if found == kind => Ok(()),
            found => {
                Err(self.invalid(format!("expected {}, found {}", kind.phrase(), found.phrase())))
            }
        }
    }

    /// Nothing but white space may follow.
    pub fn end(&mut self) -> Result<()> {
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.unexpected("the end")) }
    }

    /// A string: borrowed when it has no escapes.
    #[inline]
    pub fn string(&mut self) -> Result<Cow<'a, str>> {
        self.expect(Kind::String)?;
        self.quoted()
    }

    #[inline]
    fn quoted(&mut self) -> Result<Cow<'a, str>> {
        let start = self.at + 1;
        let end = find_special(self.text.as_bytes(), start);
        if self.text.as_bytes().get(end) == Some(&b'"') && end - start <= MAX_STRING_BYTES {
            self.at = end + 1;
            return Ok(Cow::Borrowed(self.slice(start, end)));
        }
        self.unescape(start, end).map(Cow::Owned)
    }

    #[cold]
    fn unescape(&mut self, start: usize, first: usize) -> Result<String> {
        let opening = self.at;
        let mut text = self.slice(start, first).to_owned();
        self.at = first;
        loop {
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.syntax("a control character in a string")),
                None => {
                    self.at = opening;
                    return Err(self.syntax("a string without its closing quote"));
                }
            }
            let plain = self.at;
            self.at = find_special(self.text.as_bytes(), plain);
            text.push_str(self.slice(plain, self.at));
        }
        if text.len() > MAX_STRING_BYTES {
            self.at = opening;
            return Err(self.limit("a string is longer than 1 MiB"));
        }
        self.at += 1;
        Ok(text)
    }

    /// One escape, the cursor being at the backslash.
    fn escape(&mut self) -> Result<char> {
        let simple = match self.text.as_bytes().get(self.at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.syntax("an escape that JSON does not know")),
        };
        self.at += 2;
        Ok(simple)
    }

    fn unicode_escape(&mut self) -> Result<char> {
        let high = self.hex_unit(self.at)?;
        let (code, length) = match high {
            0xD800..0xDC00 => match self.hex_unit(self.at + 6) {
                Ok(low @ 0xDC00..0xE000) => {
                    (0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00), 12)
                }
                _ => return Err(self.syntax("half of a surrogate pair")),
            },
            _ => (high, 6),
        };
        let decoded =
            char::from_u32(code).ok_or_else(|| self.syntax("half of a surrogate pair"))?;
        self.at += length;
        Ok(decoded)
    }

    /// The four digits behind a `\u` at `at`.
    fn hex_unit(&self, at: usize) -> Result<u32> {
        let digits = self.text.as_bytes().get(at..at + 6).and_then(|b| b.strip_prefix(b"\\u"));
        let value = digits.and_then(|digits| {
            digits
                .iter()
                .try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
        });
        value.ok_or_else(|| self.syntax("`\\u` without four hexadecimal digits"))
    }

    /// A number, as its text (F-2).
    pub fn number(&mut self) -> Result<&'a str> {
        self.expect(Kind::Number)?;
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(self.slice(start, self.at))
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while self.byte().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected("a digit")) } else { Ok(()) }
    }

    /// A boolean.
    pub fn boolean(&mut self) -> Result<bool> {
        self.expect(Kind::Bool)?;
        if self.byte() == Some(b't') {
            self.word("true").map(|()| true)
        } else {
            self.word("false").map(|()| false)
        }
    }

    /// `null`.
    pub fn null(&mut self) -> Result<()> {
        self.expect(Kind::Null)?;
        self.word("null")
    }

    fn word(&mut self, word: &str) -> Result<()> {
        let found = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        if !found {
            return Err(self.unexpected("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn descend(&mut self) -> Result<()> {
        if self.depth == MAX_NESTING {
            return Err(self.limit(format!("nested deeper than {MAX_NESTING} levels")));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Whether an array or object goes on after the member just read; closes it if not.
    #[inline]
    fn goes_on(&mut self, close: u8) -> Result<bool> {
        self.skip_space();
        match self.byte() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            _ if close == b'}' => Err(self.unexpected("`,` or `}`")),
            _ => Err(self.unexpected("`,` or `]`")),
        }
    }

    /// Whether an array or object that was just opened is empty; closes it if so.
    #[inline]
    fn is_empty(&mut self, close: u8) -> bool {
        self.skip_space();
        if self.byte() != Some(close) {
            return false;
        }
        self.at += 1;
        self.depth -= 1;
        true
    }

    /// An array: `item` takes each value.
    #[inline]
    pub fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.expect(Kind::Array)?;
        self.descend()?;
        if self.is_empty(b']') {
            return Ok(());
        }
        let mut index = 0_usize;
        loop {
            item(self).map_err(|fault| fault.within(index.to_string()))?;
            if !self.goes_on(b']')? {
                return Ok(());
            }
            index += 1;
        }
    }

    /// An object: `member` is given each name and takes the value. A name that comes twice is an
    /// error (F-1).
    #[inline]
    pub fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<()>,
    ) -> Result<()> {
        self.expect(Kind::Object)?;
        let start = self.at;
        self.descend()?;
        if self.is_empty(b'}') {
            return Ok(());
        }
        let mut repeats = Repeats::default();
        loop {
            let key_at = self.key_offset()?;
            let key = self.quoted()?;
            if repeats.may_repeat(&key) {
                let checked = self.check_repeat(start, key_at, &key);
                checked.map_err(|fault| self.name_fault(key_at, fault))?;
            }
            self.key = (key_at, self.at);
            self.colon()?;
            member(self, key).map_err(|fault| self.name_fault(key_at, fault))?;
            if !self.goes_on(b'}')? {
                break;
            }
        }
        if repeats.is_full() { self.check_all(start) } else { Ok(()) }
    }

    #[inline]
    fn key_offset(&mut self) -> Result<usize> {
        self.skip_space();
        if self.byte() == Some(b'"') {
            Ok(self.at)
        } else {
            Err(self.unexpected("a member name in quotes"))
        }
    }

    #[inline]
    fn colon(&mut self) -> Result<()> {
        self.skip_space();
        if self.byte() != Some(b':') {
            return Err(self.unexpected("`:`"));
        }
        self.at += 1;
        Ok(())
    }

    #[cold]
    fn name_fault(&self, key_at: usize, fault: Fault) -> Fault {
        let mut key = self.moved(key_at, self.depth);
        match key.quoted() {
            Ok(key) => fault.within(key),
            Err(_) => fault,
        }
    }

    /// Looks whether a member before `key_at` in the object at `start` has this name already.
    #[cold]
    fn check_repeat(&self, start: usize, key_at: usize, key: &str) -> Result<()> {
        let mut before = self.moved(start + 1, self.depth);
        loop {
            if before.key_offset()? == key_at {
                return Ok(());
            }
            if before.quoted()? == key {
                return Err(self.moved(key_at, self.depth).repeated(key));
            }
            before.colon()?;
            before.skip()?;
            before.goes_on(b'}')?;
        }
    }

    /// The names of a large object, compared once it is read.
    #[cold]
    fn check_all(&self, start: usize) -> Result<()> {
        let mut again = self.moved(start + 1, self.depth + 1);
        let mut keys = Vec::new();
        loop {
            let at = again.key_offset()?;
            keys.push((again.quoted()?, at));
            again.colon()?;
            again.skip()?;
            if !again.goes_on(b'}')? {
                break;
            }
        }
        keys.sort_unstable();
        let twice = keys.windows(2).find(|pair| pair[0].0 == pair[1].0);
        match twice {
            Some(pair) => {
                let (key, at) = &pair[1];
                Err(self.name_fault(*at, self.moved(*at, self.depth).repeated(key)))
            }
            None => Ok(()),
        }
    }

    #[cold]
    fn repeated(&self, key: &str) -> Fault {
        self.invalid(format!("`{}` is given twice", shorten(key)))
    }

    /// Passes over the next value, which must be JSON; repeated members in it are not looked for.
    pub fn skip(&mut self) -> Result<()> {
        let outer = self.depth;
        let mut closers = [0_u8; MAX_NESTING as usize];
        loop {
            let opened = match self.peek()? {
                Kind::Object => {
                    self.descend()?;
                    closers[self.depth as usize - 1] = b'}';
                    if self.is_empty(b'}') { false } else { self.skip_key()? }
                }
                Kind::Array => {
                    self.descend()?;
                    closers[self.depth as usize - 1] = b']';
                    !self.is_empty(b']')
                }
                kind => {
                    self.skip_scalar(kind)?;
                    false
                }
            };
            if opened {
                continue;
            }
            loop {
                if self.depth == outer {
                    return Ok(());
                }
                let close = closers[self.depth as usize - 1];
                if self.goes_on(close)? {
                    if close == b'}' {
                        self.skip_key()?;
                    }
                    break;
                }
            }
        }
    }

    fn skip_key(&mut self) -> Result<bool> {
        self.key_offset()?;
        self.skip_string()?;
        self.colon()?;
        Ok(true)
    }

    fn skip_scalar(&mut self, kind: Kind) -> Result<()> {
        match kind {
            Kind::String => self.skip_string(),
            Kind::Number => self.number().map(drop),
            Kind::Bool => self.boolean().map(drop),
            _ => self.null(),
        }
    }

    #[inline]
    fn skip_string(&mut self) -> Result<()> {
        let start = self.at + 1;
        let end = find_special(self.text.as_bytes(), start);
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.at = end + 1;
            return Ok(());
        }
        self.unescape(start, end).map(drop)
    }

    /// The text of the next value, without the white space around it.
    pub fn raw(&mut self) -> Result<&'a str> {
        self.peek()?;
        let start = self.at;
        self.skip()?;
        Ok(self.slice(start, self.at))
    }
}

/// The longest part of a user's text that a message repeats, in characters.
const MAX_QUOTED_CHARS: usize = 120;

/// A user's text cut to what a message can bear.
pub(crate) fn shorten(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_QUOTED_CHARS) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests;
