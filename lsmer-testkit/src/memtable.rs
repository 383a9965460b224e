//! The suite for memtables: one function per property, each of which panics if it does not hold.
//!
//! `CURSOR-02` and `CURSOR-03` say nothing here: a memtable misses no block and reads no disk, so
//! any miss or error of its cursor is a failure of `CURSOR-01`. They are asked of tables.

mod threads;

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use lsmer_core::{
    ALL, BlockCache, BlockId, BlockReader, BlockShelf, Cursor, EntryRef, KeyRange, Kind, Memtable,
    MemtableFactory, MemtableSpec, Probe, SeqNo, Step, TableId, Window, after_range, before_range,
};

pub use self::threads::{
    mem_02_no_insert_of_several_threads_is_lost, mem_03_a_cursor_stays_in_order_beside_inserts,
    mem_04_bytes_do_not_decrease_beside_inserts,
};
use crate::seed::Seeded;

const BYTES: usize = 1 << 20;
const ENTRIES: u64 = 3_000;

type Version = (Vec<u8>, std::cmp::Reverse<SeqNo>);
type Model = BTreeMap<Version, Vec<u8>>;

/// Runs every property.
///
/// # Panics
///
/// If one does not hold.
pub fn conforms(factory: &dyn MemtableFactory) {
    mem_01_a_reservation_is_kept(factory);
    mem_02_get_finds_the_newest_version_below_the_snapshot(factory);
    mem_03_a_cursor_sees_what_was_there_before_its_seek(factory);
    mem_04_bytes_do_not_decrease(factory);
    mem_05_inserting_together_is_inserting_each(factory);
    mem_02_no_insert_of_several_threads_is_lost(factory);
    mem_03_a_cursor_stays_in_order_beside_inserts(factory);
    mem_04_bytes_do_not_decrease_beside_inserts(factory);
    cursor_01_windows_hold_the_range_once_and_in_order(factory);
}

/// `MEM-01`: memtables of several sizes are filled until they refuse; whatever was reserved can be
/// inserted, and is there.
///
/// # Panics
///
/// If not.
pub fn mem_01_a_reservation_is_kept(factory: &dyn MemtableFactory) {
    let mut random = Seeded::new();
    for bytes in [64 << 10, 200_000, BYTES] {
        let table = factory.create(&MemtableSpec { bytes });
        let mut model = Model::new();
        let mut seqno = 0;
        loop {
            let batch: Vec<_> =
                (0..=random.below(20)).map(|_| (random.bytes(20), random.bytes(400))).collect();
            let sum = batch.iter().map(|(key, value)| key.len() + value.len()).sum();
            if !table.reserve(u32::try_from(batch.len()).expect("a few"), sum) {
                break;
            }
            for (key, value) in batch {
                seqno += 1;
                insert(&*table, &mut model, key, seqno, value);
            }
            assert!(seqno < 1_000_000, "MEM-01: {bytes} bytes are never full; {random}");
        }
        assert!(seqno > 0, "MEM-01: the first reservation was refused: {bytes} bytes; {random}");
        for ((key, seqno), value) in &model {
            let got = get(&*table, key, seqno.0);
            let want = Some((seqno.0, value.clone()));
            assert!(got == want, "MEM-01: {key:?} at {} was lost; {random}", seqno.0);
        }
    }
}

/// `MEM-05`: entries that are inserted together, some of them versions of one key, are all there.
///
/// # Panics
///
/// If one is not.
pub fn mem_05_inserting_together_is_inserting_each(factory: &dyn MemtableFactory) {
    let mut random = Seeded::new();
    let table = factory.create(&MemtableSpec { bytes: 4 * BYTES });
    let mut model = Model::new();
    let mut seqno = 0;
    while seqno < ENTRIES {
        let batch: Vec<_> =
            (0..=random.below(40)).map(|_| (short_key(&mut random), random.bytes(40))).collect();
        let sum = batch.iter().map(|(key, value)| key.len() + value.len()).sum();
        let count = u32::try_from(batch.len()).expect("a few");
        assert!(table.reserve(count, sum), "MEM-01: there was room; {random}");
        insert_all(&*table, &mut model, &batch, seqno);
        seqno += batch.len() as u64;
    }
    for ((key, seqno), value) in &model {
        let got = get(&*table, key, seqno.0);
        let want = Some((seqno.0, value.clone()));
        assert!(got == want, "MEM-05: {key:?} at {} was lost; {random}", seqno.0);
    }
}

/// `MEM-02`: lookups of keys that are there and that are not, at every kind of snapshot, answer
/// as a model does.
///
/// # Panics
///
/// If one does not.
pub fn mem_02_get_finds_the_newest_version_below_the_snapshot(factory: &dyn MemtableFactory) {
    let mut random = Seeded::new();
    let (table, model) = filled(factory, &mut random);
    for _ in 0..20_000 {
        let key = short_key(&mut random);
        let snapshot = SeqNo(random.next() % (ENTRIES + 2));
        let from = (key.clone(), std::cmp::Reverse(snapshot));
        let want = model.range(from..).next().filter(|((found, _), _)| *found == key);
        let want = want.map(|((_, seqno), value)| (seqno.0, value.clone()));
        let got = get(&*table, &key, snapshot);
        assert_eq!(got, want, "MEM-02: {key:?} at {snapshot}; {random}");
    }
}

/// `MEM-03`: while a cursor walks, entries are inserted between its windows; what was there at
/// the seek is seen, all is in order, nothing twice.
///
/// # Panics
///
/// If not.
pub fn mem_03_a_cursor_sees_what_was_there_before_its_seek(factory: &dyn MemtableFactory) {
    let mut random = Seeded::new();
    for backward in [false, true] {
        let (table, mut model) = filled(factory, &mut random);
        let before = model.clone();
        let mut seqno = ENTRIES;
        let seen = walk(&table, ALL, backward, || {
            for _ in 0..5 {
                seqno += 1;
                assert!(table.reserve(1, 16), "MEM-01: there was room");
                insert(&*table, &mut model, short_key(&mut random), seqno, vec![7]);
            }
        });
        assert_ordered(&seen, "MEM-03", &random);
        let old: Vec<_> =
            seen.iter().filter(|(version, _)| version.1.0 <= SeqNo(ENTRIES)).collect();
        assert!(
            old.iter().map(|(version, value)| (version, value)).eq(before.iter()),
            "MEM-03: what was there is not what was seen, backward: {backward}; {random}"
        );
        let real = seen.iter().all(|(version, value)| model.get(version) == Some(value));
        assert!(real, "MEM-03: an entry that nobody inserted; {random}");
    }
}

/// `MEM-04`: the size never falls, over reservations and inserts.
///
/// # Panics
///
/// If it does.
pub fn mem_04_bytes_do_not_decrease(factory: &dyn MemtableFactory) {
    let mut random = Seeded::new();
    let table = factory.create(&MemtableSpec { bytes: BYTES });
    let (mut model, mut last) = (Model::new(), table.bytes());
    for seqno in 1..=ENTRIES {
        let (key, value) = (short_key(&mut random), random.bytes(50));
        assert!(table.reserve(1, key.len() + value.len()), "MEM-01: there was room");
        for step in ["a reservation", "an insert"] {
            let now = table.bytes();
            assert!(now >= last, "MEM-04: {last} became {now} before {step}; {random}");
            last = now;
        }
        insert(&*table, &mut model, key, seqno, value);
        let now = table.bytes();
        assert!(now >= last, "MEM-04: {last} became {now} after an insert; {random}");
        last = now;
    }
}

/// `CURSOR-01`: ranges of every kind of bound, forward and backward, hold what a model holds.
///
/// # Panics
///
/// If one does not.
pub fn cursor_01_windows_hold_the_range_once_and_in_order(factory: &dyn MemtableFactory) {
    let mut random = Seeded::new();
    let (table, model) = filled(factory, &mut random);
    for round in 0..200 {
        let (low, high) = (short_key(&mut random), short_key(&mut random));
        let range = (bound(&low, random.below(3)), bound(&high, random.below(3)));
        let range = if round == 0 { ALL } else { range };
        let backward = random.below(2) == 0;
        let seen = walk(&table, range, backward, || ());
        let inside =
            |version: &Version| !before_range(&version.0, range) && !after_range(&version.0, range);
        let want = model.iter().filter(|(version, _)| inside(version));
        assert!(
            seen.iter().map(|(version, value)| (version, value)).eq(want),
            "CURSOR-01: {range:?}, backward: {backward}; {random}"
        );
    }
}

fn bound(key: &[u8], kind: usize) -> Bound<&[u8]> {
    match kind {
        0 => Bound::Included(key),
        1 => Bound::Excluded(key),
        _ => Bound::Unbounded,
    }
}

/// One of few keys, among them the empty one and prefixes of others.
fn short_key(random: &mut Seeded) -> Vec<u8> {
    (0..random.below(5)).map(|_| [0, b'a', b'b', 0xff][random.below(4)]).collect()
}

fn filled(factory: &dyn MemtableFactory, random: &mut Seeded) -> (Arc<dyn Memtable>, Model) {
    let table = factory.create(&MemtableSpec { bytes: 4 * BYTES });
    let mut model = Model::new();
    // Commits may insert in another order than that of their seqnos: here each eight are reversed.
    for seqno in (0..ENTRIES).map(|i| (i ^ 7) + 1) {
        let (key, value) = (short_key(random), random.bytes(20));
        assert!(table.reserve(1, key.len() + value.len()), "MEM-01: there was room; {random}");
        insert(&*table, &mut model, key, seqno, value);
    }
    (table, model)
}

/// Inserts a put, or a delete if the value is empty.
fn insert(table: &dyn Memtable, model: &mut Model, key: Vec<u8>, seqno: u64, value: Vec<u8>) {
    let kind = if value.is_empty() { Kind::Delete } else { Kind::Put };
    table.insert(EntryRef { key: &key, seqno: SeqNo(seqno), kind, value: &value });
    model.insert((key, std::cmp::Reverse(SeqNo(seqno))), value);
}

/// Inserts puts and deletes together, whose seqnos follow `seqno`.
fn insert_all(
    table: &dyn Memtable,
    model: &mut Model,
    batch: &[(Vec<u8>, Vec<u8>)],
    mut seqno: u64,
) {
    let mut entries = Vec::new();
    for (key, value) in batch {
        seqno += 1;
        let kind = if value.is_empty() { Kind::Delete } else { Kind::Put };
        entries.push(EntryRef { key, seqno: SeqNo(seqno), kind, value });
        model.insert((key.clone(), std::cmp::Reverse(SeqNo(seqno))), value.clone());
    }
    table.insert_all(&entries);
}

fn get(table: &dyn Memtable, key: &[u8], snapshot: SeqNo) -> Option<(SeqNo, Vec<u8>)> {
    let mut found = None;
    let said = table.get(&Probe::new(key, snapshot), &mut |entry| {
        assert_eq!(entry.key, key, "MEM-02: another key");
        assert_eq!(entry.kind == Kind::Delete, entry.value.is_empty(), "MEM-02: another kind");
        found = Some((entry.seqno, entry.value.to_vec()));
    });
    assert_eq!(said, found.is_some(), "MEM-02: the answer and the call differ");
    found
}

/// Walks a range and returns it in ascending order; calls `between` after each window.
fn walk(
    table: &Arc<dyn Memtable>,
    range: KeyRange<'_>,
    backward: bool,
    mut between: impl FnMut(),
) -> Vec<(Version, Vec<u8>)> {
    let mut cursor: Box<dyn Cursor + Send> = Arc::clone(table).cursor();
    let mut shelf = BlockShelf::default();
    let mut blocks = BlockReader::new(&Nothing, &mut shelf);
    let sought = cursor.seek(range, backward, &mut blocks);
    assert!(matches!(sought, Ok(Step::Done(()))), "CURSOR-01: a seek was not done");
    let (mut windows, mut window) = (Vec::new(), Window::End);
    loop {
        let step = cursor.next_window(&mut window, &mut blocks);
        assert!(matches!(step, Ok(Step::Done(()))), "CURSOR-01: a window was not shown");
        if matches!(window, Window::End) {
            break;
        }
        assert!(!window.range().is_empty(), "CURSOR-01: an empty window");
        assert!(windows.len() < 100_000, "CURSOR-01: the windows do not end");
        let entry = |at| match &window {
            Window::Rows { block, .. } => owned(block.entry(at, &mut Vec::new())),
            Window::Batch(batch) => owned(batch.entry(at)),
            Window::End => unreachable!("just looked"),
        };
        windows.push(window.range().map(entry).collect::<Vec<_>>());
        between();
    }
    if backward {
        windows.reverse();
    }
    windows.concat()
}

fn owned(entry: EntryRef<'_>) -> (Version, Vec<u8>) {
    ((entry.key.to_vec(), std::cmp::Reverse(entry.seqno)), entry.value.to_vec())
}

fn assert_ordered(seen: &[(Version, Vec<u8>)], id: &str, random: &Seeded) {
    let ascending = seen.windows(2).all(|pair| pair[0].0 < pair[1].0);
    assert!(ascending, "{id}: out of order, or twice; {random}");
}

/// A cache that keeps nothing: a memtable asks for no block.
#[derive(Debug)]
struct Nothing;

impl BlockCache for Nothing {
    fn get(&self, _: &BlockId) -> Option<lsmer_core::Block> {
        None
    }

    fn insert(&self, _: BlockId, _: lsmer_core::Block) {}

    fn remove_table(&self, _: TableId) {}

    fn bytes(&self) -> usize {
        0
    }
}

/// Makes a test of each property of a [`MemtableFactory`]: `memtable_conforms!(MyFactory);`.
#[macro_export]
macro_rules! memtable_conforms {
    ($factory:expr) => {
        $crate::properties! { memtable, &$factory,
            mem_01_a_reservation_is_kept
            mem_02_get_finds_the_newest_version_below_the_snapshot
            mem_03_a_cursor_sees_what_was_there_before_its_seek
            mem_04_bytes_do_not_decrease
            mem_05_inserting_together_is_inserting_each
            mem_02_no_insert_of_several_threads_is_lost
            mem_03_a_cursor_stays_in_order_beside_inserts
            mem_04_bytes_do_not_decrease_beside_inserts
            cursor_01_windows_hold_the_range_once_and_in_order
        }
    };
}
