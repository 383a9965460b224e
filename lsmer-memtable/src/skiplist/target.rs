//! A place between entries, to search for.

use lsmer_core::{SeqNo, head};

/// A place in internal order: before an entry of this key and seqno, or behind all of the key's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    head: u64,
    key: &'a [u8],
    seqno: SeqNo,
    behind: bool,
}

impl<'a> Target<'a> {
    /// Returns the place just before the entry (`key`, `seqno`). `head` is the key's.
    pub(super) fn at(head: u64, key: &'a [u8], seqno: SeqNo) -> Self {
        Self { head, key, seqno, behind: false }
    }

    /// Returns the place before all entries of a key.
    pub(super) fn before(key: &'a [u8]) -> Self {
        Self::at(head(key), key, SeqNo::MAX)
    }

    /// Returns the place behind all entries of a key.
    pub(super) fn behind(key: &'a [u8]) -> Self {
        Self { behind: true, ..Self::at(head(key), key, SeqNo::ZERO) }
    }

    /// Returns whether an entry stands before this place. Asks for the rest of it only if the
    /// heads are the same.
    #[inline]
    pub(super) fn is_after<'b>(&self, head: u64, rest: impl FnOnce() -> (&'b [u8], SeqNo)) -> bool {
        if head != self.head {
            return head < self.head;
        }
        let (key, seqno) = rest();
        // With equal heads, a key of up to eight bytes begins the other one, or is it.
        let order = match (key.get(8..), self.key.get(8..)) {
            (Some(tail), Some(other)) => tail.cmp(other),
            _ => key.len().cmp(&self.key.len()),
        };
        order.then(self.seqno.cmp(&seqno)).is_lt()
            || (self.behind && order.is_eq() && seqno == self.seqno)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(0xff)], 0..11)
    }

    proptest! {
        #[test]
        fn the_order_is_key_ascending_then_newest_first(
            a in key(), b in key(), s in 0..3_u64, t in 0..3_u64,
        ) {
            let target = Target::at(head(&b), &b, SeqNo(t));
            let got = target.is_after(head(&a), || (&a, SeqNo(s)));
            prop_assert_eq!(got, (&a, !s) < (&b, !t));
            let got = Target::before(&b).is_after(head(&a), || (&a, SeqNo(s)));
            prop_assert_eq!(got, a < b);
            let got = Target::behind(&b).is_after(head(&a), || (&a, SeqNo(s)));
            prop_assert_eq!(got, a <= b);
        }
    }
}
