//! Tests of the log from outside, on a file system that can crash.

#![cfg(not(any(lsmer_loom, lsmer_shuttle)))]
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod crash;
mod damage;
mod life;
mod refuse;
mod rules;
mod segments;
