//! The engines that this program was built with: one adapter each.

#[cfg(feature = "fjall")]
mod fjall;
mod lsmer;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "rocksdb")]
mod rocksdb;

use crate::{
    engine::{Engine, Settings},
    outcome::Outcome,
};

type Open = fn(&Settings) -> Outcome<Box<dyn Engine>>;

/// An engine is measured when nobody says which ones to measure; its variants when they are named.
const ENGINES: &[(&str, Open)] = &[
    ("lsmer", lsmer::open),
    #[cfg(feature = "rocksdb")]
    ("rocksdb", rocksdb::open),
    #[cfg(feature = "fjall")]
    ("fjall", fjall::open),
    #[cfg(feature = "redb")]
    ("redb", redb::open),
];

const VARIANTS: &[(&str, Open)] = &[
    #[cfg(feature = "rocksdb")]
    ("rocksdb-hash", |settings| rocksdb::open(&with_hash_index(settings))),
    #[cfg(feature = "rocksdb")]
    ("rocksdb-pipelined", |settings| {
        rocksdb::open(&Settings { pipelined_writes: true, ..settings.clone() })
    }),
    #[cfg(feature = "fjall")]
    ("fjall-hash", |settings| fjall::open(&with_hash_index(settings))),
];

/// Returns the names of the engines, ours first.
pub fn names() -> impl Iterator<Item = &'static str> {
    ENGINES.iter().map(|(name, _)| *name)
}

/// Returns the names of other settings of the same engines.
pub fn variants() -> impl Iterator<Item = &'static str> {
    VARIANTS.iter().map(|(name, _)| *name)
}

/// Opens a database of the named engine, and makes it if it is not there.
///
/// # Errors
///
/// The engine's, or there is no such engine in this build.
pub fn open(name: &str, settings: &Settings) -> Outcome<Box<dyn Engine>> {
    let known = ENGINES.iter().chain(VARIANTS).find(|(known, _)| *known == name);
    let (_, open) = known.ok_or_else(|| {
        let built = names().collect::<Vec<_>>().join(", ");
        format!("no engine `{name}`; built with: {built} (see the features of lsmer-bench)")
    })?;
    open(settings)
}

#[cfg(any(feature = "fjall", feature = "rocksdb"))]
fn with_hash_index(settings: &Settings) -> Settings {
    Settings { hash_index: true, ..settings.clone() }
}

/// Names the first row to show: the key of a [`Walk`](crate::engine::Walk), as ranges take it.
#[cfg(any(feature = "fjall", feature = "redb"))]
fn bounds<'a>(
    walk: &crate::engine::Walk<'a>,
) -> (std::ops::Bound<&'a [u8]>, std::ops::Bound<&'a [u8]>) {
    use std::ops::Bound::{Included, Unbounded};
    match (walk.from, walk.backward) {
        (None, _) => (Unbounded, Unbounded),
        (Some(from), false) => (Included(from), Unbounded),
        (Some(from), true) => (Unbounded, Included(from)),
    }
}
