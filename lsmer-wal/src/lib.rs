//! The write-ahead log: chained segments behind a crash ring.
//!
//! A record is complete for the death of the process when it is in the *crash ring*, a small file
//! that is written at memory speed and never synced. The ring's bytes are copied to *segments* in
//! large pieces, and at once when somebody waits for a sync. Recovery reads the segments, then
//! what the ring adds to them.
//!
//! ```text
//!             segment 7            segment 8 (current)
//!   log  |xxxxxxxxxxxxxxxx|xxxxxxxxxxxxxx|......|
//!        ^ released       ^ 8 is chained ^      ^ tail: where the next record goes
//!          up to here       to 7         drained
//!   ring                      [ xxxxxxxx  xxxxxx ]   the last bytes, at lsn % 512 KiB
//! ```
//!
//! `docs/format/log.md` specifies the bytes. How the files fit together:
//!
//! | file | what |
//! |---|---|
//! | `record.rs`, `segment.rs` | the format |
//! | `pieces.rs`, `reader.rs`, `ring.rs` | reading records back, from a segment or the ring |
//! | `scan.rs`, `evidence.rs` | finding the end, and telling a torn tail from damage |
//! | `again.rs`, `start.rs` | settling what was found, and going on behind it |
//! | `log.rs`, `tail.rs`, `append.rs` | writing |
//! | `group.rs` | syncing, once for all who wait |
//! | `files.rs`, `spare.rs` | making, recycling and preparing segment files |
//! | `dump.rs` | showing a segment to people |
//! | `none.rs` | no log at all |

mod again;
mod append;
mod dump;
mod evidence;
mod files;
mod format;
mod group;
mod log;
mod none;
mod pieces;
mod reader;
mod record;
mod ring;
mod scan;
mod segment;
mod spare;
mod start;
mod tail;

pub use dump::dump;
pub use format::SegmentedWal;
pub use none::NoWal;
