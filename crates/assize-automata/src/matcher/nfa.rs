//! A pattern as an automaton whose states are the bits of a few words.
//!
//! State *i* means that the first *i* places of the pattern have been taken; a place is one scalar, literal or `?`.
//! A star keeps its state alive.
//! Stars that meet need a state each, joined by a move that takes nothing.
//! One scalar of text costs one pass over the words, so matching costs text times pattern over 64, whatever the pattern.
//!
//! # Layout
//!
//! A row is one word for 64 states.
//! A scalar that stands at many places of the pattern has a row of its own, one that stands at few a list of places; the boundary is chosen so that all rows together are linear in the pattern.

use crate::pattern::{Class, Piece};

/// Words kept on the stack while matching; longer patterns allocate.
const STACK_WORDS: usize = 16;
const WORD_BITS: usize = u64::BITS as usize;
const N_ASCII: usize = 128;

#[derive(Debug, Clone)]
pub(crate) struct Nfa {
    n_words: usize,
    accept: usize,
    /// States from which a `?` leads on.
    ones: Row,
    /// States with a star.
    loops: Row,
    /// States with a star that takes anything.
    any_loops: Row,
    /// States from which the next is reached without taking anything; empty if there are none.
    silent: Row,
    index: SymbolIndex,
    symbols: Box<[Symbol]>,
    /// If there is one word: for each symbol the states that lead on, and those that stay.
    words: Box<[(u64, u64)]>,
}

/// Which symbol a scalar is; 0 is all those that the pattern does not name.
#[derive(Debug, Clone)]
struct SymbolIndex {
    ascii: Box<[u32; N_ASCII]>,
    /// The other scalars that the pattern names, sorted.
    others: Box<[(u32, u32)]>,
}

type Row = Box<[u64]>;

/// What one scalar does.
#[derive(Debug, Clone, Default)]
struct Symbol {
    /// Where it stands as a literal, as a row; empty if `places` has them or there are none.
    dense: Row,
    places: Box<[usize]>,
    /// The `?` and the stars that exclude it; empty if there are none.
    not_ones: Row,
    not_loops: Row,
}

/// A scalar as one number: its UTF-8 bytes, the first highest.
pub(crate) fn scalar_key(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |key, &byte| key << 8 | u32::from(byte))
}

impl Symbol {
    /// Which states of a word lead on, and which stay.
    #[inline]
    fn follow(&self, nfa: &Nfa, at: usize, states: u64) -> (u64, u64) {
        let word = |row: &Row| row.get(at).copied().unwrap_or(0);
        let ones = nfa.ones[at] & !word(&self.not_ones);
        let moving = states & (ones | word(&self.dense));
        (moving, states & nfa.loops[at] & !word(&self.not_loops))
    }
}

/// The scalars of a text as numbers, in lower case if need be.
fn keys<const FOLD: bool>(text: &[u8]) -> impl Iterator<Item = u32> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let byte = *text.get(at)?;
        let start = at;
        at = super::scalar_end(text, at);
        Some(match at - start {
            1 => u32::from(super::folded::<FOLD>(byte)),
            _ => scalar_key(&text[start..at]),
        })
    })
}

impl Nfa {
    pub(crate) fn new(pieces: &[Piece]) -> Self {
        let mut draft = Draft::default();
        for piece in pieces {
            draft.add(piece);
        }
        draft.finish()
    }

    pub(crate) fn n_words(&self) -> usize {
        self.n_words
    }

    pub(crate) fn is_match<const FOLD: bool>(&self, text: &[u8]) -> bool {
        if self.n_words == 1 {
            self.run_word::<FOLD>(text)
        } else if self.n_words <= STACK_WORDS {
            let mut words = [0; 2 * STACK_WORDS];
            self.run::<FOLD>(text, &mut words)
        } else {
            self.run::<FOLD>(text, &mut vec![0; 2 * self.n_words])
        }
    }

    fn run<const FOLD: bool>(&self, text: &[u8], words: &mut [u64]) -> bool {
        let (now, rest) = words.split_at_mut(self.n_words);
        let (mut now, mut next) = (now, &mut rest[..self.n_words]);
        self.start(now);
        for key in keys::<FOLD>(text) {
            if !self.step(key, now, next) {
                return false;
            }
            (now, next) = (next, now);
        }
        self.accepts(now)
    }

    /// The same for patterns of one word, which are nearly all: the states stay in a register.
    fn run_word<const FOLD: bool>(&self, text: &[u8]) -> bool {
        let mut states = [0];
        self.start(&mut states);
        for key in keys::<FOLD>(text) {
            let (moving, staying) = self.words[self.index.find(key) as usize];
            states[0] = (states[0] & moving) << 1 | states[0] & staying;
            if states[0] == 0 {
                return false;
            }
            self.close(&mut states);
        }
        self.accepts(&states)
    }

    /// Sets the states before any text.
    pub(crate) fn start(&self, states: &mut [u64]) {
        states.fill(0);
        states[0] = 1;
        self.close(states);
    }

    pub(crate) fn accepts(&self, states: &[u64]) -> bool {
        has(states, self.accept)
    }

    /// Sets `next` to the states after one more scalar; false if there are none.
    pub(crate) fn step(&self, key: u32, now: &[u64], next: &mut [u64]) -> bool {
        let symbol = self.symbol(key);
        let mut carry = 0;
        let mut alive = 0;
        for (at, &states) in now.iter().enumerate() {
            let (moving, staying) = symbol.follow(self, at, states);
            next[at] = moving << 1 | carry | staying;
            carry = moving >> (WORD_BITS - 1);
            alive |= next[at];
        }
        for &place in &symbol.places {
            if has(now, place) {
                set(next, place + 1);
                alive = 1;
            }
        }
        self.close(next);
        alive != 0
    }

    /// Drops the states before the last one whose star takes anything.
    ///
    /// All that they accept goes through that state, which takes anything meanwhile, so the set accepts the same without them.
    pub(crate) fn prune(&self, states: &mut [u64]) {
        let last = (0..self.n_words).rev().find(|&at| states[at] & self.any_loops[at] != 0);
        if let Some(last) = last {
            states[..last].fill(0);
            let top = (states[last] & self.any_loops[last]).leading_zeros();
            states[last] &= u64::MAX << (u64::BITS - 1 - top);
        }
    }

    fn symbol(&self, key: u32) -> &Symbol {
        &self.symbols[self.index.find(key) as usize]
    }

    /// Follows the silent moves: in each word by doubling the length of the step, then into the next word.
    fn close(&self, states: &mut [u64]) {
        let mut carry = 0;
        for (states, &silent) in states.iter_mut().zip(&self.silent) {
            let mut reached = *states | carry;
            let mut steps = silent;
            for shift in [1, 2, 4, 8, 16, 32] {
                reached |= (reached & steps) << shift;
                steps &= steps >> shift;
            }
            carry = (reached & silent) >> (WORD_BITS - 1);
            *states = reached;
        }
    }
}

fn has(row: &[u64], bit: usize) -> bool {
    row.get(bit / WORD_BITS).is_some_and(|word| word >> (bit % WORD_BITS) & 1 == 1)
}

fn set(row: &mut [u64], bit: usize) {
    if let Some(word) = row.get_mut(bit / WORD_BITS) {
        *word |= 1 << (bit % WORD_BITS);
    }
}

/// The places of the pattern, before their number is known.
#[derive(Default)]
struct Draft {
    n_places: usize,
    literals: Vec<(u32, usize)>,
    ones: Vec<(Class, usize)>,
    stars: Vec<(Class, usize)>,
    silent: Vec<usize>,
}

impl Draft {
    fn add(&mut self, piece: &Piece) {
        match piece {
            Piece::Literal(text) => {
                let mut buffer = [0; 4];
                for scalar in text.chars() {
                    let key = scalar_key(scalar.encode_utf8(&mut buffer).as_bytes());
                    self.literals.push((key, self.n_places));
                    self.n_places += 1;
                }
            }
            Piece::One(class) => {
                self.ones.push((*class, self.n_places));
                self.n_places += 1;
            }
            Piece::Star(class) => {
                if self.stars.last().is_some_and(|&(_, place)| place == self.n_places) {
                    self.silent.push(self.n_places);
                    self.n_places += 1;
                }
                self.stars.push((*class, self.n_places));
            }
        }
    }

    fn finish(mut self) -> Nfa {
        let accept = self.n_places;
        let n_words = accept / WORD_BITS + 1;
        let row = |places: &mut dyn Iterator<Item = usize>| {
            let mut row = vec![0; n_words].into_boxed_slice();
            places.for_each(|place| set(&mut row, place));
            row
        };
        let all = |of: &[(Class, usize)]| row(&mut of.iter().map(|&(_, place)| place));
        let only = |of: &[(Class, usize)], class: Class| {
            row(&mut of.iter().filter(|at| at.0 == class).map(|&(_, place)| place))
        };
        self.literals.sort_unstable();
        let mut symbols = vec![(0, Symbol::default())];
        for group in self.literals.chunk_by(|a, b| a.0 == b.0) {
            let mut symbol = Symbol::default();
            let mut places = group.iter().map(|&(_, place)| place);
            if group.len() >= n_words {
                symbol.dense = row(&mut places);
            } else {
                symbol.places = places.collect();
            }
            symbols.push((group[0].0, symbol));
        }
        for byte in self.excluded() {
            let key = u32::from(byte);
            let at = symbols.iter().skip(1).position(|symbol| symbol.0 == key);
            let at = at.map_or(symbols.len(), |at| at + 1);
            if at == symbols.len() {
                symbols.push((key, Symbol::default()));
            }
            symbols[at].1.not_ones = only(&self.ones, Class::Except(byte));
            symbols[at].1.not_loops = only(&self.stars, Class::Except(byte));
        }
        let silent = if self.silent.is_empty() {
            Row::default()
        } else {
            row(&mut self.silent.iter().copied())
        };
        let mut nfa = Nfa {
            n_words,
            accept,
            ones: all(&self.ones),
            loops: all(&self.stars),
            any_loops: only(&self.stars, Class::Any),
            silent,
            index: SymbolIndex::new(&symbols),
            symbols: symbols.into_iter().map(|(_, symbol)| symbol).collect(),
            words: Box::default(),
        };
        if n_words == 1 {
            // INVARIANT: with one word every named scalar has a row of its own, so the rows say all.
            let words = nfa.symbols.iter().map(|symbol| symbol.follow(&nfa, 0, u64::MAX));
            nfa.words = words.collect();
        }
        nfa
    }

    fn excluded(&self) -> Vec<u8> {
        let excluded = |&(class, _): &(Class, usize)| match class {
            Class::Any => None,
            Class::Except(byte) => Some(byte),
        };
        let mut bytes: Vec<u8> = self.ones.iter().chain(&self.stars).filter_map(excluded).collect();
        bytes.sort_unstable();
        bytes.dedup();
        bytes
    }
}

impl SymbolIndex {
    /// Takes the symbols with their scalars; the first is the one for scalars not named.
    fn new(symbols: &[(u32, Symbol)]) -> Self {
        let mut ascii = Box::new([0; N_ASCII]);
        let mut others = Vec::new();
        for ((key, _), idx) in symbols.iter().zip(0_u32..).skip(1) {
            match ascii.get_mut(*key as usize) {
                Some(slot) => *slot = idx,
                None => others.push((*key, idx)),
            }
        }
        others.sort_unstable();
        Self { ascii, others: others.into_boxed_slice() }
    }

    fn find(&self, key: u32) -> u32 {
        match self.ascii.get(key as usize) {
            Some(&idx) => idx,
            None => match self.others.binary_search_by_key(&key, |&(key, _)| key) {
                Ok(at) => self.others[at].1,
                Err(_) => 0,
            },
        }
    }
}
