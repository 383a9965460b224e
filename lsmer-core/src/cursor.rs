//! The seam for ordered reading: a cursor shows windows of entries.

use std::{fmt, ops::Bound};

use crate::{BlockReader, Result, Step, Window, mutant};

/// A range of user keys, borrowed.
pub type KeyRange<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// Walks entries in internal order, in either direction, a [`Window`] at a time.
///
/// # Obligations
///
/// - `CURSOR-01` The windows that follow a `seek` hold exactly the entries whose keys are in its
///   range, each once; forward they ascend, backward the windows come last first (the entries
///   inside a window always ascend).
/// - `CURSOR-02` On [`Step::Miss`] the cursor stands where it stood.
/// - `CURSOR-03` A cursor that failed stays failed until the next `seek`: it never skips on.
pub trait Cursor: fmt::Debug {
    /// Goes to the front of a range of user keys, or to its back. The bounds are copied. A range
    /// without keys is fine: a cursor that waits for its next walk is sent through one, and lets go
    /// of the blocks that it holds.
    ///
    /// # Errors
    ///
    /// `Corruption` from a source.
    fn seek(
        &mut self,
        range: KeyRange<'_>,
        backward: bool,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<()>>;

    /// Shows the entries that follow the last window; [`Window::End`] once there are none. The
    /// buffers of `out` are reused.
    ///
    /// # Errors
    ///
    /// `Corruption` from a source.
    fn next_window(&mut self, out: &mut Window, blocks: &mut BlockReader<'_>) -> Result<Step<()>>;
}

/// The range that holds every key.
pub const ALL: KeyRange<'static> = (Bound::Unbounded, Bound::Unbounded);

/// A range of user keys, owned: what a cursor keeps. Its buffers are reused from seek to seek.
#[derive(Clone, Debug, Default)]
pub struct OwnedRange {
    low: Vec<u8>,
    high: Vec<u8>,
    low_kind: BoundKind,
    high_kind: BoundKind,
}

#[derive(Clone, Copy, Debug, Default)]
enum BoundKind {
    Included,
    Excluded,
    #[default]
    Unbounded,
}

impl OwnedRange {
    /// Takes a copy of a range.
    pub fn set(&mut self, range: KeyRange<'_>) {
        self.low_kind = store(&mut self.low, range.0);
        self.high_kind = store(&mut self.high, range.1);
    }

    /// Returns the range.
    pub fn get(&self) -> KeyRange<'_> {
        (load(&self.low, self.low_kind), load(&self.high, self.high_kind))
    }
}

fn store(buffer: &mut Vec<u8>, bound: Bound<&[u8]>) -> BoundKind {
    buffer.clear();
    let (key, kind) = match bound {
        Bound::Included(key) => (key, BoundKind::Included),
        Bound::Excluded(key) => (key, BoundKind::Excluded),
        Bound::Unbounded => (&[][..], BoundKind::Unbounded),
    };
    buffer.extend_from_slice(key);
    kind
}

fn load(buffer: &[u8], kind: BoundKind) -> Bound<&[u8]> {
    match kind {
        BoundKind::Included => Bound::Included(buffer),
        BoundKind::Excluded => Bound::Excluded(buffer),
        BoundKind::Unbounded => Bound::Unbounded,
    }
}

/// Returns whether `key` is before the range.
pub fn before_range(key: &[u8], range: KeyRange<'_>) -> bool {
    match range.0 {
        Bound::Included(low) => key < low,
        Bound::Excluded(low) => key <= low,
        Bound::Unbounded => false,
    }
}

/// Returns whether `key` is after the range.
pub fn after_range(key: &[u8], range: KeyRange<'_>) -> bool {
    match range.1 {
        Bound::Included(high) => key > high,
        Bound::Excluded(high) if mutant!("excluded-end-included") => key > high,
        Bound::Excluded(high) => key >= high,
        Bound::Unbounded => false,
    }
}

/// Returns whether no key can be in the range.
pub fn is_empty_range(range: KeyRange<'_>) -> bool {
    match range {
        (Bound::Included(low), Bound::Included(high)) => low > high,
        (Bound::Included(low) | Bound::Excluded(low), Bound::Excluded(high))
        | (Bound::Excluded(low), Bound::Included(high)) => low >= high,
        (Bound::Unbounded, Bound::Excluded(high)) => high.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_kept_and_answers_for_its_edges() {
        let mut owned = OwnedRange::default();
        let range: KeyRange<'_> = (Bound::Excluded(b"b"), Bound::Included(b"d"));
        owned.set(range);
        assert_eq!(owned.get(), range);
        assert!(before_range(b"b", range) && !before_range(b"c", range));
        assert!(after_range(b"da", range) && !after_range(b"d", range));
        assert!(is_empty_range((Bound::Included(b"b"), Bound::Excluded(b"b"))));
        assert!(!is_empty_range((Bound::Included(b"b"), Bound::Included(b"b"))));
        assert!(!is_empty_range(ALL));
    }
}
