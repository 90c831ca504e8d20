//! Streams of requests and decisions (F-30 – F-34).

mod input;
mod line;
mod summary;

use std::fmt;
use std::io;

use assize_model::{ContextMode, RequestError};

pub use line::{CHUNK_BYTES, Chunk, Line, RequestStream};
pub use summary::Summary;

use crate::json::{Cursor, Object, Result as JsonResult};
use crate::request::field;
use crate::{Defaults, FORMAT_VERSION, Provenance, StatedOptions};

/// The first line of a request stream that has one (F-30).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamHeader {
    /// `snapshot`: the digest of the snapshot the requests were made for.
    pub snapshot: Option<Box<str>>,
    /// `options`, over those of the engine.
    pub options: StatedOptions,
    /// `defaults`, merged under every line.
    pub defaults: Defaults,
}

impl StreamHeader {
    /// Reads the first line of a stream, or `None` when it is a request: a header carries
    /// `assize`, the version of the format, which no request has.
    ///
    /// # Errors
    /// Why the header cannot be followed; then no line of the stream can be.
    ///
    /// # Examples
    /// ```
    /// use assize_formats::StreamHeader;
    /// let line = r#"{"assize":1,"stream":"requests","defaults":{"region":"eu-west-1"}}"#;
    /// let header = StreamHeader::parse(line).unwrap()?;
    /// assert!(!header.defaults.is_empty());
    /// assert!(StreamHeader::parse(r#"{"principal":"anonymous"}"#).is_none());
    /// # Ok::<(), assize_model::RequestError>(())
    /// ```
    pub fn parse(line: &str) -> Option<Result<Self, RequestError>> {
        if !has_version(line) {
            return None;
        }
        let mut c = Cursor::new(line);
        let header = Self::read(&mut c).and_then(|header| c.end().map(|()| header));
        Some(header.map_err(|fault| fault.into_request_error(line)))
    }

    fn read(c: &mut Cursor<'_>) -> JsonResult<Self> {
        const FIELDS: [&str; 5] = ["assize", "stream", "snapshot", "options", "defaults"];
        let mut header = Self::default();
        c.object(|c, key| {
            match &*key {
                "assize" => read_version(c)?,
                "stream" => {
                    let stream = c.string()?;
                    if stream != "requests" {
                        return Err(field::word(c, &stream, ["requests"]));
                    }
                }
                "snapshot" => header.snapshot = Some(c.string()?.into()),
                "options" => header.options = StatedOptions::read(c)?,
                "defaults" => header.defaults = Defaults::read(c)?,
                _ => return field::unknown(c, &key, &FIELDS),
            }
            Ok(())
        })?;
        Ok(header)
    }
}

fn has_version(line: &str) -> bool {
    let mut found = false;
    let mut c = Cursor::new(line);
    // A line that breaks later is a broken header all the same.
    let _ = c.object(|c, key| {
        found |= key == "assize";
        c.skip()
    });
    found
}

/// F-5.
fn read_version(c: &mut Cursor<'_>) -> JsonResult<()> {
    let version = c.number()?;
    if version.parse() == Ok(FORMAT_VERSION) {
        return Ok(());
    }
    let message = format!("version {version} of the format; this program reads {FORMAT_VERSION}");
    Err(c.invalid(message))
}

/// What the decisions of a stream say (F-31).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamMode {
    /// The fast part (E-103).
    Fast,
    /// Everything.
    Explain,
}

impl StreamMode {
    /// The word of the format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Explain => "explain",
        }
    }
}

/// Writes the header line of a decision stream, with its line end (F-31).
pub fn write_stream_header(
    out: &mut Vec<u8>,
    mode: StreamMode,
    context: ContextMode,
    provenance: &Provenance,
) {
    let mut object = Object::open(out);
    object.number("assize", u64::from(FORMAT_VERSION));
    object.word("stream", "decisions");
    object.word("mode", mode.as_str());
    object.word(
        "context",
        match context {
            ContextMode::Complete => "complete",
            ContextMode::Partial => "partial",
        },
    );
    provenance.write(object.key("provenance"));
    object.close();
    out.push(b'\n');
}

/// Why a stream cannot be read on.
#[derive(Debug)]
pub struct StreamError {
    kind: StreamErrorKind,
    message: Box<str>,
    source: Option<io::Error>,
}

/// The kinds of [`StreamError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamErrorKind {
    /// Reading failed.
    Io,
    /// The compressed data end in the middle.
    Truncated,
    /// The compressed data are damaged.
    Corrupt,
    /// The header line cannot be followed (F-30).
    Header,
}

impl StreamError {
    fn new(kind: StreamErrorKind, message: impl Into<Box<str>>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The kind.
    pub fn kind(&self) -> StreamErrorKind {
        self.kind
    }
}

impl fmt::Display for StreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StreamError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}

#[cfg(test)]
mod tests;
