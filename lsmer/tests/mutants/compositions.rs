//! Compositions to be put under the suite for whole engines.

use std::path::Path;

use lsmer_core::Env;
use lsmer_testkit::{
    Composed,
    engine::{Config, Done, Edit, Reader, Result, Safety, Space, Store, Subject, Task, Walk},
    shipped,
};

use crate::reckless::Reckless;

/// The shipped parts.
pub(crate) fn shipped_parts() -> impl Subject {
    Composed::new("lsmer", |builder, config| shipped(builder, config.parts >> 8))
}

/// A strategy that plans anything, which the engine has to survive.
pub(crate) fn reckless() -> impl Subject {
    let compose = |builder, config: Config| shipped(builder, config.parts >> 8);
    let compose = move |builder, config| compose(builder, config).compaction(Reckless);
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
