//! All places of many needles, by looking at some windows of the text: four bytes at every so many.
//!
//! Of each needle as many windows in a row are known as there are steps between two looks, so one of them is looked at wherever the needle stands.
//! Each look hangs on no other, where an automaton waits for every byte: W3 of the benchmarks (500 patterns) took 160 ns a row instead of 205 when it had an automaton.
//! Looks are made in blocks, and their hits are kept as the bits of a number: whether one hits is guessed wrong too often to ask it at each.
//! What is looked at is first asked of a table of bits, small enough for the first-level cache; what passes is compared with the few needles that share its bucket.
//!
//! Needles of less than four bytes, and needles so alike that a bucket would hold many, are left to the automaton.

use hashbrown::HashMap;

use crate::budget::Budget;

/// Bytes that are looked at together.
const WINDOW_BYTES: usize = 4;
/// Bytes of the longest needle: they are compared as one number.
const MAX_NEEDLE_BYTES: usize = size_of::<u64>();
/// Bytes from one look to the next at most: the longest needle still has so many windows.
const MAX_STEP: usize = MAX_NEEDLE_BYTES + 1 - WINDOW_BYTES;
/// Looks that are made one after the other without a question between them.
const N_BLOCK: usize = 4;
/// Looks whose hits are kept in one number.
const N_LOOKS: usize = u64::BITS as usize;
/// Most needles that a window is compared with.
const MAX_BUCKET: usize = 8;
/// Bits for each known window, and their bounds: 32 KiB at most.
const BITS_PER_WINDOW: usize = 32;
const MIN_BITS: usize = 1 << 9;
const MAX_BITS: usize = 1 << 18;
/// Buckets for each known window: most hold one.
const BUCKETS_PER_WINDOW: usize = 4;
/// Spreads windows over the high bits: 2⁶⁴ divided by the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

#[derive(Debug, Clone)]
pub(super) struct Windows {
    /// Bytes from one look to the next.
    step: usize,
    /// For each hash of a window whether a needle has such a window.
    bits: Box<[u64]>,
    /// By how much a hash is shifted to number its bit, and its bucket.
    bit_shift: u32,
    bucket_shift: u32,
    /// Where the windows of each bucket begin.
    starts: Box<[u32]>,
    known: Box<[Known]>,
}

/// A window of a needle.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// The needle, and no bytes behind it.
    bytes: u64,
    needle: u32,
    /// Where in the needle the window is.
    offset: u8,
    /// At least as many as a window has.
    n_bytes: u8,
}

/// A window with where in which needle it is.
struct Placed<'n> {
    hash: u64,
    needle: u32,
    bytes: &'n [u8],
    offset: usize,
}

impl Windows {
    /// Takes distinct needles; nothing if they are left to the automaton or over the budget.
    pub(super) fn build(needles: &[&[u8]], budget: &Budget) -> Option<Self> {
        let longest = needles.iter().map(|needle| needle.len()).max()?;
        let shortest = needles.iter().map(|needle| needle.len()).min()?;
        if longest > MAX_NEEDLE_BYTES {
            return None;
        }
        let longest_step = (shortest + 1).checked_sub(WINDOW_BYTES)?;
        let counts = counts(needles);
        let mut steps = (1..=longest_step).rev();
        steps.find_map(|step| Self::with_step(needles, &counts, step, budget))
    }

    fn with_step(
        needles: &[&[u8]],
        counts: &HashMap<&[u8], u32>,
        step: usize,
        budget: &Budget,
    ) -> Option<Self> {
        let n_windows = needles.len() * step;
        let n_bits = (n_windows * BITS_PER_WINDOW).next_power_of_two().clamp(MIN_BITS, MAX_BITS);
        let n_buckets = (n_windows * BUCKETS_PER_WINDOW).next_power_of_two();
        let n_bytes =
            n_bits / 8 + (n_buckets + 1) * size_of::<u32>() + n_windows * size_of::<Known>();
        if n_windows > budget.max_states || n_bytes > budget.max_bytes {
            return None;
        }
        let bucket_shift = u64::BITS - n_buckets.ilog2();
        let bit_shift = u64::BITS - n_bits.ilog2();
        let mut placed = Vec::with_capacity(n_windows);
        for (bytes, needle) in needles.iter().copied().zip(0_u32..) {
            let from = rarest_run(bytes, counts, step);
            let of_run = bytes.windows(WINDOW_BYTES).enumerate().skip(from).take(step);
            placed.extend(of_run.filter_map(|(offset, window)| {
                Some(Placed { hash: hash(*window.first_chunk()?), needle, bytes, offset })
            }));
        }
        placed.sort_unstable_by_key(|placed| (placed.hash, placed.needle));
        let mut bits = vec![0; n_bits / u64::BITS as usize].into_boxed_slice();
        let mut starts = vec![0_u32; n_buckets + 1];
        for placed in &placed {
            let bit = number(placed.hash, bit_shift);
            bits[bit / 64] |= 1 << (bit % 64);
            starts[number(placed.hash, bucket_shift) + 1] += 1;
        }
        if starts.iter().any(|&n_known| n_known as usize > MAX_BUCKET) {
            return None;
        }
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        let known = placed.iter().map(Known::new).collect();
        Some(Self { step, bits, bit_shift, bucket_shift, starts: starts.into(), known })
    }

    pub(super) fn n_bytes(&self) -> usize {
        size_of_val(&*self.bits) + size_of_val(&*self.starts) + size_of_val(&*self.known)
    }

    /// Calls `found` with each needle and where it ends, once or more, until it says false; returns whether it never did.
    #[inline]
    pub(super) fn scan(&self, text: &[u8], mut found: impl FnMut(u32, usize) -> bool) -> bool {
        if text.len() < WINDOW_BYTES {
            return true;
        }
        let last = text.len().saturating_sub(self.span());
        let mut from = 0;
        while from < last + N_BLOCK * self.step {
            let mut hits = self.look(text, from);
            while hits != 0 {
                let look = hits.trailing_zeros() as usize;
                hits &= hits - 1;
                let block = (from + look / N_BLOCK * N_BLOCK * self.step).min(last);
                let at = block + look % N_BLOCK * self.step;
                let Some(&window) = text.get(at..).and_then(<[u8]>::first_chunk) else { break };
                for known in self.bucket(hash(window)) {
                    if let Some(end) = known.end(text, at)
                        && !found(known.needle, end)
                    {
                        return false;
                    }
                }
            }
            from += N_LOOKS * self.step;
        }
        true
    }

    /// Bytes that a block of looks needs.
    fn span(&self) -> usize {
        WINDOW_BYTES + (N_BLOCK - 1) * self.step
    }

    /// Which of the next looks from `from` on may be at a window of a needle.
    ///
    /// A function of its own, so that the loop keeps all it needs in registers.
    #[inline(never)]
    fn look(&self, text: &[u8], from: usize) -> u64 {
        if text.len() < self.span() {
            let looks = text.windows(WINDOW_BYTES).step_by(self.step).take(N_BLOCK);
            let bits = looks.map(|window| window.first_chunk().map_or(0, |&w| self.bit(w)));
            return bits.enumerate().fold(0, |hits, (look, bit)| hits | bit << look);
        }
        match self.step {
            1 => self.look_in_steps::<1>(text, from),
            2 => self.look_in_steps::<2>(text, from),
            3 => self.look_in_steps::<3>(text, from),
            4 => self.look_in_steps::<4>(text, from),
            _ => self.look_in_steps::<MAX_STEP>(text, from),
        }
    }

    /// The same by blocks, for a text that has room for one. The last block ends with the text, so that no look needs to ask whether there is room for it.
    #[inline]
    fn look_in_steps<const STEP: usize>(&self, text: &[u8], from: usize) -> u64 {
        let span = WINDOW_BYTES + (N_BLOCK - 1) * STEP;
        let last = text.len() - span;
        let (mut start, mut hits, mut n_looks) = (from, 0, 0);
        loop {
            let block = &text[start.min(last)..][..span];
            let mut of_block = 0;
            for look in 0..N_BLOCK {
                if let Some(&window) = block[look * STEP..].first_chunk() {
                    of_block |= self.bit(window) << look;
                }
            }
            hits |= of_block << n_looks;
            n_looks += N_BLOCK;
            if start >= last || n_looks == N_LOOKS {
                return hits;
            }
            start += N_BLOCK * STEP;
        }
    }

    /// One if a needle may have the window.
    #[inline]
    fn bit(&self, window: [u8; WINDOW_BYTES]) -> u64 {
        let bit = number(hash(window), self.bit_shift);
        let word = self.bits.get(bit / 64).copied().unwrap_or_default();
        word >> (bit % 64) & 1
    }

    fn bucket(&self, hash: u64) -> &[Known] {
        let at = number(hash, self.bucket_shift);
        let bounds = self.starts.get(at).zip(self.starts.get(at + 1));
        let known = bounds.and_then(|(&start, &end)| self.known.get(start as usize..end as usize));
        known.unwrap_or_default()
    }
}

impl Known {
    fn new(placed: &Placed<'_>) -> Self {
        let n_bytes = placed.bytes.len();
        Self {
            bytes: first_bytes(placed.bytes),
            needle: placed.needle,
            offset: u8::try_from(placed.offset).unwrap_or_default(),
            n_bytes: u8::try_from(n_bytes).unwrap_or_default(),
        }
    }

    /// Where the needle ends if its window at `at` is one of it.
    #[inline]
    fn end(&self, text: &[u8], at: usize) -> Option<usize> {
        let start = at.checked_sub(usize::from(self.offset))?;
        let end = start + usize::from(self.n_bytes);
        let bytes = match text[start..].first_chunk() {
            Some(bytes) => {
                let n_behind = MAX_NEEDLE_BYTES - usize::from(self.n_bytes).min(MAX_NEEDLE_BYTES);
                u64::from_le_bytes(*bytes) & u64::MAX >> (n_behind * 8)
            }
            None => first_bytes(text.get(start..end)?),
        };
        (bytes == self.bytes).then_some(end)
    }
}

/// At most eight bytes as a number.
fn first_bytes(bytes: &[u8]) -> u64 {
    let mut chunk = [0; MAX_NEEDLE_BYTES];
    chunk[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(chunk)
}

#[inline]
fn hash(window: [u8; WINDOW_BYTES]) -> u64 {
    u64::from(u32::from_le_bytes(window)).wrapping_mul(SPREAD)
}

#[inline]
fn number(hash: u64, shift: u32) -> usize {
    // A number of at most 63 bits fits where tables of that many entries do.
    usize::try_from(hash >> shift).unwrap_or(usize::MAX)
}

/// How many needles have each window.
fn counts<'n>(needles: &[&'n [u8]]) -> HashMap<&'n [u8], u32> {
    let mut counts = HashMap::new();
    for needle in needles {
        for window in needle.windows(WINDOW_BYTES) {
            *counts.entry(window).or_default() += 1;
        }
    }
    counts
}

/// Where in a needle the run of so many windows begins whose commonest is the rarest.
fn rarest_run(needle: &[u8], counts: &HashMap<&[u8], u32>, n_windows: usize) -> usize {
    let of_windows = needle.windows(WINDOW_BYTES).map(|window| counts.get(window).copied());
    let of_windows: Vec<u32> = of_windows.map(Option::unwrap_or_default).collect();
    let runs = of_windows.windows(n_windows).map(|run| run.iter().max().copied());
    runs.zip(0..).min().map_or(0, |(_, at)| at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(needles: &[&str], text: &str) -> Option<Vec<(u32, usize)>> {
        let needles: Vec<&[u8]> = needles.iter().map(|needle| needle.as_bytes()).collect();
        let windows = Windows::build(&needles, &Budget::default())?;
        let mut found = Vec::new();
        let ended = windows.scan(text.as_bytes(), |needle, end| {
            found.push((needle, end));
            true
        });
        assert!(ended);
        found.sort_unstable_by_key(|&(needle, end)| (end, needle));
        found.dedup();
        Some(found)
    }

    #[test]
    fn needles_are_found_at_both_ends_and_overlapping() {
        let check = |needles: &[&str], text: &str, expected: &[(u32, usize)]| {
            assert_eq!(found(needles, text).as_deref(), Some(expected), "{needles:?} in {text}");
        };
        check(&["abcd"], "abcd", &[(0, 4)]);
        check(&["abcd", "bcde", "abcdefgh"], "abcdefgh", &[(0, 4), (1, 5), (2, 8)]);
        check(&["abcdefgh"], "xabcdefghabcdefgh", &[(0, 9), (0, 17)]);
        check(&["aaaaaa"], "aaaaaaaa", &[(0, 6), (0, 7), (0, 8)]);
        check(&["abcdef"], "abcdeabc", &[]);
        check(&["abcd"], "abc", &[]);
    }

    proptest! {
        #[test]
        fn needles_are_found_where_they_are(
            needles in prop::collection::btree_set("[abc]{4,8}", 1..12), text in "[abcd]{0,300}",
        ) {
            let needles: Vec<&str> = needles.iter().map(String::as_str).collect();
            let mut expected: Vec<(u32, usize)> = Vec::new();
            for end in 0..=text.len() {
                let ending = (0..).zip(&needles).filter(|(_, needle)| text[..end].ends_with(**needle));
                expected.extend(ending.map(|(idx, _)| (idx, end)));
            }
            let found = found(&needles, &text);
            prop_assert!(found.is_none_or(|found| found == expected));
        }
    }

    #[test]
    fn what_is_short_or_too_alike_is_left_to_the_automaton() {
        let check = |needles: &[String], text: &str, expected: Option<Vec<(u32, usize)>>| {
            let needles: Vec<&str> = needles.iter().map(String::as_str).collect();
            assert_eq!(found(&needles, text), expected, "{needles:?}");
        };
        check(&["abc".to_owned()], "abc", None);
        let ends: Vec<String> = ('a'..='z').map(|end| format!("aaaa{end}")).collect();
        check(&ends, "aaaaz", Some(vec![(25, 5)]));
        let digit = |n: usize, at: usize| if n >> at & 1 == 0 { 'a' } else { 'b' };
        let of_two = |n: usize| (0..8).map(|at| digit(n, at)).collect::<String>();
        check(&(0..256).map(of_two).collect::<Vec<_>>(), "abababab", None);
    }

    #[test]
    fn looking_stops_when_told() {
        let windows = Windows::build(&[b"abcd"], &Budget::default()).expect("it is small");
        let mut n_found = 0;
        assert!(!windows.scan(b"abcdabcdabcd", |_, _| {
            n_found += 1;
            n_found < 2
        }));
        assert_eq!(n_found, 2);
    }

    #[test]
    fn the_budget_holds() {
        let needles: [&[u8]; 2] = [b"abcd", b"efgh"];
        let check = |max_states: usize, max_bytes: usize, fits: bool| {
            let budget = Budget { max_states, max_bytes, ..Budget::default() };
            let windows = Windows::build(&needles, &budget);
            assert_eq!(windows.is_some(), fits, "{max_states} windows, {max_bytes} bytes");
            if let Some(windows) = windows {
                assert!(windows.n_bytes() <= max_bytes);
            }
        };
        check(2, 1_000, true);
        check(1, 1_000, false);
        check(2, 50, false);
    }
}
