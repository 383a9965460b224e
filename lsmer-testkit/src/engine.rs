//! The suite for whole engines: any that can be opened, written, read and closed.
//!
//! A [`Subject`] is the engine; a *run* carries out seeded operations on a [`SimVfs`](crate::SimVfs)
//! that records, and compares every read with a model; then each disk that a crash may leave is
//! made from the recording, opened, and compared with the history. See `docs/testkit.md`.

mod counts;
mod crashes;
mod faulty;
mod features;
mod op;
mod plan;
mod reads;
mod run;
mod seeds;
mod shrink;
mod subject;
mod suite;
mod walks;
mod world;

pub use self::{
    counts::Counts,
    features::{Feature, Pairs},
    subject::{
        Config, Done, Edit, Error, Reader, Result, Safety, Space, Store, Subject, Task, Walk,
    },
    suite::{
        Effort, SyncSite, engine_01_reads_are_those_of_an_ordered_map,
        engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged,
        engine_03_every_subset_of_what_was_pending_is_survived,
        engine_04_a_fault_loses_nothing_that_was_acknowledged, syncs_that_lie,
    },
    world::{SimExec, world},
};
