//! Whole databases on a file system that fails: every call, in every way, once and for good.
//!
//! A failure prints a value of `LSMER_FAULT` that replays it alone.

mod case;
mod chance;
mod clock;
mod layer;
mod lint;
mod media;
mod model;
mod mutants;
mod regressions;
mod rest;
mod room;
mod run;
mod sweep;
mod syncs;
mod workload;
mod world;
