//! Reads a manifest to its end.

use std::{
    io,
    path::{Path, PathBuf},
};

use lsmer_core::{Error, FileClass, Result, Vfs};

use crate::{
    ManifestState, current,
    header::Header,
    payload,
    record::{File, RecordKind},
    scan::{Found, Record, Scan},
};

/// Largest manifest that is read, in bytes. Commits start a new one long before.
pub(crate) const MAX_BYTES: usize = 0xffff_ffff;

/// What reading a manifest found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadReport {
    /// The file.
    pub file: PathBuf,
    /// Number of the file.
    pub number: u64,
    /// Size in bytes of what was read, header included, without the torn tail.
    pub bytes: u64,
    /// Size in bytes of the torn tail, which was ignored.
    pub torn_bytes: u64,
    /// Number of edits behind the snapshot.
    pub edits: u64,
}

/// Reads the current state of the database in `dir`. Writes nothing.
pub(crate) fn current(vfs: &dyn Vfs, dir: &Path) -> Result<(ManifestState, ReadReport)> {
    let Some(number) = current::read(vfs, dir)? else {
        if current::list(vfs, dir)?.is_empty() {
            return Err(Error::invalid("there is no lsmer database here").in_file(dir));
        }
        let what = "CURRENT is missing, and only it says which manifest is valid";
        return Err(Error::corruption(what).in_file(dir.join(current::CURRENT)));
    };
    numbered(vfs, dir, number)
}

/// Reads the manifest `number`.
pub(crate) fn numbered(
    vfs: &dyn Vfs,
    dir: &Path,
    number: u64,
) -> Result<(ManifestState, ReadReport)> {
    let path = dir.join(current::file_name(number));
    let bytes = bytes(vfs, &path)?;
    let mut report = ReadReport { file: path.clone(), number, ..ReadReport::default() };
    let state = replay(File { number, bytes: &bytes }, &mut report);
    Ok((state.map_err(|error| error.in_file(&path))?, report))
}

/// Reads a manifest into memory.
pub(crate) fn bytes(vfs: &dyn Vfs, path: &Path) -> Result<Vec<u8>> {
    vfs.read_file(path, FileClass::Manifest, MAX_BYTES).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::corruption("the manifest is missing").in_file(path),
        io::ErrorKind::InvalidData => Error::corruption("the manifest is too large").in_file(path),
        _ => Error::io("read the manifest", error).in_file(path),
    })
}

fn replay(file: File<'_>, report: &mut ReadReport) -> Result<ManifestState> {
    let header = Header::decode(file.bytes, file.number)?;
    let mut scan = Scan::new(file);
    let mut state = None;
    loop {
        let at = scan.offset();
        let site = |error: Error| error.at(&report.file, at as u64);
        match scan.step().map_err(site)? {
            Found::Record(record) => {
                report.edits += u64::from(record.kind == RecordKind::Edit);
                state = next(state.take(), &record).map_err(|e| e.at(&report.file, at as u64))?;
            }
            Found::LostMark => {}
            Found::End(torn_bytes) => {
                report.bytes = at as u64;
                report.torn_bytes = torn_bytes as u64;
                break;
            }
        }
    }
    // It was synced whole before CURRENT named the file.
    let state = state.ok_or_else(|| Error::corruption("the manifest has no snapshot"))?;
    if state.epoch != header.epoch {
        return Err(Error::corruption("a manifest and its snapshot are of different epochs"));
    }
    Ok(state)
}

/// Returns the state after one more record.
fn next(state: Option<ManifestState>, record: &Record<'_>) -> Result<Option<ManifestState>> {
    match (record.kind, state) {
        (RecordKind::Mark, state) => Ok(state),
        (RecordKind::Snapshot, None) => payload::snapshot(record.payload).map(Some),
        (RecordKind::Edit, Some(state)) => {
            let edit = payload::edit(record.payload)?;
            let next = state.apply(&edit).map_err(|error| {
                Error::corruption("an edit does not fit the state before it").detail(error)
            });
            next.map(Some)
        }
        _ => Err(Error::corruption("a record of the manifest is out of place")),
    }
}
