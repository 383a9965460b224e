//! Which key is asked for: zipfian popularity (Gray et al., SIGMOD 1994), as YCSB draws it.

use crate::{
    numbers::{float, whole},
    random::{Random, mix},
};

/// The skew that YCSB uses.
const THETA: f64 = 0.99;

/// Draws numbers below a count; the smaller, the more often.
#[derive(Clone, Debug)]
pub struct Zipf {
    count: u64,
    zeta: f64,
    alpha: f64,
    eta: f64,
}

impl Zipf {
    /// Prepares to draw numbers below `count`; takes time in proportion to it.
    pub fn new(count: u64) -> Self {
        let zeta = |count: u64| (1..=count).map(|n| float(n).powf(-THETA)).sum::<f64>();
        let all = zeta(count);
        let eta = (1.0 - (2.0 / float(count)).powf(1.0 - THETA)) / (1.0 - zeta(2) / all);
        Self { count, zeta: all, alpha: 1.0 / (1.0 - THETA), eta }
    }

    /// Draws a number: 0 most often.
    pub fn draw(&self, random: &mut Random) -> u64 {
        let part = random.fraction();
        let scaled = part * self.zeta;
        let drawn = if scaled < 1.0 {
            0
        } else if scaled < 1.0 + 0.5_f64.powf(THETA) {
            1
        } else {
            let base = self.eta.mul_add(part, 1.0 - self.eta);
            whole(float(self.count) * base.powf(self.alpha))
        };
        drawn.min(self.count - 1)
    }

    /// Draws a number whose popularity says nothing about its size: what is popular is scattered.
    pub fn draw_scattered(&self, random: &mut Random) -> u64 {
        mix(self.draw(random) + 1) % self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(draws: u64, draw: impl Fn(&mut Random) -> u64) -> Vec<u64> {
        let mut random = Random::new(7);
        let mut counts = vec![0; 1000];
        for _ in 0..draws {
            counts[usize::try_from(draw(&mut random)).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn popularity_falls_as_the_law_says() {
        let zipf = Zipf::new(1000);
        let counts = counts(1_000_000, |random| zipf.draw(random));
        for rank in [0_u32, 1, 9, 99] {
            let expected = 1_000_000.0 / zipf.zeta / f64::from(rank + 1).powf(THETA);
            let ratio = float(counts[rank as usize]) / expected;
            // The approximation is off by about a tenth between the first two and the tail.
            assert!((0.8..1.25).contains(&ratio), "rank {rank}: {ratio}");
        }
    }

    #[test]
    fn scattering_moves_the_popular_ones_and_keeps_the_skew() {
        let zipf = Zipf::new(1000);
        let counts = counts(100_000, |random| zipf.draw_scattered(random));
        let most = counts.iter().max().unwrap();
        assert_ne!(counts.iter().position(|count| count == most), Some(0));
        assert!(*most > 10_000);
    }

    #[test]
    fn one_key_can_be_drawn_from() {
        assert_eq!(Zipf::new(1).draw(&mut Random::new(1)), 0);
    }
}
