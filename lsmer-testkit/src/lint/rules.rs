//! What is known of files, and the rules about it.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::Location,
    path::{Path, PathBuf},
    sync::Arc,
};

use lsmer_core::{FileClass, OpenOptions};
use lsmer_sync::atomic::{AtomicBool, AtomicU64, Ordering};

type Site = &'static Location<'static>;

#[derive(Debug, Default)]
pub(super) struct Rules {
    names: BTreeMap<PathBuf, Named>,
    /// The manifest that was made last, of each folder.
    newest: BTreeMap<PathBuf, PathBuf>,
    /// Files that earlier processes left, and that a sync covered after the last write.
    safe: BTreeSet<PathBuf>,
    pub(super) locks: usize,
    pub(super) handles: usize,
    violations: Vec<String>,
}

/// A name, and whether it is durable.
#[derive(Clone, Debug)]
struct Named {
    durable: bool,
    file: Arc<Watched>,
}

/// A file.
#[derive(Debug)]
pub(super) struct Watched {
    class: FileClass,
    /// Writes since the last sync.
    writes: AtomicU64,
    sync_failed: AtomicBool,
    /// Whether it was read since it was synced.
    read: AtomicBool,
    /// Whether a sync covered it after the last write, maybe that of an earlier process.
    safe: AtomicBool,
}

impl Watched {
    pub(super) fn note_write(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.safe.store(false, Ordering::Relaxed);
    }

    /// It has another length: what is left of it is as safe as it was.
    pub(super) fn note_cut(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn note_read(&self) {
        self.read.store(true, Ordering::Relaxed);
    }

    pub(super) fn note_sync(&self, worked: bool) {
        if worked {
            self.writes.store(0, Ordering::Relaxed);
            self.read.store(false, Ordering::Relaxed);
            self.safe.store(true, Ordering::Relaxed);
        } else {
            self.sync_failed.store(true, Ordering::Relaxed);
        }
    }

    fn unsynced(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }
}

impl Rules {
    pub(super) fn violations(&self) -> &[String] {
        &self.violations
    }

    pub(super) fn restart(&mut self) {
        let violations = std::mem::take(&mut self.violations);
        let (locks, handles) = (self.locks, self.handles);
        *self = Self { locks, handles, violations, ..self.of_next_process() };
    }

    /// Returns what is known when another process goes on with the files.
    pub(super) fn of_next_process(&self) -> Self {
        let is_safe = |named: &Named| named.durable && named.file.safe.load(Ordering::Relaxed);
        let untouched = self.safe.iter().filter(|path| !self.names.contains_key(*path));
        let touched = self.names.iter().filter(|(_, named)| is_safe(named)).map(|(path, _)| path);
        Self { safe: untouched.chain(touched).cloned().collect(), ..Self::default() }
    }

    fn check(&mut self, holds: bool, rule: &str, path: &Path, site: Site) {
        if !holds {
            self.violations.push(format!("{rule}: {} at {site}", path.display()));
        }
    }

    /// Something is about to change a file or a name.
    pub(super) fn change(&mut self, path: &Path, site: Site) {
        self.check(self.locks > 0, "LINT-06", path, site);
    }

    /// A file was opened.
    pub(super) fn open(&mut self, path: &Path, how: OpenOptions, site: Site) -> Arc<Watched> {
        self.handles += 1;
        let safe = self.safe.contains(path) && !how.create_new;
        let new = || Named {
            durable: !how.create_new,
            file: Arc::new(Watched {
                class: how.class,
                writes: AtomicU64::new(0),
                sync_failed: AtomicBool::new(false),
                read: AtomicBool::new(false),
                safe: AtomicBool::new(safe),
            }),
        };
        let named = self.names.entry(path.to_path_buf()).or_insert_with(new).clone();
        if how.class == FileClass::Table && !how.write {
            let durable = named.durable && named.file.unsynced() == 0;
            self.check(durable, "LINT-07", path, site);
        }
        if how.class == FileClass::Manifest && how.create_new {
            self.newest.insert(folder(path), path.to_path_buf());
        }
        // Whoever opens it anew looks at what is there.
        named.file.sync_failed.store(false, Ordering::Relaxed);
        named.file
    }

    /// A file is about to be written or synced.
    pub(super) fn usable(&mut self, file: &Watched, path: &Path, site: Site) {
        self.check(!file.sync_failed.load(Ordering::Relaxed), "LINT-03", path, site);
    }

    /// A file is about to get another name.
    pub(super) fn rename(&mut self, from: &Path, to: &Path, site: Site) {
        self.change(from, site);
        let Some(file) = self.names.get(from).map(|named| Arc::clone(&named.file)) else { return };
        if file.class != FileClass::Current {
            return;
        }
        self.check(file.unsynced() == 0, "LINT-01", to, site);
        if let Some(path) = self.newest.get(&folder(to)).cloned() {
            let synced = |named: &Named| named.durable && named.file.unsynced() == 0;
            let synced = self.names.get(&path).is_some_and(synced);
            self.check(synced, "LINT-02", &path, site);
        }
        let read = |(path, named): (&PathBuf, &Named)| {
            let file = &named.file;
            let unsafe_read =
                file.read.load(Ordering::Relaxed) && !file.safe.load(Ordering::Relaxed);
            (file.class == FileClass::Wal && unsafe_read).then(|| path.clone())
        };
        let read: Vec<_> = self.names.iter().filter_map(read).collect();
        for path in read {
            self.check(false, "LINT-05", &path, site);
        }
    }

    pub(super) fn renamed(&mut self, from: &Path, to: &Path) {
        if let Some(named) = self.names.remove(from) {
            self.names.insert(to.to_path_buf(), Named { durable: false, ..named });
        }
    }

    /// A name is about to be removed.
    pub(super) fn remove(&mut self, path: &Path, site: Site) {
        self.change(path, site);
        let class = self.names.get(path).map(|named| named.file.class);
        if !matches!(class, Some(FileClass::Table | FileClass::Wal)) {
            return;
        }
        let manifest = self.newest.get(&folder(path)).and_then(|path| self.names.get(path));
        let settled = manifest.is_none_or(|manifest| {
            manifest.file.unsynced() <= 1 || manifest.file.sync_failed.load(Ordering::Relaxed)
        });
        self.check(settled, "LINT-04", path, site);
    }

    pub(super) fn forget(&mut self, path: &Path) {
        self.names.remove(path);
    }

    pub(super) fn link(&mut self, from: &Path, to: &Path) {
        if let Some(named) = self.names.get(from).cloned() {
            self.names.insert(to.to_path_buf(), Named { durable: false, ..named });
        }
    }

    pub(super) fn synced_names(&mut self, dir: &Path) {
        let here = self.names.iter_mut().filter(|(path, _)| folder(path) == dir);
        here.for_each(|(_, named)| named.durable = true);
    }
}

fn folder(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_path_buf()
}
