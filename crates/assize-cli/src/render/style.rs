//! Colors, or none.

use std::fmt;

/// Whether text is colored (C-22). Without color every method gives the text as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    color: bool,
}

/// A text in a color.
#[derive(Debug)]
pub(crate) struct Painted<T> {
    text: T,
    /// The parameters of the escape sequence; empty for plain text.
    code: &'static str,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code.is_empty() {
            return self.text.fmt(f);
        }
        write!(f, "\x1b[{}m", self.code)?;
        // Width and alignment apply to the text, not to the escape sequences around it.
        self.text.fmt(f)?;
        f.write_str("\x1b[0m")
    }
}

macro_rules! colors {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)+) => {
        $(
            $(#[$doc])*
            pub(crate) fn $name<T: fmt::Display>(self, text: T) -> Painted<T> {
                self.paint(text, $code)
            }
        )+
    };
}

impl Style {
    /// With color or without.
    pub(crate) const fn new(color: bool) -> Self {
        Self { color }
    }

    /// Without color.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self::new(false);

    /// Whether there is color.
    pub(crate) fn has_color(self) -> bool {
        self.color
    }

    fn paint<T: fmt::Display>(self, text: T, code: &'static str) -> Painted<T> {
        Painted { text, code: if self.color { code } else { "" } }
    }

    colors! {
        /// What stands out.
        bold = "1";
        /// What stands back.
        dim = "2";
        /// What is allowed, or right.
        good = "1;32";
        /// What is denied, or wrong.
        bad = "1;31";
        /// What nobody allows, or what is doubtful.
        doubtful = "1;33";
        /// A name to find again.
        name = "36";
        /// The word `error`.
        error = "1;31";
        /// The word `warning`.
        warning = "1;33";
        /// The word `note`.
        note = "1;34";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_applies_to_the_text() {
        assert_eq!(format!("{:<6}|", Style::PLAIN.bold("ab")), "ab    |");
        assert_eq!(format!("{:<6}|", Style::new(true).bold("ab")), "\x1b[1mab    \x1b[0m|");
    }
}
