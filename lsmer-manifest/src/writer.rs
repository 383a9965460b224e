//! The file of an open manifest.
//!
//! ```text
//!   | header | snapshot | mark | edit | mark | edit | mark | zeros: room set aside |
//!                                     ^ synced      ^ synced
//! ```

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use lsmer_core::{
    Error, ErrorKind, FileClass, OpenOptions, Result, SyncKind, Vfs, VfsFile, mutant,
};

use crate::{
    Edit, ManifestState, current,
    header::Header,
    payload,
    record::{HEAD_BYTES, RecordKind, put_record},
};

/// Room is set aside in pieces of this size: then a full disk is noticed before anything changed,
/// and a sync has no new size to write down.
const ROOM_BYTES: usize = 16 << 10;

/// A manifest that is being written.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Number of the file.
    pub(crate) number: u64,
    path: PathBuf,
    file: Arc<dyn VfsFile>,
    /// Where the next record goes.
    end: usize,
    /// Up to where the file was synced.
    synced: usize,
    /// Size of the file.
    room: usize,
    /// Size of everything up to the first edit.
    base: usize,
    /// Whether a write or a sync failed: what is in the file behind `synced` is unknown.
    failed: bool,
}

impl Writer {
    /// Writes the manifest `number`, durably but for its name: nothing names it yet, and whoever
    /// makes it current syncs the folder before he gives `CURRENT` its new meaning.
    pub(crate) fn start(
        vfs: &dyn Vfs,
        dir: &Path,
        number: u64,
        state: &ManifestState,
    ) -> Result<Self> {
        let mut bytes = Vec::new();
        Header { number, epoch: state.epoch }.encode(&mut bytes);
        let mut snapshot = Vec::new();
        payload::put_snapshot(&mut snapshot, state);
        let place = (number, bytes.len());
        put_record(&mut bytes, place, RecordKind::Snapshot, 0, &snapshot)?;
        let synced = bytes.len();
        // True by the time anybody reads it: CURRENT names the file after the sync.
        put_record(&mut bytes, (number, synced), RecordKind::Mark, synced, &[])?;

        let path = dir.join(current::file_name(number));
        let write = || {
            let file = vfs.open(&path, OpenOptions::create(FileClass::Manifest))?;
            file.write_all_at(&bytes, 0)?;
            if !mutant!("new-manifest-not-synced") {
                file.sync(SyncKind::All)?;
            }
            Ok(file)
        };
        let file = write().map_err(|error| Error::io("write a manifest", error).in_file(&path))?;
        let end = bytes.len();
        Ok(Self { number, path, file, end, synced, room: end, base: end, failed: false })
    }

    /// Returns the size of the records in bytes, and that of the snapshot with what stands around
    /// it.
    pub(crate) fn bytes(&self) -> (usize, usize) {
        (self.end, self.base)
    }

    /// Refuses everything from now on.
    pub(crate) fn fail(&mut self) {
        self.failed = true;
    }

    /// Refuses after a failure.
    pub(crate) fn check(&self) -> Result<()> {
        if self.failed {
            let what = "an earlier write to the manifest failed; reopen the database to write";
            return Err(Error::new(ErrorKind::ReadOnly, what).in_file(&self.path));
        }
        Ok(())
    }

    /// Appends an edit and makes it durable.
    ///
    /// # Errors
    ///
    /// Before anything was written: `Full`, `InvalidArgument`. After that, `Io` once, and
    /// `ReadOnly` from then on.
    pub(crate) fn append(&mut self, edit: &Edit) -> Result<()> {
        self.check()?;
        let mut payload = Vec::new();
        payload::put_edit(&mut payload, edit);
        let mut bytes = Vec::new();
        let place = (self.number, self.end);
        put_record(&mut bytes, place, RecordKind::Edit, self.synced, &payload)?;
        self.set_aside(bytes.len() + HEAD_BYTES)?;

        self.failed = true;
        let written = self.file.write_all_at(&bytes, self.end as u64);
        written.map_err(|error| self.unknown("append to the manifest", error))?;
        let unsynced = mutant!("edit-not-synced");
        let synced = if unsynced { Ok(()) } else { self.file.sync(SyncKind::Data) };
        synced.map_err(|error| self.unknown("sync the manifest", error))?;
        self.failed = false;
        self.end += bytes.len();
        self.synced = self.end;
        self.mark()
    }

    /// Makes the last mark durable.
    pub(crate) fn close(&mut self) -> Result<()> {
        self.check()?;
        if let Err(error) = self.file.sync(SyncKind::Data) {
            self.failed = true;
            return Err(self.unknown("sync the manifest", error));
        }
        Ok(())
    }

    /// Makes sure that writing `bytes` more finds room.
    fn set_aside(&mut self, bytes: usize) -> Result<()> {
        let need = self.end + bytes;
        if need > self.room {
            let more = (need - self.room).next_multiple_of(ROOM_BYTES);
            match self.file.allocate(self.room as u64, more as u64) {
                Err(error) if error.kind() != io::ErrorKind::Unsupported => {
                    let what = "set room aside in the manifest";
                    return Err(Error::io(what, error).in_file(&self.path));
                }
                _ => self.room += more,
            }
        }
        Ok(())
    }

    /// Notes in the file how far it was synced. The edit before is committed, whatever happens;
    /// a failure only keeps others from being appended behind what is then unknown.
    fn mark(&mut self) -> Result<()> {
        let mut bytes = Vec::new();
        let place = (self.number, self.end);
        put_record(&mut bytes, place, RecordKind::Mark, self.synced, &[])?;
        match self.file.write_all_at(&bytes, self.end as u64) {
            Ok(()) => self.end += bytes.len(),
            Err(_) => self.failed = true,
        }
        Ok(())
    }

    /// Makes the error for when it is unknown what is on disk: never `Full`, which would promise
    /// that nothing changed.
    fn unknown(&self, what: &'static str, error: io::Error) -> Error {
        Error::io(what, io::Error::other(error)).in_file(&self.path)
    }
}
