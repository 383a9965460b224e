//! Crashes of a run: each disk that one may leave is opened and compared with the history.

use std::{collections::BTreeSet, path::Path};

use super::{
    counts::Counts,
    features::{Feature, Features},
    plan::Place,
    reads::{State, check, contents},
    run::{Copied, DIR, Run, Step, caught, open},
    seeds::Stream,
    subject::{Done, Edit, Safety, Space, Subject},
    world::world,
};
use crate::sim::{Budget, Crash, Cursor, EventKind, Profile, Recording, SimVfs};

/// Crashes to try at one event of a recovery.
const TWICE: Budget = Budget { all_upto: 1, pairs_upto: 0, family: 1, samples: 1, flights: 1 };

/// Points of a recovery at which to crash it.
const TWICE_POINTS: usize = 8;

/// What is written after a recovery.
const AFTER: &[u8] = b"after the crash";

/// How much to look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) budget: Budget,
    /// Disks of one run.
    pub(super) states: u64,
    /// One of so many points of a run is looked at.
    pub(super) point_every: usize,
    /// Of so many disks one is crashed again while it recovers; 0: none.
    pub(super) twice_every: u64,
}

/// What a disk must hold.
#[derive(Clone, Copy)]
struct Expected<'r> {
    /// One of these.
    states: &'r [Vec<State>],
    /// The latest checkpoint that was acknowledged.
    copy: Option<&'r Copied>,
}

/// A crash that leaves what it must not.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) error: String,
    /// The crash, and perhaps one of the recovery from it.
    pub(super) crashes: Vec<Place>,
    /// What the crash took, and which sync is missing.
    pub(super) causes: Vec<String>,
}

/// A run, to be crashed.
#[derive(Clone, Copy)]
pub(super) struct Crashes<'r> {
    pub(super) subject: &'r dyn Subject,
    pub(super) run: &'r Run,
}

/// What happened while a database was opened after a crash, and written to.
struct Recovery {
    recording: Recording,
    /// Number of events before it.
    begin: usize,
    /// Number of events when it was open.
    opened: usize,
    /// Number of events when a write to it was acknowledged as synced.
    written: usize,
}

impl<'r> Crashes<'r> {
    /// Checks crashes at all points.
    ///
    /// # Errors
    ///
    /// The first that leaves what it must not, made small.
    pub(super) fn explore(self, limits: &Limits, counts: &mut Counts) -> Result<(), Broken> {
        let mut cursor = self.run.recording.cursor();
        let mut seen = BTreeSet::new();
        let last = counts.states + limits.states;
        for point in self.points(limits.point_every) {
            cursor.advance_to(point);
            counts.pairs.count(self.features(point));
            counts.exhausted += u64::from(cursor.atom_count() <= limits.budget.all_upto);
            for crash in cursor.states(&limits.budget, self.crash_seed()) {
                let state = cursor.materialise(&crash);
                if !seen.insert((state.hash(), self.bounds(point, &crash).0)) {
                    continue;
                }
                let found = self.check(&cursor, &crash);
                let found = found.map_err(|error| self.broken(&cursor, &crash, error))?;
                counts.states += 1;
                // Every other time a process has died whose writes are not synced.
                let due = counts.states.checked_div(limits.twice_every).unwrap_or(0);
                let fits = crash.power.is_none() || counts.recoveries.is_multiple_of(2);
                if due > counts.recoveries && fits {
                    counts.recoveries += 1;
                    let place = Place { point, crash };
                    self.twice(&cursor, &place, &found, counts)?;
                }
                if counts.states >= last {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Returns whether any of some crashes leaves what it must not.
    pub(super) fn notices(self) -> bool {
        let mut counts = Counts::default();
        let limits = Limits { budget: TWICE, states: u64::MAX, point_every: 1, twice_every: 0 };
        self.explore(&limits, &mut counts).is_err()
    }

    /// Checks the one crash, or the two, of a repro line, and says what they took.
    pub(super) fn replay(self, crashes: &[Place]) -> Result<(), Broken> {
        let Some((first, rest)) = crashes.split_first() else { return Ok(()) };
        let mut cursor = self.run.recording.cursor();
        cursor.advance_to(first.point);
        let found = self.check(&cursor, &first.crash);
        let broken = |error| Broken {
            error,
            crashes: crashes.to_vec(),
            causes: cursor.explain(&first.crash),
        };
        let found = found.map_err(broken)?;
        let Some(second) = rest.first() else { return Ok(()) };
        let recovery = self.recovery(&cursor, &first.crash).map_err(broken)?;
        let mut inner = recovery.recording.cursor();
        inner.advance_to(second.point);
        let checked = self.check_again(first, &recovery, (&inner, &second.crash), &found);
        checked.map_err(|error| {
            let causes = inner.explain(&second.crash);
            Broken { error, crashes: crashes.to_vec(), causes }
        })
    }

    /// Returns where to crash, one of `every` points: anywhere, but seldom between two writes.
    fn points(self, every: usize) -> impl Iterator<Item = usize> {
        let mut dice = self.run.plan.seeds.dice(Stream::Crash, 1);
        let events = self.run.recording.events();
        let quiet =
            move |at: usize| events.get(at).is_none_or(|event| event.kind() == EventKind::Write);
        let skipped =
            move |at: &usize| quiet(*at) && *at > 0 && quiet(*at - 1) && !at.is_multiple_of(4);
        (0..=events.len()).filter(move |at| !skipped(at) && dice.below(every) == 0)
    }

    fn crash_seed(self) -> u64 {
        self.run.plan.seeds.number(Stream::Crash, 0)
    }

    /// Returns what was under way at a point, the crash included.
    fn features(self, point: usize) -> Features {
        let begun = self.run.steps.iter().take_while(|step| step.begin <= point).count();
        let all = &self.run.features;
        let mut features = Features::near(&all[..begun.min(all.len())]);
        features.set(Feature::Crash, true);
        features
    }

    /// Returns the first and the last number of steps that a crash at a point may leave.
    fn bounds(self, point: usize, crash: &Crash) -> (usize, usize) {
        let survives = |step: &Step| self.survives(step, point, crash);
        let safe = self.run.steps.iter().rposition(survives).map_or(0, |at| at + 1);
        let begun = self.run.steps.iter().take_while(|step| step.begin <= point).count();
        (safe, begun)
    }

    /// Returns whether a step was acknowledged as one that survives this.
    fn survives(self, step: &Step, point: usize, crash: &Crash) -> bool {
        let keeps = crash.power.is_none() && self.subject.keeps_unsynced();
        let survives = step.done == Done::Sync || step.done == Done::Process && keeps;
        step.end <= point && survives
    }

    fn check(self, cursor: &Cursor<'_>, crash: &Crash) -> Result<State, String> {
        let (safe, begun) = self.bounds(cursor.at(), crash);
        let states = &self.run.states[safe..=begun];
        let expected = Expected { states, copy: self.copy(cursor.at(), crash) };
        let result = self.verify(&cursor.materialise(crash).vfs(), expected);
        result.map_err(|error| format!("{error}; {safe}..={begun} operations are expected"))
    }

    /// Returns the latest checkpoint that a crash at a point must leave.
    fn copy(self, point: usize, crash: &Crash) -> Option<&'r Copied> {
        let there = |copy: &&Copied| self.survives(&self.run.steps[copy.step], point, crash);
        self.run.copies.iter().rfind(there)
    }

    /// Opens a disk and returns what it holds, if that is one of the possible states.
    fn verify(self, vfs: &SimVfs, expected: Expected<'_>) -> Result<State, String> {
        let config = self.run.plan.config;
        let open = || {
            let (env, exec) = world(vfs.clone(), self.crash_seed());
            open(self.subject, &env, Path::new(DIR), config).map(|store| (store, exec))
        };
        caught(|| {
            let (store, exec) = open()?;
            let found = contents(&*store)?;
            if !expected.states.iter().flatten().any(|state| *state == found) {
                let like = self.run.states.iter().rposition(|states| states.contains(&found));
                return Err(like.map_or_else(
                    || "holds a state that never was".to_owned(),
                    |like| format!("holds the state after {like} operations"),
                ));
            }
            check(&*store, &found, &self.run.keys)?;
            store.close().map_err(|error| format!("close: {error:?}"))?;
            drop(exec);
            let (store, _exec) = open().map_err(|error| format!("once more: {error}"))?;
            if contents(&*store)? != found {
                return Err("holds something else after it was closed".to_owned());
            }
            self.verify_copy(vfs, expected.copy)?;
            Ok(found)
        })
    }

    fn verify_copy(self, vfs: &SimVfs, copy: Option<&Copied>) -> Result<(), String> {
        let Some(Copied { dir, step }) = copy else { return Ok(()) };
        let (env, _exec) = world(vfs.clone(), self.crash_seed());
        let context = |error| format!("the checkpoint {}: {error}", dir.display());
        let store = open(self.subject, &env, dir, self.run.plan.config).map_err(context)?;
        if self.run.states[*step].contains(&contents(&*store).map_err(context)?) {
            return Ok(());
        }
        Err(context("holds something else than was acknowledged".to_owned()))
    }

    /// Records the recovery from a crash, and a write after it.
    fn recovery(self, cursor: &Cursor<'_>, crash: &Crash) -> Result<Recovery, String> {
        let (vfs, begin) = cursor.resume(crash);
        let (opened, written) = caught(|| {
            let (env, _exec) = world(vfs.clone(), self.crash_seed());
            let store = open(self.subject, &env, Path::new(DIR), self.run.plan.config)?;
            let opened = vfs.recorded();
            let (key, value) = (AFTER.to_vec(), Some(AFTER.to_vec()));
            let edit = Edit { space: Space(0), key, value };
            let write = store.write(&[edit], Safety::Sync);
            write.map_err(|error| format!("a write after the recovery: {error:?}"))?;
            let written = vfs.recorded();
            store.close().map_err(|error| format!("close: {error:?}"))?;
            Ok((opened, written))
        })?;
        Ok(Recovery { recording: vfs.recording(), begin, opened, written })
    }

    /// Checks a crash in a recovery or after it: what was seen once must stay, and so must what
    /// was synced since.
    fn check_again(
        self,
        place: &Place,
        recovery: &Recovery,
        (inner, crash): (&Cursor<'_>, &Crash),
        found: &State,
    ) -> Result<(), String> {
        // A power loss in the recovery takes what only survives the death of the process.
        let worse = if crash.power.is_some() { crash } else { &place.crash };
        let (safe, begun) = self.bounds(place.point, worse);
        let mut later = found.clone();
        later.entry(Space(0)).or_default().insert(AFTER.to_vec(), AFTER.into());
        let seen = [vec![found.clone()], vec![later]];
        let possible = match inner.at() {
            at if at >= recovery.written => &seen[1..],
            at if at >= recovery.opened => &seen,
            _ => &self.run.states[safe..=begun],
        };
        let expected = Expected { states: possible, copy: self.copy(place.point, worse) };
        let result = self.verify(&inner.materialise(crash).vfs(), expected);
        let Recovery { opened, written, .. } = recovery;
        result.map(drop).map_err(|error| {
            format!("{error}; in the recovery, open at {opened}, written at {written}")
        })
    }

    fn twice(
        self,
        cursor: &Cursor<'_>,
        place: &Place,
        found: &State,
        counts: &mut Counts,
    ) -> Result<(), Broken> {
        let recovery = self.recovery(cursor, &place.crash);
        let recovery = recovery.map_err(|error| self.broken(cursor, &place.crash, error))?;
        let mut inner = recovery.recording.cursor();
        let (begin, end) = (recovery.begin, recovery.recording.events().len());
        let step = (end - begin).div_ceil(TWICE_POINTS).max(1);
        let skip = usize::try_from(counts.states % step as u64).expect("less than a step");
        for point in (begin + skip..=end).step_by(step) {
            inner.advance_to(point);
            for crash in inner.states(&TWICE, self.crash_seed()) {
                let check =
                    |crash: &Crash| self.check_again(place, &recovery, (&inner, crash), found);
                if let Err(error) = check(&crash) {
                    let least = inner.shrink(&crash, |crash| check(crash).is_err());
                    let causes = inner.blame(&least, |crash| check(crash).is_err());
                    let crashes = vec![place.clone(), Place { point, crash: least }];
                    return Err(Broken { error, crashes, causes });
                }
                counts.twice += 1;
            }
        }
        Ok(())
    }

    /// Makes a crash small that fails.
    fn broken(self, cursor: &Cursor<'_>, crash: &Crash, error: String) -> Broken {
        let fails = |crash: &Crash| self.check(cursor, crash).is_err();
        let least = cursor.shrink(crash, fails);
        let mut causes = cursor.blame(&least, fails);
        if least.power.is_some() && fails(&cursor.under(Profile::Ext4Ordered, &least)) {
            causes.push("ext4 with data=ordered may do this".to_owned());
        }
        let error = self.check(cursor, &least).err().unwrap_or(error);
        Broken { error, crashes: vec![Place { point: cursor.at(), crash: least }], causes }
    }
}
