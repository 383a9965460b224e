//! What both imports have in common: storing, stopping, and the numbers at the end.

use std::path::Path;

use lsmer::{Db, ErrorKind, Keyspace, KeyspaceStats, Stats};

use crate::{
    args::Global,
    disk,
    failure::{Failure, Outcome, complain},
    open,
    output::Output,
    progress::Progress,
    units::{Bytes, Count, Rate},
};

/// A database that is being filled.
#[derive(Debug)]
pub(super) struct Import<'a> {
    path: &'a Path,
    db: Db,
    keyspace: Keyspace,
    pub(super) progress: Progress,
}

impl<'a> Import<'a> {
    /// Opens the database, and makes it if it is not there.
    pub(super) fn new(global: &Global, path: &'a Path, progress: Progress) -> Outcome<Self> {
        let db = open::to_fill(global, path)?;
        let keyspace = open::keyspace_to_fill(global, &db)?;
        Ok(Self { path, db, keyspace, progress })
    }

    /// Stores an entry. The inner error says why not, if that concerns this entry only.
    pub(super) fn store(&self, key: &[u8], value: &[u8]) -> Outcome<Result<(), String>> {
        match self.keyspace.put(key, value) {
            Ok(()) => Ok(Ok(())),
            Err(error) if error.kind() == ErrorKind::InvalidArgument => Ok(Err(error.to_string())),
            Err(error) => {
                self.progress.finish();
                Err(error.into())
            }
        }
    }

    /// Closes the database in the middle of the work. Everything that was stored stays.
    pub(super) fn stop(self) -> Outcome {
        self.progress.finish();
        self.db.close()?;
        let summary = self.progress.summary();
        Err(Failure::Stopped(format!("stopped by a signal; imported {summary}")))
    }

    /// Closes the database and tells how it went.
    pub(super) fn finish(self) -> Outcome {
        self.db.sync()?;
        let elapsed = self.progress.elapsed();
        self.db.flush()?;
        self.db.wait_until_quiet()?;
        let settled = self.progress.elapsed().saturating_sub(elapsed);
        let stats = self.db.stats();
        self.db.close()?;
        self.progress.finish();

        let mut out = Output::new();
        let Progress { bytes, skipped, .. } = self.progress;
        let rate = Rate(bytes, elapsed);
        out.line(format_args!("imported             {}", self.progress.summary()))?;
        out.line(format_args!("elapsed              {:.2} s, {rate}", elapsed.as_secs_f64()))?;
        let settled = settled.as_secs_f64();
        out.line(format_args!("flush and merges     {settled:.2} s more"))?;
        let own = stats.keyspaces.iter().find(|found| found.name == self.keyspace.name());
        levels(own, &mut out)?;
        let usage = disk::usage(self.path)?;
        let files = Count(usage.files, "file");
        out.line(format_args!("on disk              {} in {files}", Bytes(usage.bytes)))?;
        ratios(&stats, &mut out)?;
        out.finish()?;
        if skipped > 0 {
            complain(format_args!("{skipped} left out, see above"));
            return Err(Failure::Reported);
        }
        Ok(())
    }
}

fn levels(keyspace: Option<&KeyspaceStats>, out: &mut Output) -> Outcome {
    for level in keyspace.map_or(&[][..], |keyspace| &keyspace.levels) {
        let (tables, bytes) = (Count(level.tables, "table"), Bytes(level.bytes));
        out.line(format_args!("level {:<14} {tables}, {bytes}", level.level))?;
    }
    Ok(())
}

fn ratios(stats: &Stats, out: &mut Output) -> Outcome {
    match stats.write_amplification() {
        Some(ratio) => out.line(format_args!("write amplification  {ratio:.2}"))?,
        None => out.line(format_args!("write amplification  - (nothing was written)"))?,
    }
    match stats.cache_hit_rate() {
        Some(rate) => out.line(format_args!("block-cache hit rate {:.1} %", rate * 100.0)),
        None => out.line(format_args!("block-cache hit rate - (no block was read)")),
    }
}
