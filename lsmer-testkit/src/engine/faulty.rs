//! A run in which files fail: what an operation that failed has done is open, and each way is
//! followed.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use lsmer_core::Env;

use super::{
    features::Features,
    op::Op,
    plan::Plan,
    reads::{Map, State, check, contents},
    run::{DIR, Run, Step, caught, edit, open},
    seeds::Stream,
    subject::{Config, Done, Edit, Safety, Space, Store, Subject, Task},
    world::{SimExec, world},
};
use crate::{
    FailedSync, SimVfs,
    fault::{Effect, Errno, FaultPlan, FaultVfs, Op as Call, Rule, When},
    seed::Seeded,
};

/// With so many ways that things may be, nothing more is written before the next opening.
const WAYS: usize = 8;

/// After so many operations that failed, the database is opened again.
const PATIENCE: usize = 3;

/// With more calls of the file system under one plan, somebody tries again for ever.
const CALLS: usize = 200_000;

/// A run under way.
struct Session<'s> {
    subject: &'s dyn Subject,
    config: Config,
    env: Env,
    exec: Arc<SimExec>,
    vfs: FaultVfs,
    store: Option<Box<dyn Store>>,
    /// What reads may show: one of these, and always the same.
    live: Vec<State>,
    /// What the next opening may find.
    durable: Vec<State>,
    keys: BTreeSet<Vec<u8>>,
    /// Whether a call has failed since the database was opened.
    troubled: bool,
    failures: usize,
}

impl Run {
    /// Carries out a plan on files that fail as its seeds decide.
    ///
    /// # Errors
    ///
    /// An operation failed for no reason, or did or showed what it must not.
    pub(super) fn with_faults(subject: &dyn Subject, plan: Plan) -> Result<Self, String> {
        let sim = plan.files();
        let mut session = Session::new(subject, &plan, &sim)?;
        let mut states = vec![session.durable.clone()];
        let mut steps = Vec::new();
        for id in &plan.ids {
            let op = plan.op(*id);
            let begin = sim.recorded();
            session.exec.reseed(plan.seeds.number(Stream::Schedule, *id));
            session.plan_faults(&mut plan.seeds.dice(Stream::Fault, *id));
            let done = caught(|| session.step(&op));
            let context = |error| {
                let fired = session.vfs.fired();
                format!("operation {id}, {op}: {error}; of the calls failed: {fired:?}")
            };
            let done = done.map_err(context)?;
            steps.push(Step { begin, end: sim.recorded(), done });
            states.push(session.durable.clone());
        }
        let end = caught(|| {
            session.reopen(true)?;
            check(session.store(), &session.durable[0], &session.keys)
        });
        end.map_err(|error| format!("opened again at the end: {error}"))?;
        let Session { keys, store, .. } = session;
        drop(store);
        let (recording, copies) = (sim.recording(), Vec::new());
        let features = vec![Features::default(); steps.len()];
        Ok(Self { plan, recording, states, steps, features, copies, keys })
    }
}

impl<'s> Session<'s> {
    fn new(subject: &'s dyn Subject, plan: &Plan, sim: &SimVfs) -> Result<Self, String> {
        let vfs = FaultVfs::on(sim.clone());
        let (env, exec) = world(vfs.clone(), plan.seeds.number(Stream::Config, 2));
        let config = plan.config;
        let store = Some(caught(|| open(subject, &env, Path::new(DIR), config))?);
        let live = vec![State::from([(Space(0), Map::new())])];
        Ok(Self {
            subject,
            config,
            env,
            exec,
            vfs,
            store,
            durable: live.clone(),
            live,
            keys: BTreeSet::new(),
            troubled: false,
            failures: 0,
        })
    }

    fn store(&self) -> &dyn Store {
        &**self.store.as_ref().expect("it is open between operations")
    }

    /// Lets other calls fail, or none, or goes on as before.
    fn plan_faults(&mut self, dice: &mut Seeded) {
        match dice.below(10) {
            0..=2 => self.begin(rule(dice).into()),
            3..=5 => self.begin(FaultPlan::default()),
            _ => {}
        }
    }

    fn begin(&mut self, plan: FaultPlan) {
        self.troubled |= !self.vfs.fired().is_empty();
        self.vfs.begin(plan);
    }

    fn step(&mut self, op: &Op) -> Result<Done, String> {
        if self.failures >= PATIENCE {
            return self.reopen(false);
        }
        match op {
            Op::Write { edits, safety, steps } => {
                let done = self.write(edits, *safety);
                self.exec.run(*steps);
                return done;
            }
            Op::Get(space, keys) => keys.iter().try_for_each(|key| self.get(*space, key))?,
            Op::Walk { .. } | Op::Go { .. } | Op::Recall { .. } => self.read_all()?,
            Op::Snapshot | Op::Task(Task::Checkpoint(_)) => {}
            Op::Task(task) => return self.task(task),
            Op::Background(steps) => self.exec.run(*steps),
            Op::Reopen { sizes } => {
                self.config.sizes = *sizes;
                return self.reopen(false);
            }
        }
        Ok(Done::Absent)
    }

    fn write(&mut self, edits: &[Edit], safety: Safety) -> Result<Done, String> {
        let known = |edit: &&Edit| self.live[0].contains_key(&edit.space);
        let edits: Vec<Edit> = edits.iter().filter(known).cloned().collect();
        if self.live.len() > WAYS || self.durable.len() > WAYS {
            return Ok(Done::Absent);
        }
        self.keys.extend(edits.iter().map(|edit| edit.key.clone()));
        // A failure may cost what was not synced, if the engine does not keep that: all is synced.
        let keeps = self.subject.keeps_unsynced();
        let safety = if keeps { safety } else { Safety::Sync };
        let result = self.store().write(&edits, safety);
        self.settle(result.map(|()| safety.into()), |state| edit(state, &edits))
    }

    /// Takes over what an operation has changed: if it failed, perhaps nothing.
    fn settle(
        &mut self,
        result: super::subject::Result<Done>,
        change: impl Fn(&mut State),
    ) -> Result<Done, String> {
        let done = match result {
            Ok(Done::Absent) => return Ok(Done::Absent),
            Ok(done) => Some(done),
            Err(error) => {
                self.excuse(&error)?;
                None
            }
        };
        for states in [&mut self.live, &mut self.durable] {
            let before = states.clone();
            states.iter_mut().for_each(&change);
            if done.is_none() {
                states.extend(before);
                states.sort();
                states.dedup();
            }
        }
        Ok(done.unwrap_or(Done::Absent))
    }

    fn get(&mut self, space: Space, key: &[u8]) -> Result<(), String> {
        if !self.live[0].contains_key(&space) {
            return Ok(());
        }
        match self.store().get(space, key) {
            Err(error) => self.excuse(&error),
            Ok(found) => {
                let of = |state: &State| state.get(&space)?.get(key).cloned();
                self.live.retain(|state| of(state).as_deref() == found.as_deref());
                let show = || format!("get {}:{} is wrong", space.0, key.escape_ascii());
                if self.live.is_empty() { Err(show()) } else { Ok(()) }
            }
        }
    }

    fn read_all(&mut self) -> Result<(), String> {
        match contents(self.store()) {
            Err(error) => self.excuse(&error),
            Ok(found) if self.live.contains(&found) => {
                self.live = vec![found];
                Ok(())
            }
            Ok(_) => Err("a walk shows what was never there".to_owned()),
        }
    }

    fn task(&mut self, task: &Task) -> Result<Done, String> {
        let result = self.store().perform(task);
        let failed = result.is_err();
        let done = self.settle(result, |state| match task {
            Task::Create(space) => drop(state.entry(*space).or_default()),
            Task::Drop(space) => drop(state.remove(space)),
            _ => {}
        })?;
        if failed && matches!(task, Task::Create(_) | Task::Drop(_)) {
            return self.reopen(true); // nobody can write to what is perhaps not there
        }
        Ok(done)
    }

    /// Closes and opens; what is found decides what the operations that failed have done.
    fn reopen(&mut self, calm: bool) -> Result<Done, String> {
        let store = self.store.take().expect("it is open between operations");
        let done = match store.close() {
            Ok(done) => done,
            Err(error) => self.excuse(&error).map(|()| Done::Absent)?,
        };
        if calm {
            self.begin(FaultPlan::default());
        }
        let dir = Path::new(DIR);
        self.vfs.limit_calls(Some(CALLS));
        let found = open(self.subject, &self.env, dir, self.config)
            .and_then(|store| contents(&*store).map(|found| (store, found)));
        let (store, found) = match found {
            Ok(found) => found,
            Err(error) => {
                if self.vfs.fired().is_empty() {
                    return Err(error);
                }
                self.vfs.begin(FaultPlan::default());
                let store = open(self.subject, &self.env, dir, self.config)?;
                let found = contents(&*store)?;
                (store, found)
            }
        };
        if !self.durable.contains(&found) {
            return Err("what was acknowledged is gone, or what was not there is".to_owned());
        }
        (self.live, self.durable) = (vec![found.clone()], vec![found]);
        self.store = Some(store);
        (self.failures, self.troubled) = (0, false);
        Ok(done)
    }

    /// Accepts an error if a call of the file system has failed before.
    fn excuse(&mut self, error: &(impl std::fmt::Debug + ?Sized)) -> Result<(), String> {
        self.failures += 1;
        if self.troubled || !self.vfs.fired().is_empty() {
            return Ok(());
        }
        Err(format!("failed, and no call of the file system did: {error:?}"))
    }
}

/// Makes up what goes wrong: with any calls, once or several times.
fn rule(dice: &mut Seeded) -> Rule {
    let when = match dice.below(3) {
        0 => When::nth(dice.next() % 12),
        1 => When::Times { first: dice.next() % 12, count: 1 + dice.next() % 4 },
        _ => When::Chance { percent: 2 + dice.next() % 20, seed: dice.next() },
    };
    let effect = match dice.below(16) {
        0..=5 => Effect::Error(Errno::EIO),
        6..=8 => Effect::Error(Errno::ENOSPC),
        9 => Effect::Error(Errno::EMFILE),
        10 => Effect::Error(Errno::EINTR),
        11 => Effect::Late(Errno::EIO),
        12 => Effect::Short(1 + dice.next() % 64),
        13 => Effect::Sync(FailedSync::StillDirty),
        14 => Effect::Sync(FailedSync::ActuallyDurable),
        // Of files: a folder whose names were lost so cannot be mended by its user.
        _ => return Rule::new(Effect::Sync(FailedSync::MarkedClean)).on(Call::Sync).when(when),
    };
    Rule::new(effect).when(when)
}
