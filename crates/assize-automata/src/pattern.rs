//! One wildcard pattern: its pieces, its normal form, and whether it matches.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use crate::{
    budget::{Error, ErrorKind},
    matcher::Matcher,
};

/// Which scalars a wildcard takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Every scalar.
    Any,
    /// Every scalar but this one, an ASCII byte.
    Except(u8),
}

impl Class {
    /// Whether the scalar is one of the class.
    pub fn contains(self, scalar: char) -> bool {
        match self {
            Self::Any => true,
            Self::Except(byte) => scalar != char::from(byte),
        }
    }

    /// Whether a scalar that begins with this byte is one of the class.
    pub(crate) fn takes(self, lead: u8) -> bool {
        match self {
            Self::Any => true,
            Self::Except(byte) => lead != byte,
        }
    }

    fn to_ascii_lowercase(self) -> Self {
        match self {
            Self::Any => Self::Any,
            Self::Except(byte) => Self::Except(byte.to_ascii_lowercase()),
        }
    }
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece {
    /// Exactly this text.
    Literal(String),
    /// Exactly one scalar of the class.
    One(Class),
    /// Any run of scalars of the class, the empty one included.
    Star(Class),
}

/// A wildcard pattern, anchored at both ends of the text.
///
/// Two patterns are equal if their normal forms are: adjoining literals are joined, stars that add nothing to their neighbor are dropped, and `*?` is written `?*`.
/// Equal patterns match the same texts; the converse is the business of [`covers`](crate::algebra::covers).
/// A clone is the same pattern in memory too, so a set costs little for patterns that other sets hold.
#[derive(Clone)]
pub struct Pattern(Arc<Parts>);

struct Parts {
    pieces: Box<[Piece]>,
    ascii_case_insensitive: bool,
    matcher: Matcher,
}

impl Pattern {
    /// Starts an empty pattern, which matches only the empty text.
    pub fn builder() -> PatternBuilder {
        PatternBuilder::default()
    }

    /// The pattern that matches exactly this text.
    pub fn literal(text: &str) -> Self {
        Self::from_pieces([Piece::Literal(text.to_owned())], false)
    }

    /// The pattern in which `*` is any run, `?` is any one scalar, and all else is itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use assize_automata::Pattern;
    ///
    /// let pattern = Pattern::glob("report-????.*");
    /// assert!(pattern.is_match("report-2024.csv".as_bytes()));
    /// assert!(!pattern.is_match("report-24.csv".as_bytes()));
    /// ```
    pub fn glob(glob: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = glob;
        while let Some(at) = rest.find(['*', '?']) {
            let (literal, tail) = rest.split_at(at);
            pieces.push(Piece::Literal(literal.to_owned()));
            let star = tail.starts_with('*');
            pieces.push(if star { Piece::Star(Class::Any) } else { Piece::One(Class::Any) });
            rest = &tail[1..];
        }
        pieces.push(Piece::Literal(rest.to_owned()));
        Self::from_pieces(pieces, false)
    }

    /// The same pattern, with ASCII letters compared without case.
    #[must_use]
    pub fn into_ascii_case_insensitive(self) -> Self {
        if self.0.ascii_case_insensitive {
            return self;
        }
        Self::from_pieces(self.0.pieces.iter().cloned(), true)
    }

    fn from_pieces(pieces: impl IntoIterator<Item = Piece>, fold: bool) -> Self {
        let mut normal = Vec::new();
        for piece in pieces {
            push_normal(&mut normal, if fold { folded(piece) } else { piece });
        }
        let matcher = Matcher::new(&normal, fold);
        let pieces = normal.into_boxed_slice();
        Self(Arc::new(Parts { pieces, ascii_case_insensitive: fold, matcher }))
    }

    /// Whether the whole text matches.
    ///
    /// The text is UTF-8; for other bytes the answer is unspecified.
    /// There is no backtracking: the time is near linear in the text, at worst the text times a 64th of the pattern.
    /// Nothing is allocated, unless a pattern of more than 1,023 scalars mixes classes of stars or scatters many `?` between stars.
    pub fn is_match(&self, text: &[u8]) -> bool {
        if self.0.ascii_case_insensitive {
            self.0.matcher.is_match::<true>(text)
        } else {
            self.0.matcher.is_match::<false>(text)
        }
    }

    /// The pieces in normal form; in lower case if the pattern ignores case.
    pub fn pieces(&self) -> &[Piece] {
        &self.0.pieces
    }

    /// Whether ASCII letters are compared without case.
    pub fn is_ascii_case_insensitive(&self) -> bool {
        self.0.ascii_case_insensitive
    }

    /// The text of a pattern without wildcards.
    pub fn as_literal(&self) -> Option<&str> {
        match &*self.0.pieces {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text with which every match begins (without case if the pattern ignores it).
    pub fn literal_prefix(&self) -> &str {
        match self.0.pieces.first() {
            Some(Piece::Literal(text)) => text,
            _ => "",
        }
    }

    /// Whether every text matches.
    pub fn is_universal(&self) -> bool {
        matches!(&*self.0.pieces, [Piece::Star(Class::Any)])
    }

    /// Bytes of literal text, and one for each wildcard.
    pub fn n_bytes(&self) -> usize {
        let bytes = |piece: &Piece| match piece {
            Piece::Literal(text) => text.len(),
            Piece::One(_) | Piece::Star(_) => 1,
        };
        self.0.pieces.iter().map(bytes).sum()
    }

    pub(crate) fn matcher(&self) -> &Matcher {
        &self.0.matcher
    }

    /// What decides equality and order: the matcher follows from it.
    fn key(&self) -> (&[Piece], bool) {
        (&self.0.pieces, self.0.ascii_case_insensitive)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Pattern {}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pattern")
            .field("pieces", &self.0.pieces)
            .field("ascii_case_insensitive", &self.0.ascii_case_insensitive)
            .finish_non_exhaustive()
    }
}

/// Puts a pattern together piece by piece.
///
/// # Examples
///
/// ```
/// use assize_automata::{Class, Pattern};
///
/// let pattern = Pattern::builder()
///     .literal("arn:aws:sqs:us-")
///     .star(Class::Except(b':'))
///     .literal("-1:111122223333:q")
///     .build()?;
/// assert!(pattern.is_match(b"arn:aws:sqs:us-east-1:111122223333:q"));
/// assert!(!pattern.is_match(b"arn:aws:sqs:us-east:x-1:111122223333:q"));
/// # Ok::<(), assize_automata::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct PatternBuilder {
    pieces: Vec<Piece>,
    ascii_case_insensitive: bool,
}

impl PatternBuilder {
    /// Adds text that matches itself, `*` and `?` included.
    pub fn literal(&mut self, text: &str) -> &mut Self {
        self.piece(Piece::Literal(text.to_owned()))
    }

    /// Adds exactly one scalar of the class.
    pub fn one(&mut self, class: Class) -> &mut Self {
        self.piece(Piece::One(class))
    }

    /// Adds any run of scalars of the class.
    pub fn star(&mut self, class: Class) -> &mut Self {
        self.piece(Piece::Star(class))
    }

    /// Adds a piece.
    pub fn piece(&mut self, piece: Piece) -> &mut Self {
        self.pieces.push(piece);
        self
    }

    /// Says whether ASCII letters are compared without case.
    pub fn ascii_case_insensitive(&mut self, yes: bool) -> &mut Self {
        self.ascii_case_insensitive = yes;
        self
    }

    /// Makes the pattern.
    ///
    /// # Errors
    ///
    /// Fails if a class excludes a byte that is not ASCII.
    pub fn build(&self) -> Result<Pattern, Error> {
        for piece in &self.pieces {
            if let Piece::One(Class::Except(byte)) | Piece::Star(Class::Except(byte)) = *piece
                && !byte.is_ascii()
            {
                return Err(Error::new(ErrorKind::ClassByteNotAscii { byte }));
            }
        }
        Ok(Pattern::from_pieces(self.pieces.iter().cloned(), self.ascii_case_insensitive))
    }
}

fn folded(piece: Piece) -> Piece {
    match piece {
        Piece::Literal(mut text) => {
            text.make_ascii_lowercase();
            Piece::Literal(text)
        }
        Piece::One(class) => Piece::One(class.to_ascii_lowercase()),
        Piece::Star(class) => Piece::Star(class.to_ascii_lowercase()),
    }
}

/// Appends a piece, keeping the normal form: no empty and no adjoining literals, no star beside one that takes all it takes, and no `?` right after a star of its class.
/// The last is what lets a greedy search begin every segment with a literal.
fn push_normal(pieces: &mut Vec<Piece>, piece: Piece) {
    match piece {
        Piece::Literal(text) if text.is_empty() => {}
        Piece::Literal(text) => match pieces.last_mut() {
            Some(Piece::Literal(last)) => last.push_str(&text),
            _ => pieces.push(Piece::Literal(text)),
        },
        Piece::One(class) => {
            let after_star = pieces.last() == Some(&Piece::Star(class));
            pieces.insert(pieces.len() - usize::from(after_star), Piece::One(class));
        }
        Piece::Star(class) => {
            while class == Class::Any && matches!(pieces.last(), Some(Piece::Star(_))) {
                pieces.pop();
            }
            let adds_nothing =
                |last: &Piece| *last == Piece::Star(class) || *last == Piece::Star(Class::Any);
            if !pieces.last().is_some_and(adds_nothing) {
                pieces.push(Piece::Star(class));
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The definition of matching, word for word; it takes exponential time.
    pub(crate) fn naive(pieces: &[Piece], text: &[char], fold: bool) -> bool {
        let same = |a: char, b: char| if fold { a.eq_ignore_ascii_case(&b) } else { a == b };
        let takes = |class: Class, scalar: char| match class {
            Class::Any => true,
            Class::Except(byte) => !same(char::from(byte), scalar),
        };
        let Some((piece, rest)) = pieces.split_first() else { return text.is_empty() };
        match piece {
            Piece::Literal(literal) => {
                let literal: Vec<char> = literal.chars().collect();
                text.len() >= literal.len()
                    && literal.iter().zip(text).all(|(&a, &b)| same(a, b))
                    && naive(rest, &text[literal.len()..], fold)
            }
            Piece::One(class) => {
                text.first().is_some_and(|&scalar| takes(*class, scalar))
                    && naive(rest, &text[1..], fold)
            }
            Piece::Star(class) => {
                let run = text.iter().take_while(|&&scalar| takes(*class, scalar)).count();
                (0..=run).any(|n_scalars| naive(rest, &text[n_scalars..], fold))
            }
        }
    }

    fn normal(pieces: &[Piece]) -> Vec<Piece> {
        let mut builder = Pattern::builder();
        for piece in pieces {
            builder.piece(piece.clone());
        }
        builder.build().expect("classes are ASCII").pieces().to_vec()
    }

    fn lit(text: &str) -> Piece {
        Piece::Literal(text.to_owned())
    }

    #[test]
    fn normal_form_is_reached() {
        const ANY: Class = Class::Any;
        const NO_COLON: Class = Class::Except(b':');
        let check = |pieces: &[Piece], expected: &[Piece]| assert_eq!(normal(pieces), expected);
        check(&[], &[]);
        check(&[lit(""), lit("a"), lit("b"), lit("")], &[lit("ab")]);
        check(&[Piece::Star(ANY), Piece::Star(ANY)], &[Piece::Star(ANY)]);
        check(&[Piece::Star(NO_COLON), Piece::Star(ANY)], &[Piece::Star(ANY)]);
        check(&[Piece::Star(ANY), Piece::Star(NO_COLON)], &[Piece::Star(ANY)]);
        check(
            &[Piece::Star(NO_COLON), Piece::Star(Class::Except(b'/'))],
            &[Piece::Star(NO_COLON), Piece::Star(Class::Except(b'/'))],
        );
        check(&[Piece::Star(ANY), Piece::One(ANY)], &[Piece::One(ANY), Piece::Star(ANY)]);
        check(&[Piece::Star(ANY), Piece::One(NO_COLON)], &[Piece::Star(ANY), Piece::One(NO_COLON)]);
    }

    #[test]
    fn globs_are_read() {
        let check = |glob: &str, expected: &[Piece]| {
            assert_eq!(Pattern::glob(glob).pieces(), expected, "{glob}");
        };
        check("", &[]);
        check("a*b", &[lit("a"), Piece::Star(Class::Any), lit("b")]);
        check("?é", &[Piece::One(Class::Any), lit("é")]);
        check("**", &[Piece::Star(Class::Any)]);
    }

    #[test]
    fn questions_about_shape_are_answered() {
        assert_eq!(Pattern::literal("a*").as_literal(), Some("a*"));
        assert_eq!(Pattern::glob("").as_literal(), Some(""));
        assert_eq!(Pattern::glob("a*").as_literal(), None);
        assert_eq!(Pattern::glob("ab*c").literal_prefix(), "ab");
        assert_eq!(Pattern::glob("*c").literal_prefix(), "");
        assert!(Pattern::glob("***").is_universal());
        assert!(!Pattern::glob("?*").is_universal());
        assert_eq!(Pattern::glob("ab*?").n_bytes(), 4);
    }

    #[test]
    fn folding_renews_the_normal_form() {
        let mut builder = Pattern::builder();
        builder.star(Class::Except(b'A')).star(Class::Except(b'a')).literal("GET");
        let pattern = builder.build().expect("ASCII").into_ascii_case_insensitive();
        assert_eq!(pattern.pieces(), [Piece::Star(Class::Except(b'a')), lit("get")]);
        assert!(pattern.is_match(b"xGeT"));
        assert!(!pattern.is_match(b"AGeT"));
    }

    #[test]
    fn a_class_excludes_only_ascii() {
        let error = Pattern::builder().star(Class::Except(0xc3)).build().expect_err("not ASCII");
        assert_eq!(error.kind(), ErrorKind::ClassByteNotAscii { byte: 0xc3 });
        assert_eq!(error.to_string(), "a wildcard can exclude only an ASCII byte, not 0xc3");
    }
}
