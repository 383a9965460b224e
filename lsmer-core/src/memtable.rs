//! The seam for memtables: entries that are not in a table yet.

use std::{fmt, sync::Arc};

use crate::{Cursor, EntryRef, Probe};

/// How large a memtable is to be.
#[derive(Clone, Copy, Debug)]
pub struct MemtableSpec {
    /// Most bytes it may hold, by its own accounting ([`Memtable::reserve`]).
    pub bytes: usize,
}

/// Makes memtables.
pub trait MemtableFactory: Send + Sync + fmt::Debug {
    /// Returns a name for statistics. Memtables leave no trace on disk.
    fn name(&self) -> &str;

    /// Makes an empty memtable.
    fn create(&self, spec: &MemtableSpec) -> Arc<dyn Memtable>;
}

/// Entries in internal order, in memory.
///
/// # Obligations
///
/// - `MEM-01` After [`reserve`](Self::reserve) said yes to `entries` and `bytes`, inserts up to
///   those sums cannot fail.
/// - `MEM-02` [`get`](Self::get) finds the newest entry of the key at or below the snapshot.
/// - `MEM-03` A cursor sees every entry that was inserted before its `seek`; of those inserted
///   while it walks it may see any, each once, in order.
/// - `MEM-04` [`bytes`](Self::bytes) does not decrease.
/// - `MEM-05` [`insert_all`](Self::insert_all) does what [`insert`](Self::insert) of each does.
///
/// # Concurrency
///
/// Inserts, gets and cursors run at the same time on all threads. (key, seqno) pairs are unique.
/// Nothing here blocks on I/O.
pub trait Memtable: Send + Sync + fmt::Debug {
    /// Sets room aside for `entries` entries of `bytes` bytes of keys and values together.
    /// `false`: there is none left; the memtable is to be sealed. A first reservation that fits
    /// [`MemtableSpec::bytes`] succeeds.
    fn reserve(&self, entries: u32, bytes: usize) -> bool;

    /// Adds an entry, for which room was reserved.
    fn insert(&self, entry: EntryRef<'_>);

    /// Adds entries, for which room was reserved, in any order of their keys: a memtable may wait for
    /// the memory of several together.
    fn insert_all(&self, entries: &[EntryRef<'_>]) {
        for entry in entries {
            self.insert(*entry);
        }
    }

    /// Calls `found` with the newest entry of the probe's key that its snapshot sees; returns
    /// whether there is one.
    fn get(&self, probe: &Probe<'_>, found: &mut dyn FnMut(EntryRef<'_>)) -> bool;

    /// Makes a cursor over all entries, not yet placed. It never misses a block.
    fn cursor(self: Arc<Self>) -> Box<dyn Cursor + Send>;

    /// Returns the memory taken, in bytes, reservations included.
    fn bytes(&self) -> usize;
}
