//! The glob of the policy language (language, section 4.1).

/// Which characters a wildcard may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Every character.
    Anything,
    /// Every character but a colon: wildcards in the header of an ARN pattern (L-411).
    NoColon,
}

impl Reach {
    fn admits(self, character: char) -> bool {
        self == Self::Anything || character != ':'
    }
}

/// One symbol of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symbol {
    /// A character that stands for itself.
    Char(char),
    /// `?`: one character.
    One(Reach),
    /// `*`: any run of characters, the empty one included.
    Star(Reach),
}

/// The symbols of a text in which `*` and `?` are wildcards.
pub(crate) fn symbols(pattern: &str) -> Vec<Symbol> {
    let symbol = |character| match character {
        '*' => Symbol::Star(Reach::Anything),
        '?' => Symbol::One(Reach::Anything),
        other => Symbol::Char(other),
    };
    pattern.chars().map(symbol).collect()
}

/// The symbols of a text without wildcards.
pub(crate) fn literal(text: &str) -> impl Iterator<Item = Symbol> + '_ {
    text.chars().map(Symbol::Char)
}

/// L-401, L-402: whether a pattern matches a text from end to end.
///
/// Symbol by symbol it keeps which beginnings of the text the pattern has matched so far, so the
/// effort is the product of both lengths, whatever the pattern.
pub(crate) fn matches(pattern: &[Symbol], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for symbol in pattern {
        reached = advance(*symbol, &reached, &text);
    }
    reached[text.len()]
}

fn advance(symbol: Symbol, reached: &[bool], text: &[char]) -> Vec<bool> {
    let mut next = vec![false; reached.len()];
    match symbol {
        Symbol::Star(reach) => {
            let mut running = false;
            for at in 0..reached.len() {
                let goes_on = at > 0 && running && reach.admits(text[at - 1]);
                running = reached[at] || goes_on;
                next[at] = running;
            }
        }
        Symbol::One(reach) => {
            for at in 0..text.len() {
                next[at + 1] = reached[at] && reach.admits(text[at]);
            }
        }
        Symbol::Char(character) => {
            for at in 0..text.len() {
                next[at + 1] = reached[at] && text[at] == character;
            }
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(matches(&symbols(pattern), text), expected, "{pattern} on {text}");
    }

    #[test]
    fn a_glob_is_anchored_at_both_ends() {
        check("", "", true);
        check("*", "", true);
        check("a*", "abc", true);
        check("a*", "bac", false);
        check("*c", "abc", true);
        check("a?c", "abc", true);
        check("a?c", "ac", false);
        check("a**?c*", "abbc", true);
        check("?", "中", true);
        check("a", "A", false);
    }

    #[test]
    fn a_narrow_star_stops_at_a_colon() {
        let narrow = [Symbol::Char('a'), Symbol::Star(Reach::NoColon), Symbol::Char('b')];
        assert!(matches(&narrow, "axxb"));
        assert!(!matches(&narrow, "ax:xb"));
        assert!(!matches(&[Symbol::One(Reach::NoColon)], ":"));
    }

    #[test]
    fn many_stars_cost_no_more_than_their_number() {
        check(&"*a".repeat(100), &"a".repeat(1_000), true);
        check(&format!("{}b", "*a".repeat(100)), &"a".repeat(1_000), false);
    }
}
