//! The files of a log: read piece by piece, decompressed when their first bytes say so.

use std::fmt;
use std::io::{self, BufReader, Cursor, Read};

use assize_cloudtrail::{Export, LogReader, Malformed, Recognized};
use flate2::Crc;
use flate2::bufread::MultiGzDecoder;

const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// What some editors put before text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// How much of a compressed file is read at once.
const READ_BYTES: usize = 64 << 10;
/// Memory that is set aside for text at once, and room beside the text that is wanted: for what
/// is left of the text before.
const MAX_RESERVED_BYTES: usize = 4 << 20;
const RESERVE_BYTES: usize = 64 << 10;
/// How much text is made room for at once: it is still in the cache when it is written over.
const STEP_BYTES: usize = 64 << 10;
/// How much of a file is read to tell whether it is a log.
const BEGINNING_BYTES: usize = 4 << 10;
/// How much text is passed over at once.
const SKIP_BYTES: usize = 1 << 20;

/// A file of a log that is opened when its turn comes.
pub struct LogSource {
    /// What it is called in messages.
    pub name: String,
    /// How long it is, where that is known: by it a checkpoint tells at once that a file has
    /// changed. An edit that keeps the length is told by what is read.
    pub n_bytes: Option<u64>,
    /// Opens it.
    pub open: Box<dyn FnOnce() -> io::Result<Box<dyn Read + Send>> + Send>,
}

impl LogSource {
    /// Whether the file begins with bytes that were read of it before.
    pub(crate) fn begins_with(self, seal: Seal) -> io::Result<bool> {
        if seal.n_bytes == 0 {
            return Ok(true);
        }
        let mut counted = Counted::new((self.open)()?);
        io::copy(&mut (&mut counted).take(seal.n_bytes), &mut io::sink())?;
        Ok(counted.seal() == seal)
    }
}

/// Whether a file, compressed or not, begins as logs do: with an object or a list of JSON, or with
/// the columns of an export (F-50). By this a log is told whatever its name (C-21).
///
/// # Errors
/// When it cannot be read.
pub fn begins_as_log(input: Box<dyn Read + Send>) -> io::Result<bool> {
    let mut first = Vec::new();
    Input::open(input)?.read_some(BEGINNING_BYTES, &mut first)?;
    let text = first.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&first);
    let is_json = matches!(text.trim_ascii_start().first(), Some(b'{' | b'['));
    Ok(is_json || matches!(Export::recognize(text, true), Recognized::Export(..)))
}

impl fmt::Debug for LogSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSource").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Something in a file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogProblem {
    /// The file.
    pub file: String,
    /// Where, in bytes of its text, or of its compressed bytes where these are broken.
    pub offset: u64,
    /// What is wrong.
    pub message: String,
    /// Whether the rest of the file is lost with it.
    pub is_final: bool,
}

/// Problems that are kept; of more it counts only how many there are.
const MAX_PROBLEMS: usize = 1_000;

/// What could not be read.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    pub(crate) kept: Vec<LogProblem>,
    pub(crate) n_more: u64,
}

impl Problems {
    /// Counts problems that nothing more is told of.
    pub(crate) fn count(&mut self, n: u64) {
        self.n_more += n;
    }

    pub(crate) fn extend(&mut self, problems: impl IntoIterator<Item = LogProblem>) {
        for problem in problems {
            if self.kept.len() < MAX_PROBLEMS {
                self.kept.push(problem);
            } else {
                self.n_more += 1;
            }
        }
    }
}

/// A file that is being read.
pub(crate) struct OpenLog {
    pub(crate) name: String,
    pub(crate) n_bytes: Option<u64>,
    /// Its place among the files.
    pub(crate) position: usize,
    input: Input,
    pub(crate) reader: LogReader,
    /// The text at hand: what the last round left, and what this one read.
    pub(crate) text: Vec<u8>,
    /// Where the text begins in the file.
    pub(crate) offset: u64,
    pub(crate) is_at_end: bool,
    pub(crate) problem: Option<LogProblem>,
    /// Pieces of an export that are no records, and how many there are.
    pub(crate) faults: Vec<LogProblem>,
    pub(crate) malformed: Malformed,
    /// How much was read of the file, decompressed.
    n_read: u64,
    /// The check sum of it, but for what the file ends with.
    text_sum: Crc,
    form: Form,
    /// What was read and is not text of records yet.
    raw: Vec<u8>,
}

/// How far a file was read: so much text of it, of this check sum; it is done with up to `offset`,
/// and so much is at hand behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) n_read: u64,
    pub(crate) text_sum: u32,
    pub(crate) offset: u64,
    pub(crate) n_at_hand: u64,
    /// Where in the log its reader is.
    pub(crate) reader: u8,
}

/// What a file holds (F-50).
enum Form {
    /// Too little was read to tell.
    Unknown,
    Records,
    Export(Export),
}

enum Input {
    Plain(Box<Counted>),
    Gzip(Box<MultiGzDecoder<BufReader<Counted>>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<Counted>>>),
    Closed,
}

/// What the bytes of a file were, as far as they were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) n_bytes: u64,
    pub(crate) sum: u32,
}

/// Counts and sums up what is read.
struct Counted {
    inner: Box<dyn Read + Send>,
    n_bytes: u64,
    sum: Crc,
}

impl Counted {
    fn new(inner: Box<dyn Read + Send>) -> Self {
        Self { inner, n_bytes: 0, sum: Crc::new() }
    }

    fn seal(&self) -> Seal {
        Seal { n_bytes: self.n_bytes, sum: self.sum.sum() }
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.n_bytes += n as u64;
        self.sum.update(&buffer[..n]);
        Ok(n)
    }
}

impl OpenLog {
    /// Opens a file; `memory` may have been used before.
    pub(crate) fn open(source: LogSource, position: usize, mut memory: Vec<u8>) -> Self {
        memory.clear();
        let mut log = Self {
            name: source.name,
            n_bytes: source.n_bytes,
            position,
            input: Input::Closed,
            reader: LogReader::default(),
            text: Vec::new(),
            offset: 0,
            is_at_end: false,
            problem: None,
            faults: Vec::new(),
            malformed: Malformed::default(),
            n_read: 0,
            text_sum: Crc::new(),
            form: Form::Unknown,
            raw: memory,
        };
        match (source.open)().and_then(Input::open) {
            Ok(input) => log.input = input,
            Err(error) => log.fail(&error),
        }
        log
    }

    /// Reads so many more bytes of text, or to the end; sums them up if a checkpoint may be made.
    pub(crate) fn fill(&mut self, n_bytes: usize, is_resumable: bool) {
        if self.is_at_end {
            return;
        }
        let text = if matches!(self.form, Form::Records) { &mut self.text } else { &mut self.raw };
        let n_before = text.len();
        let n_reserved = n_bytes.min(MAX_RESERVED_BYTES);
        if text.capacity() - n_before < n_reserved {
            // To grow memory copies all of it, though there is little in it.
            let mut larger = Vec::with_capacity(n_before + n_reserved + RESERVE_BYTES);
            larger.extend_from_slice(text);
            *text = larger;
        }
        let read = self.input.read_some(n_bytes, text);
        self.n_read += (text.len() - n_before) as u64;
        let is_at_end = !matches!(read, Ok(n) if n == n_bytes);
        // A file at its end has no place to go on from.
        if is_resumable && !is_at_end {
            self.text_sum.update(&text[n_before..]);
        }
        self.is_at_end = is_at_end;
        if let Err(error) = read {
            self.fail(&error);
        }
        self.take_raw();
    }

    /// Makes text of records of what was read.
    fn take_raw(&mut self) {
        if matches!(self.form, Form::Unknown) {
            if self.offset == 0 && self.raw.starts_with(BYTE_ORDER_MARK) {
                self.raw.drain(..BYTE_ORDER_MARK.len());
                self.offset = BYTE_ORDER_MARK.len() as u64;
            }
            match Export::recognize(&self.raw, self.is_at_end) {
                Recognized::Records => {
                    self.form = Form::Records;
                    self.text = std::mem::take(&mut self.raw);
                }
                Recognized::Export(export, n) => {
                    self.form = Form::Export(export);
                    self.raw.drain(..n);
                }
                Recognized::More => {}
            }
        }
        let Form::Export(export) = &mut self.form else { return };
        let mut faults = Vec::new();
        let start = self.n_read - self.raw.len() as u64;
        let used = export.read(&self.raw, self.is_at_end, &mut self.text, &mut faults);
        self.raw.drain(..used);
        self.malformed.add(export.take_malformed());
        // A file that broke off says so itself.
        faults.retain(|fault| !(fault.is_final && self.problem.is_some()));
        self.faults.extend(faults.into_iter().map(|fault| LogProblem {
            file: self.name.clone(),
            offset: start + fault.offset as u64,
            message: fault.message,
            is_final: fault.is_final,
        }));
    }

    /// Reads on to a place that a file of the same content was at; whether it is there.
    pub(crate) fn go_to(&mut self, place: &Place) -> bool {
        let Some(reader) = LogReader::at_place(place.reader) else { return false };
        self.reader = reader;
        while self.n_read < place.n_read && !self.is_at_end {
            let n_left = usize::try_from(place.n_read - self.n_read).unwrap_or(usize::MAX);
            self.fill(n_left.min(SKIP_BYTES), true);
            let n_passed = usize::try_from(place.offset - self.offset).unwrap_or(usize::MAX);
            let n_passed = n_passed.min(self.text.len());
            self.text.drain(..n_passed);
            self.offset += n_passed as u64;
        }
        // What was wrong so far was told.
        self.faults.clear();
        self.malformed = Malformed::default();
        self.problem.is_none() && self.place() == *place
    }

    /// How far it was read.
    pub(crate) fn place(&self) -> Place {
        Place {
            n_read: self.n_read,
            text_sum: self.text_sum.sum(),
            offset: self.offset,
            n_at_hand: self.text.len() as u64,
            reader: self.reader.place(),
        }
    }

    /// The text at hand; there is room for more in memory that may have been used before.
    pub(crate) fn take_text(&mut self, memory: Vec<u8>) -> Vec<u8> {
        std::mem::replace(&mut self.text, memory)
    }

    /// Keeps what is behind the part of a text that is done with.
    pub(crate) fn keep_rest(&mut self, text: &[u8], n_used: usize) {
        self.text.extend_from_slice(text.get(n_used..).unwrap_or_default());
        self.offset += n_used as u64;
    }

    /// What the bytes of the file were, as far as they were read.
    pub(crate) fn seal(&self) -> Seal {
        self.input.counted().map_or_else(Seal::default, Counted::seal)
    }

    fn fail(&mut self, error: &io::Error) {
        let offset = self.seal().n_bytes;
        let what = match &self.input {
            Input::Gzip(_) => "the gzip data",
            Input::Zstd(_) => "the zstd data",
            Input::Plain(_) | Input::Closed => "the file",
        };
        let message = match error.kind() {
            io::ErrorKind::UnexpectedEof => format!("{what} ends in the middle"),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                format!("{what} is damaged: {error}")
            }
            _ => format!("{what} cannot be read: {error}"),
        };
        self.problem =
            Some(LogProblem { file: self.name.clone(), offset, message, is_final: true });
        self.is_at_end = true;
    }
}

impl Input {
    fn open(mut inner: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut first = Vec::with_capacity(ZSTD_MAGIC.len());
        (&mut inner).take(ZSTD_MAGIC.len() as u64).read_to_end(&mut first)?;
        let is_gzip = first.starts_with(&GZIP_MAGIC);
        let is_zstd = first.starts_with(&ZSTD_MAGIC);
        let whole = Counted::new(Box::new(Cursor::new(first).chain(inner)));
        if !is_gzip && !is_zstd {
            return Ok(Self::Plain(Box::new(whole)));
        }
        let buffered = BufReader::with_capacity(READ_BYTES, whole);
        if is_gzip {
            return Ok(Self::Gzip(Box::new(MultiGzDecoder::new(buffered))));
        }
        zstd::stream::read::Decoder::with_buffer(buffered).map(|d| Self::Zstd(Box::new(d)))
    }

    /// Reads so many bytes, or to the end. What was read before an error is kept.
    fn read_some(&mut self, wanted: usize, text: &mut Vec<u8>) -> io::Result<usize> {
        let input: &mut dyn Read = match self {
            Self::Plain(input) => input,
            Self::Gzip(input) => input,
            Self::Zstd(input) => input,
            Self::Closed => return Ok(0),
        };
        let mut n_read = 0;
        while n_read < wanted {
            let start = text.len();
            text.resize(start + STEP_BYTES.min(wanted - n_read), 0);
            let (n, ended) = read_full(input, &mut text[start..]);
            let is_full = start + n == text.len();
            text.truncate(start + n);
            n_read += n;
            ended?;
            if !is_full {
                break;
            }
        }
        Ok(n_read)
    }

    fn counted(&self) -> Option<&Counted> {
        match self {
            Self::Plain(input) => Some(input),
            Self::Gzip(input) => Some(input.get_ref().get_ref()),
            Self::Zstd(input) => Some(input.get_ref().get_ref()),
            Self::Closed => None,
        }
    }
}

/// Fills memory as far as there is something to read: gives how much was read, and why no more if
/// not because of the end.
fn read_full(input: &mut dyn Read, memory: &mut [u8]) -> (usize, io::Result<()>) {
    let mut n_read = 0;
    while n_read < memory.len() {
        match input.read(&mut memory[n_read..]) {
            Ok(0) => break,
            Ok(n) => n_read += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (n_read, Err(error)),
        }
    }
    (n_read, Ok(()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn logs_are_told_by_how_they_begin() -> io::Result<()> {
        let is_log = |bytes: &[u8]| begins_as_log(Box::new(Cursor::new(bytes.to_vec())));
        let record = br#"{"Records":[{"eventName":"A"}]}"#;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(record)?;
        let mut large = record.to_vec();
        large.resize(1 << 20, b' ');
        for log in [
            record.as_slice(),
            &gzip.finish()?,
            &zstd::encode_all(large.as_slice(), 1)?,
            b"\xef\xbb\xbf \n[{}]",
            b"\"eventJson\"\n",
        ] {
            assert!(is_log(log)?, "{}", String::from_utf8_lossy(log));
        }
        for other in [b"".as_slice(), b"hello", b"bucket,size\nb,1\n", b"\xff\xd8\xff\xe0"] {
            assert!(!is_log(other)?, "{}", String::from_utf8_lossy(other));
        }
        assert!(is_log(b"\x1f\x8bno").is_err());
        Ok(())
    }

    /// What an editor puts before a log is no part of it.
    #[test]
    fn a_byte_order_mark_is_passed_over() {
        for (text, n_bytes) in [("\u{feff}{\"eventName\":\"A\"}\n", 1), ("\u{feff}[{}]", 1_000)] {
            let bytes = text.as_bytes().to_vec();
            let open = || Ok(Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>);
            let source = LogSource { name: "log".into(), n_bytes: None, open: Box::new(open) };
            let mut log = OpenLog::open(source, 0, Vec::new());
            while !log.is_at_end {
                log.fill(n_bytes, false);
            }
            assert_eq!((log.text.as_slice(), log.offset), (&text.as_bytes()[3..], 3));
        }
    }
}
