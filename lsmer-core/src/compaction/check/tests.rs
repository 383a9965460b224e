//! The laws against a model that carries jobs out, entry by entry.

use std::{collections::BTreeSet, sync::Arc};

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::{Arrival, JobInput, JobOutput, SeqNo, TableId, TreeEdit};

/// Keys are single bytes below this.
const KEYS: u8 = 12;

/// Which keys have an entry in which table. A run's entries of a key are newer than those of the
/// runs behind it, so a number that counts down over the runs can stand for all of them.
type Entries = BTreeMap<TableId, Vec<(u8, SeqNo)>>;

#[derive(Clone, Debug)]
struct Model {
    tree: Tree,
    entries: Entries,
}

fn table(number: u64, entries: &[(u8, SeqNo)]) -> Arc<TableMeta> {
    let keys = entries.iter().map(|(key, _)| *key);
    Arc::new(TableMeta {
        id: TableId { epoch: 1, number },
        smallest: [keys.clone().min().unwrap()].into(),
        largest: [keys.max().unwrap()].into(),
        ..TableMeta::default()
    })
}

/// Cuts a run's keys into tables; `gaps` says which keys it lacks, `cuts` where a table ends.
fn model(runs: &[(u16, u16)]) -> Model {
    let mut model = Model { tree: Tree::default(), entries: Entries::new() };
    for (i, (gaps, cuts)) in runs.iter().enumerate() {
        let seqno = SeqNo((runs.len() - i) as u64 * 10);
        let mut tables = Vec::new();
        let mut entries = Vec::new();
        for key in 0..=KEYS {
            let ends = key == KEYS || cuts >> key & 1 == 1;
            if ends && !entries.is_empty() {
                let number = model.entries.len() as u64;
                let meta = table(number, &entries);
                model.entries.insert(meta.id, std::mem::take(&mut entries));
                tables.push(meta);
            }
            if key < KEYS && gaps >> key & 1 == 0 {
                entries.push((key, seqno));
            }
        }
        if !tables.is_empty() {
            model.tree.runs.push(Run { id: RunId(i as u64), level: 0, tables });
        }
    }
    if model.tree.runs.is_empty() {
        return self::model(&[(!1, 0)]); // no job can be made for an empty tree
    }
    model
}

impl Model {
    /// Does what an executor would do, with all of the output in one table.
    fn carry_out(&self, job: &CompactionJob) -> Result<Self, crate::Error> {
        let mut next = self.clone();
        let read = job.inputs.iter().flat_map(|input| &input.tables);
        let arriving = if matches!(job.kind, JobKind::Move { .. }) {
            let all = self.tree.tables();
            all.filter(|table| read.clone().any(|id| table.id == *id)).map(Arc::clone).collect()
        } else {
            let mut entries: Vec<_> =
                read.clone().filter_map(|id| next.entries.remove(id)).flatten().collect();
            entries.sort_by_key(|(key, seqno)| (*key, std::cmp::Reverse(*seqno)));
            let meta = table(1000, &entries);
            next.entries.insert(meta.id, entries);
            vec![meta]
        };
        let output = job.output().expect("not a drop");
        let (run, place) = match output.target {
            Target::Existing(run) => (run, Place::Oldest),
            Target::New(place) => (RunId(1000), place),
        };
        let pairs = |input: &JobInput| {
            let run = input.run;
            input.tables.clone().into_iter().map(move |table| (run, table))
        };
        let remove = job.inputs.iter().flat_map(pairs).collect();
        let add = vec![Arrival { run, level: output.level, place, tables: arriving }];
        next.tree = self.tree.apply(&TreeEdit { remove, add })?;
        Ok(next)
    }

    /// Whether a walk from the newest run to the oldest meets every key's entries newest first.
    fn newest_first(&self) -> bool {
        let mut met = BTreeMap::new();
        let entries = self.tree.tables().flat_map(|table| &self.entries[&table.id]);
        entries.into_iter().all(|(key, seqno)| {
            let older = met.insert(key, *seqno);
            older.is_none_or(|newer| newer > *seqno)
        })
    }
}

/// Runs as pairs of bit masks.
fn runs(gaps: bool) -> impl Strategy<Value = Vec<(u16, u16)>> {
    let mask = if gaps { u16::MAX } else { 0 };
    // A dense run still lacks keys at its ends, so that runs do not all overlap.
    let ends = (0..=u32::from(KEYS), 0..=u32::from(KEYS)).prop_map(|(low, high)| {
        let (low, high) = (low.min(high), low.max(high));
        !(((1_u16 << high) - 1) & !((1_u16 << low) - 1))
    });
    vec((any::<u16>().prop_map(move |bits| bits & mask), ends, any::<u16>()), 1..5)
        .prop_map(|runs| runs.into_iter().map(|(gaps, ends, cuts)| (gaps | ends, cuts)).collect())
}

/// What a job reads: a mask over each run's tables; and where it writes to.
type Choice = (Vec<u16>, Index, u8, bool);

fn choices() -> impl Strategy<Value = Choice> {
    let masks = vec(prop_oneof![Just(0), Just(u16::MAX), any::<u16>()], 5);
    (masks, any::<Index>(), 0..5_u8, any::<bool>())
}

fn job(tree: &Tree, (masks, at, kind, trivial_move): &Choice) -> CompactionJob {
    let input = |(run, mask): (&Run, &u16)| {
        let chosen = run.tables.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1);
        JobInput { run: run.id, tables: chosen.map(|(_, table)| table.id).collect() }
    };
    let inputs = tree.runs.iter().zip(masks).map(input).filter(|input| !input.tables.is_empty());
    let anchor = tree.runs[at.index(tree.runs.len())].id;
    let target = match kind {
        0 => Target::New(Place::Newest),
        1 => Target::New(Place::Before(anchor)),
        2 => Target::New(Place::After(anchor)),
        3 => Target::New(Place::Oldest),
        _ => Target::Existing(anchor),
    };
    let output = JobOutput { target, level: 1 };
    let merge = CompactionJob::merge(inputs.collect(), output, 1);
    if *trivial_move { CompactionJob { kind: JobKind::Move { output }, ..merge } } else { merge }
}

fn verdict(tree: &Tree, job: &CompactionJob) -> Result<(), Illegal> {
    check(TreeView::new(tree, &BTreeSet::new()), job)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_legal_keeps_every_key_newest_first(runs in runs(true), choice in choices()) {
        let model = model(&runs);
        let job = job(&model.tree, &choice);
        if verdict(&model.tree, &job).is_ok() {
            let after = model.carry_out(&job).expect("a legal job applies");
            prop_assert!(after.newest_first());
        }
    }

    #[test]
    fn what_is_illegal_would_break_something_if_every_bound_is_met(
        runs in runs(false), choice in choices(),
    ) {
        let model = model(&runs);
        let job = job(&model.tree, &(choice.0, choice.1, choice.2, false));
        if !job.inputs.is_empty() {
            let after = model.carry_out(&job);
            let intact = after.is_ok_and(|after| after.newest_first());
            prop_assert_eq!(verdict(&model.tree, &job).is_ok(), intact, "{:?}", job);
        }
    }

    #[test]
    fn the_whole_tree_may_become_one_run_anywhere(runs in runs(true), choice in choices()) {
        let model = model(&runs);
        let all = (vec![u16::MAX; 5], choice.1, choice.2, false);
        prop_assert_eq!(verdict(&model.tree, &job(&model.tree, &all)), Ok(()));
    }
}

/// Runs `0: [b..d]`, `1: [a..c] [e..g]`, `2: [a..h]`, newest first; tables are numbered in that
/// order.
fn sample() -> Tree {
    let keys = |keys: &[u8]| keys.iter().map(|key| (*key, SeqNo(1))).collect::<Vec<_>>();
    let metas = [b"bd", b"ac", b"eg", b"ah"];
    let metas = metas.iter().enumerate().map(|(i, bounds)| table(i as u64, &keys(&bounds[..])));
    let metas: Vec<_> = metas.collect();
    let run =
        |id, tables: &[Arc<TableMeta>]| Run { id: RunId(id), level: 0, tables: tables.into() };
    Tree { runs: vec![run(0, &metas[..1]), run(1, &metas[1..3]), run(2, &metas[3..])] }
}

fn of(inputs: &[(u64, &[u64])], target: Target) -> CompactionJob {
    let input = |(run, tables): &(u64, &[u64])| JobInput {
        run: RunId(*run),
        tables: tables.iter().map(|number| id(*number)).collect(),
    };
    let output = JobOutput { target, level: 1 };
    CompactionJob::merge(inputs.iter().map(input).collect(), output, 1)
}

fn id(number: u64) -> TableId {
    TableId { epoch: 1, number }
}

#[test]
fn each_law_has_its_answer() {
    let tree = sample();
    let into = |run| Target::Existing(RunId(run));
    let overtakes = |moved, past| Illegal::Overtakes { moved: id(moved), past: id(past) };
    let cases = [
        (of(&[], into(1)), Illegal::Empty),
        (of(&[(0, &[])], into(1)), Illegal::Empty),
        (of(&[(9, &[0])], into(1)), Illegal::NoSuchRun(RunId(9))),
        (of(&[(0, &[0])], into(9)), Illegal::NoSuchRun(RunId(9))),
        (of(&[(0, &[0])], Target::New(Place::After(RunId(9)))), Illegal::NoSuchRun(RunId(9))),
        (of(&[(0, &[1])], into(1)), Illegal::NoSuchTable(RunId(0), id(1))),
        (of(&[(1, &[1, 1])], into(1)), Illegal::Twice(id(1))),
        (of(&[(1, &[1]), (1, &[2])], into(1)), Illegal::Twice(id(2))),
        (of(&[(0, &[0])], into(2)), overtakes(0, 1)),
        (of(&[(1, &[1])], Target::New(Place::Newest)), overtakes(1, 0)),
        (of(&[(0, &[0])], into(1)), Illegal::Overlaps(id(1))),
    ];
    for (job, illegal) in cases {
        assert_eq!(verdict(&tree, &job), Err(illegal), "{job:?}");
    }
    assert_eq!(verdict(&tree, &of(&[(0, &[0]), (1, &[1])], into(1))), Ok(()));
    let taken = BTreeSet::from([id(1)]);
    let job = of(&[(1, &[1])], Target::New(Place::Before(RunId(1))));
    assert_eq!(check(TreeView::new(&tree, &taken), &job), Err(Illegal::Busy(id(1))));
}

#[test]
fn tables_move_as_they_are_only_to_where_nothing_overlaps_them() {
    let tree = sample();
    let moved = |inputs: &[(u64, &[u64])], target| {
        let kind = JobKind::Move { output: JobOutput { target, level: 1 } };
        verdict(&tree, &CompactionJob { kind, ..of(inputs, target) })
    };
    let into = |run| Target::Existing(RunId(run));
    assert_eq!(moved(&[(1, &[2])], into(0)), Ok(()), "nothing newer overlaps e..g");
    assert_eq!(moved(&[(1, &[1])], into(0)), Err(Illegal::Overlaps(id(0))));
    assert_eq!(moved(&[(1, &[2])], into(2)), Err(Illegal::Overlaps(id(3))));
    assert_eq!(moved(&[(1, &[1])], into(1)), Err(Illegal::NotTrivial), "it is there");
    let both: &[(u64, &[u64])] = &[(0, &[0]), (1, &[1])];
    assert_eq!(moved(both, into(1)), Err(Illegal::NotTrivial), "they would have to be merged");
}

#[test]
fn a_table_between_two_that_are_read_is_in_the_way_of_a_merge_only() {
    let key = |key| vec![(key, SeqNo(1))];
    let tables = [table(0, &key(b'a')), table(1, &key(b'c')), table(2, &key(b'b'))];
    let run =
        |id, tables: &[Arc<TableMeta>]| Run { id: RunId(id), level: 0, tables: tables.into() };
    let tree = Tree { runs: vec![run(0, &tables[..2]), run(1, &tables[2..])] };
    let merge = of(&[(0, &[0, 1])], Target::Existing(RunId(1)));
    let kind = JobKind::Move { output: merge.output().unwrap() };
    let moved = CompactionJob { kind, ..merge.clone() };
    assert_eq!(verdict(&tree, &merge), Err(Illegal::Overlaps(id(2))), "a table could span it");
    assert_eq!(verdict(&tree, &moved), Ok(()));
}

#[test]
fn what_is_dropped_uncovers_nothing_older() {
    let tree = sample();
    let dropped = |inputs: &[(u64, &[u64])]| {
        let kind = JobKind::Drop;
        verdict(&tree, &CompactionJob { kind, ..of(inputs, Target::New(Place::Oldest)) })
    };
    let uncovers =
        |dropped, older| Err(Illegal::Uncovers { dropped: id(dropped), older: id(older) });
    assert_eq!(dropped(&[(2, &[3])]), Ok(()), "there is nothing older");
    assert_eq!(dropped(&[(1, &[2])]), uncovers(2, 3));
    assert_eq!(dropped(&[(0, &[0]), (2, &[3])]), uncovers(0, 1));
    assert_eq!(dropped(&[(1, &[1, 2]), (2, &[3])]), Ok(()), "what is newer stays");
    assert_eq!(dropped(&[(0, &[0]), (1, &[1]), (2, &[3])]), Ok(()), "e..g does not overlap b..d");
    assert_eq!(dropped(&[]), Err(Illegal::Empty));
}

#[test]
fn every_answer_belongs_to_a_law_and_says_which_tables() {
    let (a, b) = (id(1), id(2));
    let answers = [
        (Illegal::Empty, Law::Takes),
        (Illegal::NoSuchRun(RunId(1)), Law::Takes),
        (Illegal::NoSuchTable(RunId(2), a), Law::Takes),
        (Illegal::Twice(a), Law::Takes),
        (Illegal::Busy(a), Law::Takes),
        (Illegal::Overtakes { moved: a, past: b }, Law::Order),
        (Illegal::Overlaps(a), Law::Disjoint),
        (Illegal::NotTrivial, Law::Moves),
        (Illegal::Uncovers { dropped: a, older: b }, Law::Drops),
        (Illegal::Undeclared, Law::Drops),
    ];
    for (illegal, law) in &answers {
        assert_eq!(illegal.law(), *law, "{illegal}");
    }
    let laws: BTreeSet<_> = answers.iter().map(|(_, law)| *law).collect();
    assert_eq!(laws.into_iter().collect::<Vec<_>>(), Law::ALL);
}

/// Level-0 runs of one table each; `wide` tables all overlap, others none.
fn queue(runs: u64, wide: bool) -> Tree {
    let run = |i: u64| {
        let low = if wide { 0 } else { 10 * i };
        let bounds = [low, low + 9].map(|key| Box::<[u8]>::from(key.to_be_bytes()));
        let [smallest, largest] = bounds;
        let table = TableMeta { id: id(i), smallest, largest, ..TableMeta::default() };
        Run { id: RunId(i), level: 0, tables: vec![Arc::new(table)] }
    };
    Tree { runs: (0..runs).map(run).collect() }
}

#[test]
fn a_merge_of_many_runs_is_checked() {
    for wide in [false, true] {
        let tree = queue(2000, wide);
        let all: Vec<_> = tree.runs.iter().map(JobInput::all_of).collect();
        let output = JobOutput { target: Target::New(Place::Oldest), level: 1 };
        let job = CompactionJob::merge(all.clone(), output, 1);
        assert_eq!(verdict(&tree, &job), Ok(()));
        let but_the_last = CompactionJob::merge(all[..1999].to_vec(), output, 1);
        let want =
            if wide { Err(Illegal::Overtakes { moved: id(0), past: id(1999) }) } else { Ok(()) };
        assert_eq!(verdict(&tree, &but_the_last), want);
        let oldest = CompactionJob::drop_tables(all[1000..].to_vec());
        assert_eq!(verdict(&tree, &oldest), Ok(()));
    }
}
