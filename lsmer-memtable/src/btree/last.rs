//! The last leaf of a tree, for whoever adds keys in ascending order: no need to go down for each.
//!
//! What is here may be out of date, and is a guess: who takes it looks at the bounds of the leaf,
//! and at the leaf's state once it is locked, as after any search.

use lsmer_core::mutant;
use lsmer_sync::atomic::Ordering;

use super::{
    inner::head_at,
    nodes::{Link, NodeAt},
};
use crate::word::AtomicU64;

/// Where the last leaf is.
#[derive(Debug)]
pub(super) struct Last {
    leaf: Link,
    /// The head of the first key that it may hold: most others are told by it.
    head: AtomicU64,
}

impl Last {
    /// Starts with the only leaf, which no search is shortened by.
    pub(super) fn new(leaf: NodeAt) -> Self {
        Self { leaf: Link::new(leaf), head: AtomicU64::new(u64::MAX) }
    }

    /// Returns the leaf if it may be that of a key.
    #[inline]
    pub(super) fn load(&self, key: &[u8]) -> Option<NodeAt> {
        let behind = head_at(key, 0) >= self.head.load(Ordering::Relaxed);
        (behind || mutant!("btree-last-leaf-takes-all")).then(|| self.leaf.load())
    }

    /// Shows another leaf, which holds keys from `first` on.
    pub(super) fn store(&self, leaf: NodeAt, first: &[u8]) {
        self.leaf.store(leaf);
        self.head.store(head_at(first, 0), Ordering::Relaxed);
    }
}
