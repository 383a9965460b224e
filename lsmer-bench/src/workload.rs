//! The workloads by name, and what each needs.

use crate::{drive::Run, engine::Engine, outcome::Outcome, stage::Stage, store::Store, workloads};

/// How large the block cache is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Everything fits.
    All,
    /// A quarter of keys and values fits.
    Quarter,
}

/// How a workload is run.
#[derive(Clone, Copy, Debug)]
pub enum Play {
    /// On an open database.
    Open(fn(&Stage, &dyn Engine) -> Outcome<Run>),
    /// It opens the database itself.
    Opening(fn(&Stage) -> Outcome<Run>),
}

/// A workload.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// What it is called.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// What is counted.
    pub unit: &'static str,
    /// What is in the database before.
    pub store: Store,
    /// Whether it changes the database.
    pub writes: bool,
    /// The size of the cache.
    pub cache: Cache,
    /// Threads, unless asked for others.
    pub threads: u64,
    /// Bytes of a value.
    pub value_bytes: usize,
    /// The number of records is divided by this.
    pub divisor: u64,
    /// Whether keys are added to the loaded ones: they come between.
    pub inserts: bool,
    /// How it is run.
    pub play: Play,
}

impl Workload {
    /// A workload that writes rows of the usual size to an empty database, on one thread.
    pub const fn fill(
        name: &'static str,
        about: &'static str,
        play: fn(&Stage, &dyn Engine) -> Outcome<Run>,
    ) -> Self {
        Self {
            name,
            about,
            unit: "rows",
            store: Store::Empty,
            writes: true,
            cache: Cache::Quarter,
            threads: 1,
            value_bytes: 100,
            divisor: 2,
            inserts: false,
            play: Play::Open(play),
        }
    }

    /// A workload that reads a loaded database, on one thread.
    pub const fn read(
        name: &'static str,
        about: &'static str,
        cache: Cache,
        play: fn(&Stage, &dyn Engine) -> Outcome<Run>,
    ) -> Self {
        Self {
            name,
            about,
            unit: "gets",
            store: Store::Loaded,
            writes: false,
            cache,
            threads: 1,
            value_bytes: 100,
            divisor: 1,
            inserts: false,
            play: Play::Open(play),
        }
    }

    /// Sets what is counted.
    #[must_use]
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// Sets what is in the database before.
    #[must_use]
    pub const fn on(mut self, store: Store) -> Self {
        self.store = store;
        self
    }

    /// Says that it changes the database.
    #[must_use]
    pub const fn writing(mut self) -> Self {
        self.writes = true;
        self
    }

    /// Returns whether each unit is a put.
    pub fn puts_units(&self) -> bool {
        self.writes && ["rows", "puts"].contains(&self.unit)
    }

    /// Sets the number of threads.
    #[must_use]
    pub const fn threads(mut self, threads: u64) -> Self {
        self.threads = threads;
        self
    }

    /// Sets the size of values, and what the number of records is divided by.
    #[must_use]
    pub const fn values(mut self, bytes: usize, divisor: u64) -> Self {
        self.value_bytes = bytes;
        self.divisor = divisor;
        self
    }

    /// Sets how large the cache is.
    #[must_use]
    pub const fn cache(mut self, cache: Cache) -> Self {
        self.cache = cache;
        self
    }

    /// Says that keys are added between the loaded ones.
    #[must_use]
    pub const fn inserting(mut self) -> Self {
        self.inserts = true;
        self
    }

    /// Sets how it is run: it opens the database itself.
    #[must_use]
    pub const fn opening(mut self, play: fn(&Stage) -> Outcome<Run>) -> Self {
        self.play = Play::Opening(play);
        self
    }
}

/// Returns all workloads.
pub fn all() -> impl Iterator<Item = &'static Workload> {
    workloads::TABLES.iter().copied().flatten()
}

/// Finds a workload.
///
/// # Errors
///
/// There is none of this name.
pub fn find(name: &str) -> Outcome<&'static Workload> {
    let found = all().find(|workload| workload.name == name);
    Ok(found.ok_or_else(|| format!("no workload `{name}`; `lsmer-bench list` names them"))?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_workload_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = all().map(|workload| workload.name).collect();
        assert_eq!(names.len(), all().count());
        assert!(find("fillrandom").is_ok());
        assert!(find("fill").is_err());
    }
}
