//! What the children write: the same steps for a seed, so that the state after each is known.

use std::{collections::BTreeMap, ffi::OsStr, io::Read, path::Path, process};

use lsmer::{
    Builder, Db, Keyspace, KeyspaceOptions, Reader, Result, Value, WriteBatch, WriteOptions,
    parts::{
        self,
        core::Rng,
        io::{MemVfs, SeededRng, StdVfs},
    },
};

use super::careless::Careless;
use crate::{
    child::{Child, Mark, say, told},
    over::Over,
};

const OTHER: &str = "other";
/// Different keys.
const KEYS: u64 = 37;
/// A child that fails more often is not going to succeed.
const MOST_FAILURES: u64 = 6;

/// A step was acknowledged: the death of the process does not undo it.
const ACKNOWLEDGED: u8 = b'a';
/// A step was acknowledged, and neither it nor one before it is undone by a power loss.
const SAFE: u8 = b's';
/// A step failed.
const FAILED: u8 = b'f';

/// The contents of the two keyspaces.
pub(crate) type State = [BTreeMap<Vec<u8>, Vec<u8>>; 2];

/// What a child has said of its steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// The last step that was acknowledged.
    pub(crate) acknowledged: u64,
    /// The last step that a power loss must not undo.
    pub(crate) safe: u64,
    /// The steps that failed.
    pub(crate) failed: Vec<u64>,
}

impl Said {
    pub(crate) fn hear(&mut self, mark: Mark) {
        match mark.tag {
            ACKNOWLEDGED => self.acknowledged = mark.n,
            SAFE => (self.acknowledged, self.safe) = (mark.n, mark.n),
            FAILED => self.failed.push(mark.n),
            tag => panic!("an odd mark: {tag}"),
        }
    }
}

/// What a child does when a step has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It says so and waits to be killed.
    Wait,
    /// It opens the database again and goes on with the next step.
    GoOn,
}

/// The part of a child.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) seed: u64,
    /// Steps `[from, upto)` are to be done.
    pub(crate) from: u64,
    pub(crate) upto: u64,
    pub(crate) after: After,
    /// Background work is done by the thread that waits for it.
    pub(crate) in_turn: bool,
    /// On a file system that does not do what it says.
    pub(crate) careless: bool,
}

/// Starts a child by a command.
pub(crate) fn start(under: &[&str], folder: &Path, part: Part) -> Child {
    let Part { seed, from, upto, after, in_turn, careless } = part;
    let words: Vec<_> = under.iter().map(OsStr::new).collect();
    let numbers = [seed, from, upto].map(|n| n.to_string());
    let mut told = vec![("FOLDER", folder.as_os_str())];
    for (name, number) in ["SEED", "FROM", "UPTO"].into_iter().zip(&numbers) {
        told.push((name, number.as_ref()));
    }
    let choices = [("WAIT", after == After::Wait), ("IN_TURN", in_turn), ("CARELESS", careless)];
    for (name, choice) in choices {
        told.push((name, OsStr::new(if choice { "1" } else { "0" })));
    }
    Child::start_under(&words, "steps", &told)
}

/// The part of a child: does its steps and says what became of each.
pub(crate) fn child() {
    let number = |name| told(name).parse::<u64>().expect("the parent sends a number");
    let (seed, from, upto) = (number("SEED"), number("FROM"), number("UPTO"));
    let mut db = None;
    let mut failures = 0;
    let mut at = from;
    while at < upto && failures < MOST_FAILURES {
        let opened = match db.take() {
            Some(db) => Ok(db),
            None => childs_builder().open(),
        };
        let done = opened.and_then(|opened| {
            let safe = step(&opened, seed, at)?;
            db = (at % 64 != 50).then_some(opened);
            Ok(safe)
        });
        match done {
            Ok(true) => say(SAFE, at),
            Ok(false) => say(ACKNOWLEDGED, at),
            Err(_) if told("WAIT") == "1" => wait(at),
            Err(_) => {
                say(FAILED, at);
                failures += 1;
            }
        }
        at += 1;
    }
    if told("WAIT") == "1" {
        wait(at);
    }
}

/// Waits to be killed.
fn wait(at: u64) -> ! {
    say(FAILED, at);
    std::io::stdin().read_to_end(&mut Vec::new()).ok();
    process::exit(0);
}

fn childs_builder() -> Builder {
    let mut builder = small(Db::builder(told("FOLDER")));
    if told("IN_TURN") == "1" {
        builder = builder.env(parts::io::manual(MemVfs::without_crashes(), 0).0).vfs(StdVfs);
    }
    if told("CARELESS") == "1" { builder.vfs(Over(Careless)) } else { builder }
}

/// Makes everything of a database small.
pub(crate) fn small(builder: Builder) -> Builder {
    let builder = builder.memory_budget(1 << 20);
    builder.memtable_bytes(8 << 10).segment_bytes(4 << 10, 16 << 10)
}

/// Does one step; returns whether a power loss may not undo it.
pub(crate) fn step(db: &Db, seed: u64, at: u64) -> Result<bool> {
    let other = other(db)?;
    let mut batch = WriteBatch::new();
    for (space, key, value) in changes(seed, at) {
        match (space, value) {
            (0, Some(value)) => batch.put(key, value),
            (0, None) => batch.delete(key),
            (_, Some(value)) => batch.put_in(&other, key, value),
            (_, None) => batch.delete_in(&other, key),
        }
    }
    let sync = SeededRng::new(seed ^ at << 20).next_u64().is_multiple_of(3);
    let how = if sync { WriteOptions::sync() } else { WriteOptions::process() };
    db.write_with(&batch, how)?;
    match at % 40 {
        15 | 30 => db.flush()?,
        39 => db.compact(..)?,
        _ => return Ok(sync),
    }
    Ok(true)
}

fn other(db: &Db) -> Result<Keyspace> {
    let options = KeyspaceOptions::default().with_block_bytes(256).with_table_bytes(2 << 10);
    db.keyspace(OTHER, options)
}

/// Returns the changes of a step: a keyspace, a key, and a value or none.
fn changes(seed: u64, at: u64) -> Vec<(usize, Vec<u8>, Option<Vec<u8>>)> {
    let rng = SeededRng::new(seed.wrapping_mul(1 << 32) + at);
    let key = |n: u64| format!("key{:02}", n % KEYS).into_bytes();
    let bytes = if at % 17 == 3 { 9000 } else { rng.next_u64() % 600 };
    let mut value = format!("step {at} ").into_bytes();
    value.resize(usize::try_from(bytes).expect("it is small") + value.len(), b'.');
    let (put, gone) = (key(rng.next_u64()), key(rng.next_u64()));
    let mut all = Vec::new();
    for space in 0..2 {
        if at.is_multiple_of(5) && put != gone {
            all.push((space, gone.clone(), None));
        }
        all.push((space, put.clone(), Some(value.clone())));
    }
    all
}

/// Changes a state as steps do.
pub(crate) fn apply(state: &mut State, seed: u64, steps: impl IntoIterator<Item = u64>) {
    for step in steps {
        for (space, key, value) in changes(seed, step) {
            match value {
                Some(value) => drop(state[space].insert(key, value)),
                None => drop(state[space].remove(&key)),
            }
        }
    }
}

/// Opens what is left, twice, reads it in every way, and returns it.
pub(crate) fn recovered(folder: &Path) -> State {
    let look = || {
        let db =
            small(Db::builder(folder)).open().unwrap_or_else(|error| panic!("open: {error:?}"));
        let found = contents(&db);
        let faults = db.verify().faults;
        assert!(faults.is_empty(), "{faults:?}");
        db.close().expect("nothing is wrong with the disk");
        found
    };
    let found = look();
    assert!(look() == found, "a second recovery finds something else");
    found
}

fn contents(db: &Db) -> State {
    let other = db.keyspaces().into_iter().find(|space| space.name() == OTHER);
    let read = |space: Option<&Reader>| {
        let pairs = |entry: Result<(Value, Value)>| {
            let (key, value) = entry.expect("it can be read");
            (key.to_vec(), value.to_vec())
        };
        let Some(space) = space else { return BTreeMap::new() };
        let all: BTreeMap<_, _> =
            space.iter().expect("it can be read").owned().map(pairs).collect();
        for n in 0..KEYS {
            let key = format!("key{n:02}").into_bytes();
            let found = space.get(&key).expect("it can be read");
            assert_eq!(found.as_deref(), all.get(&key).map(|value| &value[..]), "a scan and a get");
        }
        all
    };
    [read(Some(&**db)), read(other.as_deref())]
}
