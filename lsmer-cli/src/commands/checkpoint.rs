//! `lsmer checkpoint`: makes a second database of what is in one now.

use std::path::Path;

use crate::{args::Global, failure::Outcome, open};

pub(super) fn run(global: &Global, path: &Path, dir: &Path) -> Outcome {
    let db = open::to_change(global, path)?;
    db.checkpoint(dir)?;
    Ok(db.close()?)
}
