//! Filters that tell at once whether a table asks them the right thing.

use std::{collections::BTreeSet, sync::Arc};

use lsmer_core::{Filter, FilterPolicy};

/// Remembers every hash, so that it denies all keys that were not added: a table that adds other
/// hashes than it asks for loses keys.
#[derive(Debug)]
pub(super) struct Exact;

/// Denies every key; goes by the name it is given.
#[derive(Debug)]
pub(super) struct Denier(pub(super) &'static str);

impl Exact {
    pub(super) fn policy() -> Arc<dyn FilterPolicy> {
        Arc::new(Self)
    }
}

impl FilterPolicy for Exact {
    fn name(&self) -> &'static str {
        "testkit.exact"
    }

    fn build(&self, hashes: &[u64], _bits_per_key: u8) -> Vec<u8> {
        hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect()
    }

    fn open(&self, bytes: Arc<[u8]>) -> Arc<dyn Filter> {
        let (hashes, _) = bytes.as_chunks::<8>();
        Arc::new(Known(hashes.iter().map(|hash| u64::from_le_bytes(*hash)).collect()))
    }
}

impl FilterPolicy for Denier {
    fn name(&self) -> &str {
        self.0
    }

    fn build(&self, _hashes: &[u64], _bits_per_key: u8) -> Vec<u8> {
        vec![1]
    }

    fn open(&self, _bytes: Arc<[u8]>) -> Arc<dyn Filter> {
        Arc::new(Known(BTreeSet::from([0])))
    }
}

#[derive(Debug)]
struct Known(BTreeSet<u64>);

impl Filter for Known {
    fn may_contain(&self, hash: u64) -> bool {
        self.0.is_empty() || self.0.contains(&hash)
    }
}
