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
    let sync = |dir: &Path| if syncs { vfs.sync_dir(dir) } else { Ok(()) };
    match vfs.create_dir(dir) {
        Ok(()) => sync(dir.parent().unwrap_or(Path::new("/")))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let path = dir.join(name);
    match vfs.open(&path, OpenOptions::create(FileClass::Wal)) {
        Ok(file) => {
            sync(dir)?;
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            vfs.open(&path, OpenOptions::write(FileClass::Wal))
        }
        Err(error) => Err(error),
    }
}
