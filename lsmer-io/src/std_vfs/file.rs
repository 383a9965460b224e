//! An open file: positional reads and writes.

use std::{
    io::{self, IoSlice, IoSliceMut},
    os::fd::{BorrowedFd, OwnedFd},
};

use lsmer_core::{ReadRequest, SyncKind, VfsFile};
use lsmer_sync::RwLock;
use rustix::{
    fd::AsFd,
    fs,
    io::{Errno, pread, preadv, pwrite, pwritev, retry_on_intr},
};

use super::space;

/// Most slices the kernel takes at once (`IOV_MAX`).
const MAX_SLICES: usize = 1024;

#[derive(Debug)]
pub(super) struct StdFile {
    fd: OwnedFd,
    /// Held for writing while zeros are written over what was not allocated.
    filling: RwLock<()>,
}

impl StdFile {
    pub(super) fn new(fd: OwnedFd) -> Self {
        Self { fd, filling: RwLock::new(()) }
    }

    /// Fills the buffers, which follow each other in the file.
    fn read_run(&self, run: &mut [ReadRequest<'_>]) -> io::Result<()> {
        if let [one] = run {
            return read_exact(self.fd.as_fd(), one.buf, one.offset);
        }
        let Some(mut offset) = run.first().map(|read| read.offset) else { return Ok(()) };
        let mut bufs: Vec<_> = run.iter_mut().map(|read| IoSliceMut::new(read.buf)).collect();
        let mut bufs = &mut bufs[..];
        IoSliceMut::advance_slices(&mut bufs, 0); // skips empty ones
        while !bufs.is_empty() {
            let count = retry_on_intr(|| preadv(&self.fd, bufs, offset))?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            offset += count as u64;
            IoSliceMut::advance_slices(&mut bufs, count);
        }
        Ok(())
    }
}

impl VfsFile for StdFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        Ok(retry_on_intr(|| pread(&self.fd, &mut *buf, offset))?)
    }

    fn read_batch(&self, reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        let mut rest = reads;
        while !rest.is_empty() {
            let (run, after) = rest.split_at_mut(run_len(rest));
            self.read_run(run)?;
            rest = after;
        }
        Ok(())
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let _filling = self.filling.read();
        let count = match bufs {
            [buf] => retry_on_intr(|| pwrite(&self.fd, buf, offset)),
            bufs => {
                let bufs = &bufs[..bufs.len().min(MAX_SLICES)];
                retry_on_intr(|| pwritev(&self.fd, bufs, offset))
            }
        };
        Ok(count?)
    }

    fn sync(&self, kind: SyncKind) -> io::Result<()> {
        sync(self.fd.as_fd(), kind)
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        match space::reserve(self.fd.as_fd(), offset, bytes) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                let _filling = self.filling.write();
                space::fill(self.fd.as_fd(), offset, bytes)
            }
            result => Ok(result?),
        }
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let _filling = self.filling.read();
        Ok(retry_on_intr(|| fs::ftruncate(&self.fd, bytes))?)
    }

    fn len(&self) -> io::Result<u64> {
        len(self.fd.as_fd())
    }
}

/// Returns how many of the first reads follow each other without a gap; at least 1.
fn run_len(reads: &[ReadRequest<'_>]) -> usize {
    let follows = |pair: &&[ReadRequest<'_>]| match pair {
        [one, next] => one.offset.checked_add(one.buf.len() as u64) == Some(next.offset),
        _ => false,
    };
    let run = 1 + reads.windows(2).take_while(follows).count();
    run.min(MAX_SLICES)
}

/// Fills `buf`, or fails with `UnexpectedEof`.
fn read_exact(fd: BorrowedFd<'_>, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buf.is_empty() {
        let count = retry_on_intr(|| pread(fd, &mut *buf, offset))?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buf = &mut buf[count..];
        offset += count as u64;
    }
    Ok(())
}

/// Makes what was written durable.
pub(crate) fn sync(fd: BorrowedFd<'_>, kind: SyncKind) -> io::Result<()> {
    Ok(match kind {
        SyncKind::Data => retry_on_intr(|| fs::fdatasync(fd)),
        SyncKind::All => retry_on_intr(|| fs::fsync(fd)),
    }?)
}

/// Returns the size in bytes.
pub(crate) fn len(fd: BorrowedFd<'_>) -> io::Result<u64> {
    let stat = retry_on_intr(|| fs::fstat(fd))?;
    u64::try_from(stat.st_size).map_err(|_| io::ErrorKind::InvalidData.into())
}
