//! Ranges of keys as arguments, `..` included.

use std::ops::{Bound, Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use lsmer_core::KeyRange;

/// A range of keys: `..`, `a..b`, `a..=b`, `a..`, `..b`, `..=b`, or a pair of bounds.
///
/// `std::ops::RangeBounds<K>` would not do: of a plain `..` nobody could tell the type of the keys.
pub trait KeyBounds {
    /// Returns the range, borrowed.
    fn key_bounds(&self) -> KeyRange<'_>;
}

impl KeyBounds for RangeFull {
    fn key_bounds(&self) -> KeyRange<'_> {
        (Bound::Unbounded, Bound::Unbounded)
    }
}

impl<K: AsRef<[u8]>> KeyBounds for (Bound<K>, Bound<K>) {
    fn key_bounds(&self) -> KeyRange<'_> {
        (self.0.as_ref().map(AsRef::as_ref), self.1.as_ref().map(AsRef::as_ref))
    }
}

impl<K: AsRef<[u8]>> KeyBounds for Range<K> {
    fn key_bounds(&self) -> KeyRange<'_> {
        (Bound::Included(self.start.as_ref()), Bound::Excluded(self.end.as_ref()))
    }
}

impl<K: AsRef<[u8]>> KeyBounds for RangeInclusive<K> {
    fn key_bounds(&self) -> KeyRange<'_> {
        (Bound::Included(self.start().as_ref()), Bound::Included(self.end().as_ref()))
    }
}

impl<K: AsRef<[u8]>> KeyBounds for RangeFrom<K> {
    fn key_bounds(&self) -> KeyRange<'_> {
        (Bound::Included(self.start.as_ref()), Bound::Unbounded)
    }
}

impl<K: AsRef<[u8]>> KeyBounds for RangeTo<K> {
    fn key_bounds(&self) -> KeyRange<'_> {
        (Bound::Unbounded, Bound::Excluded(self.end.as_ref()))
    }
}

impl<K: AsRef<[u8]>> KeyBounds for RangeToInclusive<K> {
    fn key_bounds(&self) -> KeyRange<'_> {
        (Bound::Unbounded, Bound::Included(self.end.as_ref()))
    }
}
