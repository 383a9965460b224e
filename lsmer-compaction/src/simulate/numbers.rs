//! Conversions that lose what no figure here has: the bits beyond 2^53, and fractions.

/// Returns a count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// Returns the whole part of a number that is not negative.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as documented")]
pub(super) fn whole(number: f64) -> u64 {
    number as u64
}

/// Returns a number from 0 up to, and without, 1 that is drawn by what is given: the same one for
/// the same words, and otherwise as if by chance.
pub(super) fn chance(seed: u64, at: u64, what: u64) -> f64 {
    let mut bytes = [0; 24];
    for (to, from) in bytes.chunks_exact_mut(8).zip([seed, at, what]) {
        to.copy_from_slice(&from.to_le_bytes());
    }
    float(lsmer_core::hash(&bytes) >> 11) / float(1 << 53)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_are_spread_evenly_and_repeat() {
        let below = |limit: f64| (0..10_000).filter(|n| chance(1, 2, *n) < limit).count();
        for tenth in 1..10_u32 {
            let expected = 1000 * tenth as usize;
            assert!(below(f64::from(tenth) / 10.0).abs_diff(expected) < 200, "{tenth}");
        }
        assert_eq!(below(1.0), 10_000);
        assert!((chance(1, 2, 3) - chance(2, 2, 3)).abs() > 1e-9);
    }
}
