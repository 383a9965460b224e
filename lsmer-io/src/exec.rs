//! Executors: real threads, and a deterministic one without any.

mod manual;
mod queue;
mod threads;

pub use manual::ManualExec;
pub use threads::ThreadExec;
