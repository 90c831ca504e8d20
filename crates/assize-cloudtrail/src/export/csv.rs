//! Rows of CSV (RFC 4180).

use std::borrow::Cow;

use super::utf8;

/// The byte-order mark that some programs put before a file.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// What the text begins with.
pub(super) enum Next<'t> {
    /// The cells of a row, and where the next begins.
    Row(Vec<Cow<'t, str>>, usize),
    /// A row that cannot be read, and where the next begins.
    Faulty(String, usize),
    /// The row does not end yet.
    More,
}

/// Reads a row.
pub(super) fn row(text: &[u8], is_last: bool) -> Next<'_> {
    let start = if text.starts_with(MARK) { MARK.len() } else { 0 };
    let Some(end) = row_end(&text[start..], is_last).map(|end| start + end) else {
        return Next::More;
    };
    let line = text[start..end].strip_suffix(b"\n").unwrap_or(&text[start..end]);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match utf8(line).and_then(cells) {
        Ok(cells) => Next::Row(cells, end),
        Err(message) => Next::Faulty(message, end),
    }
}

/// Behind the line feed that ends the row: the first outside of quotes.
fn row_end(text: &[u8], is_last: bool) -> Option<usize> {
    let mut is_quoted = false;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => return Some(at + 1),
            _ => {}
        }
    }
    (is_last && !is_quoted).then_some(text.len())
}

fn cells(line: &str) -> Result<Vec<Cow<'_, str>>, String> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        let (cell, behind) = cell(rest)?;
        cells.push(cell);
        match behind.strip_prefix(',') {
            Some(next) => rest = next,
            None if behind.is_empty() => return Ok(cells),
            None => return Err("expected a comma behind a quoted cell".to_owned()),
        }
    }
}

/// The first cell, and what is behind it.
fn cell(text: &str) -> Result<(Cow<'_, str>, &str), String> {
    let Some(inner) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        return Ok((Cow::Borrowed(&text[..end]), &text[end..]));
    };
    let mut from = 0;
    while let Some(at) = inner[from..].find('"').map(|at| from + at) {
        if !inner[at + 1..].starts_with('"') {
            let cell = &inner[..at];
            let cell = if from == 0 { cell.into() } else { cell.replace("\"\"", "\"").into() };
            return Ok((cell, &inner[at + 1..]));
        }
        from = at + 2;
    }
    Err("a quoted cell has no end".to_owned())
}
