//! Filters: "is this key perhaps in the table?"
//!
//! | policy | for |
//! |---|---|
//! | [`BlockedBloom`] | nearly everything: one cache line a lookup |
//! | [`NoFilter`] | tables that are only scanned, and tests |

#![forbid(unsafe_code)]

mod bloom;
mod none;

pub use bloom::BlockedBloom;
pub use none::NoFilter;
