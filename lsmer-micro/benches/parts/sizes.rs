//! How much is measured: all of it, or a little when the benchmarks are run as tests.

use std::{env, thread};

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

/// Walks over inputs, round and round, and goes on to the next only if the answer was right: so
/// which one that is depends on the answer, and no lookup begins before the last one ended.
///
/// A processor that guesses the answer begins earlier nevertheless. It guesses that an absent key
/// is absent, but not which value a key has.
#[derive(Debug)]
pub(crate) struct Chain<'a, T> {
    inputs: &'a [T],
    at: usize,
    steps: usize,
    right: usize,
}

impl<'a, T> Chain<'a, T> {
    /// Begins with the first.
    pub(crate) fn new(inputs: &'a [T]) -> Self {
        assert!(!inputs.is_empty());
        Self { inputs, at: 0, steps: 0, right: 0 }
    }

    /// Shows the next input to `check`, which says whether all was as it should be.
    pub(crate) fn step(&mut self, check: impl FnOnce(&T) -> bool) {
        // Nothing branches on it here, or else the processor guesses it.
        let right = usize::from(check(&self.inputs[self.at]));
        self.steps += 1;
        self.right += right;
        self.at += right;
        if self.at == self.inputs.len() {
            self.at = 0;
        }
    }
}

impl<T> Drop for Chain<'_, T> {
    fn drop(&mut self) {
        if !thread::panicking() {
            assert_eq!(self.right, self.steps, "some did not find what they looked for");
        }
    }
}
