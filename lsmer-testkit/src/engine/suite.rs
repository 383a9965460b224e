//! The suite for whole engines: one function per property, each of which panics if it does not
//! hold.

#![expect(clippy::print_stdout, reason = "what is done again is shown event by event")]

use std::env;

use lsmer_core::Clock;
use lsmer_io::SystemClock;

use super::{
    counts::Counts,
    crashes::{Broken, Crashes, Limits},
    features::Features,
    plan::{Plan, Repro},
    run::Run,
    shrink::{shrink, shrink_plan},
    subject::Subject,
};
use crate::sim::{Budget, Event, EventKind};

/// Crashes to try at one event.
const BUDGET: Budget = Budget { all_upto: 3, pairs_upto: 0, family: 5, samples: 5, flights: 3 };

/// A few crashes at one event.
const SPARSE: Budget = Budget { all_upto: 2, pairs_upto: 0, family: 2, samples: 2, flights: 1 };

/// Every subset of what is pending, up to ten atoms.
const EXHAUSTIVE: Budget =
    Budget { all_upto: 10, pairs_upto: 12, family: 20, samples: 20, flights: 8 };

/// How much to do, and from which seed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// The first root seed; a run has one of its own.
    pub seed: u64,
    /// Runs.
    pub runs: usize,
    /// Operations of a run.
    pub operations: usize,
    /// Disks to check in all.
    pub states: usize,
    /// Whether a failure is made small before it is shown; takes up to a minute.
    pub shrink: bool,
}

impl Effort {
    /// A few seconds: 60 runs of 300 operations, 2,000 disks.
    pub const SMOKE: Self =
        Self { seed: 1, runs: 60, operations: 300, states: 2_000, shrink: true };

    /// Two minutes: 1,500 runs, 100,000 disks.
    pub const FULL: Self =
        Self { seed: 1, runs: 1_500, operations: 300, states: 100_000, shrink: true };

    /// Returns the same from another seed on.
    #[must_use]
    pub const fn from_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Returns what the environment asks for: with `LSMER_SEED`, another first seed; with
    /// `LSMER_LONG`, ten times as much.
    ///
    /// # Panics
    ///
    /// If `LSMER_SEED` is no decimal number.
    #[must_use]
    pub fn or_as_asked(self) -> Self {
        let more = if env::var_os("LSMER_LONG").is_some() { 10 } else { 1 };
        let seed = env::var("LSMER_SEED").map_or(self.seed, |text| {
            let asked = text.parse::<u64>().expect("LSMER_SEED is a decimal number");
            self.seed.wrapping_add(asked)
        });
        Self { seed, runs: more * self.runs, states: more * self.states, ..self }
    }

    fn roots(&self) -> impl Iterator<Item = u64> + use<> {
        self.seed..self.seed + self.runs as u64
    }
}

/// `ENGINE-01`: over many runs of random operations all reads are those of an ordered map:
/// by key, in both directions, of snapshots, and of walks that stay alive. Of a hundred runs one
/// is done twice, and must do the same to every file.
///
/// # Panics
///
/// If that is not so, with a line that does it again.
pub fn engine_01_reads_are_those_of_an_ordered_map(
    subject: &dyn Subject,
    effort: Effort,
) -> Counts {
    let mut counts = Counts::default();
    let begin = SystemClock.now();
    if let Some(repro) = Repro::asked(subject.name()) {
        return replay(subject, repro);
    }
    for root in effort.roots() {
        let run = run(subject, Plan::new(root, effort.operations), effort.shrink);
        for at in 1..=run.features.len() {
            counts.pairs.count(Features::near(&run.features[..at]));
        }
        counts.runs += 1;
        if root.is_multiple_of(100) {
            let again = Run::new(subject, run.plan.clone());
            let same = again.is_ok_and(|again| again.hash() == run.hash());
            assert!(same, "root {root}: a second run of the same plan did something else");
            counts.repeated += 1;
        }
    }
    counts.timed(begin)
}

/// `ENGINE-02`: every crash leaves a prefix of the history over all keyspaces, with all that was
/// acknowledged to survive it; also a crash inside the recovery.
///
/// # Panics
///
/// If that is not so, with a line that does it again.
pub fn engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged(
    subject: &dyn Subject,
    effort: Effort,
) -> Counts {
    let limits = Limits {
        budget: BUDGET,
        states: effort.states as u64 / 8,
        point_every: 3,
        twice_every: 400,
    };
    crash(subject, effort, (&limits, 60))
}

/// `ENGINE-03`: the same for short runs, where every subset of up to ten pending changes is tried.
///
/// # Panics
///
/// If that is not so, with a line that does it again.
pub fn engine_03_every_subset_of_what_was_pending_is_survived(
    subject: &dyn Subject,
    effort: Effort,
) -> Counts {
    let limits = Limits {
        budget: EXHAUSTIVE,
        states: effort.states as u64 / 8,
        point_every: 1,
        twice_every: 0,
    };
    crash(subject, effort, (&limits, 14))
}

/// `ENGINE-04`: where calls of the file system fail, an operation succeeds, or says that it
/// failed; reads show what was written; the next opening, without faults, finds all that was
/// acknowledged and of what failed all or nothing; and so do openings after crashes.
///
/// # Panics
///
/// If that is not so, with a line that does it again.
pub fn engine_04_a_fault_loses_nothing_that_was_acknowledged(
    subject: &dyn Subject,
    effort: Effort,
) -> Counts {
    if let Some(repro) = Repro::asked(subject.name()) {
        return replay(subject, repro);
    }
    let begin = SystemClock.now();
    let limits = Limits { budget: SPARSE, states: 40, point_every: 9, twice_every: 400 };
    let mut counts = Counts::default();
    for root in effort.roots() {
        let plan = Plan { faults: true, ..Plan::new(root, 80) };
        let run = run(subject, plan, effort.shrink);
        if let Err(broken) = (Crashes { subject, run: &run }).explore(&limits, &mut counts) {
            fail(subject, run, broken, effort.shrink);
        }
        counts.runs += 1;
    }
    counts.timed(begin)
}

/// Where a sync is called: file and line, and whether it is of a folder.
pub type SyncSite = (String, bool);

/// Makes the syncs of each call site lie, and returns all sites and those of which nothing was
/// noticed: a sync that is not needed, or a suite that is too weak.
///
/// # Panics
///
/// If a run fails in which no sync lies.
pub fn syncs_that_lie(subject: &dyn Subject, effort: Effort) -> (Vec<SyncSite>, Vec<SyncSite>) {
    let site = |event: &Event| {
        let is_sync = matches!(event.kind(), EventKind::Sync | EventKind::SyncDir);
        is_sync.then(|| (event.site.to_string(), event.kind() == EventKind::SyncDir))
    };
    let plan = |root| Plan::new(root, 60);
    let mut sites = Vec::new();
    for root in effort.roots() {
        sites.extend(run(subject, plan(root), false).recording.events().iter().filter_map(site));
    }
    sites.sort();
    sites.dedup();
    let noticed = |lying: &SyncSite| {
        effort.roots().any(|root| {
            let mut run = run(subject, plan(root), false);
            run.recording.lie(|event| site(event).as_ref() == Some(lying));
            Crashes { subject, run: &run }.notices()
        })
    };
    let unnoticed = sites.iter().filter(|site| !noticed(site)).cloned().collect();
    (sites, unnoticed)
}

/// Makes a test of each property of a [`Subject`](crate::engine::Subject):
/// `engine_conforms!(my_engine())`, or with an [`Effort`] behind it; that of a smoke test if there
/// is none.
#[macro_export]
macro_rules! engine_conforms {
    ($subject:expr) => {
        $crate::engine_conforms!($subject, $crate::engine::Effort::SMOKE);
    };
    ($subject:expr, $effort:expr) => {
        $crate::engine_conforms! { @ $subject, $effort,
            engine_01_reads_are_those_of_an_ordered_map
            engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged
            engine_03_every_subset_of_what_was_pending_is_survived
            engine_04_a_fault_loses_nothing_that_was_acknowledged
        }
    };
    (@ $subject:expr, $effort:expr, $($property:ident)+) => {
        $(
            #[test]
            fn $property() {
                let effort = $crate::engine::Effort::or_as_asked($effort);
                let counts = $crate::engine::$property(&$subject, effort);
                counts.report(stringify!($property));
            }
        )+
    };
}

fn crash(subject: &dyn Subject, effort: Effort, (limits, most): (&Limits, usize)) -> Counts {
    if let Some(repro) = Repro::asked(subject.name()) {
        return replay(subject, repro);
    }
    let begin = SystemClock.now();
    let mut counts = Counts::default();
    for root in effort.seed.. {
        if counts.states >= effort.states as u64 {
            break;
        }
        let shorter = usize::try_from(root % 16).expect("under 16") * most / 32;
        let run = run(subject, Plan::new(root, most - shorter), effort.shrink);
        if let Err(broken) = (Crashes { subject, run: &run }).explore(limits, &mut counts) {
            fail(subject, run, broken, effort.shrink);
        }
        counts.runs += 1;
    }
    counts.timed(begin)
}

/// Does again what `LSMER_REPRO` asks for.
fn replay(subject: &dyn Subject, repro: Repro) -> Counts {
    let run = run(subject, repro.plan, false);
    let point = repro.crashes.first().map_or(0, |place| place.point);
    for (at, event) in run.recording.events().iter().enumerate().take(point + 1) {
        println!("{at}: {event}");
    }
    let replayed = Crashes { subject, run: &run }.replay(&repro.crashes);
    if let Err(broken) = replayed {
        fail(subject, run, broken, false);
    }
    Counts::default()
}

/// Carries a plan out.
fn run(subject: &dyn Subject, plan: Plan, shrinks: bool) -> Run {
    Run::new(subject, plan.clone()).unwrap_or_else(|error| {
        let (plan, error) = if shrinks { shrink_plan(subject, plan, error) } else { (plan, error) };
        let ops: Vec<_> = plan.ids.iter().map(|id| format!("{id}: {}", plan.op(*id))).collect();
        let repro = Repro { subject: subject.name().to_owned(), plan, crashes: Vec::new() };
        panic!("{error}\n{}\nagain with LSMER_REPRO='{repro}'", ops.join("\n"))
    })
}

/// Fails with all that is known of a crash.
fn fail(subject: &dyn Subject, run: Run, broken: Broken, shrinks: bool) -> ! {
    let (run, broken) = if shrinks { shrink(subject, run, broken) } else { (run, broken) };
    let Broken { error, crashes, causes } = broken;
    let point = crashes.first().map_or(0, |place| place.point);
    let mut ops = Vec::new();
    for (id, step) in run.plan.ids.iter().zip(&run.steps) {
        let when = if step.begin > point { " (after the crash)" } else { "" };
        ops.push(format!("{id}: {} -> {:?}{when}", run.plan.op(*id), step.done));
    }
    let (ops, causes) = (ops.join("\n"), causes.join("\n"));
    let repro = Repro { subject: subject.name().to_owned(), plan: run.plan, crashes };
    panic!("{error}\n{ops}\n{causes}\nagain with LSMER_REPRO='{repro}'")
}
