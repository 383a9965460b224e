//! Finds the end of the log, and hands out the records before it.
//!
//! The walk goes from segment to segment as long as each is chained to the end of the one before,
//! and from record to record as long as they are whole; at the first that is not, it looks into
//! the ring. Where nothing continues is the *end*. Then everything behind it is searched: if any
//! of it says that the log was synced beyond the end, or the manifest does, the end is damage.
//!
//! ```text
//!   7 |ok ok ok ok|   8 |ok ok ok bad ?? ?? |   9 |synced: 40|..
//!                                 ^ end at 56: `?? ??` and 9 claim no more than that, so the
//!                                   bad record is a torn tail, and 9 is discarded
//! ```

use std::sync::Arc;

use lsmer_core::{
    Error, FileClass, LogCut, LogEnd, LogSource, Lsn, Record, Result, ScannedSegment, SegmentId,
    SeqNo, Slot, mutant,
};

use crate::{
    evidence::search,
    files::{Files, SegmentFile},
    pieces::Pieces,
    reader::SegmentReader,
    ring::RingImage,
    segment::{FIRST_RECORD, segment_name},
};

/// Walks the log; see [`WalFormat::scan`](lsmer_core::WalFormat::scan).
pub(crate) fn scan(
    source: &LogSource,
    each: &mut dyn FnMut(Record<'_>) -> Result<()>,
) -> Result<LogEnd> {
    let files = Files { vfs: Arc::clone(&source.vfs), dir: source.dir.clone() };
    // Numbers begin at 1; 0 stands for no segment.
    let first = source.first.max(SegmentId(1));
    let mut walk = Walk {
        source,
        first,
        cut: source.end.unwrap_or(LogCut { segment: SegmentId(0), end: Lsn(0) }),
        files: files.segments(first)?,
        ring: None,
        end: LogEnd::default(),
        from_ring: None,
        claimed: Lsn(0),
    };
    let mut next = walk.first()?;
    let mut last = None;
    while let Some(index) = next {
        walk.segment(index, each)?;
        last = Some(index);
        next = walk.successor(index);
    }
    walk.look_behind(last)?;
    walk.judge(last)?;
    walk.stand_in();
    walk.end.synced = walk.claimed.max(source.synced).min(walk.end.next);
    Ok(walk.end)
}

struct Walk<'a> {
    source: &'a LogSource,
    /// The oldest needed segment.
    first: SegmentId,
    /// An earlier recovery's decision; without one, that of an empty log.
    cut: LogCut,
    files: Vec<SegmentFile>,
    /// Read when it is first needed.
    ring: Option<RingImage>,
    end: LogEnd,
    /// The first record that was not in its segment.
    from_ring: Option<Lsn>,
    /// The furthest that anything on disk says the log was synced.
    claimed: Lsn,
}

impl Walk<'_> {
    /// Finds the first needed segment and sets the position to its start.
    fn first(&mut self) -> Result<Option<usize>> {
        let index = self.files.iter().position(|file| self.may_be_first(file));
        if let Some(head) = index.and_then(|index| self.files[index].head) {
            self.end.next = head.start;
            return Ok(index);
        }
        // Nothing is left but, at most, the end of an earlier recovery: there may be no segment
        // behind it yet.
        if self.first.0 == self.cut.segment.0 + 1
            || (self.source.end.is_some() && self.cut.segment.0 == 0)
        {
            self.end.next = self.cut.end;
            return Ok(None);
        }
        let path = self.source.dir.join(segment_name(self.first));
        let damaged = self.files.iter().any(|file| file.id == self.first);
        let what = if damaged {
            "the header of the log's first segment is damaged"
        } else {
            "a segment of the log is missing"
        };
        Err(Error::corruption(what).at(path, 0))
    }

    /// Whether the segment can follow what is not needed any more.
    fn may_be_first(&self, file: &SegmentFile) -> bool {
        let Some(head) = &file.head else { return false };
        let follows_cut = head.previous <= self.cut.segment && file.id > self.cut.segment;
        head.previous < self.first
            && (!follows_cut || head.start == self.cut.end || self.source.end.is_none())
    }

    /// Hands out the records of a segment.
    fn segment(
        &mut self,
        index: usize,
        each: &mut dyn FnMut(Record<'_>) -> Result<()>,
    ) -> Result<()> {
        let file = &self.files[index];
        let (id, path, file_bytes) = (file.id, file.path.clone(), file.bytes);
        let head = file.head.expect("only segments with a header are walked");
        let mut reader = SegmentReader::open(&*self.source.vfs, &path, head)?;
        let limit = if id <= self.cut.segment { self.cut.end } else { Lsn(u64::MAX) };
        let mut last_seqno = SeqNo::ZERO;
        if mutant!("hole-between-segments") {
            self.end.next = head.start;
        }
        self.end.chain = head.chain;
        while self.end.next < limit {
            let start = self.end.next;
            let in_file = reader.in_file(start, limit).map_err(|e| e.in_file(&path))?;
            let record = match in_file {
                Some(record) => record,
                // An earlier recovery ended the segment here, and what it discarded may stand in
                // the ring again.
                None if self.successor(index).is_some() => break,
                None => match reader.in_ring(self.ring()?, start, limit)? {
                    Some(record) => {
                        self.from_ring.get_or_insert(start);
                        record
                    }
                    None => break,
                },
            };
            let slot = Slot { start, end: record.end() };
            let (seqno, count, payload) = (record.seqno, record.count, reader.payload());
            each(Record { slot, seqno, count, payload })?;
            self.end.next = slot.end;
            self.end.chain = record.crc;
            self.claimed = self.claimed.max(record.claim());
            last_seqno = record.last_seqno().unwrap_or(last_seqno).max(last_seqno);
        }
        let (start, end) = (head.start, self.end.next);
        self.end.segments.push(ScannedSegment { id, start, end, last_seqno, file_bytes });
        self.end.last_seqno = self.end.last_seqno.max(last_seqno);
        self.end.in_ring = self.from_ring.map_or(0, |from| end.0 - from.0);
        Ok(())
    }

    /// Finds the segment that is chained to the end of this one. If there are several, all but
    /// the newest were discarded by the recovery that made the newest: what it moved out of the
    /// ring chained them to the end again.
    fn successor(&self, index: usize) -> Option<usize> {
        let (end, id) = (&self.end, self.files[index].id);
        if end.in_ring > 0 {
            // A segment is complete before the next one is made: the next one was torn apart
            // from it, or this one is damaged. The search will tell.
            return None;
        }
        // Behind the cut only what was made later counts: the owner of this segment may have made
        // one that is chained to its end, and that the recovery discarded.
        let epoch = self.files[index].head.filter(|_| id == self.cut.segment).map(|of| of.epoch);
        let (earlier, later) = self.files.split_at(index + 1);
        let chained = |file: &SegmentFile| {
            file.head.is_some_and(|head| {
                head.continues(id, end.next, end.chain) && epoch.is_none_or(|of| head.epoch > of)
            })
        };
        later.iter().rposition(chained).map(|position| earlier.len() + position)
    }

    /// Searches what is behind the end.
    fn look_behind(&mut self, last: Option<usize>) -> Result<()> {
        let next = self.end.next;
        let settled = |id: SegmentId| id <= self.cut.segment && next == self.cut.end;
        for (index, file) in self.files.iter().enumerate().skip(last.unwrap_or(0)) {
            if settled(file.id) {
                continue;
            }
            let head = file.head.as_ref();
            // What is in the ring may be in the file too, damaged.
            let (mut from, mut torn_from) = (FIRST_RECORD, FIRST_RECORD);
            if let Some(head) = head.filter(|_| last == Some(index)) {
                torn_from = head.offset(next);
                from = torn_from - self.end.in_ring;
            }
            let mut pieces = Pieces::open(&*self.source.vfs, &file.path, FileClass::Wal)?;
            let found = search(&mut pieces, file.id, head, from);
            let found = found.map_err(|e| e.in_file(&file.path))?;
            let claimed = head.map_or(Lsn(0), |head| head.synced).max(found.claimed);
            self.claimed = self.claimed.max(claimed);
            self.end.torn_bytes += found.end.saturating_sub(torn_from);
        }
        Ok(())
    }

    /// Tells damage from the end. What stands only in the ring was never synced.
    fn judge(&self, last: Option<usize>) -> Result<()> {
        let next = self.end.next;
        let floor = Lsn(next.0 - self.end.in_ring);
        let whole = self.claimed <= floor && self.source.synced <= next;
        if whole || mutant!("damage-is-the-end-of-the-log") {
            return Ok(());
        }
        let claimed = self.claimed.max(self.source.synced);
        let error = Error::corruption("the log is damaged before the position it was synced to")
            .detail(format_args!("whole up to {}, synced up to {}", floor.0, claimed.0));
        Err(match last.map(|index| &self.files[index]) {
            Some(file) => error.at(&file.path, file.head.map_or(0, |head| head.offset(floor))),
            None => error.in_file(&self.source.dir),
        })
    }

    /// If no segment is left, puts one that is gone in their place: its number must not be given
    /// out again, nor a lower one.
    fn stand_in(&mut self) {
        let id = SegmentId(self.first.0 - 1).max(self.cut.segment);
        if self.end.segments.is_empty() && id.0 > 0 {
            let (start, end) = (self.end.next, self.end.next);
            let gone = ScannedSegment { id, start, end, last_seqno: SeqNo::ZERO, file_bytes: 0 };
            self.end.segments.push(gone);
        }
    }

    fn ring(&mut self) -> Result<&RingImage> {
        if self.ring.is_none() {
            self.ring = Some(RingImage::read(&*self.source.vfs, &self.source.dir)?);
        }
        Ok(self.ring.as_ref().expect("it was just read"))
    }
}
