//! File systems, executors, clocks and randomness: the implementations of [`lsmer_core::Env`].
//!
//! | world | files | background work | time |
//! |---|---|---|---|
//! | [`system`] | [`StdVfs`] | [`ThreadExec`] | [`SystemClock`] |
//! | [`memory`] | [`MemVfs`] | [`ThreadExec`] | [`SystemClock`] |
//! | [`manual`] | [`MemVfs`] | [`ManualExec`] | [`ManualClock`] |
//!
//! The last one is deterministic: the same calls with the same seed give the same bytes.

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
compile_error!("lsmer runs on 64-bit Linux only");

mod clock;
mod env;
mod exec;
mod mem;
mod paged;
mod ring;
mod rng;
mod std_vfs;

pub use clock::{ManualClock, SystemClock};
pub use env::{manual, memory, system};
pub use exec::{ManualExec, ThreadExec};
pub use mem::{Crash, MemVfs, Op, SyncHook};
pub use paged::{PagedBytes, checked_end};
pub use rng::{SeededRng, SystemRng};
pub use std_vfs::StdVfs;
