//! Block caches.
//!
//! | cache | for |
//! |---|---|
//! | [`SlotCache`] | the default: hits take no lock; resists scans |
//! | [`NoCache`] | tests, and programs that leave caching to the operating system |

#![forbid(unsafe_code)]

mod none;
mod place;
mod slot_cache;

pub use none::NoCache;
pub use slot_cache::SlotCache;
