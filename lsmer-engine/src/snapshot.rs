//! A snapshot: the whole database as it was at one moment.

use std::{fmt, ops::Deref, sync::Arc};

use lsmer_core::SeqNo;

use crate::{keyspace::Keyspace, read::Reader, shared::Shared};

/// The database as it was when the snapshot was taken, over all keyspaces. It holds back the
/// removal of old versions until it is dropped.
pub struct Snapshot {
    reader: Reader,
    registered: Registered,
}

/// A seqno that merges respect until this is dropped.
struct Registered {
    shared: Arc<Shared>,
    seqno: SeqNo,
}

impl Snapshot {
    pub(crate) fn new(reader: &Reader) -> Self {
        let shared = Arc::clone(&reader.shared);
        let seqno = shared.snapshots.register(&shared.visible);
        let registered = Registered { shared, seqno };
        let reader = Reader { at: Some(seqno), _handle: None, ..reader.clone() };
        Self { reader, registered }
    }

    /// Returns the same moment, seen through another keyspace.
    ///
    /// # Panics
    ///
    /// If the keyspace belongs to another database.
    #[must_use]
    pub fn in_keyspace(&self, keyspace: &Keyspace) -> Self {
        let Registered { shared, seqno } = &self.registered;
        let same = Arc::ptr_eq(shared, keyspace.shared());
        assert!(same, "a snapshot of one database cannot be read through another's keyspace");
        shared.snapshots.register_again(*seqno);
        let registered = Registered { shared: Arc::clone(shared), seqno: *seqno };
        let space = Arc::clone(keyspace.space());
        let shared = Arc::clone(shared);
        Self { reader: Reader { shared, _handle: None, space, at: Some(*seqno) }, registered }
    }

    /// Returns the seqno of the last write it sees.
    pub fn seqno(&self) -> SeqNo {
        self.registered.seqno
    }
}

impl Keyspace {
    /// Returns a snapshot of the whole database, read through this keyspace at first.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self)
    }
}

impl Deref for Snapshot {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.reader
    }
}

impl Clone for Snapshot {
    fn clone(&self) -> Self {
        let Registered { shared, seqno } = &self.registered;
        shared.snapshots.register_again(*seqno);
        let registered = Registered { shared: Arc::clone(shared), seqno: *seqno };
        Self { reader: self.reader.clone(), registered }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.shared.snapshots.release(self.seqno);
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({})", self.seqno())
    }
}
