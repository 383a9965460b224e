//! The manifest of an open database.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use lsmer_core::{Error, ErrorKind, Result, Vfs, mutant};
use lsmer_sync::Mutex;

use crate::{
    Edit, ManifestState, ReadReport, current, payload, read, record::File, writer::Writer,
};

/// Commits start a new manifest once the current one has this many bytes, and several times as
/// many as its snapshot.
const REWRITE_BYTES: usize = 64 << 10;
/// How many times as many.
const REWRITE_FACTOR: usize = 4;

/// The manifest of an open database: commits edits, one at a time.
///
/// # Concurrency
///
/// Shared by all threads. [`commit`](Self::commit) and [`close`](Self::close) take turns, and
/// block on I/O; [`state`](Self::state) blocks on nothing but the exchange of a pointer.
#[derive(Debug)]
pub struct Manifest {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    /// Held across I/O, and before `shown`.
    log: Mutex<Log>,
    shown: Mutex<(u64, Arc<ManifestState>)>,
}

/// What commits take turns at.
#[derive(Debug)]
struct Log {
    writer: Writer,
    /// Number for the next manifest; no file has it or a higher one.
    next_number: u64,
    /// Size in bytes at which the next manifest is started.
    rewrite_at: usize,
    /// Other manifests whose files may be left.
    others: Vec<u64>,
}

impl Manifest {
    /// Returns whether there is a database in `dir`: whether `CURRENT` is there.
    ///
    /// # Errors
    ///
    /// `Io`, and `Corruption` if `CURRENT` is damaged.
    pub fn exists(vfs: &dyn Vfs, dir: &Path) -> Result<bool> {
        Ok(current::read(vfs, dir)?.is_some())
    }

    /// Reads the state. Writes nothing.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there is no database; `Corruption` with file and offset; `Unsupported`
    /// if a newer version wrote it; `Io`.
    pub fn read(vfs: &dyn Vfs, dir: &Path) -> Result<(ManifestState, ReadReport)> {
        read::current(vfs, dir)
    }

    /// Makes the manifest of a new database, durably. The folder must be there. What a crash
    /// left of an earlier attempt is removed.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there is a database, or `state` contradicts itself; `Corruption` if
    /// there was a database that lost its `CURRENT`; `Io`, `Full`.
    pub fn create(vfs: &Arc<dyn Vfs>, dir: &Path, state: ManifestState) -> Result<Self> {
        if current::read(&**vfs, dir)?.is_some() {
            return Err(Error::invalid("there is a database here already").in_file(dir));
        }
        for number in current::list(&**vfs, dir)? {
            let path = dir.join(current::file_name(number));
            if !is_unfinished(&**vfs, dir, number)? {
                let what = "CURRENT is missing, and this manifest holds a database";
                return Err(Error::corruption(what).in_file(path));
            }
            vfs.remove_file(&path)
                .map_err(|e| Error::io("remove an unfinished manifest", e).in_file(path))?;
        }
        Self::start(vfs, dir, 1, state, Vec::new())
    }

    /// Writes `state` to a new manifest, makes it the current one, and removes older ones.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if `state` contradicts itself; `Io`, `Full`: the manifest that was
    /// current before may then still be it, and both can be read.
    pub fn install(vfs: &Arc<dyn Vfs>, dir: &Path, state: ManifestState) -> Result<Self> {
        let numbers = current::list(&**vfs, dir)?;
        let last = numbers.last().copied().unwrap_or(0);
        let number = last.checked_add(1).ok_or_else(|| Error::corruption("no number is left"))?;
        if last <= 1 {
            // Who gave CURRENT its name may have died before that was durable. If a power loss took
            // the name and left the next manifest, this would look like a database that lost its
            // CURRENT. Who made a second manifest has passed here, or was the one who made the first.
            vfs.sync_dir(dir).map_err(|e| Error::io("sync the folder", e).in_file(dir))?;
        }
        Self::start(vfs, dir, number, state, numbers)
    }

    /// Commits an edit: once this returned `Ok` it survives a power loss. `based_on` is the
    /// version that the edit was made for; it commits if it also fits the latest one. Returns the
    /// new version, and the state of it.
    ///
    /// # Errors
    ///
    /// `Conflict` if the edit does not fit the state as it is now, `InvalidArgument` if there was
    /// no such version, `Full` if there is no room: nothing changed. `Io` if it is unknown whether
    /// the edit is on disk, and `ReadOnly` from then on.
    pub fn commit(&self, based_on: u64, edit: &Edit) -> Result<(u64, Arc<ManifestState>)> {
        let mut log = self.log.lock();
        log.writer.check()?;
        let (version, state) = self.state();
        if based_on > version {
            return Err(Error::invalid("an edit is based on a version that never was"));
        }
        let next = Arc::new(state.apply(edit)?);
        log.writer.append(edit)?;
        let version = version + 1;
        *self.shown.lock() = (version, Arc::clone(&next));
        if log.writer.bytes().0 >= log.rewrite_at {
            self.rewrite(&mut log, &next);
        }
        Ok((version, next))
    }

    /// Returns the latest version, and the state of it. Versions count from 1 at each open.
    pub fn state(&self) -> (u64, Arc<ManifestState>) {
        let shown = self.shown.lock();
        (shown.0, Arc::clone(&shown.1))
    }

    /// Makes durable how far the manifest was synced, so that damage to the last edit is noticed
    /// from now on. Nothing is lost without it; commits after it are allowed.
    ///
    /// # Errors
    ///
    /// `Io`, and `ReadOnly` from then on.
    pub fn close(&self) -> Result<()> {
        let mut log = self.log.lock();
        log.writer.close()?;
        self.remove_older(&mut log);
        Ok(())
    }

    fn start(
        vfs: &Arc<dyn Vfs>,
        dir: &Path,
        number: u64,
        state: ManifestState,
        others: Vec<u64>,
    ) -> Result<Self> {
        let state = payload::settled(state)
            .map_err(|e| Error::invalid("a state contradicts itself").detail(e))?;
        let writer = Writer::start(&**vfs, dir, number, &state)?;
        if mutant!("old-manifest-removed-first") {
            drop(vfs.remove_file(&dir.join(current::file_name(number - 1))));
        }
        current::install(&**vfs, dir, number)
            .map_err(|e| Error::io("install CURRENT", e).in_file(dir.join(current::CURRENT)))?;
        let rewrite_at = rewrite_at(&writer);
        let log = Log { writer, next_number: number + 1, rewrite_at, others };
        let (vfs, dir) = (Arc::clone(vfs), dir.to_path_buf());
        let shown = Mutex::new((1, Arc::new(state)));
        let manifest = Self { vfs, dir, shown, log: Mutex::new(log) };
        manifest.remove_older(&mut manifest.log.lock());
        Ok(manifest)
    }

    /// Starts a new manifest. The current one holds all that the new one will, so until `CURRENT`
    /// changes a failure changes nothing, and the next attempt waits until the file has doubled.
    fn rewrite(&self, log: &mut Log, state: &ManifestState) {
        log.rewrite_at = log.writer.bytes().0.saturating_mul(2);
        let number = log.next_number;
        log.next_number += 1;
        log.others.push(number);
        let Ok(next) = Writer::start(&*self.vfs, &self.dir, number, state) else {
            return self.remove_older(log);
        };
        match current::install(&*self.vfs, &self.dir, number) {
            Ok(()) => {
                log.rewrite_at = rewrite_at(&next);
                log.others.push(log.writer.number);
                log.writer = next;
                self.remove_older(log);
            }
            // CURRENT was not touched: the old manifest stays the valid one.
            Err(_) if self.is_current(log.writer.number) => {}
            // Either may be valid after a power loss. Both are whole, and neither may grow.
            Err(_) => log.writer.fail(),
        }
    }

    fn is_current(&self, number: u64) -> bool {
        current::read(&*self.vfs, &self.dir).is_ok_and(|current| current == Some(number))
    }

    /// Removes manifests other than the current one, once that is durable. What cannot be removed
    /// does no harm, and is tried again later.
    fn remove_older(&self, log: &mut Log) {
        let current = log.writer.number;
        let gone = |number| match self.vfs.remove_file(&self.dir.join(current::file_name(number))) {
            Ok(()) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        log.others.retain(|number| *number != current && !gone(*number));
    }
}

fn rewrite_at(writer: &Writer) -> usize {
    let (_, base) = writer.bytes();
    REWRITE_BYTES.max(base.saturating_mul(REWRITE_FACTOR))
}

/// Whether a manifest without `CURRENT` is what a crash leaves while a database is created: the
/// first, without an edit, and either torn or with nothing in it.
fn is_unfinished(vfs: &dyn Vfs, dir: &Path, number: u64) -> Result<bool> {
    if number != 1 {
        return Ok(false);
    }
    let bytes = read::bytes(vfs, &dir.join(current::file_name(number)))?;
    if (File { number, bytes: &bytes }).has_edit() {
        return Ok(false);
    }
    match read::numbered(vfs, dir, number) {
        Ok((state, _)) => {
            let tables = state.keyspaces.values().flat_map(|keyspace| keyspace.tree.tables());
            Ok(tables.count() == 0)
        }
        Err(error) if error.kind() == ErrorKind::Corruption => Ok(true),
        Err(error) => Err(error),
    }
}
