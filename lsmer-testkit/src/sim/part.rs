//! The pieces into which pending changes fall.

use std::{ops::Range, sync::Arc};

use super::{content::PAGE, disk::Ino};

/// What a disk writes without tearing it, in bytes.
pub(super) const SECTOR: u64 = 512;

/// The smallest thing that is there or not there after a power loss.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) event: usize,
    /// The file or folder that it changes.
    pub(super) node: Ino,
    pub(super) what: What,
    pub(super) fate: Fate,
}

/// What a sync has said about a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing yet: the next sync makes it durable.
    Open,
    /// A sync failed and marked it clean: no later one makes it durable.
    Doomed,
    /// It is durable. It is kept because it stands behind a doomed one.
    Sure,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// Bytes of the event's write.
    Data(Range<u64>),
    /// The file gets longer because of a write, whose own bytes at its new end are these.
    Grow(Range<u64>),
    SetLen(u64),
    Link(Arc<str>, Ino),
    Unlink(Arc<str>),
}

/// Cuts a range at the multiples of `unit`.
pub(super) fn cut(range: Range<u64>, unit: u64) -> impl Iterator<Item = Range<u64>> {
    (range.start / unit..range.end.div_ceil(unit))
        .map(move |n| range.start.max(n * unit)..range.end.min((n + 1) * unit))
}

/// Cuts a write into pages, the first behind its first sector, and the last before its last.
pub(super) fn tear(range: Range<u64>) -> Vec<Range<u64>> {
    let mut parts = Vec::new();
    let head = (range.start / SECTOR + 1) * SECTOR;
    let tail = range.end.saturating_sub(1) / SECTOR * SECTOR;
    for page in cut(range.clone(), PAGE) {
        let mut from = page.start;
        for at in [head, tail] {
            if from < at && at < page.end {
                parts.push(from..at);
                from = at;
            }
        }
        parts.push(from..page.end);
    }
    parts
}
