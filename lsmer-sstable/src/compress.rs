//! Codecs: LZ4 in Rust, Zstandard through its C library (feature `zstd`).

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

#[cfg(feature = "zstd")]
use std::cell::RefCell;
use std::fmt;

use lsmer_core::{BlockBuf, Compression, Error, ErrorKind, Result, mutant};
use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};

const DAMAGED: &str = "a compressed block does not decompress";

/// Level of Zstandard.
#[cfg(feature = "zstd")]
const ZSTD_LEVEL: i32 = 3;

/// What compresses the blocks of one table. Reusable: its buffers stay.
pub(crate) struct Compressor {
    codec: Codec,
    payload: Vec<u8>,
}

enum Codec {
    None,
    Lz4(Box<CompressTable>),
    #[cfg(feature = "zstd")]
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Compressor {
    /// # Errors
    ///
    /// `Unsupported` if the codec was not built in.
    pub(crate) fn new(codec: Compression) -> Result<Self> {
        let codec = match codec {
            Compression::None => Codec::None,
            Compression::Lz4 => Codec::Lz4(Box::default()),
            #[cfg(feature = "zstd")]
            Compression::Zstd => {
                let zstd = zstd::bulk::Compressor::new(ZSTD_LEVEL);
                Codec::Zstd(zstd.map_err(|error| Error::io("set up a compressor", error))?)
            }
            other => return Err(not_built_in(other)),
        };
        Ok(Self { codec, payload: Vec::new() })
    }

    /// Makes one that stores blocks as they are.
    pub(crate) fn none() -> Self {
        Self { codec: Codec::None, payload: Vec::new() }
    }

    /// Appends the payload that `fill` appends to what it is given, compressed if that saves a
    /// sixteenth of it. Returns the codec, and the size of the payload in memory.
    pub(crate) fn append(
        &mut self,
        out: &mut Vec<u8>,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> (Compression, usize) {
        let start = out.len();
        let codec = match &self.codec {
            Codec::None => {
                fill(out);
                return (Compression::None, out.len() - start);
            }
            Codec::Lz4(_) => Compression::Lz4,
            #[cfg(feature = "zstd")]
            Codec::Zstd(_) => Compression::Zstd,
        };
        self.payload.clear();
        fill(&mut self.payload);
        let bytes = self.payload.len();
        let limit = bytes - bytes / 16;
        match self.compress(out) {
            Some(compressed) if compressed <= limit => {
                out.truncate(start + compressed);
                (codec, bytes)
            }
            _ => {
                out.truncate(start);
                out.extend_from_slice(&self.payload);
                (if mutant!("codec-not-as-stored") { codec } else { Compression::None }, bytes)
            }
        }
    }

    /// Appends the compressed payload and perhaps more; returns its size.
    fn compress(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        let start = out.len();
        out.resize(start + get_maximum_output_size(self.payload.len()), 0);
        let room = out.get_mut(start..)?;
        match &mut self.codec {
            Codec::None => None,
            Codec::Lz4(table) => compress_into_with_table(&self.payload, room, table).ok(),
            #[cfg(feature = "zstd")]
            Codec::Zstd(zstd) => zstd.compress_to_buffer(&self.payload, room).ok(),
        }
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.codec {
            Codec::None => "Compressor(none)",
            Codec::Lz4(_) => "Compressor(LZ4)",
            #[cfg(feature = "zstd")]
            Codec::Zstd(_) => "Compressor(Zstandard)",
        })
    }
}

/// Decompresses a payload that has `bytes` bytes in memory; the caller has checked that number.
///
/// # Errors
///
/// `Corruption` if it has not; `Unsupported` if the codec was not built in.
pub(crate) fn decompress(codec: Compression, stored: &[u8], bytes: usize) -> Result<BlockBuf> {
    let mut payload = BlockBuf::unfilled(bytes);
    let read = match codec {
        Compression::Lz4 => lz4_flex::block::decompress_into(stored, &mut payload).ok(),
        #[cfg(feature = "zstd")]
        Compression::Zstd => unzstd(stored, &mut payload),
        other => return Err(not_built_in(other)),
    };
    if read == Some(bytes) { Ok(payload) } else { Err(Error::corruption(DAMAGED)) }
}

/// Decompresses with the thread's context: making one takes longer than decoding a block.
#[cfg(feature = "zstd")]
fn unzstd(stored: &[u8], payload: &mut [u8]) -> Option<usize> {
    thread_local! {
        static CONTEXT: RefCell<Option<zstd::bulk::Decompressor<'static>>> =
            const { RefCell::new(None) };
    }
    CONTEXT.with_borrow_mut(|context| {
        let context = match context {
            Some(context) => context,
            None => context.insert(zstd::bulk::Decompressor::new().ok()?),
        };
        context.decompress_to_buffer(stored, payload).ok()
    })
}

#[cold]
fn not_built_in(codec: Compression) -> Error {
    let what = match codec {
        Compression::Zstd => "built without zstd",
        _ => "a compression codec that this version of lsmer does not know",
    };
    Error::new(ErrorKind::Unsupported, what)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn codecs() -> Vec<Compression> {
        let all = [Compression::None, Compression::Lz4, Compression::Zstd];
        all.into_iter().filter(|codec| Compressor::new(*codec).is_ok()).collect()
    }

    #[test]
    fn what_does_not_shrink_by_a_sixteenth_is_stored_as_it_is() {
        // A pattern that no window repeats: a counter under a hash.
        let noise: Vec<u8> =
            (0..512_u64).flat_map(|n| lsmer_core::hash(&n.to_le_bytes()).to_le_bytes()).collect();
        for codec in [Compression::Lz4, Compression::Zstd] {
            let Ok(mut compressor) = Compressor::new(codec) else { continue };
            let mut out = b"x".to_vec();
            let used = compressor.append(&mut out, |out| out.extend_from_slice(&noise));
            assert_eq!(used, (Compression::None, noise.len()));
            assert_eq!(out[1..], noise);

            let used = compressor.append(&mut out, |out| out.resize(1000, 7));
            assert_eq!(used, (codec, 1000));
            assert!(out.len() < 1 + noise.len() + 100);
        }
    }

    #[test]
    fn both_codecs_read_their_published_formats() {
        // Three literals; a match of 17 at distance 3; five literals.
        let lz4 = [0x3d, b'a', b'b', b'c', 3, 0, 0x50, b'v', b'w', b'x', b'y', b'z'];
        let want = b"abcabcabcabcabcabcabvwxyz";
        assert_eq!(decompress(Compression::Lz4, &lz4, 25).unwrap()[..], *want);
        // Magic; one segment of 20 bytes; one last block, 20 times 7.
        let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 20, 0xa3, 0, 0, 7];
        if cfg!(feature = "zstd") {
            assert_eq!(decompress(Compression::Zstd, &zstd, 20).unwrap()[..], [7; 20]);
        }
        for wrong in [19, 21] {
            assert!(decompress(Compression::Zstd, &zstd, wrong).is_err());
            assert!(decompress(Compression::Lz4, &lz4, wrong).is_err());
        }
    }

    #[cfg(not(feature = "zstd"))]
    #[test]
    fn a_codec_that_was_not_built_in_is_unsupported() {
        let error = Compressor::new(Compression::Zstd).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let error = decompress(Compression::Zstd, &[], 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    proptest! {
        #[test]
        fn decompress_undoes_compress(
            words in vec(prop_oneof![Just(&b"abcabcabc"[..]), Just(&b"0123"[..])], 0..2000),
        ) {
            let payload = words.concat();
            for codec in codecs() {
                let mut out = Vec::new();
                let mut compressor = Compressor::new(codec).unwrap();
                let fill = |out: &mut Vec<u8>| out.extend_from_slice(&payload);
                let (used, bytes) = compressor.append(&mut out, fill);
                prop_assert_eq!(bytes, payload.len());
                let back = match used {
                    Compression::None => out,
                    codec => decompress(codec, &out, bytes).unwrap().to_vec(),
                };
                prop_assert_eq!(back, &payload[..]);
            }
        }

        #[test]
        fn damaged_bytes_never_panic(stored: Vec<u8>, bytes in 0..10_000_usize) {
            for codec in [Compression::Lz4, Compression::Zstd] {
                if let Ok(payload) = decompress(codec, &stored, bytes) {
                    prop_assert_eq!(payload.len(), bytes);
                }
            }
        }
    }
}
