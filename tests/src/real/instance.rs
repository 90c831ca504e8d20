//! Texts that a pattern matches, or just does not.

use crate::generate::Source;

/// What stands for the value of a variable or of a key, by its name.
pub(super) fn value_of(key: &str) -> &'static str {
    let key = key.to_ascii_lowercase();
    if key.ends_with("account") {
        "111111111111"
    } else if key.ends_with("region") {
        "eu-west-1"
    } else {
        "ana"
    }
}

/// The keys of the variables of a text.
pub(super) fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).filter_map(|rest| {
        let name = rest.split(['}', ',']).next()?;
        name.contains(':').then_some(name)
    })
}

/// A text that a pattern matches: variables have the values of [`value_of`], wildcards some text.
pub(super) fn matching(source: &mut Source<'_>, pattern: &str) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let variable = rest.strip_prefix("${").and_then(|inner| inner.split_once('}'));
        if let Some((inner, after)) = variable {
            match inner {
                "*" | "?" | "$" => text.push_str(inner),
                _ => text.push_str(value_of(inner.split(',').next().unwrap_or_default())),
            }
            rest = after;
            continue;
        }
        match c {
            '*' => text.push_str(source.pick(&["", "a", "ab/c", "a-1", "x:y"])),
            '?' => text.push('x'),
            c => text.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    text
}

/// A text near one that a pattern matches.
pub(super) fn near(source: &mut Source<'_>, pattern: &str) -> String {
    let mut text = matching(source, pattern);
    match source.below(5) {
        0 => drop(text.pop()),
        1 => text.push('x'),
        2 => text.push_str("/x"),
        3 => text = text.to_uppercase(),
        _ => {
            let at = source.below(text.len().max(1));
            if text.is_char_boundary(at) && text.is_char_boundary(at + 1) && at < text.len() {
                text.replace_range(at..=at, "q");
            }
        }
    }
    text
}

/// An ARN that a pattern of a resource matches, with an account and a region where it leaves them
/// open; nothing for the pattern of everything and for what is no ARN.
pub(super) fn arn(source: &mut Source<'_>, pattern: &str) -> Option<String> {
    let mut segments: Vec<String> = pattern.splitn(6, ':').map(str::to_owned).collect();
    if segments.len() < 6 || segments[0] != "arn" {
        return None;
    }
    for (at, usual) in [(1, "aws"), (3, "eu-west-1"), (4, "111111111111")] {
        if segments[at] == "*" {
            usual.clone_into(&mut segments[at]);
        }
    }
    let joined = segments.join(":");
    Some(if source.percent(70) { matching(source, &joined) } else { near(source, &joined) })
}
