//! A slot: the place of a block in a cache, which is read without a lock.
//!
//! One word names the frame and counts who took it from here, so that whoever takes it counts
//! itself in the same step that reads the name: *split reference counts* (Williams, "C++
//! Concurrency in Action", 7.2.4). Who lets go of a block counts down in its frame. The sum of
//! both counts is right; the count of the frame alone is not, and a bias keeps it from 0 as long
//! as the frame is in a slot.
//!
//! ```text
//! bit   63 .. 22          21 .. 12   11 .. 0
//!       address / 64      tag        taken since the count was last moved to the frame
//! ```
//!
//! A hit is so one write to the slot, which also tells the policy that the block was read, and
//! one to the frame when the block is let go of.
//!
//! # Invariants
//!
//! - **S1** The address in a word that is not 0 is one that `Frame::as_raw` returned, and
//!   [`BIAS`] is in the count of that frame for it.
//! - **S2** count of the frame + taken, over all slots that name it = references + `BIAS` for each
//!   of these slots. Each move below adds to one side of it first what it takes off the other, so
//!   the count never falls short of that.
//! - **S3** `taken` is below 2^12, so releases alone never bring a biased count to 0.

#![expect(unsafe_code, reason = "makes references again of addresses that it has kept")]

use std::{fmt, mem, ptr::NonNull};

use lsmer_sync::atomic::{AtomicU64, Ordering};

use super::{
    Block,
    frame::{self, ALIGN, Frame, Header},
};
use crate::{BlockId, mutant, twin};

const TAKEN_BITS: u32 = 12;
const TAG_BITS: u32 = 10;
const ADDRESS_BITS: u32 = u64::BITS - TAKEN_BITS - TAG_BITS;
const TAKEN_MASK: u64 = (1 << TAKEN_BITS) - 1;
const TAG_MASK: u64 = ((1 << TAG_BITS) - 1) << TAKEN_BITS;
/// From here on, whoever takes a block moves the count to the frame.
const MANY_TAKEN: u64 = 1 << (TAKEN_BITS - 1);
/// What such a move leaves, so that the policy still sees a block that is read often.
const LEFT_TAKEN: u64 = 3;
/// What a slot has in the count of its frame.
const BIAS: u64 = 1 << 32;

/// A place for one block, under an id and a few bits of that id's hash.
pub struct BlockSlot {
    word: AtomicU64,
}

impl BlockSlot {
    /// Makes an empty slot.
    pub fn empty() -> Self {
        Self { word: AtomicU64::new(0) }
    }

    /// Returns the block if it is that of `id`. Takes no lock, and waits for nobody.
    ///
    /// `hash` is the one that the block was put here with.
    #[inline]
    pub fn get(&self, hash: u64, id: &BlockId) -> Option<Block> {
        let tag = tag(hash);
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & TAG_MASK != tag || word & TAKEN_MASK == TAKEN_MASK {
                return None;
            }
            frame::prefetch(address(word)?);
            match self.take_from(word) {
                Ok(()) => break,
                Err(now) => word = now,
            }
        }
        // SAFETY: the caller counted itself in while the slot named this frame.
        let frame = unsafe { reference(word) }?;
        if word & TAKEN_MASK >= MANY_TAKEN {
            self.move_taken(&frame, word, LEFT_TAKEN);
        }
        let found = frame.header().name.get() == Some(id) || mutant!("slot-trusts-its-tag");
        found.then_some(Block(frame))
    }

    /// Asks for the lines of the block that a search begins with, if it may be the one of this
    /// hash; purely a hint. Returns whether it may be.
    #[inline]
    pub fn prefetch_for(&self, hash: u64) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        let block = address(word).filter(|_| word & TAG_MASK == tag(hash));
        block.map(frame::prefetch).is_some()
    }

    /// Puts a block here, and returns the one that was here.
    ///
    /// # Errors
    ///
    /// The block itself if it cannot be kept here: it was put somewhere under another id, or the
    /// system gave it an address of more than 48 bits.
    pub fn put(&self, hash: u64, id: &BlockId, block: Block) -> Result<Option<Block>, Block> {
        let frame = block.0;
        let shifted = (frame::expose(&frame) / ALIGN) as u64;
        if frame.header().name.get_or_init(|| *id) != id || shifted >> ADDRESS_BITS != 0 {
            return Err(Block(frame));
        }
        // One reference becomes the bias.
        frame.header().count.fetch_add(BIAS - 1, Ordering::Relaxed);
        // The bias owns it from here on.
        mem::forget(frame);
        let word = shifted << (TAG_BITS + TAKEN_BITS) | tag(hash);
        Ok(self.swap(word))
    }

    /// Empties the slot, and returns what was here.
    pub fn take(&self) -> Option<Block> {
        self.swap(0)
    }

    /// Brings closer what [`take`](Self::take) touches; purely a hint.
    pub fn prefetch(&self) {
        if let Some(raw) = address(self.word.load(Ordering::Relaxed)) {
            crate::prefetch(raw.as_ptr());
        }
    }

    /// Returns whether there is no block here.
    pub fn is_empty(&self) -> bool {
        address(self.word.load(Ordering::Relaxed)).is_none()
    }

    /// Returns how often the block was returned since this was asked last; 4095 is also more.
    pub fn take_hits(&self) -> u32 {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let taken = word & TAKEN_MASK;
            if taken == 0 || taken == TAKEN_MASK {
                return u32::try_from(taken).expect("12 bits");
            }
            // To touch the frame, be one of those who took it.
            match self.take_from(word) {
                Ok(()) => break,
                Err(now) => word = now,
            }
        }
        // SAFETY: the caller counted itself in while the slot named this frame.
        let Some(frame) = (unsafe { reference(word) }) else { return 0 };
        self.move_taken(&frame, word, 0);
        u32::try_from(word & TAKEN_MASK).expect("12 bits")
    }

    /// Counts the caller in, if the slot is still as it was; returns how it is if not.
    #[inline]
    fn take_from(&self, word: u64) -> Result<(), u64> {
        let (order, fails) = (Ordering::Acquire, Ordering::Relaxed);
        if twin!("slot-counted-after-its-look") {
            self.word.fetch_add(1, order);
            return Ok(());
        }
        self.word.compare_exchange(word, word + 1, order, fails).map(drop)
    }

    /// Moves the count of the slot to the frame, but for `left`. `word` is what the caller found
    /// before it counted itself in.
    #[cold]
    fn move_taken(&self, frame: &Frame, word: u64, left: u64) {
        let count = &frame.header().count;
        let moved = (word & TAKEN_MASK) + 1 - left;
        let early = !twin!("slot-moves-its-count-late");
        if early {
            count.fetch_add(moved, Ordering::Relaxed);
        }
        let mut word = word + 1;
        // Others may count themselves in meanwhile. As long as the caller has its reference, the
        // same address is the same frame, also if that was taken out and put back.
        while address(word) == Some(frame.as_raw()) && word & TAKEN_MASK >= moved {
            // Whoever empties the slot and finds less there finds more in the frame.
            let order = Ordering::Release;
            match self.word.compare_exchange(word, word - moved, order, Ordering::Relaxed) {
                Ok(_) if early => return,
                Ok(_) => {
                    count.fetch_add(moved, Ordering::Relaxed);
                    return;
                }
                Err(now) => word = now,
            }
        }
        if early {
            count.fetch_sub(moved, Ordering::Relaxed);
        }
    }

    fn swap(&self, word: u64) -> Option<Block> {
        // Release: whoever takes the new frame finds it whole. Acquire: what is not counted here
        // any more is in the frame.
        let before = self.word.swap(word, Ordering::AcqRel);
        // SAFETY: the slot's bias is now the caller's, who turns it into a reference below.
        let frame = unsafe { reference(before) }?;
        let taken = before & TAKEN_MASK;
        // The bias becomes a reference again, and those who took the frame from here are counted
        // where they will count down. If they all did already and the frame is in no other slot,
        // nobody else is left who could write the count (S2).
        let count = &frame.header().count;
        if count.load(Ordering::Acquire) == BIAS - taken {
            count.store(1, Ordering::Relaxed);
        } else {
            count.fetch_sub(BIAS - 1 - taken, Ordering::Relaxed);
        }
        Some(Block(frame))
    }
}

impl Drop for BlockSlot {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl fmt::Debug for BlockSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let full = address(self.word.load(Ordering::Relaxed)).is_some();
        f.write_str(if full { "BlockSlot(a block)" } else { "BlockSlot(empty)" })
    }
}

fn tag(hash: u64) -> u64 {
    hash & TAG_MASK
}

fn address(word: u64) -> Option<NonNull<Header>> {
    let shifted = word >> (TAG_BITS + TAKEN_BITS);
    frame::exposed(usize::try_from(shifted).ok()?.checked_mul(ALIGN)?)
}

/// Makes the reference of one who is counted.
///
/// # Safety
///
/// The caller counted itself in when the word was in the slot, or emptied the slot and owns the
/// bias. Nobody makes a second reference of that.
unsafe fn reference(word: u64) -> Option<Frame> {
    let raw = address(word)?;
    // SAFETY: the address is that of a frame (S1), which is there and counts one for the caller
    // (S2).
    Some(unsafe { Frame::from_raw(raw) })
}

#[cfg(all(test, lsmer_loom))]
mod loom_tests;
#[cfg(all(test, not(lsmer_loom)))]
mod tests;
