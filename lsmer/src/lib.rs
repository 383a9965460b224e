//! An embedded, ordered, persistent key-value store: an LSM tree composed of parts that you can
//! replace.
//!
//! ```
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("demo.db");
//! use lsmer::{Db, WriteBatch};
//!
//! let db = Db::open(&path)?;
//! db.put("flower", "tulip")?;
//! assert_eq!(db.get("flower")?.unwrap(), "tulip");
//!
//! let mut batch = WriteBatch::new();
//! batch.put("fruit", "quince");
//! batch.delete("flower");
//! db.write(&batch)?; // both or neither, also over a crash
//!
//! let mut scan = db.prefix("f")?;
//! while let Some((key, value)) = scan.next()? {
//!     println!("{} = {}", key.escape_ascii(), value.escape_ascii());
//! }
//! db.close()?;
//! # Ok::<(), lsmer::Error>(())
//! ```
//!
//! # What is safe when
//!
//! A write returns once it survives the death of the process ([`Durability::Process`], the
//! default) or a power loss ([`Durability::Sync`], for one write by [`WriteOptions::sync`], for all
//! before it by [`Db::sync`]). A crash leaves a prefix of all writes, over all keyspaces.
//!
//! # Composing
//!
//! Each part is a small trait of `lsmer-core`, and [`Builder`] takes another one for each:
//!
//! ```
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("demo.db");
//! use lsmer::{Db, parts};
//!
//! let db = Db::builder(&path)
//!     .memtable(parts::CrossbeamMemtable::factory())
//!     .compaction(parts::Tiered::default())
//!     .cache(parts::NoCache)
//!     .memory_budget(64 << 20)
//!     .open()?;
//! # db.close()?;
//! # Ok::<(), lsmer::Error>(())
//! ```

#![forbid(unsafe_code)]

mod builder;
mod db;
pub mod parts;
pub mod prelude;

pub use builder::Builder;
pub use db::Db;
pub use lsmer_core::{
    Compression, Durability, Error, ErrorKind, KeyspaceId, KeyspaceOptions, KeyspaceRef, Result,
    SeqNo, Value, WalStats, WriteBatch,
};
pub use lsmer_engine::{
    Entry, Fault, KeyBounds, Keyspace, KeyspaceStats, LevelStats, OwnedScan, Reader, Refusals,
    Scan, Snapshot, Stats, VerifyReport, WriteOptions,
};

/// The examples of the README, which are run as tests of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
