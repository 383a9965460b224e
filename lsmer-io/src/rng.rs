//! Random numbers: splitmix64, from a seed or from the system.

use lsmer_core::{Clock, Rng};
use lsmer_sync::atomic::{AtomicU64, Ordering};
use rustix::{
    io::retry_on_intr,
    rand::{GetRandomFlags, getrandom},
};

use crate::SystemClock;

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The sequence of a seed: splitmix64. Good for sampling and jitter, not for secrets.
#[derive(Debug)]
pub struct SeededRng {
    state: AtomicU64,
}

impl SeededRng {
    /// Starts the sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    /// Starts the sequence of another seed.
    pub fn reseed(&self, seed: u64) {
        self.state.store(seed, Ordering::Relaxed);
    }
}

impl Rng for SeededRng {
    fn next_u64(&self) -> u64 {
        let before = self.state.fetch_add(GAMMA, Ordering::Relaxed);
        let mut z = before.wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A [`SeededRng`] whose seed comes from the system, once.
#[derive(Debug)]
pub struct SystemRng(SeededRng);

impl SystemRng {
    /// Takes a seed from `getrandom(2)`; from the clocks where the kernel gives none.
    pub fn new() -> Self {
        let mut seed = [0; 8];
        let got = retry_on_intr(|| getrandom(&mut seed, GetRandomFlags::empty()));
        if got != Ok(seed.len()) {
            let (now, wall) = (SystemClock.now(), SystemClock.wall());
            let nanos = u64::from(now.subsec_nanos()) << 32 | u64::from(wall.subsec_nanos());
            seed = (nanos ^ wall.as_secs()).to_le_bytes();
        }
        Self(SeededRng::new(u64::from_le_bytes(seed)))
    }
}

impl Default for SystemRng {
    fn default() -> Self {
        Self::new()
    }
}

impl Rng for SystemRng {
    fn next_u64(&self) -> u64 {
        self.0.next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_splitmix64() {
        // From the reference implementation, seed 0.
        let rng = SeededRng::new(0);
        assert_eq!(rng.next_u64(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(rng.next_u64(), 0x6e78_9e6a_a1b9_65f4);
        assert_eq!(rng.next_u64(), 0x06c4_5d18_8009_454f);
    }

    #[test]
    fn two_system_sequences_differ() {
        assert_ne!(SystemRng::new().next_u64(), SystemRng::new().next_u64());
    }
}
