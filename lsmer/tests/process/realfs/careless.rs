//! A file system that does not do what it says: that the tests notice it shows that they look.

use std::{
    io::{self, IoSlice},
    path::Path,
    sync::Arc,
};

use lsmer::parts::{
    core::{OpenOptions, ReadRequest, SyncKind, Vfs, VfsFile},
    io::StdVfs,
};

use crate::over::Differs;

/// Writes that fail are told to have succeeded, and no file is ever synced.
#[derive(Debug)]
pub(super) struct Careless;

#[derive(Debug)]
struct CarelessFile(Arc<dyn VfsFile>);

impl Differs for Careless {
    fn below(&self) -> &dyn Vfs {
        &StdVfs
    }

    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        Ok(Arc::new(CarelessFile(StdVfs.open(path, how)?)))
    }
}

impl VfsFile for CarelessFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }

    fn read_batch(&self, reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        self.0.read_batch(reads)
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let all = bufs.iter().map(|buf| buf.len()).sum();
        Ok(self.0.write_at(bufs, offset).unwrap_or(all))
    }

    fn sync(&self, _kind: SyncKind) -> io::Result<()> {
        Ok(())
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        self.0.allocate(offset, bytes)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
}
