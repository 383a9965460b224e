//! Engines on real files whose process is killed with SIGKILL.
//!
//! A child process opens a database and writes; after each acknowledgement it says so through a
//! pipe. The parent kills it at a seeded moment, opens what is left, and goes on from there with
//! the next child: what is found must be the state after some number of writes, at least those
//! that were acknowledged to survive, and at most one more than were acknowledged.

use std::{
    collections::BTreeMap,
    env, hint,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use lsmer_core::Rng;
use lsmer_io::SeededRng;
use lsmer_testkit::{
    engine::{Config, Edit, Result, Safety, Space, Store, Subject, Task},
    figures,
};

/// The variables that make a process a child: the engine, its folder, the first write.
const ENGINE: &str = "LSMER_TEST_ENGINE";
const FOLDER: &str = "LSMER_TEST_FOLDER";
const FIRST: &str = "LSMER_TEST_FIRST";

/// A folder is used for so many kills.
const KILLS_A_FOLDER: u64 = 10;
/// A child that says nothing for so long hangs.
const HANG: Duration = Duration::from_secs(120);
/// Keys of the workload.
const KEYS: u64 = 64;

type State = BTreeMap<Space, BTreeMap<Vec<u8>, Vec<u8>>>;

/// What a run of kills counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) kills: u64,
    /// Counts before the database was open.
    pub(crate) opening: u64,
    pub(crate) acknowledged: u64,
    /// Writes that were found though they were not acknowledged.
    pub(crate) in_flight: u64,
    /// Writes that were acknowledged, were not promised to survive this, and did not.
    pub(crate) lost: u64,
}

/// Counts so many children that write to this engine.
///
/// # Errors
///
/// What was found that must not be.
pub(crate) fn kill(subject: &dyn Subject, kills: u64) -> Result<Counts> {
    let long = env::var_os("LSMER_LONG").is_some();
    let seed = env::var("LSMER_SEED").map_or(1, |seed| seed.parse().unwrap());
    let dice = SeededRng::new(seed);
    let mut counts = Counts::default();
    let mut folder = tempfile::tempdir()?;
    let (mut done, mut state) = (0, empty());
    for round in 0..if long { 10 * kills } else { kills } {
        if round % KILLS_A_FOLDER == 0 {
            folder = tempfile::tempdir()?;
            (done, state) = (0, empty());
        }
        let dir = folder.path().join("db");
        let acknowledged = run_child(subject.name(), &dir, done, &dice);
        counts.kills += 1;
        counts.opening += u64::from(acknowledged.is_none());
        let last = acknowledged.unwrap_or(done);
        counts.acknowledged += last - done;
        let store = open(subject, &dir)?;
        let found = contents(&*store)?;
        store.check()?;
        store.close()?;
        let Some((at, now)) = prefix(&state, (done, last + 1), &found) else {
            return Err(format!("kill {round} of seed {seed}: a state that never was").into());
        };
        let survives = |n: &u64| subject.keeps_unsynced() || safety(*n) == Safety::Sync;
        let least = (done + 1..=last).rev().find(survives).unwrap_or(done);
        if at < least {
            let text = format!("{at} writes, {last} were acknowledged, {least} must be there");
            return Err(format!("kill {round} of seed {seed}: {text}").into());
        }
        counts.in_flight += at.saturating_sub(last);
        counts.lost += last.saturating_sub(at);
        (done, state) = (at, now);
    }
    Ok(counts)
}

impl Counts {
    pub(crate) fn report(&self, name: &str) {
        let Self { kills, opening, acknowledged, in_flight, lost } = *self;
        figures(
            name,
            &[
                ("kills", kills),
                ("opening", opening),
                ("acknowledged", acknowledged),
                ("in_flight", in_flight),
                ("lost_unpromised", lost),
            ],
        );
    }
}

/// Runs a child until it is killed; returns its last acknowledged write, if it got that far.
fn run_child(engine: &str, dir: &Path, done: u64, dice: &SeededRng) -> Option<u64> {
    let patience = if dice.next_u64().is_multiple_of(8) { 0 } else { 1 + dice.next_u64() % 300 };
    let spins = 1_u64 << (dice.next_u64() % 20);
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "kill::child", "--nocapture", "--test-threads=1"])
        .env(ENGINE, engine)
        .env(FOLDER, dir)
        .env(FIRST, (done + 1).to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stderr.take().unwrap());
    thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        scope.spawn(move || said.lines().try_for_each(|line| send.send(line.unwrap())));
        let mut last = None;
        let mut note = |line: String| {
            let number = line.strip_prefix("done ").and_then(|number| number.parse().ok());
            last = Some(number.unwrap_or_else(|| panic!("{engine} at {done}: {line}")));
        };
        assert_eq!(hear(&receive, &mut child), "open");
        for _ in 0..patience {
            note(hear(&receive, &mut child));
        }
        for _ in 0..spins {
            hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        receive.iter().for_each(note);
        last
    })
}

/// Returns the next line of a child.
fn hear(receive: &mpsc::Receiver<String>, child: &mut Child) -> String {
    receive.recv_timeout(HANG).unwrap_or_else(|error| {
        child.kill().unwrap();
        panic!("a child says nothing more: {error}");
    })
}

/// The part of a child: opens the database and writes until it is killed.
#[test]
fn child() {
    let Ok(engine) = env::var(ENGINE) else { return };
    let subject = crate::subject(&engine);
    say("open");
    let store = open(&*subject, env::var(FOLDER).unwrap().as_ref()).unwrap();
    let first: u64 = env::var(FIRST).unwrap().parse().unwrap();
    for n in first.. {
        store.write(&edits(n), safety(n)).unwrap();
        say(&format!("done {n}"));
        if n % 64 == 0 {
            store.perform(&Task::Flush).unwrap();
        }
    }
}

#[test]
fn a_killed_process_keeps_what_it_acknowledged() {
    kill(&*crate::subject("toy"), 20).unwrap().report("toy-kills");
}

#[test]
fn an_engine_that_writes_late_is_noticed() {
    let error = kill(&*crate::subject("late-toy"), 400).unwrap_err().to_string();
    assert!(error.contains("must be there"), "{error}");
}

/// Says a line to the parent in one write, so that a kill leaves no half of one.
fn say(line: &str) {
    io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn open(subject: &dyn Subject, dir: &Path) -> Result<Box<dyn Store>> {
    let store = subject.open(&lsmer_io::system(2), dir, Config::default())?;
    store.perform(&Task::Create(Space(1)))?;
    Ok(store)
}

fn empty() -> State {
    State::from([(Space(0), BTreeMap::new()), (Space(1), BTreeMap::new())])
}

/// Returns the number of the first write in a range after which a database is as it was found.
fn prefix(state: &State, (done, last): (u64, u64), found: &State) -> Option<(u64, State)> {
    let mut now = state.clone();
    for n in done..=last {
        if n > done {
            apply(&mut now, n);
        }
        if now == *found {
            return Some((n, now));
        }
    }
    None
}

fn apply(state: &mut State, n: u64) {
    for Edit { space, key, value } in edits(n) {
        let map = state.entry(space).or_default();
        match value {
            Some(value) => drop(map.insert(key, value)),
            None => drop(map.remove(&key)),
        }
    }
}

/// Returns what a write does: it counts itself, changes a few keys in both keyspaces, and now and
/// then is large.
fn edits(n: u64) -> Vec<Edit> {
    let dice = SeededRng::new(n);
    let edit = |space, key: String, value| Edit { space, key: key.into_bytes(), value };
    let mut all = vec![edit(Space(0), "count".to_owned(), Some(n.to_string().into_bytes()))];
    for at in 0..dice.next_u64() % 4 {
        let bytes = if dice.next_u64().is_multiple_of(50) { 40_000 } else { dice.next_u64() % 500 };
        let mut value = format!("{n}.{at} ").into_bytes();
        value.resize(value.len() + usize::try_from(bytes).unwrap(), b'.');
        let value = (!dice.next_u64().is_multiple_of(4)).then_some(value);
        let space = Space(u8::from(dice.next_u64().is_multiple_of(2)));
        all.push(edit(space, format!("key {}", dice.next_u64() % KEYS), value));
    }
    all
}

/// Returns what a write is to survive.
fn safety(n: u64) -> Safety {
    if n.is_multiple_of(7) { Safety::Sync } else { Safety::Process }
}

fn contents(store: &dyn Store) -> Result<State> {
    let mut state = State::new();
    for space in store.spaces()? {
        let map = state.entry(space).or_default();
        let mut walk = store.walk(space, &[], None)?;
        while let Some((key, value)) = walk.next()? {
            map.insert(key.to_vec(), value.to_vec());
        }
    }
    Ok(state)
}
