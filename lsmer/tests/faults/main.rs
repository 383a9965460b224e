//! Whole databases on a file system that fails: every call, in every way, once and for good.
//!
//! A failure prints a value of `LSMER_FAULT` that replays it alone.

mod case;
mod layer;
mod model;
mod regressions;
mod run;
mod sweep;
mod syncs;
mod workload;
mod world;
