//! Settings that are plain values.

use crate::{
    Error, Result,
    codec::{Fields, put_tagged, put_varint},
};

/// How far an acknowledged write is safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// It survives the death of the process, and not a power loss (RocksDB's and fjall's default).
    #[default]
    Process,
    /// It survives a power loss, and with it all logged writes before it, in all keyspaces.
    Sync,
}

/// How the data blocks of a table are compressed. The numbers are on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all: the stored form is the memory form.
    #[default]
    None = 0,
    /// LZ4: little gain, little cost.
    Lz4 = 1,
    /// Zstandard at level 3: more of both. Needs the feature `zstd`.
    Zstd = 2,
}

impl Compression {
    /// Reads the number of a codec.
    ///
    /// # Errors
    ///
    /// `Unsupported`.
    pub fn decode(byte: u8) -> Result<Self> {
        match byte {
            0 => Ok(Self::None),
            1 => Ok(Self::Lz4),
            2 => Ok(Self::Zstd),
            _ => Err(Error::new(crate::ErrorKind::Unsupported, "unknown compression codec")),
        }
    }
}

/// Settings of one keyspace, stored in the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyspaceOptions {
    /// Cut a data block once it holds this many bytes before compression. Smaller blocks read less
    /// per lookup; larger ones compress better and need a smaller index.
    ///
    /// Default [`Self::BLOCK_BYTES`]; from 64 B to 16 MiB.
    pub block_bytes: u32,
    /// Cut a table of a compaction once its file has this many bytes.
    ///
    /// Default [`Self::TABLE_BYTES`]; from 1 KiB to 1 GiB.
    pub table_bytes: u64,
    /// Bits of filter per key; 0 for none.
    ///
    /// Default [`Self::FILTER_BITS`]; at most 64.
    pub filter_bits: u8,
    /// Codec for each level from 0 on; the last one also serves all deeper levels. Empty: none.
    ///
    /// Default: none for levels 0 and 1, LZ4 below.
    pub compression: Vec<Compression>,
}

const BLOCK_BYTES: u64 = 2;
const TABLE_BYTES: u64 = 4;
const FILTER_BITS: u64 = 6;
const COMPRESSION: u64 = 8;

impl KeyspaceOptions {
    /// Default of [`block_bytes`](Self::block_bytes).
    pub const BLOCK_BYTES: u32 = 4 << 10;
    /// Default of [`table_bytes`](Self::table_bytes).
    pub const TABLE_BYTES: u64 = 32 << 20;
    /// Default of [`filter_bits`](Self::filter_bits): about 1% of wrong "maybe".
    pub const FILTER_BITS: u8 = 10;

    /// Sets [`block_bytes`](Self::block_bytes).
    #[must_use]
    pub fn with_block_bytes(mut self, bytes: u32) -> Self {
        self.block_bytes = bytes;
        self
    }

    /// Sets [`table_bytes`](Self::table_bytes).
    #[must_use]
    pub fn with_table_bytes(mut self, bytes: u64) -> Self {
        self.table_bytes = bytes;
        self
    }

    /// Sets [`filter_bits`](Self::filter_bits).
    #[must_use]
    pub fn with_filter_bits(mut self, bits: u8) -> Self {
        self.filter_bits = bits;
        self
    }

    /// Sets [`compression`](Self::compression).
    #[must_use]
    pub fn with_compression(mut self, levels: impl Into<Vec<Compression>>) -> Self {
        self.compression = levels.into();
        self
    }

    /// Returns the codec of a level.
    pub fn compression_at(&self, level: u8) -> Compression {
        let at = usize::from(level).min(self.compression.len().saturating_sub(1));
        self.compression.get(at).copied().unwrap_or_default()
    }

    /// Checks every range at once.
    ///
    /// # Errors
    ///
    /// `InvalidArgument`, naming the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let checks = [
            ((64..=16 << 20).contains(&self.block_bytes), "block_bytes: not in 64 B..=16 MiB"),
            ((1 << 10..=1 << 30).contains(&self.table_bytes), "table_bytes: not in 1 KiB..=1 GiB"),
            (self.filter_bits <= 64, "filter_bits: over 64"),
            (self.compression.len() <= 64, "compression: more than 64 levels"),
        ];
        match checks.iter().find(|(valid, _)| !valid) {
            Some((_, what)) => Err(Error::invalid(what)),
            None => Ok(()),
        }
    }

    /// Appends the encoding: tagged fields, all of which an older version may skip.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let numbers = [
            (BLOCK_BYTES, u64::from(self.block_bytes)),
            (TABLE_BYTES, self.table_bytes),
            (FILTER_BITS, u64::from(self.filter_bits)),
        ];
        let mut body = Vec::new();
        for (tag, number) in numbers {
            body.clear();
            put_varint(&mut body, number);
            put_tagged(out, tag, &body);
        }
        let levels: Vec<u8> = self.compression.iter().map(|codec| *codec as u8).collect();
        put_tagged(out, COMPRESSION, &levels);
    }

    /// Reads an encoding to its end; what it lacks has its default.
    ///
    /// # Errors
    ///
    /// `Corruption`, or `Unsupported` for an unknown critical field.
    pub fn decode(mut fields: Fields<'_>) -> Result<Self> {
        let mut options = Self::default();
        let range = || Error::corruption("a stored setting is out of range");
        while !fields.is_empty() {
            let (tag, mut field) = fields.tagged()?;
            match tag {
                BLOCK_BYTES => {
                    options.block_bytes = u32::try_from(field.varint()?).map_err(|_| range())?;
                }
                TABLE_BYTES => options.table_bytes = field.varint()?,
                FILTER_BITS => {
                    options.filter_bits = u8::try_from(field.varint()?).map_err(|_| range())?;
                }
                COMPRESSION => {
                    let levels = field.rest().iter().map(|byte| Compression::decode(*byte));
                    options.compression = levels.collect::<Result<_>>()?;
                }
                unknown => Fields::skip_unknown(unknown)?,
            }
        }
        options.validate().map_err(|_| range())?;
        Ok(options)
    }
}

impl Default for KeyspaceOptions {
    fn default() -> Self {
        Self {
            block_bytes: Self::BLOCK_BYTES,
            table_bytes: Self::TABLE_BYTES,
            filter_bits: Self::FILTER_BITS,
            compression: vec![Compression::None, Compression::None, Compression::Lz4],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_and_the_edges_are_not_passed() {
        let options = KeyspaceOptions::default();
        assert!(options.validate().is_ok());
        assert!(options.clone().with_block_bytes(63).validate().is_err());
        assert!(options.clone().with_table_bytes(2 << 30).validate().is_err());
        assert!(options.with_filter_bits(65).validate().is_err());
    }

    #[test]
    fn layout_is_pinned_and_reads_back() {
        let options = KeyspaceOptions::default().with_filter_bits(7);
        let mut out = Vec::new();
        options.encode(&mut out);
        let want =
            [2, 2, 0x80, 0x20, 4, 4, 0x80, 0x80, 0x80, 0x10, 6, 1, 7, 8, 3, 0, 0, 1].as_slice();
        assert_eq!(out, want);
        assert_eq!(KeyspaceOptions::decode(Fields::new(&out)).unwrap(), options);
    }

    #[test]
    fn the_last_codec_serves_the_deeper_levels() {
        let options = KeyspaceOptions::default();
        assert_eq!(options.compression_at(0), Compression::None);
        assert_eq!(options.compression_at(9), Compression::Lz4);
        assert_eq!(options.with_compression([]).compression_at(1), Compression::None);
    }
}
