//! What nom reads: the rest of a text, and where in the text it stands.

use nom::{Compare, CompareResult, Input, Needed, Offset};

use crate::Span;

/// The unread part of a JSON text. Its items are bytes; every parser of this module stops at an
/// ASCII byte or at the end, so that the rest always starts at a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text<'a> {
    pub(super) rest: &'a str,
    pub(super) offset: usize,
}

impl<'a> Text<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, offset: 0 }
    }

    /// The next byte.
    pub(super) fn peek(self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    /// The rest after `count` bytes, or the end. The caller knows that a character ends there.
    pub(super) fn skip(self, count: usize) -> Self {
        let rest = self.rest.get(count..).unwrap_or_default();
        Self { rest, offset: self.offset + self.rest.len() - rest.len() }
    }

    /// The rest after the next character.
    pub(super) fn skip_char(self) -> Self {
        self.skip(self.rest.chars().next().map_or(0, char::len_utf8))
    }

    /// The bytes from here to where `end` stands.
    pub(super) fn span_to(self, end: Self) -> Span {
        Span::new(position(self.offset), position(end.offset))
    }

    /// The next `count` bytes as a place.
    pub(super) fn span(self, count: usize) -> Span {
        Span::new(position(self.offset), position(self.offset + count.min(self.rest.len())))
    }
}

/// An offset as a position in a span; texts whose positions do not fit are refused at the start.
fn position(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

impl<'a> Input for Text<'a> {
    type Item = u8;
    type Iter = std::str::Bytes<'a>;
    type IterIndices = std::iter::Enumerate<std::str::Bytes<'a>>;

    fn input_len(&self) -> usize {
        self.rest.len()
    }

    fn take(&self, index: usize) -> Self {
        Self { rest: &self.rest[..index], offset: self.offset }
    }

    fn take_from(&self, index: usize) -> Self {
        Self { rest: &self.rest[index..], offset: self.offset + index }
    }

    fn take_split(&self, index: usize) -> (Self, Self) {
        (self.take_from(index), self.take(index))
    }

    fn position<P: Fn(u8) -> bool>(&self, predicate: P) -> Option<usize> {
        self.rest.bytes().position(predicate)
    }

    fn iter_elements(&self) -> Self::Iter {
        self.rest.bytes()
    }

    fn iter_indices(&self) -> Self::IterIndices {
        self.rest.bytes().enumerate()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        match count.checked_sub(self.rest.len()) {
            None | Some(0) => Ok(count),
            Some(missing) => Err(Needed::new(missing)),
        }
    }
}

impl Offset for Text<'_> {
    fn offset(&self, second: &Self) -> usize {
        second.offset - self.offset
    }
}

impl Compare<&str> for Text<'_> {
    fn compare(&self, wanted: &str) -> CompareResult {
        self.rest.compare(wanted)
    }

    fn compare_no_case(&self, wanted: &str) -> CompareResult {
        self.rest.compare_no_case(wanted)
    }
}
