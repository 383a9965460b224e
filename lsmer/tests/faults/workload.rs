//! The workload: everything that an engine does with files, in about fifty steps.

use lsmer::{Db, Keyspace, KeyspaceOptions, Result, WriteBatch, WriteOptions};

use crate::model::State;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A batch over all keyspaces, safe from the death of the process, or from a power loss.
    Write {
        sync: bool,
    },
    /// Make a keyspace.
    Create(&'static str),
    /// Drop one.
    Drop(&'static str),
    Flush,
    Compact,
    Sync,
    Checkpoint,
    /// Take a snapshot, which lives until the database is closed.
    Snapshot,
    /// Read everything, and the snapshot.
    Read,
    /// Run so many steps of background work.
    Background(usize),
    /// Close the database and open it again.
    Reopen,
    /// Let the process die, and open the database again.
    Die,
}

const WRITE: Step = Step::Write { sync: false };
const SYNCED: Step = Step::Write { sync: true };

/// The steps, in order.
pub(crate) const STEPS: [Step; 52] = [
    WRITE,
    Step::Create("other"),
    SYNCED,
    WRITE,
    WRITE,
    Step::Background(4),
    Step::Snapshot,
    WRITE,
    WRITE,
    WRITE,
    SYNCED,
    Step::Flush,
    Step::Read,
    WRITE,
    Step::Create("gone"),
    WRITE,
    WRITE,
    Step::Flush,
    WRITE,
    Step::Compact,
    Step::Read,
    Step::Sync,
    WRITE,
    Step::Checkpoint,
    WRITE,
    Step::Drop("gone"),
    SYNCED,
    WRITE,
    Step::Reopen,
    Step::Read,
    WRITE,
    WRITE,
    Step::Background(50),
    WRITE,
    Step::Die,
    WRITE,
    SYNCED,
    WRITE,
    Step::Snapshot,
    WRITE,
    Step::Flush,
    WRITE,
    Step::Read,
    WRITE,
    Step::Compact,
    WRITE,
    Step::Background(50),
    WRITE,
    SYNCED,
    Step::Die,
    Step::Reopen,
    Step::Read,
];

/// A change of one key; `None` deletes.
type Edit = (String, Vec<u8>, Option<Vec<u8>>);

pub(crate) fn options() -> KeyspaceOptions {
    KeyspaceOptions::default().with_block_bytes(256).with_table_bytes(1 << 10)
}

/// Writes the batch of a step to the keyspaces that are there, and returns how that ended and
/// what it does.
pub(crate) fn write(db: &Db, step: usize, sync: bool) -> (Result<()>, impl Fn(&mut State)) {
    let spaces = db.keyspaces();
    let edits = edits(&spaces, step);
    let mut batch = WriteBatch::new();
    for (name, key, value) in &edits {
        let space = spaces.iter().find(|space| space.name() == name).expect("it was listed");
        match value {
            Some(value) => batch.put_in(space, key, value),
            None => batch.delete_in(space, key),
        }
    }
    let how = if sync { WriteOptions::sync() } else { WriteOptions::process() };
    let change = move |state: &mut State| {
        for (name, key, value) in &edits {
            let map = state.entry(name.clone()).or_default();
            match value {
                Some(value) => drop(map.insert(key.clone(), value.clone())),
                None => drop(map.remove(key)),
            }
        }
    };
    (db.write_with(&batch, how), change)
}

fn edits(spaces: &[Keyspace], step: usize) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (at, space) in spaces.iter().enumerate() {
        for n in 0..2 + (step + at) % 3 {
            let number = (step * 5 + n * 7 + at * 3) % 18;
            let key = format!("{}{number:02}", &"key"[..number % 3]).into_bytes();
            let mut value = format!("step {step} {} {number} ", space.name()).into_bytes();
            value.resize(24 + (step * 37 + n * 101) % 300, b'.');
            let value = (!(step + n).is_multiple_of(6)).then_some(value);
            edits.push((space.name().to_owned(), key, value));
        }
    }
    edits
}

/// Returns a keyspace, if it is there.
pub(crate) fn find(db: &Db, name: &str) -> Option<Keyspace> {
    db.keyspaces().into_iter().find(|space| space.name() == name)
}
