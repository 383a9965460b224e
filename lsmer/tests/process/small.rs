//! What opening costs, and what it refuses.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use lsmer::{
    Db, ErrorKind,
    parts::{
        core::{FileClass, OpenOptions, TableId, Vfs, VfsFile, checksum},
        io::{MemVfs, StdVfs},
    },
};

use crate::{
    history::{Jobs, builder},
    over::{Differs, Over, ReadTold},
};

/// Most bytes that an empty database takes on the disk.
const EMPTY_BYTES: u64 = 1 << 20;
const TABLES: u64 = 1000;

/// Returns what the files of a folder take on the disk, in bytes.
fn disk_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().metadata().unwrap().blocks() * 512).sum()
}

#[test]
fn an_empty_database_takes_at_most_one_mebibyte_on_disk() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("db");
    let db = Db::open(&folder).unwrap();
    let opened = disk_bytes(&folder);
    db.put("the only", "entry").unwrap();
    db.delete("the only").unwrap();
    let written = disk_bytes(&folder);
    db.close().unwrap();
    drop(db);
    let closed = disk_bytes(&folder);
    for _ in 0..5 {
        drop(Db::open(&folder).unwrap());
    }
    let reopened = disk_bytes(&folder);
    let all = [opened, written, closed, reopened];
    assert!(all.iter().all(|bytes| *bytes <= EMPTY_BYTES), "{all:?} bytes");
}

#[test]
fn a_database_that_is_opened_often_and_written_little_stays_small() {
    for written in [false, true] {
        let vfs = MemVfs::without_crashes();
        let mut most = 0;
        for n in 0..100_u32 {
            let db = builder(&vfs, Jobs::InTurn).open().unwrap();
            if written || n == 0 {
                db.put((n % 10).to_be_bytes(), n.to_be_bytes()).unwrap();
            }
            assert!(db.contains_key(0_u32.to_be_bytes()).unwrap());
            db.close().unwrap();
            drop(db);
            most = most.max(vfs.list().len());
        }
        assert!(most <= 30, "{most} files after 100 openings, written: {written}");
    }
}

/// Counts how often tables are opened and read.
#[derive(Debug)]
struct TableReads {
    vfs: MemVfs,
    opened: Arc<AtomicU64>,
    read: Arc<AtomicU64>,
}

impl Differs for TableReads {
    fn below(&self) -> &dyn Vfs {
        &self.vfs
    }

    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        let file = self.vfs.open(path, how)?;
        if how.class != FileClass::Table {
            return Ok(file);
        }
        self.opened.fetch_add(1, Ordering::SeqCst);
        let read = Arc::clone(&self.read);
        let tell = Arc::new(move || _ = read.fetch_add(1, Ordering::SeqCst));
        Ok(Arc::new(ReadTold { file, tell }))
    }
}

#[test]
fn a_database_of_a_thousand_tables_opens_without_reading_one() {
    let vfs = MemVfs::without_crashes();
    let value = |n: u64| format!("value {n} of all");
    let make = builder(&vfs, Jobs::InTurn);
    let db = make.compaction_jobs(0).open().unwrap();
    for n in 0..TABLES {
        db.put(n.to_be_bytes(), value(n)).unwrap();
        db.flush().unwrap();
    }
    let tables = |db: &Db| -> u64 {
        let spaces = db.stats().keyspaces;
        spaces.iter().flat_map(|space| &space.levels).map(|level| level.tables).sum()
    };
    assert_eq!(tables(&db), TABLES);
    db.put("in the log", "only").unwrap();
    db.close().unwrap();
    drop(db);

    let (opened, read) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let seen = || (opened.load(Ordering::SeqCst), read.load(Ordering::SeqCst));
    for read_only in [true, false] {
        let (opened, read) = (Arc::clone(&opened), Arc::clone(&read));
        let counted = Over(TableReads { vfs: vfs.clone(), opened, read });
        let make = builder(&vfs, Jobs::InTurn);
        let make = make.compaction_jobs(0).vfs(counted);
        let make = if read_only { make.read_only() } else { make };
        let before = seen();
        let db = make.open().unwrap();
        assert_eq!(tables(&db), TABLES);
        assert_eq!(seen(), before, "opening looked into a table");
        for n in [0, 500, TABLES - 1] {
            assert_eq!(db.get(n.to_be_bytes()).unwrap().unwrap(), value(n).as_str());
        }
        assert_eq!(db.get("in the log").unwrap().unwrap(), "only");
        let (opened, read) = seen();
        assert!(opened > before.0 && read > before.1, "the counters count");
        assert!(opened - before.0 <= 3, "a lookup opens the table that has the key");
    }
}

/// A file system in which somebody else is always faster to remove a table.
#[derive(Debug)]
struct Slow(MemVfs);

impl Differs for Slow {
    fn below(&self) -> &dyn Vfs {
        &self.0
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.0.remove_file(path)?;
        self.0.remove_file(path)
    }
}

#[test]
fn an_orphan_that_a_compaction_removes_first_does_not_keep_a_database_from_opening() {
    let vfs = MemVfs::new();
    drop(builder(&vfs, Jobs::InTurn).open().unwrap());
    let orphan = Path::new("db").join(TableId { epoch: 1, number: 9 }.file_name());
    vfs.open(&orphan, OpenOptions::create(FileClass::Table)).unwrap();
    let opened = builder(&vfs, Jobs::InTurn).vfs(Over(Slow(vfs.clone()))).open();
    assert!(opened.is_ok(), "{opened:?}");
    assert!(vfs.read_all(&orphan).is_err(), "it was looked for");
}

/// Returns the names and contents of the files in a folder.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Makes a database with tables and a log, damages its folder, and expects every way of opening to
/// refuse that with this kind and to change nothing.
fn refused(kind: ErrorKind, damage: impl FnOnce(&Path)) {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("db");
    let db = Db::open(&folder).unwrap();
    for n in 0..2000_u32 {
        db.put(n.to_be_bytes(), [7; 100]).unwrap();
    }
    db.flush().unwrap();
    db.put("in the log", "only").unwrap();
    db.close().unwrap();
    drop(db);
    damage(&folder);
    assert_refused(&folder, kind);
}

fn assert_refused(folder: &Path, kind: ErrorKind) {
    let before = contents(folder);
    for _ in 0..2 {
        for make in [Db::builder(folder), Db::builder(folder).read_only()] {
            let error = make.open().expect_err("it is refused");
            assert_eq!(error.kind(), kind, "{error:?}");
            assert!(error.file().is_some(), "it says where: {error:?}");
        }
    }
    let after = contents(folder);
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after), "files came or went");
    assert!(before == after, "a file changed");
}

/// Returns a file of a folder by the end, or the beginning, of its name.
fn find(folder: &Path, part: &str) -> PathBuf {
    let mut names = StdVfs.read_dir(folder).unwrap().into_iter().map(|entry| entry.name);
    folder.join(names.find(|name| name.ends_with(part) || name.starts_with(part)).unwrap())
}

#[test]
fn a_folder_with_other_files_is_refused_and_not_touched() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("letter.txt"), "Dear Sir").unwrap();
    assert_refused(temp.path(), ErrorKind::InvalidArgument);
}

#[test]
fn a_missing_table_is_damage() {
    refused(ErrorKind::Corruption, |folder| fs::remove_file(find(folder, ".tbl")).unwrap());
}

#[test]
fn a_table_that_was_cut_is_damage() {
    refused(ErrorKind::Corruption, |folder| {
        let path = find(folder, ".tbl");
        let bytes = fs::read(&path).unwrap();
        fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
    });
}

#[test]
fn a_current_file_that_names_nothing_is_damage() {
    refused(ErrorKind::Corruption, |folder| fs::write(folder.join("CURRENT"), "what?").unwrap());
}

#[test]
fn a_manifest_that_is_gone_is_damage() {
    refused(ErrorKind::Corruption, |folder| fs::remove_file(find(folder, "MANIFEST-")).unwrap());
}

#[test]
fn a_manifest_of_a_newer_version_is_unsupported() {
    refused(ErrorKind::Unsupported, |folder| {
        let path = find(folder, "MANIFEST-");
        let mut bytes = fs::read(&path).unwrap();
        bytes[8] += 1; // the version; see docs/format/manifest.md
        let crc = checksum(&bytes[..28]);
        bytes[28..32].copy_from_slice(&crc.to_le_bytes());
        fs::write(path, bytes).unwrap();
    });
}

#[test]
fn a_database_that_is_not_there_is_not_made_unless_asked_for() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("db");
    for make in [Db::builder(&folder).create_if_missing(false), Db::builder(&folder).read_only()] {
        let error = make.open().expect_err("there is none");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error:?}");
        assert!(!folder.exists());
    }
}
