//! Which literal of a pattern to search for.

use crate::pattern::{Pattern, Piece};

/// Bytes of the part of a literal whose rarity is estimated.
const GRAM_BYTES: usize = 3;
/// Counters for each byte of pattern, and their bounds.
const SLOTS_PER_BYTE: usize = 32;
const MIN_GRAM_SLOTS: usize = 1 << 12;
const MAX_GRAM_SLOTS: usize = 1 << 16;
/// Spreads numbers over the high bits of 32: the golden ratio's fraction.
const SPREAD: u32 = 0x9e37_79b1;

/// A literal that every match of a pattern holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needle {
    pub(super) bytes: Vec<u8>,
    pub(super) place: Place,
}

/// Where in a text a needle must stand, which spares most of the verifying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Its end is this far from the start of the text.
    FromStart(u32),
    /// Its end is this far from the end of the text.
    FromEnd(u32),
    Anywhere,
}

impl Place {
    /// Whether a needle that ends at `end` is in its place.
    #[inline]
    pub(super) fn is_at(self, end: usize, text_bytes: usize) -> bool {
        match self {
            Self::FromStart(bytes) => end == bytes as usize,
            Self::FromEnd(bytes) => end + bytes as usize == text_bytes,
            Self::Anywhere => true,
        }
    }
}

/// How often short byte strings occur in the patterns of a set, roughly.
///
/// The texts of a set look like its patterns, so what is rare here is rare there.
/// Strings that collide are counted together: a wrong estimate costs time, never an answer.
pub(super) struct Grams {
    counts: Vec<u32>,
}

impl Grams {
    /// Counts the literals of the patterns after the first `skip` bytes, which all share.
    pub(super) fn count<'a>(
        patterns: impl Iterator<Item = &'a Pattern> + Clone,
        skip: usize,
    ) -> Self {
        let bytes: usize = patterns.clone().map(Pattern::n_bytes).sum();
        let slots = bytes
            .saturating_mul(SLOTS_PER_BYTE)
            .clamp(MIN_GRAM_SLOTS, MAX_GRAM_SLOTS)
            .next_power_of_two();
        let mut grams = Self { counts: vec![0; slots] };
        for pattern in patterns {
            for (_, literal, _) in literals(pattern, skip) {
                for n_bytes in 1..=GRAM_BYTES {
                    for gram in literal.windows(n_bytes) {
                        let slot = grams.slot(gram);
                        grams.counts[slot] = grams.counts[slot].saturating_add(1);
                    }
                }
            }
        }
        grams
    }

    /// The needle of at most `max_bytes` bytes around the rarest gram, if the pattern has a literal after the first `skip` bytes.
    pub(super) fn choose(
        &self,
        pattern: &Pattern,
        skip: usize,
        max_bytes: usize,
    ) -> Option<Needle> {
        let mut best: Option<((u32, usize), Needle)> = None;
        for (start, literal, from_end) in literals(pattern, skip) {
            let n_bytes = literal.len().min(max_bytes);
            let (rarity, at) = self.rarest(literal, n_bytes.min(GRAM_BYTES));
            // Of what is about as rare the longer, which windows find in fewer looks.
            let cost = ((rarity.saturating_add(1)).ilog2(), max_bytes - n_bytes);
            if best.as_ref().is_some_and(|(least, _)| *least <= cost) {
                continue;
            }
            let from = at.min(literal.len() - n_bytes);
            let end = from + n_bytes;
            let place = match (start, from_end) {
                (Some(start), _) => u32::try_from(start + end).map(Place::FromStart),
                (None, true) => u32::try_from(literal.len() - end).map(Place::FromEnd),
                (None, false) => Ok(Place::Anywhere),
            };
            let place = place.unwrap_or(Place::Anywhere);
            best = Some((cost, Needle { bytes: literal[from..end].to_vec(), place }));
        }
        best.map(|(_, needle)| needle)
    }

    /// The count and the place of the rarest gram of a literal.
    fn rarest(&self, literal: &[u8], gram_bytes: usize) -> (u32, usize) {
        let grams = literal.windows(gram_bytes.max(1)).enumerate();
        grams.map(|(at, gram)| (self.counts[self.slot(gram)], at)).min().unwrap_or((u32::MAX, 0))
    }

    fn slot(&self, gram: &[u8]) -> usize {
        let packed = gram.iter().fold(1, |packed: u32, &byte| packed << 8 | u32::from(byte));
        // Once is not enough: grams of letters differ by few bits, and many would collide.
        let mixed = packed.wrapping_mul(SPREAD);
        let mixed = (mixed ^ mixed >> 15).wrapping_mul(SPREAD);
        (mixed >> (u32::BITS - self.counts.len().ilog2())) as usize
    }
}

/// The literals of a pattern that are not empty after the first `skip` bytes: where each starts if that is fixed, the bytes, and whether the pattern ends with it.
fn literals(pattern: &Pattern, skip: usize) -> impl Iterator<Item = (Option<usize>, &[u8], bool)> {
    let pieces = pattern.pieces();
    pieces.iter().enumerate().filter_map(move |(idx, piece)| {
        let Piece::Literal(text) = piece else { return None };
        let skipped = if idx == 0 { skip.min(text.len()) } else { 0 };
        let literal = &text.as_bytes()[skipped..];
        let start = (idx == 0).then_some(skipped);
        (!literal.is_empty()).then_some((start, literal, idx + 1 == pieces.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_literal_is_chosen() {
        let patterns = ["a/common/*/xyz", "b/common/*/pqr", "c/common/*"].map(Pattern::glob);
        let grams = Grams::count(patterns.iter(), 0);
        let check = |pattern: &Pattern, max_bytes: usize, bytes: &str, place: Place| {
            let expected = Needle { bytes: bytes.into(), place };
            assert_eq!(grams.choose(pattern, 0, max_bytes), Some(expected));
        };
        check(&patterns[0], 8, "a/common", Place::FromStart(8));
        check(&patterns[0], 2, "a/", Place::FromStart(2));
        check(&Pattern::glob("*/common/*xyz"), 8, "xyz", Place::FromEnd(0));
        check(&Pattern::glob("*/common/*/odd/*"), 4, "/odd", Place::Anywhere);
    }

    #[test]
    fn what_all_share_is_no_needle() {
        let pattern = Pattern::glob("abc*");
        let grams = Grams::count([&pattern].into_iter(), 0);
        assert_eq!(grams.choose(&pattern, 3, 8), None);
        assert_eq!(grams.choose(&Pattern::glob("*?"), 0, 8), None);
        let needle = grams.choose(&pattern, 1, 8).expect("two bytes are left");
        assert_eq!(needle, Needle { bytes: b"bc".to_vec(), place: Place::FromStart(3) });
    }
}
