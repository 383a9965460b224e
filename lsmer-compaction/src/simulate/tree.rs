//! A tree whose tables are lists of followed keys.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use lsmer_core::{
    Arrival, CompactionJob, CompactionStrategy, JobKind, Place, PlanContext, RunId, TableId,
    TableMeta, Target, Tree, TreeEdit, TreeView, check,
};

use super::{
    Setup, Workload,
    contents::{Entry, merge},
    numbers::{float, whole},
};

/// More jobs after one flush, and the strategy is stuck.
const MOST_JOBS: u64 = 100_000;

/// The tree, what its tables hold, and what was done to it.
#[derive(Debug)]
pub(super) struct SimTree<'a> {
    setup: &'a Setup,
    workload: &'a Workload,
    /// How many keys a followed one stands for.
    weight: f64,
    pub(super) tree: Tree,
    contents: BTreeMap<TableId, Vec<Entry>>,
    last_id: u64,
    last_seqno: u64,
    /// Bytes that flushes and merges wrote.
    pub(super) written: u64,
    /// Most bytes on disk since the last flush began: a merge has inputs and outputs there.
    pub(super) peak: u64,
    /// Jobs by reason.
    pub(super) jobs: BTreeMap<Cow<'static, str>, u64>,
    pub(super) illegal: u64,
}

impl<'a> SimTree<'a> {
    pub(super) fn new(setup: &'a Setup, workload: &'a Workload, weight: f64) -> Self {
        Self {
            setup,
            workload,
            weight,
            tree: Tree::default(),
            contents: BTreeMap::new(),
            last_id: 0,
            last_seqno: 0,
            written: 0,
            peak: 0,
            jobs: BTreeMap::new(),
            illegal: 0,
        }
    }

    /// Flushes a memtable.
    pub(super) fn flush(&mut self, entries: &[Entry]) {
        self.peak = self.tree.bytes();
        if entries.is_empty() {
            return;
        }
        self.last_seqno += 1;
        let seqnos = (self.last_seqno, self.last_seqno);
        let tables = self.cut(entries, self.setup.table_bytes, seqnos);
        let run = RunId(self.next_id());
        let add = vec![Arrival { run, level: 0, place: Place::Newest, tables }];
        self.apply(&TreeEdit { remove: vec![], add });
    }

    /// Carries out plans until there is nothing left to do.
    ///
    /// # Errors
    ///
    /// How many jobs there were, if there is no end to them.
    pub(super) fn settle(&mut self, strategy: &dyn CompactionStrategy) -> Result<(), u64> {
        let cx = PlanContext::new(1, self.setup.table_bytes, self.setup.memtable_bytes);
        let busy = BTreeSet::new();
        for _ in 0..MOST_JOBS {
            let view = TreeView::new(&self.tree, &busy);
            let Some(job) = strategy.plan(view, &cx).into_iter().next() else { return Ok(()) };
            if check(view, &job).is_err() {
                // The engine refuses it too, and asks again after the next flush.
                self.illegal += 1;
                return Ok(());
            }
            self.carry_out(&job);
            *self.jobs.entry(job.reason).or_default() += 1;
        }
        Err(MOST_JOBS)
    }

    fn carry_out(&mut self, job: &CompactionJob) {
        let pairs = |input: &lsmer_core::JobInput| {
            let run = input.run;
            input.tables.clone().into_iter().map(move |table| (run, table))
        };
        let read: Vec<(RunId, TableId)> = job.inputs.iter().flat_map(pairs).collect();
        let tables = match job.kind {
            JobKind::Merge { output, table_bytes } => {
                let (entries, seqnos) = self.merged(output.target, &read);
                self.cut(&entries, table_bytes, seqnos)
            }
            JobKind::Move { .. } => self.tables_of(&read),
            JobKind::Drop => Vec::new(),
        };
        let arrival = job.output().filter(|_| !tables.is_empty()).map(|output| {
            let (run, place) = match output.target {
                Target::Existing(run) => (run, Place::Oldest),
                Target::New(place) => (RunId(self.next_id()), place),
            };
            Arrival { run, level: output.level, place, tables }
        });
        self.apply(&TreeEdit { remove: read.clone(), add: arrival.into_iter().collect() });
        if !matches!(job.kind, JobKind::Move { .. }) {
            for (_, table) in read {
                self.contents.remove(&table);
            }
        }
    }

    fn tables_of(&self, read: &[(RunId, TableId)]) -> Vec<Arc<TableMeta>> {
        let is_read = |table: &&Arc<TableMeta>| read.iter().any(|(_, id)| *id == table.id);
        self.tree.tables().filter(is_read).map(Arc::clone).collect()
    }

    /// Returns what a merge leaves of tables, and the smallest and the largest of their seqnos.
    fn merged(&self, target: Target, read: &[(RunId, TableId)]) -> (Vec<Entry>, (u64, u64)) {
        let tables = self.tables_of(read);
        let mut entries = Vec::new();
        // Newest first, as the tree has them; neighbours in a run are disjoint.
        for table in &tables {
            entries = merge(&entries, &self.contents[&table.id]);
        }
        let first = self.first_below(target);
        let below = &self.tree.runs[first..];
        let inputs: BTreeSet<TableId> = read.iter().map(|(_, table)| *table).collect();
        entries.retain(|entry| {
            let key = entry.key().to_be_bytes();
            let hidden = |run: &lsmer_core::Run| {
                run.covering(&key).is_some_and(|table| !inputs.contains(&table.id))
            };
            !entry.is_delete() || below.iter().any(hidden)
        });
        let oldest = tables.iter().map(|table| table.min_seqno.0).min().unwrap_or(0);
        let newest = tables.iter().map(|table| table.max_seqno.0).max().unwrap_or(0);
        (entries, (oldest, newest))
    }

    /// Returns the first run that is older than a job's output, or that it is put into.
    fn first_below(&self, target: Target) -> usize {
        let runs = &self.tree.runs;
        let at = |id| runs.iter().position(|run| run.id == id).expect("the job is legal");
        match target {
            Target::Existing(id) | Target::New(Place::After(id)) => at(id) + 1,
            Target::New(Place::Before(id)) => at(id),
            Target::New(Place::Newest) => 0,
            Target::New(Place::Oldest) => runs.len(),
        }
    }

    /// Writes tables.
    fn cut(
        &mut self,
        entries: &[Entry],
        table_bytes: u64,
        seqnos: (u64, u64),
    ) -> Vec<Arc<TableMeta>> {
        let mut tables = Vec::new();
        let mut rest = entries;
        while !rest.is_empty() {
            let mut bytes = 0.0;
            let full = rest.iter().position(|entry| {
                bytes += self.entry_bytes(*entry);
                bytes >= float(table_bytes)
            });
            let (table, after) = rest.split_at(full.map_or(rest.len(), |last| last + 1));
            tables.push(self.write(table, whole(bytes).max(1), seqnos));
            rest = after;
        }
        tables
    }

    fn write(&mut self, entries: &[Entry], bytes: u64, seqnos: (u64, u64)) -> Arc<TableMeta> {
        let id = TableId { epoch: 1, number: self.next_id() };
        let deletes = entries.iter().filter(|entry| entry.is_delete()).count();
        let stands_for = |followed: usize| whole(float(followed as u64) * self.weight).max(1);
        let meta = TableMeta {
            id,
            file_bytes: bytes,
            smallest: entries[0].key().to_be_bytes().into(),
            largest: entries[entries.len() - 1].key().to_be_bytes().into(),
            min_seqno: lsmer_core::SeqNo(seqnos.0),
            max_seqno: lsmer_core::SeqNo(seqnos.1),
            entries: stands_for(entries.len()),
            deletes: if deletes == 0 { 0 } else { stands_for(deletes) },
            user_bytes: whole(float(bytes) / self.setup.stored),
            ..TableMeta::default()
        };
        self.contents.insert(id, entries.to_vec());
        self.written += bytes;
        Arc::new(meta)
    }

    /// Returns what an entry takes in a table, times the keys it stands for.
    fn entry_bytes(&self, entry: Entry) -> f64 {
        let value = if entry.is_delete() { 0 } else { self.workload.value_bytes };
        float(self.workload.key_bytes + value) * self.setup.stored * self.weight
    }

    /// Returns the size of all values that can be read, as they would be stored.
    pub(super) fn live_bytes(&self, live_keys: f64) -> f64 {
        let entry = float(self.workload.key_bytes + self.workload.value_bytes);
        entry * self.setup.stored * live_keys
    }

    fn apply(&mut self, edit: &TreeEdit) {
        let added: u64 =
            edit.add.iter().flat_map(|arrival| &arrival.tables).map(|t| t.file_bytes).sum();
        let moved = edit.remove.iter().any(|(_, id)| {
            edit.add.iter().flat_map(|arrival| &arrival.tables).any(|table| table.id == *id)
        });
        let during = self.tree.bytes() + if moved { 0 } else { added };
        self.peak = self.peak.max(during);
        self.tree = self.tree.apply(edit).expect("the job is legal");
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Returns how many runs a lookup of a key asks before it finds its newest entry, that one
    /// included; and how many a walk that begins there merges.
    pub(super) fn runs_for(&self, key: u32) -> (u64, u64) {
        let bytes = key.to_be_bytes();
        let covering = || self.tree.runs.iter().filter_map(|run| run.covering(&bytes));
        let holds = |table: &&Arc<TableMeta>| {
            self.contents[&table.id].binary_search_by_key(&key, |entry| entry.key()).is_ok()
        };
        let all = covering().count();
        let asked = covering().position(|table| holds(&table)).map_or(all, |before| before + 1);
        (asked as u64, all as u64)
    }
}
