//! Everything that is not deterministic, in one place.

use std::{fmt, sync::Arc, time::Duration};

use crate::{Exec, Vfs};

/// Tells the time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Returns the time since some fixed moment. Never decreases.
    fn now(&self) -> Duration;

    /// Returns the time since 1970, for what people read.
    fn wall(&self) -> Duration;
}

/// Gives random numbers.
pub trait Rng: Send + Sync + fmt::Debug {
    /// Returns the next one.
    fn next_u64(&self) -> u64;
}

/// The world of a database: files, time, chance and background work. A clone shares them.
#[derive(Clone, Debug)]
pub struct Env {
    /// Files.
    pub vfs: Arc<dyn Vfs>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Background work.
    pub exec: Arc<dyn Exec>,
}
