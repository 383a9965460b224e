//! What the fuzzers of lsmer run: a body for each target, mutators that know the formats, and the
//! inputs to begin with.
//!
//! A body is an ordinary function of bytes that panics if a promise is broken. libFuzzer calls it
//! (`fuzz/`, by `cargo xtask fuzz`), and so do the tests of this crate, which replay the corpus
//! and mutate it a little on the stable toolchain.
//!
//! | target | input | promises |
//! |---|---|---|
//! | `batch` | an encoded write batch | decode undoes encode |
//! | `block` | a block of rows | no access fails once it was taken; decode undoes encode |
//! | `filter` | hashes, and bytes to open | no key is denied; any bytes can be opened |
//! | `table` | a table file | whatever is in it, reading ends; what was read is written and read back |
//! | `manifest` | a manifest file | the state that was read is written and read back |
//! | `log` | the files of a log | reading is repeatable; a log that was read can be gone on with |
//! | `engine` | operations | a database is an ordered map with snapshots |
//! | `crash` | operations and a crash | a crash leaves a prefix with every promise kept |
//!
//! Those that read files also promise that they allocate about twice their input at most, so that
//! a length in a damaged file sizes nothing.

mod layout;
mod memory;
mod mutate;
mod seeds;
pub mod targets;

pub use layout::Layout;
pub use mutate::{Dice, blind, mutate};
pub use seeds::seeds;

/// One thing to fuzz.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its folder in `corpus`.
    pub name: &'static str,
    /// Runs one input. Panics if a promise is broken.
    pub run: fn(&[u8]),
    /// How its inputs are taken apart, where checksums would stop a mutation.
    pub layout: Option<Layout>,
    /// Longest input that is worth trying, in bytes.
    pub longest: usize,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "batch", run: targets::batch::run, layout: None, longest: 1 << 10 },
    Target { name: "block", run: targets::block::run, layout: None, longest: 4 << 10 },
    Target { name: "filter", run: targets::filter::run, layout: None, longest: 4 << 10 },
    Target {
        name: "table",
        run: targets::table::run,
        layout: Some(layout::table::LAYOUT),
        longest: 16 << 10,
    },
    Target {
        name: "manifest",
        run: targets::manifest::run,
        layout: Some(layout::manifest::LAYOUT),
        longest: 8 << 10,
    },
    Target {
        name: "log",
        run: targets::log::run,
        layout: Some(layout::log::LAYOUT),
        longest: 16 << 10,
    },
    Target { name: "engine", run: targets::engine::run, layout: None, longest: 2 << 10 },
    Target { name: "crash", run: targets::crash::run, layout: None, longest: 1 << 10 },
];

/// Returns a target by its name.
///
/// # Panics
///
/// If there is none.
pub fn target(name: &str) -> Target {
    let found = TARGETS.iter().find(|target| target.name == name);
    *found.unwrap_or_else(|| panic!("there is no fuzz target `{name}`"))
}
