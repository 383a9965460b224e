//! Memory in large pieces, which the next memtable takes over from the last.
//!
//! A piece is not zeroed, and its pages are touched as they are used: the first touch of a page
//! costs more than the insert that does it. So a factory keeps the pieces of one memtable that is
//! gone, and gives them to the next. And new pages are asked for some at a time: a fault for each
//! costs 1.7 us, one call for eight of them 0.9 us each. It does not ask for huge pages: those make
//! inserts a tenth faster, and the first touch twice as dear, or twelve times where memory is in
//! fragments.
//!
//! # Invariants
//!
//! - **Y1** A piece is one allocation of its layout, which has one owner: a [`Memory`], or the spares
//!   of a [`Recycler`].
//! - **Y2** What is asked for are whole stretches of [`STRETCH_BYTES`], by address, inside the piece.

#![expect(unsafe_code, reason = "allocates memory without touching it")]

use std::{
    alloc::{Layout, alloc, dealloc, handle_alloc_error},
    fmt,
    ptr::NonNull,
    sync::Arc,
};

use lsmer_sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

/// Pages are asked for in such stretches. A multiple of any page's size.
const STRETCH_BYTES: usize = 64 << 10;
/// Pieces that are smaller are not kept, and their pages not asked for.
const LEAST_KEPT: usize = 256 << 10;
/// An offset behind all others: there is nothing more to ask for.
const NO_MORE: usize = usize::MAX;
/// Most spare pieces: what one memtable has.
const MOST_KEPT: usize = 4;

/// The spare pieces of a factory.
#[derive(Debug, Default)]
pub(crate) struct Recycler {
    /// The one that was given back last stands last.
    spares: Mutex<Vec<Piece>>,
}

/// A piece of memory. Goes back to its recycler when it is dropped.
pub(crate) struct Memory {
    piece: Piece,
    /// Up to this offset its pages are there, or were asked for.
    there: AtomicUsize,
    home: Arc<Recycler>,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    base: NonNull<u8>,
    layout: Layout,
    /// What [`Memory::there`] was when it was given back.
    there: usize,
}

// SAFETY: a piece is owned (Y1), and memory may be freed on any thread.
unsafe impl Send for Piece {}
// SAFETY: shared, a piece gives away no more than its address.
unsafe impl Sync for Piece {}

impl Memory {
    /// Takes a piece. What is in it is anything.
    ///
    /// Requires: the layout is not empty.
    pub(crate) fn new(layout: Layout, home: &Arc<Recycler>) -> Self {
        assert!(layout.size() > 0, "a piece has a size");
        let piece = home.take(layout).unwrap_or_else(|| Piece::new(layout));
        Self { piece, there: AtomicUsize::new(piece.there), home: Arc::clone(home) }
    }

    /// Returns where it begins.
    #[inline]
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.piece.base
    }

    /// Says that the bytes before `end` are about to be written. Nothing depends on it but time.
    #[inline]
    pub(crate) fn prepare(&self, end: usize) {
        // `Relaxed`: it only says who asks.
        let there = self.there.load(Ordering::Relaxed);
        if end > there {
            self.ask(there, end);
        }
    }

    #[cold]
    fn ask(&self, there: usize, end: usize) {
        let (from, to) = self.piece.stretches(there, end);
        let next = if to < self.piece.last_stretch() { to } else { NO_MORE };
        let ours = self.there.compare_exchange(there, next, Ordering::Relaxed, Ordering::Relaxed);
        if ours.is_ok() && from < to {
            self.piece.populate(from, to);
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let there = self.there.load(Ordering::Relaxed);
        self.home.give(Piece { there, ..self.piece });
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("bytes", &self.piece.layout.size()).finish_non_exhaustive()
    }
}

impl Piece {
    fn new(layout: Layout) -> Self {
        // SAFETY: the layout is not empty, as asserted by the only caller.
        let base = unsafe { alloc(layout) };
        let Some(base) = NonNull::new(base) else { handle_alloc_error(layout) };
        let there = if layout.size() < LEAST_KEPT { NO_MORE } else { 0 };
        Self { base, layout, there }
    }

    /// Returns the whole stretches, as offsets, that reach from offset `from` to `end` or beyond.
    fn stretches(&self, from: usize, end: usize) -> (usize, usize) {
        let base = self.base.addr().get();
        let up = |offset: usize| (base + offset).next_multiple_of(STRETCH_BYTES) - base;
        (up(from), up(end).min(self.last_stretch()))
    }

    /// Returns where the last whole stretch ends, as an offset.
    fn last_stretch(&self) -> usize {
        let end = self.base.addr().get() + self.layout.size();
        self.layout.size().saturating_sub(end % STRETCH_BYTES)
    }

    /// Asks for the pages of whole stretches. If the system does not know how, or has no memory,
    /// each of them comes when it is touched, as others do.
    #[cfg(all(target_os = "linux", not(miri)))]
    fn populate(&self, from: usize, to: usize) {
        use rustix::mm::{Advice, madvise};
        let start = self.base.as_ptr().wrapping_add(from);
        // SAFETY: the stretches are inside the piece (Y2), which is ours (Y1), and the advice changes
        // no byte of them.
        unsafe { madvise(start.cast(), to - from, Advice::LinuxPopulateWrite) }.ok();
    }

    #[cfg(not(all(target_os = "linux", not(miri))))]
    fn populate(&self, _: usize, _: usize) {}

    /// Frees the piece.
    ///
    /// Requires: the caller owns it, and forgets it. Private, for the recycler.
    fn free(self) {
        // SAFETY: allocated with this layout, and owned by the caller (Y1).
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}

impl Recycler {
    fn take(&self, layout: Layout) -> Option<Piece> {
        let mut spares = self.spares.lock();
        let at = spares.iter().rposition(|piece| piece.layout == layout)?;
        Some(spares.remove(at))
    }

    fn give(&self, piece: Piece) {
        if piece.layout.size() < LEAST_KEPT {
            return piece.free();
        }
        let mut spares = self.spares.lock();
        spares.push(piece);
        let oldest = (spares.len() > MOST_KEPT).then(|| spares.remove(0));
        drop(spares);
        if let Some(oldest) = oldest {
            oldest.free();
        }
    }
}

impl Drop for Recycler {
    fn drop(&mut self) {
        for piece in self.spares.lock().drain(..) {
            piece.free();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, 64).unwrap()
    }

    #[test]
    fn a_piece_is_used_again_by_who_needs_the_same() {
        let home = Arc::default();
        let first = Memory::new(layout(1 << 20), &home);
        let base = first.base();
        drop(first);
        assert_ne!(Memory::new(layout(1 << 19), &home).base(), base);
        let again = Memory::new(layout(1 << 20), &home);
        assert_eq!(again.base(), base);
        assert_ne!(Memory::new(layout(1 << 20), &home).base(), base, "it has one owner");
    }

    #[test]
    fn stretches_are_whole_inside_the_piece_and_follow_each_other() {
        let memory = Memory::new(layout((1 << 20) + 4096), &Arc::default());
        let (piece, mut there) = (memory.piece, 0);
        let base = piece.base.addr().get();
        for end in (1..=piece.layout.size()).step_by(1000).filter(|end| *end > STRETCH_BYTES) {
            if end <= there {
                continue;
            }
            let (from, to) = piece.stretches(there, end);
            assert!(from >= there && to <= piece.layout.size());
            assert!(there == 0 || from == there, "no stretch is left out: {from}, {there}");
            assert!((base + from).is_multiple_of(STRETCH_BYTES), "{from}");
            assert!((base + to).is_multiple_of(STRETCH_BYTES), "{to}");
            assert!(to >= end || to == piece.last_stretch());
            there = to;
        }
        assert_eq!(there, piece.last_stretch());
    }

    #[test]
    fn pages_are_asked_for_once_also_when_the_memory_is_handed_on() {
        let home = Arc::default();
        let memory = Memory::new(layout(1 << 20), &home);
        memory.prepare(1);
        let first = memory.there.load(Ordering::Relaxed);
        assert!((1..=STRETCH_BYTES).contains(&first));
        memory.prepare(first);
        assert_eq!(memory.there.load(Ordering::Relaxed), first, "that was there");
        memory.prepare(300_000);
        let there = memory.there.load(Ordering::Relaxed);
        assert!((300_000..300_000 + STRETCH_BYTES).contains(&there));
        drop(memory);
        let again = Memory::new(layout(1 << 20), &home);
        assert_eq!(again.there.load(Ordering::Relaxed), there);
        again.prepare(1 << 20);
        assert_eq!(again.there.load(Ordering::Relaxed), NO_MORE);
        let small = Memory::new(layout(100), &home);
        assert_eq!(small.there.load(Ordering::Relaxed), NO_MORE, "not worth a call");
    }

    #[test]
    fn no_more_is_kept_than_a_memtable_needs() {
        let home: Arc<Recycler> = Arc::default();
        let pieces: Vec<_> = (0..9).map(|i| Memory::new(layout((1 << 20) + i), &home)).collect();
        drop(pieces);
        assert_eq!(home.spares.lock().len(), MOST_KEPT);
        drop(Memory::new(layout(100), &home));
        assert_eq!(home.spares.lock().len(), MOST_KEPT, "small ones are not kept");
    }
}
