//! Lists a manifest for people.

use std::{fmt, path::Path};

use lsmer_core::{Arrival, Error, ErrorKind, Place, Result, TreeEdit, Vfs};

use crate::{
    Edit, ManifestState, current,
    header::Header,
    payload, read,
    record::{File, RecordKind},
    scan::{Found, Record, Scan},
};

/// Lists the records of the manifest at `path`, as far as it can be read. Damage is reported in
/// the listing, and skipped.
///
/// # Errors
///
/// `InvalidArgument` if `path` is not the name of a manifest or `out` refuses; `Io`, `Corruption`
/// if there is no such file.
pub fn dump(vfs: &dyn Vfs, path: &Path, out: &mut dyn fmt::Write) -> Result<()> {
    let name = path.file_name().and_then(|name| name.to_str());
    let number = name.and_then(current::of_file_name);
    let number =
        number.ok_or_else(|| Error::invalid("not the name of a manifest").in_file(path))?;
    let bytes = read::bytes(vfs, path)?;
    list(File { number, bytes: &bytes }, out).map_err(|_| Error::invalid("the listing was refused"))
}

fn list(file: File<'_>, out: &mut dyn fmt::Write) -> fmt::Result {
    match Header::decode(file.bytes, file.number) {
        Ok(header) => writeln!(out, "manifest {} epoch {}", header.number, header.epoch)?,
        Err(error) => writeln!(out, "header: {error}")?,
    }
    let mut scan = Scan::new(file);
    loop {
        let at = scan.offset();
        match scan.step() {
            Ok(Found::Record(record)) => list_record(&record, out)?,
            Ok(Found::LostMark) => writeln!(out, "{at}: a mark that was lost")?,
            Ok(Found::End(0)) => return writeln!(out, "{at}: end"),
            Ok(Found::End(torn)) => return writeln!(out, "{at}: end; a torn tail of {torn} bytes"),
            Err(error) => {
                writeln!(out, "{at}: {error}")?;
                if !scan.resume() {
                    return Ok(());
                }
            }
        }
    }
}

fn list_record(record: &Record<'_>, out: &mut dyn fmt::Write) -> fmt::Result {
    write!(out, "{}: ", record.offset)?;
    let (length, synced) = (record.head.length, record.head.synced);
    let listed = match record.kind {
        RecordKind::Mark => return writeln!(out, "mark, synced to {synced}"),
        RecordKind::Snapshot => {
            writeln!(out, "snapshot, {length} bytes")?;
            payload::snapshot(record.payload).map(|state| list_state(&state, out))
        }
        RecordKind::Edit => {
            writeln!(out, "edit, {length} bytes, synced to {synced}")?;
            payload::edit(record.payload).map(|edit| list_edit(&edit, out))
        }
    };
    listed.unwrap_or_else(|error| {
        let word = if error.kind() == ErrorKind::Unsupported { "unknown" } else { "nonsense" };
        writeln!(out, "  {word}: {error}")
    })
}

fn list_state(state: &ManifestState, out: &mut dyn fmt::Write) -> fmt::Result {
    writeln!(out, "  epoch {}", state.epoch)?;
    writeln!(out, "  wal {:?}, compaction {:?}", state.names.wal, state.names.compaction)?;
    list_edit(&payload::from_nothing(state), out)
}

fn list_edit(edit: &Edit, out: &mut dyn fmt::Write) -> fmt::Result {
    let numbers = [
        ("next table", edit.next_table),
        ("next run", edit.next_run),
        ("next keyspace", edit.next_keyspace.map(u64::from)),
        ("last seqno", edit.last_seqno.map(|seqno| seqno.0)),
        ("first log segment", edit.log_first.map(|segment| segment.0)),
        ("log synced to", edit.log_synced.map(|lsn| lsn.0)),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            writeln!(out, "  {name} {number}")?;
        }
    }
    if let Some(cut) = edit.log_cut {
        writeln!(out, "  log cut at {} in segment {}", cut.end.0, cut.segment.0)?;
    }
    for id in &edit.drop {
        writeln!(out, "  drop keyspace {}", id.0)?;
    }
    for (id, name, options) in &edit.create {
        writeln!(out, "  create keyspace {} {name:?}: {options:?}", id.0)?;
    }
    for (id, change, flushed) in &edit.trees {
        write!(out, "  keyspace {}", id.0)?;
        if let Some(flushed) = flushed {
            write!(out, ", flushed to {flushed}")?;
        }
        writeln!(out)?;
        list_change(change, out)?;
    }
    Ok(())
}

fn list_change(change: &TreeEdit, out: &mut dyn fmt::Write) -> fmt::Result {
    for (run, table) in &change.remove {
        writeln!(out, "    - run {} table {table}", run.0)?;
    }
    for Arrival { run, level, place, tables } in &change.add {
        write!(out, "    run {} level {level} ", run.0)?;
        match place {
            Place::Newest => writeln!(out, "newest")?,
            Place::Before(run) => writeln!(out, "before run {}", run.0)?,
            Place::After(run) => writeln!(out, "after run {}", run.0)?,
            Place::Oldest => writeln!(out, "oldest")?,
        }
        for table in tables {
            let (low, high) = (table.smallest.escape_ascii(), table.largest.escape_ascii());
            let (bytes, entries) = (table.file_bytes, table.entries);
            let seqnos = format_args!("{}..={}", table.min_seqno, table.max_seqno);
            write!(out, "    + table {} [{low}, {high}] ", table.id)?;
            writeln!(out, "seqnos {seqnos}, {entries} entries, {bytes} bytes")?;
        }
    }
    Ok(())
}
