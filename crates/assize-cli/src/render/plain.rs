//! Names that others chose, for a terminal.

use std::borrow::Cow;

/// A text whose characters a terminal would follow instead of showing are written out: controls,
/// and marks that turn the direction of text, as in `\u{1b}`. Names in logs are chosen by others.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_followed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_followed(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

fn is_followed(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_a_terminal_would_follow_is_written_out() {
        assert_eq!(plain("b/ü.csv"), "b/ü.csv");
        assert_eq!(plain("a\u{1b}[2Jb\nc"), r"a\u{1b}[2Jb\u{a}c");
        assert_eq!(plain("gnp\u{202e}exe.\u{9b}"), r"gnp\u{202e}exe.\u{9b}");
    }
}
