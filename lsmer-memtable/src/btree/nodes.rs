//! Where nodes are: leaves, inner nodes and fences, in one allocation each.
//!
//! # Invariants
//!
//! - **P1** A [`Pool`] is one piece of memory for `capacity` values, taken in [`Pool::new`], which
//!   neither moves nor shrinks. The first `len` of them are written, and `len` only grows.
//! - **P2** Only [`Pool::add`] writes to it: the value behind the last, once, by the one thread that
//!   moved `len` over it.
//! - **P3** A [`NodeAt`] or a [`FenceAt`] is made of what [`Pool::add`] has returned, and is used
//!   with the [`Nodes`] that made it: a tree has one, and keeps its own to itself.
//! - **P4** A thread has one because it added the node, or because it loaded it from a [`Link`] or
//!   a [`FenceSlot`], where `place.rs` makes an order, or out of a node that it sees. So it sees P2's writes.

#![expect(unsafe_code, reason = "makes room for nodes without touching it")]

use std::{alloc::Layout, marker::PhantomData, num::NonZeroU32, ptr::NonNull, sync::Arc};

use lsmer_core::prefetch;
use lsmer_sync::atomic::Ordering;

use super::{entry::EntryAt, inner::Inner, leaf::Leaf, place::Place};
use crate::{
    memory::{Memory, Recycler},
    word::AtomicU32,
};

/// Lines of a leaf that a lookup reads: the tags, and one of those with the slots.
const LEAF_LINES: usize = 4;
/// Lines of an inner node: heads and all.
const INNER_LINES: usize = 8;

/// A key between those of two nodes: the first bytes of an entry's key.
#[derive(Debug)]
pub(super) struct Fence {
    /// The entry.
    pub(super) entry: EntryAt,
    /// How many bytes of its key.
    pub(super) len: u32,
}

/// Where a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeAt(u32);

/// Where a fence is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FenceAt(NonZeroU32);

/// A node.
#[derive(Clone, Copy, Debug)]
pub(super) enum Node<'a> {
    Leaf(&'a Leaf),
    Inner(&'a Inner),
}

/// A place for a node that other threads can follow.
#[derive(Debug)]
pub(super) struct Link(Place);

/// A place for a fence, or none.
#[derive(Debug)]
pub(super) struct FenceSlot(Place);

impl Link {
    /// Makes a link to a node.
    pub(super) fn new(to: NodeAt) -> Self {
        Self(Place::new(to.0))
    }

    /// Returns the node.
    #[inline]
    pub(super) fn load(&self) -> NodeAt {
        NodeAt(self.0.load())
    }

    /// Shows another node to whoever loads this.
    pub(super) fn store(&self, to: NodeAt) {
        self.0.store(to.0);
    }
}

impl FenceSlot {
    /// Makes a place with a fence.
    pub(super) fn new(at: Option<FenceAt>) -> Self {
        Self(Place::new(at.map_or(0, |at| at.0.get())))
    }

    /// Returns the fence.
    #[inline]
    pub(super) fn load(&self) -> Option<FenceAt> {
        NonZeroU32::new(self.0.load()).map(FenceAt)
    }

    /// Shows another fence to whoever loads this.
    pub(super) fn store(&self, at: Option<FenceAt>) {
        self.0.store(at.map_or(0, |at| at.0.get()));
    }
}

/// The nodes of a tree.
#[derive(Debug)]
pub(super) struct Nodes {
    leaves: Pool<Leaf>,
    inners: Pool<Inner>,
    fences: Pool<Fence>,
}

/// How many nodes there can be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) leaves: usize,
    pub(super) inners: usize,
    pub(super) fences: usize,
}

impl Nodes {
    /// Makes room for so many nodes, in memory of `home`. Pages are touched as nodes are added.
    pub(super) fn new(counts: Counts, home: &Arc<Recycler>) -> Self {
        let Counts { leaves, inners, fences } = counts;
        Self {
            leaves: Pool::new(leaves, home),
            inners: Pool::new(inners, home),
            fences: Pool::new(fences, home),
        }
    }

    /// Adds a leaf.
    pub(super) fn add_leaf(&self, leaf: Leaf) -> NodeAt {
        NodeAt(self.leaves.add(leaf) << 1)
    }

    /// Adds an inner node.
    pub(super) fn add_inner(&self, inner: Inner) -> NodeAt {
        NodeAt(self.inners.add(inner) << 1 | 1)
    }

    /// Adds a fence.
    pub(super) fn add_fence(&self, fence: Fence) -> FenceAt {
        FenceAt(NonZeroU32::MIN.saturating_add(self.fences.add(fence)))
    }

    /// Returns a node.
    #[inline]
    pub(super) fn node(&self, at: NodeAt) -> Node<'_> {
        let i = at.0 >> 1;
        if at.0 & 1 == 0 {
            prefetch_lines(self.leaves.start(i), LEAF_LINES);
            // SAFETY: the index of a leaf (P3) that this thread sees written (P4).
            Node::Leaf(unsafe { self.leaves.get(i) })
        } else {
            prefetch_lines(self.inners.start(i), INNER_LINES);
            // SAFETY: the index of an inner node (P3) that this thread sees written (P4).
            Node::Inner(unsafe { self.inners.get(i) })
        }
    }

    /// Returns a fence.
    pub(super) fn fence(&self, at: FenceAt) -> &Fence {
        // SAFETY: the index of a fence (P3) that this thread sees written (P4).
        unsafe { self.fences.get(at.0.get() - 1) }
    }

    /// Returns the memory of all nodes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.leaves.bytes() + self.inners.bytes() + self.fences.bytes()
    }
}

/// Room for values that are added one by one and dropped together.
#[derive(Debug)]
struct Pool<T> {
    memory: Memory,
    capacity: u32,
    len: AtomicU32,
    values: PhantomData<T>,
}

// SAFETY: the pool owns its values (P1); giving it to another thread gives those along.
unsafe impl<T: Send> Send for Pool<T> {}
// SAFETY: through a shared pool a value is written once, by one thread (P2), and otherwise shared.
unsafe impl<T: Send + Sync> Sync for Pool<T> {}

impl<T> Pool<T> {
    fn new(capacity: usize, home: &Arc<Recycler>) -> Self {
        const { assert!(!std::mem::needs_drop::<T>() && size_of::<T>() > 0) };
        let capacity = u32::try_from(capacity.max(1)).expect("nodes are counted in u32");
        let layout = Layout::array::<T>(capacity as usize).expect("nodes fit the address space");
        let memory = Memory::new(layout, home);
        Self { memory, capacity, len: AtomicU32::new(0), values: PhantomData }
    }

    #[inline]
    fn base(&self) -> NonNull<T> {
        self.memory.base().cast()
    }

    fn add(&self, value: T) -> u32 {
        // `Relaxed`: gives out room, and publishes nothing.
        let i = self.len.fetch_add(1, Ordering::Relaxed);
        assert!(i < self.capacity, "more nodes than entries can need");
        self.memory.prepare((i as usize + 1) * size_of::<T>());
        // SAFETY: inside the allocation, as just checked (P1).
        let to = unsafe { self.base().add(i as usize) };
        // SAFETY: the value at `i` is this call's alone to write (P2).
        unsafe { to.write(value) };
        i
    }

    /// Returns where a value begins, or would begin. To be asked for, not to be followed.
    #[inline]
    fn start(&self, i: u32) -> *const u8 {
        self.base().as_ptr().wrapping_add(i as usize).cast()
    }

    /// Returns a value.
    ///
    /// # Safety
    ///
    /// [`add`](Self::add) has returned `i`, and what it wrote is visible to this thread.
    #[inline]
    unsafe fn get(&self, i: u32) -> &T {
        // SAFETY: inside the allocation, by the caller's word.
        let at = unsafe { self.base().add(i as usize) };
        // SAFETY: written, by the caller's word, and never again (P2).
        unsafe { at.as_ref() }
    }

    fn bytes(&self) -> usize {
        self.len.load(Ordering::Relaxed) as usize * size_of::<T>()
    }
}

/// Asks for lines of memory to be brought near.
#[inline]
fn prefetch_lines(start: *const u8, lines: usize) {
    for line in 0..lines {
        prefetch(start.wrapping_add(line * 64));
    }
}
