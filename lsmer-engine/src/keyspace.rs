//! A handle on a keyspace: reads, writes, and what keeps the database open.

use std::{fmt, ops::Deref, sync::Arc};

use lsmer_core::{
    Changes, Durability, Error, KeyspaceId, KeyspaceOptions, KeyspaceRef, Kind, Result, WriteBatch,
};

use crate::{commit::Body, handle::Handle, read::Reader, shared::Shared, space::Space};

/// How one write is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// How safe it is when it is acknowledged; `None`: as the database was opened.
    pub durability: Option<Durability>,
}

impl WriteOptions {
    /// A write that survives a power loss, and all writes before it with it.
    pub fn sync() -> Self {
        Self { durability: Some(Durability::Sync) }
    }

    /// A write that survives the death of the process.
    pub fn process() -> Self {
        Self { durability: Some(Durability::Process) }
    }
}

impl Default for WriteOptions {
    /// As the database was opened.
    fn default() -> Self {
        Self { durability: None }
    }
}

/// A keyspace of an open database: an ordered map of its own, in one history with all others.
///
/// A clone is another handle on the same keyspace. Handles, snapshots and scans may be used from
/// all threads; the database is closed when the last handle is dropped.
#[derive(Clone)]
pub struct Keyspace {
    reader: Reader,
}

impl Keyspace {
    pub(crate) fn new(handle: &Arc<Handle>, space: Arc<Space>) -> Self {
        let shared = Arc::clone(&handle.shared);
        Self { reader: Reader { shared, _handle: Some(Arc::clone(handle)), space, at: None } }
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.reader.space.name
    }

    /// Returns the number by which batches and formats know it.
    pub fn id(&self) -> KeyspaceId {
        self.reader.space.id
    }

    /// Returns the settings it was created with.
    pub fn options(&self) -> &KeyspaceOptions {
        &self.reader.space.options
    }

    /// Sets a key. Acknowledged as safe as the database was opened for; blocks on a flush when
    /// too many memtables wait for theirs.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` over the limits, and nothing changed; `Full` if there is no room for the
    /// log or for flushes, and nothing changed; `Io` if the log failed; `ReadOnly` ever after.
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<()> {
        self.write_one(Kind::Put, key.as_ref(), value.as_ref())
    }

    /// Removes a key, if it is there.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<()> {
        self.write_one(Kind::Delete, key.as_ref(), &[])
    }

    /// Applies a batch: all of it or nothing, also over keyspaces and crashes.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub fn write(&self, batch: &WriteBatch) -> Result<()> {
        self.write_with(batch, WriteOptions::default())
    }

    /// Applies a batch in a way of its own.
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub fn write_with(&self, batch: &WriteBatch, how: WriteOptions) -> Result<()> {
        let encoded = batch.encoded()?;
        debug_assert!(Changes::new(encoded).all(|change| change.is_ok()));
        let shared = self.shared();
        if ![0, shared.number].contains(&batch.database()) {
            let what = "a batch names a keyspace of another database, or of an earlier opening";
            return Err(Error::invalid(what));
        }
        let safe = how.durability.unwrap_or(shared.options.durability);
        shared.commit(&Body::Batch { encoded, count: batch.len() }, safe)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.reader.shared
    }

    pub(crate) fn space(&self) -> &Arc<Space> {
        &self.reader.space
    }

    fn write_one(&self, kind: Kind, key: &[u8], value: &[u8]) -> Result<()> {
        let shared = self.shared();
        let body = Body::One { space: self.space(), kind, key, value };
        shared.commit(&body, shared.options.durability)
    }
}

impl Deref for Keyspace {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl From<&Keyspace> for KeyspaceRef {
    fn from(keyspace: &Keyspace) -> Self {
        Self { id: keyspace.id(), database: keyspace.shared().number }
    }
}

impl fmt::Debug for Keyspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyspace({:?})", self.name())
    }
}
