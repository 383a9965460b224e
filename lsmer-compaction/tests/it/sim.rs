//! A tree with contents: flushes fill it, jobs start and end in any order, and every table knows
//! its entries.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use lsmer_core::{
    Arrival, CompactionJob, CompactionStrategy, Place, PlanContext, Run, RunId, TableId, TableMeta,
    Target, Tree, TreeEdit, TreeView, check,
};

/// Size of an entry in bytes.
pub(crate) const ENTRY_BYTES: u64 = 10;
/// Size of a memtable in bytes.
pub(crate) const MEMTABLE_BYTES: u64 = 160;

/// A key and a seqno.
type Entry = (u32, u64);

/// The world of a strategy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sim {
    pub(crate) tree: Tree,
    pub(crate) running: Vec<CompactionJob>,
    /// Bytes flushed, and bytes that jobs wrote.
    pub(crate) flushed: u64,
    pub(crate) rewritten: u64,
    contents: BTreeMap<TableId, Vec<Entry>>,
    last_id: u64,
    last_seqno: u64,
}

pub(crate) fn context(slots: usize) -> PlanContext {
    PlanContext::new(slots, MEMTABLE_BYTES / 2, MEMTABLE_BYTES)
}

impl Sim {
    /// Makes a tree of runs, oldest first, out of their labels and keys.
    pub(crate) fn of(runs: &[(u8, BTreeSet<u32>)]) -> Self {
        let mut sim = Self::default();
        for (level, keys) in runs {
            sim.add(*level, keys, 3 * ENTRY_BYTES);
        }
        sim
    }

    /// Flushes a memtable with these keys.
    pub(crate) fn flush(&mut self, keys: &BTreeSet<u32>) {
        self.flushed += keys.len() as u64 * ENTRY_BYTES;
        self.add(0, keys, u64::MAX);
    }

    /// Adds the newest run.
    pub(crate) fn add(&mut self, level: u8, keys: &BTreeSet<u32>, table_bytes: u64) {
        self.last_seqno += 1;
        let entries: Vec<_> = keys.iter().map(|key| (*key, self.last_seqno)).collect();
        let tables = self.tables(&entries, table_bytes);
        let run = RunId(self.next_id());
        let add = vec![Arrival { run, level, place: Place::Newest, tables }];
        self.tree = self.tree.apply(&TreeEdit { remove: vec![], add }).expect("it fits");
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Cuts entries into tables.
    fn tables(&mut self, entries: &[Entry], table_bytes: u64) -> Vec<Arc<TableMeta>> {
        let per_table = usize::try_from(table_bytes / ENTRY_BYTES).expect("64-bit only").max(1);
        let cut = |entries: &[Entry]| {
            let id = TableId { epoch: 1, number: self.next_id() };
            self.contents.insert(id, entries.to_vec());
            Arc::new(TableMeta {
                id,
                file_bytes: entries.len() as u64 * ENTRY_BYTES,
                smallest: entries[0].0.to_be_bytes().into(),
                largest: entries[entries.len() - 1].0.to_be_bytes().into(),
                entries: entries.len() as u64,
                ..TableMeta::default()
            })
        };
        entries.chunks(per_table).map(cut).collect()
    }

    /// Returns the tables that running jobs read.
    pub(crate) fn busy(&self) -> BTreeSet<TableId> {
        let inputs = self.running.iter().flat_map(|job| &job.inputs);
        inputs.flat_map(|input| &input.tables).copied().collect()
    }

    /// Asks for a plan.
    pub(crate) fn plan(
        &self,
        strategy: &dyn CompactionStrategy,
        slots: usize,
    ) -> Vec<CompactionJob> {
        let view = TreeView { tree: &self.tree, busy: &self.busy() };
        strategy.plan(view, &context(slots))
    }

    /// Starts a job, which must be legal.
    pub(crate) fn start(&mut self, job: CompactionJob) {
        let view = TreeView { tree: &self.tree, busy: &self.busy() };
        assert_eq!(check(view, &job), Ok(()), "{job:?} in {}", self.shape());
        self.running.push(job);
    }

    /// Ends a running job: what it does must still be legal.
    pub(crate) fn end(&mut self, which: usize) {
        let job = self.running.remove(which);
        let view = TreeView { tree: &self.tree, busy: &self.busy() };
        assert_eq!(check(view, &job), Ok(()), "{job:?} in {}", self.shape());
        let read = job.inputs.iter().flat_map(|input| &input.tables);
        let tables = if job.trivial_move {
            let all = self.tree.tables();
            all.filter(|table| read.clone().any(|id| *id == table.id)).map(Arc::clone).collect()
        } else {
            let mut newest = BTreeMap::new();
            for (key, seqno) in read.flat_map(|id| &self.contents[id]) {
                let kept = newest.entry(*key).or_insert(*seqno);
                *kept = (*kept).max(*seqno);
            }
            let entries: Vec<_> = newest.into_iter().collect();
            self.rewritten += entries.len() as u64 * ENTRY_BYTES;
            self.tables(&entries, job.table_bytes)
        };
        let (run, place) = match job.output.target {
            Target::Existing(run) => (run, Place::Oldest),
            Target::New(place) => (RunId(self.next_id()), place),
        };
        let pairs = job
            .inputs
            .iter()
            .flat_map(|input| input.tables.iter().map(move |table| (input.run, *table)));
        let add = vec![Arrival { run, level: job.output.level, place, tables }];
        self.tree = self.tree.apply(&TreeEdit { remove: pairs.collect(), add }).expect("it fits");
    }

    /// Carries plans out, one job at a time, until there is nothing left to do; panics if that
    /// does not happen. Returns how many of the jobs read something.
    pub(crate) fn settle(&mut self, strategy: &dyn CompactionStrategy) -> usize {
        let mut merges = 0;
        for _ in 0..10_000 {
            let mut plan = self.plan(strategy, 1);
            let Some(job) = plan.pop() else { return merges };
            assert!(plan.is_empty(), "one slot, one job");
            merges += usize::from(!job.trivial_move);
            self.start(job);
            self.end(0);
        }
        panic!("no end of jobs: {}", self.shape());
    }

    /// Checks that a walk from the newest run to the oldest meets every key's newest entry first.
    pub(crate) fn check_order(&self) {
        let mut met = BTreeMap::new();
        for (key, seqno) in self.tree.tables().flat_map(|table| &self.contents[&table.id]) {
            if let Some(newer) = met.insert(*key, *seqno) {
                assert!(newer > *seqno, "key {key} in {}", self.shape());
            }
        }
    }

    /// Returns what was written for each byte flushed, the flush included.
    pub(crate) fn amplification(&self) -> f64 {
        let [flushed, rewritten] = [self.flushed, self.rewritten]
            .map(|bytes| f64::from(u32::try_from(bytes).expect("small")));
        (flushed + rewritten) / flushed
    }

    /// Describes the runs, for messages.
    pub(crate) fn shape(&self) -> String {
        let describe = |run: &Run| {
            let table = |table: &Arc<TableMeta>| {
                let [low, high] = [&table.smallest, &table.largest]
                    .map(|key| u32::from_be_bytes((**key).try_into().expect("4 bytes")));
                format!("{}:[{low},{high}]", table.id.number)
            };
            let tables: Vec<_> = run.tables.iter().map(table).collect();
            format!("L{} run {}: {}", run.level, run.id.0, tables.join(" "))
        };
        let runs: Vec<_> = self.tree.runs.iter().map(describe).collect();
        runs.join("; ")
    }
}
