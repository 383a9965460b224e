//! The front door: a database.

use std::{fmt, ops::Deref, path::Path};

use lsmer_core::{KeyspaceOptions, Result};
use lsmer_engine::{Engine, KeyBounds, Keyspace, Stats, VerifyReport};

use crate::Builder;

/// An open database: its default keyspace, whose methods it has, and what concerns all keyspaces.
///
/// A clone is another handle on the same database. When the last handle of any kind is dropped,
/// the database is closed; call [`close`](Self::close) to hear of errors.
#[derive(Clone)]
pub struct Db {
    engine: Engine,
    default: Keyspace,
}

impl Db {
    /// Opens the database in this folder with the default parts; makes it if it is not there.
    ///
    /// # Errors
    ///
    /// As [`Builder::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::builder(path).open()
    }

    /// Starts to choose parts and settings.
    pub fn builder(path: impl AsRef<Path>) -> Builder {
        Builder::new(path.as_ref())
    }

    pub(crate) fn of(engine: Engine) -> Self {
        let default = engine.default_keyspace();
        Self { engine, default }
    }

    /// Returns a keyspace, and makes it with these settings if it is not there.
    ///
    /// # Errors
    ///
    /// As [`Engine::keyspace`].
    pub fn keyspace(&self, name: &str, options: KeyspaceOptions) -> Result<Keyspace> {
        self.engine.keyspace(name, options)
    }

    /// Returns all keyspaces; the default one first.
    pub fn keyspaces(&self) -> Vec<Keyspace> {
        self.engine.keyspaces()
    }

    /// Drops a keyspace and all that is in it; handles on it go on reading.
    ///
    /// # Errors
    ///
    /// As [`Engine::drop_keyspace`].
    pub fn drop_keyspace(&self, keyspace: &Keyspace) -> Result<()> {
        self.engine.drop_keyspace(keyspace)
    }

    /// Makes everything acknowledged so far, in all keyspaces, survive a power loss.
    ///
    /// # Errors
    ///
    /// As [`Engine::sync`].
    pub fn sync(&self) -> Result<()> {
        self.engine.sync()
    }

    /// Writes all memtables to tables, and returns when that is done.
    ///
    /// # Errors
    ///
    /// As [`Engine::flush`].
    pub fn flush(&self) -> Result<()> {
        self.engine.flush()
    }

    /// Merges the tables that hold keys of a range into one run of each keyspace; `..` merges
    /// everything. See [`Engine::compact`].
    ///
    /// # Errors
    ///
    /// As [`Engine::compact`].
    pub fn compact(&self, range: impl KeyBounds) -> Result<()> {
        self.engine.compact(range)
    }

    /// Returns once no background work is left to do.
    ///
    /// # Errors
    ///
    /// As [`Engine::wait_until_quiet`].
    pub fn wait_until_quiet(&self) -> Result<()> {
        self.engine.wait_until_quiet()
    }

    /// Makes a second database of what is acknowledged now, in a folder that must not exist yet.
    ///
    /// # Errors
    ///
    /// As [`Engine::checkpoint`].
    pub fn checkpoint(&self, dir: impl AsRef<Path>) -> Result<()> {
        self.engine.checkpoint(dir)
    }

    /// Reads every byte of every table and checks it. Opening has read manifest and log.
    pub fn verify(&self) -> VerifyReport {
        self.engine.verify()
    }

    /// Returns what the database says of itself.
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }

    /// Waits for background work, syncs, and releases the lock. Snapshots and scans go on reading;
    /// everything else is refused from here on.
    ///
    /// # Errors
    ///
    /// As [`Engine::close`].
    pub fn close(&self) -> Result<()> {
        self.engine.close()
    }
}

impl Deref for Db {
    type Target = Keyspace;

    /// A database is used like its default keyspace.
    fn deref(&self) -> &Keyspace {
        &self.default
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db").field("keyspaces", &self.keyspaces()).finish_non_exhaustive()
    }
}
