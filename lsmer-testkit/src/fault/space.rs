//! A disk of a limited size: files take room as they grow, and give it back when the last name
//! and the last handle are gone.

use std::{io, sync::Arc};

use lsmer_sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use super::Errno;

/// How many bytes are free; `None`: there is no limit. A clone is the same disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Space {
    free: Arc<Mutex<Option<u64>>>,
}

/// The room that one file takes.
#[derive(Debug)]
pub(super) struct Room {
    space: Space,
    bytes: AtomicU64,
}

impl Space {
    pub(super) fn limit(&self, free: Option<u64>) {
        *self.free.lock() = free;
    }

    /// Fails if nothing at all is free.
    pub(super) fn check(&self) -> io::Result<()> {
        if *self.free.lock() == Some(0) { Err(Errno::ENOSPC.error()) } else { Ok(()) }
    }

    /// Knows of a file that has so many bytes already.
    pub(super) fn file(&self, bytes: u64) -> Arc<Room> {
        Arc::new(Room { space: self.clone(), bytes: AtomicU64::new(bytes) })
    }

    /// Takes as much as there is of `bytes`.
    fn take(&self, bytes: u64) -> u64 {
        match &mut *self.free.lock() {
            None => bytes,
            Some(free) => {
                let taken = bytes.min(*free);
                *free -= taken;
                taken
            }
        }
    }

    fn give(&self, bytes: u64) {
        if let Some(free) = &mut *self.free.lock() {
            *free += bytes;
        }
    }
}

impl Room {
    /// Makes room for `bytes` at `offset`, or for the first of them; returns for how many.
    pub(super) fn grow(&self, offset: u64, bytes: u64) -> io::Result<u64> {
        let (len, end) = (self.bytes.load(Ordering::Relaxed), offset.saturating_add(bytes));
        let more = end.saturating_sub(len);
        let taken = self.space.take(more);
        self.bytes.fetch_add(taken, Ordering::Relaxed);
        let fits = bytes.saturating_sub(more - taken);
        if fits == 0 && bytes > 0 { Err(Errno::ENOSPC.error()) } else { Ok(fits) }
    }

    /// Makes the file so long, or fails and takes nothing.
    pub(super) fn resize(&self, bytes: u64) -> io::Result<()> {
        let len = self.bytes.load(Ordering::Relaxed);
        if bytes <= len {
            self.space.give(len - bytes);
        } else {
            let taken = self.space.take(bytes - len);
            if taken < bytes - len {
                self.space.give(taken);
                return Err(Errno::ENOSPC.error());
            }
        }
        self.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Makes sure of room up to `end`.
    pub(super) fn reserve(&self, end: u64) -> io::Result<()> {
        self.resize(end.max(self.bytes.load(Ordering::Relaxed)))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.space.give(self.bytes.load(Ordering::Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_while_files_grow_and_comes_back() {
        let space = Space::default();
        space.limit(Some(10));
        let file = space.file(0);
        assert_eq!(file.grow(0, 4).unwrap(), 4);
        assert_eq!(file.grow(0, 4).unwrap(), 4, "writing over it takes none");
        assert_eq!(file.grow(2, 20).unwrap(), 8, "as much as fits");
        assert_eq!(file.grow(10, 1).unwrap_err().raw_os_error(), Some(28));
        space.check().unwrap_err();
        file.resize(9).unwrap();
        file.reserve(11).unwrap_err();
        file.reserve(10).unwrap();
        drop(file);
        space.check().unwrap();
        assert_eq!(space.file(0).grow(0, 99).unwrap(), 10);
    }
}
