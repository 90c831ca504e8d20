//! Answers of atoms for values, remembered within one run of deciding.

/// How many answers are remembered: 128 KiB, which stays in the second cache beside the tables.
const N_ENTRIES: usize = 1 << 13;
/// Fibonacci hashing: 2⁶⁴ divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A direct-mapped store: a newer answer takes the place of an older one, so the memory is the
/// same whatever the number of atoms and values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memo {
    entries: Vec<Entry>,
    run: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    key: u64,
    /// The run it was written in, and the answer in the last bit.
    run_and_answer: u32,
}

impl Memo {
    /// Forgets all answers: ids may mean something else from here on.
    pub(crate) fn begin(&mut self) {
        if self.entries.is_empty() {
            self.entries.resize(N_ENTRIES, Entry::default());
        }
        self.run += 1;
        if self.run == 1 << 31 {
            self.entries.fill(Entry::default());
            self.run = 1;
        }
    }

    /// The answer for an atom and a value; `compute` is asked when it is not remembered.
    #[inline]
    pub(crate) fn answer(&mut self, atom: u32, value: u32, compute: impl FnOnce() -> bool) -> bool {
        let key = u64::from(atom) << 32 | u64::from(value);
        let place = usize::try_from(key.wrapping_mul(GOLDEN) >> (64 - N_ENTRIES.trailing_zeros()));
        let Some(entry) = place.ok().and_then(|place| self.entries.get_mut(place)) else {
            return compute();
        };
        if entry.key == key && entry.run_and_answer >> 1 == self.run {
            return entry.run_and_answer & 1 != 0;
        }
        let answer = compute();
        *entry = Entry { key, run_and_answer: self.run << 1 | u32::from(answer) };
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_those_of_the_run_and_the_key() {
        let mut memo = Memo::default();
        let is_odd = |atom: u32, value: u32| (atom + value) % 2 == 1;
        for run in 0..3 {
            memo.begin();
            for _ in 0..2 {
                for (atom, value) in (0..200).flat_map(|a| (0..100).map(move |v| (a, v))) {
                    let expected = is_odd(atom, value) != (run == 1);
                    assert_eq!(memo.answer(atom, value, || expected), expected);
                }
            }
        }
        memo.begin();
        assert!(memo.answer(1, 1, || true));
        assert!(memo.answer(1, 1, || unreachable!("it is remembered")));
    }
}
