//! What texts stand for that came up lately.

use std::ops::Range;

use hashbrown::HashMap;

/// Finds again what a text stands for by its length and some of its bytes, and compares it once.
///
/// Each text has one place, where it takes that of another. Whoever asks looks up elsewhere what
/// is not there, so that texts that are chosen to meet at a place cost no more than that.
#[derive(Debug, Default)]
pub(super) struct RecentTexts {
    places: Vec<(Box<str>, u32)>,
}

/// How many texts are remembered.
const N_PLACES: usize = 1 << 10;
/// Fibonacci hashing: 2⁶⁴ divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
const WORD_BYTES: usize = size_of::<u64>();

impl RecentTexts {
    /// What a text stands for, if it is remembered. Nothing is of the empty one.
    #[inline]
    pub(super) fn get(&self, text: &str) -> Option<u32> {
        let (known, found) = self.places.get(place_of(text)?)?;
        (**known == *text).then_some(*found)
    }

    /// What a text stands for, by an index if it is not remembered.
    #[inline]
    pub(super) fn find(&mut self, text: &str, index: &HashMap<Box<str>, u32>) -> Option<u32> {
        self.get(text).or_else(|| {
            let found = *index.get(text)?;
            self.put(text, found);
            Some(found)
        })
    }

    /// Remembers what a text stands for.
    pub(super) fn put(&mut self, text: &str, found: u32) {
        if self.places.is_empty() {
            self.places.resize(N_PLACES, (Box::default(), 0));
        }
        if let Some(place) = place_of(text).and_then(|at| self.places.get_mut(at)) {
            *place = (text.into(), found);
        }
    }
}

/// The place of a text. ARNs are told apart by what stands behind `arn:aws:`, in the middle and at
/// the end.
#[inline]
fn place_of(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let last = bytes.len().checked_sub(1)?;
    let hash = match bytes.len().checked_sub(WORD_BYTES) {
        Some(end) => [end.min(WORD_BYTES), end / 2, end]
            .into_iter()
            .fold(0, |hash, at| mix(hash, word(bytes, at..at + WORD_BYTES))),
        None => [0, last / 2, last]
            .into_iter()
            .fold(0, |hash, at| hash << WORD_BYTES | u64::from(bytes[at])),
    };
    // The highest bits of the product are the best.
    usize::try_from(mix(hash, bytes.len() as u64) >> (u64::BITS - N_PLACES.trailing_zeros())).ok()
}

#[inline]
fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(u64::BITS / 2) ^ word).wrapping_mul(GOLDEN)
}

#[inline]
fn word(bytes: &[u8], range: Range<usize>) -> u64 {
    let word = bytes.get(range).and_then(|word| word.try_into().ok());
    word.map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_for_what_was_said_of_it_last_or_nothing() {
        let mut recent = RecentTexts::default();
        let texts: Vec<String> =
            (0..9_999).map(|n| "é".repeat(n % 7) + &"x".repeat(n % 31) + &n.to_string()).collect();
        for round in 0..2 {
            for (n, text) in (round..).zip(&texts) {
                recent.put(text, n);
                assert_eq!(recent.get(text), Some(n), "{text}");
            }
            let remembered =
                (round..).zip(&texts).filter_map(|(n, text)| Some((n, recent.get(text)?)));
            let remembered: Vec<_> = remembered.collect();
            assert!(remembered.iter().all(|(n, found)| n == found));
            assert!(remembered.len() > N_PLACES / 2);
        }
        recent.put("", 1);
        assert_eq!(recent.get(""), None);
        assert_eq!(RecentTexts::default().get("x"), None);
    }

    #[test]
    fn texts_of_one_place_are_told_apart() {
        let text = |middle: char| {
            format!("arn:aws:iam::1{}/x", "y".repeat(40) + &middle.to_string() + &"z".repeat(20))
        };
        let mut recent = RecentTexts::default();
        recent.put(&text('a'), 1);
        assert_eq!(place_of(&text('a')), place_of(&text('b')));
        assert_eq!(recent.get(&text('b')), None);
        recent.put(&text('b'), 2);
        assert_eq!((recent.get(&text('a')), recent.get(&text('b'))), (None, Some(2)));
    }
}
