//! A file and its lines, and where other files come from.

use std::fmt;
use std::sync::Arc;

use assize_model::SourceSpan;
use assize_policy::Span;
use assize_store::SourceAnchor;

use crate::json::{BYTE_ORDER_MARK, MARKED, Node, Style};
use crate::{Error, ErrorKind, Place, json, yaml};

/// Longest file, in bytes (F-6).
pub const MAX_FILE_BYTES: usize = 64 << 20;

/// Where the files come from that a scenario names. This crate opens none itself; whoever does
/// decides which directory they must stay under (F-41).
pub trait FileSource {
    /// Reads a file, whose path is relative to the file that names it.
    ///
    /// # Errors
    /// Why it cannot be read, for a person.
    fn read(&mut self, named_by: &str, path: &str) -> Result<SourceFile, Box<str>>;
}

/// A file that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name for messages. Two names are equal exactly when the files are the same, so that
    /// files including each other are found.
    pub name: Arc<str>,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceFile({}, {} bytes)", self.name, self.bytes.len())
    }
}

/// A [`FileSource`] without files: for scenarios that stand alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl FileSource for NoFiles {
    fn read(&mut self, _: &str, path: &str) -> Result<SourceFile, Box<str>> {
        Err(format!("`{path}` cannot be read: no other files are available here").into())
    }
}

/// The text of a file with what turns offsets into lines and columns, fast for any offset of any
/// text: a minified file is one line of millions of characters.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
    pub(crate) style: Style,
    line_starts: Vec<u32>,
    /// How many characters stand before each multiple of [`CHECKPOINT_BYTES`].
    checkpoints: Vec<u32>,
}

const CHECKPOINT_BYTES: usize = 256;

impl File {
    /// A file of a name that tells how it is written.
    ///
    /// # Errors
    /// `limit`, or `syntax` when it is not UTF-8 or begins with a byte-order mark (F-1).
    pub(crate) fn new(name: Arc<str>, bytes: Vec<u8>) -> Result<Self, Error> {
        if bytes.len() > MAX_FILE_BYTES {
            let message = format!("`{name}` is longer than {MAX_FILE_BYTES} bytes");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let shown = String::from_utf8_lossy(error.as_bytes());
                let file = Self::of_text(name, shown.into());
                let wrong = char::REPLACEMENT_CHARACTER.len_utf8();
                let span = Span::new(saturate(at), saturate(at + wrong));
                let message = format!("not UTF-8: a wrong byte at offset {at}");
                return Err(file.error(ErrorKind::Syntax, span, message));
            }
        };
        let file = Self::of_text(name, text.into());
        if file.text.starts_with(BYTE_ORDER_MARK) {
            return Err(file.error(ErrorKind::Syntax, Span::new(0, 3), MARKED));
        }
        Ok(file)
    }

    fn of_text(name: Arc<str>, text: Arc<str>) -> Self {
        let style = style_of(&name);
        let feeds = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = feeds.map(|(at, _)| saturate(at + 1));
        let line_starts = std::iter::once(0).chain(starts).collect();
        let mut n_chars = 0;
        let mut checkpoints = Vec::with_capacity(text.len() / CHECKPOINT_BYTES + 1);
        for block in text.as_bytes().chunks(CHECKPOINT_BYTES) {
            checkpoints.push(n_chars);
            n_chars += count_chars(block);
        }
        Self { name, text, style, line_starts, checkpoints }
    }

    /// Reads the file to a tree.
    ///
    /// # Errors
    /// What keeps it from being one.
    pub(crate) fn tree(&self) -> Result<Node<'_>, Vec<Error>> {
        match self.style {
            Style::Json => json::read(&self.text).map_err(|fault| {
                let kind = error_kind(fault.kind());
                let at = saturate(fault.offset());
                vec![self.error(kind, Span::new(at, at), fault.message())]
            }),
            Style::Yaml => yaml::read(self),
        }
    }

    /// The line and the column of a byte offset, both from 1.
    pub(crate) fn line_column(&self, offset: u32) -> (u32, u32) {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = self.line_starts[line - 1];
        (saturate(line), self.chars_before(offset) - self.chars_before(start) + 1)
    }

    /// How many characters begin before a byte offset.
    fn chars_before(&self, offset: u32) -> u32 {
        let offset = (offset as usize).min(self.text.len());
        let block = offset / CHECKPOINT_BYTES;
        let counted = self.checkpoints.get(block).or(self.checkpoints.last());
        let from = block.min(self.checkpoints.len().saturating_sub(1)) * CHECKPOINT_BYTES;
        let rest = self.text.as_bytes().get(from..offset).unwrap_or_default();
        counted.copied().unwrap_or(0) + count_chars(rest)
    }

    /// The byte offset of the character of an index.
    pub(crate) fn byte_of_char(&self, index: usize) -> u32 {
        let index = saturate(index);
        let block = self.checkpoints.partition_point(|count| *count <= index).saturating_sub(1);
        let counted = self.checkpoints.get(block).copied().unwrap_or(0);
        let from = block * CHECKPOINT_BYTES;
        let bytes = self.text.as_bytes().get(from..).unwrap_or_default();
        let mut starts = bytes.iter().enumerate().filter(|(_, byte)| is_char_start(**byte));
        let at = starts.nth((index - counted) as usize).map_or(bytes.len(), |(at, _)| at);
        saturate(from + at)
    }

    /// A place.
    pub(crate) fn place(&self, span: Span) -> Place {
        let (line, column) = self.line_column(span.start);
        Place { file: Arc::clone(&self.name), text: Arc::clone(&self.text), span, line, column }
    }

    /// A part of the file.
    pub(crate) fn source_span(&self, span: Span) -> SourceSpan {
        let (line, column) = self.line_column(span.start);
        let (end_line, end_column) = self.line_column(span.end);
        SourceSpan { start: span.start, end: span.end, line, column, end_line, end_column }
    }

    /// An error at a place.
    pub(crate) fn error(&self, kind: ErrorKind, span: Span, message: impl Into<Box<str>>) -> Error {
        Error::new(kind, message).at(self.place(span))
    }

    /// The anchor of a point of a document at a byte offset of this file.
    pub(crate) fn anchor(&self, text: usize, offset: u32) -> SourceAnchor {
        let (line, column) = self.line_column(offset);
        SourceAnchor { text: saturate(text), file: offset, line, column }
    }
}

/// How a file is written, by its name (schema `scenario`: `*.assize.yaml`, `*.assize.yml`,
/// `*.assize.json`).
fn style_of(name: &str) -> Style {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml") {
        Style::Yaml
    } else {
        Style::Json
    }
}

/// The kind of file error that a fault of a value is.
pub(crate) fn error_kind(kind: assize_model::RequestErrorKind) -> ErrorKind {
    use assize_model::RequestErrorKind as Request;
    match kind {
        Request::JsonSyntax => ErrorKind::Syntax,
        Request::UnknownField => ErrorKind::UnknownField,
        Request::Limit => ErrorKind::Limit,
        _ => ErrorKind::InvalidField,
    }
}

fn is_char_start(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

fn count_chars(bytes: &[u8]) -> u32 {
    saturate(bytes.iter().filter(|byte| is_char_start(**byte)).count())
}

pub(crate) fn saturate(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters() {
        let text = format!("äö\nx{}é\r\n€", "ü".repeat(300));
        let file = File::new("f.json".into(), text.clone().into_bytes()).unwrap();
        for (index, (offset, _)) in text.char_indices().enumerate() {
            let offset = saturate(offset);
            assert_eq!(file.line_column(offset), assize_policy::line_column(&text, offset));
            assert_eq!(file.byte_of_char(index), offset);
        }
        assert_eq!(file.byte_of_char(9_999), saturate(text.len()));
        assert_eq!(file.line_column(9_999).0, 3);
        let empty = File::new("f.json".into(), Vec::new()).unwrap();
        assert_eq!((empty.line_column(0), empty.byte_of_char(0)), ((1, 1), 0));
    }

    /// F-1.
    #[test]
    fn files_are_utf_8_without_a_mark() {
        for (bytes, place) in [(b"{}\n \xff".to_vec(), (2, 2)), ("\u{feff}{}".into(), (1, 1))] {
            let error = File::new("f".into(), bytes).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Syntax);
            assert_eq!(error.place().map(|found| (found.line, found.column)), Some(place));
        }
    }
}
