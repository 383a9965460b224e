//! What the kit asks of an engine.
//!
//! Five methods are enough to be put under every oracle: open, write, read a key, walk a range,
//! close. What else an engine can do, it says by doing it: a [`Task`] that it does not know is
//! [`Done::Absent`], and is left out of what is checked.

use std::{
    error,
    path::{Path, PathBuf},
};

use lsmer_core::Env;

/// What an engine says went wrong.
pub type Error = Box<dyn error::Error + Send + Sync>;

/// A result of an engine.
pub type Result<T> = std::result::Result<T, Error>;

/// A keyspace of a workload. 0 is always there; an engine with one only never hears of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space(pub u8);

/// What a write is to survive once it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// The death of the process, if [`Subject::keeps_unsynced`]; else nothing.
    Process,
    /// A power loss, and so does all that was written before it.
    Sync,
}

/// One change of a batch: a put, or a delete where there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The keyspace.
    pub space: Space,
    /// The key: any bytes, also none.
    pub key: Vec<u8>,
    /// The value; `None` deletes.
    pub value: Option<Vec<u8>>,
}

/// Something that not every engine can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Make a keyspace, if it is not there.
    Create(Space),
    /// Drop a keyspace and all that is in it, if it is there.
    Drop(Space),
    /// Make all that was written safe.
    Sync,
    /// Write what is in memory to tables.
    Flush,
    /// Merge the tables with keys in `[low, high)`.
    Compact(Vec<u8>, Vec<u8>),
    /// Make a second database in this folder, which does not exist yet.
    Checkpoint(PathBuf),
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The engine has nothing of the kind, and changed nothing.
    Absent,
    /// It is done, and survives what a write of [`Safety::Process`] survives.
    Process,
    /// It is done, and it and all that was written before survive a power loss.
    Sync,
}

impl From<Safety> for Done {
    /// Returns what an acknowledged write of this safety survives.
    fn from(safety: Safety) -> Self {
        match safety {
            Safety::Process => Self::Process,
            Safety::Sync => Self::Sync,
        }
    }
}

/// Settings of a run, as numbers that the engine may read as it likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Which parts to compose: the same in a whole run. 0: the defaults.
    pub parts: u64,
    /// What may be different each time a database is opened: sizes, caches. 0: the defaults.
    pub sizes: u64,
}

/// An engine under test.
pub trait Subject: Sync {
    /// Returns its name, for reports.
    fn name(&self) -> &str;

    /// Whether a write of [`Safety::Process`] survives the death of the process.
    fn keeps_unsynced(&self) -> bool {
        true
    }

    /// Opens the database in a folder of `env.vfs`; makes both if they are not there.
    ///
    /// # Errors
    ///
    /// Any. None is expected where nothing but crashes happened.
    fn open(&self, env: &Env, dir: &Path, config: Config) -> Result<Box<dyn Store>>;
}

/// Reads of a database, or of a snapshot of it.
pub trait Reader {
    /// Returns the value of a key.
    ///
    /// # Errors
    ///
    /// Any.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Starts to walk the keys in `[low, high)`, as they are now; `None`: to the last.
    ///
    /// # Errors
    ///
    /// Any.
    fn walk(&self, space: Space, low: &[u8], high: Option<&[u8]>) -> Result<Box<dyn Walk>>;
}

/// A walk over a range from both ends.
pub trait Walk {
    /// Returns the next entry from the front; `None` where the ends meet.
    ///
    /// # Errors
    ///
    /// Any.
    fn next(&mut self) -> Result<Option<(&[u8], &[u8])>>;

    /// Returns the next entry from the back.
    ///
    /// # Errors
    ///
    /// Any.
    fn next_back(&mut self) -> Result<Option<(&[u8], &[u8])>>;

    /// Moves the front to the first key from `key` on; returns `false` if it cannot seek.
    ///
    /// # Errors
    ///
    /// Any.
    fn seek(&mut self, _key: &[u8]) -> Result<bool> {
        Ok(false)
    }
}

/// An open database.
pub trait Store: Reader {
    /// Writes all of these edits, in order, or none.
    ///
    /// # Errors
    ///
    /// Any.
    fn write(&self, edits: &[Edit], safety: Safety) -> Result<()>;

    /// Does a task, if it can.
    ///
    /// # Errors
    ///
    /// Any.
    fn perform(&self, _task: &Task) -> Result<Done> {
        Ok(Done::Absent)
    }

    /// Returns the keyspaces that there are, ascending.
    ///
    /// # Errors
    ///
    /// Any.
    fn spaces(&self) -> Result<Vec<Space>> {
        Ok(vec![Space(0)])
    }

    /// Returns the whole database as it is now, if the engine has snapshots.
    ///
    /// # Errors
    ///
    /// Any.
    fn snapshot(&self) -> Result<Option<Box<dyn Reader>>> {
        Ok(None)
    }

    /// Looks at everything on the disk and in memory for what must not be.
    ///
    /// # Errors
    ///
    /// What it found.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Closes the database.
    ///
    /// # Errors
    ///
    /// Any.
    fn close(self: Box<Self>) -> Result<Done>;
}
