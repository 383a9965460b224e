//! The engine: one file per verb.
//!
//! | verb | file | |
//! |---|---|---|
//! | open | `open.rs`, `recover.rs` | lock, manifest, log, orphans |
//! | commit | `commit.rs`, `visible.rs` | number, log, insert, publish: the put walk |
//! | read | `read.rs`, `multi_get.rs`, `walk.rs`, `driver.rs` | the get walk; fetching what it lacks |
//! | scan | `scan.rs`, `merge.rs`, `source.rs`, `row.rs`, `run_cursor.rs` | merge, hide, bound |
//! | rotate, flush | `rotate.rs`, `flush.rs`, `output.rs` | memtable to table |
//! | compact | `compact.rs`, `survive.rs`, `manual.rs` | tables to tables |
//! | schedule, pace | `schedule.rs`, `pace.rs` | what runs next; slowing writers |
//! | snapshot | `snapshots.rs` | who reads where |
//! | checkpoint, verify, stats | one file each | |
//!
//! It knows no part by name: memtable, log, table format, filter, cache and strategy come as
//! [`Components`]. `lsmer` is where they meet.
//!
//! Lock order: install (the manifest), then commit, then a keyspace's work, then its view, then
//! the table map. Only the first two are held across I/O.

mod checkpoint;
mod close;
mod commit;
mod compact;
mod components;
mod counters;
mod driver;
mod engine;
mod fences;
mod flight;
mod flush;
mod handle;
mod idle;
mod job;
mod key_bounds;
mod keyspace;
mod manual;
mod merge;
mod multi_get;
mod open;
mod options;
mod output;
mod pace;
mod read;
mod recover;
mod refusals;
mod reserve;
mod rotate;
mod row;
mod run_cursor;
mod run_tables;
mod scan;
mod schedule;
mod shared;
mod snapshot;
mod snapshots;
mod source;
mod space;
mod stats;
mod survive;
mod tables;
mod verify;
mod view;
mod visible;
mod walk;

#[cfg(all(test, lsmer_loom))]
mod loom_tests;

pub use components::Components;
pub use engine::Engine;
pub use key_bounds::KeyBounds;
pub use keyspace::{Keyspace, WriteOptions};
pub use options::Options;
pub use read::Reader;
pub use refusals::Refusals;
pub use scan::{Entry, OwnedScan, Scan};
pub use snapshot::Snapshot;
pub use stats::{KeyspaceStats, LevelStats, Stats};
pub use verify::{Fault, VerifyReport};
