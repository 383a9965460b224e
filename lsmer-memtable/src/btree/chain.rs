//! Versions of one key: a chain from the newest to the oldest.
//!
//! Writers hold the lock of the leaf in which the newest is. Commits may insert in another order
//! than that of their seqnos, so a version may have to go between two others.

use lsmer_core::{SeqNo, mutant};

use super::entry::{Entries, EntryAt, Slot};

/// Adds a version to the chain that begins with `newest`, which `slot` has.
pub(super) fn add(entries: &Entries, slot: &Slot, newest: EntryAt, at: EntryAt) {
    let seqno = entries.seqno(at);
    let (mut slot, mut next) = (slot, Some(newest));
    while let Some(newer) = next.filter(|&next| entries.seqno(next) > seqno) {
        if mutant!("btree-late-version-is-the-newest") {
            break;
        }
        slot = entries.older(newer);
        next = slot.load();
    }
    entries.older(at).store(next);
    slot.store(Some(at));
}

/// Returns the newest version that a snapshot sees.
#[inline]
pub(super) fn visible(entries: &Entries, newest: EntryAt, snapshot: SeqNo) -> Option<EntryAt> {
    let mut next = Some(newest);
    while let Some(newer) = next.filter(|&next| entries.seqno(next) > snapshot) {
        next = entries.older(newer).load();
    }
    next
}
