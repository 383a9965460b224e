//! The rules that `LintVfs` checks: each is broken once, and told; a careful engine breaks none.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{path::Path, sync::Arc};

use lsmer_core::{FileClass, LockGuard, LockMode, OpenOptions, SyncKind, Vfs, VfsFile};
use lsmer_testkit::{
    FailedSync, LintVfs, SimVfs,
    fault::{Effect, FaultPlan, FaultVfs, Op, Rule},
};

const DIR: &str = "/";

/// A little engine, whose steps a test may leave out.
struct Engine {
    vfs: LintVfs,
    faults: FaultVfs,
    lock: Option<Box<dyn LockGuard>>,
}

impl Engine {
    fn new() -> Self {
        let faults = FaultVfs::on(SimVfs::new());
        let vfs = LintVfs::new(Arc::new(faults.clone()));
        let lock = vfs.lock(Path::new("/LOCK"), LockMode::Exclusive).unwrap();
        Self { vfs, faults, lock: Some(lock) }
    }

    fn create(&self, name: &str, class: FileClass, sync: bool) -> Arc<dyn VfsFile> {
        let file = self.vfs.open(Path::new(name), OpenOptions::create(class)).unwrap();
        file.write_all_at(b"bytes", 0).unwrap();
        if sync {
            file.sync(SyncKind::All).unwrap();
        }
        file
    }

    fn sync_names(&self) {
        self.vfs.sync_dir(Path::new(DIR)).unwrap();
    }

    fn read(&self, name: &str, class: FileClass) {
        let vfs: &dyn Vfs = &self.vfs;
        vfs.read_file(Path::new(name), class, 100).unwrap();
    }

    fn install(&self) {
        let vfs: &dyn Vfs = &self.vfs;
        vfs.install(Path::new(DIR), "CURRENT", FileClass::Current, b"manifest").unwrap();
    }

    /// Returns the rules that were broken.
    fn broken(&self) -> Vec<String> {
        let all = self.vfs.violations();
        assert!(all.iter().all(|text| text.contains("tests/lint.rs")), "who it was: {all:?}");
        all.iter().map(|text| text[..7].to_owned()).collect()
    }
}

#[test]
fn a_careful_engine_breaks_no_rule() {
    let mut engine = Engine::new();
    let log = engine.create("/1.wal", FileClass::Wal, false);
    let manifest = engine.create("/MANIFEST-1", FileClass::Manifest, true);
    engine.sync_names();
    engine.install();
    drop(engine.create("/1.tbl", FileClass::Table, true));
    engine.sync_names();
    engine.read("/1.tbl", FileClass::Table);
    manifest.write_all_at(b"edit", 5).unwrap();
    manifest.sync(SyncKind::Data).unwrap();
    manifest.write_all_at(b"mark", 9).unwrap();
    engine.vfs.remove_file(Path::new("/1.wal")).unwrap();
    drop((log, manifest));
    assert_eq!(engine.vfs.handles(), 1, "the lock");
    engine.lock = None;
    assert_eq!((engine.broken(), engine.vfs.handles()), (vec![], 0));
}

#[test]
fn lint_01_a_file_that_is_not_synced_is_renamed_to_current() {
    let engine = Engine::new();
    drop(engine.create("/CURRENT.tmp", FileClass::Current, false));
    engine.vfs.rename(Path::new("/CURRENT.tmp"), Path::new("/CURRENT")).unwrap();
    assert_eq!(engine.broken(), ["LINT-01"]);
}

#[test]
fn lint_02_a_manifest_that_is_not_durable_becomes_current() {
    for (sync, name) in [(false, true), (true, false)] {
        let engine = Engine::new();
        drop(engine.create("/CURRENT.tmp", FileClass::Current, true));
        drop(engine.create("/MANIFEST-1", FileClass::Manifest, sync));
        if name {
            engine.sync_names();
        }
        engine.vfs.rename(Path::new("/CURRENT.tmp"), Path::new("/CURRENT")).unwrap();
        assert_eq!(engine.broken(), ["LINT-02"]);
    }
}

#[test]
fn lint_03_a_file_is_used_after_its_sync_failed() {
    let engine = Engine::new();
    let file = engine.create("/1.wal", FileClass::Wal, true);
    engine.faults.begin(Rule::new(Effect::Sync(FailedSync::StillDirty)).on(Op::Sync));
    file.sync(SyncKind::Data).unwrap_err();
    engine.faults.begin(FaultPlan::default());
    file.sync(SyncKind::Data).unwrap();
    file.write_all_at(b"more", 5).unwrap();
    assert_eq!(engine.broken(), ["LINT-03", "LINT-03"]);
    drop(engine.vfs.open(Path::new("/1.wal"), OpenOptions::write(FileClass::Wal)).unwrap());
    file.write_all_at(b"more", 5).unwrap();
    assert_eq!(engine.broken().len(), 2, "whoever opens it anew may write");
}

#[test]
fn lint_04_a_file_is_removed_before_the_edit_that_lets_go_of_it_is_durable() {
    let engine = Engine::new();
    drop(engine.create("/1.tbl", FileClass::Table, true));
    let manifest = engine.create("/MANIFEST-1", FileClass::Manifest, true);
    manifest.write_all_at(b"edit", 5).unwrap();
    manifest.write_all_at(b"mark", 9).unwrap();
    engine.vfs.remove_file(Path::new("/1.tbl")).unwrap();
    assert_eq!(engine.broken(), ["LINT-04"]);
}

#[test]
fn lint_05_a_manifest_rests_on_a_log_that_is_not_synced() {
    for (synced, broken) in [(false, &["LINT-05"][..]), (true, &[])] {
        let engine = Engine::new();
        drop(engine.create("/1.wal", FileClass::Wal, synced));
        engine.sync_names();
        engine.vfs.restart();
        engine.read("/1.wal", FileClass::Wal);
        engine.install();
        assert_eq!(engine.broken(), broken);
    }
}

#[test]
fn lint_06_files_are_changed_while_nobody_holds_a_lock() {
    let mut engine = Engine::new();
    engine.lock = None;
    drop(engine.create("/1.tbl", FileClass::Table, true));
    engine.vfs.remove_file(Path::new("/1.tbl")).unwrap();
    assert_eq!(engine.broken(), ["LINT-06"; 3], "made, written, removed");
}

#[test]
fn lint_07_a_table_is_read_before_it_is_durable() {
    for sync in [false, true] {
        let engine = Engine::new();
        drop(engine.create("/1.tbl", FileClass::Table, sync));
        if !sync {
            engine.sync_names();
        }
        engine.read("/1.tbl", FileClass::Table);
        assert_eq!(engine.broken(), ["LINT-07"]);
    }
}

#[test]
fn lint_08_a_handle_that_stays_open_is_counted() {
    let engine = Engine::new();
    let file = engine.create("/1.wal", FileClass::Wal, true);
    assert_eq!(engine.vfs.handles(), 2);
    drop(file);
    assert_eq!(engine.vfs.handles(), 1);
}
