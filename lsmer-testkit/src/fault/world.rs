//! What is shared by a file system that fails and its files: the plan, and what happened.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use lsmer_core::FileClass;

use super::{
    Call, Effect, FaultPlan,
    space::{Room, Space},
};

/// One call that went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fired {
    /// Which of the calls since the plan began; the first is 0.
    pub nth: usize,
    /// Which rule of the plan.
    pub rule: usize,
    /// The call.
    pub call: Call,
}

#[derive(Debug, Default)]
pub(super) struct World {
    plan: FaultPlan,
    /// How many calls each rule was about.
    counts: Vec<u64>,
    calls: Vec<Call>,
    most_calls: Option<usize>,
    fired: Vec<Fired>,
    names: BTreeMap<PathBuf, Known>,
    pub(super) space: Space,
}

/// What is known of a file by its name.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) class: FileClass,
    pub(super) room: Arc<Room>,
}

impl World {
    pub(super) fn begin(&mut self, plan: FaultPlan) {
        self.counts = vec![0; plan.0.len()];
        self.plan = plan;
        self.calls.clear();
        self.fired.clear();
    }

    pub(super) fn limit_calls(&mut self, most: Option<usize>) {
        self.most_calls = most;
    }

    pub(super) fn calls(&self) -> &[Call] {
        &self.calls
    }

    pub(super) fn fired(&self) -> &[Fired] {
        &self.fired
    }

    /// Notes a call, and returns what is to go wrong.
    ///
    /// # Panics
    ///
    /// If there were more calls than there may be.
    pub(super) fn call(&mut self, call: Call) -> io::Result<Option<Effect>> {
        let nth = self.calls.len();
        self.calls.push(call);
        let most = self.most_calls.unwrap_or(usize::MAX);
        assert!(nth != most, "more than {most} calls of the file system, the last to {call}");
        if nth > most {
            // Who unwinds closes the database, and must not panic again.
            return Err(super::Errno::EIO.error());
        }
        let mut found = None;
        for (number, (rule, count)) in self.plan.0.iter().zip(&mut self.counts).enumerate() {
            if rule.is_about(&call) {
                if rule.when.is_now(*count) && rule.effect.fits(call.op) {
                    found = found.or(Some((number, rule.effect)));
                }
                *count += 1;
            }
        }
        let Some((rule, effect)) = found else { return Ok(None) };
        self.fired.push(Fired { nth, rule, call });
        match effect {
            Effect::Error(errno) => Err(errno.error()),
            effect => Ok(Some(effect)),
        }
    }

    /// Returns the class of the file that was opened under a name.
    pub(super) fn class(&self, path: &Path) -> Option<FileClass> {
        self.names.get(path).map(|known| known.class)
    }

    /// Returns what is known of a file, or knows it from now on.
    pub(super) fn know(&mut self, path: &Path, class: FileClass, bytes: u64) -> Arc<Room> {
        let space = &self.space;
        let new = || Known { class, room: space.file(bytes) };
        let known = self.names.entry(path.to_path_buf()).or_insert_with(new);
        known.class = class;
        Arc::clone(&known.room)
    }

    pub(super) fn forget(&mut self, path: &Path) -> Option<Known> {
        self.names.remove(path)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) {
        if let Some(known) = self.names.remove(from) {
            self.names.insert(to.to_path_buf(), known);
        }
    }

    pub(super) fn link(&mut self, from: &Path, to: &Path) {
        if let Some(known) = self.names.get(from).cloned() {
            self.names.insert(to.to_path_buf(), known);
        }
    }
}
