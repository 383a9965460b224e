//! What `lsmer verify` looks at beside the tables of an open database: the log, files that belong
//! to nothing, and tables on their own.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use lsmer::{
    Error, Result,
    parts::{
        SegmentedWal,
        core::{LogSource, SegmentId, TableId, WalFormat},
    },
};
use lsmer_manifest::ManifestState;

use crate::{
    disk,
    failure::{Failure, Outcome},
    table_file::TableFile,
};

/// What is in the log.
#[derive(Debug, Default)]
pub(super) struct LogRead {
    pub(super) segments: u64,
    pub(super) records: u64,
    /// Bytes of the records' payloads.
    pub(super) bytes: u64,
    /// Bytes behind the end that are no record.
    pub(super) torn_bytes: u64,
    /// Bytes that stand only in the crash ring.
    pub(super) in_ring: u64,
    /// What was once synced, and stands only in the ring.
    pub(super) fault: Option<Error>,
}

/// What reading tables one by one came to.
#[derive(Debug, Default)]
pub(super) struct TablesRead {
    pub(super) tables: u64,
    pub(super) blocks: u64,
    pub(super) faults: Vec<Error>,
}

/// Reads the log as recovery does.
pub(super) fn log(dir: &Path, state: &ManifestState) -> Result<LogRead> {
    let source = LogSource {
        dir: dir.to_path_buf(),
        vfs: disk::vfs(),
        first: state.log_first,
        synced: state.log_synced,
        end: state.log_cut,
    };
    let mut read = LogRead::default();
    let end = SegmentedWal.scan(&source, &mut |record| {
        read.records += 1;
        read.bytes += record.payload.len() as u64;
        Ok(())
    })?;
    read.segments = end.segments.len() as u64;
    read.torn_bytes = end.torn_bytes;
    read.in_ring = end.in_ring;
    let whole = end.next.0 - end.in_ring;
    if state.log_synced.0 > whole {
        let what = "the log is damaged, and only the crash ring still has what is lost there";
        let detail = format!("whole up to {whole}, synced up to {}", state.log_synced.0);
        let damaged = end.segments.iter().rfind(|segment| segment.start.0 <= whole);
        let file = damaged.map(|segment| dir.join(format!("{:08}.wal", segment.id.0)));
        let error = Error::corruption(what).detail(detail);
        read.fault = Some(error.in_file(file.as_deref().unwrap_or(dir)));
    }
    Ok(read)
}

/// Reads every block of every table in a folder, with no word from the manifest.
pub(super) fn tables(dir: &Path) -> TablesRead {
    let mut read = TablesRead::default();
    for id in disk::tables(dir) {
        read.tables += 1;
        let path = dir.join(id.file_name());
        let table = match TableFile::open(&path) {
            Ok(table) => table,
            Err(error) => {
                read.faults.push(error);
                continue;
            }
        };
        match table.blocks() {
            Err(error) => read.faults.push(error.in_file(&path)),
            Ok(blocks) => {
                read.blocks += blocks.len() as u64;
                let faults = blocks.iter().filter_map(|request| table.block(request).err());
                read.faults.extend(faults.map(|error| error.in_file(&path)));
            }
        }
    }
    read
}

/// Tells of files that belong to nothing. They do no harm.
pub(super) fn notes(dir: &Path, state: &ManifestState, manifest: &Path) -> Outcome<Vec<String>> {
    let failed = |error| Failure::io(format_args!("cannot read {}", dir.display()), &error);
    let named = Named {
        manifest: manifest.file_name().map(PathBuf::from).unwrap_or_default(),
        tables: state.keyspaces.values().flat_map(|k| k.tree.tables().map(|t| t.id)).collect(),
        first: state.log_first,
    };
    let mut notes = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        if let Some(what) = named.judge(&name) {
            notes.push(format!("{}: {what}", dir.join(name).display()));
        }
    }
    notes.sort_unstable();
    Ok(notes)
}

/// What the manifest needs.
#[derive(Debug)]
struct Named {
    /// The file name of the manifest itself.
    manifest: PathBuf,
    tables: BTreeSet<TableId>,
    first: SegmentId,
}

impl Named {
    /// Returns what is the matter with a file, by its name.
    fn judge(&self, name: &OsStr) -> Option<&'static str> {
        let unknown = Some("not a file of this database");
        let Some(text) = name.to_str() else { return unknown };
        if let Some(id) = TableId::of_file_name(text) {
            return (!self.tables.contains(&id)).then_some("a table that no manifest names");
        }
        if matches!(text, "CURRENT" | "LOCK" | "ring") || self.manifest == *name {
            return None;
        }
        if text.strip_suffix(".tmp").is_some() {
            return Some("a file that was never finished");
        }
        if text.starts_with("MANIFEST-") {
            return Some("a manifest that is not the current one");
        }
        let Some(segment) = text.strip_suffix(".wal") else { return unknown };
        if segment.starts_with("spare-") {
            return None;
        }
        match segment.parse() {
            Ok(id) if SegmentId(id) >= self.first => None,
            Ok(_) => Some("a segment of the log that is not needed any more"),
            Err(_) => unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_belong_to_nothing_are_told_from_those_that_do() {
        let id = TableId { epoch: 1, number: 2 };
        let named = Named {
            manifest: PathBuf::from("MANIFEST-000007"),
            tables: BTreeSet::from([id]),
            first: SegmentId(4),
        };
        let own = ["CURRENT", "LOCK", "ring", "MANIFEST-000007", "000001-000002.tbl"];
        for name in own.into_iter().chain(["00000004.wal", "spare-01.wal"]) {
            assert_eq!(named.judge(name.as_ref()), None, "{name}");
        }
        let other = ["MANIFEST-000006", "000001-000003.tbl", "00000003.wal", "x.tmp"];
        for name in other.into_iter().chain(["notes.txt", "x.wal", "1-2.tbl"]) {
            assert!(named.judge(name.as_ref()).is_some(), "{name}");
        }
    }
}
