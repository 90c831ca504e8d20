//! The decisions of several streams as one stream: one header, one closing line.

use std::io::{self, Write};

use super::bad_rows::BadRows;

/// How header and closing line of a decision stream begin; a decision begins with its id.
const HEADER: &[u8] = b"{\"assize\":";
const SUMMARY: &[u8] = b"{\"summary\":";

/// Passes decisions on and keeps header and closing line of all streams but the first header.
/// The engine writes each of them by itself.
#[derive(Debug)]
pub(super) struct Join<W> {
    inner: W,
    is_compact: bool,
    has_header: bool,
    /// What is malformed of the stream that is being passed on.
    pub(super) bad_rows: BadRows,
}

impl<W: Write> Join<W> {
    pub(super) fn new(inner: W, is_compact: bool) -> Self {
        Self { inner, is_compact, has_header: false, bad_rows: BadRows::default() }
    }

    /// Writes the closing line of the whole; the compact form has none.
    pub(super) fn finish(&mut self, closing: &[u8]) -> io::Result<()> {
        if !self.is_compact {
            self.inner.write_all(closing)?;
        }
        self.inner.flush()
    }

    pub(super) fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: Write> Write for Join<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_header = !self.is_compact && bytes.starts_with(HEADER);
        let is_summary = !self.is_compact && bytes.starts_with(SUMMARY);
        if !is_header && !is_summary {
            self.bad_rows.watch(bytes, self.is_compact);
        }
        let is_known = is_summary || is_header && std::mem::replace(&mut self.has_header, true);
        if !is_known {
            self.inner.write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_joined() {
        let mut join = Join::new(Vec::new(), false);
        for part in ["{\"id\":1}\n", "{\"id\":2}\n{\"id\":3}\n"] {
            join.write_all(b"{\"assize\":1}\n").unwrap();
            join.write_all(part.as_bytes()).unwrap();
            join.write_all(b"{\"summary\":{}}\n").unwrap();
        }
        join.finish(b"{\"summary\":{\"requests\":3}}\n").unwrap();
        let text = String::from_utf8(join.into_inner()).unwrap();
        let expected = "{\"assize\":1}\n{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n\
                        {\"summary\":{\"requests\":3}}\n";
        assert_eq!(text, expected);
    }
}
