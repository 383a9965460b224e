//! The footer: the last 48 bytes of a table, by which it is read without a manifest.
//!
//! ```text
//! byte  size
//!    0  8   epoch of the table
//!    8  8   number of the table
//!   16  8   offset of the properties
//!   24  4   stored size of the properties
//!   28  4   zero
//!   32  4   version (1)
//!   36  4   CRC-32C of the offset of the footer (64 bits) and of bytes 0 to 35
//!   40  8   magic "lsmertbl"
//! ```
//!
//! Integers are little-endian. Every version keeps this size and these last 16 bytes, so that an
//! old build can tell that a table is too new for it. The magic comes last, so that a file cut
//! short is told from one that never was a table.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use lsmer_core::{
    BlockHandle, Error, ErrorKind, Result, TableId, checksum_context, checksum_more, codec::Fields,
};

/// Size of an encoded footer, in bytes.
pub(crate) const FOOTER_BYTES: usize = 48;

const MAGIC: [u8; 8] = *b"lsmertbl";
const VERSION: u32 = 1;
const CRC_COVERS: usize = 36;

/// What a table file says of itself at its very end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) id: TableId,
    pub(crate) properties: BlockHandle,
}

impl Footer {
    /// Appends the footer that is to stand at `offset`.
    pub(crate) fn encode(&self, offset: u64, out: &mut Vec<u8>) {
        let mut fields = Vec::with_capacity(FOOTER_BYTES);
        fields.extend_from_slice(&self.id.epoch.to_le_bytes());
        fields.extend_from_slice(&self.id.number.to_le_bytes());
        fields.extend_from_slice(&self.properties.offset.to_le_bytes());
        fields.extend_from_slice(&self.properties.bytes.to_le_bytes());
        fields.extend_from_slice(&[0; 4]);
        fields.extend_from_slice(&VERSION.to_le_bytes());
        let crc = checksum_more(checksum_context(&[offset]), &fields);
        out.extend_from_slice(&fields);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&MAGIC);
    }

    /// Reads the footer that stood at `offset`.
    ///
    /// # Errors
    ///
    /// `Corruption` if the magic or the checksum is wrong, and `Unsupported` if both are right and
    /// the version is unknown.
    pub(crate) fn decode(bytes: &[u8; FOOTER_BYTES], offset: u64) -> Result<Self> {
        let mut fields = Fields::new(bytes);
        let id = TableId { epoch: fields.u64()?, number: fields.u64()? };
        let properties = BlockHandle { offset: fields.u64()?, bytes: fields.u32()? };
        let _reserved = fields.u32()?;
        let version = fields.u32()?;
        let crc = fields.u32()?;
        if fields.array()? != MAGIC {
            return Err(Error::corruption("not a table: wrong magic"));
        }
        let (covered, _) = bytes.split_at(CRC_COVERS);
        if crc != checksum_more(checksum_context(&[offset]), covered) {
            return Err(Error::corruption("footer checksum mismatch"));
        }
        if version != VERSION {
            let error = Error::new(ErrorKind::Unsupported, "unknown table version");
            return Err(error.detail(version));
        }
        Ok(Self { id, properties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOOTER: Footer = Footer {
        id: TableId { epoch: 1, number: 2 },
        properties: BlockHandle { offset: 4096, bytes: 200 },
    };

    fn encoded() -> [u8; FOOTER_BYTES] {
        let mut out = Vec::new();
        FOOTER.encode(4296, &mut out);
        out.try_into().unwrap()
    }

    #[test]
    fn layout_is_pinned() {
        // Written out by hand from the diagram above. If this fails, the format changed: raise
        // VERSION and keep the old decoder.
        let want = [
            1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, // id
            0, 16, 0, 0, 0, 0, 0, 0, 200, 0, 0, 0, // properties
            0, 0, 0, 0, 1, 0, 0, 0, // reserved, version
        ];
        let got = encoded();
        assert_eq!(got[..36], want);
        assert_eq!(got[40..], *b"lsmertbl");
        assert_eq!(Footer::decode(&got, 4296).unwrap(), FOOTER);
    }

    #[test]
    fn a_newer_version_is_unsupported_not_corrupt() {
        let mut bytes = encoded();
        bytes[32] = 2;
        let crc = checksum_more(checksum_context(&[4296]), &bytes[..36]);
        bytes[36..40].copy_from_slice(&crc.to_le_bytes());
        let error = Footer::decode(&bytes, 4296).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn one_flipped_bit_or_another_place_is_always_noticed() {
        for bit in 0..FOOTER_BYTES * 8 {
            let mut bytes = encoded();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Footer::decode(&bytes, 4296).is_err(), "bit {bit}");
        }
        assert!(Footer::decode(&encoded(), 4297).is_err());
    }
}
