//! What a plain scalar is to the core schema (YAML 1.2.2, section 10.3), and what it looks like.

/// A plain scalar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plain {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number that JSON can say, as JSON says it.
    Number(String),
    /// Text that other readers of YAML take for a date or time.
    Time,
    /// A number that a person hardly meant, and what it would be read as: an account id with
    /// leading zeros, an octal number, infinity.
    Odd(&'static str),
    /// Text.
    Text,
}

impl Plain {
    pub(super) fn of(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "true" | "True" | "TRUE" => return Self::Bool(true),
            "false" | "False" | "FALSE" => return Self::Bool(false),
            _ => {}
        }
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        match unsigned.as_bytes().first() {
            Some(b'0'..=b'9' | b'.') => {}
            _ => return Self::Text,
        }
        if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
        {
            return Self::Odd("a number that is none");
        }
        if is_prefixed(text, "0x", |b| b.is_ascii_hexdigit()) {
            return Self::Odd("a hexadecimal number");
        }
        if is_prefixed(text, "0o", |b| matches!(b, b'0'..=b'7')) {
            return Self::Odd("an octal number");
        }
        if looks_like_time(text) {
            return Self::Time;
        }
        number(text.starts_with('-'), unsigned).unwrap_or(Self::Text)
    }
}

fn is_prefixed(text: &str, prefix: &str, digit: impl Fn(u8) -> bool) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.bytes().all(digit))
}

/// `([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?`, written as JSON writes it.
fn number(negative: bool, text: &str) -> Option<Plain> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    let exponent_digits = exponent.map(|text| text.strip_prefix(['-', '+']).unwrap_or(text));
    if !has_digits
        || !digits(whole)
        || !digits(fraction)
        || exponent_digits.is_some_and(|text| text.is_empty() || !digits(text))
    {
        return None;
    }
    if whole.len() > 1 && whole.starts_with('0') {
        return Some(Plain::Odd("a number without its leading zeros"));
    }
    let mut json = String::from(if negative { "-" } else { "" });
    json.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        json.push('.');
        json.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        json.push('e');
        json.push_str(exponent);
    }
    Some(Plain::Number(json))
}

/// `YYYY-M-D`, also followed by `T` or blanks and a time: what YAML 1.1 calls a timestamp.
fn looks_like_time(text: &str) -> bool {
    let date = text.split(['T', 't', ' ', '\t']).next().unwrap_or(text);
    let mut parts = date.split('-');
    let mut next = |lengths: std::ops::RangeInclusive<usize>| {
        parts.next().is_some_and(|part| {
            lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
        })
    };
    let is_date = next(4..=4) && next(1..=2) && next(1..=2) && parts.next().is_none();
    let rest = text.get(date.len()..).unwrap_or_default();
    let begins_with_time = rest.trim_start_matches(['T', 't', ' ', '\t']).as_bytes().first();
    is_date && begins_with_time.is_none_or(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match Plain::of(text) {
            Plain::Null => "null".to_owned(),
            Plain::Bool(value) => value.to_string(),
            Plain::Number(number) => number,
            Plain::Time => "time".to_owned(),
            Plain::Odd(_) => "odd".to_owned(),
            Plain::Text => "text".to_owned(),
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn plain_scalars_are_of_the_core_schema() {
        for text in ["", "~", "null", "Null", "NULL"] {
            check(text, "null");
        }
        for (text, expected) in [
            ("True", "true"),
            ("FALSE", "false"),
            ("yes", "text"),
            ("0", "0"),
            ("-0", "-0"),
            ("+12", "12"),
            ("1.", "1"),
            (".5", "0.5"),
            ("-1.50e+3", "-1.50e+3"),
            ("1e3", "1e3"),
            ("1e", "text"),
            ("1_000", "text"),
            (".", "text"),
            ("-", "text"),
            ("1.2.3.4", "text"),
            ("10.0.0.0/8", "text"),
            ("arn:aws:s3:::b", "text"),
            ("111111111111", "111111111111"),
        ] {
            check(text, expected);
        }
    }

    /// F-1.
    #[test]
    fn what_would_be_misread_is_told() {
        for text in ["012345678901", "00", "0x1F", "0o17", ".inf", "-.Inf", ".NaN", "-01.5"] {
            check(text, "odd");
        }
        for text in ["2012-10-17", "2024-05-01T12:00:00Z", "2024-5-1 12:00:00", "2024-05-01t1"] {
            check(text, "time");
        }
        check("2024-05-01-report", "text");
        check("2024-05-01 report", "text");
        check("20240501", "20240501");
    }
}
