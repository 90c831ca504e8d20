//! Malformed rows, shown with the place and the text of their line (C-25).
//!
//! The engine puts the error of a row into its decision, in the order of the requests. Which line
//! of which file it was, and what stands there, is looked up when a file has been decided: of the
//! first such rows only, by reading the file once more up to them.

use std::path::Path;

use anyhow::Result;
use assize::Engine;
use assize_formats::{Chunk, RequestRecord, RequestStream, text_of_line};
use assize_policy::json::{self, Value, ValueKind};
use assize_policy::{Span, line_column};
use memchr::{memchr, memchr_iter, memmem, memrchr};
use serde::Deserialize;

use crate::files;
use crate::render::source::{Excerpt, Gravity, report};
use crate::render::style::Style;

/// Most malformed rows of a run that are shown; the rest is counted.
const MAX_SHOWN: usize = 5;
/// Deepest nesting of a line that is read to find a place in it; of deeper ones the beginning is
/// shown.
const MAX_DEPTH: u8 = 64;

/// What a decision has that is an error: a field of the compact form, a member of a record.
const COMPACT_ERROR: &[u8] = b"\tE\t";
const RECORD_ERROR: &[u8] = b"\"error\":{";

/// The first malformed rows of the stream that is being decided.
#[derive(Debug, Default)]
pub(super) struct BadRows {
    /// Decisions so far.
    n_rows: u64,
    /// Rows to show: the how many-th of their stream, from 0, and their decision.
    rows: Vec<(u64, Vec<u8>)>,
    n_shown: usize,
}

impl BadRows {
    /// Looks at decisions on their way out: whole lines of one stream, in its order.
    pub(super) fn watch(&mut self, decisions: &[u8], is_compact: bool) {
        let needle = if is_compact { COMPACT_ERROR } else { RECORD_ERROR };
        let mut rest = decisions;
        while self.n_shown + self.rows.len() < MAX_SHOWN
            && let Some(at) = memmem::find(rest, needle)
        {
            let start = memrchr(b'\n', &rest[..at]).map_or(0, |feed| feed + 1);
            let end = memchr(b'\n', &rest[at..]).map_or(rest.len(), |feed| at + feed);
            self.n_rows += memchr_iter(b'\n', &rest[..start]).count() as u64;
            let decision = &rest[start..end];
            if is_error(decision, is_compact) {
                self.rows.push((self.n_rows, decision.to_vec()));
            }
            self.n_rows += 1;
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        self.n_rows += memchr_iter(b'\n', rest).count() as u64;
    }

    /// What a person is told of the stream that was decided. The next one begins.
    pub(super) fn report(
        &mut self,
        name: &str,
        path: Option<&Path>,
        engine: &Engine,
        style: Style,
    ) -> String {
        let rows = std::mem::take(&mut self.rows);
        self.n_rows = 0;
        self.n_shown += rows.len();
        if rows.is_empty() {
            return String::new();
        }
        let lines = path.and_then(|path| lines(path, &rows, engine).ok()).unwrap_or_default();
        let mut text = String::new();
        for (at, (number, decision)) in rows.iter().enumerate() {
            if let Some(line) = lines.get(at) {
                text.push_str(&line.shown(name, decision, style));
                continue;
            }
            let fault = Fault::of_record(decision).or_else(|| Fault::of_compact(decision));
            let fault = fault.unwrap_or_default();
            let place = [format!("request {} of {name}", number + 1)];
            let (code, message) = (fault.code.as_deref(), fault.message());
            text.push_str(&report(Gravity::Error, code, message, None, &place, style));
        }
        text
    }

    /// How many malformed rows of a run were not shown.
    pub(super) fn n_hidden(&self, n_errors: u64) -> u64 {
        n_errors.saturating_sub(self.n_shown as u64)
    }
}

/// Whether a decision is an error; an id or an echoed field may hold the same text.
fn is_error(decision: &[u8], is_compact: bool) -> bool {
    if is_compact {
        return decision.split(|byte| *byte == b'\t').nth(1) == Some(b"E");
    }
    Fault::of_record(decision).is_some()
}

/// Why a row is malformed.
#[derive(Debug, Clone, Default, Deserialize)]
struct Fault {
    code: Option<String>,
    message: Option<String>,
    pointer: Option<String>,
}

impl Fault {
    fn message(&self) -> &str {
        self.message.as_deref().unwrap_or("the request is malformed")
    }

    fn of_record(decision: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Record {
            error: Option<Fault>,
        }
        serde_json::from_slice::<Record>(decision).ok()?.error
    }

    fn of_compact(decision: &[u8]) -> Option<Self> {
        let code = decision.split(|byte| *byte == b'\t').nth(3)?;
        let code = String::from_utf8_lossy(code).into_owned();
        Some(Self { code: Some(code), message: None, pointer: None })
    }
}

/// A line whose decision is an error.
struct BadLine {
    number: u64,
    /// None for one that is too long.
    bytes: Option<Vec<u8>>,
    /// What is wrong, found out once more, for decisions that do not tell.
    fault: Option<Fault>,
}

/// The lines of some rows, in the same order.
fn lines(path: &Path, rows: &[(u64, Vec<u8>)], engine: &Engine) -> Result<Vec<BadLine>> {
    let mut stream = RequestStream::open(files::open(path)?)?;
    let header = stream.header().cloned().unwrap_or_default();
    let mut options = engine.options().clone();
    header.options.apply(&mut options);
    let engine = engine.with_options(options)?;
    let mut chunk = Chunk::new();
    let mut found = Vec::new();
    let mut n_lines = 0;
    while let Some((wanted, _)) = rows.get(found.len())
        && stream.read(&mut chunk)?
    {
        let mut wanted = *wanted;
        for line in chunk.lines() {
            if n_lines == wanted {
                let fault = line.bytes.and_then(|bytes| {
                    let mut merged = String::new();
                    header.defaults.merge(text_of_line(bytes).ok()?, &mut merged);
                    let record = RequestRecord::parse(&merged);
                    let error = record.and_then(|found| engine.decide(&found.request)).err()?;
                    Some(Fault {
                        code: Some(error.kind().as_str().to_owned()),
                        message: Some(error.message().to_owned()),
                        pointer: error.pointer().map(str::to_owned),
                    })
                });
                let bytes = line.bytes.map(<[u8]>::to_vec);
                found.push(BadLine { number: line.number, bytes, fault });
                wanted = rows.get(found.len()).map_or(u64::MAX, |(wanted, _)| *wanted);
            }
            n_lines += 1;
        }
    }
    Ok(found)
}

impl BadLine {
    /// The line with the part underlined that is wrong.
    fn shown(&self, name: &str, decision: &[u8], style: Style) -> String {
        let compact = || Fault::of_compact(decision);
        let fault = Fault::of_record(decision).or_else(|| self.fault.clone()).or_else(compact);
        let fault = fault.unwrap_or_default();
        let line = u32::try_from(self.number).unwrap_or(u32::MAX);
        let text = self.bytes.as_deref().map(String::from_utf8_lossy);
        let excerpt = text.as_ref().map(|text| {
            let span = place(text, self.bytes.as_deref(), fault.pointer.as_deref());
            let (_, column) = line_column(text, span.start);
            Excerpt::at(name, text, span, line, column)
        });
        let notes = match excerpt {
            Some(_) => Vec::new(),
            None => vec![format!("in {name}:{line}")],
        };
        let (code, message) = (fault.code.as_deref(), fault.message());
        report(Gravity::Error, code, message, excerpt.as_ref(), &notes, style)
    }
}

/// The bytes of a line that are wrong: those behind a pointer, or where it is no JSON any more.
fn place(text: &str, bytes: Option<&[u8]>, pointer: Option<&str>) -> Span {
    if let Some(Err(error)) = bytes.map(json::decode) {
        return error.span;
    }
    match json::parse(text, MAX_DEPTH) {
        Err(errors) => errors.first().map_or(Span::new(0, 1), |error| error.span),
        Ok(value) => pointed(&value, pointer.unwrap_or_default()).unwrap_or(Span::new(0, 1)),
    }
}

/// The bytes of the value that a JSON pointer names; of the deepest one that is there.
fn pointed(value: &Value<'_>, pointer: &str) -> Option<Span> {
    let mut value = value;
    let mut span = None;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let next = match &value.kind {
            ValueKind::Object(members) => {
                let member = members.iter().find(|member| member.name == step);
                member.map(|member| (&member.value, member.name_span))
            }
            ValueKind::Array(items) => {
                let item = step.parse().ok().and_then(|at: usize| items.get(at));
                item.map(|item| (item, item.span))
            }
            _ => None,
        };
        let Some((inner, named)) = next else { break };
        // Of a name that nobody knows, the name is what is wrong.
        let is_plain = !matches!(inner.kind, ValueKind::Object(_) | ValueKind::Array(_));
        span = Some(if is_plain { inner.span } else { named });
        value = inner;
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_from_texts_that_look_like_them() {
        let mut rows = BadRows::default();
        let text = concat!(
            "{\"id\":1,\"decision\":\"Allowed\"}\n",
            "{\"id\":\"\\\"error\\\":{\",\"decision\":\"Allowed\"}\n",
            "{\"id\":\"x\",\"decision\":\"Allowed\",\"x-a\":{\"error\":{}}}\n",
            "{\"id\":3,\"error\":{\"code\":\"limit\",\"message\":\"m\"}}\n",
        );
        rows.watch(text.as_bytes(), false);
        rows.watch(text.as_bytes(), false);
        let found: Vec<u64> = rows.rows.iter().map(|row| row.0).collect();
        assert_eq!((found, rows.n_rows), (vec![3, 7], 8));

        let mut rows = BadRows::default();
        rows.watch(b"E\tA\tidentity\tE\t\n\\tE\\t\tA\t\t\n7\tE\t\tlimit\n", true);
        assert_eq!(rows.rows, [(2, b"7\tE\t\tlimit".to_vec())]);
    }

    #[test]
    fn places_are_found_by_pointers() {
        let text = r#"{"a":{"b/c":[1,"two"]},"n":17}"#;
        let check = |pointer: &str, expected: &str| {
            let span = place(text, Some(text.as_bytes()), Some(pointer));
            assert_eq!(&text[span.range()], expected, "{pointer}");
        };
        check("/n", "17");
        check("/a/b~1c/1", "\"two\"");
        check("/a", "\"a\"");
        check("/a/gone", "\"a\"");
        check("/gone", "{");
        assert_eq!(place("{\"a\" nonsense", None, None).start, 5);
    }
}
