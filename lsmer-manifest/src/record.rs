//! One record of a manifest: a head of 21 bytes, and a payload.
//!
//! ```text
//!   0          4             8        16       20     21
//!   +----------+-------------+--------+--------+------+---------+
//!   | head crc | payload crc | synced | length | type | payload |
//!   |   u32    |     u32     |  u64   |  u32   |  u8  |         |
//!   +----------+-------------+--------+--------+------+---------+
//!              |<------ covered by head crc ---------->|
//! ```
//!
//! Both checksums start from the context (number of the manifest, offset of the record). The head
//! has its own, so that a record can be found behind damage by looking at 21 bytes per offset.
//! `synced` is the offset up to which the file was synced when the record was written.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use lsmer_core::{
    Error, ErrorKind, Result, checksum_context, checksum_more, codec::Fields, mutant,
};

/// Size of the head of a record in bytes; all there is of a mark.
pub(crate) const HEAD_BYTES: usize = 21;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum RecordKind {
    /// The whole state. The first record of every manifest.
    Snapshot = 1,
    /// A step to the next state.
    Edit = 2,
    /// Nothing but `synced`.
    Mark = 3,
}

/// The head of a record whose checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    payload_crc: u32,
    /// Up to where the file was synced.
    pub(crate) synced: u64,
    /// Size of the payload in bytes.
    pub(crate) length: u32,
    kind: u8,
}

impl Head {
    /// Returns what the record is.
    ///
    /// # Errors
    ///
    /// `Unsupported`: the head is whole, so a newer version wrote it.
    pub(crate) fn kind(self) -> Result<RecordKind> {
        match self.kind {
            1 => Ok(RecordKind::Snapshot),
            2 => Ok(RecordKind::Edit),
            3 => Ok(RecordKind::Mark),
            kind => {
                let what = "a newer version of lsmer wrote a record to the manifest";
                Err(Error::new(ErrorKind::Unsupported, what).detail(format_args!("type {kind}")))
            }
        }
    }
}

/// A manifest file in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File<'a> {
    /// Its number.
    pub(crate) number: u64,
    /// Its bytes.
    pub(crate) bytes: &'a [u8],
}

impl<'a> File<'a> {
    /// Reads the head of a record at `offset`, if one is there.
    pub(crate) fn head_at(self, offset: usize) -> Option<Head> {
        let mut fields = Fields::new(self.bytes.get(offset..)?);
        let crc = fields.u32().ok()?;
        let covered = Fields::new(fields.rest()).bytes(HEAD_BYTES - 4).ok()?;
        if crc != checksum_more(context(self.number, offset), covered) {
            return None;
        }
        Some(Head {
            payload_crc: fields.u32().ok()?,
            synced: fields.u64().ok()?,
            length: fields.u32().ok()?,
            kind: fields.u8().ok()?,
        })
    }

    /// Reads the payload of the record at `offset`, if it is whole.
    pub(crate) fn payload_at(self, offset: usize, head: Head) -> Option<&'a [u8]> {
        let rest = self.bytes.get(offset.checked_add(HEAD_BYTES)?..)?;
        let payload = rest.get(..usize::try_from(head.length).ok()?)?;
        let crc = checksum_more(context(self.number, offset), payload);
        (crc == head.payload_crc || mutant!("edit-not-checked")).then_some(payload)
    }

    /// Finds the first head of a record at or behind `offset`. The last byte of a head is not
    /// zero, so room that was set aside costs nothing.
    pub(crate) fn find_head(self, offset: usize) -> Option<(usize, Head)> {
        let last = self.bytes.iter().rposition(|byte| *byte != 0)?;
        let last_head = (last + 1).checked_sub(HEAD_BYTES)?;
        (offset..=last_head).find_map(|at| Some((at, self.head_at(at)?)))
    }

    /// Returns whether there is the head of an edit anywhere, in front of damage or behind it.
    pub(crate) fn has_edit(self) -> bool {
        let mut heads = (0..self.bytes.len()).filter_map(|at| self.head_at(at));
        heads.any(|head| head.kind().is_ok_and(|kind| kind == RecordKind::Edit))
    }
}

/// Appends a record that will stand at `offset` of the manifest `number`.
///
/// # Errors
///
/// `InvalidArgument` if the payload has 4 GiB or more.
pub(crate) fn put_record(
    out: &mut Vec<u8>,
    (number, offset): (u64, usize),
    kind: RecordKind,
    synced: usize,
    payload: &[u8],
) -> Result<()> {
    let length = u32::try_from(payload.len());
    let length = length.map_err(|_| Error::invalid("an edit of the manifest is over 4 GiB"))?;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    head.extend(checksum_more(context(number, offset), payload).to_le_bytes());
    head.extend((synced as u64).to_le_bytes());
    head.extend(length.to_le_bytes());
    head.push(kind as u8);
    out.extend(checksum_more(context(number, offset), &head).to_le_bytes());
    out.append(&mut head);
    out.extend(payload);
    Ok(())
}

fn context(number: u64, offset: usize) -> u32 {
    checksum_context(&[number, offset as u64])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut out = vec![0; 5];
        put_record(&mut out, (7, 5), RecordKind::Edit, 3, b"pay").unwrap();
        out
    }

    #[test]
    fn layout_is_pinned() {
        let want = [
            &[0; 5][..],
            &[62, 38, 34, 40],         // head crc
            &[43, 227, 254, 153],      // payload crc
            &[3, 0, 0, 0, 0, 0, 0, 0], // synced
            &[3, 0, 0, 0, 2],          // length, type
            b"pay",
        ];
        assert_eq!(sample(), want.concat());
    }

    #[test]
    fn a_record_reads_back_at_its_offset_of_its_file_only() {
        let bytes = sample();
        let file = File { number: 7, bytes: &bytes };
        let (at, head) = file.find_head(0).unwrap();
        assert_eq!((at, head.synced, head.kind().unwrap()), (5, 3, RecordKind::Edit));
        assert_eq!(file.payload_at(at, head), Some(&b"pay"[..]));
        assert_eq!(File { number: 8, ..file }.find_head(0), None);
        assert_eq!(File { bytes: &bytes[1..], ..file }.find_head(0), None);
        assert_eq!(File { bytes: &bytes[..bytes.len() - 1], ..file }.payload_at(at, head), None);
    }

    #[test]
    fn one_flipped_bit_is_always_noticed() {
        for bit in 5 * 8..sample().len() * 8 {
            let mut bytes = sample();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let file = File { number: 7, bytes: &bytes };
            let payload = file.head_at(5).and_then(|head| file.payload_at(5, head));
            assert_eq!(payload, None, "bit {bit}");
        }
    }
}
