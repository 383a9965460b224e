//! Compaction strategies: pure functions from the shape of a tree to jobs.
//!
//! | strategy | name | shape | good at |
//! |---|---|---|---|
//! | [`Leveled`] | `lsmer.leveled.1` | one run per level, each ten times the one above | reads, space |
//! | [`Tiered`] | `lsmer.tiered.1` | runs of similar size are merged, several at a time | writes |
//!
//! What a strategy would cost is told by [`simulate`](mod@simulate), without any data.
//!
//! Several jobs may be under way at once, from this plan and from earlier ones, and they end in
//! any order. A plan sees which tables are taken, but not where the jobs that took them write to.
//! What keeps them out of each other's way is noted where each strategy decides it.

mod job;
mod leveled;
pub mod simulate;
mod tiered;

pub use leveled::Leveled;
pub use tiered::Tiered;
