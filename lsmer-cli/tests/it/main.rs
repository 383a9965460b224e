//! Runs the program itself, as its users do.

#![expect(clippy::unwrap_used, reason = "helpers of tests may do what tests may")]

mod change;
mod damage;
mod import_lines;
mod import_tree;
mod reads;
mod signals;
mod simulate;
mod support;
mod usage;
