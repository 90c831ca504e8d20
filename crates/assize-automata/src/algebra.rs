//! Two patterns compared: does one cover the other, have they a text in common, and which.
//!
//! The answers are exact, and come from a search through pairs of states: one of the first pattern, and one state (for an intersection) or the set of all states (for a difference) of the second.
//! Texts are tried over the scalars that the patterns name and one that neither does, since all others behave like that one.
//!
//! An intersection takes at most as many states as the lengths of the patterns multiplied.
//! A difference can take exponentially many, if the subtracted pattern has many `?` after a star; states before the last reached star that takes anything are dropped, so usual patterns stay near the product of the lengths.
//! Past [`Budget::max_product_states`] the answer is an error, never a guess.

use hashbrown::{HashMap, HashSet};

use crate::{
    budget::{Budget, Error, ErrorKind},
    matcher::nfa::{Nfa, scalar_key},
    pattern::{Class, Pattern, Piece},
};

/// Whether `general` matches every text that `special` matches.
///
/// # Errors
///
/// Fails if the comparison takes more states than the budget allows.
///
/// # Examples
///
/// ```
/// use assize_automata::{Budget, Pattern, algebra::covers};
///
/// let (general, special) = (Pattern::glob("logs/*"), Pattern::glob("logs/*/2024-??"));
/// assert!(covers(&general, &special, &Budget::default())?);
/// assert!(!covers(&special, &general, &Budget::default())?);
/// # Ok::<(), assize_automata::Error>(())
/// ```
pub fn covers(general: &Pattern, special: &Pattern, budget: &Budget) -> Result<bool, Error> {
    if general.is_universal() || general == special {
        return Ok(true);
    }
    if let Some(text) = special.as_literal()
        && (general.is_ascii_case_insensitive() || !special.is_ascii_case_insensitive())
    {
        return Ok(general.is_match(text.as_bytes()));
    }
    Ok(witness_difference(special, general, budget)?.is_none())
}

/// Whether some text matches both patterns.
///
/// # Errors
///
/// Fails if the comparison takes more states than the budget allows.
pub fn intersects(a: &Pattern, b: &Pattern, budget: &Budget) -> Result<bool, Error> {
    Ok(witness_intersection(a, b, budget)?.is_some())
}

/// One of the shortest texts that match both patterns.
///
/// # Errors
///
/// Fails if the comparison takes more states than the budget allows.
pub fn witness_intersection(
    a: &Pattern,
    b: &Pattern,
    budget: &Budget,
) -> Result<Option<String>, Error> {
    let alphabet = alphabet([a, b]);
    search(&Chain::new(a), &mut Chain::new(b), &alphabet, budget)
}

/// One of the shortest texts that match `minuend` and not `subtrahend`.
///
/// # Errors
///
/// Fails if the comparison takes more states than the budget allows.
///
/// # Examples
///
/// ```
/// use assize_automata::{Budget, Pattern, algebra::witness_difference};
///
/// let (minuend, subtrahend) = (Pattern::glob("a*"), Pattern::glob("a?*"));
/// let witness = witness_difference(&minuend, &subtrahend, &Budget::default())?;
/// assert_eq!(witness.as_deref(), Some("a"));
/// # Ok::<(), assize_automata::Error>(())
/// ```
pub fn witness_difference(
    minuend: &Pattern,
    subtrahend: &Pattern,
    budget: &Budget,
) -> Result<Option<String>, Error> {
    let alphabet = alphabet([minuend, subtrahend]);
    search(&Chain::new(minuend), &mut Complement::new(subtrahend), &alphabet, budget)
}

/// The scalars that patterns name, each letter in both cases if one ignores case, after a scalar that none names.
fn alphabet(patterns: [&Pattern; 2]) -> Vec<char> {
    let fold = patterns.iter().any(|pattern| pattern.is_ascii_case_insensitive());
    let mut named = Vec::new();
    for piece in patterns.iter().flat_map(|pattern| pattern.pieces()) {
        match piece {
            Piece::Literal(text) => named.extend(text.chars()),
            Piece::One(Class::Except(byte)) | Piece::Star(Class::Except(byte)) => {
                named.push(char::from(*byte));
            }
            Piece::One(Class::Any) | Piece::Star(Class::Any) => {}
        }
    }
    if fold {
        let other_case: Vec<char> = named.iter().map(|&scalar| swap_case(scalar)).collect();
        named.extend(other_case);
    }
    named.sort_unstable();
    named.dedup();
    let readable = ('x'..='z').chain('a'..='w').chain('0'..='9').chain('A'..='Z');
    let mut unnamed =
        readable.chain('\u{a1}'..).filter(|scalar| named.binary_search(scalar).is_err());
    let mut alphabet: Vec<char> = unnamed.next().into_iter().collect();
    alphabet.append(&mut named);
    alphabet
}

fn swap_case(scalar: char) -> char {
    if scalar.is_ascii_lowercase() {
        scalar.to_ascii_uppercase()
    } else {
        scalar.to_ascii_lowercase()
    }
}

/// The right side of a pair.
trait Side {
    fn starts(&mut self) -> Vec<usize>;
    /// Adds the states after one more scalar.
    fn step(&mut self, state: usize, scalar: char, to: &mut Vec<usize>);
    fn accepts(&self, state: usize) -> bool;
    /// What its states cost beyond the pairs they are in, counted in states.
    fn cost(&self) -> usize;
}

/// A pair of states, and how it was first reached.
struct Pair {
    left: usize,
    right: usize,
    /// The pair before, and the scalar between; nothing at the start.
    from: Option<(usize, char)>,
}

/// Searches breadth first for a text that both sides accept.
fn search(
    left: &Chain,
    right: &mut impl Side,
    alphabet: &[char],
    budget: &Budget,
) -> Result<Option<String>, Error> {
    let mut pairs = Pairs::default();
    for right_start in right.starts() {
        for left_start in left.closure(0) {
            pairs.add(left_start, right_start, None);
        }
    }
    let (mut lefts, mut rights) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(&Pair { left: l, right: r, .. }) = pairs.list.get(at) {
        if left.accepts(l) && right.accepts(r) {
            return Ok(Some(pairs.text(at)));
        }
        for &scalar in alphabet {
            lefts.clear();
            left.advance(l, scalar, &mut lefts);
            if lefts.is_empty() {
                continue;
            }
            rights.clear();
            right.step(r, scalar, &mut rights);
            for &l in &lefts {
                for &r in &rights {
                    pairs.add(l, r, Some((at, scalar)));
                }
            }
        }
        let limit = budget.max_product_states;
        if pairs.list.len() + right.cost() > limit {
            return Err(Error::new(ErrorKind::TooManyProductStates { limit }));
        }
        at += 1;
    }
    Ok(None)
}

#[derive(Default)]
struct Pairs {
    list: Vec<Pair>,
    seen: HashSet<(usize, usize)>,
}

impl Pairs {
    fn add(&mut self, left: usize, right: usize, from: Option<(usize, char)>) {
        if self.seen.insert((left, right)) {
            self.list.push(Pair { left, right, from });
        }
    }

    /// The text on the way to a pair.
    fn text(&self, at: usize) -> String {
        let mut scalars = Vec::new();
        let mut from = self.list[at].from;
        while let Some((before, scalar)) = from {
            scalars.push(scalar);
            from = self.list[before].from;
        }
        scalars.iter().rev().collect()
    }
}

/// A pattern as a chain of states, of which several may be active.
struct Chain {
    states: Vec<State>,
    fold: bool,
}

#[derive(Default)]
struct State {
    /// The star here.
    stay: Option<Class>,
    next: Next,
}

/// How the following state is reached.
#[derive(Default, Clone, Copy)]
enum Next {
    Scalar(char),
    One(Class),
    /// By nothing: another star stands there.
    Silent,
    /// There is none.
    #[default]
    End,
}

impl Chain {
    fn new(pattern: &Pattern) -> Self {
        let mut states = Vec::new();
        let mut stay = None;
        for piece in pattern.pieces() {
            match piece {
                Piece::Literal(text) => states.extend(
                    text.chars()
                        .map(|scalar| State { stay: stay.take(), next: Next::Scalar(scalar) }),
                ),
                Piece::One(class) => {
                    states.push(State { stay: stay.take(), next: Next::One(*class) });
                }
                Piece::Star(class) => {
                    if stay.is_some() {
                        states.push(State { stay, next: Next::Silent });
                    }
                    stay = Some(*class);
                }
            }
        }
        states.push(State { stay, next: Next::End });
        Self { states, fold: pattern.is_ascii_case_insensitive() }
    }

    /// The state and those reached from it by nothing.
    fn closure(&self, state: usize) -> impl Iterator<Item = usize> {
        let silent = self.states[state..].iter();
        let n_silent = silent.take_while(|state| matches!(state.next, Next::Silent)).count();
        (state..).take(n_silent + 1)
    }

    fn advance(&self, state: usize, scalar: char, to: &mut Vec<usize>) {
        let scalar = if self.fold { scalar.to_ascii_lowercase() } else { scalar };
        let State { stay, next } = &self.states[state];
        if stay.is_some_and(|class| class.contains(scalar)) {
            to.extend(self.closure(state));
        }
        let moves = match next {
            Next::Scalar(wanted) => *wanted == scalar,
            Next::One(class) => class.contains(scalar),
            Next::Silent | Next::End => false,
        };
        if moves {
            to.extend(self.closure(state + 1));
        }
    }
}

impl Chain {
    fn accepts(&self, state: usize) -> bool {
        matches!(self.states[state].next, Next::End)
    }
}

impl Side for Chain {
    fn starts(&mut self) -> Vec<usize> {
        self.closure(0).collect()
    }

    fn step(&mut self, state: usize, scalar: char, to: &mut Vec<usize>) {
        self.advance(state, scalar, to);
    }

    fn accepts(&self, state: usize) -> bool {
        self.accepts(state)
    }

    fn cost(&self) -> usize {
        0
    }
}

/// All texts that a pattern does not match: sets of its states, numbered as they come up.
struct Complement {
    nfa: Nfa,
    fold: bool,
    sets: Vec<Box<[u64]>>,
    numbers: HashMap<Box<[u64]>, usize>,
}

impl Complement {
    fn new(pattern: &Pattern) -> Self {
        Self {
            nfa: Nfa::new(pattern.pieces()),
            fold: pattern.is_ascii_case_insensitive(),
            sets: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    fn number(&mut self, mut set: Box<[u64]>) -> usize {
        self.nfa.prune(&mut set);
        if let Some(&number) = self.numbers.get(&set) {
            return number;
        }
        let number = self.sets.len();
        self.sets.push(set.clone());
        self.numbers.insert(set, number);
        number
    }

    fn empty(&self) -> Box<[u64]> {
        vec![0; self.nfa.n_words()].into_boxed_slice()
    }
}

impl Side for Complement {
    fn starts(&mut self) -> Vec<usize> {
        let mut set = self.empty();
        self.nfa.start(&mut set);
        vec![self.number(set)]
    }

    fn step(&mut self, state: usize, scalar: char, to: &mut Vec<usize>) {
        let scalar = if self.fold { scalar.to_ascii_lowercase() } else { scalar };
        let key = scalar_key(scalar.encode_utf8(&mut [0; 4]).as_bytes());
        let mut next = self.empty();
        self.nfa.step(key, &self.sets[state], &mut next);
        to.push(self.number(next));
    }

    fn accepts(&self, state: usize) -> bool {
        !self.nfa.accepts(&self.sets[state])
    }

    fn cost(&self) -> usize {
        self.sets.len() * self.nfa.n_words()
    }
}

#[cfg(test)]
mod tests;
