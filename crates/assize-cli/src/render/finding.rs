//! Findings about policies, for a person.

use assize_policy::{Finding, Severity};

use crate::render::source::{Excerpt, Gravity, report};
use crate::render::style::Style;

/// One finding with its source underlined, and the policy when its file holds several.
pub(crate) fn finding(
    finding: &Finding,
    policy: Option<&str>,
    excerpt: &Excerpt<'_>,
    style: Style,
) -> String {
    let gravity = match finding.severity {
        Severity::Error => Gravity::Error,
        Severity::SecurityWarning => Gravity::Security,
        Severity::Warning => Gravity::Warning,
        Severity::Suggestion => Gravity::Suggestion,
    };
    let place = match policy {
        Some(policy) => [format!("at {} of {policy}", finding.path)],
        None => [format!("at {}", finding.path)],
    };
    let notes = if policy.is_none() && &*finding.path == "$" { &[][..] } else { &place };
    report(gravity, Some(finding.code.as_str()), &finding.message, Some(excerpt), notes, style)
}
