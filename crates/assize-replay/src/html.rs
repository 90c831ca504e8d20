//! The report as one page that needs nothing else: no network, no files beside it.

mod groups;
mod text;
mod timeline;
mod usage;

use std::fmt::Write as _;

use self::text::{breakable, escaped, percent};
use assize_formats::{count, grouped};

use crate::report::Report;

const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/sort.js");

impl Report {
    /// The report as one HTML page: totals, a timeline, the groups in a table that sorts by its
    /// columns, and what was used, if that was asked for.
    pub fn to_html(&self) -> String {
        let mut page = String::from(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta name=\"robots\" content=\"noindex\">\n",
        );
        let _ = writeln!(page, "<title>Assize: {}</title>\n<style>", self.title());
        page.push_str(STYLE);
        page.push_str("</style>\n</head>\n<body>\n<main>\n");
        self.write_head(&mut page);
        if !self.is_about_use() {
            self.write_totals(&mut page);
            timeline::write(&mut page, self);
            groups::write(&mut page, self);
        }
        if let Some(used) = &self.usage {
            usage::write(&mut page, used, self.is_about_use());
        }
        self.write_foot(&mut page);
        page.push_str("</main>\n<script>\n");
        page.push_str(SCRIPT);
        page.push_str("</script>\n</body>\n</html>\n");
        page
    }

    fn title(&self) -> &'static str {
        if self.is_about_use() {
            "Which grants are used?"
        } else if self.changes.is_empty() {
            "Does the world decide as the log says?"
        } else {
            "What would this change break?"
        }
    }

    fn write_head(&self, page: &mut String) {
        let _ = writeln!(page, "<h1>{}</h1>", self.title());
        for change in &self.changes {
            let _ = writeln!(page, "<p class=\"change\">{}</p>", escaped(change));
        }
        if self.is_interrupted {
            page.push_str("<p class=\"warning\">Interrupted: this is the report so far.</p>\n");
        }
        for warning in &self.warnings {
            let _ = writeln!(page, "<p class=\"warning\">Warning: {}.</p>", escaped(warning));
        }
        if self.is_about_use() {
            return;
        }
        for (assumption, n) in &self.totals.assumptions {
            let (what, n) = (assumption.sentence(), count(*n, "event"));
            let _ = writeln!(page, "<p class=\"note\">Assumed: {what} ({n}).</p>");
        }
    }

    fn write_totals(&self, page: &mut String) {
        page.push_str("<ul class=\"totals\">\n");
        let mut total = |n: u64, name: &str, class: &str| {
            let n = grouped(n);
            let _ = writeln!(
                page,
                "<li class=\"{class}\"><strong>{n}</strong><span>{name}</span></li>"
            );
        };
        total(self.totals.events, "events", "events");
        for effect in self.totals.effects.keys().filter(|_| !self.changes.is_empty()) {
            total(self.events_of(*effect), &groups::words(*effect), effect.as_str());
        }
        total(self.totals.agree, "decided as logged", "agrees");
        total(self.totals.disagree, "not as logged", "disagrees");
        page.push_str("</ul>\n");
    }

    fn write_foot(&self, page: &mut String) {
        for problem in &self.problems {
            let _ = writeln!(
                page,
                "<p class=\"warning\">{}, byte {}: {}</p>",
                escaped(&problem.file),
                grouped(problem.offset),
                escaped(&problem.message)
            );
        }
        if self.more_problems > 0 {
            let more = count(self.more_problems, "more part");
            let _ = writeln!(page, "<p class=\"warning\">{more} cannot be read</p>");
        }
        let provenance = &self.provenance;
        let coverage = &self.coverage.total;
        let _ = writeln!(
            page,
            "<footer>{}, {} decided, {} skipped, {} undecidable. {} of the calls have a known \
             action, {} of those that take a resource name it. Engine {}, catalog {}, snapshot \
             {}.</footer>",
            count(coverage.records, "record"),
            grouped(self.totals.events - self.totals.errors),
            grouped(coverage.records - coverage.requests),
            grouped(self.totals.errors),
            percent(coverage.action_share()),
            percent(coverage.resource_share()),
            escaped(&provenance.engine),
            escaped(&provenance.catalog),
            escaped(&provenance.snapshot)
        );
        self.write_coverage(page);
    }

    /// How much of the log became requests, by service, to unfold.
    fn write_coverage(&self, page: &mut String) {
        page.push_str(
            "<details><summary>By service</summary>\n<table class=\"coverage\">\n<thead><tr>\
             <th>Service</th><th>Records</th><th>Known action</th><th>Known resource</th>\
             </tr></thead>\n<tbody>\n",
        );
        for (source, counts) in &self.coverage.by_source {
            let _ = writeln!(
                page,
                "<tr><td data-name=\"Service\"><span>{}</span></td>\
                 <td data-name=\"Records\"><span>{}</span></td>\
                 <td data-name=\"Known action\"><span>{}</span></td>\
                 <td data-name=\"Known resource\"><span>{}</span></td></tr>",
                breakable(source),
                grouped(counts.records),
                percent(counts.action_share()),
                percent(counts.resource_share())
            );
        }
        page.push_str("</tbody>\n</table>\n</details>\n");
    }
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
