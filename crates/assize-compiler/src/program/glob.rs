//! Globs that are put together at run time, from templates and the values of a request.
//!
//! Stars that stop at colons rule out the greedy search, so the matcher carries the set of all
//! positions of the text it may have reached. That takes time in the length of the text times
//! that of the pattern at worst, and never backtracks (L-402).

/// A glob under construction, and the working memory to match it. Cleared, never shrunk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Glob {
    literals: String,
    tokens: Vec<Token>,
    reached: Vec<bool>,
    next: Vec<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// The part of `literals`.
    Literal { start: usize, end: usize },
    /// One scalar; a colon only if so.
    One { colons: bool },
    /// Any run of scalars; with colons only if so.
    Star { colons: bool },
}

impl Glob {
    pub(crate) fn clear(&mut self) {
        self.literals.clear();
        self.tokens.clear();
    }

    pub(crate) fn literal(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let start = self.literals.len();
        self.literals.push_str(text);
        match self.tokens.last_mut() {
            Some(Token::Literal { end, .. }) => *end = self.literals.len(),
            _ => self.tokens.push(Token::Literal { start, end: self.literals.len() }),
        }
    }

    pub(crate) fn one(&mut self, colons: bool) {
        self.tokens.push(Token::One { colons });
    }

    pub(crate) fn star(&mut self, colons: bool) {
        self.tokens.push(Token::Star { colons });
    }

    /// The number of tokens so far, to be given to [`Glob::widen_last`].
    pub(crate) fn n_tokens(&self) -> usize {
        self.tokens.len()
    }

    /// Lets the last token cross colons if it is a star and at or behind position `from`
    /// (L-411: the last character of a segment).
    pub(crate) fn widen_last(&mut self, from: usize) {
        if self.tokens.len() > from
            && let Some(Token::Star { colons }) = self.tokens.last_mut()
        {
            *colons = true;
        }
    }

    /// Whether the glob matches the whole text.
    pub(crate) fn is_match(&mut self, text: &str) -> bool {
        if let Some(&Token::Literal { start, end }) = self.tokens.last()
            && !text.ends_with(&self.literals[start..end])
        {
            return false;
        }
        let mut at = 0;
        for (n, &token) in self.tokens.iter().enumerate() {
            match self.step(token, text, at) {
                Step::To(next) => at = next,
                Step::Nowhere => return false,
                Step::Star { colons } if n + 1 == self.tokens.len() => {
                    return colons || !text[at..].contains(':');
                }
                Step::Star { .. } => return self.search(n, text, at),
            }
        }
        at == text.len()
    }

    fn step(&self, token: Token, text: &str, at: usize) -> Step {
        match token {
            Token::Literal { start, end } => {
                let literal = &self.literals[start..end];
                let here = text.as_bytes()[at..].starts_with(literal.as_bytes());
                if here { Step::To(at + literal.len()) } else { Step::Nowhere }
            }
            Token::One { colons } => match text.get(at..).and_then(|rest| rest.chars().next()) {
                Some(c) if colons || c != ':' => Step::To(at + c.len_utf8()),
                _ => Step::Nowhere,
            },
            Token::Star { colons } => Step::Star { colons },
        }
    }

    /// Goes on from one position at a star, with all positions reached at once.
    fn search(&mut self, first: usize, text: &str, at: usize) -> bool {
        let mut reached = std::mem::take(&mut self.reached);
        let mut next = std::mem::take(&mut self.next);
        reached.clear();
        reached.resize(text.len() + 1, false);
        reached[at] = true;
        let mut any = true;
        for &token in &self.tokens[first..] {
            if let Token::Star { colons } = token {
                spread(&mut reached, text, colons);
                continue;
            }
            next.clear();
            next.resize(text.len() + 1, false);
            any = false;
            for (from, _) in reached.iter().enumerate().filter(|(_, reached)| **reached) {
                if let Step::To(to) = self.step(token, text, from) {
                    next[to] = true;
                    any = true;
                }
            }
            std::mem::swap(&mut reached, &mut next);
            if !any {
                break;
            }
        }
        let matched = any && reached[text.len()];
        self.reached = reached;
        self.next = next;
        matched
    }
}

enum Step {
    To(usize),
    Nowhere,
    Star { colons: bool },
}

/// Lets every position reached run on. A run may end inside a scalar; no literal begins there,
/// and `?` does not match there, so such a position leads nowhere.
fn spread(reached: &mut [bool], text: &str, colons: bool) {
    let mut running = false;
    for (at, reached) in reached.iter_mut().enumerate() {
        running = *reached || (running && (colons || text.as_bytes()[at - 1] != b':'));
        *reached = running;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `*` and `?` stop at colons, `+` and `!` do not.
    fn check(pattern: &str, text: &str, expected: bool) {
        let mut glob = Glob::default();
        glob.star(true);
        assert!(glob.is_match(text));
        glob.clear();
        for c in pattern.chars() {
            match c {
                '*' => glob.star(false),
                '+' => glob.star(true),
                '?' => glob.one(false),
                '!' => glob.one(true),
                c => glob.literal(c.encode_utf8(&mut [0; 4])),
            }
        }
        assert_eq!(glob.is_match(text), expected, "{pattern} against {text}");
    }

    #[test]
    fn globs_match_whole_texts() {
        check("", "", true);
        check("", "a", false);
        check("abc", "abc", true);
        check("abc", "abcd", false);
        check("a*c", "abbc", true);
        check("a*c", "ab:c", false);
        check("a+c", "ab:c", true);
        check("*b*d", "b:bd", false);
        check("+b*d", "b:bd", true);
        check("?", "é", true);
        check("?", ":", false);
        check("!", ":", true);
        check("??", "é", false);
        check("*é", "aé", true);
        check("+?", "é", true);
        check("+??", "é", false);
        check("**", "a:b", false);
        check("*+", "a:b", true);
    }
}
