//! The report as one page that needs nothing else: no network, no files beside it.

use std::fmt::Write as _;

use assize_formats::format_time;
use assize_model::StatementRef;

use crate::group::{Group, GroupSide};
use crate::report::Report;

/// Most groups of the table; the difference stream has all.
const MAX_ROWS: usize = 5_000;
/// Most bars of the timeline: longer logs are drawn in steps of several days.
const MAX_BARS: i64 = 120;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// Size of the timeline, in units of its own.
const CHART: (i64, i64) = (960, 120);

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/sort.js");

impl Report {
    /// The report as one HTML page: totals, a timeline, and the groups in a table that sorts by
    /// its columns.
    pub fn to_html(&self) -> String {
        let mut page = String::from(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta name=\"robots\" content=\"noindex\">\n\
             <title>Assize: what would this change break?</title>\n<style>\n",
        );
        page.push_str(STYLE);
        page.push_str("</style>\n</head>\n<body>\n<main>\n");
        self.write_head(&mut page);
        self.write_totals(&mut page);
        self.write_timeline(&mut page);
        self.write_groups(&mut page);
        self.write_foot(&mut page);
        page.push_str("</main>\n<script>\n");
        page.push_str(SCRIPT);
        page.push_str("</script>\n</body>\n</html>\n");
        page
    }

    fn write_head(&self, page: &mut String) {
        let title = if self.changes.is_empty() {
            "Does the world decide as the log says?"
        } else {
            "What would this change break?"
        };
        let _ = writeln!(page, "<h1>{title}</h1>");
        for change in &self.changes {
            let _ = writeln!(page, "<p class=\"change\">{}</p>", escaped(change));
        }
        if self.is_interrupted {
            page.push_str("<p class=\"warning\">Interrupted: this is the report so far.</p>\n");
        }
        for (assumption, n) in &self.totals.assumptions {
            let _ = writeln!(
                page,
                "<p class=\"note\">assumed: {} ({n} events)</p>",
                assumption.as_str()
            );
        }
    }

    fn write_totals(&self, page: &mut String) {
        page.push_str("<ul class=\"totals\">\n");
        let mut total = |n: u64, name: &str, class: &str| {
            let _ = writeln!(
                page,
                "<li class=\"{class}\"><strong>{n}</strong><span>{name}</span></li>"
            );
        };
        total(self.totals.events, "events", "events");
        for effect in self.totals.effects.keys() {
            let name = effect.as_str().replace('_', " ");
            total(self.events_of(*effect), &name, effect.as_str());
        }
        total(self.totals.disagree, "otherwise than logged", "disagrees");
        page.push_str("</ul>\n");
    }

    /// Events that change, by day, as a picture.
    fn write_timeline(&self, page: &mut String) {
        let changed = self.days.iter().filter_map(|(day, effects)| {
            let all = effects.iter().filter(|(effect, _)| !effect.is_unchanged());
            let n: u64 = all.map(|(_, n)| n).sum();
            (n > 0).then_some((*day, n))
        });
        let changed: Vec<(i64, u64)> = changed.collect();
        let (Some((first, _)), Some((last, _))) = (changed.first(), changed.last()) else { return };
        let step = (last - first) / MAX_BARS + 1;
        let n_bars = (last - first) / step + 1;
        let mut bars = vec![0_u64; usize::try_from(n_bars).unwrap_or_default()];
        for (day, n) in &changed {
            if let Some(bar) =
                usize::try_from((day - first) / step).ok().and_then(|at| bars.get_mut(at))
            {
                *bar += n;
            }
        }
        let most = bars.iter().copied().max().unwrap_or(1).max(1);
        let (width, height) = CHART;
        let from = date(first * DAY);
        let to = date(last * DAY);
        let _ = writeln!(
            page,
            "<figure><svg viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-label=\"Events that change, by day, from {from} to {to}\">"
        );
        let slot = width / n_bars.max(1);
        for (at, n) in (0_i64..).zip(&bars) {
            let tall = i64::try_from(n * 100 / most).unwrap_or(100).max(i64::from(*n > 0) * 2);
            let day = date((first + at * step) * DAY);
            let _ = writeln!(
                page,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{tall}\"><title>{day}: {n} events</title></rect>",
                at * slot,
                110 - tall,
                (slot - 1).clamp(1, 40)
            );
        }
        let _ = writeln!(
            page,
            "<line x1=\"0\" y1=\"110\" x2=\"{width}\" y2=\"110\"/></svg>\
             <figcaption><span>{from}</span><span>{to}</span></figcaption></figure>"
        );
    }

    fn write_groups(&self, page: &mut String) {
        if self.groups.is_empty() {
            page.push_str("<p>No event would be decided otherwise.</p>\n");
            return;
        }
        page.push_str("<table>\n<thead><tr>");
        for (name, kind) in [
            ("Effect", "text"),
            ("Events", "number"),
            ("Account", "text"),
            ("Principal", "text"),
            ("Action", "text"),
            ("Resource", "text"),
            ("First", "text"),
            ("Last", "text"),
            ("Decided by", "text"),
        ] {
            let _ = write!(
                page,
                "<th scope=\"col\" data-kind=\"{kind}\"><button type=\"button\">{name}</button></th>"
            );
        }
        page.push_str("</tr></thead>\n<tbody>\n");
        for group in self.groups.iter().take(MAX_ROWS) {
            write_group(page, group);
        }
        page.push_str("</tbody>\n</table>\n");
        if let Some(more) = self.groups.len().checked_sub(MAX_ROWS).filter(|more| *more > 0) {
            let _ = writeln!(page, "<p class=\"note\">{more} more groups are left out here.</p>");
        }
    }

    fn write_foot(&self, page: &mut String) {
        for problem in &self.problems {
            let _ = writeln!(
                page,
                "<p class=\"warning\">{}, byte {}: {}</p>",
                escaped(&problem.file),
                problem.offset,
                escaped(&problem.message)
            );
        }
        let provenance = &self.provenance;
        let _ = writeln!(
            page,
            "<footer>{} records, {} decided, {} skipped, {} undecidable. Engine {}, catalog {}, \
             snapshot {}.</footer>",
            self.coverage.total.records,
            self.totals.events,
            self.coverage.total.records - self.coverage.total.requests,
            self.totals.errors,
            escaped(&provenance.engine),
            escaped(&provenance.catalog),
            escaped(&provenance.snapshot)
        );
    }
}

fn write_group(page: &mut String, group: &Group) {
    let effect = group.effect.as_str();
    let account = group.account.map(|id| id.to_string()).unwrap_or_default();
    let side = group.after.as_ref().unwrap_or(&group.before);
    let cells = [
        ("Account", escaped(&account)),
        ("Principal", escaped(&group.principal)),
        ("Action", escaped(&group.action)),
        ("Resource", escaped(&group.resource)),
        ("First", format_time(group.first)),
        ("Last", format_time(group.last)),
        ("Decided by", escaped(&decided_by(side))),
    ];
    let _ = write!(
        page,
        "<tr class=\"{effect}\"><td data-name=\"Effect\">{}</td><td data-name=\"Events\">{}</td>",
        effect.replace('_', " "),
        group.count
    );
    for (name, text) in cells {
        let _ = write!(page, "<td data-name=\"{name}\">{text}</td>");
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
        let _ = write!(text, ", depends on {}", side.depends_on.join(", "));
    }
    text
}

fn named(statement: &StatementRef) -> String {
    let mut text = statement.policy.to_string();
    if let Some(sid) = &statement.sid {
        let _ = write!(text, " {sid}");
    } else if let Some(index) = statement.statement {
        let _ = write!(text, "#{index}");
    }
    if let Some(file) = &statement.source {
        let line = statement.span.map(|span| format!(":{}", span.line)).unwrap_or_default();
        let _ = write!(text, " ({file}{line})");
    }
    text
}

fn date(time: i64) -> String {
    format_time(time).split('T').next().unwrap_or_default().to_owned()
}

/// A text with what HTML would read as its own written out: names in logs are chosen by others.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use assize_formats::DifferenceEffect;

    /// The effects that have a color of their own in the style sheet.
    const COLORED: [DifferenceEffect; 4] = [
        DifferenceEffect::NewlyDenied,
        DifferenceEffect::NewlyAllowed,
        DifferenceEffect::MayBeDenied,
        DifferenceEffect::Disagrees,
    ];

    #[test]
    fn texts_are_escaped() {
        assert_eq!(
            escaped("<b title='\"&'>\u{7}"),
            "&lt;b title=&#39;&quot;&amp;&#39;&gt;\u{fffd}"
        );
    }

    #[test]
    fn the_page_fetches_nothing_and_knows_its_colors() {
        for text in [STYLE, SCRIPT] {
            for outside in ["http:", "https:", "//cdn", "@import", "url(", "fetch(", "</script"] {
                assert!(!text.contains(outside), "{outside}");
            }
        }
        for effect in COLORED {
            assert!(STYLE.contains(&format!(".{}", effect.as_str())), "{effect:?}");
        }
        assert!(STYLE.contains("prefers-color-scheme: dark"));
    }
}
