//! Nodes: an entry and its tower of links, in units of the arena.
//!
//! ```text
//! 0        8        16       20        24     25       28
//! | head   | seqno  | key    | value   | kind | height | next[0] .. next[height - 1] | key | value
//! | u64    | u64    | length | length  | u8   | u8     | u32 each                    |
//! ```
//!
//! A link is the first unit of another node, or 0 (where the root is, which nothing links to).
//!
//! # Invariants
//!
//! In addition to those of `arena.rs`, on which they stand:
//!
//! - **N1** A [`Node`] is made only of the two towers that [`Arena::write_root`] fills in the units kept (I3), of a unit that [`Arena::push`] has filled,
//!   of a link, or of a [`Place`]. So its `at` is where a node begins that was filled in the
//!   bounds that its lengths and its height tell, inside the units that its writer was given (I2).
//! - **N2** Head, seqno, lengths, kind, height, key and value are written before the first [`Node`]
//!   of them exists, and never again. The links are atomics and are written only through `&`.
//! - **N3** A link is stored with release order by a thread that has the [`Node`] it stores, and
//!   loaded with acquire order. So a thread that makes a [`Node`] of a link sees N2's writes.

#![expect(unsafe_code, reason = "lays nodes over the bytes of an arena")]

use std::{
    mem::offset_of,
    ptr::{self, NonNull},
    slice,
    sync::Arc,
};

use lsmer_core::{EntryRef, Kind, SeqNo, prefetch};
use lsmer_sync::atomic::Ordering;

use super::{
    list::{self, FOLLOW, LINK},
    target::Target,
};
use crate::{
    arena::{Arena, UNIT},
    memory::Recycler,
    word::AtomicU32,
};

/// Links of the highest towers. With one tower in four higher, enough for 16 million entries.
pub(super) const MAX_HEIGHT: usize = 12;
/// Most units of a node, beside one for each eight bytes of its key and value, counted together
/// and rounded down.
pub(super) const MAX_UNITS: u32 = 11;
/// Units of the root, and of the node that points at the ends.
const TOWER_UNITS: u32 = 10;
/// Units of both.
const ROOT_UNITS: u32 = 2 * TOWER_UNITS;

const LINKS: usize = offset_of!(Header, first_link);
const LINK_BYTES: usize = size_of::<AtomicU32>();
const MAX_HEADER: usize = LINKS + MAX_HEIGHT * LINK_BYTES;

const _: () = assert!(LINKS == 28 && size_of::<Header>() == 32 && align_of::<Header>() == UNIT);
const _: () = assert!(MAX_HEADER <= TOWER_UNITS as usize * UNIT);
// The least that `MAX_UNITS` must be: 7 bytes of key and value are not counted in units.
const _: () = assert!((MAX_HEADER + UNIT - 1).div_ceil(UNIT) <= MAX_UNITS as usize);

#[repr(C)]
struct Header {
    head: u64,
    seqno: SeqNo,
    key_len: u32,
    value_len: u32,
    kind: Kind,
    height: u8,
    first_link: AtomicU32,
}

/// A node of an arena, filled. Copies are the same node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a> {
    arena: &'a Arena,
    at: u32,
}

/// A node, without the arena it is in: what a cursor keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(u32);

impl Arena {
    /// Returns the node before all others. It has no entry.
    pub(super) fn root(&self) -> Node<'_> {
        Node { arena: self, at: 0 }
    }

    /// Returns the node that points at the last node of each level, or one that was. Nothing links
    /// to it.
    pub(super) fn ends(&self) -> Node<'_> {
        Node { arena: self, at: TOWER_UNITS }
    }

    /// Returns the node at a place.
    ///
    /// # Safety
    ///
    /// The place comes from a node of this arena.
    pub(super) unsafe fn node(&self, place: Place) -> Node<'_> {
        Node { arena: self, at: place.0 }
    }

    /// Copies an entry into a new node, linked nowhere yet. `head` is its key's; `height` is from
    /// 1 to [`MAX_HEIGHT`].
    ///
    /// # Panics
    ///
    /// If no room was reserved for it.
    pub(super) fn push(&self, entry: EntryRef<'_>, head: u64, height: usize) -> Node<'_> {
        assert!((1..=MAX_HEIGHT).contains(&height), "a tower has 1 to 12 links");
        let bytes = entry.key.len() + entry.value.len();
        let units = (LINKS + height * LINK_BYTES + bytes).div_ceil(UNIT);
        let units = u32::try_from(units).expect("what was reserved is counted in u32");
        let promised =
            u32::try_from(bytes / UNIT).ok().and_then(|units| units.checked_add(MAX_UNITS));
        let promised = promised.expect("what was reserved is counted in u32");
        let at = self.take(units, promised);
        // SAFETY: `take` gave `units` units from `at` on to this call alone (I2), and they are
        // what the node needs.
        unsafe { self.fill(at, entry, head, height) };
        Node { arena: self, at }
    }

    /// Makes an arena for nodes, with the root and the ends written; see [`Arena::new`].
    pub(super) fn with_root(bytes: usize, promised: u32, home: &Arc<Recycler>) -> Self {
        let arena = Self::new(ROOT_UNITS, bytes, promised, home);
        arena.write_root();
        arena
    }

    /// Writes the root and the ends, before anybody else has the arena.
    fn write_root(&self) {
        let entry = EntryRef { key: &[], seqno: SeqNo::MAX, kind: Kind::Put, value: &[] };
        for at in [0, TOWER_UNITS] {
            // SAFETY: these units are nobody else's (I3), and are enough as asserted above.
            unsafe { self.fill(at, entry, 0, MAX_HEIGHT) };
        }
    }

    /// Writes a node with empty links.
    ///
    /// # Safety
    ///
    /// The units from `at` on that the node needs belong to the caller, who has made no [`Node`]
    /// of them.
    unsafe fn fill(&self, at: u32, entry: EntryRef<'_>, head: u64, height: usize) {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("an arena reaches 32 GiB");
        let header = Header {
            head,
            seqno: entry.seqno,
            key_len: length(entry.key),
            value_len: length(entry.value),
            kind: entry.kind,
            height: u8::try_from(height).expect("a tower has 1 to 12 links"),
            first_link: AtomicU32::new(0),
        };
        // SAFETY: the units are inside the arena, by the caller's word.
        let start = unsafe { self.pointer(at) };
        // SAFETY: in bounds and ours, by the caller's word: a node with one link is as large as
        // the header. Units are aligned to 8, as the header is (I1).
        unsafe { start.cast::<Header>().write(header) };
        for level in 1..height {
            // SAFETY: the tower is part of the node.
            let link = unsafe { start.add(LINKS + level * LINK_BYTES) };
            // SAFETY: in bounds and ours as above; 28 and 4 are multiples of the alignment.
            unsafe { link.cast::<AtomicU32>().write(AtomicU32::new(0)) };
        }
        // SAFETY: the key follows the tower, inside the node.
        let key = unsafe { start.add(LINKS + height * LINK_BYTES) };
        // SAFETY: in bounds and ours; the source is not in these units, for no `Node` is.
        unsafe { copy(entry.key, key) };
        // SAFETY: the value follows the key, inside the node.
        let value = unsafe { key.add(entry.key.len()) };
        // SAFETY: as for the key.
        unsafe { copy(entry.value, value) };
    }
}

/// Copies bytes to a place.
///
/// # Safety
///
/// As many bytes may be written at `to`, and do not overlap `from`.
unsafe fn copy(from: &[u8], to: NonNull<u8>) {
    // SAFETY: by the caller's word.
    unsafe { ptr::copy_nonoverlapping(from.as_ptr(), to.as_ptr(), from.len()) };
}

impl<'a> Node<'a> {
    /// Returns the place of this node in its arena.
    pub(super) fn place(self) -> Place {
        Place(self.at)
    }

    /// Returns whether this is the root, which has no entry.
    pub(super) fn is_root(self) -> bool {
        self.at == 0
    }

    /// Returns whether the entry stands before a place.
    #[inline]
    pub(super) fn precedes(self, target: &Target<'_>) -> bool {
        target.is_after(self.header().head, || (self.key(), self.header().seqno))
    }

    /// Returns the place just before this entry.
    pub(super) fn target(self) -> Target<'a> {
        Target::at(self.header().head, self.key(), self.header().seqno)
    }

    /// Returns the key.
    pub(super) fn key(self) -> &'a [u8] {
        self.bytes(0, self.header().key_len)
    }

    /// Returns the entry.
    pub(super) fn entry(self) -> EntryRef<'a> {
        let &Header { seqno, kind, key_len, value_len, .. } = self.header();
        let value = self.bytes(key_len, value_len);
        EntryRef { key: self.key(), seqno, kind, value }
    }

    fn start(self) -> NonNull<u8> {
        // SAFETY: a node begins inside the arena (N1).
        unsafe { self.arena.pointer(self.at) }
    }

    #[inline]
    fn header(self) -> &'a Header {
        // SAFETY: a filled header begins here (N1), is not written again but through its atomic
        // (N2), and lives as long as the arena (I1), as the returned reference does.
        unsafe { self.start().cast::<Header>().as_ref() }
    }

    /// Returns `len` bytes of key and value together.
    ///
    /// Requires: `from + len` is at most their sum. Private, for two callers.
    #[inline]
    fn bytes(self, from: u32, len: u32) -> &'a [u8] {
        let from = LINKS + usize::from(self.header().height) * LINK_BYTES + from as usize;
        // SAFETY: key and value are inside the node (N1).
        let start = unsafe { self.start().add(from) };
        // SAFETY: written, and never again (N2); visible to this thread (N3); alive as long as the
        // arena (I1).
        unsafe { slice::from_raw_parts(start.as_ptr(), len as usize) }
    }

    #[inline]
    fn link(self, level: usize) -> &'a AtomicU32 {
        assert!(level < usize::from(self.header().height), "reached on a level it is not in");
        // SAFETY: the tower is part of the node, and has this level as just checked.
        let link = unsafe { self.start().add(LINKS + level * LINK_BYTES) };
        // SAFETY: an atomic was written there (N1, N2), aligned as 28 and 4 are; it lives as long
        // as the arena (I1).
        unsafe { link.cast::<AtomicU32>().as_ref() }
    }
}

impl list::Node for Node<'_> {
    const LEVELS: usize = MAX_HEIGHT;

    #[inline]
    fn next(self, level: usize) -> Option<Self> {
        let at = self.link(level).load(FOLLOW);
        (at != 0).then_some(Self { arena: self.arena, at })
    }

    fn set_next(self, level: usize, next: Option<Self>) {
        // `Relaxed`: nobody follows this link before the node is linked on this level.
        self.link(level).store(self.offset(next), Ordering::Relaxed);
    }

    fn point_at(self, level: usize, to: Self) {
        self.link(level).store(self.offset(Some(to)), LINK);
    }

    fn replace_next(self, level: usize, from: Option<Self>, to: Self) -> bool {
        let (from, to) = (self.offset(from), self.offset(Some(to)));
        self.link(level).compare_exchange(from, to, LINK, Ordering::Relaxed).is_ok()
    }

    #[inline]
    fn is(self, other: Self) -> bool {
        self.at == other.at
    }

    #[inline]
    fn prefetch_next(self, level: usize) {
        let at = self.link(level).load(Ordering::Relaxed);
        // SAFETY: links are inside the arena (N1).
        let next = unsafe { self.arena.pointer(at) };
        prefetch(next.as_ptr());
    }
}

impl Node<'_> {
    /// Returns the link to a node of the same arena.
    fn offset(self, to: Option<Self>) -> u32 {
        to.map_or(0, |to| {
            assert!(ptr::eq(self.arena, to.arena), "nodes of two arenas");
            to.at
        })
    }
}
