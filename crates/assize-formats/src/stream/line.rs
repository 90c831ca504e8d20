//! Whole lines of a stream, a chunk at a time, in memory that does not grow with the stream.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use assize_model::{RequestError, RequestErrorKind, SharedText};
use memchr::{memchr, memchr_iter};

use super::input::Input;
use super::{StreamError, StreamErrorKind, StreamHeader};
use crate::json::{BYTE_ORDER_MARK, MARKED};
use crate::{MAX_LINE_BYTES, text_of_line};

/// About how many bytes of lines a chunk holds; one line may go beyond.
pub const CHUNK_BYTES: usize = 1 << 18;
/// How much is read at once.
const READ_BYTES: usize = 128 << 10;

/// Some lines of a stream. Give the same chunk again and its memory is used again.
#[derive(Clone, Default)]
pub struct Chunk<'t> {
    content: Content<'t>,
    lines: Vec<Span>,
}

/// The bytes of a chunk.
#[derive(Clone)]
enum Content<'t> {
    /// All of them are UTF-8.
    Text(SharedText<'t>),
    Bytes(Cow<'t, [u8]>),
}

/// Where a line stands in its chunk.
#[derive(Debug, Clone, Copy)]
struct Span {
    number: u64,
    start: usize,
    /// None for a line that is too long and was not kept.
    end: Option<usize>,
}

/// A line that is not blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'c> {
    /// Its number in the stream, from 1, blank lines and the header counted.
    pub number: u64,
    /// Its bytes without the line end; none for a line beyond [`MAX_LINE_BYTES`], which is an
    /// error `limit` (F-6) and was passed over.
    pub bytes: Option<&'c [u8]>,
    /// The same as text, when the whole chunk is UTF-8 ([`Chunk::text`]).
    pub text: Option<&'c str>,
}

impl<'c> Line<'c> {
    /// The text of the line.
    ///
    /// # Errors
    /// `limit` or `json_syntax`, as [`text_of_line`].
    pub fn text(&self) -> Result<&'c str, RequestError> {
        match (self.text, self.bytes) {
            (Some(text), _) => Ok(text),
            (None, Some(bytes)) => text_of_line(bytes),
            (None, None) => {
                let message = format!("the line is longer than {MAX_LINE_BYTES} bytes");
                Err(RequestError::new(RequestErrorKind::Limit, message))
            }
        }
    }
}

impl<'t> Chunk<'t> {
    /// An empty chunk.
    pub fn new() -> Self {
        Self::default()
    }

    /// The lines, in order.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = Line<'_>> + Clone {
        let text = self.text().map(|text| &**text);
        let bytes = self.content.bytes();
        self.lines.iter().map(move |span| Line {
            number: span.number,
            bytes: span.end.map(|end| bytes.get(span.start..end).unwrap_or_default()),
            text: text.zip(span.end).and_then(|(text, end)| text.get(span.start..end)),
        })
    }

    /// The text that its lines are parts of, when all of it is UTF-8. It is given out to be kept
    /// while the lines are worked on; who still has it when the chunk is filled again costs a new
    /// buffer.
    pub fn text(&self) -> Option<&SharedText<'t>> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::Bytes(_) => None,
        }
    }

    /// The number of lines.
    pub fn n_lines(&self) -> usize {
        self.lines.len()
    }
}

impl<'t> Content<'t> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// The memory, to be filled again.
    fn into_buffer(self) -> Vec<u8> {
        match self {
            Self::Text(SharedText::Kept(text)) => {
                Arc::try_unwrap(text).map(String::into_bytes).unwrap_or_default()
            }
            Self::Bytes(Cow::Owned(bytes)) => bytes,
            Self::Text(SharedText::Borrowed(_)) | Self::Bytes(Cow::Borrowed(_)) => Vec::new(),
        }
    }

    fn borrowed(bytes: &'t [u8]) -> Self {
        match simdutf8::basic::from_utf8(bytes) {
            // Who holds the text counts positions in it, and a line that is passed over has any
            // length.
            Ok(text) if bytes.len() <= CHUNK_BYTES + MAX_LINE_BYTES + "\r\n".len() => {
                Self::Text(SharedText::Borrowed(text))
            }
            _ => Self::Bytes(bytes.into()),
        }
    }
}

impl From<Vec<u8>> for Content<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(SharedText::Kept(Arc::new(text))),
            Err(error) => Self::Bytes(error.into_bytes().into()),
        }
    }
}

impl Default for Content<'_> {
    fn default() -> Self {
        Self::Bytes(Cow::default())
    }
}

impl fmt::Debug for Chunk<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({} lines)", self.lines.len())
    }
}

/// A request stream: its header, and its lines in chunks (F-30, F-34).
///
/// Compressed data are recognized by their first bytes. When they are cut off or damaged, all
/// lines before come first, the broken last one among them, and then the error.
///
/// # Examples
/// ```
/// use assize_formats::{Chunk, RequestStream};
///
/// let text = b"{\"assize\":1,\"stream\":\"requests\"}\r\n\n{\"id\":1}\n{\"id\":2}";
/// let mut stream = RequestStream::open(&text[..])?;
/// assert!(stream.header().is_some());
/// let mut chunk = Chunk::new();
/// assert!(stream.read(&mut chunk)?);
/// let numbers: Vec<u64> = chunk.lines().map(|line| line.number).collect();
/// assert_eq!(numbers, [3, 4]);
/// assert!(!stream.read(&mut chunk)?);
/// # Ok::<(), assize_formats::StreamError>(())
/// ```
pub struct RequestStream<'t, R: Read> {
    source: Source<'t, R>,
    header: Option<StreamHeader>,
    /// The beginning of a line whose end was not read yet.
    rest: Vec<u8>,
    /// Whether `rest` belongs to a line that is too long and is passed over.
    skipping: bool,
    /// Number of the last line.
    n_lines: u64,
    /// The first chunk, read to look for a header.
    first: Option<Chunk<'t>>,
    /// What comes behind the lines: the end, or why there are no more.
    end: Option<Result<(), StreamError>>,
}

/// Where a stream comes from.
enum Source<'t, R: Read> {
    Reader(Input<R>),
    /// What is left of lines that are in memory: chunks are parts of them.
    Memory(&'t [u8]),
}

impl<'t> RequestStream<'t, &'t [u8]> {
    /// As [`RequestStream::open`], of a stream that is in memory: its lines are not copied, unless
    /// they are compressed.
    ///
    /// # Errors
    /// As those of [`RequestStream::open`].
    pub fn of(bytes: &'t [u8]) -> Result<Self, StreamError> {
        let input = Input::open(bytes)?;
        let is_plain = matches!(input, Input::Plain(_));
        Self::begin(if is_plain { Source::Memory(bytes) } else { Source::Reader(input) })
    }
}

impl<'t, R: Read> RequestStream<'t, R> {
    /// Opens a stream and reads its header, if it has one.
    ///
    /// # Errors
    /// [`StreamErrorKind::Io`], or [`StreamErrorKind::Header`] when there is a header that cannot
    /// be followed.
    pub fn open(reader: R) -> Result<Self, StreamError> {
        Self::begin(Source::Reader(Input::open(reader)?))
    }

    fn begin(source: Source<'t, R>) -> Result<Self, StreamError> {
        let mut stream = Self {
            source,
            header: None,
            rest: Vec::new(),
            skipping: false,
            n_lines: 0,
            first: None,
            end: None,
        };
        let mut first = Chunk::new();
        stream.fill(&mut first);
        // Blank lines may fill more than a chunk.
        while first.lines.is_empty() && stream.end.is_none() {
            stream.fill(&mut first);
        }
        let text = first.lines().next().and_then(|line| line.text().ok());
        if let Some(header) = text.and_then(header) {
            let header = header.map_err(|error| {
                let message = format!("the header of the stream: {error}");
                StreamError::new(StreamErrorKind::Header, message)
            })?;
            stream.header = Some(header);
            first.lines.remove(0);
        }
        stream.first = Some(first);
        Ok(stream)
    }

    /// The header line, if the stream has one.
    pub fn header(&self) -> Option<&StreamHeader> {
        self.header.as_ref()
    }

    /// Reads the next lines into a chunk, in place of what it held; false at the end.
    ///
    /// # Errors
    /// Why no more can be read. Everything before was given.
    pub fn read(&mut self, chunk: &mut Chunk<'t>) -> Result<bool, StreamError> {
        if let Some(first) = self.first.take() {
            *chunk = first;
        } else {
            chunk.lines.clear();
        }
        while chunk.lines.is_empty() {
            match self.end.take() {
                None => self.fill(chunk),
                Some(Ok(())) => {
                    self.end = Some(Ok(()));
                    return Ok(false);
                }
                Some(Err(error)) => {
                    self.end = Some(Ok(()));
                    return Err(error);
                }
            }
        }
        Ok(true)
    }

    /// Fills a chunk with whole lines; blank ones may leave it empty.
    fn fill(&mut self, chunk: &mut Chunk<'t>) {
        chunk.lines.clear();
        let mut source = std::mem::replace(&mut self.source, Source::Memory(&[]));
        match &mut source {
            Source::Reader(input) => self.fill_buffer(input, chunk),
            Source::Memory(left) => *left = self.take_part(left, chunk),
        }
        self.source = source;
    }

    /// Takes whole lines from the beginning of what is left, and gives the rest.
    fn take_part(&mut self, left: &'t [u8], chunk: &mut Chunk<'t>) -> &'t [u8] {
        let end = left.get(CHUNK_BYTES..).and_then(|behind| memchr(b'\n', behind));
        let (part, left) = left.split_at(end.map_or(left.len(), |end| CHUNK_BYTES + end + 1));
        let mut start = 0;
        for end in memchr_iter(b'\n', part) {
            self.line(&mut chunk.lines, part, start..end);
            start = end + 1;
        }
        if start < part.len() {
            self.line(&mut chunk.lines, part, start..part.len());
        }
        if left.is_empty() {
            self.end = Some(Ok(()));
        }
        chunk.content = Content::borrowed(part);
        left
    }

    fn fill_buffer(&mut self, input: &mut Input<R>, chunk: &mut Chunk<'t>) {
        let mut buffer = std::mem::take(&mut chunk.content).into_buffer();
        let mut filled = self.rest.len();
        buffer.resize(buffer.len().max(CHUNK_BYTES + READ_BYTES).max(filled), 0);
        if let Some(start) = buffer.get_mut(..filled) {
            start.copy_from_slice(&self.rest);
        }
        self.rest.clear();
        let (mut start, mut searched) = (0, filled);
        while self.end.is_none() && (filled < CHUNK_BYTES || chunk.lines.is_empty() && start == 0) {
            if buffer.len() < filled + READ_BYTES {
                buffer.resize(filled + READ_BYTES, 0);
            }
            let space = buffer.get_mut(filled..).unwrap_or_default();
            match input.read(space) {
                Ok(0) => self.end = Some(Ok(())),
                Ok(n) => filled += n,
                Err(error) => self.end = Some(Err(input.error(error, self.n_lines))),
            }
            while let Some(feed) = buffer.get(searched..filled).and_then(|b| memchr(b'\n', b)) {
                let end = searched + feed;
                self.line(&mut chunk.lines, &buffer, start..end);
                start = end + 1;
                searched = start;
            }
            searched = filled;
            if filled - start > MAX_LINE_BYTES + 1 {
                self.skipping = true;
                filled = start;
                searched = start;
            }
        }
        if self.end.is_some() && (start < filled || self.skipping) {
            self.line(&mut chunk.lines, &buffer, start..filled);
            start = filled;
        }
        self.rest.extend_from_slice(buffer.get(start..filled).unwrap_or_default());
        buffer.truncate(start);
        chunk.content = buffer.into();
    }

    /// Takes a line, without its end.
    fn line(&mut self, lines: &mut Vec<Span>, buffer: &[u8], Range { start, end }: Range<usize>) {
        self.n_lines += 1;
        let number = self.n_lines;
        if std::mem::take(&mut self.skipping) {
            lines.push(Span { number, start, end: None });
            return;
        }
        let bytes = buffer.get(start..end).unwrap_or_default();
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.len() > MAX_LINE_BYTES {
            lines.push(Span { number, start, end: None });
        } else if !bytes.iter().all(u8::is_ascii_whitespace) {
            lines.push(Span { number, start, end: Some(start + bytes.len()) });
        }
    }
}

impl<R: Read> fmt::Debug for RequestStream<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestStream(behind line {})", self.n_lines)
    }
}

/// The header that a first line is, if it is one. A byte-order mark hides a header: passing over
/// it as over a broken request would decide the rest without its options and defaults.
fn header(line: &str) -> Option<Result<StreamHeader, RequestError>> {
    let plain = line.trim_start_matches(BYTE_ORDER_MARK);
    let header = StreamHeader::parse(plain)?;
    if plain.len() == line.len() {
        return Some(header);
    }
    Some(Err(RequestError::new(RequestErrorKind::JsonSyntax, MARKED)))
}
