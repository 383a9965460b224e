//! Stands for `btree/entry.rs`: entries whose keys are known, and which are filled or not.

use lsmer_core::{EntryRef, Kind, SeqNo};
use lsmer_sync::atomic::{AtomicU32, Ordering};

use super::place::Place;

/// Entry `n` has the key `KEYS[n / 4]` and the seqno `n`.
pub(super) const KEYS: [&[u8]; 12] =
    [b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h", b"i", b"j", b"k", b"l"];
const ENTRIES: usize = 4 * KEYS.len();

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryAt(u32);

#[derive(Debug, Default)]
pub(super) struct Slot(Place);

impl Slot {
    pub(super) fn new(at: Option<EntryAt>) -> Self {
        Self(Place::new(at.map_or(0, |at| at.0)))
    }

    pub(super) fn load(&self) -> Option<EntryAt> {
        let at = self.0.load();
        (at != 0).then_some(EntryAt(at))
    }

    pub(super) fn store(&self, at: Option<EntryAt>) {
        self.0.store(at.map_or(0, |at| at.0));
    }
}

#[derive(Debug)]
pub(super) struct Entries {
    filled: Vec<AtomicU32>,
    older: Vec<Slot>,
}

impl Entries {
    pub(super) fn new() -> Self {
        let filled = (0..ENTRIES).map(|_| AtomicU32::new(0)).collect();
        Self { filled, older: (0..ENTRIES).map(|_| Slot::default()).collect() }
    }

    /// Makes entry `n`, from 1 on.
    pub(super) fn push(&self, n: u32) -> EntryAt {
        // `Relaxed` stands for the plain writes that fill an entry.
        self.filled[n as usize].store(1, Ordering::Relaxed);
        EntryAt(n)
    }

    /// Returns the place of entry `n`, that somebody made.
    pub(super) fn at(n: u32) -> EntryAt {
        EntryAt(n)
    }

    fn n(&self, at: EntryAt) -> usize {
        let filled = self.filled[at.0 as usize].load(Ordering::Relaxed);
        assert!(filled == 1, "an entry was reached before it was filled");
        at.0 as usize
    }

    pub(super) fn key(&self, at: EntryAt) -> &'static [u8] {
        KEYS[self.n(at) / 4]
    }

    pub(super) fn seqno(&self, at: EntryAt) -> SeqNo {
        SeqNo(self.n(at) as u64)
    }

    pub(super) fn entry(&self, at: EntryAt) -> EntryRef<'static> {
        EntryRef { key: self.key(at), seqno: self.seqno(at), kind: Kind::Put, value: &[] }
    }

    pub(super) fn older(&self, at: EntryAt) -> &Slot {
        &self.older[at.0 as usize]
    }

    pub(super) fn prefetch(&self, at: EntryAt) {
        assert!((at.0 as usize) < self.filled.len());
    }
}
