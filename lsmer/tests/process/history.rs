//! A workload on a file system in memory that goes on after errors, and knows what must be there
//! afterwards.
//!
//! A write that failed is a "maybe": it may be there or not, until the key is written again. One
//! that was refused, because there was no room or because of an earlier failure, changed nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use lsmer::{
    Builder, Db, Error, ErrorKind, Keyspace, KeyspaceOptions, Result, WriteBatch, WriteOptions,
    parts::{self, core::TableId, io::MemVfs},
};
use lsmer_manifest::Manifest;

/// Name of the second keyspace.
const OTHER: &str = "other";
const STEPS: usize = 84;
/// The first key that the workload does not use.
pub(crate) const TEST_KEY: &str = "test";

/// A keyspace, 0 for the default one, and a key.
type Place = (usize, Vec<u8>);

/// One value that was to be written to a key; `None` for a delete.
#[derive(Clone, Debug)]
struct Attempt {
    step: usize,
    value: Option<Vec<u8>>,
    acknowledged: bool,
}

/// What was written so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    attempts: BTreeMap<Place, Vec<Attempt>>,
    /// Acknowledged writes of steps before this one survive a power loss.
    safe: usize,
}

/// A database and its history.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) vfs: MemVfs,
    pub(crate) db: Option<Db>,
    pub(crate) history: History,
    /// What went wrong, in order.
    pub(crate) errors: Vec<Error>,
    jobs: Jobs,
    /// The step that is next.
    step: usize,
}

/// How background work is done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Jobs {
    /// When somebody waits for it, in the order of urgency.
    InTurn,
    /// On threads.
    OnThreads,
}

impl World {
    pub(crate) fn new(vfs: MemVfs, jobs: Jobs) -> Self {
        Self { vfs, db: None, history: History::default(), errors: Vec::new(), jobs, step: 0 }
    }

    /// Runs the whole workload; what fails is noted.
    pub(crate) fn run(&mut self) {
        self.open();
        while self.step < STEPS {
            self.step += 1;
            self.do_step(self.step - 1);
        }
    }

    /// Opens the database, which may fail.
    pub(crate) fn open(&mut self) {
        let opened = builder(&self.vfs, self.jobs).open();
        self.db = self.note(opened);
    }

    /// Closes the database, and drops it with all background work.
    pub(crate) fn close(&mut self) {
        if let Some(db) = self.db.take() {
            let closed = db.close();
            if self.note(closed).is_some() {
                self.history.safe = self.step;
            }
        }
    }

    fn do_step(&mut self, step: usize) {
        if self.db.is_none() {
            self.open();
        }
        let Some(db) = self.db.clone() else { return };
        match step {
            20 | 55 => self.sync_all(step, Db::flush),
            34 | 70 => self.sync_all(step, |db| db.compact(..)),
            48 => self.sync_all(step, Db::sync),
            28 | 62 => {
                drop(db);
                self.close();
                self.open();
            }
            _ => self.write(&db, step),
        }
    }

    /// Does what makes all writes before it survive a power loss.
    fn sync_all(&mut self, step: usize, sync: impl FnOnce(&Db) -> Result<()>) {
        let db = self.db.clone().expect("the step needs it");
        let synced = sync(&db);
        if self.note(synced).is_some() {
            self.history.safe = step;
        }
    }

    fn write(&mut self, db: &Db, step: usize) {
        let value = |key: usize| {
            let mut value = format!("step {step} key {key} ").into_bytes();
            value.resize(value.len() + (step * 37 + key * 11) % 400, b'.');
            value
        };
        let (low, spread) = (step % 7, step % 11);
        let changes: Vec<(Place, Option<Vec<u8>>)> = if step.is_multiple_of(4) {
            // The same values in both keyspaces: whether a batch is whole can be seen.
            let pair = |space| ((space, format!("pair{low}").into_bytes()), Some(value(low)));
            vec![pair(0), pair(1)]
        } else if step % 9 == 5 {
            vec![((0, format!("k{spread:02}").into_bytes()), None)]
        } else {
            let key = |n: usize| (0, format!("k{:02}", (spread + n * 3) % 24).into_bytes());
            (0..4).map(|n| (key(n), Some(value(n)))).collect()
        };
        let sync = step % 5 == 3;
        let options = if sync { WriteOptions::sync() } else { WriteOptions::process() };
        let written = self.other(db).map(|other| {
            let mut batch = WriteBatch::new();
            for ((space, key), value) in &changes {
                match (space, value) {
                    (0, Some(value)) => batch.put(key, value),
                    (0, None) => batch.delete(key),
                    (_, Some(value)) => batch.put_in(&other, key, value),
                    (_, None) => batch.delete_in(&other, key),
                }
            }
            db.write_with(&batch, options)
        });
        let Some(written) = written else { return };
        let kind = written.as_ref().err().map(Error::kind);
        let acknowledged = self.note(written).is_some();
        if acknowledged || kind == Some(ErrorKind::Io) {
            for (place, value) in changes {
                let attempts = self.history.attempts.entry(place).or_default();
                attempts.push(Attempt { step, value, acknowledged });
            }
        }
        if acknowledged && sync {
            self.history.safe = step + 1;
        }
    }

    fn other(&mut self, db: &Db) -> Option<Keyspace> {
        let options = KeyspaceOptions::default().with_block_bytes(256).with_table_bytes(1 << 10);
        let other = db.keyspace(OTHER, options);
        self.note(other)
    }

    /// Keeps the error of a result. A standstill and damage are no answers to a failing disk.
    pub(crate) fn note<T>(&mut self, result: Result<T>) -> Option<T> {
        let error = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        let fits = [ErrorKind::Io, ErrorKind::Full, ErrorKind::ReadOnly].contains(&error.kind());
        assert!(fits, "after {:?}: {error:?}", self.errors);
        self.errors.push(error);
        None
    }
}

/// Returns a builder of the database on a file system in memory, in which everything is small.
pub(crate) fn builder(vfs: &MemVfs, jobs: Jobs) -> Builder {
    let env = match jobs {
        Jobs::InTurn => parts::io::manual(vfs.clone(), 0).0,
        Jobs::OnThreads => parts::io::memory(vfs.clone(), 2),
    };
    Db::builder(Path::new("db"))
        .env(env)
        .memory_budget(1 << 20)
        .memtable_bytes(2 << 10)
        .segment_bytes(4 << 10, 8 << 10)
}

impl History {
    /// Checks that a database that can be read holds what this one may hold after the death of the
    /// process.
    pub(crate) fn check(&self, db: &Db) {
        self.check_from(db, usize::MAX, false);
    }

    /// Checks what a power loss has left.
    pub(crate) fn check_after_power_loss(&self, db: &Db) {
        self.check_from(db, self.safe, false);
    }

    /// Checks what can be read while reads may fail.
    pub(crate) fn check_what_can_be_read(&self, db: &Db) {
        self.check_from(db, usize::MAX, true);
    }

    fn check_from(&self, db: &Db, safe: usize, may_fail: bool) {
        let fail = |error: Error| {
            assert!(may_fail && error.kind() == ErrorKind::Io, "{error:?}");
        };
        let other = db.keyspaces().into_iter().find(|space| space.name() == OTHER);
        let spaces = [Some(&**db), other.as_ref()];
        let mut found = BTreeMap::new();
        for (place, attempts) in &self.attempts {
            let got = spaces[place.0].map_or(Ok(None), |space| space.get(&place.1));
            let Ok(got) = got.map_err(fail) else { continue };
            let got = got.map(|value| value.to_vec());
            let possible = possible(attempts, safe);
            assert!(
                possible.contains(&got),
                "{place:?} is {}, and may be {:?} (all before step {safe} is safe)",
                show(got.as_ref()),
                possible.iter().map(|value| show(value.as_ref())).collect::<Vec<_>>()
            );
            found.insert(place.clone(), got);
        }
        if may_fail {
            return;
        }
        for ((_, key), value) in found.range((1, Vec::new())..) {
            let twin = found.get(&(0, key.clone())).expect("both were written");
            assert_eq!(show(value.as_ref()), show(twin.as_ref()), "half of a batch");
        }
        for (number, space) in spaces.into_iter().enumerate() {
            let here = found.iter().filter(|((of, _), _)| *of == number);
            let gets: Vec<_> =
                here.filter_map(|((_, key), value)| Some((key.clone(), value.clone()?))).collect();
            assert!(scanned(space) == gets, "a scan and the lookups differ");
        }
    }
}

/// Returns the names of the tables on the disk that the manifest does not know.
pub(crate) fn orphans(vfs: &MemVfs) -> Vec<String> {
    let (state, _) = Manifest::read(vfs, Path::new("db")).unwrap();
    let tables = state.keyspaces.values().flat_map(|space| space.tree.tables());
    let known: BTreeSet<TableId> = tables.map(|table| table.id).collect();
    let files = vfs.list().into_iter();
    let names = files.filter_map(|(path, _)| Some(path.file_name()?.to_str()?.to_owned()));
    names
        .filter(|name| TableId::of_file_name(name).is_some_and(|id| !known.contains(&id)))
        .collect()
}

/// Returns what a key may hold if all before step `safe` is sure: the last sure value, and
/// whatever was tried after it.
fn possible(attempts: &[Attempt], safe: usize) -> Vec<Option<Vec<u8>>> {
    let sure = attempts.iter().rposition(|attempt| attempt.acknowledged && attempt.step < safe);
    match sure {
        Some(sure) => attempts[sure..].iter().map(|attempt| attempt.value.clone()).collect(),
        None => [None].into_iter().chain(attempts.iter().map(|a| a.value.clone())).collect(),
    }
}

fn scanned(space: Option<&Keyspace>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let Some(space) = space else { return Vec::new() };
    // Later keys are of tests.
    let scan = space.range(..TEST_KEY).unwrap().owned();
    scan.map(|entry| entry.unwrap()).map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

fn show(value: Option<&Vec<u8>>) -> String {
    match value {
        None => "nothing".into(),
        Some(value) => value[..value.len().min(18)].escape_ascii().to_string(),
    }
}
