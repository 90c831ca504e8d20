//! One pattern against one text, in the cheapest way that is exact.
//!
//! A pattern is a *head*, stars with *segments* between them, and a *tail*; head, segments and tail have no stars.
//! Head and tail are fixed to the ends of the text, so they are compared first; what they leave, the middle, is decided by the stars.
//!
//! If all stars take any scalar, the middle is searched greedily: each segment at its first place after the one before.
//! That is exact. A segment is a fixed number of scalars, so its first place also has the first end, and a star that takes anything can reach from there to wherever another choice would have continued.
//! A star that excludes a scalar breaks the argument (`*b*d` with a second star without `:` must pass over the first `b` of `b:bd`), so those middles run the bit-parallel automaton of [`nfa`].

pub(crate) mod nfa;

use memchr::{memchr, memchr2, memmem};

use self::nfa::Nfa;
use crate::pattern::{Class, Piece};

/// Below this many bytes a search for a literal goes byte by byte, which beats setting up a substring search.
const SHORT_TEXT_BYTES: usize = 256;
/// A segment of more atoms is left to the automaton: a greedy search may compare all of them at every byte of the text.
const MAX_GREEDY_ATOMS: usize = 16;
/// The same for a literal compared without case, which has no linear search here.
const MAX_GREEDY_FOLDED_BYTES: usize = 64;

/// A pattern made ready to match.
#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    /// No shorter text matches.
    min_bytes: usize,
    head: Segment,
    /// What follows the head; nothing if there is no star.
    stars: Option<Stars>,
}

/// From the first star on.
#[derive(Debug, Clone)]
struct Stars {
    middle: Middle,
    tail: Segment,
}

/// From the first star to the last.
#[derive(Debug, Clone)]
enum Middle {
    /// One star.
    Run(Class),
    /// These segments between stars that take anything.
    Greedy(Box<[Segment]>),
    /// Anything else.
    Automaton(Box<Nfa>),
}

/// A part of a pattern without stars.
#[derive(Debug, Clone, Default)]
struct Segment {
    atoms: Box<[Atom]>,
}

#[derive(Debug, Clone)]
enum Atom {
    Literal(Box<[u8]>),
    One(Class),
}

impl Matcher {
    /// Takes pieces in normal form; `fold` says that they are in lower case and the text is compared without case.
    pub(crate) fn new(pieces: &[Piece], fold: bool) -> Self {
        let is_star = |piece: &Piece| matches!(piece, Piece::Star(_));
        let first = pieces.iter().position(is_star);
        let last = pieces.iter().rposition(is_star);
        let (head, stars) = match first.zip(last) {
            None => (pieces, None),
            Some((first, last)) => {
                let middle = Middle::new(&pieces[first..=last], fold);
                let tail = Segment::new(&pieces[last + 1..]);
                (&pieces[..first], Some(Stars { middle, tail }))
            }
        };
        let least = |piece: &Piece| match piece {
            Piece::Literal(text) => text.len(),
            Piece::One(_) => 1,
            Piece::Star(_) => 0,
        };
        let min_bytes = pieces.iter().map(least).sum();
        Self { min_bytes, head: Segment::new(head), stars }
    }

    #[inline]
    pub(crate) fn is_match<const FOLD: bool>(&self, text: &[u8]) -> bool {
        if text.len() < self.min_bytes {
            return false;
        }
        let Some(start) = self.head.match_at::<FOLD>(text, 0) else { return false };
        let Some(Stars { middle, tail }) = &self.stars else { return start == text.len() };
        match tail.match_before::<FOLD>(text, text.len()) {
            Some(end) if start <= end => middle.is_match::<FOLD>(&text[start..end]),
            _ => false,
        }
    }
}

impl Middle {
    fn new(pieces: &[Piece], fold: bool) -> Self {
        if let [Piece::Star(class)] = *pieces {
            return Self::Run(class);
        }
        let all_any = pieces.iter().all(|piece| !matches!(piece, Piece::Star(Class::Except(_))));
        let segments = || pieces.split(|piece| matches!(piece, Piece::Star(_)));
        if all_any && segments().all(|segment| is_greedy(segment, fold)) {
            let inner = segments().filter(|segment| !segment.is_empty());
            Self::Greedy(inner.map(Segment::new).collect())
        } else {
            Self::Automaton(Box::new(Nfa::new(pieces)))
        }
    }

    fn is_match<const FOLD: bool>(&self, text: &[u8]) -> bool {
        match self {
            Self::Run(Class::Any) => true,
            Self::Run(Class::Except(byte)) => find_byte::<FOLD>(text, *byte).is_none(),
            Self::Greedy(segments) => {
                let mut at = 0;
                segments.iter().all(|segment| match segment.find::<FOLD>(text, at) {
                    Some(end) => {
                        at = end;
                        true
                    }
                    None => false,
                })
            }
            Self::Automaton(nfa) => nfa.is_match::<FOLD>(text),
        }
    }
}

/// Whether a greedy search for the segment stays near linear.
fn is_greedy(segment: &[Piece], fold: bool) -> bool {
    let short = |piece: &Piece| match piece {
        Piece::Literal(text) => !fold || text.len() <= MAX_GREEDY_FOLDED_BYTES,
        Piece::One(_) | Piece::Star(_) => true,
    };
    segment.len() <= MAX_GREEDY_ATOMS && segment.iter().all(short)
}

impl Segment {
    fn new(pieces: &[Piece]) -> Self {
        let atom = |piece: &Piece| match piece {
            Piece::Literal(text) => Some(Atom::Literal(text.as_bytes().into())),
            Piece::One(class) => Some(Atom::One(*class)),
            Piece::Star(_) => None,
        };
        Self { atoms: pieces.iter().filter_map(atom).collect() }
    }

    /// The end of the segment if it stands at `at`.
    #[inline]
    fn match_at<const FOLD: bool>(&self, text: &[u8], at: usize) -> Option<usize> {
        match_atoms::<FOLD>(&self.atoms, text, at)
    }

    /// The start of the segment if it ends at `end`.
    #[inline]
    fn match_before<const FOLD: bool>(&self, text: &[u8], end: usize) -> Option<usize> {
        let mut at = end;
        for atom in self.atoms.iter().rev() {
            let start = match atom {
                Atom::Literal(literal) => at.checked_sub(literal.len())?,
                Atom::One(_) => scalar_start(text, at)?,
            };
            if !atom.takes::<FOLD>(&text[start..at]) {
                return None;
            }
            at = start;
        }
        Some(at)
    }

    /// The end of the first place of the segment at or after `from`.
    fn find<const FOLD: bool>(&self, text: &[u8], from: usize) -> Option<usize> {
        let Some((Atom::Literal(first), rest)) = self.atoms.split_first() else {
            return self.find_by_scalar::<FOLD>(text, from);
        };
        let finder = Finder::<FOLD>::new(first, text.len() - from);
        let mut at = from;
        loop {
            at += finder.find(text.get(at..)?)?;
            if let Some(end) = match_atoms::<FOLD>(rest, text, at + first.len()) {
                return Some(end);
            }
            at += 1;
        }
    }

    fn find_by_scalar<const FOLD: bool>(&self, text: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            if let Some(end) = self.match_at::<FOLD>(text, at) {
                return Some(end);
            }
            if at == text.len() {
                return None;
            }
            at = scalar_end(text, at);
        }
    }
}

impl Atom {
    /// Whether this is the atom, given that it has the right length.
    #[inline]
    fn takes<const FOLD: bool>(&self, text: &[u8]) -> bool {
        match self {
            Self::Literal(literal) => equal::<FOLD>(text, literal),
            Self::One(class) => text.first().is_some_and(|&lead| class.takes(folded::<FOLD>(lead))),
        }
    }
}

#[inline]
fn match_atoms<const FOLD: bool>(atoms: &[Atom], text: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    for atom in atoms {
        let end = match atom {
            Atom::Literal(literal) => at + literal.len(),
            Atom::One(_) => scalar_end(text, at),
        };
        if !atom.takes::<FOLD>(text.get(at..end)?) {
            return None;
        }
        at = end;
    }
    Some(at)
}

/// Finds the first place of a literal.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on the stack for one search, which must not allocate"
)]
enum Finder<'a, const FOLD: bool> {
    ByByte { first: u8, literal: &'a [u8] },
    Linear(memmem::Finder<'a>),
}

impl<'a, const FOLD: bool> Finder<'a, FOLD> {
    fn new(literal: &'a [u8], text_bytes: usize) -> Self {
        match literal.first() {
            Some(&first) if FOLD || text_bytes < SHORT_TEXT_BYTES => {
                Self::ByByte { first, literal }
            }
            _ => Self::Linear(memmem::Finder::new(literal)),
        }
    }

    fn find(&self, text: &[u8]) -> Option<usize> {
        match self {
            Self::Linear(finder) => finder.find(text),
            Self::ByByte { first, literal } => {
                let mut at = 0;
                loop {
                    at += find_byte::<FOLD>(&text[at..], *first)?;
                    if equal::<FOLD>(text.get(at..at + literal.len())?, literal) {
                        return Some(at);
                    }
                    at += 1;
                }
            }
        }
    }
}

/// The first place of a byte; a folded byte is in lower case and stands for both.
#[inline]
fn find_byte<const FOLD: bool>(text: &[u8], byte: u8) -> Option<usize> {
    if FOLD && byte.is_ascii_lowercase() {
        memchr2(byte, byte.to_ascii_uppercase(), text)
    } else {
        memchr(byte, text)
    }
}

#[inline]
fn equal<const FOLD: bool>(text: &[u8], literal: &[u8]) -> bool {
    if FOLD { text.eq_ignore_ascii_case(literal) } else { text == literal }
}

#[inline]
fn folded<const FOLD: bool>(byte: u8) -> u8 {
    if FOLD { byte.to_ascii_lowercase() } else { byte }
}

#[inline]
const fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// The end of the scalar that begins at `at`; past the end of the text if there is none.
#[inline]
fn scalar_end(text: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while text.get(end).is_some_and(|&byte| is_continuation(byte)) {
        end += 1;
    }
    end
}

/// The start of the scalar that ends at `end`, if there is one.
#[inline]
fn scalar_start(text: &[u8], end: usize) -> Option<usize> {
    let mut start = end.checked_sub(1)?;
    while start > 0 && is_continuation(text[start]) {
        start -= 1;
    }
    Some(start)
}

#[cfg(test)]
pub(crate) mod tests;
