//! What the engines here do before they have a file.

use std::{io, path::Path, sync::Arc};

use lsmer_core::{FileClass, OpenOptions, Vfs, VfsFile};

/// Opens a file in a folder, and makes both if they are not there. Their names are durable
/// afterwards, unless `syncs` is false.
pub(crate) fn open_or_create(
    vfs: &dyn Vfs,
    dir: &Path,
    name: &str,
    syncs: bool,
) -> io::Result<Arc<dyn VfsFile>> {
    let there = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
    match vfs.create_dir(dir) {
        Err(error) if !there(&error) => return Err(error),
        _ => {}
    }
    let path = dir.join(name);
    let file = match vfs.open(&path, OpenOptions::create(FileClass::Wal)) {
        Err(error) if there(&error) => vfs.open(&path, OpenOptions::write(FileClass::Wal)),
        made => made,
    }?;
    if syncs {
        vfs.sync_dir(dir.parent().unwrap_or(Path::new("/")))?;
        vfs.sync_dir(dir)?;
    }
    Ok(file)
}
