//! `lsmer put`: sets a key.

use std::{ffi::OsStr, path::Path};

use crate::{args::Global, failure::Outcome, open};

pub(super) fn run(global: &Global, path: &Path, key: &OsStr, value: &OsStr) -> Outcome {
    let coding = global.coding();
    let (key, value) = (coding.argument(key)?, coding.argument(value)?);
    let db = open::to_fill(global, path)?;
    open::keyspace_to_fill(global, &db)?.put(key, value)?;
    Ok(db.close()?)
}
