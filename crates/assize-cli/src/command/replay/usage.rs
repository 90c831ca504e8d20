//! What was granted and what was used (F-59), for people and as a table.

use std::fmt::Write as _;
use std::io::{self, Write};

use assize_formats::{ActionUse, count, format_time, grouped};
use assize_replay::{PrincipalUsage, Usage};

use super::csv::write_row;
use super::whole;
use crate::render::plain::plain;
use crate::render::style::Style;
use crate::render::table::columns;

/// Most principals that are shown without `-v`.
const MAX_PRINCIPALS: usize = 20;
/// Most used actions of a principal that are shown without `-v`.
const MAX_USED: usize = 8;
/// Most unused actions of a principal that are named without `-v`.
const MAX_NEVER: usize = 12;
/// Length of a line of names.
const LINE_CHARS: usize = 100;
/// How far the lines of a principal are set in.
const INDENT: usize = 2;

const HEADER: [&str; 11] = [
    "status",
    "account",
    "principal",
    "action",
    "count",
    "first",
    "last",
    "allowed",
    "denied",
    "unknown",
    "granted",
];

/// The whole comparison.
pub(super) fn human(usage: &Usage, style: Style, verbose: bool) -> String {
    let mut text = head(usage, style);
    let limit = if verbose { usage.principals.len() } else { MAX_PRINCIPALS };
    // Who was granted the most for nothing comes first, then who did the most.
    let mut order: Vec<&PrincipalUsage> = usage.principals.iter().collect();
    order.sort_by_key(|one| (one.granted.is_none(), std::cmp::Reverse((one.n_never, calls(one)))));
    for one in order.iter().take(limit) {
        principal(&mut text, one, style, verbose);
    }
    if order.len() > limit {
        let _ = writeln!(text, "{} more principals; -v shows them", grouped(order.len() - limit));
    }
    text
}

fn calls(one: &PrincipalUsage) -> u64 {
    one.used.iter().map(ActionUse::count).sum()
}

fn head(usage: &Usage, style: Style) -> String {
    let mut text = String::new();
    let window = match usage.window {
        Some((first, last)) => format!("from {} to {}", format_time(first), format_time(last)),
        None => "no window".to_owned(),
    };
    let calls = count(whole(usage.events), "call");
    let _ = writeln!(text, "{}", style.bold(format!("What was used: {calls}, {window}")));
    for limit in &usage.limits {
        let _ = writeln!(text, "{} {}", style.note("note:"), plain(limit));
    }
    text.push('\n');
    text
}

fn principal(text: &mut String, one: &PrincipalUsage, style: Style, verbose: bool) {
    let summary = summary(one);
    let _ = writeln!(text, "{}: {summary}", style.bold(plain(&one.principal)));
    let limit = if verbose { one.used.len() } else { MAX_USED };
    let rows: Vec<[String; 4]> = one.used.iter().take(limit).map(row).collect();
    text.push_str(&columns(&rows, INDENT));
    if one.used.len() > limit {
        let _ = writeln!(text, "  {} more used; -v shows them", grouped(one.used.len() - limit));
    }
    names(text, "never", &one.never, verbose);
    names(text, "a log does not show", &one.not_shown, verbose);
    text.push('\n');
}

/// How many actions were granted, and how many of these were used: a call that is always denied
/// uses nothing.
fn summary(one: &PrincipalUsage) -> String {
    let Some(granted) = one.granted else {
        return "not in the world: what it was granted is not known".to_owned();
    };
    let own = one.used.iter().filter(|used| used.is_granted == Some(true));
    let (denied, used): (Vec<_>, Vec<_>) = own.partition(|used| is_always_denied(used));
    let mut text =
        format!("{} granted, {} used", count(whole(granted), "action"), grouped(used.len()));
    if !denied.is_empty() {
        let _ = write!(text, ", {} always denied", grouped(denied.len()));
    }
    let _ = write!(text, ", {} never", grouped(whole(one.n_never)));
    text
}

fn is_always_denied(used: &ActionUse) -> bool {
    used.observed.denied == used.count()
}

/// How often, what, when last, and what is odd about it.
fn row(used: &ActionUse) -> [String; 4] {
    let denied = used.observed.denied;
    let mut remarks = Vec::new();
    if is_always_denied(used) {
        remarks.push("always denied".to_owned());
    } else if denied > 0 {
        remarks.push(format!("denied {} times", grouped(whole(denied))));
    }
    if used.is_granted == Some(false) {
        remarks.push("not granted by its own policies".to_owned());
    }
    let last = used.last.map(|last| format!("last {}", format_time(last))).unwrap_or_default();
    [grouped(whole(used.count())), plain(&used.action).into(), last, remarks.join(", ")]
}

/// A list of names, in lines.
fn names(text: &mut String, title: &str, names: &[String], verbose: bool) {
    if names.is_empty() {
        return;
    }
    let limit = if verbose { names.len() } else { MAX_NEVER };
    let mut line = format!("  {title}:");
    for name in names.iter().take(limit) {
        if line.len() + name.len() + 1 > LINE_CHARS {
            let _ = writeln!(text, "{line}");
            " ".repeat(2 * INDENT).clone_into(&mut line);
            line.push_str(name);
        } else {
            let _ = write!(line, " {name}");
        }
    }
    if names.len() > limit {
        let _ = write!(line, " and {} more; -v shows them", grouped(names.len() - limit));
    }
    let _ = writeln!(text, "{line}");
}

/// One line for each action of each principal: `used`, `never` or `not_shown`.
pub(super) fn csv(usage: &Usage, out: &mut impl Write) -> io::Result<()> {
    write_row(out, HEADER)?;
    for one in &usage.principals {
        let account = one.account.map(|id| id.to_string()).unwrap_or_default();
        let account = account.as_str();
        let principal = &*one.principal;
        for used in &one.used {
            let numbers = [used.observed.allowed, used.observed.denied, used.observed.unknown];
            let [allowed, denied, unknown] = numbers.map(|n| n.to_string());
            let time = |time: Option<i64>| time.map(format_time).unwrap_or_default();
            let (count, first, last) =
                (used.count().to_string(), time(used.first), time(used.last));
            let action = &*used.action;
            let what = ["used", account, principal, action, &count, &first, &last];
            let granted = used.is_granted.map(|is_granted| is_granted.to_string());
            let granted = granted.as_deref().unwrap_or_default();
            write_row(out, what.into_iter().chain([&*allowed, &*denied, &*unknown, granted]))?;
        }
        for (status, names) in [("never", &one.never), ("not_shown", &one.not_shown)] {
            for name in names {
                let what = [status, account, principal, name, "0", "", "", "0", "0", "0", "true"];
                write_row(out, what)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use assize_formats::ObservedCounts;

    use super::*;

    fn ana() -> PrincipalUsage {
        let used = |action: &str, is_granted: Option<bool>, denied: u64| ActionUse {
            action: action.into(),
            is_granted,
            observed: ObservedCounts { allowed: 2 - denied, denied, unknown: 0 },
            first: None,
            last: None,
        };
        PrincipalUsage {
            principal: "ana".into(),
            account: None,
            granted: Some(4),
            used: vec![
                used("s3:GetObject", Some(true), 1),
                used("s3:PutObject", Some(true), 2),
                used("ec2:RunInstances", Some(false), 2),
                used("new:Thing", None, 0),
            ],
            never: vec!["kms:ListKeys".to_owned()],
            n_never: 1,
            not_shown: vec!["iam:PassRole".to_owned()],
        }
    }

    #[test]
    fn what_is_always_denied_is_not_used() {
        let mut one = ana();
        assert_eq!(summary(&one), "4 actions granted, 1 used, 1 always denied, 1 never");
        one.used.remove(1);
        assert_eq!(summary(&one), "4 actions granted, 1 used, 1 never");
    }

    #[test]
    fn the_table_says_what_is_granted() {
        let mut table = Vec::new();
        csv(&Usage { principals: vec![ana()], ..Usage::default() }, &mut table)
            .expect("memory takes it");
        let table = String::from_utf8_lossy(&table).into_owned();
        let rows: Vec<(&str, &str)> = table
            .lines()
            .filter_map(|line| Some((line.split(',').nth(3)?, line.rsplit(',').next()?)))
            .collect();
        assert_eq!(
            rows,
            [
                ("action", "granted"),
                ("s3:GetObject", "true"),
                ("s3:PutObject", "true"),
                ("ec2:RunInstances", "false"),
                ("new:Thing", ""),
                ("kms:ListKeys", "true"),
                ("iam:PassRole", "true"),
            ]
        );
    }

    #[test]
    fn long_lists_are_cut_and_say_so() {
        let all: Vec<String> = (0..20).map(|n| format!("service:Action{n}")).collect();
        let mut text = String::new();
        names(&mut text, "never", &all, false);
        assert!(text.starts_with("  never: service:Action0 service:Action1"), "{text}");
        assert!(text.ends_with("service:Action11 and 8 more; -v shows them\n"), "{text}");
        assert!(text.lines().next().is_some_and(|line| line.len() <= LINE_CHARS), "{text}");
    }
}
