//! A B+tree whose leaves are appended to, over entries in an arena.
//!
//! ```text
//! inner nodes:   separators in order, and a few more      copied when full
//! leaves:        tag, head and newest version of a key    appended to, in any order
//! entries:       seqno, older version, key, value         written once
//! ```
//!
//! A search goes through two or three inner nodes to a leaf, and from there to the one entry whose
//! tag is the key's: three or four cache misses where a skiplist has a dozen. Writing a key again
//! adds a version to its chain and leaves the tree as it is. Nodes are added and never removed, so
//! that readers need no protection but the memtable's own `Arc`, and no lock.
//!
//! | file | subject | unsafe |
//! |---|---|---|
//! | `tree.rs` | search, insert and split | no |
//! | `leaf.rs` | leaves: items, and the lock of who adds some | no |
//! | `inner.rs` | inner nodes: which way a key goes | no |
//! | `last.rs` | the last leaf, without a search | no |
//! | `nodes.rs` | where nodes are | yes |
//! | `entry.rs` | entries: what stands in the bytes of the arena | yes |
//! | `place.rs` | how threads show each other where something is | no |
//! | `chain.rs` | versions of a key | no |
//! | `cursor.rs` | walking | no |
//! | `size.rs` | how large nodes are | no |
//!
//! A reservation is for entries only. Nodes have room of their own, enough for any entries that
//! fit, of which the pages that nobody needs are never touched; they count in what the memtable
//! takes, and it is full when both together are what it may hold.

mod chain;
mod cursor;
mod entry;
mod inner;
mod last;
mod leaf;
mod nodes;
mod place;
mod size;
mod tree;

use std::{fmt, sync::Arc};

use lsmer_core::{Cursor, EntryRef, Memtable, MemtableFactory, MemtableSpec, Probe, hash, mutant};
use lsmer_sync::OnceLock;

use self::{
    cursor::TreeCursor,
    entry::{Entries, MAX_UNITS, MIN_UNITS},
    leaf::Leaf,
    tree::Tree,
};
use crate::{
    arena::{self, UNIT},
    filter::Filter,
    memory::Recycler,
    reported::Reported,
};

/// A memtable whose newest versions of keys are in a B+tree.
///
/// Lookups take no lock; inserts lock a leaf for a moment, and one after the other split full
/// ones. Its accounting ([`reserve`](Memtable::reserve)) counts entries with 20 bytes beside keys
/// and values, and nodes: 15 to 45 bytes for each key. It may hold 32 GiB.
pub struct BTreeArena {
    spec: MemtableSpec,
    table: OnceLock<Table>,
    home: Arc<Recycler>,
    reported: Reported,
}

/// What the first reservation makes.
#[derive(Debug)]
struct Table {
    entries: Entries,
    tree: Tree,
    filter: Filter,
}

impl BTreeArena {
    /// Makes a factory of such memtables.
    pub fn factory() -> Arc<dyn MemtableFactory> {
        Arc::new(Factory::default())
    }

    fn table(&self) -> Option<&Table> {
        self.table.get()
    }
}

impl fmt::Debug for BTreeArena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BTreeArena")
            .field("bytes", &self.bytes())
            .field("capacity", &self.spec.bytes)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Factory {
    home: Arc<Recycler>,
}

impl MemtableFactory for Factory {
    fn name(&self) -> &'static str {
        "btree-arena"
    }

    fn create(&self, spec: &MemtableSpec) -> Arc<dyn Memtable> {
        let (table, reported) = (OnceLock::new(), Reported::default());
        let home = Arc::clone(&self.home);
        Arc::new(BTreeArena { spec: *spec, table, home, reported })
    }
}

impl Table {
    /// Makes a table with room for `bytes` bytes of entries, or for `promised` units if those are
    /// more.
    fn new(bytes: usize, promised: u32, home: &Arc<Recycler>) -> Self {
        let entries = Entries::new(bytes, promised, home);
        let capacity = entries.arena().capacity_bytes();
        let tree = Tree::new(capacity / (MIN_UNITS as usize * UNIT) + 1, home);
        Self { entries, tree, filter: Filter::new(capacity) }
    }

    fn bytes(&self) -> usize {
        self.entries.arena().taken_bytes() + self.tree.bytes()
    }

    /// Looks up where an entry goes, and brings that near.
    #[inline]
    fn place(&self, key: &[u8]) -> Where<'_> {
        let hash = hash(key);
        self.filter.prefetch(hash);
        (hash, self.tree.place(&self.entries, key))
    }

    #[inline]
    fn insert(&self, entry: EntryRef<'_>, (hash, leaf): Where<'_>) {
        // Before the entry can be found: whoever is told of it must find its bits. And before the
        // entry is written: an atomic change waits for all earlier writes to leave the processor.
        if !mutant!("btree-filter-misses-keys") {
            self.filter.add(hash);
        }
        let at = self.entries.push(entry);
        self.tree.insert(&self.entries, leaf, at, tag(hash));
    }

    /// Promises units, unless these and what is taken are more than the table may hold.
    fn reserve(&self, units: u32, most: usize) -> bool {
        let wanted = self.bytes().saturating_add(units as usize * UNIT);
        wanted <= most && self.entries.arena().reserve(units)
    }
}

/// Where an entry goes: the hash of its key, and its leaf.
type Where<'a> = (u64, &'a Leaf);

const RESERVED: &str = "room is reserved before an insert";
/// So many places are looked up before the first of them is written to: the waits for their memory
/// overlap.
const AT_ONCE: usize = 16;

/// Returns the byte of a hash that leaves keep.
#[inline]
fn tag(hash: u64) -> u8 {
    hash.to_le_bytes()[4]
}

impl Memtable for BTreeArena {
    fn reserve(&self, entries: u32, bytes: usize) -> bool {
        let Some(units) = arena::cost(entries, MAX_UNITS, bytes) else { return false };
        if let Some(table) = self.table() {
            return table.reserve(units, self.spec.bytes);
        }
        if bytes > self.spec.bytes {
            return false;
        }
        let mut first = false;
        let table = self.table.get_or_init(|| {
            first = true;
            Table::new(self.spec.bytes, units, &self.home)
        });
        first || table.reserve(units, self.spec.bytes)
    }

    fn insert(&self, entry: EntryRef<'_>) {
        let table = self.table().expect(RESERVED);
        table.insert(entry, table.place(entry.key));
    }

    fn insert_all(&self, entries: &[EntryRef<'_>]) {
        let table = self.table().expect(RESERVED);
        for entries in entries.chunks(AT_ONCE) {
            let mut places = [None; AT_ONCE];
            for (place, entry) in places.iter_mut().zip(entries) {
                *place = Some(table.place(entry.key));
            }
            for (place, entry) in places.into_iter().flatten().zip(entries) {
                table.insert(*entry, place);
            }
        }
    }

    fn get(&self, probe: &Probe<'_>, found: &mut dyn FnMut(EntryRef<'_>)) -> bool {
        let Some(Table { entries, tree, filter }) = self.table() else { return false };
        if !filter.may_contain(probe.hash) {
            return false;
        }
        let visible = tree
            .find(entries, probe.key, tag(probe.hash))
            .and_then(|newest| chain::visible(entries, newest, probe.snapshot));
        if let Some(at) = visible {
            found(entries.entry(at));
        }
        visible.is_some()
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor + Send> {
        Box::new(TreeCursor::new(self))
    }

    fn bytes(&self) -> usize {
        let Some(table) = self.table() else { return 0 };
        let now = table.bytes() + table.filter.bytes();
        self.reported.raise(now)
    }
}

#[cfg(test)]
mod tests {
    use super::{inner::Inner, leaf::Leaf};

    #[test]
    fn nodes_are_whole_cache_lines() {
        assert_eq!((size_of::<Leaf>(), align_of::<Leaf>()), (640, 64));
        assert_eq!((size_of::<Inner>(), align_of::<Inner>()), (512, 64));
    }
}
