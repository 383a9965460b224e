//! Value bytes: half of them compressible, and each tells which key it belongs to.
//!
//! ```text
//! rank, u64 | place in the pool, u32 | bytes of the pool from there on
//! ```
//!
//! The pool is made as `db_bench` of LevelDB makes it: pieces of 100 bytes, each 50 random bytes
//! twice. Blocks of 4 KiB with such values shrink to about two thirds under LZ4.

use crate::{numbers::index, outcome::Outcome, random::Random};

const POOL_BYTES: u64 = 256 << 10;
const PIECE_BYTES: usize = 50;
const HEAD_BYTES: usize = 12;

/// Makes and checks values of one length.
#[derive(Debug)]
pub struct Values {
    pool: Vec<u8>,
    len: usize,
}

impl Values {
    /// Makes values of `len` bytes.
    ///
    /// # Panics
    ///
    /// Panics if they are too short for what they tell: below 12 bytes.
    pub fn new(len: usize) -> Self {
        assert!(len >= HEAD_BYTES, "a value tells its rank and its place");
        let size = index(POOL_BYTES) + len;
        let mut pool = Vec::with_capacity(size + 2 * PIECE_BYTES);
        let mut random = Random::new(301);
        while pool.len() < size {
            let start = pool.len();
            while pool.len() < start + PIECE_BYTES {
                pool.extend_from_slice(&random.draw().to_le_bytes());
            }
            pool.truncate(start + PIECE_BYTES);
            pool.extend_from_within(start..);
        }
        Self { pool, len }
    }

    /// Returns the length of a value.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never true: a value has at least 12 bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Replaces `value` by the one for a rank; other `version`s have other bytes.
    pub fn make(&self, rank: u64, version: u64, value: &mut Vec<u8>) {
        // A step that has no factor in common with the pool's size: all places come.
        let place = (rank.wrapping_mul(7919) + version.wrapping_mul(104_729)) % POOL_BYTES;
        let at = index(place);
        value.clear();
        value.extend_from_slice(&rank.to_le_bytes());
        value.extend_from_slice(&u32::try_from(place).expect("a place").to_le_bytes());
        value.extend_from_slice(&self.pool[at..at + self.len - HEAD_BYTES]);
    }

    /// Returns whether a value has the right length and belongs to a rank.
    pub fn is_of(&self, rank: u64, value: &[u8]) -> bool {
        value.len() == self.len && value.starts_with(&rank.to_le_bytes())
    }

    /// Checks every byte of a value.
    ///
    /// # Errors
    ///
    /// It is not a value of this rank.
    pub fn check(&self, rank: u64, value: &[u8]) -> Outcome {
        let right = self.is_of(rank, value) && {
            let place: [u8; 4] = value[8..HEAD_BYTES].try_into().expect("four bytes");
            let at = index(u64::from(u32::from_le_bytes(place)));
            self.pool.get(at..at + self.len - HEAD_BYTES) == Some(&value[HEAD_BYTES..])
        };
        if right { Ok(()) } else { Err(format!("a wrong value of the key of rank {rank}").into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_passes_for_its_own_rank_only() {
        let values = Values::new(100);
        let mut value = Vec::new();
        values.make(5, 2, &mut value);
        assert_eq!(value.len(), 100);
        values.check(5, &value).unwrap();
        assert!(values.check(6, &value).is_err());
        assert!(values.check(5, &value[..99]).is_err());
    }

    #[test]
    fn one_changed_byte_is_noticed() {
        let values = Values::new(64);
        let mut value = Vec::new();
        values.make(1, 0, &mut value);
        for at in 0..64 {
            value[at] ^= 1;
            assert!(values.check(1, &value).is_err(), "byte {at}");
            value[at] ^= 1;
        }
    }

    #[test]
    fn versions_differ_and_every_length_can_be_made() {
        for len in [12, 100, 64 << 10] {
            let values = Values::new(len);
            let (mut one, mut two) = (Vec::new(), Vec::new());
            values.make(9, 0, &mut one);
            values.make(9, 1, &mut two);
            assert_ne!(one, two);
            assert_eq!(one.len(), len);
        }
    }

    #[test]
    fn half_of_the_bytes_repeat() {
        let values = Values::new(12 + 10_000);
        let mut value = Vec::new();
        values.make(0, 0, &mut value);
        let body = &value[12..];
        let repeated = (50..body.len()).filter(|at| body[*at] == body[*at - 50]).count();
        assert!((4800..5400).contains(&repeated), "{repeated}");
    }
}
