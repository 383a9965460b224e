//! File systems that are another one but for a few of its operations.

use std::{fmt, io, path::Path, sync::Arc};

use lsmer::parts::core::{
    Caps, DirEntry, LockGuard, LockMode, OpenOptions, ReadRequest, SyncKind, Vfs, VfsFile,
};

/// What is different; the rest is passed on.
pub(crate) trait Differs: fmt::Debug + Send + Sync + 'static {
    /// The file system below.
    fn below(&self) -> &dyn Vfs;

    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        self.below().open(path, how)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.below().rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.below().remove_file(path)
    }
}

/// The file system that differs.
#[derive(Debug)]
pub(crate) struct Over<T>(pub(crate) T);

impl<T: Differs> Vfs for Over<T> {
    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        self.0.open(path, how)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.0.remove_file(path)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.below().hard_link(from, to)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.below().create_dir(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.0.below().read_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.0.below().sync_dir(path)
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Box<dyn LockGuard>> {
        self.0.below().lock(path, mode)
    }

    fn caps(&self, dir: &Path) -> Caps {
        self.0.below().caps(dir)
    }
}

/// A file that tells before it is read.
pub(crate) struct ReadTold {
    pub(crate) file: Arc<dyn VfsFile>,
    pub(crate) tell: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for ReadTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.file.fmt(f)
    }
}

impl VfsFile for ReadTold {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        (self.tell)();
        self.file.read_at(buf, offset)
    }

    fn read_batch(&self, reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        (self.tell)();
        self.file.read_batch(reads)
    }

    fn write_at(&self, bufs: &[io::IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.file.write_at(bufs, offset)
    }

    fn sync(&self, kind: SyncKind) -> io::Result<()> {
        self.file.sync(kind)
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        self.file.allocate(offset, bytes)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}
