//! A second database of what is acknowledged now, by hard links.

use std::{io, path::Path, sync::Arc};

use lsmer_core::{
    Error, ErrorKind, FileClass, OpenOptions, Result, SegmentId, SeqNo, SyncKind, TableId, Vfs,
    mutant,
};
use lsmer_manifest::{Manifest, ManifestState};
use lsmer_sync::{MutexGuard, atomic::Ordering};

use crate::shared::Shared;

/// How much of a table is copied at once.
const COPY_BYTES: usize = 1 << 20;

impl Shared {
    /// Flushes up to one point of the one history, holds further flushes back for a moment, and
    /// links the tables that make up that point.
    pub(crate) fn checkpoint(self: &Arc<Self>, dir: &Path) -> Result<()> {
        self.check_writable()?;
        let limit = &self.background.flush_limit;
        {
            // Nothing at all is flushed until the point of the checkpoint is known, and no keyspace
            // is made until it is taken. One may be dropped: a writer that waits for room in it,
            // because flushes are held back, is to hear of it. The copy is then without it.
            let _installing = self.install.lock();
            if limit.compare_exchange(u64::MAX, 0, Ordering::AcqRel, Ordering::Acquire).is_err() {
                return Err(Error::new(ErrorKind::Conflict, "another checkpoint is being taken"));
            }
        }
        let result = self.checkpoint_alone(dir);
        limit.store(u64::MAX, Ordering::Release);
        self.background.changed.notify();
        for space in self.all_spaces() {
            self.schedule(&space);
        }
        result
    }

    /// Takes the install lock at a moment when no checkpoint is being taken.
    pub(crate) fn install_beside_no_checkpoint(&self) -> Result<MutexGuard<'_, ()>> {
        loop {
            let seen = self.background.changed.count();
            let installing = self.install.lock();
            if self.background.flush_limit.load(Ordering::Acquire) == u64::MAX {
                return Ok(installing);
            }
            drop(installing);
            self.check_writable()?;
            self.wait_for_background(seen)?;
        }
    }

    fn checkpoint_alone(self: &Arc<Self>, dir: &Path) -> Result<()> {
        let vfs = &self.parts.env.vfs;
        vfs.create_dir(dir).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Error::invalid("the folder of a checkpoint must not exist yet").in_file(dir)
            }
            _ => Error::io("cannot make the folder", error).in_file(dir),
        })?;
        let upto = {
            let state = self.commit.lock();
            self.rotate_all();
            let upto = SeqNo(state.next_seqno.0 - 1);
            self.background.flush_limit.store(upto.0, Ordering::Release);
            upto
        };
        if !mutant!("checkpoint-does-not-wait") {
            self.wait_for_flushes(upto)?;
        }
        self.copy_to(dir, upto)
    }

    fn copy_to(&self, dir: &Path, upto: SeqNo) -> Result<()> {
        let vfs = &self.parts.env.vfs;
        // Views hold the tables in place while they are linked; none changes under this lock.
        let installing = self.install.lock();
        let (_, state) = self.manifest()?.state();
        let views: Vec<_> = self.all_spaces().iter().map(|space| space.view_owned()).collect();
        drop(installing);
        for table in state.keyspaces.values().flat_map(|keyspace| keyspace.tree.tables()) {
            self.link_table(dir, table.id)?;
        }
        drop(views);
        vfs.sync_dir(dir)
            .map_err(|error| Error::io("cannot sync the folder", error).in_file(dir))?;
        let state = ManifestState {
            last_seqno: upto,
            log_first: SegmentId::default(),
            log_synced: lsmer_core::Lsn::default(),
            log_cut: None,
            ..ManifestState::clone(&state)
        };
        Manifest::create(vfs, dir, state)?.close()?;
        if mutant!("checkpoint-name-not-synced") {
            return Ok(());
        }
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        vfs.sync_dir(parent)
            .map_err(|error| Error::io("cannot sync the parent folder", error).in_file(parent))
    }

    fn link_table(&self, dir: &Path, id: TableId) -> Result<()> {
        let vfs = &*self.parts.env.vfs;
        let (from, to) = (self.tables.path(id), dir.join(id.file_name()));
        match vfs.hard_link(&from, &to) {
            Ok(()) => Ok(()),
            // Another file system, or one without links.
            Err(_) => copy(vfs, &from, &to)
                .map_err(|error| Error::io("cannot copy a table", error).in_file(&to)),
        }
    }
}

fn copy(vfs: &dyn Vfs, from: &Path, to: &Path) -> io::Result<()> {
    let from = vfs.open(from, OpenOptions::read(FileClass::Table))?;
    let to = vfs.open(to, OpenOptions::create(FileClass::Table))?;
    let bytes = from.len()?;
    let mut buf = vec![0; COPY_BYTES];
    for at in (0..bytes).step_by(COPY_BYTES) {
        let left = usize::try_from(bytes - at).unwrap_or(usize::MAX);
        let piece = &mut buf[..left.min(COPY_BYTES)];
        from.read_exact_at(piece, at)?;
        to.write_all_at(piece, at)?;
    }
    to.sync(SyncKind::All)
}
