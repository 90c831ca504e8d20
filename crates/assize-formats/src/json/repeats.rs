//! Names that come twice in an object (F-1).

/// Finds names that may have come before in an object, without storing them: a Bloom filter of
/// one hash. When it says yes (one request in ten, with 11 context keys), the names before are
/// read again and compared; objects of more than [`Repeats::MAX_NAMES`] members are checked once
/// at the end, so that the work stays bounded whatever the names are.
#[derive(Default)]
pub(super) struct Repeats {
    seen: [u64; 8],
    n_names: u32,
}

impl Repeats {
    const MAX_NAMES: u32 = 48;

    /// Whether a name may have come before; remembers it.
    #[inline]
    pub(super) fn may_repeat(&mut self, name: &str) -> bool {
        self.n_names = self.n_names.saturating_add(1);
        if self.is_full() {
            return false;
        }
        let hash = hash(name.as_bytes());
        let (word, bit) = ((hash >> 61) as usize & 7, 1 << (hash >> 55 & 63));
        let seen = self.seen[word] & bit != 0;
        self.seen[word] |= bit;
        seen
    }

    /// Whether the names are too many to be asked about one by one.
    pub(super) fn is_full(&self) -> bool {
        self.n_names > Self::MAX_NAMES
    }
}

/// A cheap hash of the beginning, the end and the length.
#[inline]
fn hash(name: &[u8]) -> u64 {
    const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
    let (first, last) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => (name.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 0),
    };
    let mixed = (first ^ last.rotate_left(23)).wrapping_add(name.len() as u64);
    let product = mixed.wrapping_mul(MULTIPLIER);
    (product ^ product >> 32).wrapping_mul(MULTIPLIER)
}
