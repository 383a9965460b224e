//! Values handed to the caller.

use std::{fmt, ops::Deref, sync::Arc};

use crate::Block;

const INLINE_BYTES: usize = 46;

/// A value (or a key) read from a database: small ones inline, larger ones shared with the block
/// they came from or with other clones. Cloning copies no bytes beyond the inline ones.
///
/// A value that shares a block keeps that block (usually 4 KiB) in memory; copy it out with
/// `to_vec` to hold it for long.
#[derive(Clone)]
pub struct Value(Repr);

#[derive(Clone)]
enum Repr {
    Inline { len: u8, bytes: [u8; INLINE_BYTES] },
    Shared(Arc<[u8]>),
    InBlock { block: Block, row: u32 },
}

impl Value {
    /// Returns the value of a row: a copy if it is small or a small part of a large block.
    pub fn of_row(block: Block, row: u32) -> Self {
        let bytes = block.value(row);
        if bytes.len() <= INLINE_BYTES {
            return Self::from(bytes);
        }
        Self(Repr::InBlock { block, row })
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        let Some(len) = u8::try_from(bytes.len()).ok().filter(|_| bytes.len() <= INLINE_BYTES)
        else {
            return Self(Repr::Shared(Arc::from(bytes)));
        };
        let mut inline = [0; INLINE_BYTES];
        inline[..bytes.len()].copy_from_slice(bytes);
        Self(Repr::Inline { len, bytes: inline })
    }
}

impl Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Repr::Shared(bytes) => bytes,
            Repr::InBlock { block, row } => block.value(*row),
        }
    }
}

impl AsRef<[u8]> for Value {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Value {
    fn eq(&self, other: &T) -> bool {
        **self == *other.as_ref()
    }
}

impl Eq for Value {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_its_bytes_whatever_holds_them() {
        for len in [0, 1, INLINE_BYTES, INLINE_BYTES + 1, 5000] {
            let bytes = vec![7; len];
            let value = Value::from(&bytes[..]);
            assert_eq!(value, bytes);
            assert_eq!(value.clone(), value);
        }
    }
}
