//! Sealing memtables. Called inside the commit's critical section, so that a batch never
//! straddles a rotation in any keyspace it touches.

use std::sync::Arc;

use lsmer_core::mutant;

use crate::{
    shared::Shared,
    space::{MAX_SEALED, Space, new_mem},
};

impl Shared {
    /// Seals the active memtable of a keyspace and puts one of at least `bytes` in its place.
    pub(crate) fn rotate(self: &Arc<Self>, space: &Arc<Space>, bytes: usize) {
        let mem = new_mem(&*self.parts.memtable, bytes);
        space.change_view(|view| {
            let sealed = std::mem::replace(&mut view.active, mem);
            let last = mutant!("sealed-memtables-out-of-order");
            view.sealed.insert(if last { view.sealed.len() } else { 0 }, sealed);
        });
        self.schedule(space);
    }

    /// Seals every memtable that has an entry.
    pub(crate) fn rotate_all(self: &Arc<Self>) {
        for space in self.all_spaces() {
            if !space.view().active.is_empty() {
                self.rotate(&space, self.options.memtable_bytes());
            }
        }
    }

    /// Seals the memtable that holds the log back the longest, if the log it needs is larger than
    /// the whole memory budget: an idle keyspace must not make the log, and with it recovery, grow
    /// without bound.
    pub(crate) fn bound_log(self: &Arc<Self>) {
        let Some(wal) = &self.wal else { return };
        let _commit = self.commit.lock();
        let spaces = self.all_spaces();
        let first_lsn = |space: &Arc<Space>| {
            let view = space.view();
            view.mems().filter(|mem| !mem.is_empty()).map(|mem| mem.first_lsn()).min()
        };
        let oldest = spaces
            .iter()
            .filter_map(|space| Some((first_lsn(space)?, space)))
            .min_by_key(|(lsn, _)| *lsn);
        let Some((lsn, oldest)) = oldest else { return };
        if wal.stats().tail.0.saturating_sub(lsn.0) <= self.options.memory_budget as u64 {
            return;
        }
        if oldest.view().sealed.is_empty() {
            self.rotate(oldest, self.options.memtable_bytes());
        } else {
            // It failed before, or it is under way.
            self.schedule(oldest);
        }
    }

    /// Seals the largest active memtable if all of them together are over their share of the
    /// budget; returns how much the rest takes.
    pub(crate) fn shrink_active(self: &Arc<Self>) -> usize {
        let spaces = self.all_spaces();
        let bytes = |space: &Arc<Space>| {
            let view = space.view();
            if view.active.is_empty() { 0 } else { view.active.table.bytes() }
        };
        let sum: usize = spaces.iter().map(bytes).sum();
        let may_seal =
            |space: &&Arc<Space>| bytes(space) > 0 && space.view().sealed.len() < MAX_SEALED;
        let largest = spaces.iter().filter(may_seal).max_by_key(|space| bytes(space));
        let Some(largest) = largest else { return sum };
        if sum <= self.options.active_bytes() || spaces.len() == 1 {
            return sum;
        }
        let freed = bytes(largest);
        self.rotate(largest, self.options.memtable_bytes());
        sum - freed
    }
}
