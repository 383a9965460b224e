//! Who gets which units of an arena: two counts in one atomic word.
//!
//! ```text
//! | promised u32 | tail u32 |
//! ```
//!
//! Of the units, the first `tail` are given out, and `promised` more are reserved by writers for
//! what they are about to insert.
//!
//! - **R1** `tail + promised` is at most the capacity; `tail` only grows. The step that moves it
//!   from `a` to `b` gives the units `[a, b)` to one caller, for ever.

use lsmer_core::twin;
use lsmer_sync::atomic::{AtomicU64, Ordering};

/// The counts.
#[derive(Debug)]
pub(crate) struct Room {
    /// Reservations stop here; what was promised from the start may lie beyond.
    limit: u32,
    counts: AtomicU64,
}

impl Room {
    /// Makes room of which the units before `tail` are given out, and `promised` are reserved.
    pub(crate) fn new(tail: u32, limit: u32, promised: u32) -> Self {
        Self { limit, counts: AtomicU64::new(pack(promised, tail)) }
    }

    /// Promises `units` to the caller; `false` if there are not as many left.
    pub(crate) fn reserve(&self, units: u32) -> bool {
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
    pub(crate) fn take(&self, units: u32, promised: u32) -> u32 {
        assert!(units <= promised, "a reservation covers its node");
        self.update(|all, tail| Some((all.checked_sub(promised)?, tail + units)))
            .expect("no more is inserted than was reserved")
            .1
    }

    /// Returns how many units are promised, and how many given out.
    pub(crate) fn counts(&self) -> (u32, u32) {
        unpack(self.counts.load(Ordering::Relaxed))
    }

    /// Moves both counts and returns what they were. Never stores counts that break R1, not even
    /// for a moment: hence no `fetch_add`.
    fn update(&self, step: impl Fn(u32, u32) -> Option<(u32, u32)>) -> Option<(u32, u32)> {
        if twin!("room-counted-in-two-steps") {
            let before = self.counts();
            let (promised, tail) = step(before.0, before.1)?;
            self.counts.store(pack(promised, tail), Ordering::Relaxed);
            return Some(before);
        }
        // `Relaxed`: the word gives out room, it publishes no data.
        self.counts
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |counts| {
                let (promised, tail) = unpack(counts);
                step(promised, tail).map(|(promised, tail)| pack(promised, tail))
            })
            .ok()
            .map(unpack)
    }
}

fn pack(promised: u32, tail: u32) -> u64 {
    u64::from(promised) << 32 | u64::from(tail)
}

#[expect(clippy::cast_possible_truncation, reason = "takes the halves apart")]
fn unpack(counts: u64) -> (u32, u32) {
    ((counts >> 32) as u32, counts as u32)
}
