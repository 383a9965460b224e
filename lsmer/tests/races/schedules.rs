//! How many schedules, and which; replaying one.

use std::{
    env, fs,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

use lsmer_core::mutants;
use shuttle::{
    Config, FailurePersistence, Runner,
    scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler},
};

use crate::{
    plan::{Kind, Plan, Size},
    world::run,
};

/// One client that reads, one that writes and flushes: most schedules are of these.
pub(crate) const DUEL: Size = Size { clients: 2, ops: 4, kind: Kind::Duel };
/// Two clients with a few operations.
pub(crate) const SMALL: Size = Size { clients: 2, ops: 5, kind: Kind::Mixed };
/// Two clients and a log that rolls.
pub(crate) const ROLLING: Size = Size { clients: 2, ops: 6, kind: Kind::Rolling };
/// Three clients with many operations.
pub(crate) const LARGE: Size = Size { clients: 3, ops: 14, kind: Kind::Mixed };

/// The sizes, by the name that a replay gives.
const SIZES: [(&str, Size); 4] =
    [("duel", DUEL), ("small", SMALL), ("rolling", ROLLING), ("large", LARGE)];

/// The variable that replays a schedule: the size's name, the seed of the plan, and the file that
/// the schedule was written to.
const REPLAY: &str = "LSMER_SHUTTLE";

/// What was tried.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tried {
    pub(crate) schedules: u64,
    pub(crate) disks: u64,
}

/// Which schedules of a plan.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Random,
    /// Probabilistic concurrency testing: races that take so many ordered events.
    Pct(usize),
}

const ALL: [How; 4] = [How::Random, How::Pct(3), How::Pct(4), How::Pct(5)];

/// Tries `count` schedules of a plan.
pub(crate) fn explore(plan: &Arc<Plan>, how: How, count: usize) -> Tried {
    match how {
        How::Random => start(RandomScheduler::new_from_seed(plan.seed, count), plan),
        How::Pct(depth) => start(PctScheduler::new_from_seed(plan.seed, depth, count), plan),
    }
}

fn start(scheduler: impl Scheduler + 'static, plan: &Arc<Plan>) -> Tried {
    let mut config = Config::new();
    config.stack_size = 512 << 10;
    config.silence_warnings = true;
    let folder = env::temp_dir().join("lsmer-shuttle");
    fs::create_dir_all(&folder).unwrap();
    config.failure_persistence = FailurePersistence::File(Some(folder));
    let tried = Arc::new(Mutex::new(Tried::default()));
    let (plan, counted) = (Arc::clone(plan), Arc::clone(&tried));
    Runner::new(scheduler, config).run(move || {
        let disks = run(&plan);
        let mut tried = counted.lock().unwrap();
        tried.schedules += 1;
        tried.disks += disks;
    });
    *tried.lock().unwrap()
}

/// Tries `each` schedules of each kind, of so many plans of a size.
pub(crate) fn explore_all(name: &str, seeds: Range<u64>, each: usize) -> Tried {
    let size = size(name);
    let mut all = Tried::default();
    for seed in seeds {
        let plan = Arc::new(Plan::new(seed, size));
        for how in ALL {
            let tried = catch_unwind(AssertUnwindSafe(|| explore(&plan, how, each)));
            let tried = tried.unwrap_or_else(|_| {
                panic!(
                    "{how:?}, schedule {} or later: replay with {REPLAY}='{name} {seed} FILE', where \
                     FILE is the first one named above",
                    all.schedules
                )
            });
            all.schedules += tried.schedules;
            all.disks += tried.disks;
        }
    }
    all
}

fn size(name: &str) -> Size {
    SIZES.iter().find(|(known, _)| *known == name).expect("a size has a name").1
}

/// Multiplied by `LSMER_LONG`, if that is set.
fn long(count: u64) -> u64 {
    count * env::var("LSMER_LONG").map_or(1, |times| times.parse().unwrap())
}

fn count(name: &str, tried: Tried) {
    let Tried { schedules, disks } = tried;
    lsmer_testkit::figures(name, &[("schedules", schedules), ("disks", disks)]);
}

#[test]
fn reads_are_legal_in_every_schedule_with_a_flush() {
    count("shuttle-duel", explore_all("duel", 0..long(40), 380));
}

#[test]
fn small_runs_are_legal_in_every_schedule() {
    count("shuttle-small", explore_all("small", 0..long(60), 120));
}

#[test]
fn a_log_that_rolls_is_whole_in_every_schedule() {
    count("shuttle-rolling", explore_all("rolling", 0..long(40), 50));
}

#[test]
fn large_runs_are_legal_in_every_schedule() {
    count("shuttle-large", explore_all("large", 0..long(40), 25));
}

#[test]
fn a_schedule_can_be_replayed() {
    let Ok(text) = env::var(REPLAY) else {
        let plan = Arc::new(Plan::new(1, SMALL));
        assert_eq!(explore(&plan, How::Random, 1).schedules, 1);
        return;
    };
    let words: Vec<&str> = text.splitn(3, ' ').collect();
    let [name, seed, file] = words[..] else { panic!("three words: {text}") };
    let plan = Arc::new(Plan::new(seed.parse().unwrap(), size(name)));
    let replay = || start(ReplayScheduler::new_from_file(file).unwrap(), &plan);
    match crate::twins::chosen() {
        Some(twin) => mutants::with(twin, replay).0,
        None => replay(),
    };
}
