//! A report as a table for other programs (RFC 4180).

use std::io::{self, Write};

use assize_formats::format_time;
use assize_replay::{Group, Report};

const HEADER: [&str; 18] = [
    "effect",
    "account",
    "principal",
    "action",
    "resource",
    "count",
    "first",
    "last",
    "before",
    "after",
    "layer",
    "statement",
    "file",
    "line",
    "dependsOn",
    "observedAllowed",
    "observedDenied",
    "observedUnknown",
];

/// Writes one line a group behind a line of names.
pub(super) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    write_row(out, HEADER)?;
    report.groups.iter().try_for_each(|group| write_row(out, cells(group)))
}

/// Writes one line.
pub(super) fn write_row<T: AsRef<str>>(
    out: &mut impl Write,
    cells: impl IntoIterator<Item = T>,
) -> io::Result<()> {
    let cells: Vec<String> = cells.into_iter().map(|cell| quoted(cell.as_ref())).collect();
    write!(out, "{}\r\n", cells.join(","))
}

fn cells(group: &Group) -> [String; 18] {
    let side = group.decisive_side();
    let statement = side.statement.as_ref();
    let named = statement.map(|statement| match statement.statement {
        Some(index) => format!("{}#{index}", statement.policy),
        None => statement.policy.to_string(),
    });
    let file = statement.and_then(|statement| statement.source.as_deref());
    let line = statement.and_then(|statement| statement.span).map(|span| span.line.to_string());
    [
        group.effect.as_str().to_owned(),
        group.account.map(|id| id.to_string()).unwrap_or_default(),
        group.principal.to_string(),
        group.action.to_string(),
        group.resource.to_string(),
        group.count.to_string(),
        group.first.map(format_time).unwrap_or_default(),
        group.last.map(format_time).unwrap_or_default(),
        group.before.decision.to_string(),
        group.after.as_ref().map(|after| after.decision.to_string()).unwrap_or_default(),
        side.layer.to_string(),
        named.unwrap_or_default(),
        file.unwrap_or_default().to_owned(),
        line.unwrap_or_default(),
        side.depends_on.join(" "),
        group.observed.allowed.to_string(),
        group.observed.denied.to_string(),
        group.observed.unknown.to_string(),
    ]
}

/// A cell, in quotes where it must be. A cell that a spreadsheet would read as a formula is set
/// off by an apostrophe: names in logs are chosen by others.
fn quoted(cell: &str) -> String {
    let cell = match cell.as_bytes().first() {
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r') => format!("'{cell}"),
        _ => cell.to_owned(),
    };
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        assert_eq!(quoted("a"), "a");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
        assert_eq!(quoted("=SUM(A1)"), "'=SUM(A1)");
        assert_eq!(quoted(""), "");
    }
}
