//! Reading and writing fields of formats: little-endian integers, LEB128 varints, tagged fields.
//!
//! Bytes from disk are taken off the front of a [`Fields`], which refuses instead of panicking.
//!
//! A *tagged field* is `tag varint, length varint, bytes`. Odd tags are critical: a reader that
//! does not know one must refuse. Even tags may be skipped.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]
#![expect(clippy::missing_errors_doc, reason = "all `Fields` methods fail alike: see `array`")]

use crate::{Error, ErrorKind, Result};

/// What is left of an encoded structure. Every method takes something off the front.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(&'a [u8]);

const SHORT: &str = "a structure is shorter than its fields";

impl<'a> Fields<'a> {
    /// Starts at the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns what was not taken yet.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Returns whether everything was taken.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes `N` bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corruption`] if fewer are left; likewise for all methods below.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk().ok_or_else(|| Error::corruption(SHORT))?;
        self.0 = rest;
        Ok(*first)
    }

    /// Takes `n` bytes.
    pub fn bytes(&mut self, n: usize) -> Result<&'a [u8]> {
        let (first, rest) = self.0.split_at_checked(n).ok_or_else(|| Error::corruption(SHORT))?;
        self.0 = rest;
        Ok(first)
    }

    /// Takes one byte.
    pub fn u8(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Takes a little-endian integer.
    pub fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// Takes a little-endian integer.
    pub fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Takes a little-endian integer.
    pub fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Takes a varint of up to 64 bits.
    pub fn varint(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Error::corruption("a varint is longer than 64 bits"))
    }

    /// Takes a varint that must not exceed `limit`: a length, checked before it sizes anything.
    pub fn length(&mut self, limit: usize) -> Result<usize> {
        usize::try_from(self.varint()?)
            .ok()
            .filter(|n| *n <= limit)
            .ok_or_else(|| Error::corruption("a length is over its limit"))
    }

    /// Takes a length of at most `limit`, and that many bytes.
    pub fn prefixed(&mut self, limit: usize) -> Result<&'a [u8]> {
        let n = self.length(limit)?;
        self.bytes(n)
    }

    /// Takes a tagged field: its tag and its bytes.
    pub fn tagged(&mut self) -> Result<(u64, Fields<'a>)> {
        let tag = self.varint()?;
        let body = self.prefixed(self.0.len())?;
        Ok((tag, Fields(body)))
    }

    /// Answers a tag that the reader does not know: fine if even, refused if odd.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`].
    pub fn skip_unknown(tag: u64) -> Result<()> {
        if tag & 1 == 1 {
            let what = "a newer version of lsmer wrote a field that this one must not ignore";
            return Err(Error::new(ErrorKind::Unsupported, what).detail(format_args!("tag {tag}")));
        }
        Ok(())
    }

    /// Checks that everything was taken.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corruption`].
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Error::corruption("a structure is longer than its fields"))
    }
}

/// Appends a varint; at most 10 bytes.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = (value & 0x7f).to_le_bytes()[0];
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// Appends a length and the bytes.
pub fn put_prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a tagged field.
pub fn put_tagged(out: &mut Vec<u8>, tag: u64, body: &[u8]) {
    put_varint(out, tag);
    put_prefixed(out, body);
}

/// Returns how many bytes [`put_varint`] appends.
pub fn varint_bytes(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_varint_over_64_bits_is_refused() {
        let mut fields = Fields::new(&[0xff; 11]);
        assert!(fields.varint().is_err());
        let mut fields = Fields::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]);
        assert!(fields.varint().is_err());
    }

    #[test]
    fn an_unknown_critical_tag_is_refused_and_an_optional_one_skipped() {
        assert_eq!(Fields::skip_unknown(7).unwrap_err().kind(), ErrorKind::Unsupported);
        assert!(Fields::skip_unknown(8).is_ok());
    }

    proptest! {
        #[test]
        fn decode_undoes_encode(value: u64, body: Vec<u8>) {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            prop_assert_eq!(out.len(), varint_bytes(value));
            put_tagged(&mut out, value, &body);
            let mut fields = Fields::new(&out);
            prop_assert_eq!(fields.varint().unwrap(), value);
            let (tag, field) = fields.tagged().unwrap();
            prop_assert_eq!((tag, field.rest()), (value, &body[..]));
            prop_assert!(fields.finish().is_ok());
        }

        #[test]
        fn decode_never_panics(bytes: Vec<u8>) {
            let mut fields = Fields::new(&bytes);
            while fields.tagged().is_ok() && !fields.is_empty() {}
        }
    }
}
