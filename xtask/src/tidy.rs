//! The rules about the source that no compiler checks.
//!
//! - `arrows`: crates depend on each other as the table in ARCHITECTURE.md says, no more, no less;
//! - `modules`: every file under a crate's `src` is reachable from a `mod`;
//! - `text`: every file opens with `//!`, is ASCII, and holds nothing that was to be temporary;
//! - `size`: a file is one screenful of ideas, not a hall;
//! - `std_paths`: library code takes atomics and threads from `lsmer-sync`;
//! - `unsafety`: `unsafe` stands only in the files that ARCHITECTURE.md lists;
//! - `obligations`: every obligation of a seam has a property that is named after it, and a broken
//!   part that it catches;
//! - `formats`: a document in `docs/format` was read again when the code it specifies changed.
//!
//! Each rule is a function from the [`Workspace`] to its [`Finding`]s; nothing else reads a file.

mod arrows;
mod exceptions;
mod finding;
mod formats;
mod manifest;
mod modules;
mod obligations;
mod scan;
mod size;
mod source;
mod std_paths;
mod table;
mod text;
mod unsafety;
mod use_tree;
mod workspace;

use std::fs;

use self::{finding::Finding, workspace::Workspace};
use crate::command::{Outcome, root};

/// A rule of tidy.
type Rule = fn(&Workspace) -> Vec<Finding>;

const RULES: &[Rule] = &[
    arrows::check,
    exceptions::check,
    modules::check,
    text::check,
    size::check,
    std_paths::check,
    unsafety::check,
    obligations::check,
    formats::check,
];

/// Checks the checkout and prints what is found.
///
/// # Errors
/// Counts the failures; warnings are not counted.
pub(crate) fn check() -> Outcome {
    let workspace = Workspace::read(&root())?;
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&workspace)).collect();
    findings.sort();
    findings.dedup();
    for finding in &findings {
        println!("{finding}");
    }
    let failures = findings.iter().filter(|finding| finding.is_failure()).count();
    if failures == 0 {
        println!("tidy: {} files are in order", workspace.sources().count());
        return Ok(());
    }
    Err(format!("tidy: {failures} failures"))
}

/// Writes the right hashes into the documents of formats.
///
/// # Errors
/// A document cannot be written.
pub(crate) fn bless() -> Outcome {
    let root = root();
    for (path, text) in formats::blessed(&Workspace::read(&root)?) {
        fs::write(root.join(&path), text).map_err(|e| format!("{path}: {e}"))?;
        println!("{path}: blessed");
    }
    Ok(())
}
