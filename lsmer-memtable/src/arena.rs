//! The room of a memtable: one allocation, given out from the front and freed as a whole.
//!
//! Room is counted in units of 8 bytes, so that a `u32` reaches 32 GiB. Of the units, the first
//! `tail` are given out, and `promised` more are reserved by writers for what they are about to
//! insert. A reservation assumes the most that an entry can take; an insert takes what it needs
//! and gives the rest of the promise back. Both counts stand in `room.rs`.
//!
//! # Invariants
//!
//! - **I1** `memory` is one piece of `capacity` units, aligned to [`ALIGN`], which neither moves nor
//!   shrinks until the arena is dropped.
//! - **I2** `limit <= capacity`, and R1 of `room.rs`: no unit is given out twice, and none beyond
//!   the capacity.
//! - **I3** The units `[0, kept)` are not given out: whoever made the arena has them.

#![expect(unsafe_code, reason = "allocates memory without touching it")]

use std::{alloc::Layout, fmt, ptr::NonNull, sync::Arc};

use crate::{
    memory::{Memory, Recycler},
    room::Room,
};

/// Bytes of a unit.
pub(crate) const UNIT: usize = 8;
/// Alignment of the arena: a cache line.
const ALIGN: usize = 64;
/// Most units that can be asked for at once.
const MAX_UNITS: u32 = u32::MAX - 64;

/// Returns the most units that `entries` entries with `bytes` bytes of keys and values in all can
/// take, each with up to `units` beside those; `None` if that is more than any arena has.
pub(crate) fn cost(entries: u32, units: u32, bytes: usize) -> Option<u32> {
    let nodes = entries.checked_mul(units)?;
    let bytes = u32::try_from(bytes.div_ceil(UNIT)).ok()?;
    nodes.checked_add(bytes).filter(|&units| units <= MAX_UNITS)
}

/// Memory for entries, or nodes that hold them.
pub(crate) struct Arena {
    memory: Memory,
    capacity: u32,
    kept: u32,
    room: Room,
}

impl Arena {
    /// Makes an arena for `bytes` bytes of entries, or for `promised` units if those are more, which
    /// are reserved at once, behind `kept` units for the caller, in memory of `home`. Pages are touched as entries are
    /// added.
    ///
    /// Requires: `kept` is from 1 to 64; `promised` comes from [`cost`].
    pub(crate) fn new(kept: u32, bytes: usize, promised: u32, home: &Arc<Recycler>) -> Self {
        let wanted = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(MAX_UNITS).min(MAX_UNITS);
        let (limit, capacity) = (kept + wanted, kept + wanted.max(promised));
        let memory = Memory::new(layout(capacity), home);
        Self { memory, capacity, kept, room: Room::new(kept, limit, promised) }
    }

    /// Promises `units` to the caller; `false` if there are not as many left.
    pub(crate) fn reserve(&self, units: u32) -> bool {
        self.room.reserve(units)
    }

    /// Gives out `units` units and takes `promised` off what is promised: returns the first unit.
    ///
    /// # Panics
    ///
    /// If less is promised than that: the caller inserts what was not reserved.
    pub(crate) fn take(&self, units: u32, promised: u32) -> u32 {
        let first = self.room.take(units, promised);
        self.memory.prepare((first + units) as usize * UNIT);
        first
    }

    /// Returns where a unit begins.
    ///
    /// # Safety
    ///
    /// `unit` is at most the capacity.
    pub(crate) unsafe fn pointer(&self, unit: u32) -> NonNull<u8> {
        // SAFETY: inside the allocation or at its end, by I1 and the caller's word.
        unsafe { self.memory.base().add(unit as usize * UNIT) }
    }

    /// Returns the bytes given out and promised, those that are kept aside.
    pub(crate) fn taken_bytes(&self) -> usize {
        let (promised, tail) = self.room.counts();
        (promised + tail - self.kept) as usize * UNIT
    }

    /// Returns the bytes there are for entries.
    pub(crate) fn capacity_bytes(&self) -> usize {
        (self.capacity - self.kept) as usize * UNIT
    }
}

fn layout(capacity: u32) -> Layout {
    Layout::from_size_align(capacity as usize * UNIT, ALIGN).expect("32 GiB fit the address space")
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena")
            .field("taken_bytes", &self.taken_bytes())
            .field("capacity_bytes", &self.capacity_bytes())
            .finish_non_exhaustive()
    }
}
