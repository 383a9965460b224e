//! Whole databases as the operating system sees them: killed processes, locks, full disks, failing
//! disks, memory and sizes of files.
//!
//! Tests that need a process of their own start this very binary again; see `child.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod child;
mod faults;
mod full;
mod history;
mod kill;
mod lock;
mod marking;
mod memory;
mod over;
mod realfs;
mod replay;
mod small;
mod workload;
