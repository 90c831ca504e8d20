//! Findings about policies, for a person.

use assize_policy::{Finding, Severity};

use crate::render::source::{Excerpt, Gravity, report};
use crate::render::style::Style;

/// One finding with its source underlined.
pub(crate) fn finding(finding: &Finding, excerpt: &Excerpt<'_>, style: Style) -> String {
    let gravity = match finding.severity {
        Severity::Error => Gravity::Error,
        Severity::SecurityWarning => Gravity::Security,
        Severity::Warning => Gravity::Warning,
        Severity::Suggestion => Gravity::Suggestion,
    };
    let place = [format!("at {}", finding.path)];
    let notes = if &*finding.path == "$" { &[][..] } else { &place };
    report(gravity, Some(finding.code.as_str()), &finding.message, Some(excerpt), notes, style)
}
