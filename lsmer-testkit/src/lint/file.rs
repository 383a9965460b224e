//! An open file that is watched.

use std::{
    io::{self, IoSlice},
    panic::Location,
    path::PathBuf,
    sync::Arc,
};

use lsmer_core::{ReadRequest, SyncKind, VfsFile};

use super::{LintVfs, rules::Watched};

#[derive(Debug)]
pub(super) struct LintFile {
    pub(super) vfs: LintVfs,
    pub(super) inner: Arc<dyn VfsFile>,
    pub(super) path: PathBuf,
    pub(super) file: Arc<Watched>,
}

impl LintFile {
    #[track_caller]
    fn change(&self) {
        let site = Location::caller();
        let mut rules = self.vfs.rules();
        rules.change(&self.path, site);
        rules.usable(&self.file, &self.path, site);
    }
}

impl VfsFile for LintFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.note_read();
        self.inner.read_at(buf, offset)
    }

    fn read_batch(&self, reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        self.file.note_read();
        self.inner.read_batch(reads)
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        self.change();
        let written = self.inner.write_at(bufs, offset)?;
        self.file.note_write();
        Ok(written)
    }

    fn sync(&self, kind: SyncKind) -> io::Result<()> {
        self.vfs.rules().usable(&self.file, &self.path, Location::caller());
        let synced = self.inner.sync(kind);
        self.file.note_sync(synced.is_ok());
        synced
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        self.change();
        self.inner.allocate(offset, bytes)?;
        self.file.note_write();
        Ok(())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.change();
        self.inner.set_len(bytes)?;
        self.file.note_cut();
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}

impl Drop for LintFile {
    fn drop(&mut self) {
        self.vfs.rules().handles -= 1;
    }
}
