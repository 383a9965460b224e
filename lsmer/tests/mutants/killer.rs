//! Puts every mutant under the detectors, until one of them complains.

use std::{
    collections::BTreeMap,
    env, fs,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use lsmer_core::{Clock, mutants};
use lsmer_io::SystemClock;
use lsmer_testkit::figures;

use crate::{
    detectors::{self, Detector},
    registry::{self, Mutant},
};

/// Chooses mutants: those whose name has this in it.
const FILTER: &str = "LSMER_MUTANTS";
/// Names the file for the table of what came of each.
const TABLE: &str = "LSMER_MUTANTS_TABLE";
/// How many seeds a detector gets that was not expected to notice.
const OTHERS: u64 = 4;

/// What became of one mutant.
#[derive(Debug)]
struct Outcome {
    name: &'static str,
    /// Who noticed.
    killed: Option<Kill>,
    /// How often the mistake was made.
    reached: u64,
    took: Duration,
}

#[derive(Debug)]
struct Kill {
    by: &'static str,
    /// The first seed that it took.
    seed: u64,
    complaint: String,
}

/// Lets a detector look with one seed; returns the first line of what it complained about.
fn look(detector: &Detector, seed: u64) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(|| (detector.look)(seed))).err()?;
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?");
    Some(text.lines().next().unwrap_or_default().to_owned())
}

/// Puts a mutant under the detector that should notice it, and then under the others.
fn kill(mutant: &Mutant) -> Outcome {
    let before = SystemClock.now();
    let mut all = detectors::ALL.to_vec();
    all.sort_by_key(|detector| detector.name != mutant.detector);
    let seeds = |detector: &Detector| {
        let expected = detector.name == mutant.detector;
        1..=if expected { detector.seeds } else { detector.seeds.min(OTHERS) }
    };
    let mut reached = 0;
    let mut tries = all.iter().flat_map(|detector| seeds(detector).map(move |n| (detector, n)));
    let killed = tries.find_map(|(detector, seed)| {
        let (complaint, met) = mutants::with(mutant.name, || look(detector, seed));
        reached += met;
        complaint.map(|complaint| Kill { by: detector.name, seed, complaint })
    });
    let took = SystemClock.now().saturating_sub(before);
    let outcome = Outcome { name: mutant.name, killed, reached, took };
    println!("{}", outcome.row());
    outcome
}

/// Calls `work` with each item, on all processors.
fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = work(item);
            results.lock().unwrap().push(result);
        }
    };
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
    });
    results.into_inner().unwrap()
}

impl Outcome {
    fn row(&self) -> String {
        let Self { name, killed, reached, took } = self;
        let took = took.as_millis();
        match killed {
            Some(Kill { by, seed, complaint }) => {
                format!("{name:<38} {by:<9} {seed:>4} {reached:>9} {took:>6}  {complaint}")
            }
            None => format!("{name:<38} SURVIVED       {reached:>9} {took:>6}"),
        }
    }
}

/// Without a mutant, the detectors that killed must be silent with all the seeds they took.
fn false_alarms(outcomes: &[Outcome]) -> Vec<String> {
    let mut most = BTreeMap::<&str, u64>::new();
    for kill in outcomes.iter().filter_map(|outcome| outcome.killed.as_ref()) {
        let most = most.entry(kill.by).or_default();
        *most = kill.seed.max(*most);
    }
    let seeds = |detector: &Detector| 1..=most.get(detector.name).copied().unwrap_or(0);
    let tries =
        detectors::ALL.iter().flat_map(|detector| seeds(detector).map(move |n| (detector, n)));
    let tries: Vec<_> = tries.collect();
    let alarms = each(&tries, |(detector, seed)| {
        look(detector, *seed).map(|complaint| format!("{} {seed}: {complaint}", detector.name))
    });
    alarms.into_iter().flatten().collect()
}

#[test]
fn every_mutant_is_killed_and_there_is_no_false_alarm() {
    assert_eq!(detectors::ALL.map(|detector| detector.name), registry::DETECTORS);
    // What is expected is not worth printing.
    panic::set_hook(Box::new(|_| {}));
    let filter = env::var(FILTER).unwrap_or_default();
    let chosen = registry::all().into_iter().filter(|mutant| mutant.name.contains(&filter));
    let mut outcomes = each(&chosen.collect::<Vec<_>>(), kill);
    outcomes.sort_by_key(|outcome| outcome.name);
    let rows: Vec<String> = outcomes.iter().map(Outcome::row).collect();
    if let Some(file) = env::var_os(TABLE) {
        fs::write(file, rows.join("\n") + "\n").unwrap();
    }
    let alarms = false_alarms(&outcomes);
    let _silent = panic::take_hook();
    let kills: Vec<&Kill> = outcomes.iter().filter_map(|outcome| outcome.killed.as_ref()).collect();
    let seeds: u64 = kills.iter().map(|kill| kill.seed).sum();
    let (all, killed) = (outcomes.len() as u64, kills.len() as u64);
    figures(
        "mutants",
        &[
            ("planted", all),
            ("killed", killed),
            ("false-alarms", alarms.len() as u64),
            ("mean-seeds-to-kill-in-hundredths", seeds * 100 / killed.max(1)),
        ],
    );
    assert_eq!(alarms, [""; 0], "without a mutant");
    let survived = outcomes.iter().filter(|outcome| outcome.killed.is_none());
    let survivors: Vec<_> = survived.map(|outcome| outcome.name).collect();
    assert_eq!(survivors, [""; 0], "these survived");
}
