//! Separators: short keys that stand between two blocks.

use lsmer_core::mutant;

/// Appends the shortest `s` with `last <= s < next`; `last` itself if none is shorter.
///
/// Requires: `last < next`.
pub(crate) fn put_separator(out: &mut Vec<u8>, last: &[u8], next: &[u8]) {
    debug_assert!(last < next, "keys ascend");
    let shared = last.iter().zip(next).take_while(|(a, b)| a == b).count();
    // No separator is shorter than one byte past the shared ones, unless `last` ends with them.
    if last.len() <= shared + 1 {
        return out.extend_from_slice(last);
    }
    if next.len() > shared + 1 || mutant!("separator-is-the-next-key") {
        return out.extend_from_slice(&next[..=shared]);
    }
    // `next` ends right there, so a proper prefix of it is too small. Raise the first byte that
    // leaves the result below `next`.
    let raised = (shared..last.len() - 1)
        .find(|at| last[*at] < u8::MAX && (*at > shared || last[*at] + 1 < next[shared]));
    let Some(at) = raised else { return out.extend_from_slice(last) };
    out.extend_from_slice(&last[..at]);
    out.push(last[at] + 1);
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn between(last: &[u8], next: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put_separator(&mut out, last, next);
        out
    }

    #[test]
    fn separators_are_short() {
        assert_eq!(between(b"user1234", b"user5678"), b"user5");
        assert_eq!(between(b"abc", b"abcd"), b"abc");
        assert_eq!(between(b"abcd", b"ad"), b"ac");
        assert_eq!(between(b"abcd", b"ac"), b"abd");
        assert_eq!(between(b"ab\xff\xff", b"ac"), b"ab\xff\xff");
        assert_eq!(between(b"", b"a"), b"");
    }

    proptest! {
        #[test]
        fn they_lie_between_and_nothing_shorter_does(
            a in vec(prop_oneof![0..3_u8, 253..=255_u8], 0..5),
            b in vec(prop_oneof![0..3_u8, 253..=255_u8], 0..5),
        ) {
            prop_assume!(a != b);
            let (last, next) = if a < b { (a, b) } else { (b, a) };
            let separator = between(&last, &next);
            prop_assert!(last <= separator && separator < next);
            prop_assert!(separator.len() <= last.len());
            // The smallest key at or above `last` with fewer bytes is `last`, cut and raised.
            for bytes in 0..separator.len() {
                let mut cut = last[..bytes].to_vec();
                while cut.last() == Some(&u8::MAX) {
                    cut.pop();
                }
                if let Some(byte) = cut.last_mut() {
                    *byte += 1;
                    prop_assert!(cut >= next, "{:?} is shorter", cut);
                }
            }
        }
    }
}
