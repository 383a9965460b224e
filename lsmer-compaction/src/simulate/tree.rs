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
        let tables = match job.kind {
            JobKind::Merge { output, table_bytes } => {
                let (entries, seqnos) = self.merged(job, output.target);
                self.cut(&entries, table_bytes, seqnos)
            }
            JobKind::Move { .. } => job.metas(&self.tree).map(Arc::clone).collect(),
            JobKind::Drop => Vec::new(),
        };
        let edit = job.edit(tables, || RunId(self.next_id()));
        self.apply(&edit);
        if !matches!(job.kind, JobKind::Move { .. }) {
            for table in job.tables() {
                self.contents.remove(&table);
            }
        }
    }

    /// Returns what a merge leaves of tables, and the smallest and the largest of their seqnos.
    fn merged(&self, job: &CompactionJob, target: Target) -> (Vec<Entry>, (u64, u64)) {
        let mut entries = Vec::new();
        let (mut oldest, mut newest) = (u64::MAX, 0);
        // Newest first; neighbours in a run are disjoint.
        for table in job.metas(&self.tree) {
            entries = merge(&entries, &self.contents[&table.id]);
            (oldest, newest) = (oldest.min(table.min_seqno.0), newest.max(table.max_seqno.0));
        }
        let below = &self.tree.runs[target.first_older(&self.tree).expect("the job is legal")..];
        let inputs: BTreeSet<TableId> = job.tables().collect();
        entries.retain(|entry| {
            let key = entry.key().to_be_bytes();
            let hidden = |run: &lsmer_core::Run| {
                run.covering(&key).is_some_and(|table| !inputs.contains(&table.id))
            };
            !entry.is_delete() || below.iter().any(hidden)
        });
        (entries, (oldest, newest))
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
