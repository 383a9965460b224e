//! The simplest log there is, with flaws: a segment is synced before the next one is made.

use std::{
    io::{self, IoSlice},
    path::PathBuf,
    sync::Arc,
};

use lsmer_core::{
    Error, ErrorKind, FileClass, LogEnd, LogSource, LogSpec, Lsn, MAX_BATCH_BYTES, OpenOptions,
    Record, Result, ScannedSegment, SegmentId, SeqNo, Slot, SyncKind, Vfs, VfsFile, Wal, WalFormat,
    WalStats,
};
use lsmer_sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
    thread,
};

use super::{
    Flaw,
    record::{HEAD_BYTES, Head, RECORD_BYTES, encode},
    scan::{path, scan, segments},
};

/// The format.
#[derive(Debug)]
pub(super) struct Toy(pub(super) Flaw, pub(super) AtomicU64);

impl WalFormat for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn scan(
        &self,
        source: &LogSource,
        each: &mut dyn FnMut(Record<'_>) -> Result<()>,
    ) -> Result<LogEnd> {
        scan(self.0, source, each)
    }

    fn sync_scanned(&self, source: &LogSource, end: &LogEnd) -> Result<()> {
        if self.0 == Flaw::SyncsNothingItScanned {
            return Ok(());
        }
        let sync = || {
            for segment in &end.segments {
                let path = path(&source.dir, segment.id);
                source.vfs.open(&path, OpenOptions::write(FileClass::Wal))?.sync(SyncKind::All)?;
            }
            if end.segments.is_empty() { Ok(()) } else { source.vfs.sync_dir(&source.dir) }
        };
        sync().map_err(|error| Error::io("sync", error))
    }

    fn open(&self, spec: LogSpec, end: &LogEnd) -> Result<Arc<dyn Wal>> {
        let made = match spec.env.vfs.create_dir(&spec.dir) {
            Ok(()) => spec.env.vfs.sync_dir(std::path::Path::new("/")),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            failed => failed,
        };
        made.map_err(|error| Error::io("create_dir", error))?;
        let present = segments(&*spec.env.vfs, &spec.dir)?;
        let last = end.segments.last().map_or(0, |last| last.id.0);
        let id = present.last().map_or(last, |id| last.max(id.0)) + 1;
        let epoch = spec.epoch
            + self.1.fetch_add(u64::from(self.0 == Flaw::BytesDiffer), Ordering::Relaxed);
        let head = Head { id, epoch, start: end.next.0, previous: last };
        let mut files = Files { flaw: self.0, vfs: spec.env.vfs, dir: spec.dir, spare: None };
        if self.0 == Flaw::WritesOldSegmentsAnew {
            files.write_anew(&end.segments).map_err(|error| Error::io("write anew", error))?;
        }
        let bytes = spec.min_segment_bytes;
        let file = files.make(&head, bytes).map_err(|error| Error::io("make", error))?;
        let scanned = |id: &SegmentId| end.segments.iter().any(|segment| segment.id == *id);
        for stale in present.iter().filter(|id| !scanned(id)) {
            files.remove(*stale)?;
        }
        let segments = end.segments.iter().map(|of| (of.id, of.last_seqno));
        let segments = segments.chain([(SegmentId(id), SeqNo::ZERO)]).collect();
        let (tail, synced) = (end.next.0, end.next.0);
        let (held, failed) = (Vec::new(), false);
        let state = State { files, head, file, bytes, segments, tail, synced, held, failed };
        let opener = thread::index();
        Ok(Arc::new(Log { flaw: self.0, opener, state: Mutex::new(state) }))
    }
}

/// The folder.
#[derive(Debug)]
struct Files {
    flaw: Flaw,
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    spare: Option<PathBuf>,
}

impl Files {
    /// Makes a segment and its name durable. On an error nothing is left of it.
    fn make(&mut self, head: &Head, bytes: u64) -> io::Result<Arc<dyn VfsFile>> {
        let path = path(&self.dir, SegmentId(head.id));
        let how = match self.spare.take() {
            Some(spare) => {
                self.vfs.rename(&spare, &path)?;
                OpenOptions::write(FileClass::Wal)
            }
            None => OpenOptions::create(FileClass::Wal),
        };
        let file = self.vfs.open(&path, how)?;
        let fill = || {
            if self.flaw != Flaw::FindsRoomTooLate {
                file.allocate(0, bytes)?;
            }
            file.write_all_at(&head.encode(), 0)?;
            file.sync(SyncKind::All)?;
            if self.flaw == Flaw::ForgetsTheFolder { Ok(()) } else { self.vfs.sync_dir(&self.dir) }
        };
        if let Err(error) = fill() {
            drop(self.vfs.remove_file(&path));
            return Err(error);
        }
        Ok(file)
    }

    fn remove(&self, id: SegmentId) -> Result<()> {
        match self.vfs.remove_file(&path(&self.dir, id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::io("remove", error))
            }
            _ => Ok(()),
        }
    }

    /// Gives a segment up, for the next one to be made of.
    fn recycle(&mut self, id: SegmentId) -> Result<()> {
        let spare = self.dir.join("spare");
        let renamed = self.vfs.rename(&path(&self.dir, id), &spare);
        renamed.map_err(|error| Error::io("rename", error))?;
        self.spare = Some(spare);
        Ok(())
    }

    fn write_anew(&self, segments: &[ScannedSegment]) -> io::Result<()> {
        for segment in segments {
            let path = path(&self.dir, segment.id);
            let bytes = self.vfs.read_file(&path, FileClass::Wal, 1 << 20)?;
            self.vfs.remove_file(&path)?;
            let file = self.vfs.open(&path, OpenOptions::create(FileClass::Wal))?;
            file.write_all_at(&bytes, 0)?;
            file.sync(SyncKind::All)?;
        }
        self.vfs.sync_dir(&self.dir)
    }
}

#[derive(Debug)]
struct Log {
    flaw: Flaw,
    opener: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    files: Files,
    head: Head,
    file: Arc<dyn VfsFile>,
    /// Size of the current segment.
    bytes: u64,
    segments: Vec<(SegmentId, SeqNo)>,
    tail: u64,
    synced: u64,
    /// What a flaw keeps back.
    held: Vec<(Vec<u8>, u64)>,
    failed: bool,
}

impl State {
    fn check(&self) -> Result<()> {
        let refused = Error::new(ErrorKind::ReadOnly, "failed");
        if self.failed { Err(refused) } else { Ok(()) }
    }

    fn sync(&mut self, flaw: Flaw) -> Result<()> {
        let synced = self.file.sync(SyncKind::Data);
        self.failed |= synced.is_err() && flaw != Flaw::TriesAgain;
        synced.map_err(|error| Error::io("sync", error))?;
        self.synced = self.tail;
        Ok(())
    }

    /// Goes on in a segment with room for `bytes`.
    fn roll(&mut self, flaw: Flaw, least: u64, bytes: u64) -> Result<()> {
        if flaw != Flaw::LeavesTheClosedSegment {
            self.sync(flaw)?;
        }
        let previous = self.head.id;
        let head = Head { id: previous + 1, previous, start: self.tail, ..self.head };
        let bytes = least.max(HEAD_BYTES + bytes);
        match self.files.make(&head, bytes) {
            Ok(file) => {
                self.segments.push((SegmentId(head.id), SeqNo::ZERO));
                (self.head, self.file, self.bytes) = (head, file, bytes);
                Ok(())
            }
            Err(error) => {
                let error = Error::io("make", error);
                // A sync may have failed, and then nobody knows what is there.
                self.failed |= error.kind() != ErrorKind::Full && flaw != Flaw::TriesAgain;
                Err(error)
            }
        }
    }
}

impl Wal for Log {
    fn reserve(&self, bytes: usize) -> Result<Slot> {
        let mut state = self.state.lock();
        state.check()?;
        if bytes > MAX_BATCH_BYTES {
            return Err(Error::invalid("too large"));
        }
        let bytes = RECORD_BYTES + bytes as u64;
        if HEAD_BYTES + state.tail - state.head.start + bytes > state.bytes {
            let rolled = state.roll(self.flaw, 1 << 10, bytes);
            if rolled.is_err() && self.flaw == Flaw::MovesWhenRefused {
                state.tail += 1;
            }
            rolled?;
        }
        Ok(Slot { start: Lsn(state.tail), end: Lsn(state.tail + bytes) })
    }

    fn write(&self, slot: Slot, seqno: SeqNo, count: u32, payload: &[IoSlice<'_>]) -> Result<()> {
        let mut state = self.state.lock();
        state.check()?;
        let payload: Vec<u8> = payload.iter().flat_map(|slice| slice.iter().copied()).collect();
        let bytes = encode(self.flaw, &state.head, (slot.start.0, seqno.0, count), &payload);
        let offset = HEAD_BYTES + slot.start.0 - state.head.start;
        state.held.push((bytes, offset));
        while state.held.len() > usize::from(self.flaw == Flaw::HoldsBack) {
            let (bytes, offset) = state.held.remove(0);
            if let Err(error) = state.file.write_all_at(&bytes, offset) {
                state.failed = true;
                return Err(Error::io("write", error));
            }
        }
        state.tail = slot.end.0;
        let last = SeqNo(seqno.0 + u64::from(count) - 1);
        if let Some((_, newest)) = state.segments.last_mut() {
            *newest = last;
        }
        Ok(())
    }

    fn sync_to(&self, lsn: Lsn) -> Result<()> {
        let mut state = self.state.lock();
        if self.flaw == Flaw::CountsBeforeItSyncs && state.synced >= lsn.0 {
            return Ok(());
        }
        state.check()?;
        let foreign = thread::index() != self.opener;
        if self.flaw == Flaw::SyncsNothing || self.flaw == Flaw::SyncsForItsOpener && foreign {
            state.synced = state.tail;
        }
        if state.synced >= lsn.0 {
            return Ok(());
        }
        if self.flaw == Flaw::CountsBeforeItSyncs {
            state.synced = state.tail;
        }
        state.sync(self.flaw)
    }

    fn oldest(&self, needed: SeqNo) -> SegmentId {
        let state = self.state.lock();
        let found = state.segments.iter().find(|(_, last)| *last >= needed);
        found.map_or(SegmentId(state.head.id), |(id, _)| *id)
    }

    fn release(&self, first: SegmentId) -> Result<()> {
        let mut state = self.state.lock();
        let gone: Vec<_> = state.segments.iter().map(|(id, _)| *id).collect();
        for id in gone.into_iter().filter(|id| *id < first) {
            state.segments.retain(|(kept, _)| *kept != id);
            if state.files.spare.is_none() {
                state.files.recycle(id)?;
            } else {
                state.files.remove(id)?;
            }
        }
        Ok(())
    }

    fn stats(&self) -> WalStats {
        let state = self.state.lock();
        WalStats { tail: Lsn(state.tail), synced: Lsn(state.synced), ..WalStats::default() }
    }
}
