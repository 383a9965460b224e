//! How threads show each other where something is.
//!
//! What a place names was written before it is stored there, with release order, and is read after
//! it was loaded, with acquire order: whoever follows a place sees what is there.

use lsmer_core::twin;
use lsmer_sync::atomic::Ordering;

use crate::word::AtomicU32;

/// A number that names something, or 0.
#[derive(Debug, Default)]
pub(super) struct Place(AtomicU32);

impl Place {
    /// Makes a place that nobody else has yet.
    pub(super) fn new(to: u32) -> Self {
        Self(AtomicU32::new(to))
    }

    /// Returns what is named.
    #[inline]
    pub(super) fn load(&self) -> u32 {
        let relaxed = twin!("btree-followed-relaxed");
        self.0.load(if relaxed { Ordering::Relaxed } else { Ordering::Acquire })
    }

    /// Names something, for whoever loads this.
    pub(super) fn store(&self, to: u32) {
        let relaxed = twin!("btree-shown-relaxed");
        self.0.store(to, if relaxed { Ordering::Relaxed } else { Ordering::Release });
    }
}
