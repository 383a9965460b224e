//! Reads say what they miss and never fetch: here the driver is as unhelpful as it may be.
//!
//! Blocks come one at a time in random order; the cache drops everything; tables are not open at
//! first; and the file system refuses any read of a table outside of the driver.

use std::{
    cell::Cell,
    collections::BTreeMap,
    io::{self, IoSlice},
    ops::Bound,
    path::Path,
};

use lsmer_core::{
    BlockCache, Caps, DirEntry, FileClass, KeyspaceOptions, LockGuard, LockMode, OpenOptions,
    SyncKind, Vfs, VfsFile, WriteBatch,
};
use lsmer_io::MemVfs;
use proptest::prelude::*;

use super::*;
use crate::{Components, Engine, Options};

thread_local! {
    /// Whether the driver is at work on this thread.
    static IN_DRIVER: Cell<bool> = const { Cell::new(false) };
    /// Whether the cache panics when it is next offered a block.
    static PANICS: Cell<bool> = const { Cell::new(false) };
}

/// Marks the driver's reads.
pub(super) fn in_driver<T>(read: impl FnOnce() -> T) -> T {
    let before = IN_DRIVER.replace(true);
    let result = read();
    IN_DRIVER.set(before);
    result
}

/// A file system that panics when a table is read by anybody but the driver.
#[derive(Debug)]
struct Guarded(MemVfs);

#[derive(Debug)]
struct GuardedFile(Arc<dyn VfsFile>, FileClass);

impl Vfs for Guarded {
    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        Ok(Arc::new(GuardedFile(self.0.open(path, how)?, how.class)))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.0.remove_file(path)
    }
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.hard_link(from, to)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.create_dir(path)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.0.read_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.0.sync_dir(path)
    }
    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Box<dyn LockGuard>> {
        self.0.lock(path, mode)
    }
    fn caps(&self, dir: &Path) -> Caps {
        self.0.caps(dir)
    }
}

impl GuardedFile {
    fn check(&self) {
        let allowed = self.1 != FileClass::Table || IN_DRIVER.get();
        assert!(allowed, "a part reads a table behind the driver's back");
    }
}

impl VfsFile for GuardedFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.check();
        self.0.read_at(buf, offset)
    }
    fn read_batch(&self, reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        self.check();
        self.0.read_batch(reads)
    }
    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.0.write_at(bufs, offset)
    }
    fn sync(&self, kind: SyncKind) -> io::Result<()> {
        self.0.sync(kind)
    }
    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        self.0.allocate(offset, bytes)
    }
    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
}

/// Remembers nothing, or one block in three.
#[derive(Debug, Default)]
struct Forgetful {
    kept: Mutex<BTreeMap<BlockId, Block>>,
    keeps: bool,
}

impl BlockCache for Forgetful {
    fn get(&self, id: &BlockId) -> Option<Block> {
        // What was there for one call may be gone for the next.
        self.kept.lock().remove(id)
    }
    fn insert(&self, id: BlockId, block: Block) {
        assert!(!PANICS.take(), "on purpose");
        if self.keeps && id.offset.is_multiple_of(3) {
            self.kept.lock().insert(id, block);
        }
    }
    fn remove_table(&self, _table: lsmer_core::TableId) {}
    fn bytes(&self) -> usize {
        0
    }
}

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Makes a database of several runs, with overwrites and deletes across them, and reopens it so
/// that no table is open.
fn database(array: bool, keeps: bool, seed: u64) -> (Engine, Map) {
    let vfs = MemVfs::new();
    let open = || {
        let (env, ..) = lsmer_io::manual(vfs.clone(), seed | 1);
        let array_format = Arc::new(lsmer_sstable::SortedArrayFormat::default());
        let columnar = Arc::new(lsmer_sstable::ColumnarFormat::default());
        let env = lsmer_core::Env { vfs: Arc::new(Guarded(vfs.clone())), ..env };
        let parts = Components {
            table_format: if array { array_format } else { columnar },
            cache: Arc::new(Forgetful { keeps, ..Forgetful::default() }),
            ..Components::shipped(env)
        };
        let options = Options { compaction_jobs: 0, ..Options::new("db") };
        Engine::open(options, parts).unwrap()
    };
    let engine = open();
    let settings = KeyspaceOptions::default().with_block_bytes(100).with_table_bytes(2 << 10);
    let space = engine.keyspace("k", settings).unwrap();
    let mut map = Map::new();
    for round in 0..4_u32 {
        let mut batch = WriteBatch::new();
        for n in (round..200).step_by(round as usize + 1) {
            let key = format!("key{n:04}").into_bytes();
            if n % 7 == round {
                batch.delete_in(&space, &key);
                map.remove(&key);
            } else {
                let value = format!("{round}-{n}").into_bytes();
                batch.put_in(&space, &key, &value);
                map.insert(key, value);
            }
        }
        space.write(&batch).unwrap();
        engine.flush().unwrap();
        if round == 1 {
            engine.compact(..).unwrap();
        }
    }
    drop(space);
    engine.close().unwrap();
    drop(engine);
    let engine = open();
    *engine.default_keyspace().shared().driver.reluctant.lock() = Some(seed);
    (engine, map)
}

fn keyspace(engine: &Engine) -> crate::Keyspace {
    engine.keyspaces().into_iter().find(|space| space.name() == "k").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn gets_come_to_their_answer_block_by_block(array: bool, keeps: bool, seed: u64) {
        let (engine, map) = database(array, keeps, seed);
        let space = keyspace(&engine);
        for n in 0..210 {
            let key = format!("key{n:04}").into_bytes();
            let got = space.get(&key).unwrap();
            prop_assert_eq!(got.as_deref(), map.get(&key).map(|value| &value[..]));
        }
        let stats = engine.stats();
        prop_assert!(stats.cache_misses > 0, "the reads went through the driver");
    }

    #[test]
    fn a_scan_in_both_directions_survives_any_order_of_delivery(
        array: bool, keeps: bool, seed: u64, low in 0..200_u32, len in 0..200_u32,
    ) {
        let (engine, map) = database(array, keeps, seed);
        let space = keyspace(&engine);
        let low = format!("key{low:04}").into_bytes();
        let high = format!("key{:04}", 200.min(len + 50)).into_bytes();
        let bounds = (Bound::Included(low.clone()), Bound::Excluded(high.clone()));
        let want: Vec<_> = if low < high {
            map.range(bounds).map(|(key, value)| (key.clone(), value.clone())).collect()
        } else {
            Vec::new()
        };
        let pair = |entry: Result<(lsmer_core::Value, lsmer_core::Value)>| {
            let (key, value) = entry.unwrap();
            (key.to_vec(), value.to_vec())
        };
        let scan = || space.range(low.clone()..high.clone()).unwrap().owned();
        let forward: Vec<_> = scan().map(pair).collect();
        prop_assert_eq!(&forward, &want);
        let mut backward: Vec<_> = scan().rev().map(pair).collect();
        backward.reverse();
        prop_assert_eq!(&backward, &want);
    }

    #[test]
    fn a_multi_get_gathers_its_misses(array: bool, keeps: bool, seed: u64) {
        let (engine, map) = database(array, keeps, seed);
        let space = keyspace(&engine);
        let keys: Vec<Vec<u8>> = (0..210).map(|n| format!("key{n:04}").into_bytes()).collect();
        let values = space.multi_get(&keys).unwrap();
        for (key, value) in keys.iter().zip(values) {
            prop_assert_eq!(value.as_deref(), map.get(key).map(|value| &value[..]));
        }
    }
}

#[test]
fn a_merge_of_all_tables_survives_any_order_of_delivery() {
    let (engine, map) = database(false, true, 5);
    engine.compact(..).unwrap();
    let space = keyspace(&engine);
    let count = space.iter().unwrap().owned().map(Result::unwrap).count();
    assert_eq!(count, map.len());
    // Verification reads past the cache on purpose.
    assert!(in_driver(|| engine.verify()).faults.is_empty());
}

#[test]
fn two_threads_that_miss_the_same_block_share_one_read() {
    let (engine, map) = database(false, true, 9);
    *engine.default_keyspace().shared().driver.reluctant.lock() = None;
    let space = keyspace(&engine);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for (key, value) in &map {
                    assert_eq!(space.get(key).unwrap().as_deref(), Some(&value[..]));
                }
            });
        }
    });
    assert!(space.shared().driver.flights.is_empty(), "every flight has landed");
}

#[test]
fn a_part_that_panics_in_a_fetch_leaves_nobody_waiting() {
    let (engine, map) = database(false, true, 11);
    let space = keyspace(&engine);
    let (key, value) = map.iter().next().unwrap();
    PANICS.set(true);
    let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| space.get(key)));
    assert!(read.is_err());
    assert!(space.shared().driver.flights.is_empty(), "every flight has landed");
    assert_eq!(space.get(key).unwrap().as_deref(), Some(&value[..]));
}
