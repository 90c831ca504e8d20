//! Numbers, texts and the frame of a data file.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::{MAX_BODY_BYTES, MAX_ROWS};
use crate::{Error, ErrorKind};

const HEADER_BYTES: usize = 16;

/// Wraps a body into a data file.
pub(crate) fn seal(magic: [u8; 8], version: u32, body: &[u8]) -> Result<Vec<u8>, Error> {
    if body.len() > MAX_BODY_BYTES {
        return Err(Error::new(ErrorKind::TooLarge, "the body is over the limit"));
    }
    let length = u32::try_from(body.len())
        .map_err(|_| Error::new(ErrorKind::TooLarge, "the body is over the limit"))?;
    let mut file = Vec::with_capacity(body.len() / 2);
    file.extend_from_slice(&magic);
    file.extend_from_slice(&version.to_le_bytes());
    file.extend_from_slice(&length.to_le_bytes());
    let mut encoder = ZlibEncoder::new(file, Compression::best());
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.map_err(|error| Error::source(format!("the body could not be compressed: {error}")))
}

/// The body of a data file.
pub(crate) fn open(magic: [u8; 8], version: u32, file: &[u8]) -> Result<Vec<u8>, Error> {
    let Some((header, stream)) = file.split_at_checked(HEADER_BYTES) else {
        return Err(Error::new(ErrorKind::NotData, "it is too short"));
    };
    let (found, numbers) = header.split_at(magic.len());
    if found != magic {
        return Err(Error::new(ErrorKind::NotData, "it does not begin as one"));
    }
    let (words, _) = numbers.as_chunks::<4>();
    let (stored, length) = match *words {
        [stored, length] => (u32::from_le_bytes(stored), u32::from_le_bytes(length) as usize),
        _ => return Err(Error::damaged("the header is not whole")),
    };
    if stored != version {
        let detail = format!("it has version `{stored}`, this library reads version `{version}`");
        return Err(Error::new(ErrorKind::Version, detail));
    }
    if length > MAX_BODY_BYTES {
        return Err(Error::new(ErrorKind::TooLarge, "the body is over the limit"));
    }
    inflate(stream, length)
}

fn inflate(stream: &[u8], length: usize) -> Result<Vec<u8>, Error> {
    // A stream cannot unfold to more than about a thousand times its size, so a lie in the
    // header reserves little.
    let mut body = Vec::with_capacity(length.min(stream.len().saturating_mul(1032)));
    let mut decoder = ZlibDecoder::new(stream);
    let limit = length as u64 + 1;
    let read = decoder.by_ref().take(limit).read_to_end(&mut body);
    read.map_err(|_| Error::damaged("the compressed body is broken"))?;
    if body.len() != length {
        return Err(Error::damaged("the body has another length than stated"));
    }
    if decoder.total_in() != stream.len() as u64 {
        return Err(Error::damaged("something follows the body"));
    }
    Ok(body)
}

/// Writes a body.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn number(&mut self, mut value: u32) {
        loop {
            let [low, ..] = (value & 0x7f).to_le_bytes();
            value >>= 7;
            if value == 0 {
                return self.0.push(low);
            }
            self.0.push(low | 0x80);
        }
    }

    pub(crate) fn count(&mut self, n: usize) -> Result<(), Error> {
        let value = u32::try_from(n).ok().filter(|_| n <= MAX_BODY_BYTES);
        self.number(value.ok_or(Error::new(ErrorKind::TooLarge, "a table is over the limit"))?);
        Ok(())
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a body.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        let (first, rest) = self.rest.split_first().ok_or(Error::damaged("the body is cut off"))?;
        self.rest = rest;
        Ok(*first)
    }

    pub(crate) fn number(&mut self) -> Result<u32, Error> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0xf {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Error::damaged("a number is too large"))
    }

    /// A position in a table of `n` rows.
    pub(crate) fn below(&mut self, n: usize) -> Result<u32, Error> {
        let value = self.number()?;
        if (value as usize) < n {
            Ok(value)
        } else {
            Err(Error::damaged("a position is too large"))
        }
    }

    /// A number of rows, each of at least one byte.
    pub(crate) fn count(&mut self) -> Result<usize, Error> {
        let n = self.number()? as usize;
        if n > self.rest.len() {
            return Err(Error::damaged("the body is cut off"));
        }
        if n > MAX_ROWS {
            return Err(Error::new(ErrorKind::TooLarge, "a table has too many rows"));
        }
        Ok(n)
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) =
            self.rest.split_at_checked(n).ok_or(Error::damaged("the body is cut off"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::damaged("the body is too long")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip() {
        let numbers = [0, 1, 127, 128, 16_383, 16_384, 1 << 28, u32::MAX];
        let mut writer = Writer::default();
        for n in numbers {
            writer.number(n);
        }
        let body = writer.finish();
        let mut reader = Reader::new(&body);
        for n in numbers {
            assert_eq!(reader.number(), Ok(n));
        }
        assert_eq!(reader.finish(), Ok(()));
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x10]).number().is_err());
        assert!(Reader::new(&[0x80]).number().is_err());
    }

    #[test]
    fn frames_round_trip_and_refuse_the_rest() {
        let magic = *b"ABCDEFGH";
        let file = seal(magic, 7, b"hello hello hello").unwrap();
        let kind = |bytes: &[u8], version| open(magic, version, bytes).map_err(|e| e.kind());
        assert_eq!(kind(&file, 7).as_deref(), Ok(&b"hello hello hello"[..]));
        assert_eq!(kind(&file, 8), Err(ErrorKind::Version));
        assert_eq!(kind(b"hello", 7), Err(ErrorKind::NotData));
        assert_eq!(kind(&[0; 64], 7), Err(ErrorKind::NotData));
        let mut longer = file.clone();
        longer.push(0);
        assert_eq!(kind(&longer, 7), Err(ErrorKind::Damaged));
        for cut in HEADER_BYTES..file.len() {
            assert_eq!(kind(&file[..cut], 7), Err(ErrorKind::Damaged), "{cut}");
        }
    }
}
