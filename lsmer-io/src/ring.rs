//! A mapped file: the crash ring of the log, which takes small writes at memory speed.
//!
//! What is copied into the map is in the page cache, and stays there when the process dies; it
//! costs no system call. The file is mapped once, when its length is first known, with all its
//! pages present and, if the system lets us, locked.
//!
//! The copies rest on these invariants:
//!
//! - **R1** There is at most one map, it lives until the file is dropped, and it never moves.
//! - **R2** Every copy is checked to lie in `[0, length of the map)`.
//! - **R3** Every block of the mapped range was allocated before it was mapped, and the file is
//!   never cut afterwards: neither a full disk nor a lost page raises `SIGBUS`. (Others who cut the
//!   file break this, as they break everything else: the database's lock keeps them out.)
//! - **R4** No Rust reference to the mapped bytes exists, so that they may change at any time. Who
//!   copies to or from a range at the same time as somebody else writes to it may see both mixed,
//!   as with `pwrite`; the log gives each record a range of its own, and proves what it reads by
//!   checksums.

#![expect(unsafe_code, reason = "copies to and from a shared map")]

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, OwnedFd},
    ptr,
    sync::OnceLock,
};

use lsmer_core::{ReadRequest, SyncKind, VfsFile};
use lsmer_sync::Mutex;
use memmap2::{MmapOptions, MmapRaw};

use crate::std_vfs;

/// A file that is written through memory. Its length is set once.
#[derive(Debug)]
pub(crate) struct MappedRing {
    fd: OwnedFd,
    /// R1: set once, under `mapping`.
    map: OnceLock<MmapRaw>,
    mapping: Mutex<()>,
}

impl MappedRing {
    /// Maps a file, or waits with that until it has a length.
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        let len = std_vfs::len(fd.as_fd())?;
        let ring = Self { fd, map: OnceLock::new(), mapping: Mutex::new(()) };
        if len > 0 {
            ring.map_to(len)?;
        }
        Ok(ring)
    }

    /// Maps the first `len` bytes, if nothing is mapped yet; `len` is not 0.
    fn map_to(&self, len: u64) -> io::Result<()> {
        let _mapping = self.mapping.lock();
        if self.map.get().is_some() {
            return Ok(());
        }
        let bytes = usize::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
        std_vfs::allocate(self.fd.as_fd(), 0, len)?; // R3
        let map = MmapOptions::new().len(bytes).populate().map_raw(&self.fd)?;
        // Not allowed to everybody, and not needed: a page may then have to be read again.
        map.lock().ok();
        self.map.set(map).expect("only set here, under the lock");
        Ok(())
    }

    /// Returns the map if `[offset, offset + bytes)` lies in it, and the start in it.
    fn range(&self, offset: u64, bytes: usize) -> Option<(&MmapRaw, usize)> {
        let map = self.map.get()?;
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(bytes)?;
        (end <= map.len()).then_some((map, start))
    }
}

impl VfsFile for MappedRing {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = self.len()?.saturating_sub(offset);
        let count = usize::try_from(rest).map_or(buf.len(), |rest| rest.min(buf.len()));
        let Some((map, start)) = self.range(offset, count) else { return Ok(0) };
        let source = map.as_ptr().wrapping_add(start);
        // SAFETY: `source` is mapped for `count` bytes (R1, R2) that are backed by blocks (R3);
        // `buf` has room for them and, being a reference, is no part of the map (R4).
        unsafe { ptr::copy_nonoverlapping(source, buf.as_mut_ptr(), count) };
        Ok(count)
    }

    fn read_batch(&self, reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        for read in reads {
            if self.read_at(read.buf, read.offset)? < read.buf.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let count = bufs.iter().try_fold(0_usize, |sum, buf| sum.checked_add(buf.len()));
        let range = count.and_then(|count| self.range(offset, count));
        let (map, mut start) = range.ok_or(io::ErrorKind::InvalidInput)?;
        for buf in bufs {
            let target = map.as_mut_ptr().wrapping_add(start);
            // SAFETY: `target` is mapped, writable, for `buf.len()` bytes (R1, R2) that are backed
            // by blocks (R3); `buf`, being a reference, is no part of the map (R4).
            unsafe { ptr::copy_nonoverlapping(buf.as_ptr(), target, buf.len()) };
            start += buf.len();
        }
        Ok(count.unwrap_or(0))
    }

    fn sync(&self, kind: SyncKind) -> io::Result<()> {
        if let Some(map) = self.map.get() {
            map.flush()?;
        }
        std_vfs::sync(self.fd.as_fd(), kind)
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        let end = offset.checked_add(bytes).ok_or(io::ErrorKind::FileTooLarge)?;
        if end > 0 && self.map.get().is_none() {
            self.map_to(end)?;
        }
        if end > self.len()? { Err(io::ErrorKind::InvalidInput.into()) } else { Ok(()) }
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        if bytes > 0 && self.map.get().is_none() {
            self.map_to(bytes)?;
        }
        if bytes == self.len()? { Ok(()) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.map.get().map_or(0, |map| map.len() as u64))
    }
}
