//! Frames: the memory of a block, header and bytes in one allocation.
//!
//! ```text
//! byte  size
//!    0  64     count of references, lengths, name
//!   64  64     layout
//!  128  c      the bytes of the block, and what is left of the allocation
//! ```
//!
//! What is let go of is kept by the thread for its next block (`spare.rs`).
//!
//! One load leads from whoever names a frame to all that a search begins with, and the columns
//! stand in the lines behind, so that they can be fetched before the header is there
//! ([`prefetch`]). That halves what a hit of a block costs that is in no cache of the processor.
//!
//! # Invariants
//!
//! - **F1** A frame is one allocation of [`HEADER`] and `capacity` bytes, made in
//!   [`Frame::alloc`]. All of it is initialized then, and stays so; `bytes <= capacity`.
//! - **F2** A frame is freed by whoever takes its count to 0, or is about to and finds that nobody
//!   else is counted; by nobody else. Each [`Frame`]
//!   has its one in the count, or had it put there for it by a slot (`slot.rs`). Or, before it is
//!   freed, the count is made 1 again, for the one reference that is kept for another block.
//! - **F3** A [`BlockBuf`] holds the only `Frame` of its frame, and the count is 1; so does a frame
//!   that is kept for another block. Only then is anything but the count and the name written.

#![expect(unsafe_code, reason = "header and bytes of a block are one allocation")]

use std::{
    alloc::{Layout as Memory, alloc_zeroed, dealloc, handle_alloc_error},
    fmt, mem,
    ops::{Deref, DerefMut},
    ptr::{self, NonNull},
    slice,
};

use lsmer_sync::{
    OnceLock, Witness,
    atomic::{AtomicU64, Ordering, fence},
};

use super::{layout::Layout, spare};
use crate::{BlockId, twin};

/// Alignment of frames: a cache line, and what a slot leaves out of an address.
pub(super) const ALIGN: usize = 64;
/// Bytes before those of the block.
const HEADER: usize = size_of::<Header>();
/// Capacities are multiples of this: blocks of a table differ by a row, so that most fit where
/// another one was.
const STEP: u32 = 128;
/// Lines to fetch for a search: the header, then fingerprints and ends of an ordinary block.
const SEARCHED_LINES: usize = 7;

// Under a checker, atomics and cells are larger.
const _: () = assert!(HEADER == 2 * ALIGN || cfg!(any(lsmer_loom, lsmer_shuttle, lsmer_tsan)));

#[repr(C, align(64))]
pub(super) struct Header {
    /// References, those aside that a slot counts.
    pub(super) count: AtomicU64,
    bytes: u32,
    capacity: u32,
    /// Under which id the block is kept in slots.
    pub(super) name: OnceLock<BlockId>,
    pub(super) layout: Layout,
    alive: Witness,
}

/// A counted reference to a frame.
pub(super) struct Frame(NonNull<Header>);

// SAFETY: what is written after a frame is shared are atomics and a cell that is filled once (F3);
// the count says who frees it (F2), from whatever thread.
unsafe impl Send for Frame {}
// SAFETY: likewise.
unsafe impl Sync for Frame {}

impl Frame {
    /// Returns a frame of so many bytes, whatever they are: one that was let go of, or a new one.
    fn take(bytes: usize) -> Self {
        let length = u32::try_from(bytes).expect("a block stays below 4 GiB");
        let Some(mut frame) = spare::take(length) else { return Self::alloc(length) };
        // SAFETY: no other reference, so nobody else reads the header (F3).
        unsafe { frame.0.as_mut() }.bytes = length;
        frame
    }

    /// Makes a frame of so many bytes.
    fn alloc(bytes: u32) -> Self {
        let capacity = bytes.checked_next_multiple_of(STEP).unwrap_or(bytes);
        let memory = memory(capacity as usize);
        // SAFETY: the layout is not empty, for it has the header.
        let base = unsafe { alloc_zeroed(memory) };
        let Some(base) = NonNull::new(base) else { handle_alloc_error(memory) };
        let header = Header {
            count: AtomicU64::new(1),
            bytes,
            capacity,
            name: OnceLock::new(),
            layout: Layout::default(),
            alive: Witness::default(),
        };
        let frame = Self(base.cast());
        // SAFETY: the allocation begins with room for a header, aligned for it (F1).
        unsafe { frame.0.write(header) };
        frame
    }

    /// Returns how many bytes there is room for.
    pub(super) fn capacity(&self) -> u32 {
        self.header().capacity
    }

    /// Makes a frame again of what [`as_raw`](Self::as_raw) returned.
    ///
    /// # Safety
    ///
    /// There is one in the count of that frame for the new reference.
    pub(super) unsafe fn from_raw(raw: NonNull<Header>) -> Self {
        Self(raw)
    }

    /// Returns what names the frame, without a reference.
    pub(super) fn as_raw(&self) -> NonNull<Header> {
        self.0
    }

    #[inline]
    pub(super) fn header(&self) -> &Header {
        // SAFETY: initialized in `alloc` (F1), and there as long as this reference is (F2).
        unsafe { self.0.as_ref() }
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        let header = self.header();
        header.alive.read();
        // SAFETY: inside the allocation, and initialized (F1); nobody writes there while there is
        // a reference but the one of a `BlockBuf`, which lends them (F3).
        unsafe { slice::from_raw_parts(self.start().as_ptr(), header.bytes as usize) }
    }

    /// Returns the memory that the frame takes.
    pub(super) fn weight(&self) -> usize {
        memory(self.header().capacity as usize).size()
    }

    #[inline]
    fn start(&self) -> NonNull<u8> {
        // SAFETY: the header is part of the allocation (F1).
        unsafe { self.0.add(1) }.cast()
    }
}

impl Clone for Frame {
    #[inline]
    fn clone(&self) -> Self {
        // As in `Arc`: whoever has one reference may make more of it without further ado.
        self.header().count.fetch_add(1, Ordering::Relaxed);
        Self(self.0)
    }
}

impl Drop for Frame {
    #[inline]
    fn drop(&mut self) {
        // What was read through this reference comes before the memory is freed.
        let order =
            if twin!("frame-let-go-without-order") { Ordering::Relaxed } else { Ordering::Release };
        let count = &self.header().count;
        // Where this is the only reference, nobody can make another one.
        if count.load(Ordering::Acquire) == 1 {
            self.free();
        } else if count.fetch_sub(1, order) == 1 {
            fence(Ordering::Acquire);
            self.free();
        }
    }
}

impl Frame {
    /// Requires: nobody else is counted.
    fn free(&mut self) {
        self.header().alive.end();
        if Witness::KEEPS_MEMORY {
            return;
        }
        // SAFETY: this is the last who sees the header (F2).
        let header = unsafe { self.0.as_mut() };
        header.count = AtomicU64::new(1);
        header.name = OnceLock::new();
        header.layout = Layout::default();
        if let Some(frame) = spare::keep(Self(self.0)) {
            frame.dealloc();
        }
    }

    /// Requires: the count is 1.
    #[cold]
    fn dealloc(self) {
        let memory = memory(self.header().capacity as usize);
        // SAFETY: the only reference (F3), which is forgotten below.
        unsafe { self.0.drop_in_place() };
        // SAFETY: allocated in `alloc` with this layout (F1).
        unsafe { dealloc(self.0.cast().as_ptr(), memory) };
        // Its memory is gone.
        mem::forget(self);
    }
}

/// Bytes that are about to become a [`Block`](super::Block): the file is read into them, and they
/// stay where they are.
pub struct BlockBuf(Frame);

impl BlockBuf {
    /// Makes a buffer of so many bytes that are to be overwritten: they are zeros, or what was in
    /// another buffer.
    ///
    /// # Panics
    ///
    /// If it were 4 GiB or longer.
    pub fn unfilled(bytes: usize) -> Self {
        Self(Frame::take(bytes))
    }

    /// Keeps the first so many bytes only.
    pub fn truncate(&mut self, bytes: usize) {
        // SAFETY: no other reference, so nobody else reads the header (F3).
        let header = unsafe { self.0.0.as_mut() };
        header.bytes = header.bytes.min(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// Ends the writing.
    pub(super) fn share(mut self, layout: Layout) -> Frame {
        // SAFETY: no other reference, so nobody else reads the header (F3).
        unsafe { self.0.0.as_mut() }.layout = layout;
        self.0
    }
}

impl Deref for BlockBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.bytes()
    }
}

impl DerefMut for BlockBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        let bytes = self.0.header().bytes as usize;
        // SAFETY: inside the allocation, initialized (F1), and nobody else has a reference (F3).
        unsafe { slice::from_raw_parts_mut(self.0.start().as_ptr(), bytes) }
    }
}

impl From<&[u8]> for BlockBuf {
    fn from(bytes: &[u8]) -> Self {
        let mut buf = Self::unfilled(bytes.len());
        buf.copy_from_slice(bytes);
        buf
    }
}

impl From<Vec<u8>> for BlockBuf {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(&bytes[..])
    }
}

impl fmt::Debug for BlockBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockBuf({} bytes)", self.len())
    }
}

/// Returns the address of a frame as a number, of which [`exposed`] makes a pointer again.
pub(super) fn expose(frame: &Frame) -> usize {
    frame.0.as_ptr().expose_provenance()
}

/// Returns the pointer to a frame whose address was [exposed](expose).
pub(super) fn exposed(address: usize) -> Option<NonNull<Header>> {
    NonNull::new(ptr::with_exposed_provenance_mut(address))
}

fn memory(capacity: usize) -> Memory {
    let size = HEADER.checked_add(capacity).expect("4 GiB and a header");
    Memory::from_size_align(size, ALIGN).expect("4 GiB and a header fit the address space")
}

/// Asks the processor for the lines of a frame that a search begins with. The address need not be
/// that of a frame that is still there.
#[inline]
pub(super) fn prefetch(raw: NonNull<Header>) {
    for line in 0..SEARCHED_LINES {
        crate::prefetch(raw.as_ptr().cast::<u8>().wrapping_add(line * ALIGN));
    }
}

#[cfg(all(test, not(lsmer_loom)))]
mod tests;
