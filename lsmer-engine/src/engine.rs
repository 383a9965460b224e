//! The door of the engine: an open database, thin on purpose.

use std::{path::Path, sync::Arc};

use lsmer_core::{Error, KeyspaceId, KeyspaceOptions, Result, SeqNo, mutant};
use lsmer_manifest::Edit;
use lsmer_sync::atomic::Ordering;

use crate::{
    Components, KeyBounds, Keyspace, Options, Stats, VerifyReport,
    handle::Handle,
    open,
    shared::Shared,
    space::{Space, new_view},
    view::Version,
};

/// Longest name of a keyspace, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// An open database.
#[derive(Clone, Debug)]
pub struct Engine {
    handle: Arc<Handle>,
}

impl Engine {
    /// Opens a database, or makes one. Blocks on I/O: the log is replayed.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for settings out of range or a folder that is no database; `Fenced` if
    /// another process, or another handle, has it open; `Corruption` with file and offset;
    /// `Unsupported` for a newer format or other parts than it was written with; `Io`, `Full`.
    pub fn open(options: Options, parts: Components) -> Result<Self> {
        let shared = open::open(options, parts)?;
        Ok(Self { handle: Arc::new(Handle { shared }) })
    }

    /// Returns the keyspace that every database has.
    pub fn default_keyspace(&self) -> Keyspace {
        let space = self.shared().space(KeyspaceId::DEFAULT).expect("it cannot be dropped");
        Keyspace::new(&self.handle, space)
    }

    /// Returns a keyspace, and makes it with these settings if it is not there.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a name that is empty or over 255 bytes, or settings out of range;
    /// `Io`, `Full`, `ReadOnly` if it has to be made and cannot.
    pub fn keyspace(&self, name: &str, options: KeyspaceOptions) -> Result<Keyspace> {
        let shared = self.shared();
        shared.check_open()?;
        options.validate()?;
        if name.is_empty() || name.len() > MAX_NAME_BYTES {
            return Err(Error::invalid("a keyspace name is empty or over 255 bytes"));
        }
        let find = || shared.all_spaces().into_iter().find(|space| *space.name == *name);
        if let Some(space) = find() {
            return Ok(Keyspace::new(&self.handle, space));
        }
        shared.check_writable()?;
        let _installing = shared.install_beside_no_checkpoint()?;
        if let Some(space) = find() {
            return Ok(Keyspace::new(&self.handle, space));
        }
        // The log before the manifest: a keyspace must not be older than a write before it.
        if !mutant!("keyspace-made-before-older-writes") {
            shared.sync()?;
        }
        let (_, state) = shared.manifest()?.state();
        let after_last = || state.keyspaces.keys().next_back().map_or(0, |id| id.0 + 1);
        let reused = mutant!("keyspace-id-reused");
        let next = if reused { after_last() } else { state.next_keyspace };
        let id = KeyspaceId(next);
        let create = vec![(id, name.to_owned(), options.clone())];
        shared.commit_edit(&Edit { create, ..Edit::default() })?;
        let version = Version::new(Arc::default(), &shared.tables);
        let view = new_view(&shared.options, &shared.parts, version);
        let space = Space::new(id, name.into(), options, view);
        shared.spaces.write().insert(id, Arc::clone(&space));
        Ok(Keyspace::new(&self.handle, space))
    }

    /// Returns all keyspaces, by id; the default one first.
    pub fn keyspaces(&self) -> Vec<Keyspace> {
        let spaces = self.shared().all_spaces().into_iter();
        spaces.map(|space| Keyspace::new(&self.handle, space)).collect()
    }

    /// Drops a keyspace and all that is in it. Handles, snapshots and scans that are still alive
    /// go on reading it; writes to it are refused.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for the default keyspace and for one that is gone; `Io`, `Full`,
    /// `ReadOnly` if the manifest cannot be written.
    pub fn drop_keyspace(&self, keyspace: &Keyspace) -> Result<()> {
        let shared = self.shared();
        shared.check_writable()?;
        let id = keyspace.id();
        if id == KeyspaceId::DEFAULT {
            return Err(Error::invalid("the default keyspace cannot be dropped"));
        }
        // All the way: of two threads that drop it, the second finds it gone.
        let _installing = shared.install.lock();
        let space = shared.space(id)?;
        if !Arc::ptr_eq(&space, keyspace.space()) {
            return Err(Error::invalid("the keyspace belongs to another database"));
        }
        {
            // From here on no commit touches it, so the log holds all that came before the drop.
            let _commit = shared.commit.lock();
            space.set_dropped(true);
        }
        let early = mutant!("keyspace-dropped-before-older-writes");
        let synced = if early { Ok(()) } else { shared.sync() };
        let dropped = synced.and_then(|()| {
            let drop = if mutant!("drop-not-written-down") { vec![] } else { vec![id] };
            shared.commit_edit(&Edit { drop, ..Edit::default() })?;
            // Only now the log may let go of its entries.
            shared.spaces.write().remove(&id);
            Ok(())
        });
        if dropped.is_ok() {
            let nothing = Version::new(Arc::default(), &shared.tables);
            space.view().version.retire(&nothing);
        } else {
            space.set_dropped(false);
            shared.schedule(&space);
        }
        // Whoever waits for a flush of it looks again.
        shared.background.changed.notify();
        dropped
    }

    /// Makes everything acknowledged so far, in all keyspaces, survive a power loss.
    ///
    /// # Errors
    ///
    /// `Io` if the sync failed; then, and ever after, `ReadOnly` for all writes.
    pub fn sync(&self) -> Result<()> {
        self.shared().sync()
    }

    /// Writes all memtables to tables, and returns when that is done.
    ///
    /// # Errors
    ///
    /// `Io` or `Full` if a table could not be written: nothing is lost, try again.
    pub fn flush(&self) -> Result<()> {
        let shared = self.shared();
        shared.check_writable()?;
        let upto = {
            let state = shared.commit.lock();
            shared.rotate_all();
            SeqNo(state.next_seqno.0 - 1)
        };
        shared.wait_for_flushes(upto)
    }

    /// Merges the tables that hold keys of a range, and those that overlap them, into one run of
    /// each keyspace: with no deleted or shadowed entry that no snapshot sees. `..` merges
    /// everything. Long; needs as much free space as those tables take.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    #[expect(clippy::needless_pass_by_value, reason = "`..` reads better than `&..`")]
    pub fn compact(&self, range: impl KeyBounds) -> Result<()> {
        self.flush()?;
        let shared = self.shared();
        let range = range.key_bounds();
        shared.all_spaces().iter().try_for_each(|space| shared.compact_range(space, range))
    }

    /// Returns once no background work is left to do: memtables may stay, trees are in shape, and
    /// files that nobody reads any more are off the disk.
    ///
    /// # Errors
    ///
    /// Why a compaction failed.
    pub fn wait_until_quiet(&self) -> Result<()> {
        self.shared().wait_until_quiet()
    }

    /// Makes a second database of what is acknowledged now, in a folder that does not exist yet.
    /// Tables are hard links where the file system can.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the folder exists; as [`flush`](Self::flush).
    pub fn checkpoint(&self, dir: impl AsRef<Path>) -> Result<()> {
        self.shared().checkpoint(dir.as_ref())
    }

    /// Reads every byte of every file, and checks every checksum and every promise of structure.
    pub fn verify(&self) -> VerifyReport {
        self.shared().verify()
    }

    /// Returns what the database says of itself.
    pub fn stats(&self) -> Stats {
        self.shared().stats()
    }

    /// Waits for background work, syncs the log and releases the lock. Snapshots and scans that
    /// are alive go on reading. The last handle to be dropped does the same, but keeps errors to
    /// itself.
    ///
    /// # Errors
    ///
    /// `Io` if the last sync failed.
    pub fn close(&self) -> Result<()> {
        self.shared().close()
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}

impl Shared {
    /// Blocks until every entry up to `upto` is in a table.
    pub(crate) fn wait_for_flushes(self: &Arc<Self>, upto: SeqNo) -> Result<()> {
        for space in self.all_spaces() {
            space.forget_flush_error();
            loop {
                let seen = self.background.changed.count();
                let unflushed = space.view().sealed.iter().any(|mem| mem.first() <= upto);
                // A drop that is under way may yet fail, and then it has to be flushed.
                if !unflushed || self.space(space.id).is_err() {
                    break;
                }
                if let Some(cause) = self.failure() {
                    return Err(cause.clone());
                }
                self.check_open()?;
                let error = space.work.lock().flush_error.take();
                if let Some(error) = error {
                    return Err(error);
                }
                self.schedule(&space);
                self.wait_for_background(seen)?;
            }
        }
        Ok(())
    }

    /// Blocks until no flush or compaction is due or under way, and the tables that nobody holds
    /// any more are off the disk.
    pub(crate) fn wait_until_quiet(self: &Arc<Self>) -> Result<()> {
        for space in self.all_spaces() {
            self.schedule(&space);
        }
        loop {
            let seen = self.background.changed.count();
            if self.background.jobs.load(Ordering::Acquire) == 0 {
                break;
            }
            self.wait_for_background(seen)?;
        }
        self.tables.wait_for_removals();
        let failed = |space: &Arc<Space>| {
            let work = space.work.lock();
            work.flush_error.clone().or_else(|| work.compaction_error.clone())
        };
        self.all_spaces().iter().find_map(failed).map_or(Ok(()), Err)
    }
}
