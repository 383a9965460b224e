//! Leaves: the newest versions of up to [`LEAF_SLOTS`] keys, in the order in which they came.
//!
//! ```text
//! | state | high | low | skip | tags        | slots        | heads        |
//! | u32   | u32  | u32 | u32  | u8 for each | u32 for each | u64 for each |
//! |<------------- a cache line ------------>|
//! ```
//!
//! A leaf holds the keys in `[low, high)`. All of those begin with the same `skip` bytes; a head
//! is the eight bytes that follow. A tag is a byte of the key's hash: a lookup compares those, and
//! then keys. Heads are for whoever needs the order.
//!
//! `state` counts the entries, and is a lock for writers. Readers take no lock: what the count
//! covers is not written again, except that a slot may get a newer version of its key.
//!
//! # Memory order
//!
//! A writer fills a place, and then stores a count that covers it, with release order, which also
//! gives the lock up. Readers load the count with acquire order. In between there are only steps
//! that take the lock, which a release goes through. What stands in one cache line with places
//! that are still free is atomic, and loaded and stored with relaxed order.

use lsmer_core::{mutant, twin};
use lsmer_sync::{atomic::Ordering, spin_loop, thread};

use super::{
    entry::{Entries, EntryAt, Slot},
    nodes::{FenceAt, FenceSlot},
    size::LEAF_SLOTS,
};
use crate::word::{AtomicU32, AtomicU64};

const TAG_WORDS: usize = LEAF_SLOTS.div_ceil(8);

/// The lock, in `state`.
const LOCKED: u32 = 1 << 31;
/// The leaf was replaced by others: it is not written any more.
const DEAD: u32 = 1 << 30;
/// The entries are not in order.
const MIXED: u32 = 1 << 29;
const COUNT: u32 = 0xff;

/// How often a writer looks at a lock before it lets other threads run.
const SPINS: u32 = 100;

/// A leaf.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Leaf {
    state: AtomicU32,
    high: FenceSlot,
    low: Option<FenceAt>,
    skip: u32,
    tags: [AtomicU64; TAG_WORDS],
    slots: [Slot; LEAF_SLOTS],
    heads: [AtomicU64; LEAF_SLOTS],
}

/// A key in a leaf.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// The head that it has there.
    pub(super) head: u64,
    /// The tag of its hash.
    pub(super) tag: u8,
    /// Its newest version.
    pub(super) at: EntryAt,
}

/// The keys that a leaf holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The first one, unless it has all from the first on.
    pub(super) low: Option<FenceAt>,
    /// The first one that is not there, unless it has all up to the last.
    pub(super) high: Option<FenceAt>,
}

impl Leaf {
    /// Makes a leaf of items in order. The keys in the bounds begin with the same `skip` bytes.
    pub(super) fn new(bounds: Bounds, skip: u32, items: &[Item]) -> Self {
        let count = u32::try_from(items.len()).expect("a leaf is small");
        let item = |i: usize| items.get(i);
        let tag = |i: usize| item(i).map_or(0, |item| u64::from(item.tag) << (i % 8 * 8));
        Self {
            state: AtomicU32::new(count),
            high: FenceSlot::new(bounds.high),
            low: bounds.low,
            skip,
            tags: std::array::from_fn(|word| {
                AtomicU64::new((8 * word..8 * word + 8).map(tag).sum())
            }),
            slots: std::array::from_fn(|i| Slot::new(item(i).map(|item| item.at))),
            heads: std::array::from_fn(|i| AtomicU64::new(item(i).map_or(0, |item| item.head))),
        }
    }

    /// Returns the bounds. The upper one may sink once, while the leaf is not locked.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds { low: self.low, high: self.high.load() }
    }

    /// Returns how many bytes in front of the heads all keys share.
    #[inline]
    pub(super) fn skip(&self) -> usize {
        self.skip as usize
    }

    /// Returns how many items there are, and whether they are in order.
    #[inline]
    pub(super) fn count(&self) -> (usize, bool) {
        let order =
            if twin!("btree-count-relaxed") { Ordering::Relaxed } else { Ordering::Acquire };
        let state = self.state.load(order);
        ((state & COUNT) as usize, state & MIXED == 0)
    }

    /// Returns an item below a count that was loaded before.
    #[inline]
    pub(super) fn item(&self, i: usize) -> Item {
        let tag = (self.tags[i / 8].load(Ordering::Relaxed) >> (i % 8 * 8)).to_le_bytes()[0];
        let at = self.slots[i].load().expect("a count covers filled places");
        Item { head: self.heads[i].load(Ordering::Relaxed), tag, at }
    }

    /// Returns the place of a key among the first `count`, and the newest version that is there.
    #[inline]
    pub(super) fn find(
        &self,
        entries: &Entries,
        key: &[u8],
        tag: u8,
        count: usize,
    ) -> Option<(&Slot, EntryAt)> {
        let mut places = self.tagged(tag) & ((1 << count) - 1);
        while places != 0 {
            let slot = &self.slots[places.trailing_zeros() as usize];
            let at = slot.load().expect("a count covers filled places");
            if entries.key(at) == key || mutant!("btree-takes-the-tag-for-the-key") {
                return Some((slot, at));
            }
            places &= places - 1;
        }
        None
    }

    /// Returns a bit for each place that may have the tag: all that have it, and now and then one
    /// more, behind one that has it.
    #[inline]
    fn tagged(&self, tag: u8) -> u64 {
        const ONES: u64 = u64::MAX / 0xff;
        let mut places = 0;
        for (word, tags) in self.tags.iter().enumerate() {
            // "Determine if a word has a zero byte" of Anderson's bit hacks.
            let differ = tags.load(Ordering::Relaxed) ^ (ONES * u64::from(tag));
            let equal = differ.wrapping_sub(ONES) & !differ & (ONES << 7);
            // Brings the eight marks together, the first byte's to the lowest bit.
            places |= ((equal >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * word);
        }
        places
    }

    /// Locks the leaf for writing; `None` if it was replaced by others.
    pub(super) fn lock(&self) -> Option<Locked<'_>> {
        let mut tries = 0;
        loop {
            let state = self.state.load(Ordering::Relaxed);
            if state & LOCKED == 0 {
                let order = if twin!("btree-locked-relaxed") {
                    Ordering::Relaxed
                } else {
                    Ordering::Acquire
                };
                let locked = state | LOCKED;
                if self.state.compare_exchange(state, locked, order, Ordering::Relaxed).is_ok() {
                    let locked = Locked { leaf: self, state };
                    if state & DEAD == 0 || twin!("btree-dead-leaf-written") {
                        return Some(locked);
                    }
                    locked.unlock();
                    return None;
                }
            }
            tries += 1;
            if tries % SPINS == 0 {
                thread::yield_now();
            } else {
                spin_loop();
            }
        }
    }
}

/// A leaf that this thread has locked. Not unlocked by itself.
#[derive(Debug)]
#[must_use]
pub(super) struct Locked<'a> {
    leaf: &'a Leaf,
    state: u32,
}

impl<'a> Locked<'a> {
    /// Returns the leaf.
    pub(super) fn leaf(&self) -> &'a Leaf {
        self.leaf
    }

    /// Returns how many items there are, and whether they are in order.
    pub(super) fn count(&self) -> (usize, bool) {
        ((self.state & COUNT) as usize, self.state & MIXED == 0)
    }

    /// Gives the lock up.
    pub(super) fn unlock(self) {
        self.leaf.state.store(self.state, Ordering::Release);
    }

    /// Adds an item behind the others and gives the lock up. `ordered`: they still are in order.
    ///
    /// Requires: there is a free place.
    pub(super) fn append(self, item: Item, ordered: bool) {
        let Self { leaf, state } = self;
        let i = (state & COUNT) as usize;
        let count =
            (state + 1) | if ordered || mutant!("btree-mixed-leaf-in-order") { 0 } else { MIXED };
        if twin!("btree-counted-first") {
            leaf.state.store(count | LOCKED, Ordering::Release);
        }
        let tags = &leaf.tags[i / 8];
        let others = tags.load(Ordering::Relaxed);
        tags.store(others | u64::from(item.tag) << (i % 8 * 8), Ordering::Relaxed);
        leaf.heads[i].store(item.head, Ordering::Relaxed);
        leaf.slots[i].store(Some(item.at));
        leaf.state.store(count, Ordering::Release);
    }

    /// Lowers the upper bound, behind all items, and gives the lock up.
    pub(super) fn end_at(self, high: FenceAt) {
        self.leaf.high.store(Some(high));
        self.unlock();
    }

    /// Marks the leaf as replaced and gives the lock up: whoever waits for it searches again.
    pub(super) fn retire(self) {
        self.leaf.state.store(self.state | DEAD, Ordering::Release);
    }
}
