//! The database against a `BTreeMap`, over all shipped combinations of parts.

use std::{collections::BTreeMap, ops::Bound};

use lsmer::{
    Db, Keyspace, Reader, Snapshot, Value, WriteBatch, WriteOptions,
    parts::io::{ManualExec, MemVfs},
};
use proptest::{collection::vec, prelude::*};

use crate::harness::{Opened, Shape};

/// Contents of the keyspaces, by name.
pub(crate) type State = BTreeMap<String, BTreeMap<Vec<u8>, Vec<u8>>>;

pub(crate) type KeyBytes = Vec<u8>;

/// One change: keyspace, key, value or delete.
pub(crate) type Edit = (u8, KeyBytes, Option<Vec<u8>>);

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Write { edits: Vec<Edit>, sync: bool },
    Single { edit: Edit },
    Create(u8),
    Drop(u8),
    Snapshot,
    Forget(prop::sample::Index),
    Flush,
    Compact,
    CompactRange(KeyBytes, KeyBytes),
    Background(u8),
    Sync,
    Reopen,
    Scan { keyspace: u8, low: KeyBytes, high: KeyBytes, turns: Vec<bool>, seek: KeyBytes },
}

/// Few keys, some of which are prefixes of others, so that versions pile up.
pub(crate) fn key() -> impl Strategy<Value = KeyBytes> {
    let byte = prop_oneof![Just(0_u8), Just(b'a'), Just(b'b'), Just(0xff)];
    prop_oneof![6 => vec(byte, 0..4), 1 => vec(any::<u8>(), 8..20)]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..40),
        2 => (any::<u8>(), 100..700_usize).prop_map(|(byte, len)| vec![byte; len]),
        1 => (any::<u8>(), 3000..9000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

pub(crate) fn edit() -> impl Strategy<Value = Edit> {
    (0..3_u8, key(), proptest::option::weighted(0.8, value()))
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => edit().prop_map(|edit| Op::Single { edit }),
        6 => (vec(edit(), 0..8), any::<bool>()).prop_map(|(edits, sync)| Op::Write { edits, sync }),
        1 => (1..3_u8).prop_map(Op::Create),
        1 => (1..3_u8).prop_map(Op::Drop),
        2 => Just(Op::Snapshot),
        1 => any::<prop::sample::Index>().prop_map(Op::Forget),
        2 => Just(Op::Flush),
        1 => Just(Op::Compact),
        1 => (key(), key()).prop_map(|(low, high)| Op::CompactRange(low, high)),
        3 => (1..60_u8).prop_map(Op::Background),
        1 => Just(Op::Sync),
        1 => Just(Op::Reopen),
        4 => (0..3_u8, key(), key(), vec(any::<bool>(), 0..12), key()).prop_map(
            |(keyspace, low, high, turns, seek)| Op::Scan { keyspace, low, high, turns, seek }
        ),
    ]
}

pub(crate) fn name(keyspace: u8) -> String {
    if keyspace == 0 { "default".to_owned() } else { format!("ks{keyspace}") }
}

/// A database, and what it should hold.
pub(crate) struct World {
    pub(crate) vfs: MemVfs,
    pub(crate) shape: Shape,
    pub(crate) opened: Opened,
    pub(crate) state: State,
    snapshots: Vec<(Snapshot, State)>,
}

impl World {
    pub(crate) fn new(vfs: MemVfs, shape: Shape) -> Self {
        let opened = shape.open(&vfs).expect("a new database");
        let state = State::from([(name(0), BTreeMap::new())]);
        Self { vfs, shape, opened, state, snapshots: Vec::new() }
    }

    fn db(&self) -> &Db {
        &self.opened.db
    }

    fn exec(&self) -> &ManualExec {
        &self.opened.exec
    }

    pub(crate) fn keyspace(&self, keyspace: u8) -> Option<Keyspace> {
        self.db().keyspaces().into_iter().find(|space| space.name() == name(keyspace))
    }

    /// Returns the state after an operation, as far as it changes it.
    pub(crate) fn after(&self, op: &Op) -> State {
        let mut state = self.state.clone();
        let mut set = |(keyspace, key, value): &Edit| {
            let Some(map) = state.get_mut(&name(*keyspace)) else { return };
            match value {
                Some(value) => drop(map.insert(key.clone(), value.clone())),
                None => drop(map.remove(key)),
            }
        };
        match op {
            Op::Single { edit } => set(edit),
            Op::Write { edits, .. } => edits.iter().for_each(set),
            Op::Create(keyspace) => drop(state.entry(name(*keyspace)).or_default()),
            Op::Drop(keyspace) => drop(state.remove(&name(*keyspace))),
            _ => {}
        }
        state
    }

    pub(crate) fn apply(&mut self, op: &Op) {
        match op {
            Op::Single { edit: (keyspace, key, value) } => {
                if let Some(space) = self.keyspace(*keyspace) {
                    match value {
                        Some(value) => space.put(key, value).unwrap(),
                        None => space.delete(key).unwrap(),
                    }
                }
            }
            Op::Write { edits, sync } => {
                let mut batch = WriteBatch::new();
                for (keyspace, key, value) in edits {
                    let Some(space) = self.keyspace(*keyspace) else { continue };
                    match value {
                        Some(value) => batch.put_in(&space, key, value),
                        None => batch.delete_in(&space, key),
                    }
                }
                let how = if *sync { WriteOptions::sync() } else { WriteOptions::process() };
                self.db().write_with(&batch, how).unwrap();
            }
            Op::Create(keyspace) => {
                drop(self.db().keyspace(&name(*keyspace), self.shape.keyspace()).unwrap());
            }
            Op::Drop(keyspace) => {
                if let Some(space) = self.keyspace(*keyspace) {
                    self.db().drop_keyspace(&space).unwrap();
                }
            }
            Op::Snapshot => self.snapshots.push((self.db().snapshot(), self.state.clone())),
            Op::Forget(at) => {
                if !self.snapshots.is_empty() {
                    self.snapshots.remove(at.index(self.snapshots.len()));
                }
            }
            Op::Flush => self.db().flush().unwrap(),
            Op::Compact => self.db().compact(..).unwrap(),
            Op::CompactRange(low, high) => self.db().compact(low..=high).unwrap(),
            Op::Background(steps) => {
                for _ in 0..*steps {
                    self.exec().run_one();
                }
            }
            Op::Sync => self.db().sync().unwrap(),
            Op::Reopen => {
                self.snapshots.clear();
                if self.shape.without_log() {
                    self.db().flush().unwrap();
                }
                self.db().close().unwrap();
                self.opened = self.shape.open(&self.vfs).expect("a closed database");
            }
            Op::Scan { keyspace, low, high, turns, seek } => {
                if let Some(space) = self.keyspace(*keyspace) {
                    let map = &self.state[&name(*keyspace)];
                    check_scan(&space, map, (low, high), turns, seek);
                }
            }
        }
        self.state = self.after(op);
    }

    /// Compares everything that can be read with the model.
    pub(crate) fn check(&self) {
        check_state(self.db(), &self.state);
        for (snapshot, state) in &self.snapshots {
            for (name, map) in state {
                // What was dropped since is readable only through handles that are still there.
                let space = self.db().keyspaces().into_iter().find(|space| space.name() == name);
                if let Some(space) = space.filter(|_| self.state.contains_key(name)) {
                    let reader = snapshot.in_keyspace(&space);
                    if space.name() == "default" {
                        check_reader(&reader, map);
                    }
                }
            }
        }
    }
}

/// Checks a whole database against its model.
pub(crate) fn check_state(db: &Db, state: &State) {
    let names: Vec<String> = db.keyspaces().iter().map(|space| space.name().to_owned()).collect();
    let mut want: Vec<&String> = state.keys().collect();
    let mut found: Vec<&String> = names.iter().collect();
    want.sort();
    found.sort();
    assert_eq!(found, want, "keyspaces");
    for space in db.keyspaces() {
        check_reader(&space, &state[space.name()]);
    }
}

/// Reads a whole keyspace forward, backward and key by key.
pub(crate) fn check_reader(reader: &Reader, map: &BTreeMap<Vec<u8>, Vec<u8>>) {
    let pairs = |entry: lsmer::Result<(Value, Value)>| {
        let (key, value) = entry.unwrap();
        (key.to_vec(), value.to_vec())
    };
    let forward: Vec<_> = reader.iter().unwrap().owned().map(pairs).collect();
    let want: Vec<_> = map.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    assert_eq!(forward, want, "forward");
    let mut backward: Vec<_> = reader.iter().unwrap().owned().rev().map(pairs).collect();
    backward.reverse();
    assert_eq!(backward, want, "backward");
    let keys: Vec<&Vec<u8>> = map.keys().collect();
    let values = reader.multi_get(&keys).unwrap();
    for (key, value) in keys.iter().zip(values) {
        assert_eq!(value.as_deref(), Some(&map[*key][..]), "multi_get {key:?}");
        assert_eq!(reader.get(key).unwrap().as_deref(), Some(&map[*key][..]), "get {key:?}");
        let absent = [&key[..], b"\x00?"].concat();
        assert_eq!(reader.contains_key(&absent).unwrap(), map.contains_key(&absent));
    }
}

/// Walks a range from both ends in turn, seeks, and walks on.
fn check_scan(
    reader: &Reader,
    map: &BTreeMap<Vec<u8>, Vec<u8>>,
    (low, high): (&KeyBytes, &KeyBytes),
    turns: &[bool],
    seek: &KeyBytes,
) {
    let mut scan = reader.range(low.clone()..high.clone()).unwrap();
    let bounds = (Bound::Included(low.clone()), Bound::Excluded(high.clone()));
    let mut want: Vec<_> = if low < high { map.range(bounds).collect() } else { Vec::new() };
    let mut back = want.len();
    for from_back in turns {
        let (got, expected) = if *from_back {
            (scan.next_back().unwrap(), want.pop())
        } else {
            let first = if want.is_empty() { None } else { Some(want.remove(0)) };
            (scan.next().unwrap(), first)
        };
        back -= usize::from(*from_back && expected.is_some());
        let expected = expected.map(|(key, value)| (&key[..], &value[..]));
        assert_eq!(got, expected, "turn of {low:?}..{high:?}");
    }
    // A seek moves the front anywhere in the range; the back stays.
    scan.seek(seek).unwrap();
    let bounds = (Bound::Included(low.clone()), Bound::Excluded(high.clone()));
    let all: Vec<_> = if low < high { map.range(bounds).collect() } else { Vec::new() };
    let first = all.iter().take(back).find(|(key, _)| *key >= seek);
    let expected = first.map(|(key, value)| (&key[..], &value[..]));
    assert_eq!(scan.next().unwrap(), expected, "after a seek to {seek:?} in {low:?}..{high:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_database_is_an_ordered_map_with_snapshots(
        parts in 0..Shape::COUNT, seed: u64, ops in vec(op(), 1..80),
    ) {
        let mut world = World::new(MemVfs::new(), Shape { parts, seed });
        for op in &ops {
            world.apply(op);
        }
        world.check();
        world.db().wait_until_quiet().unwrap();
        world.check();
        let report = world.db().verify();
        prop_assert!(report.faults.is_empty(), "{:?}", report.faults);
        world.apply(&Op::Reopen);
        world.check();
    }
}
