//! The room of a memtable: one allocation, given out from the front and freed as a whole.
//!
//! Room is counted in units of 8 bytes, so that a `u32` reaches 32 GiB. Of the units, the first
//! `tail` are given out, and `promised` more are reserved by writers for what they are about to
//! insert. A reservation assumes the highest tower for each entry; an insert takes what its node
//! needs and gives the rest of the promise back. Both counts are one atomic word:
//!
//! ```text
//! | promised u32 | tail u32 |
//! ```
//!
//! # Invariants
//!
//! - **I1** `base` is one allocation of `capacity` units, aligned to [`ALIGN`], made in
//!   [`Arena::new`], and neither moves nor shrinks until the arena is dropped.
//! - **I2** `tail + promised <= capacity`, and `limit <= capacity`; `tail` only grows. The step that moves it from `a` to
//!   `b` gives the units `[a, b)` to one caller, for ever.
//! - **I3** The units `[0, ROOT_UNITS)` are not given out: they hold the root and the node that
//!   points at the ends, each in its half.

#![expect(unsafe_code, reason = "allocates memory without touching it")]

use std::{
    alloc::{Layout, alloc, dealloc, handle_alloc_error},
    fmt,
    ptr::NonNull,
};

use lsmer_sync::atomic::{AtomicU64, Ordering};

use super::node::{self, ROOT_UNITS};

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
    /// Later reservations stop here; the first one may have made the arena larger.
    limit: u32,
    room: AtomicU64,
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
        let room = AtomicU64::new(pack(promised, ROOT_UNITS));
        let arena = Self { base, capacity, limit, room };
        arena.write_root();
        arena
    }

    /// Promises `units` to the caller; `false` if there are not as many left.
    pub(super) fn reserve(&self, units: u32) -> bool {
        self.update(|promised, tail| {
            let sum = promised.checked_add(units)?;
            (sum.checked_add(tail)? <= self.limit).then_some((sum, tail))
        })
        .is_some()
    }

    /// Gives out `units` units and takes `promised` off what is promised: returns the first unit.
    ///
    /// # Panics
    ///
    /// If less is promised than that: the caller inserts what was not reserved.
    pub(super) fn take(&self, units: u32, promised: u32) -> u32 {
        assert!(units <= promised, "a reservation covers its node");
        self.update(|all, tail| Some((all.checked_sub(promised)?, tail + units)))
            .expect("no more is inserted than was reserved")
            .1
    }

    /// Moves both counts and returns what they were. Never stores counts that break I2, not even
    /// for a moment: hence no `fetch_add`.
    fn update(&self, step: impl Fn(u32, u32) -> Option<(u32, u32)>) -> Option<(u32, u32)> {
        // `Relaxed`: the word gives out room, it publishes no data.
        self.room
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| {
                let (promised, tail) = unpack(room);
                step(promised, tail).map(|(promised, tail)| pack(promised, tail))
            })
            .ok()
            .map(unpack)
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
        let (promised, tail) = unpack(self.room.load(Ordering::Relaxed));
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

fn pack(promised: u32, tail: u32) -> u64 {
    u64::from(promised) << 32 | u64::from(tail)
}

#[expect(clippy::cast_possible_truncation, reason = "takes the halves apart")]
fn unpack(room: u64) -> (u32, u32) {
    ((room >> 32) as u32, room as u32)
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
