//! The rows of a report, in a table that sorts by its columns.

use std::fmt::Write as _;

use assize_formats::{DifferenceEffect, count, grouped};
use assize_model::{Decision, StatementRef};

use super::text::{breakable, escaped, moment, who};
use crate::group::GroupSide;
use crate::report::Report;
use crate::row::Row;

/// Most rows of the table; the difference stream has all groups.
const MAX_ROWS: usize = 5_000;

/// The columns: name, and whether they sort as numbers.
const COLUMNS: [(&str, bool); 8] = [
    ("Effect", false),
    ("Events", true),
    ("Account", false),
    ("Principal", false),
    ("Action", false),
    ("Resource", false),
    ("When", true),
    ("Decided by", false),
];

/// Writes the head of a table.
pub(super) fn write_head(page: &mut String, columns: &[(&str, bool)]) {
    page.push_str("<thead><tr>");
    for (name, is_number) in columns {
        let kind = if *is_number { "number" } else { "text" };
        let _ = write!(
            page,
            "<th scope=\"col\" data-kind=\"{kind}\"><button type=\"button\">{name}</button></th>"
        );
    }
    page.push_str("</tr></thead>\n<tbody>\n");
}

/// Writes the rows of every effect that is shown.
pub(super) fn write(page: &mut String, report: &Report) {
    // What does not change comes last.
    let (unchanged, changed): (Vec<_>, Vec<_>) =
        DifferenceEffect::ALL.into_iter().partition(|effect| effect.is_unchanged());
    let effects = changed.into_iter().chain(unchanged);
    let rows: Vec<Row<'_>> = effects.flat_map(|effect| report.rows(effect)).collect();
    if rows.is_empty() {
        // Where nothing was decided, the head of the page says so.
        if !report.is_void() {
            page.push_str("<p>No event would be decided otherwise.</p>\n");
        }
        return;
    }
    page.push_str("<table class=\"groups\">\n");
    write_head(page, &COLUMNS);
    for row in rows.iter().take(MAX_ROWS) {
        write_row(page, row);
    }
    page.push_str("</tbody>\n</table>\n");
    if let Some(more) = rows.len().checked_sub(MAX_ROWS).filter(|more| *more > 0) {
        let more = count(more as u64, "more row");
        let _ = writeln!(page, "<p class=\"note\">{more} are left out here.</p>");
    }
}

/// An effect in plain words.
pub(super) fn words(effect: DifferenceEffect) -> String {
    match effect {
        DifferenceEffect::Same => "unchanged".to_owned(),
        DifferenceEffect::Disagrees => "not as logged".to_owned(),
        other => other.as_str().replace('_', " "),
    }
}

fn write_row(page: &mut String, row: &Row<'_>) {
    let group = row.group;
    let account = group.account.map(|id| id.to_string()).unwrap_or_default();
    let mut resource = breakable(&row.resource());
    if row.n_resources > 1 {
        let n = count(row.n_resources as u64, "resource");
        let _ = write!(resource, " <small>{n}</small>");
    }
    let mut events = grouped(row.count);
    if row.observed.denied > 0 && group.before.decision == Decision::Allowed {
        let n = grouped(row.observed.denied);
        let _ = write!(events, " <small>{n} denied in the log</small>");
    }
    let mut when = row.first.map(moment).unwrap_or_default();
    if let Some(last) = row.last.filter(|_| row.last != row.first) {
        let _ = write!(when, " <small>to {}</small>", moment(last));
    }
    let _ = write!(page, "<tr class=\"{}\">", group.effect.as_str());
    for (name, sort, text) in [
        ("Effect", None, words(group.effect)),
        ("Events", Some(row.count.to_string()), events),
        ("Account", None, escaped(&account)),
        ("Principal", None, breakable(who(&group.principal))),
        ("Action", None, breakable(&group.action)),
        ("Resource", None, resource),
        ("When", Some(row.first.unwrap_or(i64::MIN).to_string()), when),
        ("Decided by", None, decided_by(row.side())),
    ] {
        let sort = sort.map(|key| format!(" data-sort=\"{key}\"")).unwrap_or_default();
        let _ = write!(page, "<td data-name=\"{name}\"{sort}><span>{text}</span></td>");
    }
    page.push_str("</tr>\n");
}

/// The decisive statement and its place, else the layer; and the keys it depends on.
fn decided_by(side: &GroupSide) -> String {
    let mut text = match &side.statement {
        Some(statement) => named(statement),
        None => format!("{} ({})", side.layer, side.reason.as_str()),
    };
    if !side.depends_on.is_empty() {
        let keys: Vec<String> = side.depends_on.iter().map(|key| breakable(key)).collect();
        let _ = write!(text, " <small>depends on {}</small>", keys.join(", "));
    }
    text
}

fn named(statement: &StatementRef) -> String {
    let mut text = breakable(&statement.policy);
    if let Some(sid) = &statement.sid {
        let _ = write!(text, "<br>{}", breakable(sid));
    } else if let Some(index) = statement.statement {
        let _ = write!(text, "#{index}");
    }
    if let Some(file) = &statement.source {
        let line = statement.span.map(|span| format!(":{}", span.line)).unwrap_or_default();
        let _ = write!(text, " <small>{}{line}</small>", breakable(file));
    }
    text
}
