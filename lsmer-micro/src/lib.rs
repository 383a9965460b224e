//! What the parts of lsmer cost one by one: inputs for the benchmarks in `benches`, which tell the
//! time, and for the program `instructions`, which callgrind counts.

#![forbid(unsafe_code)]

pub mod keys;
