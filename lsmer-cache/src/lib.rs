//! Block caches.
//!
//! | cache | for |
//! |---|---|
//! | [`QuickCache`] | the default: sharded, resists scans |
//! | [`NoCache`] | tests, and programs that leave caching to the operating system |

#![forbid(unsafe_code)]

mod none;
mod place;
mod quick;

pub use none::NoCache;
pub use quick::QuickCache;
