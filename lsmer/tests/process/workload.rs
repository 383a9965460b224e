//! What the threads of a child write, and what must be there afterwards.
//!
//! Thread `t` does write `n = 1, 2, 3, ..`, each of which is a function of `(t, n)`: it sets key
//! `w{t}-{n}`, and by the last digits of `n` it also
//!
//! - sets a key of the second keyspace, and overwrites or deletes one of a few hot keys there;
//! - deletes the keys that have left a window of the last writes;
//! - overwrites one key that all threads share.
//!
//! So what a database holds after writes `1..=m` of each thread is known exactly, but for the
//! shared key, of which it is known whose last write it may hold.

use std::collections::BTreeMap;

use lsmer::{
    Db, Keyspace, KeyspaceOptions, Result, WriteBatch,
    parts::{core::Rng, io::SeededRng},
};

const THREADS: usize = 4;
/// How many writes each thread has done.
pub(crate) type Done = [u64; THREADS];
/// Name of the second keyspace.
pub(crate) const OTHER: &str = "other";
/// A thread keeps its last writes, between this many and a few more.
const WINDOW: u64 = 160;
/// How often the window moves, in writes.
const STRIDE: u64 = 8;
const HOT: u64 = 4;
const SHARED: &[u8] = b"shared";

/// Both keyspaces of a database, the default one first.
pub(crate) type State = [BTreeMap<Vec<u8>, Vec<u8>>; 2];

/// One part of a write.
#[derive(Debug)]
struct Change {
    /// 0 or 1.
    space: usize,
    key: Vec<u8>,
    /// `None` deletes.
    value: Option<Vec<u8>>,
}

impl Change {
    fn put(space: usize, key: String, value: Vec<u8>) -> Self {
        Self { space, key: key.into_bytes(), value: Some(value) }
    }

    fn delete(space: usize, key: String) -> Self {
        Self { space, key: key.into_bytes(), value: None }
    }
}

/// The keyspaces of an open database.
#[derive(Debug)]
pub(crate) struct Spaces {
    pub(crate) db: Db,
    pub(crate) other: Keyspace,
}

impl Spaces {
    /// Finds the second keyspace, or makes it.
    pub(crate) fn of(db: Db) -> Result<Self> {
        let options = KeyspaceOptions::default().with_block_bytes(512).with_table_bytes(16 << 10);
        let other = db.keyspace(OTHER, options)?;
        Ok(Self { db, other })
    }

    /// Does write `n` of a thread.
    pub(crate) fn write(&self, thread: u64, n: u64) -> Result<()> {
        let changes = changes(thread, n);
        if let [Change { space: 0, key, value: Some(value) }] = &changes[..] {
            return self.db.put(key, value);
        }
        let mut batch = WriteBatch::new();
        for Change { space, key, value } in &changes {
            match (space, value) {
                (0, Some(value)) => batch.put(key, value),
                (0, None) => batch.delete(key),
                (_, Some(value)) => batch.put_in(&self.other, key, value),
                (_, None) => batch.delete_in(&self.other, key),
            }
        }
        self.db.write(&batch)
    }
}

/// Returns the key that write `n` of a thread sets, whatever else it does.
pub(crate) fn key(thread: u64, n: u64) -> Vec<u8> {
    own_key(thread, n).into_bytes()
}

/// Returns what is in the database after writes `1..=m` of each thread, without the shared key.
pub(crate) fn expected(done: Done) -> State {
    let mut state = State::default();
    for (m, thread) in done.into_iter().zip(0..) {
        let first = m.saturating_sub(WINDOW + 2 * STRIDE).max(1);
        for change in (first..=m).flat_map(|n| changes(thread, n)) {
            if change.key == SHARED {
                continue;
            }
            match change.value {
                Some(value) => state[change.space].insert(change.key, value),
                None => state[change.space].remove(&change.key),
            };
        }
    }
    state
}

/// Takes the shared key out of what was found, and checks that it holds the last write of some
/// thread to it, and that it is there if anybody wrote it.
pub(crate) fn check_shared(found: &mut State, done: Done) {
    let last = |m: u64| (m.saturating_sub(15)..=m).rev().find(|n| *n > 0 && writes_shared(*n));
    let found = found[0].remove(SHARED);
    let possible: Vec<_> =
        done.into_iter().zip(0..).filter_map(|(m, t)| Some(shared(t, last(m)?))).collect();
    match found {
        Some(found) => assert!(
            possible.contains(&found),
            "the shared key holds {}, which was overwritten",
            found.escape_ascii()
        ),
        None => assert!(possible.is_empty(), "the shared key is lost"),
    }
}

fn changes(thread: u64, n: u64) -> Vec<Change> {
    let mut changes = vec![Change::put(0, own_key(thread, n), value(thread, n))];
    if n.is_multiple_of(4) {
        changes.push(Change::put(1, other_key(thread, n), value(thread, n)));
        let hot = format!("hot{thread}-{}", (n / 4) % HOT);
        changes.push(if (n / 4).is_multiple_of(5) {
            Change::delete(1, hot)
        } else {
            Change::put(1, hot, format!("version {n}").into_bytes())
        });
    }
    if n.is_multiple_of(STRIDE) && n > WINDOW {
        for gone in n - WINDOW - STRIDE + 1..=n - WINDOW {
            changes.push(Change::delete(0, own_key(thread, gone)));
            if gone.is_multiple_of(4) {
                changes.push(Change::delete(1, other_key(thread, gone)));
            }
        }
    }
    if writes_shared(n) {
        let key = SHARED.to_vec();
        changes.push(Change { space: 0, key, value: Some(shared(thread, n)) });
    }
    changes
}

fn writes_shared(n: u64) -> bool {
    n % 16 == 5
}

fn shared(thread: u64, n: u64) -> Vec<u8> {
    format!("write {n} of thread {thread}").into_bytes()
}

fn own_key(thread: u64, n: u64) -> String {
    format!("w{thread}-{n:08}")
}

fn other_key(thread: u64, n: u64) -> String {
    format!("x{thread}-{n:08}")
}

/// Who wrote it, and filler of changing length; now and then more than the log's ring can hold.
fn value(thread: u64, n: u64) -> Vec<u8> {
    let rng = SeededRng::new(thread << 32 | n);
    let bytes = if n % 101 == 50 { 150 << 10 } else { 20 + rng.next_u64() % 700 };
    let mut value = format!("{thread} {n} ").into_bytes();
    while (value.len() as u64) < bytes {
        value.extend(rng.next_u64().to_le_bytes());
    }
    value
}
