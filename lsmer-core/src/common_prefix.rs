//! Bytes that many keys begin with, compared as one number.

use std::ops::Deref;

use crate::head;

/// What the keys of a table or a run have in common.
///
/// Up to eight bytes are compared as one number. A call that compares bytes does not know how few
/// they are, and loads more of a key than was written to it at once, for which it waits.
#[derive(Clone, Debug, Default)]
pub struct CommonPrefix {
    bytes: Box<[u8]>,
    /// The [`head`], and which bits of it are the prefix's.
    head: u64,
    bits: u64,
}

impl CommonPrefix {
    /// Makes the prefix of these bytes, which may be none.
    pub fn new(bytes: &[u8]) -> Self {
        let bits = (0..bytes.len().min(8)).fold(0, |bits, _| bits >> 8 | 0xff << 56);
        Self { bytes: bytes.into(), head: head(bytes), bits }
    }

    /// Returns what follows the prefix, if `key` begins with it.
    #[inline]
    pub fn strip<'k>(&self, key: &'k [u8]) -> Option<&'k [u8]> {
        let (front, rest) = key.split_at_checked(self.bytes.len())?;
        let same = (head(key) ^ self.head) & self.bits == 0;
        let all = front.len() <= 8 || front[8..] == self[8..];
        (same && all).then_some(rest)
    }
}

impl Deref for CommonPrefix {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn a_prefix_strips_what_a_slice_would(
            prefix in vec(0..2_u8, 0..12), key in vec(0..2_u8, 0..20), same: bool,
        ) {
            let key = if same { [&prefix[..], &key].concat() } else { key };
            let want = key.strip_prefix(&prefix[..]);
            prop_assert_eq!(CommonPrefix::new(&prefix).strip(&key), want);
        }
    }

    #[test]
    fn all_of_a_long_prefix_counts() {
        let prefix = CommonPrefix::new(b"eight by, and more");
        assert_eq!(prefix.strip(b"eight by, and more/key"), Some(&b"/key"[..]));
        assert_eq!(prefix.strip(b"eight by, and many/key"), None);
        assert_eq!(prefix.strip(b"eight by"), None);
    }
}
