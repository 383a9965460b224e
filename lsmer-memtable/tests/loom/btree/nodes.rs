//! Stands for `btree/nodes.rs`: nodes made of the atomics that the checker knows.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU32, Ordering},
};

use super::{entry::EntryAt, inner::Inner, leaf::Leaf, place::Place};
use crate::memory::Recycler;

const MOST: usize = 40;

#[derive(Debug)]
pub(super) struct Fence {
    pub(super) entry: EntryAt,
    pub(super) len: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeAt(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FenceAt(u32);

#[derive(Clone, Copy, Debug)]
pub(super) enum Node<'a> {
    Leaf(&'a Leaf),
    Inner(&'a Inner),
}

#[derive(Debug)]
pub(super) struct Link(Place);

#[derive(Debug)]
pub(super) struct FenceSlot(Place);

impl Link {
    pub(super) fn new(to: NodeAt) -> Self {
        Self(Place::new(to.0))
    }

    pub(super) fn load(&self) -> NodeAt {
        NodeAt(self.0.load())
    }

    pub(super) fn store(&self, to: NodeAt) {
        self.0.store(to.0);
    }
}

impl FenceSlot {
    pub(super) fn new(at: Option<FenceAt>) -> Self {
        Self(Place::new(at.map_or(0, |at| at.0)))
    }

    pub(super) fn load(&self) -> Option<FenceAt> {
        let at = self.0.load();
        (at != 0).then_some(FenceAt(at))
    }

    pub(super) fn store(&self, at: Option<FenceAt>) {
        self.0.store(at.map_or(0, |at| at.0));
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) leaves: usize,
    pub(super) inners: usize,
    pub(super) fences: usize,
}

#[derive(Debug)]
pub(super) struct Nodes {
    leaves: Pool<Leaf>,
    inners: Pool<Inner>,
    fences: Pool<Fence>,
}

impl Nodes {
    pub(super) fn new(counts: Counts, _home: &Arc<Recycler>) -> Self {
        assert!(counts.leaves.max(counts.inners).max(counts.fences) <= MOST);
        Self { leaves: Pool::new(), inners: Pool::new(), fences: Pool::new() }
    }

    pub(super) fn add_leaf(&self, leaf: Leaf) -> NodeAt {
        NodeAt(self.leaves.add(leaf) << 1)
    }

    pub(super) fn add_inner(&self, inner: Inner) -> NodeAt {
        NodeAt(self.inners.add(inner) << 1 | 1)
    }

    pub(super) fn add_fence(&self, fence: Fence) -> FenceAt {
        FenceAt(self.fences.add(fence) + 1)
    }

    pub(super) fn node(&self, at: NodeAt) -> Node<'_> {
        let i = at.0 >> 1;
        if at.0 & 1 == 0 { Node::Leaf(self.leaves.get(i)) } else { Node::Inner(self.inners.get(i)) }
    }

    pub(super) fn fence(&self, at: FenceAt) -> &Fence {
        self.fences.get(at.0 - 1)
    }

    pub(super) fn bytes(&self) -> usize {
        0
    }
}

/// The checker does not see these: what it sees is in the values.
#[derive(Debug)]
struct Pool<T> {
    /// Not an array: the checker's threads have small stacks.
    values: Vec<OnceLock<T>>,
    len: AtomicU32,
}

impl<T> Pool<T> {
    fn new() -> Self {
        let values = (0..MOST).map(|_| OnceLock::new()).collect();
        Self { values, len: AtomicU32::new(0) }
    }

    fn add(&self, value: T) -> u32 {
        let i = self.len.fetch_add(1, Ordering::Relaxed);
        assert!(self.values[i as usize].set(value).is_ok());
        i
    }

    fn get(&self, i: u32) -> &T {
        self.values[i as usize].get().expect("made before it is named")
    }
}
