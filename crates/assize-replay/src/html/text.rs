//! Texts on a page.

use assize_formats::format_time;

/// A text with what HTML would read as its own written out: names in logs are chosen by others.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    text.chars().for_each(|c| push_escaped(&mut escaped, c));
    escaped
}

/// The same, for names without blanks: it may be broken between their parts, and where a capital
/// follows a small letter.
pub(super) fn breakable(name: &str) -> String {
    let mut text = String::with_capacity(name.len() * 2);
    let mut before = ' ';
    for c in name.chars() {
        if before.is_lowercase() && c.is_uppercase() {
            text.push_str("<wbr>");
        }
        push_escaped(&mut text, c);
        if matches!(c, ':' | '/' | '-' | '_' | '.' | '@') {
            text.push_str("<wbr>");
        }
        before = c;
    }
    text
}

fn push_escaped(escaped: &mut String, c: char) {
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

/// A share of what there is; nothing, where there is nothing.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map(|share| format!("{:.1} %", share * 100.0)).unwrap_or_default()
}

/// The day of a time.
pub(super) fn date(time: i64) -> String {
    format_time(time).split('T').next().unwrap_or_default().to_owned()
}

/// A time as people read it, in UTC.
pub(super) fn moment(time: i64) -> String {
    format_time(time).replace('T', " ").trim_end_matches('Z').to_owned()
}

/// The entity of an ARN without what the account's column says; another name as it is.
pub(super) fn who(principal: &str) -> &str {
    match principal.splitn(6, ':').nth(5) {
        Some(entity) if principal.starts_with("arn:") => entity,
        _ => principal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(
            escaped("<b title='\"&'>\u{7}"),
            "&lt;b title=&#39;&quot;&amp;&#39;&gt;\u{fffd}"
        );
        assert_eq!(breakable("s3:GetObject<"), "s3:<wbr>Get<wbr>Object&lt;");
    }

    #[test]
    fn times_and_names_are_for_people() {
        assert_eq!((date(0), moment(61)), ("1970-01-01".into(), "1970-01-01 00:01:01".into()));
        assert_eq!(who("arn:aws:iam::111111111111:role/a/b"), "role/a/b");
        assert_eq!(who("lambda.amazonaws.com"), "lambda.amazonaws.com");
    }
}
