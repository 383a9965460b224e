//! Random numbers: `SplitMix64` (Steele et al., OOPSLA 2014), seeded, the same on every machine.

use crate::numbers::float;

/// A stream of numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts a stream.
    pub fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    /// Returns the next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Returns a number below `limit`, which is not 0. The bias is below 2^-32 for the limits here.
    pub fn below(&mut self, limit: u64) -> u64 {
        part(self.draw(), limit)
    }

    /// Returns a number from 0 up to, and without, 1.
    pub fn fraction(&mut self) -> f64 {
        float(self.draw() >> 11) / float(1 << 53)
    }
}

/// Maps all numbers evenly to those below `limit`: a product instead of a division (Lemire, 2019).
pub fn part(number: u64, limit: u64) -> u64 {
    let wide = u128::from(number) * u128::from(limit);
    u64::try_from(wide >> 64).expect("the upper half of a product")
}

/// Scatters a number: one to one.
pub fn mix(mut number: u64) -> u64 {
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_below_their_limit_and_reach_every_value() {
        let mut random = Random::new(1);
        let mut seen = [0; 7];
        for _ in 0..7000 {
            seen[usize::try_from(random.below(7)).unwrap()] += 1;
            assert!((0.0..1.0).contains(&random.fraction()));
        }
        assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
    }

    #[test]
    fn a_seed_gives_one_stream() {
        let take = |seed| {
            let mut random = Random::new(seed);
            [random.draw(), random.draw()]
        };
        assert_eq!(take(1), take(1));
        assert_ne!(take(1), take(2));
    }
}
