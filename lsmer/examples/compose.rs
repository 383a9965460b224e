//! An engine with parts of your own: a memtable and compaction strategies that are defined here,
//! in safe code, against the same traits as the parts that ship.
//!
//! Run with `cargo run -p lsmer --example compose`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]
#![forbid(unsafe_code)]

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lsmer::{
    Db, KeyspaceOptions, Result, SeqNo,
    parts::core::{
        BlockReader, CompactionJob, CompactionStrategy, Cursor, EntryBatch, EntryRef, JobInput,
        JobOutput, KeyRange, Kind, Memtable, MemtableFactory, MemtableSpec, OwnedRange, Place,
        PlanContext, Probe, Run, Step, Target, TreeView, Window, is_empty_range,
    },
};

// ---- A memtable: an ordered map behind a lock -------------------------------------------------

/// Internal order, as a tuple: keys ascend, and the versions of a key come newest first.
type Version = (Vec<u8>, Reverse<SeqNo>);

/// Entries in a `BTreeMap`.
#[derive(Debug)]
struct LockedMap {
    state: Mutex<State>,
    capacity: usize,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<Version, (Kind, Vec<u8>)>,
    /// Bytes promised to writers so far: `bytes` and `reserve` go by this, never by what is there.
    reserved: usize,
}

/// About what the map needs for an entry beside its key and value.
const ENTRY_BYTES: usize = 64;

impl LockedMap {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memtable for LockedMap {
    fn reserve(&self, entries: u32, bytes: usize) -> bool {
        let mut state = self.state();
        let sum = state.reserved + bytes + entries as usize * ENTRY_BYTES;
        // The engine makes a memtable large enough for a batch, counting keys and values only. So
        // the first reservation must not fail for what this map needs on top.
        let fits = sum <= self.capacity || (state.reserved == 0 && bytes <= self.capacity);
        if fits {
            state.reserved = sum;
        }
        fits
    }

    fn insert(&self, entry: EntryRef<'_>) {
        let version = (entry.key.to_vec(), Reverse(entry.seqno));
        self.state().entries.insert(version, (entry.kind, entry.value.to_vec()));
    }

    fn get(&self, probe: &Probe<'_>, found: &mut dyn FnMut(EntryRef<'_>)) -> bool {
        let state = self.state();
        // The newest version that the snapshot sees is the first one from here on, if it is one
        // of this key at all.
        let newest = (probe.key.to_vec(), Reverse(probe.snapshot));
        match state.entries.range(newest..).next() {
            Some((version, value)) if version.0 == probe.key => {
                found(entry(version, value));
                true
            }
            _ => false,
        }
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor + Send> {
        let range = OwnedRange::default();
        Box::new(MapCursor { map: self, range, backward: false, at: At::End })
    }

    fn bytes(&self) -> usize {
        self.state().reserved
    }
}

fn entry<'a>((key, seqno): &'a Version, (kind, value): &'a (Kind, Vec<u8>)) -> EntryRef<'a> {
    EntryRef { key, seqno: seqno.0, kind: *kind, value }
}

/// Makes [`LockedMap`]s.
#[derive(Debug)]
struct LockedMaps;

impl MemtableFactory for LockedMaps {
    fn name(&self) -> &'static str {
        "example.locked-map"
    }

    fn create(&self, spec: &MemtableSpec) -> Arc<dyn Memtable> {
        Arc::new(LockedMap { state: Mutex::default(), capacity: spec.bytes })
    }
}

/// Shows a range, some entries at a time. Between two windows the lock is free, and what is
/// inserted meanwhile may or may not be shown: nobody who reads through it can see it yet.
#[derive(Debug)]
struct MapCursor {
    map: Arc<LockedMap>,
    range: OwnedRange,
    backward: bool,
    at: At,
}

/// What a cursor has shown.
#[derive(Debug)]
enum At {
    Nothing,
    UpTo(Version),
    End,
}

impl MapCursor {
    /// Copies what follows into the batch, and returns where that ends.
    fn fill(&self, batch: &mut EntryBatch) -> At {
        let (low, high) = self.range.get();
        if matches!(self.at, At::End) || is_empty_range((low, high)) {
            return At::End;
        }
        // No entry has these seqnos, so as bounds they stand before and behind all versions.
        let (first, last) = (Reverse(SeqNo::MAX), Reverse(SeqNo::ZERO));
        let mut low = match low {
            Bound::Included(key) => Bound::Included((key.to_vec(), first)),
            Bound::Excluded(key) => Bound::Excluded((key.to_vec(), last)),
            Bound::Unbounded => Bound::Unbounded,
        };
        let mut high = match high {
            Bound::Included(key) => Bound::Included((key.to_vec(), last)),
            Bound::Excluded(key) => Bound::Excluded((key.to_vec(), first)),
            Bound::Unbounded => Bound::Unbounded,
        };
        if let At::UpTo(shown) = &self.at {
            let next = if self.backward { &mut high } else { &mut low };
            *next = Bound::Excluded(shown.clone());
        }
        let state = self.map.state();
        let mut entries = state.entries.range((low, high));
        let mut at = At::End;
        while !batch.is_full() {
            let next = if self.backward { entries.next_back() } else { entries.next() };
            let Some((version, value)) = next else { break };
            batch.push(entry(version, value));
            at = At::UpTo(version.clone());
        }
        if self.backward {
            batch.reverse();
        }
        at
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
        (self.backward, self.at) = (backward, At::Nothing);
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

// ---- A strategy: gather runs into one ---------------------------------------------------------

/// Merges everything into one run as soon as there are so many. Good for small databases.
#[derive(Debug)]
struct Gather {
    runs: usize,
}

impl CompactionStrategy for Gather {
    fn name(&self) -> &'static str {
        "example.gather.1"
    }

    fn plan(&self, view: TreeView<'_>, cx: &PlanContext) -> Vec<CompactionJob> {
        let runs = &view.tree.runs;
        // What another job reads is not ours to take: this strategy then waits for its turn.
        if cx.slots == 0 || runs.len() < self.runs || !view.busy.is_empty() {
            return Vec::new();
        }
        // The place is named by a run and not by "newest": a flush may finish while the job runs,
        // and its entries are newer than all that is merged here.
        let target = Target::New(Place::Before(runs[0].id));
        vec![merge(&runs.iter().collect::<Vec<_>>(), target, cx)]
    }
}

/// Wants to merge the newest run with the oldest, past all others: entries would be hidden by
/// older ones.
#[derive(Debug)]
struct Careless;

impl CompactionStrategy for Careless {
    fn name(&self) -> &'static str {
        "example.careless.1"
    }

    fn plan(&self, view: TreeView<'_>, cx: &PlanContext) -> Vec<CompactionJob> {
        match &view.tree.runs[..] {
            [newest, _, .., oldest] => {
                vec![merge(&[newest, oldest], Target::Existing(oldest.id), cx)]
            }
            _ => Vec::new(),
        }
    }
}

fn merge(runs: &[&Run], target: Target, cx: &PlanContext) -> CompactionJob {
    let inputs = runs.iter().map(|run| JobInput::all_of(run)).collect();
    // Levels are labels. Flushes make level 0, which the engine watches to slow writers down when
    // merging lags behind, so what was merged needs another one.
    let output = JobOutput { target, level: 1 };
    CompactionJob::merge(inputs, output, cx.table_bytes).because("example")
}

// ---- Both at work -----------------------------------------------------------------------------

const KEYS: u32 = 1_000;
const ROUNDS: u32 = 5;

/// Writes each key several times through small memtables, and checks what can be read.
fn fill_and_check(name: &str, strategy: impl CompactionStrategy + 'static) -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder to play in");
    let db = Db::builder(folder.path().join("db"))
        .memtable(Arc::new(LockedMaps))
        .compaction(strategy)
        .memtable_bytes(64 << 10)
        .open()?;
    let space = db.keyspace("small", KeyspaceOptions::default().with_table_bytes(64 << 10))?;
    for round in 0..ROUNDS {
        for n in 0..KEYS {
            // 617 and 1,000 have no common divisor: every key once, in no order.
            let key = format!("key {:04}", n * 617 % KEYS);
            space.put(&key, format!("round {round}"))?;
        }
    }
    db.flush()?;
    db.wait_until_quiet()?;

    let newest = format!("round {}", ROUNDS - 1);
    let mut entries = 0;
    let mut scan = space.iter()?;
    while let Some((_, value)) = scan.next()? {
        assert_eq!(value, newest.as_bytes());
        entries += 1;
    }
    assert_eq!(entries, KEYS);
    let report = db.verify();
    assert!(report.faults.is_empty(), "{:?}", report.faults);

    let stats = db.stats();
    println!("{name}");
    println!("  {} flushes, {} compactions", stats.flushes, stats.compactions);
    println!("  {} plans refused as illegal", stats.illegal_plans);
    for level in stats.keyspaces.iter().flat_map(|space| &space.levels) {
        println!("  level {}: {} runs, {} entries", level.level, level.runs, level.entries);
    }
    println!("  {} entries in {} tables verified\n", report.entries, report.tables);
    db.close()
}

fn main() -> Result<()> {
    fill_and_check("A strategy that gathers:", Gather { runs: 3 })?;
    // A strategy proposes and the engine checks: a bad one costs time and space, and no entry.
    fill_and_check("A strategy that proposes nonsense:", Careless)
}
