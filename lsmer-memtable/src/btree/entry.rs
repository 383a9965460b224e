//! Entries: keys and values in units of the arena, and the chains of versions.
//!
//! ```text
//! 0        8           12        16               20
//! | seqno  | older     | value   | key length u24 | key | value
//! | u64    | version   | length  | kind u8        |
//! ```
//!
//! `older` is the first unit of the next older version of the same key, or 0.
//!
//! # Invariants
//!
//! In addition to those of `arena.rs`, on which they stand:
//!
//! - **E1** An [`EntryAt`] is made by [`Entries::push`] alone, of the units that it has filled, in
//!   the bounds that its lengths tell (I2), and is used with the [`Entries`] that made it: a
//!   memtable has one, and keeps its own to itself.
//! - **E2** All of an entry but `older`, which is an atomic, is written before the first
//!   [`EntryAt`] of it exists, and never again.
//! - **E3** A thread has an [`EntryAt`] because it pushed the entry, or because it loaded it from a
//!   [`Slot`], where `place.rs` makes an order. So it sees E2's writes.

#![expect(unsafe_code, reason = "lays entries over the bytes of an arena")]

use std::{
    num::NonZeroU32,
    ptr::{self, NonNull},
    slice,
    sync::Arc,
};

use lsmer_core::{EntryRef, Kind, SeqNo, prefetch};

use super::place::Place;
use crate::{
    arena::{Arena, UNIT},
    memory::Recycler,
};

/// Most units of an entry, beside one for each eight bytes of its key and value, counted together
/// and rounded down.
pub(super) const MAX_UNITS: u32 = 4;
/// Least units of an entry.
pub(super) const MIN_UNITS: u32 = 3;
/// Units that are not given out, so that no entry is at 0.
const KEPT_UNITS: u32 = 1;

const BYTES: usize = 20;
const KIND_SHIFT: u32 = 24;

const _: () = assert!(size_of::<Header>() == 24 && align_of::<Header>() == UNIT);
// 7 bytes of key and value are not counted in units.
const _: () = assert!((BYTES + UNIT - 1).div_ceil(UNIT) <= MAX_UNITS as usize);
const _: () = assert!(BYTES.div_ceil(UNIT) == MIN_UNITS as usize);

#[repr(C)]
struct Header {
    seqno: SeqNo,
    older: Slot,
    value_len: u32,
    key: KeyWord,
}

/// The length of a key and the kind of its entry.
#[derive(Clone, Copy)]
struct KeyWord(u32);

/// Where an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryAt(NonZeroU32);

/// A place for an entry that other threads can follow.
#[derive(Debug, Default)]
pub(super) struct Slot(Place);

impl Slot {
    /// Makes a slot that has an entry.
    pub(super) fn new(at: Option<EntryAt>) -> Self {
        Self(Place::new(word(at)))
    }

    /// Returns the entry.
    #[inline]
    pub(super) fn load(&self) -> Option<EntryAt> {
        NonZeroU32::new(self.0.load()).map(EntryAt)
    }

    /// Shows an entry to whoever loads this.
    pub(super) fn store(&self, at: Option<EntryAt>) {
        self.0.store(word(at));
    }
}

fn word(at: Option<EntryAt>) -> u32 {
    at.map_or(0, |at| at.0.get())
}

/// The entries of a memtable.
#[derive(Debug)]
pub(super) struct Entries {
    arena: Arena,
}

impl Entries {
    /// Makes room for `bytes` bytes of entries; see [`Arena::new`].
    pub(super) fn new(bytes: usize, promised: u32, home: &Arc<Recycler>) -> Self {
        Self { arena: Arena::new(KEPT_UNITS, bytes, promised, home) }
    }

    /// Returns the room.
    pub(super) fn arena(&self) -> &Arena {
        &self.arena
    }

    /// Copies an entry, which nobody else sees yet.
    ///
    /// # Panics
    ///
    /// If no room was reserved for it.
    pub(super) fn push(&self, entry: EntryRef<'_>) -> EntryAt {
        let bytes = entry.key.len() + entry.value.len();
        let promised = u32::try_from(bytes / UNIT).ok().and_then(|u| u.checked_add(MAX_UNITS));
        let promised = promised.expect("what was reserved is counted in u32");
        let units = u32::try_from((BYTES + bytes).div_ceil(UNIT)).expect("not more than promised");
        let key = KeyWord::new(entry.key.len(), entry.kind);
        let value_len = u32::try_from(entry.value.len()).expect("an arena reaches 32 GiB");
        let at = self.arena.take(units, promised);
        let header = Header { seqno: entry.seqno, older: Slot::default(), value_len, key };
        // SAFETY: `take` gave this call the unit (I2).
        let start = unsafe { self.arena.pointer(at) };
        // SAFETY: the units from here on are this call's alone, and are at least `MIN_UNITS`, as
        // large as the header; units are aligned to 8, as it is (I1).
        unsafe { start.cast::<Header>().write(header) };
        // SAFETY: the key follows, inside the units.
        let to = unsafe { start.add(BYTES) };
        // SAFETY: in bounds and ours; the source is not in these units, for no `EntryAt` is.
        unsafe { ptr::copy_nonoverlapping(entry.key.as_ptr(), to.as_ptr(), entry.key.len()) };
        // SAFETY: the value follows the key.
        let to = unsafe { to.add(entry.key.len()) };
        // SAFETY: as for the key.
        unsafe { ptr::copy_nonoverlapping(entry.value.as_ptr(), to.as_ptr(), entry.value.len()) };
        EntryAt(NonZeroU32::new(at).expect("the first unit is kept"))
    }

    /// Returns the key of an entry.
    #[inline]
    pub(super) fn key(&self, at: EntryAt) -> &[u8] {
        self.bytes(at, 0, self.header(at).key.len())
    }

    /// Returns the seqno of an entry.
    pub(super) fn seqno(&self, at: EntryAt) -> SeqNo {
        self.header(at).seqno
    }

    /// Returns an entry.
    pub(super) fn entry(&self, at: EntryAt) -> EntryRef<'_> {
        let &Header { seqno, value_len, key, .. } = self.header(at);
        let value = self.bytes(at, key.len(), value_len as usize);
        EntryRef { key: self.key(at), seqno, kind: key.kind(), value }
    }

    /// Returns where an entry keeps its next older version.
    pub(super) fn older(&self, at: EntryAt) -> &Slot {
        &self.header(at).older
    }

    /// Asks for the first bytes of an entry to be brought near: all of a small one.
    #[inline]
    pub(super) fn prefetch(&self, at: EntryAt) {
        for line in 0..3 {
            prefetch(self.start(at).as_ptr().wrapping_add(64 * line));
        }
    }

    #[inline]
    fn start(&self, at: EntryAt) -> NonNull<u8> {
        // SAFETY: an entry begins inside the arena (E1).
        unsafe { self.arena.pointer(at.0.get()) }
    }

    #[inline]
    fn header(&self, at: EntryAt) -> &Header {
        // SAFETY: a filled header begins here (E1), is not written again but through its atomic
        // (E2), is visible to this thread (E3), and lives as long as the arena (I1).
        unsafe { self.start(at).cast::<Header>().as_ref() }
    }

    /// Returns `len` bytes of key and value together.
    ///
    /// Requires: `from + len` is at most their sum. Private, for two callers.
    #[inline]
    fn bytes(&self, at: EntryAt, from: usize, len: usize) -> &[u8] {
        // SAFETY: key and value are inside the entry (E1).
        let start = unsafe { self.start(at).add(BYTES + from) };
        // SAFETY: written, and never again (E2); visible to this thread (E3); alive as long as the
        // arena (I1).
        unsafe { slice::from_raw_parts(start.as_ptr(), len) }
    }
}

impl KeyWord {
    fn new(len: usize, kind: Kind) -> Self {
        let len = u32::try_from(len).ok().filter(|len| len >> KIND_SHIFT == 0);
        Self(len.expect("a key is shorter than 16 MiB") | u32::from(kind as u8) << KIND_SHIFT)
    }

    #[inline]
    fn len(self) -> usize {
        (self.0 & ((1 << KIND_SHIFT) - 1)) as usize
    }

    fn kind(self) -> Kind {
        const KINDS: [Kind; 6] = [
            Kind::Put,
            Kind::Delete,
            Kind::SingleDelete,
            Kind::DeleteRange,
            Kind::Merge,
            Kind::BlobRef,
        ];
        KINDS[(self.0 >> KIND_SHIFT) as usize - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_and_length_comes_back() {
        for (number, kind) in (1..).zip([Kind::Put, Kind::Delete, Kind::SingleDelete]) {
            assert_eq!(kind as u8, number);
        }
        for kind in [
            Kind::Put,
            Kind::Delete,
            Kind::SingleDelete,
            Kind::DeleteRange,
            Kind::Merge,
            Kind::BlobRef,
        ] {
            for len in [0, 1, 65_535, (1 << 24) - 1] {
                let word = KeyWord::new(len, kind);
                assert_eq!((word.len(), word.kind()), (len, kind));
            }
        }
    }

    #[test]
    fn entries_fill_their_units_and_come_back() {
        let entries = Entries::new(1 << 12, 0, &Arc::default());
        let mut pushed = Vec::new();
        for len in 0..40_usize {
            assert!(entries.arena().reserve(MAX_UNITS + u32::try_from(len / UNIT).unwrap()));
            let value = vec![7; len - len / 3];
            let entry = EntryRef {
                key: &[1; 14][..len / 3],
                seqno: SeqNo(len as u64),
                kind: Kind::Delete,
                value: &value,
            };
            pushed.push((entries.push(entry), entry.key.to_vec(), value.clone()));
        }
        for (at, key, value) in &pushed {
            let entry = entries.entry(*at);
            assert_eq!((entry.key, entry.value, entry.kind), (&key[..], &value[..], Kind::Delete));
            assert_eq!(entries.older(*at).load(), None);
        }
    }
}
