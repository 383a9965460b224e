//! How much is measured: all of it, or a little when the benchmarks are run as tests.

use std::env;

/// Returns `full` in a benchmark, and a hundredth of it, at least 1,000, in a test.
pub(crate) fn scaled(full: u64) -> u64 {
    if is_bench() { full } else { (full / 100).clamp(1000, 2000) }
}

/// Returns how many entries memtables have.
pub(crate) fn memtables() -> Vec<u64> {
    match (is_bench(), env::var_os("LSMER_MICRO_LARGE")) {
        (false, _) => vec![1000],
        (true, None) => vec![10_000, 600_000],
        (true, Some(_)) => vec![10_000, 600_000, 4_000_000],
    }
}

/// Cargo says so when it runs benchmarks, and does not when it runs them as tests.
fn is_bench() -> bool {
    env::args().any(|arg| arg == "--bench")
}

/// Walks over numbers in their order, round and round, each time one further if `right`: the next
/// one depends on the last answer. Stops at the first that is wrong, for that it would measure.
#[derive(Debug)]
pub(crate) struct Chain<'a, T> {
    inputs: &'a [T],
    at: usize,
}

impl<'a, T> Chain<'a, T> {
    /// Begins with the first.
    pub(crate) fn new(inputs: &'a [T]) -> Self {
        assert!(!inputs.is_empty());
        Self { inputs, at: 0 }
    }

    /// Shows the next input to `check`, which says whether all was as it should be.
    pub(crate) fn step(&mut self, check: impl FnOnce(&T) -> bool) {
        let right = check(&self.inputs[self.at]);
        assert!(right, "it did not find what it looked for");
        self.at = (self.at + usize::from(std::hint::black_box(right))) % self.inputs.len();
    }
}
