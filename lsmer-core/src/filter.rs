//! The seam for filters: "is this key perhaps in the table?"

use std::{fmt, sync::Arc};

/// A way of building filters.
///
/// # Obligations
///
/// - `FILTER-01` A key whose hash was given to [`build`](Self::build) is never answered "no".
/// - `FILTER-02` [`open`](Self::open) accepts any bytes: what it cannot read is a filter that
///   always answers "maybe".
/// - `FILTER-03` [`name`](Self::name) is stored with every filter and never reused for other bytes.
pub trait FilterPolicy: Send + Sync + fmt::Debug {
    /// Returns the name that is recorded on disk and checked on open.
    fn name(&self) -> &str;

    /// Builds a filter of about `bits_per_key` bits for each of the hashes (see
    /// [`hash`](crate::hash())). An empty answer means "no filter".
    fn build(&self, hashes: &[u64], bits_per_key: u8) -> Vec<u8>;

    /// Opens what [`build`](Self::build) returned.
    fn open(&self, bytes: Arc<[u8]>) -> Arc<dyn Filter>;
}

/// An open filter.
pub trait Filter: Send + Sync + fmt::Debug {
    /// Returns `false` only if no key with this hash was given to the builder. Never blocks.
    fn may_contain(&self, hash: u64) -> bool;

    /// Brings the line of this hash closer; purely a hint.
    fn prefetch(&self, _hash: u64) {}
}
