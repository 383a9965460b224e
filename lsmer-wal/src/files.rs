//! The files of a log: listing, making, reusing and removing them.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use lsmer_core::{
    DirEntry, Error, FileClass, OpenOptions, Result, SegmentId, SyncKind, Vfs, VfsFile,
};

use crate::segment::{SEGMENT_HEAD_BYTES, SegmentHead, parse_segment_name, segment_name};

const SPARE_PREFIX: &str = "spare-";
const UNFINISHED_SUFFIX: &str = ".tmp";

/// The largest file that is filled with zeros while a writer waits for it. Larger ones come from
/// spares, which are filled in the background.
const MOST_FILLED_BYTES: u64 = 1 << 20;

static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// A segment file found in the folder.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    pub(crate) id: SegmentId,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// Its header, if that is whole.
    pub(crate) head: Option<SegmentHead>,
}

/// A file with nothing of value in it, to become a segment.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// Whether it was a segment before.
    pub(crate) recycled: bool,
}

/// The folder of a log.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) dir: PathBuf,
}

impl Files {
    /// Returns the path of a segment.
    pub(crate) fn segment(&self, id: SegmentId) -> PathBuf {
        self.dir.join(segment_name(id))
    }

    /// Returns the path of a spare file.
    pub(crate) fn spare(&self, number: u64) -> PathBuf {
        self.dir.join(format!("{SPARE_PREFIX}{number:02}.wal"))
    }

    /// Lists the segments and what was to become one; nothing if there is no folder.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub(crate) fn list(&self) -> Result<Vec<DirEntry>> {
        let ours = |name: &str| parse_segment_name(name).is_some() || is_leftover(name);
        match self.vfs.list(&self.dir, &ours) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed.map_err(|e| Error::io("list the log", e).in_file(&self.dir)),
        }
    }

    /// Lists the segments from `first` on with their headers, oldest first.
    ///
    /// # Errors
    ///
    /// `Io`, `Unsupported`.
    pub(crate) fn segments(&self, first: SegmentId) -> Result<Vec<SegmentFile>> {
        let mut found = Vec::new();
        for entry in self.list()? {
            let Some(id) = parse_segment_name(&entry.name).filter(|id| *id >= first) else {
                continue;
            };
            let path = self.dir.join(&entry.name);
            let (head, bytes) = self.head(id)?;
            found.push(SegmentFile { id, path, bytes, head });
        }
        found.sort_by_key(|file| file.id);
        Ok(found)
    }

    /// Reads the header of a segment, if that is whole, and the size of its file.
    ///
    /// # Errors
    ///
    /// `Io`, `Unsupported`.
    pub(crate) fn head(&self, id: SegmentId) -> Result<(Option<SegmentHead>, u64)> {
        let path = self.segment(id);
        let mut bytes = [0; SEGMENT_HEAD_BYTES];
        let mut read = || {
            let file = self.vfs.open(&path, OpenOptions::read(FileClass::Wal))?;
            let file_bytes = file.len()?;
            if file_bytes >= SEGMENT_HEAD_BYTES as u64 {
                file.read_exact_at(&mut bytes, 0)?;
            }
            Ok(file_bytes)
        };
        let file_bytes = read().map_err(|e| Error::io("read the log", e).at(&path, 0))?;
        // A header that is not there is zeros, and does not pass.
        let head = SegmentHead::decode(&bytes, id).map_err(|e| e.at(&path, 0))?;
        Ok((head, file_bytes))
    }

    /// Makes the file of a new segment, of `bytes` bytes that are all reserved on the disk. Its
    /// header is written before it gets its name. Neither is synced.
    ///
    /// # Errors
    ///
    /// `Full` or `Io`, and there is no such file.
    pub(crate) fn create(&self, head: &SegmentHead, bytes: u64) -> Result<Arc<dyn VfsFile>> {
        let path = self.segment(head.id);
        let mut unfinished = path.clone().into_os_string();
        unfinished.push(UNFINISHED_SUFFIX);
        let unfinished = PathBuf::from(unfinished);
        self.remove(&unfinished)?;
        let create = || {
            let how = OpenOptions::create(FileClass::Wal);
            let file = self.vfs.open(&unfinished, how)?;
            file.allocate(0, bytes)?;
            let mut filled = if bytes <= MOST_FILLED_BYTES { 0 } else { bytes };
            while filled < bytes {
                filled = fill(&*file, filled, bytes)?;
            }
            file.write_all_at(&head.encode(), 0)?;
            self.vfs.rename(&unfinished, &path)?;
            Ok(file)
        };
        create().map_err(|error| {
            // What is left of it is removed here or, failing that, by the next open.
            drop(self.remove(&unfinished));
            Error::io("make a segment of the log", error).in_file(&path)
        })
    }

    /// Makes a new segment out of a spare file.
    ///
    /// # Errors
    ///
    /// `Io`, and there is no such segment.
    pub(crate) fn reuse(&self, spare: &Spare, head: &SegmentHead) -> Result<Arc<dyn VfsFile>> {
        let reuse = || {
            let file = self.vfs.open(&spare.path, OpenOptions::write(FileClass::Wal))?;
            file.write_all_at(&head.encode(), 0)?;
            self.vfs.rename(&spare.path, &self.segment(head.id))?;
            Ok(file)
        };
        reuse().map_err(|e| Error::io("reuse a segment of the log", e).in_file(&spare.path))
    }

    /// Gives a file another name; returns whether it was there.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<bool> {
        match self.vfs.rename(from, to) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("recycle a segment of the log", error).in_file(from)),
        }
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub(crate) fn remove(&self, path: &Path) -> Result<()> {
        match self.vfs.remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("remove a file of the log", error).in_file(path))
            }
            _ => Ok(()),
        }
    }

    /// Makes the names of the files durable.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub(crate) fn sync_names(&self) -> Result<()> {
        let synced = self.vfs.sync_dir(&self.dir);
        synced.map_err(|e| unknown("sync the folder of the log", e).in_file(&self.dir))
    }

    /// Makes what was written to a segment durable.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub(crate) fn sync(&self, id: SegmentId, file: &dyn VfsFile) -> Result<()> {
        let synced = file.sync(SyncKind::Data);
        synced.map_err(|e| unknown("sync the log", e).in_file(self.segment(id)))
    }
}

/// Writes zeros at `from`, but not behind `end`; returns up to where. A sync is cheaper in a file
/// whose blocks were written before. With 64 KiB at a time the page cache holds the file in pieces
/// that later writes are fast in.
pub(crate) fn fill(file: &dyn VfsFile, from: u64, end: u64) -> io::Result<u64> {
    let rest = usize::try_from(end - from).unwrap_or(usize::MAX);
    let zeros = &ZEROS[..ZEROS.len().min(rest)];
    file.write_all_at(zeros, from)?;
    Ok(from + zeros.len() as u64)
}

/// Makes the error for when it is unknown what survives a power loss: never `Full`, which would
/// promise that nothing changed.
#[cold]
fn unknown(what: &'static str, source: io::Error) -> Error {
    Error::io(what, io::Error::other(source))
}

/// Returns whether a file is left from an unfinished piece of work of an earlier owner.
pub(crate) fn is_leftover(name: &str) -> bool {
    name.starts_with(SPARE_PREFIX)
        || name.strip_suffix(UNFINISHED_SUFFIX).is_some_and(|n| parse_segment_name(n).is_some())
}
