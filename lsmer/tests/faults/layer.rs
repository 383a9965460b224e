//! A layer between an engine and its file system: passes everything on but what is overridden.

use std::{
    fmt,
    io::{self, IoSlice},
    path::Path,
    sync::Arc,
};

use lsmer_core::{
    Caps, DirEntry, LockGuard, LockMode, OpenOptions, ReadRequest, SyncKind, Vfs, VfsFile,
};

/// What a layer does with calls; what it does not override it passes on.
pub(crate) trait Hooks: Clone + fmt::Debug + Send + Sync + 'static {
    #[track_caller]
    fn open(&self, inner: &dyn Vfs, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        inner.open(path, how)
    }

    /// Decides on a result that has no value, of any operation on names.
    fn names(&self, result: io::Result<()>) -> io::Result<()> {
        result
    }

    #[track_caller]
    fn read_dir(&self, inner: &dyn Vfs, path: &Path) -> io::Result<Vec<DirEntry>> {
        inner.read_dir(path)
    }

    #[track_caller]
    fn sync_dir(&self, inner: &dyn Vfs, path: &Path) -> io::Result<()> {
        inner.sync_dir(path)
    }

    #[track_caller]
    fn read_at(&self, inner: &dyn VfsFile, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        inner.read_at(buf, offset)
    }

    #[track_caller]
    fn read_batch(&self, inner: &dyn VfsFile, reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        inner.read_batch(reads)
    }

    #[track_caller]
    fn write_at(&self, inner: &dyn VfsFile, bytes: &[u8], offset: u64) -> io::Result<usize> {
        inner.write_at(&[IoSlice::new(bytes)], offset)
    }

    #[track_caller]
    fn sync(&self, inner: &dyn VfsFile, kind: SyncKind) -> io::Result<()> {
        inner.sync(kind)
    }

    /// Decides on the result of `allocate` and `set_len`.
    fn sizes(&self, result: io::Result<()>) -> io::Result<()> {
        result
    }

    /// Decides whether anything is passed on at all.
    fn check(&self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Layer<H> {
    pub(crate) inner: Arc<dyn Vfs>,
    pub(crate) hooks: H,
}

#[derive(Debug)]
struct LayerFile<H> {
    inner: Arc<dyn VfsFile>,
    hooks: H,
}

impl<H: Hooks> Vfs for Layer<H> {
    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        self.hooks.check()?;
        let inner = self.hooks.open(&*self.inner, path, how)?;
        Ok(Arc::new(LayerFile { inner, hooks: self.hooks.clone() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.hooks.check()?;
        self.hooks.names(self.inner.rename(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.hooks.check()?;
        self.hooks.names(self.inner.remove_file(path))
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.hooks.check()?;
        self.hooks.names(self.inner.hard_link(from, to))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.hooks.check()?;
        self.hooks.names(self.inner.create_dir(path))
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.hooks.check()?;
        self.hooks.read_dir(&*self.inner, path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.hooks.check()?;
        self.hooks.sync_dir(&*self.inner, path)
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Box<dyn LockGuard>> {
        self.hooks.check()?;
        self.inner.lock(path, mode)
    }

    fn caps(&self, dir: &Path) -> Caps {
        self.inner.caps(dir)
    }
}

impl<H: Hooks> VfsFile for LayerFile<H> {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.hooks.check()?;
        self.hooks.read_at(&*self.inner, buf, offset)
    }

    fn read_batch(&self, reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        self.hooks.check()?;
        self.hooks.read_batch(&*self.inner, reads)
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.hooks.check()?;
        let bytes = bufs.iter().flat_map(|buf| buf.iter().copied()).collect::<Vec<_>>();
        self.hooks.write_at(&*self.inner, &bytes, offset)
    }

    fn sync(&self, kind: SyncKind) -> io::Result<()> {
        self.hooks.check()?;
        self.hooks.sync(&*self.inner, kind)
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        self.hooks.check()?;
        self.hooks.sizes(self.inner.allocate(offset, bytes))
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.hooks.check()?;
        self.hooks.sizes(self.inner.set_len(bytes))
    }

    fn len(&self) -> io::Result<u64> {
        self.hooks.check()?;
        self.inner.len()
    }
}
