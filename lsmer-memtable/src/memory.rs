//! Memory in large pieces, which the next memtable takes over from the last.
//!
//! A piece is not zeroed, and its pages are touched as they are used: the first touch of a page
//! costs more than the insert that does it. So a factory keeps the pieces of one memtable that is
//! gone, and gives them to the next. It does not ask for huge pages: those make inserts a tenth
//! faster, and the first touch twice as dear.
//!
//! # Invariants
//!
//! - **Y1** A piece is one allocation of its layout, which has one owner: a [`Memory`], or the spares
//!   of a [`Recycler`].

#![expect(unsafe_code, reason = "allocates memory without touching it")]

use std::{
    alloc::{Layout, alloc, dealloc, handle_alloc_error},
    fmt,
    ptr::NonNull,
    sync::Arc,
};

use lsmer_sync::Mutex;

/// Pieces that are smaller are not kept.
const LEAST_KEPT: usize = 256 << 10;
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
    home: Arc<Recycler>,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    base: NonNull<u8>,
    layout: Layout,
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
        Self { piece, home: Arc::clone(home) }
    }

    /// Returns where it begins.
    #[inline]
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.piece.base
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.home.give(self.piece);
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
        Self { base, layout }
    }

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
    fn no_more_is_kept_than_a_memtable_needs() {
        let home: Arc<Recycler> = Arc::default();
        let pieces: Vec<_> = (0..9).map(|i| Memory::new(layout((1 << 20) + i), &home)).collect();
        drop(pieces);
        assert_eq!(home.spares.lock().len(), MOST_KEPT);
        drop(Memory::new(layout(100), &home));
        assert_eq!(home.spares.lock().len(), MOST_KEPT, "small ones are not kept");
    }
}
