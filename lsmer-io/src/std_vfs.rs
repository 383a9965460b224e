//! The file system of the operating system.
//!
//! - Interrupted calls are repeated.
//! - Tables are announced as read at random, so that the kernel does not read ahead.
//! - A crash ring opened for writing is mapped where [`caps`](Vfs::caps) says `fast_ring`; see
//!   `ring.rs`.
//! - Locks are `flock(2)`: they belong to one opening of the file, so that a second one in the same
//!   process fails too, and die with the process. They are let go by name, not by closing the file:
//!   a process that is being forked has a copy of it for a moment.
//! - An empty path is the current folder, as the parent of a relative name is.

mod file;
mod space;

pub(crate) use self::file::{len, sync};
pub(crate) use self::space::allocate;

use std::{io, path::Path, sync::Arc};

use lsmer_core::{Caps, DirEntry, FileClass, LockGuard, LockMode, OpenOptions, Vfs, VfsFile};
use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{self, Advice, AtFlags, Dir, FileType, FlockOperation, FsWord, Mode, OFlags},
    io::{Errno, retry_on_intr},
};

use self::file::StdFile;
use crate::ring::MappedRing;

/// `statfs` types of file systems on which a mapped file takes small writes at memory speed, and
/// keeps them when the process dies: ext2 to ext4, xfs, tmpfs, overlayfs.
const FAST_RING: [FsWord; 4] = [0xEF53, 0x5846_5342, 0x0102_1994, 0x794c_7630];

/// Alignment in bytes that satisfies every device.
const DIRECT_ALIGN: u32 = 4096;

/// The real file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct StdVfs;

/// Holds a lock.
#[derive(Debug)]
struct Guard {
    fd: OwnedFd,
}

impl Vfs for StdVfs {
    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        let fd = open(path, flags(how)?)?;
        if how.class == FileClass::Table {
            // Advice: a file system that does not take it loses speed only.
            fs::fadvise(&fd, 0, None, Advice::Random).ok();
        }
        if how.class == FileClass::Ring && how.write && !how.direct && is_fast_ring(&fd) {
            return Ok(Arc::new(MappedRing::new(fd)?));
        }
        Ok(Arc::new(StdFile::new(fd)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Ok(retry_on_intr(|| fs::rename(from, to))?)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        Ok(retry_on_intr(|| fs::unlink(path))?)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        Ok(retry_on_intr(|| fs::link(from, to))?)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        Ok(retry_on_intr(|| fs::mkdir(path, Mode::from_raw_mode(0o755)))?)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.list(path, &|_| true)
    }

    fn list(&self, path: &Path, wanted: &dyn Fn(&str) -> bool) -> io::Result<Vec<DirEntry>> {
        let fd = open_dir(path)?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&fd)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if matches!(name, "." | "..") || !wanted(name) {
                continue;
            }
            let stat = match retry_on_intr(|| fs::statat(&fd, name, AtFlags::empty())) {
                Err(Errno::NOENT) => continue, // removed meanwhile
                stat => stat?,
            };
            let is_dir = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            let bytes = if is_dir { 0 } else { u64::try_from(stat.st_size).unwrap_or(0) };
            entries.push(DirEntry { name: name.to_owned(), is_dir, bytes });
        }
        entries.sort_unstable();
        Ok(entries)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let fd = open_dir(path)?;
        Ok(retry_on_intr(|| fs::fsync(&fd))?)
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Box<dyn LockGuard>> {
        let (flags, operation) = match mode {
            LockMode::Exclusive => {
                (OFlags::RDWR | OFlags::CREATE, FlockOperation::NonBlockingLockExclusive)
            }
            LockMode::Shared => (OFlags::RDONLY, FlockOperation::NonBlockingLockShared),
        };
        let fd = open(path, flags)?;
        retry_on_intr(|| fs::flock(&fd, operation))?;
        Ok(Box::new(Guard { fd }))
    }

    fn caps(&self, dir: &Path) -> Caps {
        let stat = retry_on_intr(|| fs::statfs(here(dir)));
        let fast_ring = stat.is_ok_and(|stat| FAST_RING.contains(&stat.f_type));
        Caps { fast_ring, direct_align: Some(DIRECT_ALIGN) }
    }
}

impl LockGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        // If it fails, closing the last copy of the file does the same.
        retry_on_intr(|| fs::flock(&self.fd, FlockOperation::NonBlockingUnlock)).ok();
    }
}

fn flags(how: OpenOptions) -> io::Result<OFlags> {
    let mut flags = match (how.read, how.write) {
        (true, true) => OFlags::RDWR,
        (true, false) => OFlags::RDONLY,
        (false, true) => OFlags::WRONLY,
        (false, false) => return Err(io::ErrorKind::InvalidInput.into()),
    };
    if (how.create_new || how.truncate) && !how.write {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    flags.set(OFlags::CREATE | OFlags::EXCL, how.create_new);
    flags.set(OFlags::TRUNC, how.truncate);
    flags.set(OFlags::DIRECT, how.direct);
    Ok(flags)
}

fn open(path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
    let mode = Mode::from_raw_mode(0o644);
    Ok(retry_on_intr(|| fs::open(path, flags | OFlags::CLOEXEC, mode))?)
}

fn open_dir(path: &Path) -> io::Result<OwnedFd> {
    open(here(path), OFlags::RDONLY | OFlags::DIRECTORY)
}

fn here(dir: &Path) -> &Path {
    if dir.as_os_str().is_empty() { Path::new(".") } else { dir }
}

fn is_fast_ring(fd: impl AsFd) -> bool {
    retry_on_intr(|| fs::fstatfs(&fd)).is_ok_and(|stat| FAST_RING.contains(&stat.f_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_was_let_go_is_free_while_a_fork_still_has_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("LOCK");
        let fd = open(&path, OFlags::RDWR | OFlags::CREATE).unwrap();
        let copy = fd.try_clone().unwrap(); // what a fork has until it executes another program
        fs::flock(&fd, FlockOperation::NonBlockingLockExclusive).unwrap();
        let taken = StdVfs.lock(&path, LockMode::Exclusive);
        assert_eq!(taken.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        drop(Guard { fd });
        drop(StdVfs.lock(&path, LockMode::Exclusive).unwrap());
        drop(copy);
    }
}
