//! Places in a text: byte ranges, lines and columns.

use std::ops::Range;

/// A range of bytes of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The range from `start` up to `end`.
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The range as positions in a `str`.
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The part of a text the range covers, if the text has it.
    pub fn of(self, text: &str) -> Option<&str> {
        text.get(self.range())
    }
}

/// The starts of the lines of a text, to turn byte offsets into lines and columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Finds the lines of a text. Lines end in a line feed.
    pub fn new(text: &str) -> Self {
        let feeds = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = feeds.filter_map(|(at, _)| u32::try_from(at + 1).ok());
        Self { starts: std::iter::once(0).chain(starts).collect() }
    }

    /// The line and the column of a byte offset, both from 1; columns count characters. An offset
    /// behind the end of the text, or inside a character, is moved back to where one starts.
    pub fn line_column(&self, text: &str, offset: u32) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts[line - 1] as usize;
        let end = text.floor_char_boundary(offset as usize);
        // Counting bytes that start a character is a pass over bytes without decoding.
        let before = text.as_bytes().get(start..end).unwrap_or_default();
        let column = before.iter().filter(|byte| !is_continuation(**byte)).count() + 1;
        (saturate(line), saturate(column))
    }
}

/// Whether a byte of UTF-8 is not the first of its character.
fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}

/// The line and the column of a byte offset, both from 1; columns count characters.
///
/// Cost: one pass over the text. For several offsets of one text build a [`LineIndex`].
pub fn line_column(text: &str, offset: u32) -> (u32, u32) {
    LineIndex::new(text).line_column(text, offset)
}

fn saturate(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, offset: u32, expected: (u32, u32)) {
        assert_eq!(line_column(text, offset), expected, "{text:?} at {offset}");
    }

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        check("", 0, (1, 1));
        check("ab\ncd", 0, (1, 1));
        check("ab\ncd", 2, (1, 3));
        check("ab\ncd", 3, (2, 1));
        check("ab\ncd", 4, (2, 2));
        check("äöx", 4, (1, 3));
        check("äöx", 3, (1, 2));
        check("ab", 99, (1, 3));
        check("a\r\nb", 3, (2, 1));
        check("a\n", 2, (2, 1));
    }
}
