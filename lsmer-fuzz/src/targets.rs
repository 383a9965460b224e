//! The bodies of the targets, a file each.

pub mod batch;
pub mod block;
pub mod crash;
pub mod engine;
pub mod filter;
pub mod log;
pub mod manifest;
mod ops;
pub mod table;
