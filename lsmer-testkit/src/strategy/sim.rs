//! A tree with contents: flushes fill it, jobs start and end in any order, and every table knows
//! its entries.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use lsmer_core::{
    Arrival, CompactionJob, CompactionStrategy, Flushed, JobKind, Place, PlanContext, Run, RunId,
    TableId, TableMeta, Tree, TreeEdit, TreeView, check,
};

/// A key and a seqno.
type Entry = (u32, u64);

/// The world of a strategy: a tree, the jobs under way, and the entries of all tables. Keys are
/// numbers; every entry has [`ENTRY_BYTES`](Self::ENTRY_BYTES). Flushes are a second apart.
#[derive(Clone, Debug, Default)]
pub struct TreeSim {
    /// The tree.
    pub tree: Tree,
    /// The jobs under way, in the order in which they were started.
    pub running: Vec<CompactionJob>,
    /// Bytes flushed.
    pub flushed: u64,
    /// Bytes that jobs wrote.
    pub rewritten: u64,
    /// Every third flush, from now on, only deletes; and nothing that is merged drops a delete, as
    /// if there were a snapshot for each.
    pub deletes: bool,
    /// Nothing is written for a while: what [`plan`](Self::plan) tells the strategy.
    pub idle: bool,
    contents: BTreeMap<TableId, Vec<Entry>>,
    last_id: u64,
    last_seqno: u64,
}

impl TreeSim {
    /// Size of an entry in bytes.
    pub const ENTRY_BYTES: u64 = 10;
    /// Size of a memtable in bytes.
    pub const MEMTABLE_BYTES: u64 = 160;

    /// Most jobs that [`settle`](Self::settle) carries out.
    const MOST_JOBS: usize = 10_000;

    /// Returns what plans are asked for with: tables of half a memtable.
    pub fn context(slots: usize) -> PlanContext {
        PlanContext::new(slots, Self::MEMTABLE_BYTES / 2, Self::MEMTABLE_BYTES)
    }

    /// Makes a tree of runs, oldest first, out of their labels and keys.
    pub fn of(runs: &[(u8, BTreeSet<u32>)]) -> Self {
        let mut sim = Self::default();
        for (level, keys) in runs {
            sim.add(*level, keys, 3 * Self::ENTRY_BYTES);
        }
        sim
    }

    /// Flushes a memtable with these keys, of which there is one at least.
    pub fn flush(&mut self, keys: &BTreeSet<u32>) {
        self.flushed += keys.len() as u64 * Self::ENTRY_BYTES;
        self.add(0, keys, u64::MAX);
    }

    /// Adds the newest run, with a label, keys, and tables of so many bytes.
    pub fn add(&mut self, level: u8, keys: &BTreeSet<u32>, table_bytes: u64) {
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
        let has_deletes = self.deletes;
        let is_delete = move |entry: &&Entry| has_deletes && entry.1.is_multiple_of(3);
        let at = |seqno: u64| Some(Duration::from_secs(seqno));
        let per_table =
            usize::try_from(table_bytes / Self::ENTRY_BYTES).expect("64-bit only").max(1);
        let cut = |entries: &[Entry]| {
            let deletes = entries.iter().filter(is_delete);
            let id = TableId { epoch: 1, number: self.next_id() };
            self.contents.insert(id, entries.to_vec());
            Arc::new(TableMeta {
                id,
                file_bytes: entries.len() as u64 * Self::ENTRY_BYTES,
                smallest: entries[0].0.to_be_bytes().into(),
                largest: entries[entries.len() - 1].0.to_be_bytes().into(),
                entries: entries.len() as u64,
                deletes: deletes.clone().count() as u64,
                flushed: Flushed {
                    newest: entries.iter().map(|entry| entry.1).max().and_then(at),
                    oldest_delete: deletes.map(|entry| entry.1).min().and_then(at),
                },
                ..TableMeta::default()
            })
        };
        entries.chunks(per_table).map(cut).collect()
    }

    /// Returns the tables that running jobs read.
    pub fn busy(&self) -> BTreeSet<TableId> {
        self.running.iter().flat_map(CompactionJob::tables).collect()
    }

    /// Asks for a plan.
    pub fn plan(&self, strategy: &dyn CompactionStrategy, slots: usize) -> Vec<CompactionJob> {
        let busy = self.busy();
        let view = TreeView::new(&self.tree, &busy).with_running(&self.running);
        let cx = Self::context(slots).with_idle(self.idle);
        strategy.plan(view, &cx.with_now(Duration::from_secs(self.last_seqno)))
    }

    /// Starts a job.
    ///
    /// # Errors
    ///
    /// Says why the job is not legal.
    pub fn start(&mut self, job: CompactionJob) -> Result<(), String> {
        self.check(&job)?;
        self.running.push(job);
        Ok(())
    }

    /// Ends a running job, of this number: what it wrote becomes a part of the tree.
    ///
    /// # Errors
    ///
    /// Says why the job is not legal any more. Nothing has changed then, but it runs no longer.
    pub fn end(&mut self, which: usize) -> Result<(), String> {
        let job = self.running.remove(which);
        self.check(&job)?;
        let read: Vec<_> = job.tables().collect();
        let tables = match job.kind {
            JobKind::Merge { table_bytes, .. } => self.merge(&read, table_bytes),
            JobKind::Move { .. } => job.metas(&self.tree).map(Arc::clone).collect(),
            JobKind::Drop => Vec::new(),
        };
        let edit = job.edit(tables, || RunId(self.next_id()));
        self.tree = self.tree.apply(&edit).map_err(|error| format!("{error}: {edit:?}"))?;
        Ok(())
    }

    /// Carries plans out, one job at a time, until there is nothing left to do. Returns how many
    /// of the jobs read something.
    ///
    /// # Errors
    ///
    /// Says which job is not legal, or that the jobs do not come to an end.
    pub fn settle(&mut self, strategy: &dyn CompactionStrategy) -> Result<usize, String> {
        let mut merges = 0;
        for _ in 0..Self::MOST_JOBS {
            let mut plan = self.plan(strategy, 1);
            let Some(job) = plan.pop() else { return Ok(merges) };
            if !plan.is_empty() {
                return Err(format!("{} jobs for one slot", plan.len() + 1));
            }
            merges += usize::from(matches!(job.kind, JobKind::Merge { .. }));
            self.start(job)?;
            self.end(0)?;
        }
        Err(format!("no end after {} jobs: {}", Self::MOST_JOBS, self.shape()))
    }

    fn check(&self, job: &CompactionJob) -> Result<(), String> {
        let busy = self.busy();
        check(TreeView::new(&self.tree, &busy), job)
            .map_err(|illegal| format!("{illegal}: {job} in {}", self.shape()))
    }

    /// Makes tables of the newest entry of each key.
    fn merge(&mut self, read: &[TableId], table_bytes: u64) -> Vec<Arc<TableMeta>> {
        let mut newest = BTreeMap::new();
        for (key, seqno) in read.iter().flat_map(|id| &self.contents[id]) {
            let kept = newest.entry(*key).or_insert(*seqno);
            *kept = (*kept).max(*seqno);
        }
        let entries: Vec<_> = newest.into_iter().collect();
        self.rewritten += entries.len() as u64 * Self::ENTRY_BYTES;
        self.tables(&entries, table_bytes)
    }

    /// Checks that a walk from the newest run to the oldest meets every key's newest entry first.
    ///
    /// # Errors
    ///
    /// Names a key for which that is not so.
    pub fn check_order(&self) -> Result<(), String> {
        let mut met = BTreeMap::new();
        for (key, seqno) in self.tree.tables().flat_map(|table| &self.contents[&table.id]) {
            if met.insert(*key, *seqno).is_some_and(|newer| newer <= *seqno) {
                return Err(format!("key {key} is met in the wrong order in {}", self.shape()));
            }
        }
        Ok(())
    }

    /// Returns what was written for each byte flushed, the flush included.
    pub fn amplification(&self) -> f64 {
        let [flushed, rewritten] = [self.flushed, self.rewritten]
            .map(|bytes| f64::from(u32::try_from(bytes).expect("small")));
        (flushed + rewritten) / flushed
    }

    /// Describes the runs, for messages.
    pub fn shape(&self) -> String {
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
