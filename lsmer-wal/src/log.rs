//! A log open for writing.
//!
//! Lock order: leadership of a sync, then the tail. The tail is held while bytes are written, and
//! never while they are synced.

use std::{
    fmt,
    io::IoSlice,
    sync::{Arc, Weak},
};

use lsmer_core::{
    Env, Error, Lsn, MAX_BATCH_BYTES, Result, SegmentId, SeqNo, Slot, Wal, WalStats, WorkClass,
    mutant, twin,
};
use lsmer_sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    files::{Files, Spare},
    group::Group,
    record::record_bytes,
    spare::SpareJob,
    tail::Tail,
};

/// The log.
pub(crate) struct Log {
    files: Files,
    env: Env,
    group: Group,
    tail: Mutex<Tail>,
    room: Room,
    opened_at: Lsn,
    /// Itself, for background work that must not keep it alive.
    me: Weak<Self>,
}

/// What `reserve` hands out without a lock. Changed by those who write only, one at a time.
#[derive(Debug)]
struct Room {
    /// Where the next record goes.
    next: AtomicU64,
    /// Up to here there is nothing to do but to write; 0 if that is not known.
    until: AtomicU64,
}

impl Room {
    fn take(&self, bytes: u64) -> Option<Slot> {
        let start = self.next.load(Ordering::Relaxed);
        let end = start + bytes;
        let slot = Slot { start: Lsn(start), end: Lsn(end) };
        (end <= self.until.load(Ordering::Relaxed)).then_some(slot)
    }
}

impl Log {
    /// Puts the parts together. Everything before the tail is synced.
    pub(crate) fn new(files: Files, env: Env, tail: Tail) -> Arc<Self> {
        let opened_at = tail.next();
        let group = Group::new(opened_at);
        let tail = Mutex::new(tail);
        let room = Room { next: AtomicU64::new(opened_at.0), until: AtomicU64::new(0) };
        Arc::new_cyclic(|me| {
            let me = Weak::clone(me);
            Self { files, env, group, tail, room, opened_at, me }
        })
    }

    /// Returns the log's folder.
    pub(crate) fn files(&self) -> &Files {
        &self.files
    }

    /// Returns whether anybody has waited for a sync.
    pub(crate) fn is_synced(&self) -> bool {
        self.group.syncs() > 0
    }

    /// Takes a file that was prepared in the background.
    pub(crate) fn add_spare(&self, spare: Spare) {
        self.tail.lock().add_spare(spare);
    }

    /// Syncs everything that was written, and returns up to where that is. Segments are synced in
    /// order: one that survives a power loss may be trusted to follow whole ones. Requires: the
    /// caller leads.
    fn sync_all(&self) -> Result<Lsn> {
        let work = {
            let mut tail = self.tail.lock();
            tail.drain()?;
            tail.sync_work()
        };
        for (id, file) in &work.closed {
            if !mutant!("closed-segment-not-synced") {
                self.files.sync(*id, &**file)?;
            }
        }
        if work.names && !mutant!("segment-name-not-synced") {
            self.files.sync_names()?;
        }
        let (id, file) = &work.current;
        self.files.sync(*id, &**file)?;
        let mut tail = self.tail.lock();
        tail.synced(&work);
        Ok(if twin!("log-target-read-late") { tail.next() } else { work.target })
    }

    /// Reserves where more is to be done than to write: to go on in a new segment, or to ask for a
    /// spare file.
    #[cold]
    fn make_room(&self, bytes: u64) -> Result<Slot> {
        let mut tail = self.tail.lock();
        if !tail.has_room(bytes) {
            tail.drain().map_err(|error| self.group.fail(error))?;
            tail.roll(&self.files, bytes, self.group.synced())?;
        }
        tail.open_ring(&self.files)?;
        let start = tail.next();
        let spare = tail.ask_for_spare();
        self.room.until.store(tail.easy_until().0, Ordering::Relaxed);
        drop(tail);
        if let Some((number, bytes)) = spare {
            let job = SpareJob::new(Weak::clone(&self.me), self.files.spare(number), bytes);
            self.env.exec.spawn(WorkClass::Log, Box::new(job));
        }
        Ok(Slot { start, end: Lsn(start.0 + bytes) })
    }

    /// Makes the header and the name of a segment survive a power loss.
    fn settle(&self, id: SegmentId) -> Result<()> {
        let settled = || self.held(id).is_none_or(|(_, settled)| settled);
        let Some(leader) = self.group.lead(&*self.env.exec, settled)? else { return Ok(()) };
        if let Some((Some(file), _)) = self.held(id) {
            let synced = self.files.sync(id, &*file).and_then(|()| self.files.sync_names());
            synced.map_err(|error| self.group.fail(error))?;
        }
        if let Some(held) = self.tail.lock().segments_mut().iter_mut().find(|held| held.id == id) {
            held.settled = true;
        }
        drop(leader);
        Ok(())
    }

    fn held(&self, id: SegmentId) -> Option<(Option<Arc<dyn lsmer_core::VfsFile>>, bool)> {
        let tail = self.tail.lock();
        let held = tail.segments().iter().find(|held| held.id == id)?;
        Some((held.file.clone(), held.settled))
    }

    /// Recycles or removes the file of a segment, and forgets it.
    fn retire(&self, id: SegmentId, file_bytes: u64) -> Result<()> {
        let path = self.files.segment(id);
        let spare = {
            let mut tail = self.tail.lock();
            tail.wants_spare(file_bytes).then(|| self.files.spare(tail.number_spare()))
        };
        let spare = match spare {
            None => {
                self.files.remove(&path)?;
                None
            }
            Some(spare) => self.files.rename(&path, &spare)?.then_some(spare),
        };
        let mut tail = self.tail.lock();
        tail.segments_mut().retain(|held| held.id != id);
        if let Some(path) = spare {
            tail.add_spare(Spare { path, bytes: file_bytes, recycled: true });
        }
        Ok(())
    }
}

impl Wal for Log {
    fn reserve(&self, bytes: usize) -> Result<Slot> {
        self.group.check()?;
        if bytes > MAX_BATCH_BYTES {
            return Err(Error::invalid("a log record is over its limit"));
        }
        let bytes = record_bytes(bytes);
        match self.room.take(bytes) {
            Some(slot) => Ok(slot),
            None => self.make_room(bytes),
        }
    }

    fn write(&self, slot: Slot, seqno: SeqNo, count: u32, payload: &[IoSlice<'_>]) -> Result<()> {
        self.group.check()?;
        let synced = self.group.synced();
        let written = self.tail.lock().append(slot, (seqno, count), payload, synced);
        written.map_err(|error| match error.kind() {
            lsmer_core::ErrorKind::InvalidArgument => error,
            _ => self.group.fail(error),
        })?;
        self.room.next.store(slot.end.0, Ordering::Relaxed);
        Ok(())
    }

    fn sync_to(&self, lsn: Lsn) -> Result<()> {
        self.group.sync_to(&*self.env.exec, lsn, || self.sync_all())
    }

    fn oldest(&self, needed: SeqNo) -> SegmentId {
        let (id, settled) = {
            let tail = self.tail.lock();
            let held = tail.oldest(needed);
            (held.id, held.settled)
        };
        // The manifest will name it: referent before reference.
        if settled || mutant!("manifest-names-an-unsynced-segment") || self.settle(id).is_ok() {
            return id;
        }
        // The failure is kept, and every write and sync will tell. An older one will do.
        let tail = self.tail.lock();
        let known = tail.segments().iter().rev().find(|held| held.id < id && held.settled);
        known.or(tail.segments().front()).map_or(id, |held| held.id)
    }

    fn release(&self, first: SegmentId) -> Result<()> {
        loop {
            let tail = self.tail.lock();
            let front = tail.segments().front().filter(|held| held.id < first);
            let Some((id, file_bytes)) = front.map(|held| (held.id, held.file_bytes)) else {
                return Ok(());
            };
            if tail.segments().len() == 1 {
                return Ok(());
            }
            drop(tail);
            self.retire(id, file_bytes)?;
        }
    }

    fn close(&self) {
        let mut tail = self.tail.lock();
        if tail.trim() {
            for spare in tail.take_spares() {
                drop(self.files.remove(&spare.path)); // as a leftover, the next opening removes it
            }
        }
        self.room.until.store(0, Ordering::Relaxed);
    }

    fn stats(&self) -> WalStats {
        let tail = self.tail.lock();
        WalStats {
            tail: tail.next(),
            synced: self.group.synced(),
            segments: tail.segments().len() as u64,
            disk_bytes: tail.disk_bytes(),
            written_bytes: tail.next().0 - self.opened_at.0,
            syncs: self.group.syncs(),
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("dir", &self.files.dir).finish_non_exhaustive()
    }
}

#[cfg(all(test, lsmer_loom))]
mod loom_tests;
