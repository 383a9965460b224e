//! Keys, sequence numbers and kinds: the words of the data model.
//!
//! The order of user keys is `memcmp`, everywhere. Versions of one user key are ordered newest
//! first: the *internal order* is (user key ascending, seqno descending).

use std::{cmp::Ordering, fmt};

use crate::{Error, Result};

/// Longest user key, in bytes.
pub const MAX_KEY_BYTES: usize = u16::MAX as usize;
/// Longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 64 << 20;
/// Largest encoded write batch, in bytes.
pub const MAX_BATCH_BYTES: usize = (64 << 20) + (1 << 20);

/// The place of an entry in the one order of all writes of a database. Dense: each entry of a
/// batch has its own. The first is 1; 0 stands before every write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeqNo(pub u64);

impl SeqNo {
    /// Before every write.
    pub const ZERO: Self = Self(0);
    /// After every write.
    pub const MAX: Self = Self(u64::MAX);

    /// Returns the seqno `n` further on.
    #[must_use]
    pub fn plus(self, n: u64) -> Self {
        Self(self.0 + n)
    }
}

impl fmt::Display for SeqNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an entry does to its key. The numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Kind {
    /// The key has this value.
    Put = 1,
    /// The key has no value; older versions are hidden.
    Delete = 2,
    /// Reserved: a delete that cancels exactly one put.
    SingleDelete = 3,
    /// Reserved: a delete of `[key, value)`.
    DeleteRange = 4,
    /// Reserved: an operand for the merge operator.
    Merge = 5,
    /// Reserved: the value lives apart; these bytes say where.
    BlobRef = 6,
}

impl Kind {
    /// Reads a kind that this build can carry out.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for the reserved kinds, and
    /// [`Corruption`](crate::ErrorKind::Corruption) for any other number.
    pub fn decode(byte: u8) -> Result<Self> {
        match byte {
            1 => Ok(Self::Put),
            2 => Ok(Self::Delete),
            3..=6 => Err(Error::new(
                crate::ErrorKind::Unsupported,
                "an entry of a kind that this version reserves but cannot read",
            )),
            _ => Err(Error::corruption("unknown entry kind")),
        }
    }
}

/// One entry, borrowed: a version of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRef<'a> {
    /// The user key.
    pub key: &'a [u8],
    /// When it was written.
    pub seqno: SeqNo,
    /// What it does.
    pub kind: Kind,
    /// The value; empty for a delete.
    pub value: &'a [u8],
}

impl EntryRef<'_> {
    /// Compares in internal order: key ascending, then newest first.
    pub fn order(&self, other: &EntryRef<'_>) -> Ordering {
        self.key.cmp(other.key).then(other.seqno.cmp(&self.seqno))
    }
}

/// One lookup: what every part needs to know of a key, computed once.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// The user key.
    pub key: &'a [u8],
    /// [`hash`] of the key, for filters and fingerprints.
    pub hash: u64,
    /// The lookup sees entries at or below this seqno.
    pub snapshot: SeqNo,
}

impl<'a> Probe<'a> {
    /// Makes the probe for a key as of `snapshot`.
    pub fn new(key: &'a [u8], snapshot: SeqNo) -> Self {
        Self { key, hash: hash(key), snapshot }
    }
}

/// Hashes a user key: XXH3-64 with seed 0. Part of every format, since filters and fingerprints
/// store it.
pub fn hash(key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(key)
}

/// Returns the first eight bytes of a key as a number that orders like the key does: shorter keys
/// are filled with zeros, so equal heads need a full comparison.
#[inline]
pub fn head(key: &[u8]) -> u64 {
    if let Some(first) = key.first_chunk::<8>() {
        return u64::from_be_bytes(*first);
    }
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(key) {
        *to = *from;
    }
    u64::from_be_bytes(bytes)
}

/// Checks a key against the limits.
///
/// # Errors
///
/// [`InvalidArgument`](crate::ErrorKind::InvalidArgument).
pub fn check_key(key: &[u8]) -> Result<()> {
    if key.len() > MAX_KEY_BYTES {
        return Err(Error::invalid("the key is longer than 65,535 bytes").detail(key.len()));
    }
    Ok(())
}

/// Checks a value against the limits.
///
/// # Errors
///
/// [`InvalidArgument`](crate::ErrorKind::InvalidArgument).
pub fn check_value(value: &[u8]) -> Result<()> {
    if value.len() > MAX_VALUE_BYTES {
        return Err(Error::invalid("the value is longer than 64 MiB").detail(value.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_orders_like_its_key() {
        let keys: [&[u8]; 6] = [b"", b"a", b"a\0", b"ab", b"abcdefgh", b"abcdefghi"];
        for pair in keys.windows(2) {
            assert!(head(pair[0]) <= head(pair[1]), "{pair:?}");
        }
        assert!(head(b"b") > head(b"abcdefghi"));
    }

    #[test]
    fn the_hash_is_pinned() {
        // Filters on disk hold it: if this fails, the format changed.
        assert_eq!(hash(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(hash(b"lsmer"), xxhash_rust::xxh3::xxh3_64_with_seed(b"lsmer", 0));
    }

    #[test]
    fn reserved_kinds_are_unsupported_not_corrupt() {
        assert_eq!(Kind::decode(5).unwrap_err().kind(), crate::ErrorKind::Unsupported);
        assert_eq!(Kind::decode(0).unwrap_err().kind(), crate::ErrorKind::Corruption);
        assert_eq!(Kind::decode(1).unwrap(), Kind::Put);
    }
}
