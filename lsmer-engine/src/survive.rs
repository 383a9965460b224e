//! Which versions outlive a merge.
//!
//! The seqnos at which somebody may read (live snapshots, and what is visible now) cut the history
//! of a key into stripes. Of each stripe only the newest version can ever be seen again. A delete
//! in the oldest stripe is dropped when nothing older than the merge can hold its key. Versions
//! newer than what is visible all stay: snapshots may yet be taken between them.

use lsmer_core::{EntryRef, Kind, SeqNo, mutant};

#[derive(Debug)]
pub(crate) struct Survive {
    /// Seqnos that somebody reads at, ascending; the last is what was visible.
    boundaries: Vec<SeqNo>,
    key: Vec<u8>,
    /// The stripe of the last version of `key` that was kept or dropped for good.
    stripe: Option<usize>,
}

impl Survive {
    /// Requires: `boundaries` ascend and are not empty.
    pub(crate) fn new(boundaries: Vec<SeqNo>) -> Self {
        assert!(boundaries.is_sorted() && !boundaries.is_empty(), "somebody reads what is visible");
        Self { boundaries, key: Vec::new(), stripe: None }
    }

    /// Decides on the next entry of a merge, in internal order. `bottom` says whether nothing
    /// older than the merge can hold the key.
    pub(crate) fn keeps(&mut self, entry: EntryRef<'_>, bottom: impl FnOnce() -> bool) -> bool {
        if self.stripe.is_none() || self.key != entry.key {
            self.key.clear();
            self.key.extend_from_slice(entry.key);
            self.stripe = Some(usize::MAX);
        }
        let itself = mutant!("snapshot-misses-its-own-seqno");
        let is_before = |seqno: &SeqNo| *seqno < entry.seqno || itself && *seqno == entry.seqno;
        let stripe = self.boundaries.partition_point(is_before);
        if stripe == self.boundaries.len() {
            return true;
        }
        if self.stripe == Some(stripe) {
            return false;
        }
        self.stripe = Some(stripe);
        let is_oldest = stripe == 0 || mutant!("delete-dropped-above-a-snapshot");
        !(entry.kind == Kind::Delete && is_oldest && bottom())
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn kept(boundaries: &[u64], versions: &[(u64, Kind)], bottom: bool) -> Vec<(u64, Kind)> {
        let mut survive = Survive::new(boundaries.iter().map(|seqno| SeqNo(*seqno)).collect());
        let mut keep = |(seqno, kind): &(u64, Kind)| {
            let entry = EntryRef { key: b"k", seqno: SeqNo(*seqno), kind: *kind, value: b"" };
            survive.keeps(entry, || bottom)
        };
        versions.iter().filter(|version| keep(version)).copied().collect()
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
