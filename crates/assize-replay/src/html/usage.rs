//! What was granted and what was used (F-59), on a page.

use std::fmt::Write as _;

use assize_formats::{count, grouped};

use super::groups::write_head;
use super::text::{breakable, escaped, moment, who};
use crate::used::{PrincipalUsage, Usage};

/// Most principals of the table; the usage stream has all.
const MAX_PRINCIPALS: usize = 2_000;
/// Most names of a list; the usage stream has all.
const MAX_NAMES: usize = 200;

const COLUMNS: [(&str, bool); 6] = [
    ("Account", false),
    ("Principal", false),
    ("Granted", true),
    ("Never used", true),
    ("Calls", true),
    ("Last call", true),
];

/// Writes the table of principals, with their actions to unfold: who was granted the most for
/// nothing comes first.
pub(super) fn write(page: &mut String, usage: &Usage, has_heading: bool) {
    if !has_heading {
        page.push_str("<h2>What was used</h2>\n");
    }
    if let Some((first, last)) = usage.window {
        let calls = count(usage.events, "call");
        let (first, last) = (moment(first), moment(last));
        let _ = writeln!(page, "<p>{calls}, from {first} to {last} (UTC)</p>");
    }
    for limit in &usage.limits {
        let _ = writeln!(page, "<p class=\"note\">Note: {}.</p>", escaped(limit));
    }
    page.push_str("<table class=\"usage\">\n");
    write_head(page, &COLUMNS);
    let mut order: Vec<&PrincipalUsage> = usage.principals.iter().collect();
    order.sort_by_key(|one| (one.granted.is_none(), std::cmp::Reverse(one.n_never)));
    for one in order.into_iter().take(MAX_PRINCIPALS) {
        write_principal(page, one);
    }
    page.push_str("</tbody>\n</table>\n");
    let more = usage.principals.len().saturating_sub(MAX_PRINCIPALS);
    if more > 0 {
        let more = count(more as u64, "more principal");
        let _ = writeln!(page, "<p class=\"note\">{more} are left out here.</p>");
    }
}

fn write_principal(page: &mut String, one: &PrincipalUsage) {
    let account = one.account.map(|id| id.to_string()).unwrap_or_default();
    let calls: u64 = one.used.iter().map(assize_formats::ActionUse::count).sum();
    let last = one.used.iter().filter_map(|used| used.last).max();
    let number = |n: Option<u64>| n.map(grouped).unwrap_or_default();
    let granted = one.granted.map_or_else(|| "not in the world".to_owned(), grouped);
    let key = |n: Option<u64>| n.map_or_else(|| "-1".to_owned(), |n| n.to_string());
    let n_never = one.granted.map(|_| one.n_never);
    let mut never = number(n_never);
    unfold(&mut never, "which", one.never.iter().map(|name| breakable(name)));
    unfold(&mut never, "not shown by a log", one.not_shown.iter().map(|name| breakable(name)));
    let mut used = grouped(calls);
    unfold(
        &mut used,
        "of which actions",
        one.used.iter().map(|used| {
            let odd = if used.is_granted == Some(false) { ", not granted" } else { "" };
            let last = used.last.map(|last| format!(", last {}", moment(last)));
            let (action, last) = (breakable(&used.action), last.unwrap_or_default());
            format!("{action} <small>{}{odd}{last}</small>", grouped(used.count()))
        }),
    );
    page.push_str("<tr>");
    for (name, sort, text) in [
        ("Account", None, escaped(&account)),
        ("Principal", None, breakable(who(&one.principal))),
        ("Granted", Some(key(one.granted)), granted),
        ("Never used", Some(key(n_never)), never),
        ("Calls", Some(calls.to_string()), used),
        (
            "Last call",
            Some(last.unwrap_or(i64::MIN).to_string()),
            last.map(moment).unwrap_or_default(),
        ),
    ] {
        let sort = sort.map(|key| format!(" data-sort=\"{key}\"")).unwrap_or_default();
        let _ = write!(page, "<td data-name=\"{name}\"{sort}><div>{text}</div></td>");
    }
    page.push_str("</tr>\n");
}

/// A list behind a word that unfolds it.
fn unfold(text: &mut String, title: &str, names: impl ExactSizeIterator<Item = String>) {
    let n = names.len();
    if n == 0 {
        return;
    }
    let _ = write!(text, "<details><summary>{title}</summary><ul>");
    for name in names.take(MAX_NAMES) {
        let _ = write!(text, "<li>{name}</li>");
    }
    if n > MAX_NAMES {
        let _ = write!(text, "<li>and {} more</li>", grouped((n - MAX_NAMES) as u64));
    }
    text.push_str("</ul></details>");
}
