//! Opening: lock, manifest, log, replay, orphans.
//!
//! Nothing is changed before the new manifest is in: a database that cannot be opened stays as it
//! is, and any step may be cut short by a crash and done again, twice.

use std::{collections::BTreeMap, io, path::Path, sync::Arc};

use lsmer_core::{
    DirEntry, Error, ErrorKind, KeyspaceId, KeyspaceOptions, LockGuard, LockMode, LogCut, LogEnd,
    LogSource, LogSpec, Result, SegmentId, SeqNo, TableId, Vfs, mutant,
};
use lsmer_manifest::{KeyspaceState, Manifest, ManifestState, Names};

use crate::{
    Components, Options,
    recover::is_unfinished,
    shared::{Foundation, Shared},
    space::{Space, new_view},
    tables::Tables,
    view::Version,
};

const LOCK: &str = "LOCK";
/// Name of the keyspace that every database has.
const DEFAULT: &str = "default";

/// Opens a database, or makes one.
pub(crate) fn open(options: Options, parts: Components) -> Result<Arc<Shared>> {
    options.validate()?;
    if options.read_only {
        open_read_only(options, parts)
    } else {
        open_for_writing(options, parts)
    }
}

fn open_for_writing(options: Options, parts: Components) -> Result<Arc<Shared>> {
    let vfs = Arc::clone(&parts.env.vfs);
    let dir = options.path.clone();
    let exists = find(&*vfs, &dir)?;
    if !exists && !options.create_if_missing {
        return Err(missing(&*vfs, &dir));
    }
    if !exists {
        make_folder(&*vfs, &dir)?;
        // Before the lock, which is a file.
        refuse_foreign(&*vfs, &dir)?;
    }
    let lock = take_lock(&*vfs, &dir, LockMode::Exclusive)?;
    // Another process may have made the database between the look and the lock.
    let state = if Manifest::exists(&*vfs, &dir)? {
        Manifest::read(&*vfs, &dir)?.0
    } else {
        refuse_foreign(&*vfs, &dir)?;
        new_state(&parts)
    };
    check_names(&state, &parts)?;
    let files = list(&*vfs, &dir)?;
    check_tables(&files, &dir, &state)?;

    let source = log_source(&options, &parts, &state);
    let end = parts.wal.scan(&source, &mut |_| Ok(()))?;
    if !mutant!("scanned-log-not-synced") {
        parts.wal.sync_scanned(&source, &end)?;
    }
    let last_seqno = last_seqno(&state, &end);
    let segment = end.segments.last().map_or(SegmentId(0), |segment| segment.id);
    let state = ManifestState {
        epoch: state.epoch + u64::from(!mutant!("epoch-not-raised")),
        last_seqno,
        log_cut: Some(LogCut { segment, end: end.next }),
        ..state
    };
    let fresh = !Manifest::exists(&*vfs, &dir)?;
    let install = if fresh { Manifest::create } else { Manifest::install };
    let manifest = install(&vfs, &dir, state)?;
    let (_, state) = manifest.state();
    let spec = LogSpec {
        dir: dir.clone(),
        env: parts.env.clone(),
        epoch: state.epoch,
        min_segment_bytes: options.min_segment_bytes,
        max_segment_bytes: options.max_segment_bytes,
    };
    let wal = parts.wal.open(spec, &end)?;

    let source = log_source(&options, &parts, &state);
    let foundation = foundation(options, parts, Arc::clone(&state), last_seqno);
    let manifest = Some(manifest);
    let lock = Some(lock).filter(|_| !mutant!("lock-let-go-too-early"));
    let shared = build(Foundation { manifest, wal: Some(wal), lock, ..foundation });
    let recovered = shared.replay(&source, &state);
    let recovered = recovered.and_then(|()| shared.remove_orphans(&files));
    let recovered = recovered.and_then(|()| shared.shorten_log());
    recovered.inspect_err(|_| shared.abandon())?;
    for space in shared.all_spaces() {
        shared.schedule(&space);
    }
    Ok(shared)
}

fn open_read_only(options: Options, parts: Components) -> Result<Arc<Shared>> {
    let vfs = Arc::clone(&parts.env.vfs);
    let dir = options.path.clone();
    if !find(&*vfs, &dir)? {
        return Err(missing(&*vfs, &dir));
    }
    // A copy without a lock file, and a folder nobody may write, can be read all the same.
    let lock = match take_lock(&*vfs, &dir, LockMode::Shared) {
        Ok(lock) => Some(lock),
        Err(error) if error.kind() == ErrorKind::Fenced => return Err(error),
        Err(_) => None,
    };
    let (state, _) = Manifest::read(&*vfs, &dir)?;
    check_names(&state, &parts)?;
    check_tables(&list(&*vfs, &dir)?, &dir, &state)?;
    let source = log_source(&options, &parts, &state);
    let end = parts.wal.scan(&source, &mut |_| Ok(()))?;
    let last_seqno = last_seqno(&state, &end);
    let state = Arc::new(state);
    let foundation = foundation(options, parts, Arc::clone(&state), last_seqno);
    let shared = build(Foundation { lock, ..foundation });
    shared.replay(&source, &state)?;
    Ok(shared)
}

fn foundation(
    options: Options,
    parts: Components,
    state: Arc<ManifestState>,
    last_seqno: SeqNo,
) -> Foundation {
    let index_limit = options.memory_budget / 8;
    let dir = options.path.clone();
    let tables = Tables::new(dir, parts.clone(), index_limit, options.read_only);
    let (manifest, wal, lock) = (None, None, None);
    Foundation { options, parts, tables, manifest, wal, state, last_seqno, lock }
}

fn build(foundation: Foundation) -> Arc<Shared> {
    let mut spaces = BTreeMap::new();
    let Foundation { options, parts, tables, state, .. } = &foundation;
    for (id, keyspace) in &state.keyspaces {
        let version = Version::new(Arc::clone(&keyspace.tree), tables);
        let view = new_view(options, parts, version);
        let settings = keyspace.options.clone();
        spaces.insert(*id, Space::new(*id, Arc::clone(&keyspace.name), settings, view));
    }
    Arc::new(Shared::new(foundation, spaces))
}

/// Returns whether `dir` holds a database.
fn find(vfs: &dyn Vfs, dir: &Path) -> Result<bool> {
    if Manifest::exists(vfs, dir)? {
        return Ok(true);
    }
    match vfs.list(dir, &|_| false) {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("cannot read the folder", error).in_file(dir)),
    }
}

fn missing(vfs: &dyn Vfs, dir: &Path) -> Error {
    // The log and tables begin only when `CURRENT` is durable: with them, and without it, this is
    // a damaged database. With a manifest alone it is one that was never finished: none.
    let extension = |entry: &DirEntry| Path::new(&entry.name).extension().map(ToOwned::to_owned);
    let begun = |entry: &DirEntry| extension(entry).is_some_and(|ext| ext == "wal" || ext == "tbl");
    let begun = vfs.read_dir(dir).is_ok_and(|entries| entries.iter().any(begun));
    match Manifest::read(vfs, dir) {
        Err(error) if begun && error.kind() == ErrorKind::Corruption => error,
        _ => Error::invalid("there is no database here").in_file(dir),
    }
}

/// Makes the folder, and its name durable: who made it, if it is there, may have failed at that.
fn make_folder(vfs: &dyn Vfs, dir: &Path) -> Result<()> {
    let exists = match vfs.create_dir(dir) {
        Ok(()) => false,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => true,
        Err(error) => return Err(Error::io("cannot make the folder", error).in_file(dir)),
    };
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let unsynced = mutant!("folder-name-not-synced");
    match if unsynced { Ok(()) } else { vfs.sync_dir(parent) } {
        // Somebody else made it, where we may not look.
        Err(error) if exists && error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced
            .map_err(|error| Error::io("cannot sync the parent folder", error).in_file(parent)),
    }
}

/// Refuses to make a database among files that are not ours.
fn refuse_foreign(vfs: &dyn Vfs, dir: &Path) -> Result<()> {
    let entries = vfs.read_dir(dir).map_err(|error| Error::io("cannot read the folder", error))?;
    let ours = |name: &str| {
        // What a crash may leave of a database that was just being made.
        name == LOCK || name.starts_with("MANIFEST-") || name.starts_with("CURRENT")
    };
    match entries.iter().find(|entry| !ours(&entry.name)) {
        None => Ok(()),
        Some(entry) => {
            let what = "the folder is not empty, and not a database: choose another";
            Err(Error::invalid(what).in_file(dir.join(&entry.name)))
        }
    }
}

fn take_lock(vfs: &dyn Vfs, dir: &Path, mode: LockMode) -> Result<Box<dyn LockGuard>> {
    let path = dir.join(LOCK);
    vfs.lock(&path, mode).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => {
            let what = "the database is open already, here or in another process";
            Error::new(ErrorKind::Fenced, what).in_file(&path)
        }
        _ => Error::io("cannot lock the database", error).in_file(&path),
    })
}

fn new_state(parts: &Components) -> ManifestState {
    let default = KeyspaceState {
        name: DEFAULT.into(),
        options: KeyspaceOptions::default(),
        flushed: SeqNo::ZERO,
        tree: Arc::default(),
    };
    ManifestState {
        next_table: 1,
        next_run: 1,
        next_keyspace: 1,
        keyspaces: BTreeMap::from([(KeyspaceId::DEFAULT, default)]),
        names: Names {
            wal: parts.wal.name().to_owned(),
            compaction: parts.strategy.name().to_owned(),
        },
        ..ManifestState::default()
    }
}

/// Refuses parts that cannot read what is on disk. The strategy may change at any time.
fn check_names(state: &ManifestState, parts: &Components) -> Result<()> {
    let refuse = |what, name: &str| Err(Error::new(ErrorKind::Unsupported, what).detail(name));
    if state.names.wal != parts.wal.name() {
        return refuse("the database was written with another log format", &state.names.wal);
    }
    let tables = state.keyspaces.values().flat_map(|keyspace| keyspace.tree.tables());
    for table in tables {
        if parts.format(&table.format).is_none() {
            return refuse("a table was written with another table format", &table.format);
        }
    }
    Ok(())
}

/// Lists what an opening looks at: tables, and files that were never finished.
fn list(vfs: &dyn Vfs, dir: &Path) -> Result<Vec<DirEntry>> {
    let wanted = |name: &str| TableId::of_file_name(name).is_some() || is_unfinished(name);
    let entries = vfs.list(dir, &wanted);
    entries.map_err(|error| Error::io("cannot read the folder", error).in_file(dir))
}

/// Checks that every table is there, with its size.
fn check_tables(files: &[DirEntry], dir: &Path, state: &ManifestState) -> Result<()> {
    let tables = state.keyspaces.values().flat_map(|keyspace| keyspace.tree.tables());
    let sizes: BTreeMap<TableId, u64> = files
        .iter()
        .filter_map(|entry| Some((TableId::of_file_name(&entry.name)?, entry.bytes)))
        .collect();
    for table in tables {
        let path = dir.join(table.id.file_name());
        match sizes.get(&table.id) {
            Some(bytes) if *bytes == table.file_bytes => {}
            Some(bytes) => {
                let error = Error::corruption("a table has another size than the manifest says");
                return Err(error.at(path, table.file_bytes.min(*bytes)));
            }
            None => return Err(Error::corruption("a table is missing").in_file(path)),
        }
    }
    Ok(())
}

fn log_source(options: &Options, parts: &Components, state: &ManifestState) -> LogSource {
    LogSource {
        dir: options.path.clone(),
        vfs: Arc::clone(&parts.env.vfs),
        first: state.log_first,
        synced: state.log_synced,
        end: state.log_cut,
    }
}

fn last_seqno(state: &ManifestState, end: &LogEnd) -> SeqNo {
    let tables = state.keyspaces.values().flat_map(|keyspace| keyspace.tree.tables());
    let in_tables = tables.map(|table| table.max_seqno).max().unwrap_or_default();
    let flushed = state.keyspaces.values().map(|keyspace| keyspace.flushed).max();
    let in_log = if mutant!("seqnos-of-the-log-forgotten") { SeqNo::ZERO } else { end.last_seqno };
    let known = state.last_seqno.max(in_log).max(in_tables);
    known.max(flushed.unwrap_or_default())
}
