//! The first 32 bytes of a manifest.
//!
//! ```text
//!   0       8         12       20      28    32
//!   +-------+---------+--------+-------+-----+
//!   | magic | version | number | epoch | crc |
//!   |  u64  |   u32   |  u64   |  u64  | u32 |
//!   +-------+---------+--------+-------+-----+
//!   |<-------- covered by crc -------->|
//! ```
//!
//! Every version keeps this size, the magic and the place of the checksum, so that an old build
//! can tell a manifest that is too new for it from a damaged one.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use lsmer_core::{Error, ErrorKind, Result, checksum, codec::Fields};

/// Size of a header in bytes: where the first record is.
pub(crate) const HEADER_BYTES: usize = 32;

const MAGIC: [u8; 8] = *b"lsmermft";
const VERSION: u32 = 1;
const CRC_COVERS: usize = HEADER_BYTES - 4;

/// What a manifest says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The number in the name of the file.
    pub(crate) number: u64,
    /// The epoch of its owner.
    pub(crate) epoch: u64,
}

impl Header {
    /// Appends the encoding.
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend(MAGIC);
        header.extend(VERSION.to_le_bytes());
        header.extend(self.number.to_le_bytes());
        header.extend(self.epoch.to_le_bytes());
        header.extend(checksum(&header).to_le_bytes());
        out.append(&mut header);
    }

    /// Reads the header of the manifest `number`.
    ///
    /// # Errors
    ///
    /// `Corruption`; `Unsupported` if it is whole and of another version.
    pub(crate) fn decode(bytes: &[u8], number: u64) -> Result<Self> {
        let covered = Fields::new(bytes).bytes(CRC_COVERS)?;
        let mut fields = Fields::new(bytes);
        let magic = fields.array()?;
        let version = fields.u32()?;
        let header = Self { number: fields.u64()?, epoch: fields.u64()? };
        if magic != MAGIC {
            return Err(Error::corruption("not a manifest: wrong magic"));
        }
        if fields.u32()? != checksum(covered) {
            return Err(Error::corruption("manifest header checksum mismatch"));
        }
        if version != VERSION {
            let what = "another version of lsmer wrote the manifest";
            let detail = format_args!("its format is {version}, this build knows {VERSION}");
            return Err(Error::new(ErrorKind::Unsupported, what).detail(detail));
        }
        if header.number != number {
            return Err(Error::corruption("a manifest has the name of another one"));
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut out = Vec::new();
        Header { number: 7, epoch: 0x102 }.encode(&mut out);
        out
    }

    #[test]
    fn layout_is_pinned() {
        let want = [
            &b"lsmermft"[..],
            &[1, 0, 0, 0],
            &[7, 0, 0, 0, 0, 0, 0, 0],
            &[2, 1, 0, 0, 0, 0, 0, 0],
            &[0x9e, 0x28, 0x66, 0xe1],
        ];
        assert_eq!(sample(), want.concat());
        assert_eq!(Header::decode(&sample(), 7).unwrap(), Header { number: 7, epoch: 0x102 });
    }

    #[test]
    fn one_flipped_bit_and_a_short_file_are_always_noticed() {
        for bit in 0..HEADER_BYTES * 8 {
            let mut bytes = sample();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&bytes, 7).unwrap_err().kind(), ErrorKind::Corruption);
        }
        for bytes in 0..HEADER_BYTES {
            let error = Header::decode(&sample()[..bytes], 7).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corruption);
        }
        assert_eq!(Header::decode(&sample(), 8).unwrap_err().kind(), ErrorKind::Corruption);
    }

    #[test]
    fn a_newer_version_is_unsupported_not_corrupt() {
        let mut bytes = sample();
        bytes[8] = 2;
        let crc = checksum(&bytes[..CRC_COVERS]);
        bytes[CRC_COVERS..].copy_from_slice(&crc.to_le_bytes());
        let error = Header::decode(&bytes, 7).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("format is 2"), "{error}");
    }
}
