//! What the tests share: a file system, states and edits.

use std::{path::Path, sync::Arc};

use lsmer_core::{
    Arrival, BlockHandle, Error, FileClass, KeyspaceId, KeyspaceOptions, LogCut, Lsn, OpenOptions,
    Place, RunId, SegmentId, SeqNo, SyncKind, TableId, TableMeta, TreeEdit, Vfs,
};
use lsmer_io::MemVfs;
use lsmer_manifest::{Edit, Manifest, ManifestState, Names};

pub(crate) const DEFAULT: KeyspaceId = KeyspaceId::DEFAULT;

/// Returns the folder of the database.
pub(crate) fn dir() -> &'static Path {
    Path::new("/db")
}

/// Makes a file system with the folder.
pub(crate) fn disk() -> MemVfs {
    let vfs = MemVfs::new();
    vfs.create_dir(dir()).expect("empty");
    vfs.sync_dir(Path::new("/")).expect("no faults");
    vfs
}

/// Returns the file system as the manifest wants it.
pub(crate) fn shared(vfs: &MemVfs) -> Arc<dyn Vfs> {
    Arc::new(vfs.clone())
}

/// Returns what is read from the disk.
pub(crate) fn read(vfs: &MemVfs) -> Result<ManifestState, Error> {
    Manifest::read(vfs, dir()).map(|(state, _)| state)
}

/// Returns the state of a new database.
pub(crate) fn fresh() -> ManifestState {
    let names = Names { wal: "wal.1".to_owned(), compaction: "leveled.1".to_owned() };
    let state = ManifestState { epoch: 1, names, ..ManifestState::default() };
    let create = vec![(DEFAULT, "default".to_owned(), KeyspaceOptions::default())];
    state.apply(&Edit { create, ..Edit::default() }).expect("it fits")
}

/// Makes a database and returns its manifest.
pub(crate) fn create(vfs: &MemVfs) -> Manifest {
    Manifest::create(&shared(vfs), dir(), fresh()).expect("no faults")
}

/// Describes a table with one key.
pub(crate) fn table(number: u64, key: &[u8]) -> Arc<TableMeta> {
    Arc::new(TableMeta {
        id: TableId { epoch: 1, number },
        file_bytes: 4096,
        smallest: key.into(),
        largest: key.into(),
        min_seqno: SeqNo(number),
        max_seqno: SeqNo(number),
        entries: 1,
        index: BlockHandle { offset: 4000, bytes: 90 },
        format: "table.1".into(),
        ..TableMeta::default()
    })
}

/// Returns the edit of flush number `n`, counted from 1: a run with a table.
pub(crate) fn flush(n: u64) -> Edit {
    flush_of(n, &[b'k'; 20])
}

/// Returns the edit of a flush whose table has this key.
pub(crate) fn flush_of(n: u64, key: &[u8]) -> Edit {
    let tables = vec![table(n, key)];
    let add = vec![Arrival { run: RunId(n), level: 0, place: Place::Newest, tables }];
    let change = TreeEdit { remove: Vec::new(), add };
    Edit {
        log_first: Some(SegmentId(n)),
        log_synced: Some(Lsn(100 * n)),
        last_seqno: Some(SeqNo(n)),
        ..Edit::tree(DEFAULT, change, Some(SeqNo(n)))
    }
}

/// Returns the edit that removes what flush number `n` added.
pub(crate) fn drop_flush(n: u64) -> Edit {
    let remove = vec![(RunId(n), TableId { epoch: 1, number: n })];
    Edit::tree(DEFAULT, TreeEdit { remove, add: Vec::new() }, None)
}

/// Returns the edit with which a recovery notes the end of the log.
pub(crate) fn cut(n: u64) -> Edit {
    let log_cut = Some(LogCut { segment: SegmentId(n), end: Lsn(n) });
    Edit { log_cut, ..Edit::default() }
}

/// Commits an edit to whatever is there.
pub(crate) fn commit(manifest: &Manifest, edit: &Edit) -> Result<(), Error> {
    manifest.commit(manifest.state().0, edit).map(|_| ())
}

/// Returns the names in the folder.
pub(crate) fn names(vfs: &MemVfs) -> Vec<String> {
    let entries = vfs.read_dir(dir()).expect("it is there");
    entries.into_iter().map(|entry| entry.name).collect()
}

/// Puts a file into the folder, durably.
pub(crate) fn put(vfs: &MemVfs, name: &str, bytes: &[u8]) {
    let path = dir().join(name);
    drop(vfs.remove_file(&path));
    let file = vfs.open(&path, OpenOptions::create(FileClass::Manifest)).expect("removed");
    file.write_all_at(bytes, 0).expect("no faults");
    file.sync(SyncKind::All).expect("no faults");
    vfs.sync_dir(dir()).expect("no faults");
}
