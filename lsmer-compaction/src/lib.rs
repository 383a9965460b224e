//! Compaction strategies: pure functions from the shape of a tree to jobs.
//!
//! | strategy | name | shape | good at |
//! |---|---|---|---|
//! | [`Leveled`] | `lsmer.leveled.1` | one run per level, each ten times the one above | reads, space |
//! | [`Tiered`] | `lsmer.tiered.1` | runs of similar size are merged, several at a time | writes |
//! | [`LazyLeveled`] | `lsmer.lazy-leveled.1` | tiers above one run with most of the data | writes, space |
//! | [`Fifo`] | `lsmer.fifo.1` | a queue: what is too old or too much is dropped | logs, caches |
//! | [`TimeWindow`] | `lsmer.time-window.1` | one run for each stretch of time | series that expire |
//!
//! All of them push [deletes](Deletes) on that are old or many, but those that drop data by its
//! age; and once nothing is written for a while, they merge until reads are cheap.
//!
//! What a strategy would cost is told by [`simulate`](mod@simulate), without any data.
//!
//! Several jobs may be under way at once, from this plan and from earlier ones, and they end in
//! any order. A plan sees which tables are taken, but not where the jobs that took them write to.
//! What keeps them out of each other's way is noted where each strategy decides it.

mod deletes;
mod fifo;
mod job;
mod lazy;
mod leveled;
pub mod simulate;
mod tiered;
mod time_window;

pub use deletes::Deletes;
pub use fifo::Fifo;
pub use lazy::LazyLeveled;
pub use leveled::Leveled;
pub use tiered::Tiered;
pub use time_window::TimeWindow;
