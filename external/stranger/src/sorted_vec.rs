//! A memtable: a sorted vector behind a lock. Lookups are binary searches; an insert moves what
//! stands behind it, which is fine for a few thousand entries.

use std::{
    cmp::Reverse,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use lsmer_core::{
    BlockReader, Cursor, EntryBatch, EntryRef, KeyRange, Kind, Memtable, MemtableFactory,
    MemtableSpec, OwnedRange, Probe, Result, SeqNo, Step, Window, after_range, before_range,
};

/// About what an entry takes beside its key and value, in bytes.
const ENTRY_BYTES: usize = 80;

/// Makes memtables that are sorted vectors.
#[derive(Clone, Copy, Debug, Default)]
pub struct SortedVecs;

impl MemtableFactory for SortedVecs {
    fn name(&self) -> &'static str {
        "stranger.sorted-vec"
    }

    fn create(&self, spec: &MemtableSpec) -> Arc<dyn Memtable> {
        Arc::new(SortedVec { capacity: spec.bytes, state: RwLock::default() })
    }
}

/// The order of entries, and of the vector: keys ascend, of a key the newest version comes first.
type Version<'a> = (&'a [u8], Reverse<SeqNo>);

#[derive(Debug)]
struct Entry {
    key: Vec<u8>,
    seqno: SeqNo,
    kind: Kind,
    value: Vec<u8>,
}

impl Entry {
    fn version(&self) -> Version<'_> {
        (&self.key, Reverse(self.seqno))
    }

    fn borrowed(&self) -> EntryRef<'_> {
        EntryRef { key: &self.key, seqno: self.seqno, kind: self.kind, value: &self.value }
    }
}

#[derive(Debug)]
struct SortedVec {
    capacity: usize,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: Vec<Entry>,
    /// What was promised so far; it only grows (MEM-04).
    reserved: usize,
}

impl SortedVec {
    // A panic of another thread leaves the vector whole.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memtable for SortedVec {
    fn reserve(&self, entries: u32, bytes: usize) -> bool {
        let mut state = self.write();
        let sum = state.reserved + bytes + entries as usize * ENTRY_BYTES;
        // Into an empty memtable fits what its size allows, whatever this one needs on top.
        let fits = sum <= self.capacity || (state.reserved == 0 && bytes <= self.capacity);
        if fits {
            state.reserved = sum;
        }
        fits
    }

    fn insert(&self, entry: EntryRef<'_>) {
        let EntryRef { key, seqno, kind, value } = entry;
        let entries = &mut self.write().entries;
        let at = entries.partition_point(|other| other.version() < (key, Reverse(seqno)));
        entries.insert(at, Entry { key: key.to_vec(), seqno, kind, value: value.to_vec() });
    }

    fn get(&self, probe: &Probe<'_>, found: &mut dyn FnMut(EntryRef<'_>)) -> bool {
        let entries = &self.read().entries;
        let newest = (probe.key, Reverse(probe.snapshot));
        let at = entries.partition_point(|entry| entry.version() < newest);
        match entries.get(at).filter(|entry| entry.key == probe.key) {
            Some(entry) => {
                found(entry.borrowed());
                true
            }
            None => false,
        }
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor + Send> {
        let range = OwnedRange::default();
        Box::new(VecCursor { memtable: self, range, backward: false, shown: None })
    }

    fn bytes(&self) -> usize {
        self.read().reserved
    }
}

/// Copies a range, some entries at a time. Between two windows the lock is free, so the cursor
/// keeps no place but the version that it showed last.
#[derive(Debug)]
struct VecCursor {
    memtable: Arc<SortedVec>,
    range: OwnedRange,
    backward: bool,
    shown: Option<(Vec<u8>, SeqNo)>,
}

impl VecCursor {
    /// Copies what comes next, as much as fits.
    fn fill(&mut self, batch: &mut EntryBatch) {
        let (range, entries) = (self.range.get(), &self.memtable.read().entries);
        let mut start = entries.partition_point(|entry| before_range(&entry.key, range));
        let mut end = entries.partition_point(|entry| !after_range(&entry.key, range));
        if let Some((key, seqno)) = &self.shown {
            let shown = (&key[..], Reverse(*seqno));
            if self.backward {
                end = entries.partition_point(|entry| entry.version() < shown);
            } else {
                start = entries.partition_point(|entry| entry.version() <= shown);
            }
        }
        let left = entries.get(start..end).unwrap_or_default(); // a range may be empty
        let mut left = left.iter();
        while !batch.is_full() {
            let next = if self.backward { left.next_back() } else { left.next() };
            let Some(entry) = next else { break };
            batch.push(entry.borrowed());
            self.shown = Some((entry.key.clone(), entry.seqno));
        }
        if self.backward {
            batch.reverse(); // a window ascends, also on the way back
        }
    }
}

impl Cursor for VecCursor {
    fn seek(
        &mut self,
        range: KeyRange<'_>,
        backward: bool,
        _: &mut BlockReader<'_>,
    ) -> Result<Step<()>> {
        self.range.set(range);
        (self.backward, self.shown) = (backward, None);
        Ok(Step::Done(()))
    }

    fn next_window(&mut self, out: &mut Window, _: &mut BlockReader<'_>) -> Result<Step<()>> {
        let batch = out.batch();
        self.fill(batch);
        if batch.is_empty() {
            *out = Window::End;
        }
        Ok(Step::Done(()))
    }
}
