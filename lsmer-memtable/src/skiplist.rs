//! The default memtable: a lock-free skiplist in one arena.
//!
//! ```text
//! root:  12 links                            next[11] ---------------------------------> end
//!                                            ...
//!          node (height 1)                   next[1]  --> node (height 2) -------------> end
//!  next[0] --> | head seqno lengths kind | next[0] --> ...
//! ```
//!
//! A node carries the first eight bytes of its key as a number: a search compares that, and looks
//! at the key itself only on a tie. Nodes are added and never removed, so that readers need no
//! protection but the memtable's own `Arc`. After Pugh's skiplists, the `InlineSkipList` of
//! RocksDB and the `arenaskl` of Pebble.
//!
//! | file | subject | unsafe |
//! |---|---|---|
//! | `node.rs` | nodes: what stands in those bytes | yes |
//! | `list.rs` | links: search and insert, over any node | no |
//! | `target.rs` | the order of entries | no |
//! | `cursor.rs` | walking | one call |
//!
//! The arena is made by the first reservation: a memtable that nobody writes takes no memory, and
//! the first reservation always fits, with whatever its nodes cost beside keys and values.

mod cursor;
mod list;
mod node;
mod target;

use std::{fmt, sync::Arc};

use lsmer_core::{
    Cursor, EntryRef, Memtable, MemtableFactory, MemtableSpec, Probe, SeqNo, hash, head, mutant,
};
use lsmer_sync::OnceLock;

use self::{
    cursor::ArenaCursor,
    node::{MAX_HEIGHT, MAX_UNITS, Node},
    target::Target,
};
use crate::{
    arena::{self, Arena},
    filter::Filter,
    memory::Recycler,
    reported::Reported,
};

/// A memtable whose entries are nodes of a skiplist in one arena.
///
/// Inserts and lookups take no lock and allocate nothing. Its accounting
/// ([`reserve`](Memtable::reserve)) counts what nodes take beside keys and values: about 40 bytes
/// an entry. It may hold 32 GiB.
pub struct SkipArena {
    spec: MemtableSpec,
    table: OnceLock<Table>,
    home: Arc<Recycler>,
    reported: Reported,
}

/// What the first reservation makes.
struct Table {
    arena: Arena,
    filter: Filter,
}

impl SkipArena {
    /// Makes a factory of such memtables.
    pub fn factory() -> Arc<dyn MemtableFactory> {
        Arc::new(Factory::default())
    }

    fn table(&self) -> Option<&Table> {
        self.table.get()
    }
}

impl fmt::Debug for SkipArena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SkipArena")
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
        "skip-arena"
    }

    fn create(&self, spec: &MemtableSpec) -> Arc<dyn Memtable> {
        let (table, reported) = (OnceLock::new(), Reported::default());
        let home = Arc::clone(&self.home);
        Arc::new(SkipArena { spec: *spec, table, home, reported })
    }
}

impl Memtable for SkipArena {
    fn reserve(&self, entries: u32, bytes: usize) -> bool {
        let Some(units) = arena::cost(entries, MAX_UNITS, bytes) else { return false };
        if let Some(table) = self.table() {
            return table.arena.reserve(units);
        }
        if bytes > self.spec.bytes {
            return false;
        }
        let mut first = false;
        let table = self.table.get_or_init(|| {
            first = true;
            let arena = Arena::with_root(self.spec.bytes, units, &self.home);
            let filter = Filter::new(arena.capacity_bytes());
            Table { arena, filter }
        });
        first || table.arena.reserve(units)
    }

    fn insert(&self, entry: EntryRef<'_>) {
        let Table { arena, filter } = self.table().expect("room is reserved before an insert");
        let (hash, head) = (hash(entry.key), head(entry.key));
        let height = height(hash, entry.seqno);
        let node = arena.push(entry, head, height);
        // Before the node can be found: whoever is told of the entry must find its bits.
        if !mutant!("memtable-filter-misses-keys") {
            filter.add(hash);
        }
        let target = Target::at(head, entry.key, entry.seqno);
        let precedes = |other: Node<'_>| other.precedes(&target);
        list::insert(arena.root(), arena.ends(), node, height, precedes);
    }

    fn get(&self, probe: &Probe<'_>, found: &mut dyn FnMut(EntryRef<'_>)) -> bool {
        let Some(Table { arena, filter }) = self.table() else { return false };
        if !filter.may_contain(probe.hash) {
            return false;
        }
        let target = Target::at(head(probe.key), probe.key, probe.snapshot);
        match list::find(arena.root(), |node| node.precedes(&target)).1 {
            Some(node) if node.key() == probe.key => {
                found(node.entry());
                true
            }
            _ => false,
        }
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor + Send> {
        Box::new(ArenaCursor::new(self))
    }

    fn bytes(&self) -> usize {
        let Some(Table { arena, filter }) = self.table() else { return 0 };
        let now = arena.taken_bytes() + filter.bytes();
        self.reported.raise(now)
    }
}

/// Returns the height of an entry's tower: `h` with probability 3/4 * (1/4)^(h-1), and the same
/// for the same entry every time.
fn height(hash: u64, seqno: SeqNo) -> usize {
    // The finalizer of splitmix64.
    let mut bits = hash ^ seqno.0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    (1 + bits.trailing_zeros() as usize / 2).min(MAX_HEIGHT)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use lsmer_core::Kind;

    use super::*;

    #[test]
    fn one_tower_in_four_is_higher() {
        let mut counts = [0_u32; MAX_HEIGHT + 1];
        for seqno in 0..1 << 16 {
            counts[height(hash(b"key"), SeqNo(seqno))] += 1;
        }
        assert_eq!(counts[0], 0);
        for level in 1..4 {
            let (these, higher) = (counts[level], counts[level + 1..].iter().sum::<u32>());
            assert!(these > 2 * higher && these < 4 * higher, "{counts:?}");
        }
    }
    #[test]
    fn ascending_inserts_need_no_search() {
        let arena = Arena::with_root(1 << 20, 0, &Arc::default());
        assert!(arena.reserve(arena::cost(1000, MAX_UNITS, 8000).unwrap()));
        let compared = Cell::new(0);
        for i in 1..=1000_u64 {
            let (key, seqno) = (i.to_be_bytes(), SeqNo(i));
            let height = height(hash(&key), seqno);
            let entry = EntryRef { key: &key, seqno, kind: Kind::Put, value: &[] };
            let node = arena.push(entry, head(&key), height);
            let target = Target::at(head(&key), &key, seqno);
            list::insert(arena.root(), arena.ends(), node, height, |other| {
                compared.set(compared.get() + 1);
                other.precedes(&target)
            });
        }
        assert!(compared.get() < 1500, "{} comparisons: one for each link", compared.get());
    }
}
