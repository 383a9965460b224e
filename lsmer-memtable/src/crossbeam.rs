//! The reference: crossbeam's skiplist map, with an allocation per entry.
//!
//! Slower than [`SkipArena`](crate::SkipArena), and in safe code throughout: what the two answer
//! must be the same.

use std::{borrow::Borrow, cmp::Ordering as Order, fmt, ops::Bound, sync::Arc};

use crossbeam_skiplist::{SkipMap, map::Entry};
use lsmer_core::{
    BlockReader, Cursor, EntryBatch, EntryRef, KeyRange, Kind, Memtable, MemtableFactory,
    MemtableSpec, OwnedRange, Probe, Result, SeqNo, Step, Window, after_range, before_range,
    mutant,
};
use lsmer_sync::atomic::{AtomicUsize, Ordering};

/// What an entry costs beside its key and value, in bytes: a node of the map, two allocations.
const ENTRY_BYTES: usize = 96;

/// A memtable over [`SkipMap`].
pub struct CrossbeamMemtable {
    map: SkipMap<Version, (Kind, Box<[u8]>)>,
    capacity: usize,
    /// Bytes reserved, by the accounting of [`ENTRY_BYTES`].
    reserved: AtomicUsize,
}

impl CrossbeamMemtable {
    /// Makes a factory of such memtables.
    pub fn factory() -> Arc<dyn MemtableFactory> {
        Arc::new(Factory)
    }
}

impl fmt::Debug for CrossbeamMemtable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CrossbeamMemtable")
            .field("entries", &self.map.len())
            .field("bytes", &self.bytes())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Factory;

impl MemtableFactory for Factory {
    fn name(&self) -> &'static str {
        "crossbeam"
    }

    fn create(&self, spec: &MemtableSpec) -> Arc<dyn Memtable> {
        let reserved = AtomicUsize::new(0);
        Arc::new(CrossbeamMemtable { map: SkipMap::new(), capacity: spec.bytes, reserved })
    }
}

impl Memtable for CrossbeamMemtable {
    fn reserve(&self, entries: u32, bytes: usize) -> bool {
        let cost = (entries as usize).saturating_mul(ENTRY_BYTES).saturating_add(bytes);
        // `Relaxed`: the counter guards no data.
        self.reserved
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |reserved| {
                let sum = reserved.checked_add(cost)?;
                let first = reserved == 0 && bytes <= self.capacity;
                (first || sum <= self.capacity).then_some(sum)
            })
            .is_ok()
    }

    fn insert(&self, entry: EntryRef<'_>) {
        let version = Version { key: entry.key.into(), seqno: entry.seqno };
        self.map.insert(version, (entry.kind, entry.value.into()));
    }

    fn get(&self, probe: &Probe<'_>, found: &mut dyn FnMut(EntryRef<'_>)) -> bool {
        let any = mutant!("crossbeam-ignores-the-snapshot");
        let newest: &dyn Place = &(probe.key, if any { SeqNo::MAX } else { probe.snapshot });
        match self.map.lower_bound(Bound::Included(newest)) {
            Some(node) if *node.key().key == *probe.key => {
                found(entry_of(&node));
                true
            }
            _ => false,
        }
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor + Send> {
        let range = OwnedRange::default();
        Box::new(MapCursor { table: self, range, backward: false, at: At::End })
    }

    fn bytes(&self) -> usize {
        self.reserved.load(Ordering::Relaxed)
    }
}

type Node<'a> = Entry<'a, Version, (Kind, Box<[u8]>)>;

fn entry_of<'a>(node: &'a Node<'_>) -> EntryRef<'a> {
    let (version, (kind, value)) = (node.key(), node.value());
    EntryRef { key: &version.key, seqno: version.seqno, kind: *kind, value }
}

/// A key of the map. Owned; looked up through [`Place`], so that a lookup copies nothing.
#[derive(Clone, Debug)]
struct Version {
    key: Box<[u8]>,
    seqno: SeqNo,
}

/// A place in internal order.
trait Place {
    fn place(&self) -> (&[u8], SeqNo);
}

impl Place for Version {
    fn place(&self) -> (&[u8], SeqNo) {
        (&self.key, self.seqno)
    }
}

impl Place for (&[u8], SeqNo) {
    fn place(&self) -> (&[u8], SeqNo) {
        *self
    }
}

impl<'a> Borrow<dyn Place + 'a> for Version {
    fn borrow(&self) -> &(dyn Place + 'a) {
        self
    }
}

impl Ord for dyn Place + '_ {
    fn cmp(&self, other: &Self) -> Order {
        let ((key, seqno), (other_key, other_seqno)) = (self.place(), other.place());
        key.cmp(other_key).then(other_seqno.cmp(&seqno))
    }
}

impl PartialOrd for dyn Place + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl PartialEq for dyn Place + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for dyn Place + '_ {}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Order {
        let (this, other): (&dyn Place, &dyn Place) = (self, other);
        this.cmp(other)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

#[derive(Debug)]
struct MapCursor {
    table: Arc<CrossbeamMemtable>,
    range: OwnedRange,
    backward: bool,
    at: At,
}

/// Where a cursor stands.
#[derive(Debug)]
enum At {
    /// At the edge of the range.
    Edge,
    /// Behind this entry, in the direction it walks.
    Behind(Version),
    End,
}

impl MapCursor {
    /// Returns the first node to show.
    fn node(&self) -> Option<Node<'_>> {
        let map = &self.table.map;
        let (low, high) = self.range.get();
        let edge;
        let bound: Bound<&dyn Place> = match &self.at {
            At::End => return None,
            At::Behind(last) => Bound::Excluded(last),
            At::Edge => {
                // Versions of a key stand newest first: the front of a key is its largest seqno.
                let key = if self.backward { high } else { low };
                edge = match (key, self.backward) {
                    (Bound::Unbounded, _) => (&[][..], SeqNo::ZERO),
                    (Bound::Included(key), false) | (Bound::Excluded(key), true) => {
                        (key, SeqNo::MAX)
                    }
                    (Bound::Included(key), true) | (Bound::Excluded(key), false) => {
                        (key, SeqNo::ZERO)
                    }
                };
                key.map(|_| &edge as &dyn Place)
            }
        };
        if self.backward { map.upper_bound(bound) } else { map.lower_bound(bound) }
    }

    /// Fills a batch with what follows, and returns where that ends.
    fn fill(&self, batch: &mut EntryBatch) -> At {
        let outside = if self.backward { before_range } else { after_range };
        let mut last = None;
        let mut node = self.node();
        while let Some(here) = node.take().filter(|_| !batch.is_full()) {
            let entry = entry_of(&here);
            if outside(entry.key, self.range.get()) {
                break;
            }
            batch.push(entry);
            node = if self.backward { here.prev() } else { here.next() };
            last = Some(here);
        }
        if self.backward {
            batch.reverse();
        }
        last.map_or(At::End, |node| At::Behind(node.key().clone()))
    }
}

impl Cursor for MapCursor {
    fn seek(
        &mut self,
        range: KeyRange<'_>,
        backward: bool,
        _blocks: &mut BlockReader<'_>,
    ) -> Result<Step<()>> {
        self.range.set(range);
        (self.backward, self.at) = (backward, At::Edge);
        Ok(Step::Done(()))
    }

    fn next_window(&mut self, out: &mut Window, _blocks: &mut BlockReader<'_>) -> Result<Step<()>> {
        let batch = out.batch();
        self.at = self.fill(batch);
        if batch.is_empty() {
            *out = Window::End;
        }
        Ok(Step::Done(()))
    }
}
