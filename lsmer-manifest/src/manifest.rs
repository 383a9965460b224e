//! The manifest of an open database.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use lsmer_core::{Error, ErrorKind, Result, Vfs};
use lsmer_sync::Mutex;

use crate::{Edit, ManifestState};

/// What reading a manifest found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadReport {
    /// The file.
    pub file: PathBuf,
    /// Number of the file.
    pub number: u64,
    /// Size in bytes of what was read, up to the torn tail.
    pub bytes: u64,
    /// Size in bytes of the torn tail, which was ignored.
    pub torn_bytes: u64,
    /// Number of edits behind the snapshot.
    pub edits: u64,
}

/// The manifest of an open database: commits edits, one at a time.
///
/// # Concurrency
///
/// Shared by all threads. [`commit`](Self::commit) and [`close`](Self::close) take turns, and
/// block on I/O; [`state`](Self::state) blocks on nothing but a pointer's exchange.
#[derive(Debug)]
pub struct Manifest {
    shown: Mutex<(u64, Arc<ManifestState>)>,
}

impl Manifest {
    /// Returns whether there is a database in `dir`: whether `CURRENT` is there.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub fn exists(_vfs: &dyn Vfs, _dir: &Path) -> Result<bool> {
        Err(unwritten())
    }

    /// Reads the state. Writes nothing.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there is no database; `Corruption` with file and offset; `Unsupported`
    /// if a newer version wrote it; `Io`.
    pub fn read(_vfs: &dyn Vfs, _dir: &Path) -> Result<(ManifestState, ReadReport)> {
        Err(unwritten())
    }

    /// Makes the manifest of a new database, durably. The folder must be there.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there is a database; `Corruption` if there was one that lost its
    /// `CURRENT`; `Io`, `Full`.
    pub fn create(_vfs: &Arc<dyn Vfs>, _dir: &Path, _state: ManifestState) -> Result<Self> {
        Err(unwritten())
    }

    /// Writes `state` to a new manifest, makes it the current one, and removes older ones.
    ///
    /// # Errors
    ///
    /// `Io`, `Full`; the manifest that was current before may then still be it.
    pub fn install(_vfs: &Arc<dyn Vfs>, _dir: &Path, _state: ManifestState) -> Result<Self> {
        Err(unwritten())
    }

    /// Commits an edit: once this returned `Ok` it survives a power loss. `based_on` is the
    /// version the edit was made for; the edit is applied to the latest one if it still fits.
    /// Returns the new version and the state of it.
    ///
    /// # Errors
    ///
    /// `Conflict` if the edit does not fit the state as it is now, `InvalidArgument` if there was
    /// no such version, `Full` if there is no room: nothing changed. `Io` if it is unknown whether
    /// the edit is on disk, and `ReadOnly` from then on.
    pub fn commit(&self, _based_on: u64, _edit: &Edit) -> Result<(u64, Arc<ManifestState>)> {
        Err(unwritten())
    }

    /// Returns the latest version, and the state of it. Versions count from 1 at each open.
    pub fn state(&self) -> (u64, Arc<ManifestState>) {
        let shown = self.shown.lock();
        (shown.0, Arc::clone(&shown.1))
    }

    /// Makes durable how far the manifest is durable, so that from now on any damage to it is
    /// noticed. Nothing is lost without it. Commits after it are allowed.
    ///
    /// # Errors
    ///
    /// `Io`, and `ReadOnly` from then on.
    pub fn close(&self) -> Result<()> {
        Err(unwritten())
    }
}

/// Lists the records of a manifest for people, as far as it can be read.
///
/// # Errors
///
/// `Io` if the file cannot be read.
pub fn dump(_vfs: &dyn Vfs, _path: &Path, _out: &mut dyn fmt::Write) -> Result<()> {
    Err(unwritten())
}

fn unwritten() -> Error {
    Error::new(ErrorKind::Unsupported, "the manifest is not written yet")
}
