//! Which of several tables or lists one is, for memories of what was worked out from it.

use std::sync::atomic::{AtomicU64, Ordering};

/// An identity that nothing else has. A clone has one of its own, since it may change by itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

/// No stamp is zero.
static NEXT: AtomicU64 = AtomicU64::new(1);

impl Stamp {
    pub(crate) fn number(&self) -> u64 {
        self.0
    }
}

impl Default for Stamp {
    fn default() -> Self {
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Clone for Stamp {
    fn clone(&self) -> Self {
        Self::default()
    }
}
