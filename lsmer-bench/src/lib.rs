//! Benchmarks of lsmer beside other engines: a library of workloads, and the program that runs them.
//!
//! A *cell* is a workload on an engine. Each is measured in a process of its own ([`run`]), so that
//! memory and processor time are its own; `docs/benchmarks.md` says what was made equal, and why.

#![forbid(unsafe_code)]

pub mod args;
pub mod cell;
pub mod clock;
pub mod drive;
pub mod engine;
pub mod engines;
pub mod folder;
pub mod keys;
pub mod matrix;
pub mod numbers;
pub mod outcome;
pub mod plan;
pub mod process;
pub mod random;
pub mod report;
pub mod run;
pub mod stage;
pub mod store;
pub mod values;
pub mod workload;
pub mod workloads;
pub mod zipf;
