//! No filter at all.

use std::sync::Arc;

use lsmer_core::{Filter, FilterPolicy};

/// Builds nothing and rules out nothing: every lookup searches the table.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFilter;

/// Answers "maybe" to everything.
#[derive(Debug)]
pub(crate) struct Maybe;

impl FilterPolicy for NoFilter {
    fn name(&self) -> &'static str {
        "lsmer.none"
    }

    fn build(&self, _hashes: &[u64], _bits_per_key: u8) -> Vec<u8> {
        Vec::new()
    }

    fn open(&self, _bytes: Arc<[u8]>) -> Arc<dyn Filter> {
        Arc::new(Maybe)
    }
}

impl Filter for Maybe {
    fn may_contain(&self, _hash: u64) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_filter_builds_nothing_and_rules_out_nothing() {
        assert!(NoFilter.build(&[1, 2], 10).is_empty());
        assert!(NoFilter.open(Arc::from([1, 2, 3])).may_contain(7));
    }
}
