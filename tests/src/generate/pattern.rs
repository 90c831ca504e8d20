//! Patterns of actions and resources: wildcards and variables at any place.

use super::Source;
use super::condition::variable;
use super::text::{ORGANIZATION, TARGETS};

/// A pattern around an action: whole names, prefixes, suffixes, single characters, other cases,
/// a star anywhere.
pub(super) fn action_pattern(source: &mut Source<'_>, action: &str) -> String {
    let (vendor, name) = action.split_once(':').unwrap_or((action, "*"));
    let verb = name.find(|c: char| c.is_ascii_uppercase()).map_or(1, |_| 3);
    match source.below(14) {
        0 | 1 => "*".to_owned(),
        2 | 3 => format!("{vendor}:*"),
        4 | 5 => format!("{vendor}:{}*", name.get(..verb).unwrap_or(name)),
        6 => format!("{vendor}:*{}", name.get(verb..).unwrap_or_default()),
        7 => format!("{vendor}:?{}", name.get(1..).unwrap_or_default()),
        8 => action.to_uppercase(),
        9 | 10 => format!("{vendor}:{}", with_wildcards(source, name, "")),
        _ => action.to_owned(),
    }
}

/// A text in which one or two pieces gave way to wildcards. What comes before the last `keep` is
/// kept.
fn with_wildcards(source: &mut Source<'_>, text: &str, keep: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..=source.below(2) {
        let low = text.rfind(keep).map_or(0, |at| at + keep.len());
        let start = low + source.below(text.len() - low + 1);
        let end = (start + source.below(6)).min(text.len());
        if !text.is_char_boundary(start) || !text.is_char_boundary(end) {
            continue;
        }
        let wildcard = match source.below(5) {
            0 => "?".repeat(end - start),
            1 => "**".to_owned(),
            _ => "*".to_owned(),
        };
        text.replace_range(start..end, &wildcard);
    }
    text
}

/// A pattern around a resource: whole ARNs, wildcards and variables at any place, short forms.
pub(super) fn resource_pattern(source: &mut Source<'_>, own: Option<&str>) -> String {
    const FIXED: [&str; 27] = [
        "arn:aws:s3:::b1/*",
        "arn:aws:s3:::b1",
        "arn:aws:s3:::b?/*",
        "arn:aws:s3:::*",
        "arn:aws:s3:::*/k",
        "arn:aws:s3:::b1/*/k",
        "arn:aws:s3:::b1/${aws:username}/*",
        "arn:aws:s3:::b1/${aws:PrincipalTag/team}/*",
        "arn:aws:s3:::b*/${aws:PrincipalTag/team, 'a'}/k",
        "arn:aws:s3:::b1/${aws:PrincipalTag/none}/*",
        "arn:aws:s3:::b1/k${*}",
        "arn:*:s3:::b*",
        "arn:aws:*:*:*:*",
        "arn:aws:s3:*:*:accesspoint/*",
        "arn:aws:kms:*:111111111111:key/*",
        "arn:aws:kms:*:${aws:PrincipalAccount}:*",
        "arn:aws:kms:eu-*-1:1*:key/*1",
        "arn:aws:iam::*:role/*",
        "arn:aws:iam::111111111111:*",
        "arn:aws:sqs:*",
        "arn:aws:sqs:eu-west-1",
        "arn:aws:sqs:${aws:RequestedRegion}:111111111111:q",
        "arn:aws:lambda:*:*:function:f:*",
        "arn:aws:s3:::b1/${aws:username",
        "arn:aws:organizations::100000000001:ou/o-w1aaaaaaaa/*",
        "arn:aws:organizations::*:policy/o-w1aaaaaaaa/service_control_policy/*",
        "arn:aws:organizations::*:account/o-*/${aws:PrincipalAccount}",
    ];
    if let Some(own) = own {
        match source.below(4) {
            0 => return own.to_owned(),
            1 if own == ORGANIZATION => {}
            1 => return format!("{own}/*"),
            2 => return "*".to_owned(),
            _ => {}
        }
    }
    let (_, target) = source.pick(&TARGETS);
    match source.below(10) {
        0..=2 => "*".to_owned(),
        3..=4 => target.to_owned(),
        5 => segments(source, target),
        6 if target.len() > 20 => format!("{}*", &target[..target.len() - 1]),
        _ => source.pick(&FIXED).to_owned(),
    }
}

/// An ARN in which any segment may hold wildcards or a variable, and the last ones may be missing.
fn segments(source: &mut Source<'_>, arn: &str) -> String {
    let mut segments: Vec<String> = arn.splitn(6, ':').map(str::to_owned).collect();
    for (at, segment) in segments.iter_mut().enumerate().skip(1) {
        // Nothing but the service of the IAM family is kept from wildcards, and then on import.
        match source.below(10) {
            0 | 1 => *segment = with_wildcards(source, segment, ""),
            2 if at >= 3 => *segment = with_variable(source, segment),
            _ => {}
        }
    }
    if source.percent(5) {
        segments.truncate(3 + source.below(3));
    }
    segments.join(":")
}

/// A text one piece of which is a variable instead.
fn with_variable(source: &mut Source<'_>, text: &str) -> String {
    let pieces: Vec<&str> = text.split('/').collect();
    let at = source.below(pieces.len());
    let mut changed: Vec<String> = pieces.iter().map(|piece| (*piece).to_owned()).collect();
    changed[at] = variable(source, pieces[at]);
    changed.join("/")
}
