//! What the file systems and executors promise, from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod crash;
mod differential;
mod disk;
mod fault;
mod manual_exec;
mod recorder;
mod ring;
mod thread_exec;
