//! The folder that a property plays in. Whatever fails there fails in the name of an obligation.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use lsmer_core::{FileClass, OpenOptions, Vfs, VfsFile};

use super::Disk;

/// Longest file that a property makes, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// The folder of a disk, and the obligation that is tried there.
pub(super) struct Folder {
    disk: Disk,
    id: &'static str,
}

impl Folder {
    pub(super) fn new(make: &dyn Fn() -> Disk, id: &'static str) -> Self {
        Self { disk: make(), id }
    }

    pub(super) fn vfs(&self) -> &dyn Vfs {
        &*self.disk.vfs
    }

    pub(super) fn shared(&self) -> Arc<dyn Vfs> {
        Arc::clone(&self.disk.vfs)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.disk.dir
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.disk.dir.join(name)
    }

    /// Returns folders that a power loss leaves; this one if the disk has no power losses.
    pub(super) fn after_power_loss(self) -> Vec<Self> {
        let Some(power_loss) = &self.disk.power_loss else { return vec![self] };
        let (dir, id) = (&self.disk.dir, self.id);
        let disk = |vfs| Disk { vfs, dir: dir.clone(), power_loss: None, kept: None };
        let left: Vec<_> =
            power_loss().into_iter().map(|vfs| Self { disk: disk(vfs), id }).collect();
        assert!(!left.is_empty(), "{id}: a power loss leaves at least one disk");
        left
    }

    /// Takes what a call returned.
    #[track_caller]
    pub(super) fn ok<T>(&self, what: &str, result: io::Result<T>) -> T {
        result.unwrap_or_else(|error| panic!("{}: {what}: {error}", self.id))
    }

    /// Makes sure that a call was refused for this reason.
    #[track_caller]
    pub(super) fn refused<T>(&self, what: &str, result: io::Result<T>, why: io::ErrorKind) {
        let got = result.err().map(|error| error.kind());
        assert!(got == Some(why), "{}: {what}: {got:?} instead of {why:?}", self.id);
    }

    /// Makes sure that something is so.
    #[track_caller]
    pub(super) fn holds(&self, what: &str, holds: bool) {
        assert!(holds, "{}: not so: {what}", self.id);
    }

    /// Creates a file with these bytes.
    #[track_caller]
    pub(super) fn create(&self, name: &str, bytes: &[u8]) -> Arc<dyn VfsFile> {
        let how = OpenOptions::create(FileClass::Table);
        let file = self.ok("creating a file", self.vfs().open(&self.path(name), how));
        self.ok("writing it", file.write_all_at(bytes, 0));
        file
    }

    /// Makes sure that a file holds these bytes.
    #[track_caller]
    pub(super) fn holds_bytes(&self, name: &str, want: &[u8]) {
        let got = self.vfs().read_file(&self.path(name), FileClass::Table, MAX_BYTES);
        let got = self.ok("reading a file", got);
        let differs = got.iter().zip(want).position(|(got, want)| got != want);
        let from = differs.unwrap_or(got.len().min(want.len()));
        let (got, want) = (text(&got, from), text(want, from));
        assert!(got == want, "{}: {name} has from byte {from} on {got}, not {want}", self.id);
    }

    /// Makes sure that these names are there and no others.
    #[track_caller]
    pub(super) fn holds_names(&self, want: &[&str]) {
        let entries = self.ok("listing the folder", self.vfs().read_dir(self.dir()));
        let got: Vec<_> = entries.into_iter().map(|entry| entry.name).collect();
        assert!(got == want, "{}: the folder has {got:?} instead of {want:?}", self.id);
    }
}

/// Shows bytes, a few from some place on, and how many there are.
pub(super) fn text(bytes: &[u8], from: usize) -> String {
    let some = &bytes[from..bytes.len().min(from + 16)];
    format!("\"{}\" of {} bytes", some.escape_ascii(), bytes.len())
}
