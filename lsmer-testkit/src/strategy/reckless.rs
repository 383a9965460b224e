//! A compaction strategy that plans anything: an engine has to carry out what is legal, at any
//! moment, and to refuse the rest.

use lsmer_core::{
    CompactionJob, CompactionStrategy, JobInput, JobOutput, Place, PlanContext, Rng, Run, RunId,
    Target, TreeView, check, hash,
};
use lsmer_io::SeededRng;

/// Plans what the shape of the tree makes it think of: nothing one time in three, so that it comes
/// to an end; something legal, mostly; or anything, also what makes no sense. It plans drops and
/// does not [say so](CompactionStrategy::drops), so that none may be carried out.
#[derive(Clone, Copy, Debug)]
pub struct Reckless;

impl CompactionStrategy for Reckless {
    fn name(&self) -> &'static str {
        "reckless"
    }

    fn plan(&self, view: TreeView<'_>, cx: &PlanContext) -> Vec<CompactionJob> {
        let shape: Vec<_> = view.tree.runs.iter().map(|run| (run.id, run.tables.len())).collect();
        let rng = SeededRng::new(hash(format!("{shape:?} {:?}", view.busy).as_bytes()));
        if view.tree.runs.is_empty() || below(&rng, 3) == 0 {
            return Vec::new();
        }
        let job = || job(&rng, &view.tree.runs, cx);
        if below(&rng, 4) == 0 {
            return vec![spoil(&rng, job())];
        }
        let legal = (0..16).map(|_| job()).filter(|job| check(view, job).is_ok());
        legal.take(cx.slots).collect()
    }
}

fn below(rng: &SeededRng, bound: usize) -> usize {
    usize::try_from(rng.next_u64() % bound as u64).expect("under a usize")
}

/// Makes a job of any tables of some runs, with any output.
fn job(rng: &SeededRng, runs: &[Run], cx: &PlanContext) -> CompactionJob {
    let mut inputs = Vec::new();
    let first = below(rng, runs.len());
    for run in &runs[first..(first + 1 + below(rng, 3)).min(runs.len())] {
        let all = run.tables.len();
        let (mut from, mut to) = (below(rng, all), below(rng, all) + 1);
        if from >= to || below(rng, 2) == 0 {
            (from, to) = (0, all);
        }
        let tables = run.tables[from..to].iter().map(|table| table.id).collect();
        inputs.push(JobInput { run: run.id, tables });
    }
    let run = &runs[below(rng, runs.len())];
    let place = [Place::Newest, Place::Before(run.id), Place::After(run.id), Place::Oldest];
    let new = Target::New(place[below(rng, 4)]);
    let target = if below(rng, 2) == 0 { Target::Existing(run.id) } else { new };
    let level = u8::try_from(1 + below(rng, 5)).expect("it is small");
    let output = JobOutput { target, level };
    if inputs.len() == 1 && below(rng, 3) == 0 {
        return CompactionJob::trivial_move(inputs.remove(0), output);
    }
    CompactionJob::merge(inputs, output, cx.table_bytes).because("reckless")
}

/// Turns one job in three into one that makes no sense, or into a drop.
fn spoil(rng: &SeededRng, mut job: CompactionJob) -> CompactionJob {
    match below(rng, 15) {
        0 => job.inputs[0].run = RunId(u64::MAX),
        1 => job.inputs[0].tables.clear(),
        2 => job.inputs.clear(),
        3 => job.inputs.push(job.inputs[0].clone()),
        4 => return CompactionJob::drop_tables(job.inputs).because("reckless"),
        _ => {}
    }
    job
}
