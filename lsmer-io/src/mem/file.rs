//! An open file in memory.

use std::{
    io::{self, IoSlice},
    sync::Arc,
};

use lsmer_core::{FileClass, OpenOptions, ReadRequest, SyncKind, VfsFile};
use rustix::io::Errno;

use super::{
    MemVfs,
    content::{self, Content},
    fault::Op,
    node::{File, FileOp},
};

/// A handle. It keeps the file, but not a name of it.
#[derive(Debug)]
pub(super) struct MemFile {
    vfs: MemVfs,
    file: Arc<File>,
    how: OpenOptions,
    /// Like a mapped file: its length is set once, and writes stay inside.
    ring: bool,
}

impl MemFile {
    pub(super) fn new(vfs: MemVfs, file: Arc<File>, how: OpenOptions, fast_ring: bool) -> Self {
        let ring = fast_ring && how.class == FileClass::Ring && how.write;
        Self { vfs, file, how, ring }
    }

    /// Starts a read: returns what the file contains.
    fn content(&self) -> io::Result<Content> {
        if !self.how.read {
            return Err(Errno::BADF.into());
        }
        let mut state = self.vfs.state();
        state.begin(Op::Read, Some(self.how.class))?;
        let content = self.file.state.lock().now.clone();
        Ok(content)
    }

    /// Changes the file. `fit` is given the length and decides up to where the change reaches.
    fn change(
        &self,
        op: Op,
        fit: impl FnOnce(u64) -> io::Result<Option<(u64, FileOp)>>,
    ) -> io::Result<()> {
        if !self.how.write {
            return Err(Errno::BADF.into());
        }
        let mut state = self.vfs.state();
        state.begin(op, Some(self.how.class))?;
        let len = self.file.state.lock().now.len();
        match fit(len)? {
            Some((end, change)) => state.change(&self.file, change, end),
            None => Ok(()),
        }
    }
}

impl VfsFile for MemFile {
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
        let bytes: Arc<[u8]> = match bufs {
            [buf] => Arc::from(&**buf),
            bufs => bufs.iter().map(|buf| &**buf).collect::<Vec<_>>().concat().into(),
        };
        let count = bytes.len();
        self.change(Op::Write, |len| {
            let end = content::check(offset, count as u64)?;
            if self.ring && end > len {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            Ok((count > 0).then_some((end.max(len), FileOp::Write { offset, bytes })))
        })?;
        Ok(count)
    }

    fn sync(&self, _kind: SyncKind) -> io::Result<()> {
        self.vfs.sync_point(|state| {
            state.begin(Op::Sync, Some(self.how.class))?;
            self.file.sync();
            Ok(())
        })
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        self.change(Op::Allocate, |len| {
            let end = content::check(offset, bytes)?;
            if self.ring && len > 0 && end > len {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            Ok((bytes > 0 && end > len).then_some((end, FileOp::SetLen(end))))
        })
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.change(Op::Allocate, |len| {
            if self.ring && len > 0 && bytes != len {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            Ok((bytes != len).then_some((bytes, FileOp::SetLen(bytes))))
        })
    }

    fn len(&self) -> io::Result<u64> {
        let _vfs = self.vfs.state();
        Ok(self.file.state.lock().now.len())
    }
}
