//! Compositions to be put under the suite for whole engines.

use lsmer::{Builder, parts};
use lsmer_core::Env;
use lsmer_testkit::{
    Composed,
    engine::{Config, Done, Edit, Reader, Result, Safety, Space, Store, Subject, Task, Walk},
};
use std::path::Path;

use crate::reckless::Reckless;

/// Chooses one of the alternatives for each part that has some.
fn any(mut builder: Builder, config: Config) -> Builder {
    let bit = |n: u32| config.parts >> (8 + n) & 1 == 1;
    if bit(0) {
        builder = builder.memtable(parts::CrossbeamMemtable::factory());
    }
    if bit(1) {
        builder = builder.cache(parts::NoCache);
    }
    if bit(2) {
        builder = builder.table_format(parts::SortedArrayFormat::default());
    }
    if bit(3) {
        builder = builder.compaction(parts::Tiered::default());
    }
    if bit(4) {
        builder = builder.filter(parts::NoFilter);
    }
    builder
}

/// The shipped parts.
pub(crate) fn shipped() -> impl Subject {
    Composed::new("lsmer", any)
}

/// A strategy that plans anything, which the engine has to survive.
pub(crate) fn reckless() -> impl Subject {
    let compose = |builder, config| any(builder, config).compaction(Reckless);
    Tolerant(Composed::new("reckless", compose))
}

/// Does not mind illegal plans: they are refused, and counted.
struct Tolerant<S>(S);

struct Open(Box<dyn Store>);

impl<S: Subject> Subject for Tolerant<S> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn open(&self, env: &Env, dir: &Path, config: Config) -> Result<Box<dyn Store>> {
        Ok(Box::new(Open(self.0.open(env, dir, config)?)))
    }
}

impl Reader for Open {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.0.get(space, key)
    }

    fn walk(&self, space: Space, low: &[u8], high: Option<&[u8]>) -> Result<Box<dyn Walk>> {
        self.0.walk(space, low, high)
    }
}

impl Store for Open {
    fn write(&self, edits: &[Edit], safety: Safety) -> Result<()> {
        self.0.write(edits, safety)
    }

    fn perform(&self, task: &Task) -> Result<Done> {
        self.0.perform(task)
    }

    fn spaces(&self) -> Result<Vec<Space>> {
        self.0.spaces()
    }

    fn snapshot(&self) -> Result<Option<Box<dyn Reader>>> {
        self.0.snapshot()
    }

    fn check(&self) -> Result<()> {
        self.0.check().or_else(|error| match error.to_string() {
            text if text.ends_with("broke a law") => Ok(()),
            _ => Err(error),
        })
    }

    fn close(self: Box<Self>) -> Result<Done> {
        self.0.close()
    }
}
