//! Which versions outlive a merge.
//!
//! The seqnos at which somebody may read (live snapshots, and what is visible now) cut the history
//! of a key into stripes. Of each stripe only the newest version can ever be seen again. A delete
//! in the oldest stripe is dropped when nothing older than the merge can hold its key. Versions
//! newer than what is visible all stay: snapshots may yet be taken between them.

use std::ops::Range;

use lsmer_core::{Kind, Result, SeqNo, Window, mutant};

use crate::row::Row;

#[derive(Debug)]
pub(crate) struct Survive {
    /// Seqnos that somebody reads at, ascending; the last is what was visible.
    boundaries: Vec<SeqNo>,
    /// The last key that was looked at.
    key: Vec<u8>,
    /// The stripe of its last version that was kept or dropped for good; `None` before any.
    stripe: Option<usize>,
}

/// The stripe of what nobody has looked at yet.
const UNKNOWN: usize = usize::MAX;

impl Survive {
    /// Requires: `boundaries` ascend and are not empty.
    pub(crate) fn new(boundaries: Vec<SeqNo>) -> Self {
        assert!(boundaries.is_sorted() && !boundaries.is_empty(), "somebody reads what is visible");
        Self { boundaries, key: Vec::new(), stripe: None }
    }

    /// Decides on the next rows of a merge, which are in internal order, and calls `keep` with
    /// the stretches that outlive it. `bottom` says whether nothing older than the merge can hold
    /// a key.
    ///
    /// # Errors
    ///
    /// What `keep` returns.
    pub(crate) fn sift(
        &mut self,
        window: &Window,
        rows: Range<u32>,
        bottom: impl Fn(&[u8]) -> bool,
        mut keep: impl FnMut(Range<u32>) -> Result<()>,
    ) -> Result<()> {
        let mut start = rows.start;
        for at in rows.clone() {
            let row = Row { window, at };
            let again = if at == rows.start {
                self.stripe.is_some() && row.key().is(&self.key, 0)
            } else {
                row.repeats()
            };
            if !again {
                self.stripe = Some(UNKNOWN);
            }
            if !self.keeps(row, &bottom) {
                if start < at {
                    keep(start..at)?;
                }
                start = at + 1;
            }
        }
        if let Some(last) = rows.clone().last() {
            Row { window, at: last }.key().copy_to(&mut self.key, 0);
        }
        if start < rows.end { keep(start..rows.end) } else { Ok(()) }
    }

    fn keeps(&mut self, row: Row<'_>, bottom: &impl Fn(&[u8]) -> bool) -> bool {
        let stripe = self.stripe_of(row);
        if stripe == self.boundaries.len() {
            return true;
        }
        if self.stripe == Some(stripe) {
            return false;
        }
        self.stripe = Some(stripe);
        let is_oldest = stripe == 0 || mutant!("delete-dropped-above-a-snapshot");
        if !is_oldest || row.kind() != Kind::Delete {
            return true;
        }
        let mut key = Vec::new();
        row.key().copy_to(&mut key, 0);
        !bottom(&key)
    }

    fn stripe_of(&self, row: Row<'_>) -> usize {
        let itself = mutant!("snapshot-misses-its-own-seqno");
        if !itself && !row.is_after(self.boundaries[0]) {
            return 0;
        }
        let written = row.seqno();
        let is_before = |seqno: &SeqNo| *seqno < written || itself && *seqno == written;
        self.boundaries.partition_point(is_before)
    }
}

#[cfg(test)]
mod tests {
    use lsmer_core::{EntryBatch, EntryRef};
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn kept(boundaries: &[u64], versions: &[(u64, Kind)], bottom: bool) -> Vec<(u64, Kind)> {
        let mut survive = Survive::new(boundaries.iter().map(|seqno| SeqNo(*seqno)).collect());
        let mut batch = EntryBatch::default();
        for (seqno, kind) in versions {
            let entry = EntryRef { key: b"k", seqno: SeqNo(*seqno), kind: *kind, value: b"" };
            batch.push(entry);
        }
        let window = Window::Batch(batch);
        let mut kept = Vec::new();
        let mut keep = |rows: Range<u32>| {
            kept.extend(rows.map(|at| versions[at as usize]));
            Ok(())
        };
        // In two pieces: the key is remembered from one to the next.
        let half = window.range().end / 2;
        survive.sift(&window, 0..half, |_| bottom, &mut keep).unwrap();
        survive.sift(&window, half..window.range().end, |_| bottom, &mut keep).unwrap();
        kept
    }

    fn read(versions: &[(u64, Kind)], at: u64) -> Option<(u64, Kind)> {
        versions.iter().find(|(seqno, _)| *seqno <= at).copied()
    }

    #[test]
    fn a_delete_stays_while_a_snapshot_reads_below_it() {
        let versions = [(9, Kind::Delete), (5, Kind::Put), (3, Kind::Put)];
        assert_eq!(kept(&[20], &versions, true), []);
        assert_eq!(kept(&[20], &versions, false), [(9, Kind::Delete)]);
        assert_eq!(kept(&[6, 20], &versions, true), [(9, Kind::Delete), (5, Kind::Put)]);
    }

    #[test]
    fn what_is_not_visible_yet_all_stays() {
        let versions = [(9, Kind::Put), (8, Kind::Delete), (5, Kind::Put), (4, Kind::Put)];
        let want = [(9, Kind::Put), (8, Kind::Delete), (5, Kind::Put)];
        assert_eq!(kept(&[7], &versions, true), want);
    }

    proptest! {
        #[test]
        fn every_reader_reads_what_it_read_before(
            mut seqnos in vec(1..40_u64, 1..12), deletes in vec(any::<bool>(), 12),
            mut boundaries in vec(0..40_u64, 1..5), bottom: bool,
        ) {
            seqnos.sort_unstable_by(|a, b| b.cmp(a));
            seqnos.dedup();
            boundaries.sort_unstable();
            boundaries.dedup();
            let kinds = deletes.iter().map(|gone| if *gone { Kind::Delete } else { Kind::Put });
            let versions: Vec<_> = seqnos.into_iter().zip(kinds).collect();
            let kept = kept(&boundaries, &versions, bottom);
            let visible = *boundaries.last().unwrap();
            for at in boundaries.into_iter().chain(visible..45) {
                let put = |found: Option<(u64, Kind)>| found.filter(|(_, kind)| *kind == Kind::Put);
                prop_assert_eq!(put(read(&kept, at)), put(read(&versions, at)), "at {}", at);
                if !bottom {
                    prop_assert_eq!(read(&kept, at), read(&versions, at), "hides what is below");
                }
            }
        }
    }
}
