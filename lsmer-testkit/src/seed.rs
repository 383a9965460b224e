//! The random numbers of the suites: the same on every run, unless `LSMER_SEED` is set.

use std::fmt;

use lsmer_core::Rng;
use lsmer_io::SeededRng;

/// A stream of random numbers that knows where it began: show it in a failure.
pub(crate) struct Seeded {
    seed: u64,
    rng: SeededRng,
}

impl Seeded {
    /// Begins at `LSMER_SEED`, a decimal number, or else at 1.
    pub(crate) fn new() -> Self {
        let seed = std::env::var("LSMER_SEED")
            .map_or(1, |text| text.parse().expect("LSMER_SEED is a decimal number below 2^64"));
        Self::of(seed)
    }

    /// Begins at `seed`.
    pub(crate) fn of(seed: u64) -> Self {
        Self { seed, rng: SeededRng::new(seed) }
    }

    /// Returns where it began.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Begins a stream of its own for a thread: the same one for the same seed.
    pub(crate) fn fork(&self, thread: u64) -> Self {
        let first = Self::of(self.seed ^ thread.rotate_right(8)).next();
        Self { seed: self.seed, rng: SeededRng::new(first) }
    }

    /// Returns the next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Returns a number below `bound`; 0 if that is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).expect("under a usize")
    }

    /// Returns `most` bytes or fewer.
    pub(crate) fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

impl fmt::Display for Seeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "again with LSMER_SEED={}", self.seed)
    }
}
