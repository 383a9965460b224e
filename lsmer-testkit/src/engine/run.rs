//! One run: a plan carried out on a recording file system, each read compared with the model.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
};

use lsmer_core::Env;

use super::{
    features::{Feature, Features},
    op::{Op, SPACES},
    plan::Plan,
    reads::{State, check, check_get, check_reader},
    seeds::Stream,
    subject::{Config, Done, Edit, Reader, Safety, Space, Store, Subject, Task},
    walks::Live,
    world::{SimExec, world},
};
use crate::sim::Recording;

/// The folder of the database.
pub(super) const DIR: &str = "db";

/// Snapshots and walks that are kept at a time.
const KEPT: usize = 4;

/// A run that was carried out.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) plan: Plan,
    pub(super) recording: Recording,
    /// What the database may have held after so many steps: one state, unless something failed.
    pub(super) states: Vec<Vec<State>>,
    /// The operations, and the last close.
    pub(super) steps: Vec<Step>,
    pub(super) features: Vec<Features>,
    /// The checkpoints, oldest first.
    pub(super) copies: Vec<Copied>,
    /// Every key that was ever written.
    pub(super) keys: BTreeSet<Vec<u8>>,
}

/// One operation that was carried out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Number of events before it.
    pub(super) begin: usize,
    /// Number of events when it was acknowledged.
    pub(super) end: usize,
    /// What it was acknowledged to survive.
    pub(super) done: Done,
}

/// A checkpoint that was taken.
#[derive(Clone, Debug)]
pub(super) struct Copied {
    pub(super) dir: PathBuf,
    /// The number of the step that took it.
    pub(super) step: usize,
}

/// A run under way.
struct Session<'s> {
    subject: &'s dyn Subject,
    config: Config,
    env: Env,
    exec: Arc<SimExec>,
    store: Option<Box<dyn Store>>,
    state: State,
    keys: BTreeSet<Vec<u8>>,
    snapshots: Vec<(Box<dyn Reader>, State)>,
    walks: Vec<Live>,
}

impl Run {
    /// Carries a plan out.
    ///
    /// # Errors
    ///
    /// The operation that failed, or whose reads are not those of the model.
    pub(super) fn new(subject: &dyn Subject, plan: Plan) -> Result<Self, String> {
        if plan.faults {
            return Self::with_faults(subject, plan);
        }
        let vfs = plan.files();
        let (env, exec) = world(vfs.clone(), plan.seeds.number(Stream::Config, 2));
        let mut session = Session::open(subject, plan.config, env, exec)?;
        let mut states = vec![vec![session.state.clone()]];
        let (mut steps, mut features, mut copies) = (Vec::new(), Vec::new(), Vec::new());
        for id in &plan.ids {
            let op = plan.op(*id);
            let begin = vfs.recorded();
            session.exec.reseed(plan.seeds.number(Stream::Schedule, *id));
            let mut seen = session.features(&op);
            let compacted = session.exec.compacted();
            let done = caught(|| session.step(&op));
            let done = done.map_err(|error| format!("operation {id}, {op}: {error}"))?;
            seen.set(Feature::Compaction, session.exec.compacted() > compacted);
            if let (Op::Task(Task::Checkpoint(dir)), Done::Process | Done::Sync) = (&op, done) {
                copies.push(Copied { dir: dir.clone(), step: steps.len() });
            }
            steps.push(Step { begin, end: vfs.recorded(), done });
            features.push(seen);
            states.push(vec![session.state.clone()]);
        }
        let keys = std::mem::take(&mut session.keys);
        let (begin, last) = (vfs.recorded(), session.state.clone());
        let done = caught(|| session.end(&keys)).map_err(|error| format!("at the end: {error}"))?;
        steps.push(Step { begin, end: vfs.recorded(), done });
        states.push(vec![last]);
        let recording = vfs.recording();
        Ok(Self { plan, recording, states, steps, features, copies, keys })
    }

    /// Returns a number that tells runs apart that did not do the same.
    pub(super) fn hash(&self) -> u64 {
        let states = format!("{:?}", self.states);
        self.recording.hash() ^ lsmer_core::hash(states.as_bytes())
    }
}

impl<'s> Session<'s> {
    fn open(
        subject: &'s dyn Subject,
        config: Config,
        env: Env,
        exec: Arc<SimExec>,
    ) -> Result<Self, String> {
        let store = caught(|| open(subject, &env, Path::new(DIR), config))?;
        let state = State::from([(Space(0), super::reads::Map::new())]);
        let (keys, snapshots, walks) = (BTreeSet::new(), Vec::new(), Vec::new());
        let store = Some(store);
        Ok(Self { subject, config, env, exec, store, state, keys, snapshots, walks })
    }

    fn store(&self) -> &dyn Store {
        &**self.store.as_ref().expect("it is open between operations")
    }

    /// Returns what is there when an operation begins, and what it brings.
    fn features(&self, op: &Op) -> Features {
        let mut features = Features::default();
        features.set(Feature::Snapshot, !self.snapshots.is_empty());
        features.set(Feature::Walk, !self.walks.is_empty());
        features.set(Feature::Reopen, matches!(op, Op::Reopen { .. }));
        let drops = |space| self.state.contains_key(space);
        features.set(Feature::Drop, matches!(op, Op::Task(Task::Drop(space)) if drops(space)));
        if let Op::Write { edits, .. } = op {
            let spaces: BTreeSet<Space> = self.known(edits).map(|edit| edit.space).collect();
            features.set(Feature::Batch, spaces.len() > 1);
        }
        features
    }

    /// Returns the edits of keyspaces that are there.
    fn known<'e>(&self, edits: &'e [Edit]) -> impl Iterator<Item = &'e Edit> {
        edits.iter().filter(|edit| self.state.contains_key(&edit.space))
    }

    fn step(&mut self, op: &Op) -> Result<Done, String> {
        match op {
            Op::Write { edits, safety, steps } => {
                let done = self.write(edits, *safety)?;
                self.exec.run(*steps);
                return Ok(done);
            }
            Op::Get(space, keys) => {
                if let Some(map) = self.state.get(space) {
                    keys.iter().try_for_each(|key| check_get(self.store(), *space, (key, map)))?;
                }
            }
            Op::Walk { space, low, high } => {
                if let Some(map) = self.state.get(space) {
                    let range = (&low[..], high.as_deref());
                    let live = Live::new(self.store(), *space, map, range)?;
                    self.walks.truncate(KEPT - 1);
                    self.walks.insert(0, live);
                }
            }
            Op::Go { walk, turns, seek, ends } => {
                let at = walk % self.walks.len().max(1);
                if let Some(live) = self.walks.get_mut(at) {
                    live.go(seek.as_deref(), turns)?;
                }
                if *ends && at < self.walks.len() {
                    drop(self.walks.remove(at));
                }
            }
            Op::Snapshot => {
                if let Some(snapshot) = self.store().snapshot().map_err(show)? {
                    self.snapshots.truncate(KEPT - 1);
                    self.snapshots.insert(0, (snapshot, self.state.clone()));
                }
            }
            Op::Recall { snapshot, ends } => {
                let at = snapshot % self.snapshots.len().max(1);
                if let Some((snapshot, state)) = self.snapshots.get(at) {
                    let context = |error| format!("a snapshot: {error}");
                    check_reader(&**snapshot, state, &self.keys).map_err(context)?;
                }
                if *ends && at < self.snapshots.len() {
                    drop(self.snapshots.remove(at));
                }
            }
            Op::Task(task) => return self.task(task),
            Op::Background(steps) => self.exec.run(*steps),
            Op::Reopen { sizes } => return self.reopen(*sizes),
        }
        Ok(Done::Absent)
    }

    fn write(&mut self, edits: &[Edit], safety: Safety) -> Result<Done, String> {
        let edits: Vec<Edit> = self.known(edits).cloned().collect();
        self.store().write(&edits, safety).map_err(show)?;
        edit(&mut self.state, &edits);
        self.keys.extend(edits.into_iter().map(|edit| edit.key));
        Ok(safety.into())
    }

    fn task(&mut self, task: &Task) -> Result<Done, String> {
        let done = self.store().perform(task).map_err(show)?;
        match task {
            _ if done == Done::Absent => {}
            Task::Create(space) => {
                assert!(space.0 < SPACES, "there are {SPACES}");
                self.state.entry(*space).or_default();
            }
            Task::Drop(space) => drop(self.state.remove(space)),
            Task::Checkpoint(dir) => {
                let context = |error| format!("the checkpoint: {error}");
                let copy = open(self.subject, &self.env, dir, self.config).map_err(context)?;
                check(&*copy, &self.state, &self.keys).map_err(context)?;
                copy.close().map_err(show).map_err(context)?;
            }
            _ => {}
        }
        Ok(done)
    }

    fn reopen(&mut self, sizes: u64) -> Result<Done, String> {
        self.snapshots.clear();
        self.walks.clear();
        let store = self.store.take().expect("it is open between operations");
        let done = store.close().map_err(|error| format!("close: {error:?}"))?;
        self.config.sizes = sizes;
        self.store = Some(open(self.subject, &self.env, Path::new(DIR), self.config)?);
        Ok(done)
    }

    /// Looks at everything once more, and closes.
    fn end(mut self, keys: &BTreeSet<Vec<u8>>) -> Result<Done, String> {
        self.walks.iter_mut().try_for_each(Live::finish)?;
        for (snapshot, state) in &self.snapshots {
            check_reader(&**snapshot, state, keys)
                .map_err(|error| format!("a snapshot: {error}"))?;
        }
        check(self.store(), &self.state, keys)?;
        self.walks.clear();
        self.snapshots.clear();
        let store = self.store.take().expect("it is open between operations");
        store.close().map_err(|error| format!("close: {error:?}"))
    }
}

/// Carries out edits of a model.
pub(super) fn edit(state: &mut State, edits: &[Edit]) {
    for Edit { space, key, value } in edits {
        let Some(map) = state.get_mut(space) else { continue };
        match value {
            Some(value) => drop(map.insert(key.clone(), value[..].into())),
            None => drop(map.remove(key)),
        }
    }
}

/// Opens a database.
pub(super) fn open(
    subject: &dyn Subject,
    env: &Env,
    dir: &Path,
    config: Config,
) -> Result<Box<dyn Store>, String> {
    subject.open(env, dir, config).map_err(|error| format!("open: {error:?}"))
}

/// Turns a panic into an error.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied());
        Err(format!("panic: {}", text.unwrap_or("?")))
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
fn show(error: super::subject::Error) -> String {
    format!("{error:?}")
}
