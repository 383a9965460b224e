//! Holds readers to their memory: a length in a damaged file must not size a buffer.

use allocation_counter::measure;

/// What a reader may take whatever its input: buffers of fixed size, errors, a table of files.
const FIXED_BYTES: u64 = 256 << 10;

/// Runs a reader of `input` bytes.
///
/// # Panics
///
/// If it held more than twice the input, `more`, and a fixed amount.
pub(crate) fn bounded<T>(input: usize, more: u64, read: impl FnOnce() -> T) -> T {
    let mut answer = None;
    let taken = measure(|| answer = Some(read())).bytes_max;
    let limit = 2 * input as u64 + more + FIXED_BYTES;
    assert!(taken <= limit, "{taken} bytes were allocated to read {input}, over {limit}");
    answer.expect("it ran")
}
