//! Frames that a thread let go of and keeps for its next blocks.
//!
//! Where a cache is full, whoever brings a block pushes another one out: then the one is read into
//! the memory of the other, and neither the allocator nor a pass that fills it with zeros comes in
//! between. Large frames gain most, since an allocator gives them back to the system.

use std::cell::RefCell;

use super::frame::Frame;

/// What a thread keeps at most, in bytes: some blocks that were read together, or a few values of
/// 64 KiB.
const KEPT_BYTES: u32 = 256 << 10;
/// How many of them at most, so that a look through them is short.
const KEPT: usize = 32;
/// A frame may be larger than what is asked for by one part in so many, and by a line.
const SLACK: u32 = 8;
/// Sanitizers and checkers are to see every end of a frame.
pub(super) const KEEPS: bool =
    !cfg!(any(fuzzing, miri, lsmer_asan, lsmer_tsan, lsmer_loom, lsmer_shuttle));

#[derive(Default)]
struct Spare {
    frames: Vec<Frame>,
    bytes: u32,
}

thread_local! {
    static SPARE: RefCell<Spare> = const { RefCell::new(Spare { frames: Vec::new(), bytes: 0 }) };
}

/// Takes a frame with room for so many bytes and not much more, whose bytes are of any value.
pub(super) fn take(bytes: u32) -> Option<Frame> {
    if !KEEPS {
        return None;
    }
    let most = bytes.saturating_add(bytes / SLACK).saturating_add(64);
    let take = |spare: &RefCell<Spare>| {
        let mut spare = spare.borrow_mut();
        let fits = |frame: &Frame| (bytes..=most).contains(&frame.capacity());
        // The last one that came is most likely still in the processor's caches.
        let at = spare.frames.iter().rposition(fits)?;
        let frame = spare.frames.swap_remove(at);
        spare.bytes -= frame.capacity();
        Some(frame)
    };
    SPARE.try_with(take).ok()?
}

/// Keeps a frame for [`take`], or returns it if there are enough, or if the thread ends.
pub(super) fn keep(frame: Frame) -> Option<Frame> {
    let mut frame = Some(frame);
    let bytes = frame.as_ref().map_or(0, Frame::capacity);
    let keep = |spare: &RefCell<Spare>| {
        let mut spare = spare.borrow_mut();
        let sum = spare.bytes.saturating_add(bytes);
        if sum <= KEPT_BYTES && spare.frames.len() < KEPT {
            spare.bytes = sum;
            spare.frames.extend(frame.take());
        }
    };
    if KEEPS {
        // A thread that ends has let go of its own.
        SPARE.try_with(keep).ok();
    }
    frame
}

#[cfg(test)]
pub(super) fn kept_bytes() -> u32 {
    SPARE.with_borrow(|spare| spare.bytes)
}
