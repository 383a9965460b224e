//! The growing end of the log: where the next record goes, and what is not in a segment yet.
//!
//! ```text
//!   segment |=================|                      |
//!   ring     ....=============xxxxxxxxx..............       (a copy of the last bytes)
//!   pending                   xxxxxxxxx                     (the same, to be written)
//!                             ^ drained ^ next
//! ```
//!
//! - **T1** `pending` holds the log's bytes `[drained, next)`, all of them of the current segment.
//! - **T2** Without a ring `pending` is empty between calls.
//! - **T3** It is never larger than half of the ring, so the ring never writes over a byte that is
//!   not in its segment.

use std::{collections::VecDeque, sync::Arc};

use lsmer_core::{ErrorKind, Lsn, Result, SegmentId, SeqNo, VfsFile, mutant, twin};

use crate::{
    append::PENDING_BYTES,
    files::{Files, Spare},
    record::record_seed,
    ring::{RING_BYTES, open_ring},
    segment::{FIRST_RECORD, SegmentHead},
};

/// Spare files are kept only after so many segments were filled: small and idle logs stay small.
const SPARES_AFTER: u64 = 2;
const MAX_SPARES: usize = 2;

/// A segment that is in use.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) id: SegmentId,
    pub(crate) last_seqno: SeqNo,
    pub(crate) file_bytes: u64,
    /// Its file; `None` once it is closed and synced.
    pub(crate) file: Option<Arc<dyn VfsFile>>,
    /// Whether its name and its header survive a power loss.
    pub(crate) settled: bool,
}

/// How segments are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) min_bytes: u64,
    pub(crate) max_bytes: u64,
    pub(crate) epoch: u64,
    pub(crate) fast_ring: bool,
}

/// What a sync has to do.
#[derive(Debug)]
pub(crate) struct SyncWork {
    /// Everything before it is in the files below.
    pub(crate) target: Lsn,
    pub(crate) names: bool,
    /// The unsynced segments, oldest first; the last is the current one.
    pub(crate) closed: Vec<(SegmentId, Arc<dyn VfsFile>)>,
    pub(crate) current: (SegmentId, Arc<dyn VfsFile>),
}

/// The end of the log.
#[derive(Debug)]
pub(crate) struct Tail {
    sizes: Sizes,
    /// Oldest first; the last is written to.
    pub(crate) segments: VecDeque<Held>,
    pub(crate) head: SegmentHead,
    pub(crate) file: Arc<dyn VfsFile>,
    file_bytes: u64,
    pub(crate) seed: u32,
    pub(crate) next: Lsn,
    pub(crate) drained: Lsn,
    pub(crate) pending: Vec<u8>,
    /// Header checksum of the last record.
    pub(crate) chain: u32,
    pub(crate) ring: Option<Arc<dyn VfsFile>>,
    /// Size of the next segment, if no record needs more.
    next_bytes: u64,
    /// How many segments were filled.
    filled: u64,
    spares: Vec<Spare>,
    /// How many spare files there ever were.
    spares_made: u64,
    /// The segment during which a spare was asked for.
    spare_asked: SegmentId,
    /// Whether a name was given since the folder was synced.
    names: bool,
}

impl Tail {
    /// Starts to write into a new, synced segment; `segments` are those before it.
    pub(crate) fn new(
        sizes: Sizes,
        mut segments: VecDeque<Held>,
        head: SegmentHead,
        file: Arc<dyn VfsFile>,
        file_bytes: u64,
    ) -> Self {
        segments.push_back(Held {
            id: head.id,
            last_seqno: SeqNo::ZERO,
            file_bytes,
            file: Some(Arc::clone(&file)),
            settled: true,
        });
        Self {
            sizes,
            segments,
            head,
            file,
            file_bytes,
            seed: record_seed(head.id),
            next: head.start,
            drained: head.start,
            pending: Vec::with_capacity(PENDING_BYTES),
            chain: head.chain,
            ring: None,
            next_bytes: sizes.min_bytes.saturating_mul(2).min(sizes.max_bytes),
            filled: 0,
            spares: Vec::new(),
            spares_made: 0,
            spare_asked: SegmentId(0),
            names: false,
        }
    }

    /// Returns where the next record goes.
    pub(crate) fn next(&self) -> Lsn {
        self.next
    }

    /// Returns the segments in use, oldest first.
    pub(crate) fn segments(&self) -> &VecDeque<Held> {
        &self.segments
    }

    /// Returns the segments in use, to change them.
    pub(crate) fn segments_mut(&mut self) -> &mut VecDeque<Held> {
        &mut self.segments
    }

    /// Returns the bytes on disk of all files.
    pub(crate) fn disk_bytes(&self) -> u64 {
        let ring = self.ring.as_ref().map_or(0, |_| RING_BYTES);
        let segments: u64 = self.segments.iter().map(|held| held.file_bytes).sum();
        let spares: u64 = self.spares.iter().map(|spare| spare.bytes).sum();
        ring + segments + spares
    }

    /// Returns whether the current segment has room for a record of `bytes`.
    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        self.head.offset(self.next).saturating_add(bytes) <= self.file_bytes
    }

    /// Returns up to where records may be appended before anything else is to be done.
    pub(crate) fn easy_until(&self) -> Lsn {
        let half = self.file_bytes / 2;
        let offset = if self.lacks_spare() { half } else { self.file_bytes };
        Lsn(self.head.start.0 + offset.saturating_sub(FIRST_RECORD))
    }

    /// Opens the ring if there is to be one.
    ///
    /// # Errors
    ///
    /// `Full`, `Io`.
    pub(crate) fn open_ring(&mut self, files: &Files) -> Result<()> {
        if self.ring.is_none() && self.sizes.fast_ring {
            self.ring = Some(open_ring(&*files.vfs, &files.dir)?);
        }
        Ok(())
    }

    /// Goes on in a new segment that has room for a record of `bytes`. Nothing may be pending.
    ///
    /// # Errors
    ///
    /// `Full` or `Io`, and nothing changed.
    pub(crate) fn roll(&mut self, files: &Files, bytes: u64, synced: Lsn) -> Result<()> {
        assert!(self.pending.is_empty(), "what is pending belongs to the old segment");
        let least = self.sizes.min_bytes.max(FIRST_RECORD + bytes);
        let bytes = self.next_bytes.max(least);
        let spare = self.spares.iter().position(|spare| {
            spare.bytes >= bytes && spare.bytes <= bytes.max(self.sizes.max_bytes)
        });
        let head = SegmentHead {
            id: SegmentId(self.head.id.0 + 1),
            epoch: self.sizes.epoch,
            start: self.next,
            synced,
            previous: self.head.id,
            chain: self.chain,
            recycled: spare.is_some_and(|spare| self.spares[spare].recycled),
        };
        let (file, file_bytes) = match spare {
            None => match files.create(&head, bytes) {
                Ok(file) => (file, bytes),
                // A disk without room for a large segment may have it for a small one.
                Err(error) if error.kind() == ErrorKind::Full && least < bytes => {
                    (files.create(&head, least)?, least)
                }
                Err(error) => return Err(error),
            },
            Some(index) => {
                // One that cannot be used is forgotten: the next attempt takes another or none.
                let spare = self.spares.remove(index);
                (files.reuse(&spare, &head)?, spare.bytes)
            }
        };
        if mutant!("rolled-segment-not-synced") {
            self.segments.iter_mut().for_each(|held| held.file = None);
        }
        self.names = true;
        self.filled += 1;
        self.next_bytes = self.next_bytes.saturating_mul(2).min(self.sizes.max_bytes);
        self.segments.push_back(Held {
            id: head.id,
            last_seqno: SeqNo::ZERO,
            file_bytes,
            file: Some(Arc::clone(&file)),
            settled: false,
        });
        (self.head, self.file, self.file_bytes) = (head, file, file_bytes);
        self.seed = record_seed(head.id);
        Ok(())
    }

    /// Returns what has to be synced for everything to survive a power loss. Nothing may be
    /// pending.
    pub(crate) fn sync_work(&mut self) -> SyncWork {
        assert!(self.pending.is_empty(), "drained before a sync");
        let closed = self.segments.iter().filter(|held| held.id != self.head.id);
        let closed = closed.filter_map(|held| Some((held.id, Arc::clone(held.file.as_ref()?))));
        SyncWork {
            target: self.next,
            names: std::mem::take(&mut self.names),
            closed: closed.collect(),
            current: (self.head.id, Arc::clone(&self.file)),
        }
    }

    /// Notes that a sync was done.
    pub(crate) fn synced(&mut self, work: &SyncWork) {
        let closed = |id: SegmentId| work.closed.iter().any(|(closed, _)| *closed == id);
        for held in &mut self.segments {
            let before = held.id < self.head.id;
            if closed(held.id) || twin!("log-closed-since-is-synced") && before {
                held.file = None;
            }
            let since = twin!("log-rolled-since-is-settled");
            held.settled |= held.id <= work.current.0 || since;
        }
    }

    /// Returns the oldest segment that may hold an entry at or after `needed`.
    pub(crate) fn oldest(&self, needed: SeqNo) -> &Held {
        let past = mutant!("needed-segment-let-go");
        let needed = if past { needed.plus(1) } else { needed };
        let found = self.segments.iter().find(|held| held.last_seqno >= needed);
        found.unwrap_or_else(|| self.segments.back().expect("there is a current segment"))
    }

    /// Asks for a spare file to be prepared: its number and its size. At most once a segment.
    pub(crate) fn ask_for_spare(&mut self) -> Option<(u64, u64)> {
        let half = self.head.offset(self.next) > self.file_bytes / 2;
        if !half || !self.lacks_spare() {
            return None;
        }
        self.spare_asked = self.head.id;
        Some((self.number_spare(), self.next_bytes))
    }

    /// Cuts the current segment behind its last record, if everything is in it; returns whether it
    /// was. A record that comes all the same goes into a new segment.
    pub(crate) fn trim(&mut self) -> bool {
        let used = self.head.offset(self.next);
        if self.pending.is_empty() && self.file.set_len(used).is_ok() {
            self.file_bytes = used;
            let held = self.segments.back_mut().expect("the current segment is the last");
            held.file_bytes = used;
        }
        self.pending.is_empty()
    }

    /// Gives up the spare files.
    pub(crate) fn take_spares(&mut self) -> Vec<Spare> {
        std::mem::take(&mut self.spares)
    }

    /// Returns a number for a spare file that no other has.
    pub(crate) fn number_spare(&mut self) -> u64 {
        self.spares_made += 1;
        self.spares_made
    }

    /// Returns whether a file of this size is worth keeping.
    pub(crate) fn wants_spare(&self, bytes: u64) -> bool {
        let fits = bytes >= self.next_bytes && bytes <= self.sizes.max_bytes;
        fits && self.under_load() && self.spares.len() < MAX_SPARES
    }

    /// Takes a spare file.
    pub(crate) fn add_spare(&mut self, spare: Spare) {
        self.spares.push(spare);
    }

    /// Returns whether there is no spare file where there should be, and none was asked for.
    fn lacks_spare(&self) -> bool {
        self.under_load() && self.spares.is_empty() && self.spare_asked != self.head.id
    }

    fn under_load(&self) -> bool {
        self.filled >= SPARES_AFTER
    }
}
