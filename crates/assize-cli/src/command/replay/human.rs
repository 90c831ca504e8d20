//! A report for people.

use std::fmt::Write as _;

use assize_cloudtrail::SkipReason;
use assize_formats::{DifferenceEffect, count, format_time, grouped};
use assize_model::{Decision, StatementRef};
use assize_replay::{Group, Report, Row};

use super::{usage, whole};
use crate::args::ReplayArgs;
use crate::render::plain::plain;
use crate::render::style::Style;
use crate::render::table::columns;

/// Most rows of an effect that are shown without `-v`.
const MAX_ROWS: usize = 20;
/// How far the second line of a row is set in.
const DETAIL_INDENT: usize = 6;

/// The whole report.
pub(super) fn report(report: &Report, args: &ReplayArgs, style: Style, verbose: bool) -> String {
    let mut text = differences(report, args, style, verbose);
    if let Some(used) = &report.usage {
        text.push_str(&usage::human(used, style, verbose));
    }
    text.push_str(&totals(report, style));
    if verbose {
        text.push_str(&coverage(report));
    }
    text
}

/// How much of the log became requests, by service.
fn coverage(report: &Report) -> String {
    let head = ["by service", "records", "known action", "known resource"].map(str::to_owned);
    let percent = |share: Option<f64>| share.map_or_else(String::new, percent);
    let rows = report.coverage.by_source.iter().map(|(source, counts)| {
        let records = grouped(whole(counts.records));
        let [action, resource] = [counts.action_share(), counts.resource_share()].map(percent);
        [plain(source).into(), records, action, resource]
    });
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(rows).collect();
    columns(&rows, 2)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// What would be decided otherwise; nothing, if only the use of grants is asked about.
fn differences(report: &Report, args: &ReplayArgs, style: Style, verbose: bool) -> String {
    if report.is_about_use() {
        return String::new();
    }
    let mut text = head(report, style);
    let shown = |effect: &DifferenceEffect| args.all || !effect.is_unchanged();
    for effect in DifferenceEffect::ALL.into_iter().filter(shown) {
        let rows = report.rows(effect);
        if !rows.is_empty() {
            section(&mut text, effect, &rows, style, verbose);
        }
    }
    text
}

/// What the answers rest on (C-29: the head of the report says what was assumed).
fn head(report: &Report, style: Style) -> String {
    let mut text = String::new();
    for (assumption, n) in &report.totals.assumptions {
        let n = count(whole(*n), "event");
        let what = assumption.sentence();
        let _ = writeln!(text, "{} {what} ({n})", style.note("assumed:"));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn title(effect: DifferenceEffect) -> &'static str {
    match effect {
        DifferenceEffect::NewlyDenied => "Newly denied",
        DifferenceEffect::NewlyAllowed => "Newly allowed",
        DifferenceEffect::MayBeDenied => "May be denied, depending on what the log leaves out",
        DifferenceEffect::MayBeAllowed => "May be allowed, depending on what the log leaves out",
        DifferenceEffect::DeniedForCertain => "Denied for certain",
        DifferenceEffect::AllowedForCertain => "Allowed for certain",
        DifferenceEffect::MayDiffer => "Depends on something else",
        DifferenceEffect::OtherReason => "Denied for another reason",
        DifferenceEffect::Same => "Unchanged",
        DifferenceEffect::Disagrees => "Decided otherwise than the log says",
    }
}

fn section(
    text: &mut String,
    effect: DifferenceEffect,
    rows: &[Row<'_>],
    style: Style,
    verbose: bool,
) {
    let n_events: u64 = rows.iter().map(|row| row.count).sum();
    let heading = format!("{}: {}", title(effect), count(whole(n_events), "event"));
    let _ = writeln!(text, "{}", style.bold(heading));
    let limit = if verbose { rows.len() } else { MAX_ROWS };
    let cells: Vec<[String; 3]> = rows.iter().take(limit).map(cells).collect();
    let heads = columns(&cells, 2);
    for (head, row) in heads.lines().zip(rows) {
        let _ = writeln!(text, "{head}");
        let _ = writeln!(text, "{}{}", " ".repeat(DETAIL_INDENT), style.dim(detail(row)));
    }
    if rows.len() > limit {
        let _ = writeln!(text, "  {} more; -v shows them", grouped(rows.len() - limit));
    }
    text.push('\n');
}

/// How many, who, and what.
fn cells(row: &Row<'_>) -> [String; 3] {
    let group = row.group;
    [grouped(whole(row.count)), plain(&who(group)).into(), plain(&group.action).into()]
}

/// The account and the entity, without what every ARN has.
fn who(group: &Group) -> String {
    let entity = group.principal.splitn(6, ':').nth(5);
    match (group.account, entity) {
        (Some(account), Some(entity)) => format!("{account} {entity}"),
        _ => group.principal.to_string(),
    }
}

/// On what, when, and why.
fn detail(row: &Row<'_>) -> String {
    let group = row.group;
    let mut resource = plain(&row.resource()).into_owned();
    if row.n_resources > 1 {
        let _ = write!(resource, " ({} resources)", grouped(row.n_resources));
    }
    let when = match (row.first.map(day), row.last.map(day)) {
        (Some(first), Some(last)) if first == last => first,
        (Some(first), Some(last)) => format!("{first} to {last}"),
        _ => "at no known time".to_owned(),
    };
    let mut text = format!("on {resource}, {when}, by {}", because(group));
    let denied = row.observed.denied;
    if group.effect == DifferenceEffect::Disagrees {
        let logged = if denied > 0 { "denied" } else { "allowed" };
        let _ = write!(text, ": {}, logged as {logged}", group.before.decision);
        if let Some(event) = &group.example {
            let _ = write!(text, " (event {})", plain(event));
        }
    } else if denied > 0 && group.before.decision == Decision::Allowed {
        let n = count(whole(denied), "time");
        let _ = write!(text, "; the log says it was denied {n} already");
    }
    text
}

fn day(time: i64) -> String {
    format_time(time).split('T').next().unwrap_or_default().to_owned()
}

/// The decisive statement and its place, else the layer; and the keys it depends on.
fn because(group: &Group) -> String {
    let side = group.decisive_side();
    let mut text = match &side.statement {
        Some(statement) => named(statement),
        None => format!("{} ({})", side.layer, side.reason.as_str()),
    };
    if !side.depends_on.is_empty() {
        let _ = write!(text, "; depends on {}", side.depends_on.join(", "));
    }
    text
}

fn named(statement: &StatementRef) -> String {
    let mut text = plain(&statement.policy).into_owned();
    match (&statement.sid, statement.statement) {
        (Some(sid), _) => {
            let _ = write!(text, " `{}`", plain(sid));
        }
        (None, Some(index)) => {
            let _ = write!(text, "#{index}");
        }
        (None, None) => {}
    }
    if let Some(file) = &statement.source {
        let line = statement.span.map(|span| format!(":{}:{}", span.line, span.column));
        let _ = write!(text, " at {file}{}", line.unwrap_or_default());
    }
    text
}

/// How many events would be decided otherwise, and how many are decided as the log says.
fn decided(text: &mut String, report: &Report) {
    for effect in DifferenceEffect::ALL {
        let n = report.events_of(effect);
        if n > 0 && !(effect == DifferenceEffect::Same && report.changes.is_empty()) {
            let _ = writeln!(text, "  {}: {}", title(effect), grouped(whole(n)));
        }
    }
    let totals = &report.totals;
    let _ = writeln!(
        text,
        "  {}{} agree with the log, {} do not, {} cannot be compared",
        if report.changes.is_empty() { "" } else { "before the change " },
        grouped(whole(totals.agree)),
        grouped(whole(totals.disagree)),
        grouped(whole(totals.unknown))
    );
}

/// The closing lines: what was read, what became of it.
pub(super) fn totals(report: &Report, style: Style) -> String {
    let mut text = String::new();
    if report.is_interrupted {
        let _ = writeln!(text, "{}", style.warning("interrupted: this is the report so far"));
    }
    let totals = &report.totals;
    let coverage = &report.coverage.total;
    let _ = writeln!(
        text,
        "{}: {} decided, {} skipped, {} that the world cannot decide",
        style.bold(count(whole(coverage.records), "record")),
        grouped(whole(totals.events - totals.errors)),
        grouped(whole(coverage.records - coverage.requests)),
        grouped(whole(totals.errors))
    );
    if !report.is_about_use() {
        decided(&mut text, report);
    }
    for reason in SkipReason::ALL {
        let n = report.coverage.skipped_for(reason);
        if n > 0 {
            let _ = writeln!(text, "  skipped, {}: {}", reason.as_str(), grouped(whole(n)));
        }
    }
    for (code, n) in &totals.error_codes {
        let _ = writeln!(text, "  error {code}: {}", grouped(whole(*n)));
    }
    if let (Some(actions), Some(resources)) =
        (coverage.action_share().map(percent), coverage.resource_share().map(percent))
    {
        let _ = writeln!(
            text,
            "  {actions} of the calls have a known action, {resources} of those that take a \
             resource name it"
        );
    }
    text
}
