//! What the memtables are compared with: a sorted map, and the keys that make trouble.

use std::{cmp::Reverse, collections::BTreeMap, ops::Bound, sync::Arc};

use lsmer_core::{
    Block, BlockCache, BlockId, BlockReader, BlockShelf, Cursor, EntryRef, KeyRange, Kind,
    MAX_KEY_BYTES, Memtable, MemtableFactory, MemtableSpec, SeqNo, Step, TableId, Window,
    after_range, before_range,
};
use lsmer_memtable::{BTreeArena, CrossbeamMemtable, SkipArena};
use proptest::{collection::vec, prelude::*, sample::Index};

/// Entries by (key, newest first).
pub(crate) type Model = BTreeMap<(Vec<u8>, Reverse<u64>), (Kind, Vec<u8>)>;

/// An entry that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Vec<u8>,
    pub(crate) seqno: u64,
    pub(crate) kind: Kind,
    pub(crate) value: Vec<u8>,
}

impl Entry {
    pub(crate) fn as_ref(&self) -> EntryRef<'_> {
        let (seqno, kind) = (SeqNo(self.seqno), self.kind);
        EntryRef { key: &self.key, seqno, kind, value: &self.value }
    }

    pub(crate) fn put(key: impl Into<Vec<u8>>, seqno: u64, value: impl Into<Vec<u8>>) -> Self {
        Self { key: key.into(), seqno, kind: Kind::Put, value: value.into() }
    }
}

impl From<EntryRef<'_>> for Entry {
    fn from(entry: EntryRef<'_>) -> Self {
        Self { kind: entry.kind, ..Self::put(entry.key, entry.seqno.0, entry.value) }
    }
}

pub(crate) fn all() -> [Arc<dyn MemtableFactory>; 3] {
    [BTreeArena::factory(), SkipArena::factory(), CrossbeamMemtable::factory()]
}

pub(crate) fn create(factory: &Arc<dyn MemtableFactory>, bytes: usize) -> Arc<dyn Memtable> {
    factory.create(&MemtableSpec { bytes })
}

/// Reserves and inserts.
pub(crate) fn insert(table: &Arc<dyn Memtable>, entry: &Entry) {
    assert!(table.reserve(1, entry.key.len() + entry.value.len()));
    table.insert(entry.as_ref());
}

/// Makes a memtable of entries, large enough for them.
pub(crate) fn filled(factory: &Arc<dyn MemtableFactory>, entries: &[Entry]) -> Arc<dyn Memtable> {
    let table = create(factory, 16 << 20);
    for entry in entries {
        insert(&table, entry);
    }
    table
}

pub(crate) fn model_of(entries: &[Entry]) -> Model {
    let version = |entry: &Entry| (entry.key.clone(), Reverse(entry.seqno));
    entries.iter().map(|entry| (version(entry), (entry.kind, entry.value.clone()))).collect()
}

pub(crate) fn in_range(model: &Model, range: KeyRange<'_>) -> Vec<Entry> {
    let mut inside = Vec::new();
    for ((key, seqno), (kind, value)) in model {
        if !before_range(key, range) && !after_range(key, range) {
            inside.push(Entry { kind: *kind, ..Entry::put(key.clone(), seqno.0, value.clone()) });
        }
    }
    inside
}

/// Keys that are short, alike in their first bytes, paths, or as long as can be.
pub(crate) fn key() -> impl Strategy<Value = Vec<u8>> {
    let byte = || prop_oneof![Just(0_u8), Just(1), Just(0xfe), Just(0xff)];
    prop_oneof![
        20 => vec(byte(), 0..11),
        10 => vec(byte(), 0..4).prop_map(|tail| [b"eight by", &tail[..]].concat()),
        10 => (0..3_u8, 0..4_u8, 0..40_u8).prop_map(|(folder, module, file)| {
            format!("/usr/share/doc/package-{folder}/html/module{module}/f{file}").into_bytes()
        }),
        5 => vec(any::<u8>(), 0..40),
        1 => byte().prop_map(|last| {
            let mut key = vec![0xff; MAX_KEY_BYTES];
            *key.last_mut().expect("not empty") = last;
            key
        }),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        60 => vec(any::<u8>(), 0..20),
        1 => (any::<u8>(), 0..100_000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

/// Up to `most` entries with the seqnos from 1, in an order in which threads may have added them.
/// Some write keys again.
pub(crate) fn entries(most: usize) -> impl Strategy<Value = Vec<Entry>> {
    let pick = (any::<Index>(), proptest::bool::weighted(0.3));
    let change = (key(), value(), proptest::bool::weighted(0.2), pick);
    vec(change, 0..most)
        .prop_map(|changes| {
            let mut entries: Vec<Entry> = Vec::new();
            for (key, value, delete, (index, again)) in changes {
                let again = again && !entries.is_empty();
                let key = if again { index.get(&entries).key.clone() } else { key };
                let seqno = entries.len() as u64 + 1;
                entries.push(if delete {
                    Entry { kind: Kind::Delete, ..Entry::put(key, seqno, []) }
                } else {
                    Entry::put(key, seqno, value)
                });
            }
            entries
        })
        .prop_shuffle()
}

pub(crate) fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![
        2 => key().prop_map(Bound::Included),
        2 => key().prop_map(Bound::Excluded),
        1 => Just(Bound::Unbounded),
    ]
}

/// A cursor and what it needs.
pub(crate) struct Walk {
    cursor: Box<dyn Cursor + Send>,
    window: Window,
    backward: bool,
}

impl Walk {
    pub(crate) fn new(table: &Arc<dyn Memtable>) -> Self {
        let cursor = Arc::clone(table).cursor();
        Self { cursor, window: Window::End, backward: false }
    }

    pub(crate) fn seek(&mut self, range: KeyRange<'_>, backward: bool) {
        self.backward = backward;
        let mut shelf = BlockShelf::default();
        let step = self.cursor.seek(range, backward, &mut BlockReader::new(&NoCache, &mut shelf));
        assert_eq!(step.expect("it does not fail"), Step::Done(()));
    }

    /// Returns the next entries, in the direction of the walk; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Vec<Entry>> {
        let mut shelf = BlockShelf::default();
        let blocks = &mut BlockReader::new(&NoCache, &mut shelf);
        let step = self.cursor.next_window(&mut self.window, blocks);
        assert_eq!(step.expect("it does not fail"), Step::Done(()));
        let batch = match &self.window {
            Window::Batch(batch) => batch,
            Window::End => return None,
            Window::Rows { .. } => panic!("a memtable has no blocks"),
        };
        assert!((1..=64).contains(&batch.len()), "{} entries", batch.len());
        let mut entries: Vec<_> = (0..batch.len()).map(|i| batch.entry(i).into()).collect();
        if self.backward {
            entries.reverse();
        }
        Some(entries)
    }

    /// Returns all further entries.
    pub(crate) fn rest(&mut self) -> Vec<Entry> {
        let mut all = Vec::new();
        while let Some(entries) = self.next() {
            all.extend(entries);
        }
        assert_eq!(self.next(), None, "the end stays the end");
        all
    }
}

/// A cache that has nothing: memtables ask for nothing.
#[derive(Debug)]
struct NoCache;

impl BlockCache for NoCache {
    fn get(&self, _: &BlockId) -> Option<Block> {
        panic!("a memtable asked for a block");
    }
    fn insert(&self, _: BlockId, _: Block) {}
    fn remove_table(&self, _: TableId) {}
    fn bytes(&self) -> usize {
        0
    }
}
