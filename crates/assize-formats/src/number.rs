//! Numbers as people read them.

use std::fmt::Display;

/// A whole number with its digits in groups of three.
///
/// ```
/// assert_eq!(assize_formats::grouped(1_234_567), "1,234,567");
/// ```
pub fn grouped(n: impl Display) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun: `1 file`, `2 files`.
pub fn count(n: impl Display, noun: &str) -> String {
    let n = grouped(n);
    format!("{n} {noun}{}", if n == "1" { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([1, 2_000].map(|n| count(n, "event")), ["1 event", "2,000 events"]);
        assert_eq!([count(1_usize, "file"), count(2_usize, "file")], ["1 file", "2 files"]);
    }
}
