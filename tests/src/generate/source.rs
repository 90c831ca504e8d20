//! Where choices come from.

/// A source of choices: random from a seed, or the bytes of a fuzzer, which end in zeros.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    choices: Choices<'a>,
}

#[derive(Debug, Clone)]
enum Choices<'a> {
    Random(fastrand::Rng),
    Bytes(&'a [u8]),
}

impl<'a> Source<'a> {
    /// The choices of a seed.
    pub fn seeded(seed: u64) -> Source<'static> {
        Source { choices: Choices::Random(fastrand::Rng::with_seed(seed)) }
    }

    /// The choices that bytes spell out.
    pub fn bytes(bytes: &'a [u8]) -> Self {
        Self { choices: Choices::Bytes(bytes) }
    }

    /// A number below `n`, which is not zero.
    pub fn below(&mut self, n: usize) -> usize {
        match &mut self.choices {
            Choices::Random(rng) => rng.usize(..n.max(1)),
            Choices::Bytes(bytes) => {
                let Some((first, rest)) = bytes.split_first() else { return 0 };
                *bytes = rest;
                usize::from(*first) % n.max(1)
            }
        }
    }

    /// True in so many of a hundred cases; false when the bytes of a fuzzer have ended, so that
    /// short inputs make small worlds.
    pub fn percent(&mut self, percent: usize) -> bool {
        !self.has_ended() && self.below(100) < percent
    }

    /// Whether all choices are zero from here on.
    pub fn has_ended(&self) -> bool {
        matches!(self.choices, Choices::Bytes([]))
    }

    /// One of several.
    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Between `low` and `high` of what `make` makes, both included.
    pub fn list<T>(
        &mut self,
        low: usize,
        high: usize,
        mut make: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let n = low + self.below(high - low + 1);
        (0..n).map(|_| make(self)).collect()
    }
}
