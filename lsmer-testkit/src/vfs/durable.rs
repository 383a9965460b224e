//! What a power loss leaves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use lsmer_core::{FileClass, SyncKind, VfsFile};

use super::{
    Disk,
    folder::{Folder, text},
};
use crate::seed::Seeded;

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Histories that end with a power loss.
const HISTORIES: usize = 60;

/// `VFS-02`: after random calls, what was synced and not touched since is there.
///
/// # Panics
///
/// If not.
pub fn vfs_02_what_was_synced_survives_a_power_loss(make: &dyn Fn() -> Disk) {
    let mut random = Seeded::new();
    for _ in 0..HISTORIES {
        let folder = Folder::new(make, "VFS-02");
        let mut promises = Promises::default();
        for _ in 0..random.below(40) {
            promises.step(&folder, &mut random);
        }
        for left in folder.after_power_loss() {
            promises.check(&left, &random);
        }
    }
}

/// `VFS-03`: a name whose file is replaced leads to the old or to the new file, whole, after a
/// power loss at any moment of it; once the folder is synced, to the new one.
///
/// # Panics
///
/// If not.
pub fn vfs_03_a_power_loss_leaves_the_old_or_the_new_file(make: &dyn Fn() -> Disk) {
    for steps in 0..=4 {
        let folder = Folder::new(make, "VFS-03");
        let vfs = folder.vfs();
        let install = |bytes| vfs.install(folder.dir(), "target", FileClass::Current, bytes);
        folder.ok("installing the old file", install(&[1; 5000]));
        let file = (steps > 0).then(|| folder.create("new", &[2; 6000]));
        let file = file.filter(|_| steps > 1);
        if let Some(file) = &file {
            folder.ok("a sync", file.sync(SyncKind::All));
        }
        if steps > 2 {
            folder.ok("a rename", vfs.rename(&folder.path("new"), &folder.path("target")));
        }
        if steps > 3 {
            folder.ok("a sync of the folder", vfs.sync_dir(folder.dir()));
        }
        for left in folder.after_power_loss() {
            let bytes = left.vfs().read_file(&left.path("target"), FileClass::Current, 1 << 16);
            let bytes = left.ok("reading what was replaced", bytes);
            let (old, new) = (bytes == [1; 5000], bytes == [2; 6000]);
            left.holds("the old or the new file", old && steps < 4 || new && steps > 2);
        }
    }
}

/// What was done to files in a folder, and what of it must survive.
#[derive(Default)]
struct Promises {
    files: Vec<File>,
    names: BTreeMap<&'static str, usize>,
    /// The names when the folder was last synced.
    synced: BTreeMap<&'static str, usize>,
    /// The names that were changed since.
    changed: BTreeSet<&'static str>,
}

struct File {
    handle: Arc<dyn VfsFile>,
    now: Vec<u8>,
    /// The bytes that were synced and not written since, each at its place.
    kept: Vec<Option<u8>>,
    /// Whether nothing at all was done since the last sync, or since the file was made.
    is_quiet: bool,
}

impl Promises {
    fn step(&mut self, folder: &Folder, random: &mut Seeded) {
        let (one, other) = (NAMES[random.below(5)], NAMES[random.below(5)]);
        let (from, to) = (folder.path(one), folder.path(other));
        match (random.below(12), self.names.get(one).copied()) {
            (0..6, Some(at)) => self.files[at].step(folder, random),
            (0..6, None) => {
                self.files.push(File::new(folder.create(one, b"")));
                self.link(one, self.files.len() - 1);
            }
            (6, Some(_)) => {
                folder.ok("removing", folder.vfs().remove_file(&from));
                self.names.remove(one);
                self.changed.insert(one);
            }
            (7, Some(at)) if !self.names.contains_key(other) => {
                folder.ok("a link", folder.vfs().hard_link(&from, &to));
                self.link(other, at);
            }
            (8, Some(at)) if self.names.get(other) != Some(&at) => {
                folder.ok("a rename", folder.vfs().rename(&from, &to));
                self.names.remove(one);
                self.changed.insert(one);
                self.link(other, at);
            }
            (9.., _) => {
                folder.ok("a sync of the folder", folder.vfs().sync_dir(folder.dir()));
                self.synced = self.names.clone();
                self.changed.clear();
            }
            _ => {}
        }
    }

    fn link(&mut self, name: &'static str, file: usize) {
        self.names.insert(name, file);
        self.changed.insert(name);
    }

    fn check(&self, left: &Folder, random: &Seeded) {
        for name in NAMES.iter().filter(|name| !self.changed.contains(*name)) {
            let read = left.vfs().read_file(&left.path(name), FileClass::Table, 1 << 20);
            match (read, self.synced.get(name)) {
                (Err(error), Some(_)) => panic!("VFS-02: {name} is lost: {error}; {random}"),
                (Ok(_), None) => panic!("VFS-02: {name} is back; {random}"),
                (Ok(bytes), Some(at)) => self.files[*at].check(name, &bytes, random),
                (Err(_), None) => {}
            }
        }
    }
}

impl File {
    fn new(handle: Arc<dyn VfsFile>) -> Self {
        Self { handle, now: Vec::new(), kept: Vec::new(), is_quiet: false }
    }

    fn step(&mut self, folder: &Folder, random: &mut Seeded) {
        let (offset, len) = (random.below(9000), random.below(9000));
        match random.below(6) {
            0..3 => {
                let fill = random.next().to_le_bytes()[0];
                let bytes = vec![fill; len];
                folder.ok("writing", self.handle.write_all_at(&bytes, offset as u64));
                if len > 0 {
                    self.now.resize(self.now.len().max(offset + len), 0);
                    self.now[offset..offset + len].fill(fill);
                    self.kept.iter_mut().skip(offset).take(len).for_each(|byte| *byte = None);
                    self.is_quiet = false;
                }
            }
            3 => {
                folder.ok("set_len", self.handle.set_len(len as u64));
                self.now.resize(len, 0);
                self.kept.truncate(len);
                self.is_quiet = false;
            }
            kind => {
                let kind = if kind == 4 { SyncKind::Data } else { SyncKind::All };
                folder.ok("a sync", self.handle.sync(kind));
                self.kept = self.now.iter().copied().map(Some).collect();
                self.is_quiet = true;
            }
        }
    }

    fn check(&self, name: &str, bytes: &[u8], random: &Seeded) {
        let lost = self.kept.iter().enumerate().find(|(at, kept)| {
            let there = bytes.get(*at).copied();
            kept.is_some() && there != **kept
        });
        if let Some((at, _)) = lost {
            panic!("VFS-02: byte {at} of {name} was synced and is lost; {random}");
        }
        let exact = !self.is_quiet || bytes == self.now;
        assert!(exact, "VFS-02: {name} was synced and is now {}; {random}", text(bytes, 0));
    }
}
