//! `lsmer verify`: reads every byte and believes nothing.
//!
//! Opening reads manifest and log; the database then reads its tables. If it cannot be opened
//! because it is damaged, that is a fault, and each table is looked at on its own.

use std::path::Path;

use lsmer::{Error, ErrorKind, VerifyReport};
use lsmer_manifest::Manifest;

use super::verify_files::{self, TablesRead};
use crate::{
    args::Global,
    disk,
    failure::{Failure, Outcome, complain},
    open,
    output::Output,
    units::{Bytes, Count},
};

pub(super) fn run(global: &Global, path: &Path) -> Outcome {
    let mut found = Findings::default();
    match open::to_read(global, path) {
        Ok(db) => {
            found.report(&db.verify());
            // The lock is still held: nothing changes meanwhile.
            let (state, manifest) = Manifest::read(&*disk::vfs(), path)?;
            found.manifest(manifest.edits, manifest.torn_bytes);
            found.log(&verify_files::log(path, &state)?);
            found.notes.extend(verify_files::notes(path, &state, &manifest.file)?);
        }
        Err(Failure::Database(error)) => {
            found.faults.push(damage(path, error)?.to_string());
            found.tables(&verify_files::tables(path));
        }
        Err(other) => return Err(other),
    }
    let faults = found.faults.len() as u64;
    // Faults are faults even if nobody reads on.
    let told = found.tell();
    if faults > 0 {
        complain(format_args!("{} in {}", Count(faults, "fault"), path.display()));
        return Err(Failure::Reported);
    }
    told
}

/// Returns the damage for which a database cannot be opened; any other reason is a failure.
fn damage(path: &Path, error: Error) -> Outcome<Error> {
    if error.kind() == ErrorKind::Corruption {
        return Ok(error);
    }
    // A folder of a database without the file that makes it one.
    match Manifest::read(&*disk::vfs(), path) {
        Err(damage) if damage.kind() == ErrorKind::Corruption => Ok(damage),
        _ => Err(error.into()),
    }
}

/// What there is to tell.
#[derive(Debug, Default)]
struct Findings {
    read: Vec<String>,
    notes: Vec<String>,
    faults: Vec<String>,
}

impl Findings {
    fn report(&mut self, report: &VerifyReport) {
        let (tables, blocks) = (Count(report.tables, "table"), Count(report.blocks, "block"));
        let (entries, bytes) = (Count(report.entries, "entry"), Bytes(report.bytes));
        self.read.push(format!("tables: {tables}, {blocks}, {entries}, {bytes}"));
        self.faults.extend(report.faults.iter().map(|fault| match fault.error.file() {
            Some(_) => fault.error.to_string(),
            None => fault.to_string(),
        }));
    }

    fn manifest(&mut self, edits: u64, torn_bytes: u64) {
        self.read.push(format!("manifest: a snapshot and {}", Count(edits, "edit")));
        if torn_bytes > 0 {
            let torn = Bytes(torn_bytes);
            self.notes
                .push(format!("the manifest has a torn tail of {torn}, as a crash leaves it"));
        }
    }

    fn log(&mut self, log: &verify_files::LogRead) {
        let (segments, records) = (Count(log.segments, "segment"), Count(log.records, "record"));
        self.read.push(format!("log: {segments}, {records}, {}", Bytes(log.bytes)));
        if log.torn_bytes > 0 {
            let torn = Bytes(log.torn_bytes);
            self.notes.push(format!("the log has a torn tail of {torn}, as a crash leaves it"));
        }
        if let Some(fault) = &log.fault {
            self.faults.push(fault.to_string());
        } else if log.in_ring > 0 {
            let bytes = Bytes(log.in_ring);
            self.notes.push(format!("{bytes} of the log stand only in the crash ring: not synced"));
        }
    }

    fn tables(&mut self, tables: &TablesRead) {
        let (count, blocks) = (Count(tables.tables, "table"), Count(tables.blocks, "block"));
        self.read.push(format!("tables, each on its own: {count}, {blocks}"));
        self.faults.extend(tables.faults.iter().map(Error::to_string));
    }

    fn tell(self) -> Outcome {
        let mut out = Output::new();
        for line in &self.read {
            out.line(format_args!("read {line}"))?;
        }
        for line in &self.notes {
            out.line(format_args!("note: {line}"))?;
        }
        for line in &self.faults {
            out.line(format_args!("fault: {line}"))?;
        }
        if self.faults.is_empty() {
            out.line(format_args!("no faults"))?;
        }
        out.finish()
    }
}
