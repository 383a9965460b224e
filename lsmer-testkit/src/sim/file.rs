//! An open file.

use std::{
    io::{self, IoSlice},
    panic::Location,
};

use lsmer_core::{OpenOptions, ReadRequest, SyncKind, VfsFile};

use super::{
    SimVfs,
    content::{self, Content},
    disk::Ino,
    log::Change,
};

/// A handle. It keeps the file, but not a name of it.
#[derive(Debug)]
pub(super) struct SimFile {
    pub(super) vfs: SimVfs,
    pub(super) file: Ino,
    pub(super) how: OpenOptions,
}

impl SimFile {
    fn content(&self) -> io::Result<Content> {
        if !self.how.read {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.vfs.state().now.file(self.file).cloned()
    }

    #[track_caller]
    fn change(&self, change: Change) -> io::Result<()> {
        if !self.how.write {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.vfs.state().change(change, Some(self.how.class), Location::caller());
        Ok(())
    }
}

impl VfsFile for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        Ok(self.content()?.read(buf, offset))
    }

    fn read_batch(&self, reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        let content = self.content()?;
        for read in reads {
            if content.read(read.buf, read.offset) < read.buf.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let mut bytes = Vec::new();
        for buf in bufs {
            bytes.extend_from_slice(buf);
        }
        content::check(offset, bytes.len() as u64)?;
        let count = bytes.len();
        if count > 0 {
            self.change(Change::Write { file: self.file, offset, bytes: bytes.into() })?;
        }
        Ok(count)
    }

    fn sync(&self, _kind: SyncKind) -> io::Result<()> {
        let change = Change::Sync { file: self.file };
        self.vfs.state().sync(change, Some(self.how.class), Location::caller())
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        let end = content::check(offset, bytes)?;
        if end > self.len()? {
            self.change(Change::SetLen { file: self.file, len: end })?;
        }
        Ok(())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        content::check(bytes, 0)?;
        if bytes != self.len()? {
            self.change(Change::SetLen { file: self.file, len: bytes })?;
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.vfs.state().now.file(self.file)?.len())
    }
}
