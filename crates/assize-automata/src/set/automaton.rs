//! All places of many needles in one pass: an Aho-Corasick automaton with every move in a table.
//!
//! # Layout
//!
//! State `s` has `1 << shift` moves at `moves[s << shift]`, one for each class of bytes.
//! States are 16-bit numbers, which keeps the table of a few thousand states inside the second-level cache.
//! States at which a needle ends have the highest numbers, so that one comparison a byte tells them.

use crate::budget::Budget;

/// 16-bit states can tell no more apart.
const MAX_STATES: usize = 1 << 16;
const ROOT: u16 = 0;
const NO_NEEDLE: u32 = u32::MAX;

#[derive(Debug, Clone)]
pub(super) struct Automaton {
    classes: Box<[u8; 256]>,
    shift: u32,
    moves: Box<[u16]>,
    /// The first state at which a needle ends.
    first_end: usize,
    /// What ends at each state from `first_end` on.
    ends: Box<[End]>,
}

/// What ends at a state.
#[derive(Debug, Clone, Copy)]
struct End {
    /// The longest needle.
    needle: u32,
    /// The state that ends in the next shorter one; the root if there is none.
    shorter: u16,
}

impl Automaton {
    /// Builds the automaton of needles that are sorted, distinct and not empty; nothing if it is over the budget.
    pub(super) fn build(needles: &[&[u8]], budget: &Budget) -> Option<Self> {
        let trie = Trie::build(needles, budget)?;
        let failures = trie.failures();
        Some(trie.finish(&failures))
    }

    pub(super) fn n_states(&self) -> usize {
        self.moves.len() >> self.shift
    }

    pub(super) fn n_bytes(&self) -> usize {
        size_of_val(&*self.moves) + size_of_val(&*self.ends) + size_of_val(&*self.classes)
    }

    /// Calls `found` with each needle and where it ends, until it says false; returns whether it never did.
    #[inline]
    pub(super) fn scan(&self, text: &[u8], mut found: impl FnMut(u32, usize) -> bool) -> bool {
        let mut state = usize::from(ROOT);
        let mut rest = text;
        while !rest.is_empty() {
            (state, rest) = self.walk(state, rest);
            if state >= self.first_end
                && !self.report(state - self.first_end, text.len() - rest.len(), &mut found)
            {
                return false;
            }
        }
        true
    }

    /// Moves on to the next state at which a needle ends, or to the end of the text.
    ///
    /// A function of its own, so that the loop keeps all it needs in registers: it is most of what
    /// a search costs.
    #[inline(never)]
    fn walk<'t>(&self, mut state: usize, text: &'t [u8]) -> (usize, &'t [u8]) {
        let (classes, moves, shift) = (&*self.classes, &*self.moves, self.shift);
        let mut bytes = text.iter();
        for &byte in bytes.by_ref() {
            let class = usize::from(classes[usize::from(byte)]);
            state = usize::from(moves[(state << shift) | class]);
            if state >= self.first_end {
                break;
            }
        }
        (state, bytes.as_slice())
    }

    fn report(&self, at: usize, end: usize, found: &mut impl FnMut(u32, usize) -> bool) -> bool {
        let mut at = at;
        loop {
            let End { needle, shorter } = self.ends[at];
            if !found(needle, end) {
                return false;
            }
            if shorter == ROOT {
                return true;
            }
            at = usize::from(shorter) - self.first_end;
        }
    }
}

/// The needles as a tree; the root's number stands for "no child".
struct Trie {
    classes: Box<[u8; 256]>,
    shift: u32,
    moves: Vec<u16>,
    /// The needle that ends at each state.
    needles: Vec<u32>,
}

/// What completes a tree to an automaton.
struct Failures {
    /// States by depth.
    order: Vec<u16>,
    /// The state of the longest proper suffix that is in the tree.
    suffix: Vec<u16>,
}

impl Trie {
    fn build(needles: &[&[u8]], budget: &Budget) -> Option<Self> {
        let (classes, shift) = byte_classes(needles);
        let by_bytes = (budget.max_bytes / size_of::<u16>()) >> shift;
        let max_states = budget.max_states.min(by_bytes).min(MAX_STATES);
        let mut trie =
            Self { classes, shift, moves: vec![ROOT; 1 << shift], needles: vec![NO_NEEDLE] };
        for (idx, needle) in needles.iter().enumerate() {
            let mut state = ROOT;
            for &byte in *needle {
                let at = trie.at(state, trie.classes[usize::from(byte)]);
                if trie.moves[at] == ROOT {
                    trie.moves[at] = trie.push(max_states)?;
                }
                state = trie.moves[at];
            }
            trie.needles[usize::from(state)] = u32::try_from(idx).ok()?;
        }
        Some(trie)
    }

    fn push(&mut self, max_states: usize) -> Option<u16> {
        let state = self.needles.len();
        if state >= max_states {
            return None;
        }
        self.needles.push(NO_NEEDLE);
        self.moves.resize(self.moves.len() + (1 << self.shift), ROOT);
        u16::try_from(state).ok()
    }

    fn at(&self, state: u16, class: u8) -> usize {
        usize::from(state) << self.shift | usize::from(class)
    }

    /// The suffix of each state, by depth: a child's suffix is where its parent's suffix goes.
    fn failures(&self) -> Failures {
        let n_states = self.needles.len();
        let mut suffix = vec![ROOT; n_states];
        let mut order = vec![ROOT];
        let mut at = 0;
        while let Some(&state) = order.get(at) {
            at += 1;
            for class in 0..1_usize << self.shift {
                let child = self.moves[usize::from(state) << self.shift | class];
                if child != ROOT {
                    suffix[usize::from(child)] = self.suffix_of_child(&suffix, state, class);
                    order.push(child);
                }
            }
        }
        Failures { order, suffix }
    }

    fn suffix_of_child(&self, suffix: &[u16], parent: u16, class: usize) -> u16 {
        let mut state = parent;
        while state != ROOT {
            state = suffix[usize::from(state)];
            let next = self.moves[usize::from(state) << self.shift | class];
            if next != ROOT {
                return next;
            }
        }
        ROOT
    }

    fn finish(mut self, failures: &Failures) -> Automaton {
        self.complete(failures);
        let n_states = self.needles.len();
        let shorter = self.shorter_ends(failures);
        let is_end = |state: usize| self.needles[state] != NO_NEEDLE || shorter[state] != ROOT;
        let (plain, ending): (Vec<usize>, Vec<usize>) =
            (0..n_states).partition(|&state| !is_end(state));
        let first_end = plain.len();
        let mut numbers = vec![ROOT; n_states];
        for (&state, number) in plain.iter().chain(&ending).zip(0_u16..=u16::MAX) {
            numbers[state] = number;
        }
        let width = 1_usize << self.shift;
        let mut moves = Vec::with_capacity(self.moves.len());
        for &state in plain.iter().chain(&ending) {
            let row = &self.moves[state * width..][..width];
            moves.extend(row.iter().map(|&to| numbers[usize::from(to)]));
        }
        let end = |&state: &usize| {
            // A state at which only shorter needles end takes the place of the longest of them.
            let own = self.needles[state] != NO_NEEDLE;
            let longest = if own { state } else { usize::from(shorter[state]) };
            // The root keeps its number, so "none" stays "none".
            let shorter = numbers[usize::from(shorter[longest])];
            End { needle: self.needles[longest], shorter }
        };
        let ends = ending.iter().map(end).collect();
        let (classes, shift) = (self.classes, self.shift);
        Automaton { classes, shift, moves: moves.into_boxed_slice(), first_end, ends }
    }

    /// Fills every move that the tree lacks with that of the suffix.
    fn complete(&mut self, failures: &Failures) {
        for &state in failures.order.iter().skip(1) {
            let suffix = failures.suffix[usize::from(state)];
            for class in 0..1_usize << self.shift {
                let at = usize::from(state) << self.shift | class;
                if self.moves[at] == ROOT {
                    self.moves[at] = self.moves[usize::from(suffix) << self.shift | class];
                }
            }
        }
    }

    /// The nearest suffix of each state at which a needle of its own ends; the root if there is none.
    fn shorter_ends(&self, failures: &Failures) -> Vec<u16> {
        let mut shorter = vec![ROOT; self.needles.len()];
        for &state in &failures.order {
            let suffix = usize::from(failures.suffix[usize::from(state)]);
            let own = self.needles[suffix] != NO_NEEDLE;
            shorter[usize::from(state)] =
                if own { failures.suffix[usize::from(state)] } else { shorter[suffix] };
        }
        shorter
    }
}

/// Numbers the bytes that the needles hold from 1; all others are 0. Also the binary logarithm of how many classes a row has room for.
fn byte_classes(needles: &[&[u8]]) -> (Box<[u8; 256]>, u32) {
    let mut used = [false; 256];
    for &byte in needles.iter().copied().flatten() {
        used[usize::from(byte)] = true;
    }
    let mut classes = Box::new([0; 256]);
    let mut last = 0_u8;
    for (class, _) in classes.iter_mut().zip(used).filter(|(_, used)| *used) {
        // Needles are parts of UTF-8 text, which lacks some bytes, so there are fewer than 256 in use.
        last = last.saturating_add(1);
        *class = last;
    }
    (classes, (u32::from(last) + 1).next_power_of_two().trailing_zeros())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(needles: &[&str], text: &str) -> Vec<(u32, usize)> {
        let needles: Vec<&[u8]> = needles.iter().map(|needle| needle.as_bytes()).collect();
        let automaton = Automaton::build(&needles, &Budget::default()).expect("it is small");
        let mut found = Vec::new();
        let ended = automaton.scan(text.as_bytes(), |needle, end| {
            found.push((needle, end));
            true
        });
        assert!(ended);
        found
    }

    #[test]
    fn overlapping_needles_are_all_found() {
        let check = |needles: &[&str], text: &str, expected: &[(u32, usize)]| {
            assert_eq!(found(needles, text), expected, "{needles:?} in {text}");
        };
        check(&["he", "hers", "his", "she"], "ushers", &[(3, 4), (0, 4), (1, 6)]);
        check(&["a", "aa", "aaa"], "aaa", &[(0, 1), (1, 2), (0, 2), (2, 3), (1, 3), (0, 3)]);
        check(&["b", "bc", "xabcd"], "xabce", &[(0, 3), (1, 4)]);
        check(&["é"], "aéb", &[(0, 3)]);
        check(&["abcd", "bc"], "abc", &[(1, 3)]);
        check(&[], "abc", &[]);
    }

    proptest! {
        #[test]
        fn needles_are_found_where_they_are(
            needles in prop::collection::btree_set("[abc]{1,4}", 0..20), text in "[abcd]{0,20}",
        ) {
            let needles: Vec<&str> = needles.iter().map(String::as_str).collect();
            let mut expected: Vec<(u32, usize)> = Vec::new();
            for end in 0..=text.len() {
                let ending = (0..).zip(&needles).filter(|(_, needle)| text[..end].ends_with(**needle));
                expected.extend(ending.map(|(idx, _)| (idx, end)));
            }
            let mut found = found(&needles, &text);
            found.sort_unstable_by_key(|&(needle, end)| (end, needle));
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn scanning_stops_when_told() {
        let automaton = Automaton::build(&[b"a"], &Budget::default()).expect("it is small");
        let mut n_found = 0;
        assert!(!automaton.scan(b"aaa", |_, _| {
            n_found += 1;
            n_found < 2
        }));
        assert_eq!(n_found, 2);
    }

    #[test]
    fn the_budget_holds() {
        let check = |max_states: usize, max_bytes: usize, fits: bool| {
            let budget = Budget { max_states, max_bytes, ..Budget::default() };
            let automaton = Automaton::build(&[b"abc", b"abd"], &budget);
            assert_eq!(automaton.is_some(), fits, "{max_states} states, {max_bytes} bytes");
            if let Some(automaton) = automaton {
                assert!(automaton.n_states() <= max_states);
            }
        };
        check(5, 1_000, true);
        check(4, 1_000, false);
        check(5, 2 * 5 * 8, true);
        check(5, 2 * 5 * 8 - 1, false);
        check(0, 0, false);
    }
}
