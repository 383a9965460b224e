//! Replaying the log, and removing what no manifest names.

use std::{collections::BTreeSet, io, sync::Arc};

use lsmer_core::{
    Changes, DirEntry, Error, KeyspaceId, LogSource, Record, Result, TableId, mutant,
};
use lsmer_manifest::{Edit, ManifestState};
use lsmer_sync::atomic::Ordering;

use crate::{reserve::Touches, shared::Shared};

/// An opening that finds more segments of the log than this empties the memtables.
const MAX_SEGMENTS: u64 = 16;

impl Shared {
    /// Puts the log's entries that are in no table into memtables, flushing as usual.
    pub(crate) fn replay(
        self: &Arc<Self>,
        source: &LogSource,
        state: &ManifestState,
    ) -> Result<()> {
        self.parts.wal.scan(source, &mut |record| {
            // The scan may still have this record's segment open, so it stays until the next one.
            self.replayed.store(record.seqno.0, Ordering::Release);
            self.replay_record(&record, state).map_err(|error| {
                let at = format_args!("log record at {}", record.slot.start.0).to_string();
                error.detail(at).in_file(&source.dir)
            })?;
            Ok(())
        })?;
        self.replayed.store(u64::MAX, Ordering::Release);
        Ok(())
    }

    /// A batch goes into memtables as it did when it was committed: whole.
    fn replay_record(self: &Arc<Self>, record: &Record<'_>, state: &ManifestState) -> Result<()> {
        let mut changes = Vec::new();
        let mut touches = Touches::default();
        for (change, n) in Changes::new(record.payload).zip(0..) {
            let (change, seqno) = (change?, record.seqno.plus(n));
            let gone = || !state.keyspaces.contains_key(&change.keyspace);
            let refused = mutant!("replay-refuses-a-dropped-keyspace") && gone();
            if change.keyspace.0 >= state.next_keyspace || refused {
                return Err(Error::corruption("a record names a keyspace that never was"));
            }
            // An entry of a keyspace that is gone went with it.
            let keyspace = state.keyspaces.get(&change.keyspace);
            let skipped = u64::from(mutant!("replay-skips-an-entry"));
            let all = mutant!("replay-ignores-the-watermark");
            if keyspace.is_some_and(|keyspace| all || seqno > keyspace.flushed.plus(skipped)) {
                touches.add(&change, |id| self.space(id))?;
                changes.push((change, seqno));
            }
            if n + 1 > u64::from(record.count) {
                return Err(Error::corruption("a record has more entries than it says"));
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        let commit = self.reserve_memory(&mut touches)?;
        let last = record.seqno.plus(u64::from(record.count) - 1);
        touches.begin_write(record.seqno, last, record.slot);
        drop(commit);
        match &changes[..] {
            [(change, seqno)] => touches.insert(change, *seqno),
            _ => touches.insert_all(changes.into_iter()),
        }
        touches.end_write();
        Ok(())
    }

    /// Lets go of old segments of the log. Each opening begins one, and a database that is opened
    /// often and written little would keep them all.
    pub(crate) fn shorten_log(self: &Arc<Self>) -> Result<()> {
        let wal = self.wal()?;
        if wal.stats().segments <= MAX_SEGMENTS {
            return Ok(());
        }
        let installing = self.install.lock();
        let state = self.commit.lock();
        if self.first_needed(None).is_some() {
            // The flush lets go of them.
            self.rotate_all();
            return Ok(());
        }
        let log_first = wal.oldest(state.next_seqno);
        drop(state);
        self.commit_edit(&Edit { log_first: Some(log_first), ..Edit::default() })?;
        drop(installing);
        wal.release(log_first)
    }

    /// Removes files that a crash left behind: tables no manifest names, half-written files. What
    /// is in the folder was listed before this opening wrote anything.
    pub(crate) fn remove_orphans(&self, files: &[DirEntry]) -> Result<()> {
        let vfs = &*self.parts.env.vfs;
        let mut named = BTreeSet::new();
        for space in self.all_spaces() {
            if mutant!("tables-of-others-are-orphans") && space.id != KeyspaceId::DEFAULT {
                continue;
            }
            let view = space.view();
            named.extend(view.version.tree.tables().map(|table| table.id));
        }
        for entry in files {
            let orphan = match TableId::of_file_name(&entry.name) {
                Some(id) => !named.contains(&id),
                None => is_unfinished(&entry.name),
            };
            if orphan {
                let path = self.options.path.join(&entry.name);
                match vfs.remove_file(&path) {
                    // A compaction that the replay started had no use for it any more, or the log
                    // has removed it.
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(Error::io("cannot remove an orphan", error).in_file(path));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

/// Returns whether a file was not finished, by its name.
pub(crate) fn is_unfinished(name: &str) -> bool {
    name.strip_suffix(".tmp").is_some()
}
