//! The seqnos that somebody reads at.
//!
//! Registering a snapshot and taking its seqno are one step as compaction sees them: both happen
//! under this lock, and so does a merge's look at the list.

use std::collections::BTreeMap;

use lsmer_core::{SeqNo, mutant, twin};
use lsmer_sync::Mutex;

use crate::visible::Visible;

#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    live: Mutex<BTreeMap<SeqNo, usize>>,
}

impl Snapshots {
    /// Registers a snapshot of what is visible.
    pub(crate) fn register(&self, visible: &Visible) -> SeqNo {
        let early = twin!("snapshot-seqno-before-its-lock").then(|| visible.get());
        let mut live = self.live.lock();
        let seqno = early.unwrap_or_else(|| visible.get());
        *live.entry(seqno).or_default() += 1;
        seqno
    }

    /// Registers a further holder of a snapshot that is alive.
    pub(crate) fn register_again(&self, seqno: SeqNo) {
        *self.live.lock().entry(seqno).or_default() += 1;
    }

    pub(crate) fn release(&self, seqno: SeqNo) {
        let mut live = self.live.lock();
        let count = live.get_mut(&seqno).expect("a snapshot is released once");
        *count -= 1;
        if *count == 0 {
            live.remove(&seqno);
        }
    }

    /// Returns the seqnos that a merge has to keep apart: live snapshots, and what is visible.
    pub(crate) fn boundaries(&self, visible: &Visible) -> Vec<SeqNo> {
        let live = self.live.lock();
        let mut all: Vec<SeqNo> = live.keys().copied().collect();
        if mutant!("merge-ignores-snapshots") {
            all.clear();
        }
        if mutant!("merge-keeps-the-oldest-snapshot-only") {
            all.truncate(1);
        }
        let now = visible.get();
        if all.last().is_none_or(|last| *last < now) {
            all.push(now);
        }
        all
    }

    pub(crate) fn count(&self) -> usize {
        self.live.lock().values().sum()
    }
}
