//! Crashes anywhere: a workload is recorded once on a simulated file system, and at each event
//! the disks that a crash may leave are opened. Each holds one prefix of the history over all
//! keyspaces, with every write that was acknowledged as safe; so it does if recovery crashes too.
//!
//! A failure prints a value of `LSMER_CRASH` that replays it alone. `LSMER_LONG=1` checks ten
//! times as many disks.

#![expect(clippy::print_stdout, reason = "how many disks were checked is worth knowing")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use lsmer::{
    Db, Keyspace, WriteBatch, WriteOptions,
    parts::io::{ManualExec, MemVfs, SeededRng, SystemClock},
};
use lsmer_core::{Clock, FileClass, Rng};
use lsmer_testkit::{Budget, Crash, Cursor, Event, EventKind, Recording, SimVfs};

use crate::{
    harness::Shape,
    model::{State, check_state},
};

/// Disks to check in each of the two tests.
const STATES: usize = 10_000;

/// Of so many disks, one is crashed again while it recovers.
const TWICE_EVERY: usize = 50;

/// Crashes to try at one event.
const BUDGET: Budget = Budget { all_upto: 3, pairs_upto: 0, family: 5, samples: 5, flights: 3 };

/// Crashes to try at one event of a recovery.
const TWICE: Budget = Budget { all_upto: 1, pairs_upto: 0, family: 1, samples: 1, flights: 1 };

/// Points of a recovery at which to crash it.
const TWICE_POINTS: usize = 8;

/// Seeds of the runs in which syncs lie.
const LIES: [u64; 5] = [1, 2, 3, 4, 5];

/// Syncs without which no crash here breaks a promise, and whether they are of a folder: that of
/// the manifest's last mark, which only says how far the rest was synced; and that of a new
/// manifest's name, for the folder is synced again before `CURRENT` names it.
const NOT_NEEDED: [(&str, bool); 2] =
    [("lsmer-manifest/src/writer.rs", false), ("lsmer-manifest/src/writer.rs", true)];

const KEYS: u8 = 24;

/// What is written after a recovery.
const AFTER: &[u8] = b"after the crash";

const SPACES: [&str; 2] = ["default", "other"];

/// Where to crash: in the run of a seed, and perhaps again in the recovery from that.
#[derive(Clone, Debug)]
struct Place {
    seed: u64,
    point: usize,
    crash: Crash,
    again: Option<(usize, Crash)>,
}

/// A workload that ran: what happened to the files, and what the database held after each step.
struct Run {
    seed: u64,
    recording: Recording,
    /// The contents after so many steps.
    states: Vec<State>,
    steps: Vec<Step>,
}

struct Step {
    /// Number of events before it.
    begin: usize,
    /// Number of events when it was acknowledged.
    end: usize,
    /// Whether a power loss may not undo it, nor what came before it.
    safe: bool,
}

/// What happened while a database was opened after a crash, and written to.
struct Recovery {
    recording: Recording,
    /// Number of events when it was open.
    opened: usize,
    /// Number of events when a write to it was acknowledged as synced.
    written: usize,
}

#[derive(Default)]
struct Totals {
    states: usize,
    twice: usize,
    runs: usize,
}

struct Dice(SeededRng);

impl Dice {
    fn below(&self, bound: u64) -> u64 {
        self.0.next_u64() % bound
    }

    fn key(&self) -> Vec<u8> {
        key(u8::try_from(self.below(u64::from(KEYS))).expect("a small number"))
    }

    fn value(&self, step: usize) -> Vec<u8> {
        let bytes = match self.below(16) {
            0 => 6000,
            1..=3 => 700,
            _ => 12,
        };
        let mut value = format!("step {step} ").into_bytes();
        value.resize(bytes, u8::try_from(step % 251).expect("a small number"));
        value
    }
}

fn key(n: u8) -> Vec<u8> {
    [&b"key"[..usize::from(n % 3)], &[n]].concat()
}

fn shape(seed: u64) -> Shape {
    // The sixth bit is for a database without a log.
    Shape { parts: u8::try_from(seed % 32).expect("under 32"), seed }
}

fn open(seed: u64, vfs: &SimVfs) -> lsmer::Result<(Db, Arc<ManualExec>)> {
    let (builder, exec) = shape(seed).builder(&MemVfs::new());
    builder.vfs(vfs.clone()).open().map(|db| (db, exec))
}

fn spaces(db: &Db) -> Vec<Keyspace> {
    let open = |name| db.keyspace(name, shape(1).keyspace()).unwrap();
    SPACES.map(open).into()
}

/// Does one step and says whether a power loss may not undo it.
fn step(
    (at, dice): (usize, &Dice),
    (db, exec): &mut (Db, Arc<ManualExec>),
    vfs: &SimVfs,
    (seed, state): (u64, &mut State),
) -> bool {
    let kind = if at == 0 { 0 } else { 1 + dice.below(20) };
    match kind {
        0 => {
            drop(spaces(db));
            state.entry(SPACES[1].to_owned()).or_default();
            true
        }
        1..=14 => {
            let (mut batch, spaces) = (WriteBatch::new(), spaces(db));
            let edits = if kind < 9 { 1 } else { 1 + dice.below(6) };
            for _ in 0..edits {
                let space = &spaces[usize::from(dice.below(2) == 1)];
                let map = state.get_mut(space.name()).unwrap();
                let key = dice.key();
                if dice.below(5) == 0 {
                    batch.delete_in(space, &key);
                    map.remove(&key);
                } else {
                    let value = dice.value(at);
                    batch.put_in(space, &key, &value);
                    map.insert(key, value);
                }
            }
            let sync = dice.below(4) == 0;
            let how = if sync { WriteOptions::sync() } else { WriteOptions::process() };
            db.write_with(&batch, how).unwrap();
            for _ in 0..dice.below(8) {
                exec.run_one();
            }
            sync
        }
        15 => db.sync().is_ok(),
        16 | 17 => db.flush().is_ok(),
        18 => db.compact(..).is_ok(),
        19 => {
            exec.run_until_idle();
            false
        }
        _ => {
            db.close().unwrap();
            (*db, *exec) = open(seed, vfs).unwrap();
            true
        }
    }
}

impl Run {
    fn new(seed: u64) -> Self {
        let vfs = SimVfs::new().with_fast_ring(seed % 4 < 3);
        vfs.record();
        let dice = Dice(SeededRng::new(seed));
        let mut opened = open(seed, &vfs).unwrap();
        let mut state = State::from([(SPACES[0].to_owned(), BTreeMap::new())]);
        let (mut states, mut steps) = (vec![state.clone()], Vec::new());
        for at in 0..usize::try_from(40 + dice.below(41)).unwrap() {
            let begin = vfs.recorded();
            let safe = step((at, &dice), &mut opened, &vfs, (seed, &mut state));
            steps.push(Step { begin, end: vfs.recorded(), safe });
            states.push(state.clone());
        }
        drop(opened);
        Self { seed, recording: vfs.recording(), states, steps }
    }

    /// Returns the first and the last number of steps that a crash at a point may leave.
    fn bounds(&self, point: usize, crash: &Crash) -> (usize, usize) {
        let counts = |step: &&Step| step.end <= point && (step.safe || crash.power.is_none());
        let safe = self.steps.iter().rposition(|step| counts(&step)).map_or(0, |at| at + 1);
        let begun = self.steps.iter().take_while(|step| step.begin <= point).count();
        (safe, begun)
    }

    /// Opens a disk and returns what it holds, if that is one of the possible states.
    fn verify(&self, vfs: &SimVfs, possible: &[State]) -> Result<State, String> {
        let look = || {
            let (db, _exec) = open(self.seed, vfs).map_err(|error| format!("open: {error:?}"))?;
            let found = contents(&db);
            if !possible.contains(&found) {
                let like = |found: &State| self.states.iter().rposition(|state| state == found);
                let (found, want) = (like(&found), like(&possible[possible.len() - 1]));
                return Err(format!("holds the state after step {found:?}, not after {want:?}"));
            }
            check_state(&db, &found);
            for space in db.keyspaces() {
                let map = &found[space.name()];
                for key in (0..KEYS).map(key) {
                    assert_eq!(space.get(&key).unwrap().as_deref(), map.get(&key).map(|v| &v[..]));
                }
            }
            db.close().map_err(|error| format!("close: {error:?}"))?;
            drop(db);
            let (db, _exec) = open(self.seed, vfs).map_err(|error| format!("reopen: {error:?}"))?;
            if contents(&db) != found {
                return Err("holds something else after it was closed".to_owned());
            }
            Ok(found)
        };
        caught(look)
    }

    fn check(&self, cursor: &Cursor<'_>, crash: &Crash) -> Result<State, String> {
        let (safe, begun) = self.bounds(cursor.at(), crash);
        let possible = &self.states[safe..=begun];
        let result = self.verify(&cursor.materialise(crash).vfs(), possible);
        result.map_err(|error| format!("{error}; expected {safe}..={begun}"))
    }

    /// Records the recovery from a crash, and a write after it.
    fn recovery(&self, cursor: &Cursor<'_>, crash: &Crash) -> Result<Recovery, String> {
        let vfs = cursor.materialise(crash).vfs();
        vfs.record();
        let work = || {
            let (db, _exec) = open(self.seed, &vfs).map_err(|error| format!("{error:?}"))?;
            let opened = vfs.recorded();
            let mut batch = WriteBatch::new();
            batch.put(AFTER, AFTER);
            db.write_with(&batch, WriteOptions::sync()).map_err(|error| format!("{error:?}"))?;
            let written = vfs.recorded();
            db.close().map_err(|error| format!("{error:?}"))?;
            Ok((opened, written))
        };
        let (opened, written) = caught(work)?;
        Ok(Recovery { recording: vfs.recording(), opened, written })
    }

    /// Checks a crash in a recovery or after it: what was seen once must stay, and so must what
    /// was synced since.
    fn check_again(
        &self,
        place: &Place,
        recovery: &Recovery,
        (inner, crash): (&Cursor<'_>, &Crash),
        found: &State,
    ) -> Result<(), String> {
        let (safe, begun) = self.bounds(place.point, &place.crash);
        let mut later = found.clone();
        later.get_mut(SPACES[0]).unwrap().insert(AFTER.to_vec(), AFTER.to_vec());
        let seen = [found.clone(), later];
        let possible = match inner.at() {
            at if at >= recovery.written => &seen[1..],
            at if at >= recovery.opened => &seen,
            _ => &self.states[safe..=begun],
        };
        let result = self.verify(&inner.materialise(crash).vfs(), possible);
        let Recovery { opened, written, .. } = recovery;
        result.map(drop).map_err(|error| format!("{error}; opened: {opened}, written: {written}"))
    }

    /// Checks crashes at all points, until there are `most` disks.
    fn explore(&self, most: usize, totals: &mut Totals) {
        let mut cursor = self.recording.cursor();
        let mut seen = BTreeSet::new();
        let kinds: Vec<_> = self.recording.events().iter().map(Event::kind).collect();
        let start = totals.states;
        for point in 0..=kinds.len() {
            let quiet = |at: usize| kinds.get(at).is_none_or(|kind| *kind == EventKind::Write);
            if quiet(point) && point > 0 && quiet(point - 1) && point % 4 != 0 {
                continue;
            }
            cursor.advance_to(point);
            for crash in cursor.states(&BUDGET, self.seed) {
                let state = cursor.materialise(&crash);
                if !seen.insert((state.hash(), self.bounds(point, &crash).0)) {
                    continue;
                }
                let found = match self.check(&cursor, &crash) {
                    Ok(found) => found,
                    Err(error) => self.fail(&cursor, &crash, &error),
                };
                totals.states += 1;
                if totals.states.is_multiple_of(TWICE_EVERY) {
                    let place = Place { seed: self.seed, point, crash, again: None };
                    self.twice(&cursor, &place, &found, totals);
                }
                if totals.states - start >= most {
                    return;
                }
            }
        }
    }

    fn twice(&self, cursor: &Cursor<'_>, place: &Place, found: &State, totals: &mut Totals) {
        let recovery = self.recovery(cursor, &place.crash);
        let recovery = recovery.unwrap_or_else(|error| {
            panic!("{error}\nreplay twice with LSMER_CRASH='{place} 0 kill'")
        });
        let mut inner = recovery.recording.cursor();
        let points = recovery.recording.events().len();
        let step = points.div_ceil(TWICE_POINTS).max(1);
        for point in (totals.states % step..=points).step_by(step) {
            inner.advance_to(point);
            for crash in inner.states(&TWICE, self.seed) {
                let check =
                    |crash: &Crash| self.check_again(place, &recovery, (&inner, crash), found);
                if let Err(error) = check(&crash) {
                    let least = inner.shrink(&crash, |crash| check(crash).is_err());
                    let causes = inner.explain(&least).join("\n");
                    let place = Place { again: Some((point, least)), ..place.clone() };
                    panic!("{error}\n{causes}\nreplay with LSMER_CRASH='{place}'");
                }
                totals.twice += 1;
            }
        }
    }

    /// Fails with the smallest crash that fails.
    fn fail(&self, cursor: &Cursor<'_>, crash: &Crash, error: &str) -> ! {
        let least = cursor.shrink(crash, |crash| self.check(cursor, crash).is_err());
        let causes = cursor.explain(&least).join("\n");
        let last = self.check(cursor, &least).err();
        let place = Place { seed: self.seed, point: cursor.at(), crash: least, again: None };
        panic!("{error}\nleast: {last:?}\n{causes}\nreplay with LSMER_CRASH='{place}'")
    }

    fn replay(&self, place: &Place) {
        let mut cursor = self.recording.cursor();
        cursor.advance_to(place.point);
        let (safe, begun) = self.bounds(place.point, &place.crash);
        show(&self.recording, &cursor, &place.crash);
        println!("steps {safe}..={begun}");
        let found = self.check(&cursor, &place.crash).unwrap();
        let Some((point, crash)) = &place.again else { return };
        let recovery = self.recovery(&cursor, &place.crash).unwrap();
        let mut inner = recovery.recording.cursor();
        inner.advance_to(*point);
        show(&recovery.recording, &inner, crash);
        self.check_again(place, &recovery, (&inner, crash), &found).unwrap();
    }
}

/// Prints what happened before a crash and what it took.
fn show(recording: &Recording, cursor: &Cursor<'_>, crash: &Crash) {
    for (at, event) in recording.events().iter().enumerate().take(cursor.at()) {
        println!("{at}: {event}");
    }
    println!("{}", cursor.explain(crash).join("\n"));
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.seed, self.point, self.crash)?;
        self.again.iter().try_for_each(|(point, crash)| write!(f, " {point} {crash}"))
    }
}

impl Place {
    fn parse(text: &str) -> Self {
        let words: Vec<&str> = text.split_whitespace().collect();
        let again = words.get(4).map(|crash| (words[3].parse().unwrap(), crash.parse().unwrap()));
        let (seed, point) = (words[0].parse().unwrap(), words[1].parse().unwrap());
        Self { seed, point, crash: words[2].parse().unwrap(), again }
    }
}

fn contents(db: &Db) -> State {
    let read = |space: &Keyspace| {
        let entries = space.iter().unwrap().owned().map(|entry| {
            let (key, value) = entry.unwrap();
            (key.to_vec(), value.to_vec())
        });
        (space.name().to_owned(), entries.collect())
    };
    db.keyspaces().iter().map(read).collect()
}

/// Turns a panic into an error.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied());
        Err(format!("panic: {}", text.unwrap_or("?")))
    })
}

/// Checks runs of every second seed from `first`.
fn explore(first: u64) {
    if let Ok(place) = env::var("LSMER_CRASH") {
        let place = Place::parse(&place);
        return Run::new(place.seed).replay(&place);
    }
    let most = if env::var_os("LSMER_LONG").is_some() { 10 * STATES } else { STATES };
    let (clock, mut totals) = (SystemClock, Totals::default());
    let before = clock.now();
    for seed in (first..).step_by(2) {
        if totals.states >= most {
            break;
        }
        Run::new(seed).explore(most / 8, &mut totals);
        totals.runs += 1;
    }
    let Totals { states, twice, runs } = totals;
    let time: Duration = clock.now().saturating_sub(before);
    let rate = states as u128 * 1000 / time.as_millis().max(1);
    println!("{states} disks of {runs} runs, {twice} after a second crash; {rate} disks/s");
}

#[test]
fn every_crash_leaves_a_prefix_with_all_that_was_acknowledged() {
    explore(1);
}

#[test]
fn every_crash_leaves_a_prefix_for_other_parts_too() {
    explore(2);
}

impl Run {
    /// Returns whether any of many crashes leaves something that it must not.
    fn notices(&self) -> bool {
        let mut cursor = self.recording.cursor();
        let mut seen = BTreeSet::new();
        (0..=self.recording.events().len()).step_by(2).any(|point| {
            cursor.advance_to(point);
            cursor.states(&TWICE, self.seed).any(|crash| {
                let state = cursor.materialise(&crash);
                seen.insert((state.hash(), self.bounds(point, &crash).0))
                    && self.check(&cursor, &crash).is_err()
            })
        })
    }
}

/// Where a sync was asked for, and for what class of file: of none for a folder.
fn sync_site(event: &Event) -> Option<(String, Option<FileClass>)> {
    let is_sync = matches!(event.kind(), EventKind::Sync | EventKind::SyncDir);
    is_sync.then(|| (event.site.to_string(), event.class))
}

#[test]
fn a_sync_that_lies_is_noticed() {
    let mut sites = Vec::new();
    for seed in LIES {
        for site in Run::new(seed).recording.events().iter().filter_map(sync_site) {
            if !sites.contains(&site) {
                sites.push(site);
            }
        }
    }
    let mut unnoticed = Vec::new();
    for site in &sites {
        let noticed = LIES.into_iter().any(|seed| {
            let mut run = Run::new(seed);
            run.recording.lie(|event| sync_site(event).as_ref() == Some(site));
            run.notices()
        });
        if !noticed {
            let file = site.0.split(':').next().unwrap_or_default();
            unnoticed.push((file.to_owned(), site.1.is_none()));
        }
    }
    println!("{} of {} sites of syncs are needed", sites.len() - unnoticed.len(), sites.len());
    unnoticed.sort();
    let unnoticed: Vec<_> = unnoticed.iter().map(|(file, dir)| (&file[..], *dir)).collect();
    assert_eq!(unnoticed, NOT_NEEDED, "{sites:?}");
}
