//! Streams that are decided among policies without a world (C-27): what they name is looked up
//! first, and session policies are put into their lines.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use assize_formats::{Chunk, Line, RequestRecord, RequestStream, StatedOptions, text_of_line};
use serde_json::Value;

use super::Input;
use crate::files::{self, Found, STDIO};
use crate::interrupt::{self, InterruptibleStdin};
use crate::world::{SessionPolicies, StandIn};

/// Takes every principal and resource of some streams into a made-up world, and gives the streams
/// to be read again. Standard input is kept in a temporary file meanwhile.
pub(super) fn note_all(found: &[Found], stand_in: &mut StandIn) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for found in found {
        let name = found.name();
        let reader: Box<dyn Read + Send> = if found.path == Path::new(STDIO) {
            let mut spool = tempfile::tempfile().context("cannot make a temporary file")?;
            io::copy(&mut InterruptibleStdin::start(), &mut spool)?;
            spool.seek(SeekFrom::Start(0))?;
            let again = spool.try_clone()?;
            note(spool, stand_in).with_context(|| name.clone())?;
            let mut again = again;
            again.seek(SeekFrom::Start(0))?;
            Box::new(again)
        } else {
            note(files::open(&found.path)?, stand_in).with_context(|| name.clone())?;
            files::open(&found.path)?
        };
        inputs.push(Input { name, path: super::file_to_reread(&found.path), reader });
    }
    Ok(inputs)
}

/// Lines that cannot be read are left for the run to report.
fn note(reader: impl Read, stand_in: &mut StandIn) -> Result<()> {
    let mut stream = RequestStream::open(reader)?;
    let defaults = stream.header().map(|header| header.defaults.clone()).unwrap_or_default();
    let mut chunk = Chunk::new();
    // A stream that breaks off is reported when it is decided.
    while stream.read(&mut chunk).unwrap_or(false) && !interrupt::is_interrupted() {
        for line in chunk.lines() {
            let Some(text) = text(&line) else { continue };
            let mut merged = String::new();
            defaults.merge(text, &mut merged);
            if let Ok(record) = RequestRecord::parse(&merged) {
                stand_in.note(&record.request)?;
            }
        }
    }
    Ok(())
}

fn text<'c>(line: &Line<'c>) -> Option<&'c str> {
    text_of_line(line.bytes?).ok()
}

/// A request stream whose principals have the session policies.
pub(super) struct SessionLines<R: Read> {
    stream: RequestStream<'static, R>,
    chunk: Chunk<'static>,
    policies: SessionPolicies,
    /// Lines that were rewritten and not read yet.
    ready: Vec<u8>,
    at: usize,
    n_lines: u64,
}

impl<R: Read> SessionLines<R> {
    pub(super) fn open(reader: R, policies: SessionPolicies) -> Result<Self> {
        let stream = RequestStream::open(reader)?;
        if stream.header().is_some_and(|header| header.options != StatedOptions::default()) {
            bail!("a request stream whose header has options takes no `--session-policy`");
        }
        Ok(Self { stream, chunk: Chunk::new(), policies, ready: Vec::new(), at: 0, n_lines: 0 })
    }

    /// Rewrites the next lines. Their numbers stay: an id may be the number of its line (F-14).
    fn fill(&mut self) -> io::Result<bool> {
        self.ready.clear();
        self.at = 0;
        if !self.stream.read(&mut self.chunk).map_err(io::Error::other)? {
            return Ok(false);
        }
        let defaults = self.stream.header().map(|header| header.defaults.clone());
        let defaults = defaults.unwrap_or_default();
        for line in self.chunk.lines() {
            while self.n_lines + 1 < line.number {
                self.ready.push(b'\n');
                self.n_lines += 1;
            }
            self.n_lines += 1;
            match text(&line) {
                Some(text) => {
                    let mut merged = String::new();
                    defaults.merge(text, &mut merged);
                    let rewritten = rewrite(&merged, &self.policies);
                    self.ready.extend_from_slice(rewritten.unwrap_or(merged).as_bytes());
                }
                // Not UTF-8, or too long: it is passed on to be refused.
                None => self.ready.extend_from_slice(line.bytes.unwrap_or(b"\"too long\"")),
            }
            self.ready.push(b'\n');
        }
        Ok(true)
    }
}

impl<R: Read> Read for SessionLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            if !self.fill()? {
                return Ok(0);
            }
        }
        let n = buffer.len().min(self.ready.len() - self.at);
        buffer[..n].copy_from_slice(&self.ready[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// A line with another principal; none for a line that is no object or has none.
fn rewrite(line: &str, policies: &SessionPolicies) -> Option<String> {
    let mut value: Value = serde_json::from_str(line).ok()?;
    let principal = value.as_object_mut()?.get_mut("principal")?;
    *principal = policies.rewrite(principal)?;
    Some(value.to_string())
}
