//! The get walk: memtables, then tables (`walk.rs`), newest first; the first entry found decides.

use std::{
    ops::{Bound, RangeBounds},
    sync::Arc,
};

use lsmer_core::{BlockShelf, Kind, Lookup, Probe, Result, SeqNo, Value, check_key, twin};

use crate::{
    driver::Fill, handle::Handle, scan::Scan, shared::Shared, space::Space, view::Pinned,
    walk::Walk,
};

/// Reads of one keyspace: of what is there now, or of a snapshot.
///
/// Every method may block on I/O for blocks that are not cached.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) shared: Arc<Shared>,
    /// Keeps the database open; snapshots do not, and go on reading what they see.
    pub(crate) _handle: Option<Arc<Handle>>,
    pub(crate) space: Arc<Space>,
    /// `None`: whatever is visible at the time of the call.
    pub(crate) at: Option<SeqNo>,
}

impl Reader {
    /// Returns the value of a key, if it has one.
    ///
    /// # Errors
    ///
    /// `Corruption` or `Io` if a table cannot be read; `InvalidArgument` if the key is too long or
    /// the database was closed. Likewise for all methods below.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Value>> {
        self.lookup(key.as_ref(), |value| Value::from(value), Lookup::into_value)
    }

    /// Calls `with` with the value of a key, if it has one: no copy, no allocation. The value is
    /// pinned meanwhile, so `with` should be short.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn get_with<R>(
        &self,
        key: impl AsRef<[u8]>,
        with: impl FnOnce(&[u8]) -> R,
    ) -> Result<Option<R>> {
        let with = std::cell::Cell::new(Some(with));
        let call = |value: &[u8]| with.take().expect("a lookup finds one entry")(value);
        self.lookup(key.as_ref(), call, |lookup| call(lookup.value()))
    }

    /// Replaces the contents of `value` by the value of a key; returns whether it has one.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn get_into(&self, key: impl AsRef<[u8]>, value: &mut Vec<u8>) -> Result<bool> {
        let copy = |bytes: &[u8]| {
            value.clear();
            value.extend_from_slice(bytes);
        };
        Ok(self.get_with(key, copy)?.is_some())
    }

    /// Returns whether a key has a value.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn contains_key(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        Ok(self.get_with(key, |_| ())?.is_some())
    }

    /// Walks the keys of a range, as of now.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn range<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Result<Scan> {
        self.scan((as_bytes(range.start_bound()), as_bytes(range.end_bound())))
    }

    /// Walks all keys, as of now.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    #[expect(clippy::iter_not_returning_iterator, reason = "it lends; `Scan::owned` is one")]
    pub fn iter(&self) -> Result<Scan> {
        self.scan((Bound::Unbounded, Bound::Unbounded))
    }

    /// Walks the keys that begin with `prefix`, as of now.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn prefix(&self, prefix: impl AsRef<[u8]>) -> Result<Scan> {
        let low = prefix.as_ref();
        // The first key after all that begin with the prefix: raise its last byte below 0xff.
        let mut high = low.to_vec();
        while high.last() == Some(&0xff) {
            high.pop();
        }
        let end = match high.last_mut() {
            Some(byte) => {
                *byte += 1;
                Bound::Excluded(&high[..])
            }
            None => Bound::Unbounded,
        };
        self.scan((Bound::Included(low), end))
    }

    fn scan(&self, range: lsmer_core::KeyRange<'_>) -> Result<Scan> {
        self.check_open()?;
        Ok(Scan::new(&self.shared, self.pin(), range))
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        if self.at.is_some() { Ok(()) } else { self.shared.check_open() }
    }

    pub(crate) fn pin(&self) -> Pinned {
        let (view, seqno) = pin(
            || self.space.view_owned(),
            || self.at.unwrap_or_else(|| self.shared.visible.get()),
        );
        Pinned { view, seqno }
    }

    fn lookup<R>(
        &self,
        key: &[u8],
        in_memory: impl Fn(&[u8]) -> R,
        in_table: impl FnOnce(Lookup) -> R,
    ) -> Result<Option<R>> {
        let shared = &*self.shared;
        check_key(key)?;
        self.check_open()?;
        let (view, seqno) =
            pin(|| self.space.view(), || self.at.unwrap_or_else(|| shared.visible.get()));
        let probe = Probe::new(key, seqno);
        let mut value = None;
        let found = view.get_in_memory(&probe, &mut |entry| {
            value = (entry.kind == Kind::Put).then(|| in_memory(entry.value));
        });
        if found {
            return Ok(value);
        }
        let mut walk = Walk::new(probe, &view.version);
        let mut shelf = BlockShelf::default();
        let found = shared.driver.drive(&mut shelf, Fill::Cache, |blocks| walk.advance(blocks))?;
        shared.count_blocks(&mut shelf);
        Ok(found.filter(|lookup| lookup.kind() == Kind::Put).map(in_table))
    }
}

/// Pins the view first and loads the seqno second: in the other order, a merge in between could
/// drop the very versions the seqno stands for.
#[inline]
pub(crate) fn pin<V>(view: impl FnOnce() -> V, seqno: impl FnOnce() -> SeqNo) -> (V, SeqNo) {
    if twin!("visible-read-before-the-view") {
        let seqno = seqno();
        return (view(), seqno);
    }
    let view = view();
    (view, seqno())
}

impl Shared {
    /// Adds up what an operation found in the cache and what not; returns how much it did not.
    pub(crate) fn count_blocks(&self, shelf: &mut BlockShelf) -> u64 {
        let (hits, misses) = shelf.take_counts();
        self.counters.cache_hits.add(hits);
        self.counters.cache_misses.add(misses);
        // It may have opened tables, and so closed others.
        if self.tables.take_excess() {
            self.all_spaces().iter().for_each(|space| space.renew_version());
        }
        misses
    }
}

fn as_bytes<K: AsRef<[u8]>>(bound: Bound<&K>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key.as_ref()),
        Bound::Excluded(key) => Bound::Excluded(key.as_ref()),
        Bound::Unbounded => Bound::Unbounded,
    }
}
