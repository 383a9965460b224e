//! Keys and values made from numbers: the same ones in every run.

/// Bytes of every value.
pub const VALUE_BYTES: usize = 100;

/// What keys look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Sixteen random bytes: the first eight tell two keys apart.
    Random,
    /// "user" and twelve digits, as YCSB has them: the first eight bytes are all the same.
    User,
    /// Paths of files, 50 to 70 bytes: long prefixes shared by few, by many and by all.
    Path,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Random, Self::User, Self::Path];

    /// Returns a word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random16",
            Self::User => "user12",
            Self::Path => "path",
        }
    }

    /// Returns the key of a number. Different numbers have different keys, in no order.
    pub fn key(self, n: u64) -> Vec<u8> {
        let (high, low) = (mix(n), mix(!n));
        match self {
            Self::Random => [high.to_be_bytes(), low.to_be_bytes()].concat(),
            // 7,919 has no factor in common with the power of ten: no two numbers meet.
            Self::User => format!("user{:012}", n.wrapping_mul(611_953 * 7919) % 1_000_000_000_000)
                .into_bytes(),
            Self::Path => format!(
                "/srv/archive/projects/{:02}/src/components/{:03x}/module_{n:08}.rs",
                high % 40,
                low % 512,
            )
            .into_bytes(),
        }
    }

    /// Returns the keys of the numbers from zero on.
    pub fn keys(self, count: u64) -> Vec<Vec<u8>> {
        (0..count).map(|n| self.key(n)).collect()
    }

    /// Returns a key that no number has, and that lies among the others.
    pub fn absent(self, n: u64) -> Vec<u8> {
        let mut key = self.key(n);
        key.push(b'!');
        key
    }
}

/// Returns the value of a number: it begins with it, and is half noise, as stored values are.
pub fn value(n: u64) -> [u8; VALUE_BYTES] {
    let mut value = [b'.'; VALUE_BYTES];
    for (at, chunk) in value[..VALUE_BYTES / 2].chunks_mut(8).enumerate() {
        let word = if at == 0 { n } else { mix(n.wrapping_mul(31).wrapping_add(at as u64)) };
        chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
    }
    value
}

/// Returns whether these bytes are the value of `n`, by its first eight: cheap enough to be done
/// where one measures.
#[expect(clippy::needless_bitwise_bool, reason = "a branch is guessed, and not waited for")]
pub fn is_value(bytes: &[u8], n: u64) -> bool {
    let first = bytes.first_chunk().map_or(!n, |first| u64::from_le_bytes(*first));
    (bytes.len() == VALUE_BYTES) & (first == n)
}

/// Returns `0..count` in an order without pattern.
pub fn shuffled(count: u64, seed: u64) -> Vec<u64> {
    let mut order: Vec<u64> = (0..count).collect();
    order.sort_by_cached_key(|n| mix(n ^ mix(seed)));
    order
}

/// The finisher of splitmix64: a permutation of all numbers.
fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn different_numbers_have_different_keys() {
        for shape in Shape::ALL {
            let mut keys: BTreeSet<Vec<u8>> = shape.keys(20_000).into_iter().collect();
            assert_eq!(keys.len(), 20_000, "{}", shape.name());
            assert!((0..20_000).all(|n| keys.insert(shape.absent(n))), "{}", shape.name());
        }
    }

    #[test]
    fn a_value_is_known_by_its_number() {
        assert!(is_value(&value(7), 7));
        assert!(!is_value(&value(7), 8));
        assert!(!is_value(&value(7)[1..], 7));
    }

    #[test]
    fn an_order_holds_every_number_once() {
        let order = shuffled(1000, 3);
        assert_ne!(order, shuffled(1000, 4));
        assert_eq!(order.into_iter().collect::<BTreeSet<_>>().len(), 1000);
    }
}
