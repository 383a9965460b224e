//! A place to put files: a temporary folder, or memory.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use lsmer_core::{FileClass, OpenOptions, Vfs, VfsFile};
use lsmer_io::{MemVfs, StdVfs};
use tempfile::TempDir;

/// A file system and an empty folder in it.
#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) vfs: Arc<dyn Vfs>,
    pub(crate) dir: PathBuf,
    _temp: Option<TempDir>,
}

impl Disk {
    pub(crate) fn real() -> Self {
        Self::real_in(&std::env::temp_dir())
    }

    pub(crate) fn real_in(parent: &Path) -> Self {
        let temp = tempfile::tempdir_in(parent).unwrap();
        Self { vfs: Arc::new(StdVfs), dir: temp.path().to_owned(), _temp: Some(temp) }
    }

    pub(crate) fn memory() -> Self {
        Self::on(MemVfs::new())
    }

    pub(crate) fn on(vfs: MemVfs) -> Self {
        vfs.create_dir(Path::new("/db")).unwrap();
        Self { vfs: Arc::new(vfs), dir: PathBuf::from("/db"), _temp: None }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Creates a file with these bytes.
    pub(crate) fn create(&self, name: &str, bytes: &[u8]) -> Arc<dyn VfsFile> {
        let how = OpenOptions::create(FileClass::Tmp);
        let file = self.vfs.open(&self.path(name), how).unwrap();
        file.write_all_at(bytes, 0).unwrap();
        file
    }

    /// Reads a whole file.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        self.vfs.read_file(&self.path(name), FileClass::Tmp, 1 << 20).unwrap()
    }
}
