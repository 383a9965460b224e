//! A database on a disk that fails, and the model of what it may hold.

use std::{
    collections::BTreeSet,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use lsmer::{Db, Error, ErrorKind, Result, Snapshot, parts};
use lsmer_core::{Clock, Env, FileClass, Vfs};
use lsmer_io::{ManualClock, SeededRng};
use lsmer_testkit::{
    FailedSync, SimVfs,
    engine::SimExec,
    fault::{Effect, FaultVfs, Op, Rule},
};

use crate::{
    case::{Case, Setup},
    layer::{Hooks, Layer},
    model::{Model, Outcome, Possible, State, check_reader, check_reads, contents, differences},
    workload::{self, STEPS, Step},
};

const DIR: &str = "db";

/// Puts something between the engine and its files.
pub(crate) type Wrap<'a> = &'a dyn Fn(Arc<dyn Vfs>) -> Arc<dyn Vfs>;

/// The life of a process: once it is over, nothing reaches the files.
#[derive(Clone, Debug, Default)]
struct Life {
    over: Arc<AtomicBool>,
}

impl Hooks for Life {
    fn check(&self) -> io::Result<()> {
        if self.over.load(Ordering::SeqCst) { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    }
}

/// An open database.
pub(crate) struct Opened {
    pub(crate) db: Db,
    exec: Arc<SimExec>,
    life: Life,
}

pub(crate) struct World<'a> {
    pub(crate) case: &'a Case,
    wrap: Wrap<'a>,
    pub(crate) sim: SimVfs,
    pub(crate) faults: FaultVfs,
    pub(crate) opened: Option<Opened>,
    pub(crate) model: Model,
    /// What failed, and at which step.
    pub(crate) errors: Vec<(usize, Error)>,
    snapshot: Option<(Snapshot, Possible)>,
    /// Checkpoints that were taken.
    pub(crate) copies: Vec<(String, Possible)>,
    /// How many steps are over.
    pub(crate) step: usize,
    /// The step in which something went wrong first.
    pub(crate) failed_at: Option<usize>,
    /// Which errors are honest answers.
    pub(crate) honest: fn(&Error) -> bool,
    /// Whether the model knows what the disk has lost.
    taken_back: bool,
}

/// Opens a database on a file system, with everything small.
pub(crate) fn open(vfs: Arc<dyn Vfs>, dir: &str, setup: impl Into<Setup>) -> Result<Opened> {
    let manual = Arc::new(ManualClock::new());
    let clock = Arc::<ManualClock>::clone(&manual);
    open_at(vfs, dir, setup.into(), (clock, manual))
}

/// Opens it with a clock that is turned by turning the second one.
pub(crate) fn open_at(
    vfs: Arc<dyn Vfs>,
    dir: &str,
    Setup { seed, second }: Setup,
    (clock, manual): (Arc<dyn Clock>, Arc<ManualClock>),
) -> Result<Opened> {
    let life = Life::default();
    let exec = Arc::new(SimExec::new(seed, manual));
    let env = Env {
        vfs: Arc::new(Layer { inner: vfs, hooks: life.clone() }),
        clock,
        rng: Arc::new(SeededRng::new(seed)),
        exec: Arc::<SimExec>::clone(&exec),
    };
    let mut builder = Db::builder(Path::new(dir))
        .env(env)
        .memory_budget(1 << 20)
        .memtable_bytes(3 << 10)
        .segment_bytes(4 << 10, 8 << 10);
    if second {
        builder = builder
            .memtable(parts::CrossbeamMemtable::factory())
            .cache(parts::NoCache)
            .table_format(parts::SortedArrayFormat::default())
            .compaction(parts::Tiered::default())
            .filter(parts::NoFilter);
    }
    Ok(Opened { db: builder.open()?, exec, life })
}

/// Whether an error is an honest answer to a disk that fails.
pub(crate) fn is_honest(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Io | ErrorKind::Full | ErrorKind::ReadOnly)
}

/// Whether an error is an honest answer to a disk whose bytes are wrong.
pub(crate) fn may_be_damaged(error: &Error) -> bool {
    error.kind() == ErrorKind::Corruption || is_honest(error)
}

/// Whether what goes wrong is that bytes are.
pub(crate) fn is_damage(rule: &Rule) -> bool {
    let Rule { effect, .. } = rule;
    matches!(
        effect,
        Effect::Flip(_)
            | Effect::Zeros
            | Effect::Swapped
            | Effect::Misdirected(_)
            | Effect::LostWrite
    )
}

/// No error is accepted.
pub(crate) fn never(_: &Error) -> bool {
    false
}

impl Opened {
    /// Ends the process that has it open.
    pub(crate) fn die(self) {
        self.life.over.store(true, Ordering::SeqCst);
    }
}

impl<'a> World<'a> {
    pub(crate) fn new(case: &'a Case, wrap: Wrap<'a>) -> Self {
        let sim = SimVfs::new().with_fast_ring(case.ring);
        sim.record();
        let faults = FaultVfs::on(sim.clone());
        faults.begin(case.plan.clone());
        faults.limit_bytes(case.room);
        faults.limit_calls(Some(100_000));
        Self {
            case,
            wrap,
            sim,
            faults,
            opened: None,
            model: Model::new(),
            errors: Vec::new(),
            snapshot: None,
            copies: Vec::new(),
            step: 0,
            failed_at: None,
            honest: if case.plan.0.iter().any(is_damage) { may_be_damaged } else { is_honest },
            taken_back: false,
        }
    }

    /// Runs the steps of the case. What fails is noted.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        while self.step < self.case.steps.min(STEPS.len()) {
            if self.opened.is_none() {
                self.open()?;
            }
            let begin = self.sim.recorded();
            let safe = self.opened.is_some() && self.step(STEPS[self.step])?;
            if self.failed_at.is_none() && !self.faults.fired().is_empty() {
                self.failed_at = Some(self.step);
            }
            self.model.mark(self.step, (begin, self.sim.recorded()), safe);
            self.step += 1;
        }
        Ok(())
    }

    /// Opens the database; what it holds is settled if it can be read.
    pub(crate) fn open(&mut self) -> Result<(), String> {
        let begin = self.sim.recorded();
        let vfs = (self.wrap)(Arc::new(self.faults.clone()));
        let opened = open(vfs, DIR, self.case.setup);
        self.opened = self.note(opened)?;
        let Some(Opened { db, .. }) = &self.opened else { return Ok(()) };
        let (took_back, hid_the_log) = (self.took_back(), self.hid_the_log());
        if !self.taken_back && (took_back || hid_the_log) {
            // As after a power loss, whatever was not safe may be gone.
            self.taken_back = true;
            let left = if hid_the_log {
                self.model.after_wrong_log(begin)
            } else {
                self.model.after_crash(begin, true)
            };
            self.model.possible = Arc::new(left.iter().flat_map(|all| all.to_vec()).collect());
        }
        let names: BTreeSet<String> = db.keyspaces().iter().map(|s| s.name().to_owned()).collect();
        let named = self.model.settle(|state| state.keys().eq(&names));
        named.map_err(|error| format!("{error}: keyspaces {names:?}"))?;
        let found = contents(db);
        if let Some(found) = self.note(found)? {
            let settled = self.model.settle(|state| *state == found);
            settled.map_err(|error| self.explain(&error, &found))?;
        }
        self.model.mark(self.step, (begin, self.sim.recorded()), true);
        Ok(())
    }

    /// Whether a failed sync took back what could be read.
    pub(crate) fn took_back(&self) -> bool {
        let reverted = Effect::Sync(FailedSync::Reverted);
        self.faults.fired().iter().any(|fired| self.case.plan.0[fired.rule].effect == reverted)
    }

    /// Whether a part of the log was read wrong: what nothing on disk says was synced cannot be told
    /// from a torn tail.
    fn hid_the_log(&self) -> bool {
        self.faults.fired().iter().any(|fired| {
            let of_log = matches!(fired.call.class, Some(FileClass::Wal | FileClass::Ring));
            of_log && fired.call.op == Op::Read && is_damage(&self.case.plan.0[fired.rule])
        })
    }

    fn explain(&self, error: &str, found: &State) -> String {
        let want = &self.model.possible[0];
        let each =
            found.iter().map(|(name, map)| format!("{name}: {}", differences(map, want.get(name))));
        format!("{error}: {}", each.collect::<Vec<_>>().join(" / "))
    }

    /// Does a step, and says whether a power loss may take nothing of it back.
    fn step(&mut self, step: Step) -> Result<bool, String> {
        let db = self.opened.as_ref().expect("it is open").db.clone();
        match step {
            Step::Write { sync } => {
                let (written, change) = workload::write(&db, self.step, sync);
                self.model.change(Outcome::of(&written), change);
                Ok(self.note(written)?.is_some() && sync)
            }
            Step::Create(name) => {
                let there = workload::find(&db, name).is_some();
                let made = db.keyspace(name, workload::options());
                let outcome = Outcome::of(&made);
                self.model.change(outcome, |state| {
                    state.entry(name.to_owned()).or_default();
                });
                Ok(self.note(made)?.is_some() && !there)
            }
            Step::Drop(name) => {
                let Some(space) = workload::find(&db, name) else { return Ok(false) };
                let dropped = db.drop_keyspace(&space);
                self.model.change(Outcome::of(&dropped), |state| drop(state.remove(name)));
                Ok(self.note(dropped)?.is_some())
            }
            Step::Flush => Ok(self.note(db.flush())?.is_some()),
            Step::Compact => Ok(self.note(db.compact(..))?.is_some()),
            Step::Sync => Ok(self.note(db.sync())?.is_some()),
            Step::Checkpoint => {
                let dir = format!("copy{}", self.step);
                let taken = self.note(db.checkpoint(&dir))?.is_some();
                if taken {
                    self.copies.push((dir, Arc::clone(&self.model.possible)));
                }
                Ok(taken)
            }
            Step::Snapshot => {
                self.snapshot = Some((db.snapshot(), Arc::clone(&self.model.possible)));
                Ok(false)
            }
            Step::Read => self.read(&db, self.honest).map(|()| false),
            Step::Background(steps) => {
                self.opened.as_ref().expect("it is open").exec.run(steps);
                Ok(false)
            }
            Step::Reopen => {
                drop(db);
                let closed = self.close()?;
                self.open()?;
                Ok(closed)
            }
            Step::Die => {
                drop(db);
                self.die();
                self.open().map(|()| false)
            }
        }
    }

    /// Reads everything that can be read.
    pub(crate) fn read(&self, db: &Db, may_fail: fn(&Error) -> bool) -> Result<(), String> {
        check_reads(db, &self.model.possible, may_fail)?;
        let Some((snapshot, possible)) = &self.snapshot else { return Ok(()) };
        for space in db.keyspaces() {
            // What came later is not in it, and need not be empty in it either.
            if possible.iter().all(|state| state.contains_key(space.name())) {
                let reader = snapshot.in_keyspace(&space);
                let name = space.name();
                let read = check_reader(&reader, name, possible, may_fail);
                read.map_err(|error| format!("in a snapshot, {error}"))?;
            }
        }
        Ok(())
    }

    /// Closes the database; returns whether that worked.
    pub(crate) fn close(&mut self) -> Result<bool, String> {
        self.snapshot = None;
        let Some(opened) = self.opened.take() else { return Ok(false) };
        let closed = opened.db.close();
        Ok(self.note(closed)?.is_some())
    }

    /// Ends the process.
    pub(crate) fn die(&mut self) {
        self.snapshot = None;
        if let Some(opened) = self.opened.take() {
            opened.die();
        }
    }

    /// Keeps the error of a result, if it is an honest one.
    fn note<T>(&mut self, result: Result<T>) -> Result<Option<T>, String> {
        let error = match result {
            Ok(value) => return Ok(Some(value)),
            Err(error) => error,
        };
        if !(self.honest)(&error) {
            return Err(format!("step {}: {error:?} after {:?}", self.step, self.errors));
        }
        self.errors.push((self.step, error));
        Ok(None)
    }
}
