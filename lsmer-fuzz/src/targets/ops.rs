//! Operations out of bytes, a database to do them, and the map that it should be.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use arbitrary::{Arbitrary, Unstructured};
use lsmer::{
    Builder, Compression, Db, Keyspace, KeyspaceOptions, Reader, Result, Snapshot, WriteBatch,
    WriteOptions,
    parts::{
        self,
        io::{ManualExec, MemVfs},
    },
};
use lsmer_core::Vfs;
use lsmer_testkit::shipped;

/// Contents of the keyspaces, by name.
pub(crate) type State = BTreeMap<String, Map>;

pub(crate) type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// Operations of one input; what follows is not read.
const MOST_OPS: usize = 64;
/// Keys that are likely.
const POOL: u8 = 24;
const OTHER: &str = "other";

/// One operation.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Op {
    Put(Edit),
    Batch(Vec<Edit>, bool),
    Sync,
    Flush,
    Compact,
    CompactRange(Key, Key),
    /// Background work gets so many turns.
    Background(u8),
    Snapshot,
    Forget(u8),
    Reopen,
    /// Makes the second keyspace, or drops it.
    Toggle,
    /// Walks a range from its two ends, as the bits say.
    Scan(Key, Key, u16),
}

/// One change: in the second keyspace or in the first, a key, and the size of a value, if any.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) struct Edit(bool, Key, Option<u8>);

/// A key: mostly of a small pool, some of which are beginnings of others.
#[derive(Clone, Debug)]
pub(crate) struct Key(pub(crate) Vec<u8>);

impl Arbitrary<'_> for Key {
    fn arbitrary(from: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let byte = u8::arbitrary(from)?;
        if byte < 240 {
            return Ok(Self(pool_key(byte % POOL)));
        }
        Ok(Self(from.bytes(from.len().min(usize::from(byte - 240)))?.to_vec()))
    }
}

/// Returns all keys of the pool.
pub(crate) fn pool() -> impl Iterator<Item = Vec<u8>> {
    (0..POOL).map(pool_key)
}

fn pool_key(n: u8) -> Vec<u8> {
    [&b"key"[..usize::from(n % 3)], &[n]].concat()
}

/// Reads operations off the front.
pub(crate) fn ops(from: &mut Unstructured<'_>) -> Vec<Op> {
    let mut all = Vec::new();
    while !from.is_empty() && all.len() < MOST_OPS {
        let Ok(op) = Op::arbitrary(from) else { break };
        all.push(op);
    }
    all
}

/// Which parts a database has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// One bit for each part that has an alternative.
    pub(crate) bits: u8,
    /// What else is to be done before it is opened.
    pub(crate) change: fn(Builder) -> Builder,
}

/// A database and what it should hold.
#[derive(Debug)]
pub(crate) struct World<V> {
    vfs: V,
    shape: Shape,
    db: Db,
    exec: Arc<ManualExec>,
    pub(crate) state: State,
    snapshots: Vec<(Snapshot, Map)>,
}

impl<V: Vfs + Clone> World<V> {
    /// Makes a database.
    pub(crate) fn new(vfs: V, shape: Shape) -> Self {
        let (db, exec) = open(&vfs, shape).expect("a new database");
        let state = State::from([("default".to_owned(), Map::new())]);
        Self { vfs, shape, db, exec, state, snapshots: Vec::new() }
    }

    /// Does one operation; returns whether a power loss may not undo it, nor what came before.
    pub(crate) fn apply(&mut self, step: usize, op: &Op) -> bool {
        match op {
            Op::Put(edit) => self.write(step, std::slice::from_ref(edit), false),
            Op::Batch(edits, sync) => self.write(step, edits, *sync),
            Op::Sync => self.db.sync().expect("no faults"),
            Op::Flush => self.db.flush().expect("no faults"),
            Op::Compact => self.db.compact(..).expect("no faults"),
            Op::CompactRange(low, high) => {
                // It flushes only what it is about to merge.
                self.db.compact(low.0.clone()..=high.0.clone()).expect("no faults");
                return false;
            }
            Op::Background(steps) => {
                for _ in 0..*steps % 64 {
                    self.exec.run_one();
                }
            }
            Op::Snapshot => {
                self.snapshots.push((self.db.snapshot(), self.state["default"].clone()));
            }
            Op::Forget(at) if !self.snapshots.is_empty() => {
                drop(self.snapshots.remove(usize::from(*at) % self.snapshots.len()));
            }
            Op::Forget(_) => {}
            Op::Reopen => self.reopen(),
            Op::Toggle => self.toggle(),
            Op::Scan(low, high, turns) => self.scan(&low.0, &high.0, *turns),
        }
        match op {
            Op::Batch(_, sync) => *sync,
            Op::Sync | Op::Flush | Op::Compact | Op::Reopen | Op::Toggle => true,
            _ => false,
        }
    }

    fn write(&mut self, step: usize, edits: &[Edit], sync: bool) {
        let mut batch = WriteBatch::new();
        let other = self.other();
        for Edit(second, Key(key), size) in edits {
            let space = if *second { other.as_ref() } else { Some(&*self.db) };
            let Some(space) = space else { continue };
            let map = self.state.get_mut(space.name()).expect("it is known");
            if let Some(size) = size {
                let value = value(step, *size);
                batch.put_in(space, key, &value);
                map.insert(key.clone(), value);
            } else {
                batch.delete_in(space, key);
                map.remove(key);
            }
        }
        let how = if sync { WriteOptions::sync() } else { WriteOptions::process() };
        self.db.write_with(&batch, how).expect("no faults");
    }

    fn other(&self) -> Option<Keyspace> {
        self.db.keyspaces().into_iter().find(|space| space.name() == OTHER)
    }

    fn reopen(&mut self) {
        self.snapshots.clear();
        self.db.close().expect("no faults");
        (self.db, self.exec) = open(&self.vfs, self.shape).expect("a closed database");
    }

    fn toggle(&mut self) {
        if let Some(space) = self.other() {
            self.db.drop_keyspace(&space).expect("no faults");
            self.state.remove(OTHER);
        } else {
            self.db.keyspace(OTHER, tiny(self.shape.bits)).expect("no faults");
            self.state.insert(OTHER.to_owned(), Map::new());
        }
    }

    fn scan(&self, low: &[u8], high: &[u8], turns: u16) {
        let map = &self.state["default"];
        let inside = |(key, _): &(&Vec<u8>, &Vec<u8>)| low <= &key[..] && &key[..] < high;
        let mut want = map.iter().filter(inside);
        let mut scan = self.db.range(low..high).expect("no faults");
        for turn in 0..16 {
            let (got, want) = if turns >> turn & 1 == 1 {
                (scan.next_back().expect("no faults"), want.next_back())
            } else {
                (scan.next().expect("no faults"), want.next())
            };
            let want = want.map(|(key, value)| (&key[..], &value[..]));
            assert_eq!(got, want, "turn {turn} of {turns:b}");
        }
    }

    /// Compares all that can be read with the model.
    pub(crate) fn check(&self) {
        check_state(&self.db, &self.state);
        for (snapshot, map) in &self.snapshots {
            check_reader(&snapshot.in_keyspace(&self.db), map);
        }
    }

    /// Waits for background work, and closes the database.
    pub(crate) fn settle(&self) {
        self.db.wait_until_quiet().expect("no faults");
        let faults = self.db.verify().faults;
        assert!(faults.is_empty(), "{faults:?}");
    }
}

/// Opens a database of the shape on a file system.
pub(crate) fn open<V: Vfs + Clone>(vfs: &V, shape: Shape) -> Result<(Db, Arc<ManualExec>)> {
    let (env, exec, _) = parts::io::manual(MemVfs::without_crashes(), u64::from(shape.bits) + 1);
    let builder = Db::builder(Path::new("db"))
        .env(env)
        .vfs(vfs.clone())
        .memory_budget(1 << 20)
        .memtable_bytes(4 << 10)
        .segment_bytes(4 << 10, 16 << 10);
    Ok(((shape.change)(shipped(builder, shape.bits.into())).open()?, exec))
}

/// Settings that put a few rows in a block, a few blocks in a table.
fn tiny(bits: u8) -> KeyspaceOptions {
    let codecs = [Compression::None, Compression::Lz4, Compression::Zstd, Compression::None];
    let codec = codecs[usize::from(bits >> 6)];
    KeyspaceOptions::default()
        .with_block_bytes(128)
        .with_table_bytes(1 << 10)
        .with_compression([codec])
}

fn value(step: usize, size: u8) -> Vec<u8> {
    let bytes = match size {
        0..200 => usize::from(size % 40),
        200..250 => 700,
        _ => 6000,
    };
    let mut value = format!("step {step} ").into_bytes();
    value.resize(value.len() + bytes, size);
    value
}

/// Checks a whole database against its model.
pub(crate) fn check_state(db: &Db, state: &State) {
    let names = |of: &Db| -> Vec<String> {
        let mut names: Vec<_> = of.keyspaces().iter().map(|s| s.name().to_owned()).collect();
        names.sort();
        names
    };
    assert!(names(db).iter().eq(state.keys()), "keyspaces: {:?}", names(db));
    for space in db.keyspaces() {
        check_reader(&space, &state[space.name()]);
    }
}

/// Reads a keyspace forward, backward and key by key.
fn check_reader(reader: &Reader, map: &Map) {
    let pairs = |entry: Result<(lsmer::Value, lsmer::Value)>| {
        let (key, value) = entry.expect("no faults");
        (key.to_vec(), value.to_vec())
    };
    let forward: Vec<_> = reader.iter().expect("no faults").owned().map(pairs).collect();
    assert!(forward.iter().map(|(k, v)| (k, v)).eq(map), "forward: {forward:?} is not {map:?}");
    let backward = reader.iter().expect("no faults").owned().rev().map(pairs);
    assert!(backward.eq(forward.into_iter().rev()), "backward");
    for key in pool().chain(map.keys().cloned()) {
        let found = reader.get(&key).expect("no faults");
        assert_eq!(found.as_deref(), map.get(&key).map(|value| &value[..]), "get {key:?}");
    }
}
