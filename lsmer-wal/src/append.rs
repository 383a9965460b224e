//! Appending to the tail: a record goes into the ring and waits there to be written, in large
//! pieces; a large one goes to the segment itself.

use std::io::{self, IoSlice};

use lsmer_core::{Error, Result, SeqNo, Slot, checksum, checksum_more, mutant};

use crate::{
    record::{RECORD_HEAD_BYTES, RecordHead, record_bytes, short_epoch, unsynced},
    ring::{LARGEST_IN_RING, RING_BYTES, write_ring},
    tail::Tail,
};

/// The pending bytes are written once there are this many.
const DRAIN_BYTES: usize = 64 << 10;
/// A record of this size is written to its segment at once: copying it twice, to the ring and to
/// what is pending, costs more than a system call.
const DIRECT_BYTES: u64 = 32 << 10;
/// The most that can be pending: that, and one more record.
pub(crate) const PENDING_BYTES: usize = 96 << 10;
const _: () = assert!(PENDING_BYTES as u64 == DRAIN_BYTES as u64 + DIRECT_BYTES);
const _: () = assert!(PENDING_BYTES as u64 <= RING_BYTES / 2 && DIRECT_BYTES <= LARGEST_IN_RING);
const _: () = assert!(RECORD_HEAD_BYTES.is_multiple_of(8));

impl Tail {
    /// Appends a record that has a slot; `synced` is up to where the log is known to be synced.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the slot is not the last one reserved for so many bytes, and nothing
    /// changed; `Io`, and then the tail is lost.
    pub(crate) fn append(
        &mut self,
        slot: Slot,
        (seqno, count): (SeqNo, u32),
        payload: &[IoSlice<'_>],
        synced: lsmer_core::Lsn,
    ) -> Result<()> {
        let payload_len: usize = payload.iter().map(|slice| slice.len()).sum();
        let bytes = record_bytes(payload_len);
        let fits = slot.start == self.next && slot.end.0.checked_sub(slot.start.0) == Some(bytes);
        if !fits || !self.has_room(bytes) {
            return Err(Error::invalid("a log record does not go into its slot"));
        }
        let claims = mutant!("record-claims-too-much");
        let mut head = RecordHead {
            payload_bytes: u32::try_from(payload_len).expect("reserve checked its size"),
            lsn: slot.start,
            seqno,
            payload_crc: 0,
            count,
            unsynced: unsynced(slot.start, if claims { slot.start } else { synced }),
            epoch: short_epoch(self.head.epoch),
            crc: 0,
        };
        let encoded = if bytes < DIRECT_BYTES {
            self.append_pending(&mut head, payload)?
        } else {
            self.append_directly(&mut head, payload)?
        };
        let [a, b, c, d, ..] = encoded;
        self.chain = u32::from_le_bytes([a, b, c, d]);
        let held = self.segments.back_mut().expect("the current segment is the last");
        held.last_seqno = held.last_seqno.max(head.last_seqno().unwrap_or_default());
        Ok(())
    }

    /// Writes what is pending to the segment.
    ///
    /// # Errors
    ///
    /// `Io`, and then the tail is lost.
    pub(crate) fn drain(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let written = self.file.write_all_at(&self.pending, self.head.offset(self.drained));
        written.map_err(broken)?;
        self.pending.clear();
        self.drained = self.next;
        Ok(())
    }

    /// Returns the encoded header.
    fn append_pending(
        &mut self,
        head: &mut RecordHead,
        payload: &[IoSlice<'_>],
    ) -> Result<[u8; RECORD_HEAD_BYTES]> {
        let begin = self.pending.len();
        let first = begin + RECORD_HEAD_BYTES;
        self.pending.extend_from_slice(&[0; RECORD_HEAD_BYTES]);
        for slice in payload {
            self.pending.extend_from_slice(slice);
        }
        head.payload_crc = checksum(&self.pending[first..]);
        let encoded = head.encode(self.seed);
        self.pending[begin..first].copy_from_slice(&encoded);
        self.pending.extend_from_slice(padding(head.payload_len()));
        if let Some(ring) = &self.ring
            && !mutant!("ring-not-written")
        {
            write_ring(&**ring, self.next, &self.pending[begin..]).map_err(broken)?;
        }
        self.next = head.end();
        if self.ring.is_none() || self.pending.len() >= DRAIN_BYTES {
            self.drain()?;
        }
        Ok(encoded)
    }

    /// Writes what is pending, and the record behind it; returns the encoded header.
    fn append_directly(
        &mut self,
        head: &mut RecordHead,
        payload: &[IoSlice<'_>],
    ) -> Result<[u8; RECORD_HEAD_BYTES]> {
        head.payload_crc = payload.iter().fold(0, |crc, slice| checksum_more(crc, slice));
        let encoded = head.encode(self.seed);
        let mut slices = Vec::with_capacity(payload.len() + 3);
        slices.extend([IoSlice::new(&self.pending), IoSlice::new(&encoded)]);
        slices.extend(payload.iter().map(|slice| IoSlice::new(slice)));
        slices.push(IoSlice::new(padding(head.payload_len())));
        let written = self.file.write_slices_at(&mut slices, self.head.offset(self.drained));
        written.map_err(broken)?;
        self.pending.clear();
        self.next = head.end();
        self.drained = self.next;
        Ok(encoded)
    }
}

fn padding(payload_len: usize) -> &'static [u8] {
    &[0; 8][..payload_len.wrapping_neg() % 8]
}

/// An error after which it is unknown what is in the log: no reason to try again, even if the
/// disk is full.
#[cold]
fn broken(source: io::Error) -> Error {
    Error::io("write the log", io::Error::other(source))
}
