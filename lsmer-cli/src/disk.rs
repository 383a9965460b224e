//! The files that a database consists of.

use std::{fs, os::unix::fs::MetadataExt, path::Path, sync::Arc};

use lsmer::parts::{
    core::{TableId, Vfs},
    io::StdVfs,
};

use crate::failure::{Failure, Outcome};

/// Size of the units that `st_blocks` counts, in bytes.
const STAT_BLOCK_BYTES: u64 = 512;

/// What a folder takes on the disk.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Number of files.
    pub(crate) files: u64,
    /// Room they take, in bytes.
    pub(crate) bytes: u64,
}

/// Adds up the files in the folder of a database.
pub(crate) fn usage(dir: &Path) -> Outcome<Usage> {
    let failed = |error| Failure::io(format_args!("cannot read {}", dir.display()), &error);
    let mut usage = Usage::default();
    for entry in fs::read_dir(dir).map_err(failed)? {
        // Background work may remove a file meanwhile.
        let Ok(metadata) = entry.map_err(failed)?.metadata() else { continue };
        if metadata.is_file() {
            usage.files += 1;
            usage.bytes += metadata.blocks() * STAT_BLOCK_BYTES;
        }
    }
    Ok(usage)
}

/// Lists the tables that are in a folder, whatever a manifest says.
pub(crate) fn tables(dir: &Path) -> Vec<TableId> {
    let entries = StdVfs.read_dir(dir).unwrap_or_default();
    entries.iter().filter_map(|entry| TableId::of_file_name(&entry.name)).collect()
}

/// Returns the files of this machine.
pub(crate) fn vfs() -> Arc<dyn Vfs> {
    Arc::new(StdVfs)
}
