//! The text of the statement that decides.

use std::fmt::Write as _;

use assize::{Engine, StatementExplanation};
use assize_model::{EffectiveDecision, StatementRef};
use assize_policy::{Style as Layout, parse, print};

use crate::command::Answered;
use crate::render::decision::decisive_statements;
use crate::render::style::Style;

/// Most lines of a statement that are shown.
const MAX_LINES: usize = 24;

/// Most entries of a list that are shown.
const MAX_ENTRIES: usize = 8;

/// Whether two references name one statement of one layer.
pub(super) fn is_same(a: &StatementRef, b: &StatementRef) -> bool {
    a.policy == b.policy && a.statement == b.statement && a.node == b.node && a.effect == b.effect
}

/// The first statement that decides, as text; nothing when it is not one of the world's.
pub(crate) fn decisive_excerpt(
    engine: &Engine,
    answer: &Answered<'_>,
    found: &EffectiveDecision,
    style: Style,
) -> String {
    let Some(named) = decisive_statements(found).into_iter().next() else { return String::new() };
    let of_check = answer.statements.get(found.decisive.check as usize).into_iter().flatten();
    let decisive = of_check.into_iter().find(|explained| is_same(named, &explained.statement));
    let Some(lines) = decisive.and_then(|explained| statement_lines(engine, explained)) else {
        return String::new();
    };
    let mut text = String::new();
    let lines = without_long_lists(&lines);
    for line in lines.iter().take(MAX_LINES) {
        let _ = writeln!(text, "    {} {line}", style.dim("|"));
    }
    if lines.len() > MAX_LINES {
        let n_more = lines.len() - MAX_LINES;
        let _ = writeln!(text, "    {} … {n_more} more lines", style.dim("|"));
    }
    text
}

/// Lists of many entries, of which the first tell enough.
fn without_long_lists(lines: &[String]) -> Vec<String> {
    let is_entry = |line: &String| {
        let entry = line.trim();
        entry.starts_with('"') && !entry.contains("\": ")
    };
    let mut shown: Vec<String> = Vec::new();
    let mut rest = lines;
    while let Some(first) = rest.first() {
        let n_entries = rest.iter().take_while(|line| is_entry(line)).count();
        let n_taken = n_entries.max(1);
        if n_entries > MAX_ENTRIES {
            shown.extend_from_slice(&rest[..MAX_ENTRIES]);
            let indent = &first[..first.len() - first.trim_start().len()];
            shown.push(format!("{indent}… {} more", n_entries - MAX_ENTRIES));
        } else {
            shown.extend_from_slice(&rest[..n_taken]);
        }
        rest = &rest[n_taken..];
    }
    shown
}

/// A statement laid out line by line, however its file has it.
fn statement_lines(engine: &Engine, explained: &StatementExplanation) -> Option<Vec<String>> {
    let id = explained.document?;
    let entry = engine.library().get(id)?;
    let span = *entry.statement_spans.get(explained.statement.statement? as usize)?;
    let statement = span.of(entry.text.as_deref()?)?;
    let whole = format!("{{\"Statement\":[{statement}]}}");
    let printed = print(&parse(&whole).document?, Layout::TwoSpaces);
    // The first and last two lines are those of the document around the statement.
    let lines: Vec<&str> = printed.lines().collect();
    let inner = lines.get(2..lines.len().checked_sub(2)?)?;
    Some(inner.iter().map(|line| line.strip_prefix("    ").unwrap_or(line).to_owned()).collect())
}
