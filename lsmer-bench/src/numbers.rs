//! Conversions that lose what no figure here has: the bits beyond 2^53, and fractions.

/// Returns a count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub fn float(count: u64) -> f64 {
    count as f64
}

/// Returns the whole part of a number that is not negative.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as documented")]
pub fn whole(number: f64) -> u64 {
    number as u64
}

/// Returns a count as an index: of what is in memory.
pub fn index(count: u64) -> usize {
    usize::try_from(count).expect("what is in memory is counted by a usize")
}
