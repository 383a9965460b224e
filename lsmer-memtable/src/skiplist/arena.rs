//! The room of a memtable: one allocation, given out from the front and freed as a whole.
//!
//! Room is counted in units of 8 bytes, so that a `u32` reaches 32 GiB. Of the units, the first
//! `tail` are given out, and `promised` more are reserved by writers for what they are about to
//! insert. A reservation assumes the highest tower for each entry; an insert takes what its node
//! needs and gives the rest of the promise back. Both counts stand in `room.rs`.
//!
//! # Invariants
//!
//! - **I1** `base` is one allocation of `capacity` units, aligned to [`ALIGN`], made in
//!   [`Arena::new`], and neither moves nor shrinks until the arena is dropped.
//! - **I2** `limit <= capacity`, and R1 of `room.rs`: no unit is given out twice, and none beyond
//!   the capacity.
//! - **I3** The units `[0, ROOT_UNITS)` are not given out: they hold the root and the node that
//!   points at the ends, each in its half.

#![expect(unsafe_code, reason = "allocates memory without touching it")]

use std::{
    alloc::{Layout, alloc, dealloc, handle_alloc_error},
    fmt,
    ptr::NonNull,
};

use super::{
    node::{self, ROOT_UNITS},
    room::Room,
};

/// Bytes of a unit.
pub(super) const UNIT: usize = 8;
/// Alignment of the arena: a cache line.
const ALIGN: usize = 64;
/// Most units that can be asked for at once.
const MAX_UNITS: u32 = u32::MAX - ROOT_UNITS;

/// Returns the most units that `entries` nodes with `bytes` bytes of keys and values in all can
/// take; `None` if that is more than any arena has.
pub(super) fn cost(entries: u32, bytes: usize) -> Option<u32> {
    let nodes = entries.checked_mul(node::MAX_UNITS)?;
    let bytes = u32::try_from(bytes.div_ceil(UNIT)).ok()?;
    nodes.checked_add(bytes).filter(|&units| units <= MAX_UNITS)
}

/// Memory for nodes.
pub(super) struct Arena {
    base: NonNull<u8>,
    capacity: u32,
    room: Room,
}

// SAFETY: the arena owns its allocation (I1); giving it to another thread gives that along.
unsafe impl Send for Arena {}
// SAFETY: through a shared arena, units are only ever given to one caller each (I2); what nodes do
// with theirs is argued in `node.rs`.
unsafe impl Sync for Arena {}

impl Arena {
    /// Makes an arena for `bytes` bytes of nodes, or for `promised` units if those are more, which
    /// are reserved at once. Only the root is written: pages are touched as nodes are added.
    ///
    /// Requires: `promised` comes from [`cost`].
    pub(super) fn new(bytes: usize, promised: u32) -> Self {
        let wanted = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(MAX_UNITS).min(MAX_UNITS);
        let (limit, capacity) = (ROOT_UNITS + wanted, ROOT_UNITS + wanted.max(promised));
        let layout = layout(capacity);
        // SAFETY: the layout is not empty, for it has room for the root.
        let base = unsafe { alloc(layout) };
        let Some(base) = NonNull::new(base) else { handle_alloc_error(layout) };
        let arena = Self { base, capacity, room: Room::new(ROOT_UNITS, limit, promised) };
        arena.write_root();
        arena
    }

    /// Promises `units` to the caller; `false` if there are not as many left.
    pub(super) fn reserve(&self, units: u32) -> bool {
        self.room.reserve(units)
    }

    /// Gives out `units` units and takes `promised` off what is promised: returns the first unit.
    ///
    /// # Panics
    ///
    /// If less is promised than that: the caller inserts what was not reserved.
    pub(super) fn take(&self, units: u32, promised: u32) -> u32 {
        self.room.take(units, promised)
    }

    /// Returns where a unit begins.
    ///
    /// # Safety
    ///
    /// `unit` is at most the capacity.
    pub(super) unsafe fn pointer(&self, unit: u32) -> NonNull<u8> {
        // SAFETY: inside the allocation or at its end, by I1 and the caller's word.
        unsafe { self.base.add(unit as usize * UNIT) }
    }

    /// Returns the bytes given out and promised, the root's aside.
    pub(super) fn taken_bytes(&self) -> usize {
        let (promised, tail) = self.room.counts();
        (promised + tail - ROOT_UNITS) as usize * UNIT
    }

    /// Returns the bytes there are for nodes, the root's aside.
    pub(super) fn capacity_bytes(&self) -> usize {
        (self.capacity - ROOT_UNITS) as usize * UNIT
    }
}

fn layout(capacity: u32) -> Layout {
    Layout::from_size_align(capacity as usize * UNIT, ALIGN).expect("32 GiB fit the address space")
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout (I1). Nodes need no drop.
        unsafe { dealloc(self.base.as_ptr(), layout(self.capacity)) };
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena")
            .field("taken_bytes", &self.taken_bytes())
            .field("capacity_bytes", &self.capacity_bytes())
            .finish_non_exhaustive()
    }
}
