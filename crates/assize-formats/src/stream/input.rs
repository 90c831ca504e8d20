//! Bytes of a stream, decompressed when their first ones say so (F-34).

use std::io::{self, BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder;

use super::{StreamError, StreamErrorKind};

const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// Largest window a zstd stream may ask for, as a power of two: 128 MiB, what `zstd` itself
/// reads without being told otherwise.
const MAX_ZSTD_WINDOW_LOG: u32 = 27;

/// A reader that counts.
pub(super) struct Counting<R> {
    inner: R,
    n_bytes: u64,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.n_bytes += n as u64;
        Ok(n)
    }
}

/// The bytes of a stream behind its first ones, which were looked at.
type Source<R> = Chain<Cursor<Vec<u8>>, Counting<R>>;

/// A stream's bytes.
pub(super) enum Input<R: Read> {
    Plain(Source<R>),
    Gzip(Box<MultiGzDecoder<BufReader<Source<R>>>>),
    Zstd(Box<Decoder<'static, BufReader<Source<R>>>>),
}

impl<R: Read> Input<R> {
    /// Looks at the first bytes.
    pub(super) fn open(inner: R) -> Result<Self, StreamError> {
        let mut inner = Counting { inner, n_bytes: 0 };
        let mut first = Vec::with_capacity(ZSTD_MAGIC.len());
        let mut limited = (&mut inner).take(ZSTD_MAGIC.len() as u64);
        limited.read_to_end(&mut first).map_err(|error| io_error(error, 0))?;
        let is_gzip = first.starts_with(&GZIP_MAGIC);
        let is_zstd = first.starts_with(&ZSTD_MAGIC);
        let source = Cursor::new(first).chain(inner);
        if is_gzip {
            return Ok(Self::Gzip(Box::new(MultiGzDecoder::new(BufReader::new(source)))));
        }
        if is_zstd {
            let decoder = Decoder::with_buffer(BufReader::new(source)).and_then(|mut decoder| {
                decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
                Ok(decoder)
            });
            return decoder.map(|d| Self::Zstd(Box::new(d))).map_err(|error| io_error(error, 0));
        }
        Ok(Self::Plain(source))
    }

    /// Reads some bytes; 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match self {
                Self::Plain(source) => source.read(buffer),
                Self::Gzip(decoder) => decoder.read(buffer),
                Self::Zstd(decoder) => decoder.read(buffer),
            };
            match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read,
            }
        }
    }

    /// What an error of reading means, behind a line.
    pub(super) fn error(&self, error: io::Error, line: u64) -> StreamError {
        let (format, source) = match self {
            Self::Plain(_) => return io_error(error, line),
            Self::Gzip(decoder) => ("gzip", decoder.get_ref().get_ref()),
            Self::Zstd(decoder) => ("zstd", decoder.get_ref().get_ref()),
        };
        let offset = source.get_ref().1.n_bytes;
        let (kind, what) = match error.kind() {
            io::ErrorKind::UnexpectedEof => (StreamErrorKind::Truncated, "end in the middle"),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                (StreamErrorKind::Corrupt, "are damaged")
            }
            _ => return io_error(error, line),
        };
        let message = format!("the {format} data {what}, at byte {offset}, behind line {line}");
        StreamError { source: Some(error), ..StreamError::new(kind, message) }
    }
}

fn io_error(error: io::Error, line: u64) -> StreamError {
    let message = format!("the stream cannot be read behind line {line}: {error}");
    StreamError { source: Some(error), ..StreamError::new(StreamErrorKind::Io, message) }
}
