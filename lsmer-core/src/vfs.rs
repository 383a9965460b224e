//! The seam to the file system.
//!
//! Positional I/O only. What is written survives the death of the process, and survives a power
//! loss only after [`VfsFile::sync`]; a name survives a power loss only after
//! [`Vfs::sync_dir`] of its folder. Nobody maps files through this trait: `SIGBUS` is an error one
//! cannot return.
//!
//! Methods are `#[track_caller]` here, on the declaration, because through `dyn` the attribute
//! works nowhere else; fault injection names call sites with it.

#![expect(clippy::missing_errors_doc, reason = "every method returns what the file system says")]

use std::{
    fmt,
    io::{self, IoSlice},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::mutant;

/// What a file is for, so that faults, metrics and advice can tell files apart without looking at
/// names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileClass {
    /// A segment of the log.
    Wal,
    /// The crash ring of the log: written often in small pieces, and never synced.
    Ring,
    /// A manifest.
    Manifest,
    /// The file that names the manifest.
    Current,
    /// A table.
    Table,
    /// Reserved: values that live apart.
    Blob,
    /// The lock.
    Lock,
    /// A file on its way to another name.
    Tmp,
}

/// How to open a file.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "they are the flags of open(2)")]
pub struct OpenOptions {
    /// What the file is for.
    pub class: FileClass,
    /// Open for reading.
    pub read: bool,
    /// Open for writing.
    pub write: bool,
    /// Create the file; fail with `AlreadyExists` if it is there.
    pub create_new: bool,
    /// Empty the file.
    pub truncate: bool,
    /// Bypass the page cache; see [`Caps::direct_align`].
    pub direct: bool,
}

impl OpenOptions {
    const NOTHING: Self = Self {
        class: FileClass::Tmp,
        read: false,
        write: false,
        create_new: false,
        truncate: false,
        direct: false,
    };

    /// Opens an existing file for reading.
    pub const fn read(class: FileClass) -> Self {
        Self { class, read: true, ..Self::NOTHING }
    }

    /// Opens an existing file for reading and writing.
    pub const fn write(class: FileClass) -> Self {
        Self { class, read: true, write: true, ..Self::NOTHING }
    }

    /// Creates a file that is not there yet, for reading and writing.
    pub const fn create(class: FileClass) -> Self {
        Self { class, read: true, write: true, create_new: true, ..Self::NOTHING }
    }
}

/// One read of a batch.
#[derive(Debug)]
pub struct ReadRequest<'a> {
    /// Where to read, in bytes.
    pub offset: u64,
    /// Filled completely, or the read fails with `UnexpectedEof`.
    pub buf: &'a mut [u8],
}

/// How much a sync covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncKind {
    /// Data, and the metadata needed to read it back (fdatasync).
    Data,
    /// Everything (fsync).
    All,
}

/// Who may hold a lock at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Nobody else.
    Exclusive,
    /// Other shared holders.
    Shared,
}

/// What a file system can do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caps {
    /// A file of class [`FileClass::Ring`] takes small writes at memory speed.
    pub fast_ring: bool,
    /// Alignment in bytes that direct I/O needs; `None`: no direct I/O.
    pub direct_align: Option<u32>,
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    /// The name, without the folder. Names that are not text are left out of listings.
    pub name: String,
    /// Whether it is a folder.
    pub is_dir: bool,
    /// Size in bytes, of a file.
    pub bytes: u64,
}

/// A held lock; dropping it lets go. Dies with the process.
pub trait LockGuard: Send + Sync + fmt::Debug {}

/// A file system.
///
/// # Obligations
///
/// - `VFS-01` A read returns the bytes last written there, synced or not.
/// - `VFS-02` `sync` returns `Ok` only when everything written to the file before it would
///   survive a power loss; likewise `sync_dir` for names.
/// - `VFS-03` `rename` replaces atomically: the target is the old or the new file at any time.
/// - `VFS-04` A file stays readable through its handle after its name is gone.
/// - `VFS-05` A second exclusive `lock` of a path fails at once, from any process, with
///   `WouldBlock`.
/// - `VFS-06` `hard_link` gives the same file a second name; a `rename` from one name of a file to
///   another one of the same file changes nothing.
/// - `VFS-07` Bytes that nobody wrote are zeros: in gaps, and where `set_len` or `allocate` made a
///   file longer, also if it was that long before.
/// - `VFS-08` `read_dir` lists every name that is there and no other, sorted, with the size that
///   the file has. An empty path is the current folder, as the parent of a relative name is.
/// - `VFS-09` What cannot be done changes nothing: `NotFound` for a name that is not there,
///   `AlreadyExists` where a name must be free, `NotADirectory` for a path through a file,
///   `UnexpectedEof` for a batch that reaches beyond the end.
/// - `VFS-10` A handle does what it was opened for and nothing else. Opening for neither reading
///   nor writing is `InvalidInput`, and so is `direct` where [`caps`](Self::caps) names no
///   alignment.
///
/// # Concurrency
///
/// Shared by all threads. Every method may block on I/O.
pub trait Vfs: Send + Sync + fmt::Debug + 'static {
    /// Opens a file.
    #[track_caller]
    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>>;
    /// Gives a file another name, replacing what had it.
    #[track_caller]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a name.
    #[track_caller]
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Gives a file a second name.
    #[track_caller]
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Creates one folder; `AlreadyExists` if it is there. Its parent needs a `sync_dir`.
    #[track_caller]
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Lists a folder, sorted by name.
    #[track_caller]
    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>>;
    /// Lists what is wanted of a folder, and looks at no other file: a folder may hold thousands.
    #[track_caller]
    fn list(&self, path: &Path, wanted: &dyn Fn(&str) -> bool) -> io::Result<Vec<DirEntry>> {
        let mut entries = self.read_dir(path)?;
        entries.retain(|entry| wanted(&entry.name));
        Ok(entries)
    }
    /// Makes the names in a folder durable.
    #[track_caller]
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Takes a lock on a file. `Exclusive` creates the file if needed; `Shared` does not write.
    #[track_caller]
    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Box<dyn LockGuard>>;
    /// Returns what this file system can do for files in `dir`.
    fn caps(&self, dir: &Path) -> Caps;
}

/// An open file. Dropping it closes it; nothing that matters is left to a close, because all that
/// must last was synced.
pub trait VfsFile: Send + Sync + fmt::Debug {
    /// Reads into `buf` and returns how much. Short reads are legal; 0 is the end of the file.
    #[track_caller]
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Carries out several reads; the order is free.
    #[track_caller]
    fn read_batch(&self, reads: &mut [ReadRequest<'_>]) -> io::Result<()>;
    /// Writes the slices one after the other and returns how much. Short writes are legal.
    #[track_caller]
    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize>;
    /// Makes what was written durable.
    #[track_caller]
    fn sync(&self, kind: SyncKind) -> io::Result<()>;
    /// Makes sure that writes to this range will find room on the disk, and extends the file.
    #[track_caller]
    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()>;
    /// Cuts or extends the file.
    #[track_caller]
    fn set_len(&self, bytes: u64) -> io::Result<()>;
    /// Returns the size in bytes.
    #[track_caller]
    fn len(&self) -> io::Result<u64>;
    /// Returns whether the file has no bytes.
    #[track_caller]
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|bytes| bytes == 0)
    }
}

/// Loops over short reads and writes; what callers of a [`VfsFile`] use.
impl dyn VfsFile + '_ {
    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` if the file ends before; what the file system says.
    #[track_caller]
    pub fn read_exact_at(&self, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buf.is_empty() {
            match self.read_at(buf, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) if mutant!("short-read-is-whole") => return Ok(()),
                Ok(n) => {
                    buf = &mut buf[n..];
                    offset += n as u64;
                }
                Err(error)
                    if error.kind() == io::ErrorKind::Interrupted
                        && !mutant!("interrupted-read-fails") => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes all of `buf` at `offset`.
    ///
    /// # Errors
    ///
    /// What the file system says; how much was written is then unknown.
    #[track_caller]
    pub fn write_all_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.write_slices_at(&mut [IoSlice::new(buf)], offset)
    }

    /// Writes all of `bufs`, one behind the other, at `offset`; leaves them empty.
    ///
    /// # Errors
    ///
    /// What the file system says; how much was written is then unknown.
    #[track_caller]
    pub fn write_slices_at(&self, mut bufs: &mut [IoSlice<'_>], mut offset: u64) -> io::Result<()> {
        IoSlice::advance_slices(&mut bufs, 0); // skips empty ones
        while !bufs.is_empty() {
            match self.write_at(bufs, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) if mutant!("short-write-is-whole") => return Ok(()),
                Ok(n) => {
                    IoSlice::advance_slices(&mut bufs, n);
                    offset += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl dyn Vfs {
    /// Reads a whole small file.
    ///
    /// # Errors
    ///
    /// `InvalidData` if it is larger than `limit` bytes; what the file system says.
    #[track_caller]
    pub fn read_file(&self, path: &Path, class: FileClass, limit: usize) -> io::Result<Vec<u8>> {
        let file = self.open(path, OpenOptions::read(class))?;
        let bytes = usize::try_from(file.len()?).ok().filter(|bytes| *bytes <= limit);
        let bytes = bytes.ok_or(io::ErrorKind::InvalidData)?;
        let mut buf = vec![0; bytes];
        file.read_exact_at(&mut buf, 0)?;
        Ok(buf)
    }

    /// Puts `bytes` into `dir` under `name`, whole or not at all: writes another file, makes it
    /// and its name durable, renames it over the old one, and makes that durable too.
    ///
    /// # Errors
    ///
    /// What the file system says; `name` is then the old file or the new one.
    #[track_caller]
    pub fn install(
        &self,
        dir: &Path,
        name: &str,
        class: FileClass,
        bytes: &[u8],
    ) -> io::Result<()> {
        let tmp: PathBuf = dir.join(format!("{name}.tmp"));
        match self.remove_file(&tmp) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = self.open(&tmp, OpenOptions { class, ..OpenOptions::create(FileClass::Tmp) })?;
        file.write_all_at(bytes, 0)?;
        if !mutant!("installed-file-not-synced") {
            file.sync(SyncKind::All)?;
        }
        self.sync_dir(dir)?;
        self.rename(&tmp, &dir.join(name))?;
        if mutant!("installed-name-not-synced") { Ok(()) } else { self.sync_dir(dir) }
    }
}
