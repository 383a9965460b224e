//! What a benchmark asks of an engine, and what an engine is told.

use std::path::PathBuf;

use crate::outcome::Outcome;

/// Settings that all engines are given alike.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of the database; it is there.
    pub dir: PathBuf,
    /// Bytes of the block cache.
    pub cache_bytes: u64,
    /// Size at which a memtable is flushed, in bytes.
    pub memtable_bytes: u64,
    /// Bytes of a data block before compression.
    pub block_bytes: u32,
    /// Bits of filter for each key.
    pub filter_bits: u8,
    /// Size at which a table is cut, in bytes; `None`: as the engine likes it.
    pub table_bytes: Option<u64>,
    /// Whether data blocks get a hash index, where an engine has that as a choice.
    pub hash_index: bool,
    /// Whether one group of writers may log while the one before it inserts, likewise.
    pub pipelined_writes: bool,
    /// Threads for flushes and compactions.
    pub background_threads: usize,
}

impl Settings {
    /// Starts from the settings of nearly all workloads.
    pub fn new(dir: impl Into<PathBuf>, cache_bytes: u64) -> Self {
        Self {
            dir: dir.into(),
            // Below this, shards of a cache hold too few blocks to say anything about it.
            cache_bytes: cache_bytes.max(8 << 20),
            memtable_bytes: 64 << 20,
            block_bytes: 4 << 10,
            filter_bits: 10,
            table_bytes: None,
            hash_index: false,
            pipelined_writes: false,
            background_threads: 2,
        }
    }
}

/// A walk over keys in order.
#[derive(Clone, Copy, Debug)]
pub struct Walk<'a> {
    /// Where it begins, inclusive; `None`: at the end that it walks away from.
    pub from: Option<&'a [u8]>,
    /// Most rows to walk over.
    pub rows: u64,
    /// From the largest key down.
    pub backward: bool,
}

/// An open database. All methods may be called from many threads.
///
/// Values are lent to closures, so that an engine that need not copy them does not.
pub trait Engine: Send + Sync {
    /// Sets a key; survives the death of the process where the engine can promise that.
    ///
    /// # Errors
    ///
    /// Any; likewise below.
    fn put(&self, key: &[u8], value: &[u8]) -> Outcome;

    /// Sets a key; survives a power loss.
    ///
    /// # Errors
    ///
    /// Any.
    fn put_synced(&self, key: &[u8], value: &[u8]) -> Outcome;

    /// Sets several keys, all or none; as safe as [`put`](Self::put).
    ///
    /// # Errors
    ///
    /// Any.
    fn write_batch(&self, rows: &[(&[u8], &[u8])]) -> Outcome;

    /// Calls `with` with the value of a key; returns whether there is one.
    ///
    /// # Errors
    ///
    /// Any.
    fn get(&self, key: &[u8], with: &mut dyn FnMut(&[u8])) -> Outcome<bool>;

    /// Calls `with` with the place and the value of each key that has one.
    ///
    /// # Errors
    ///
    /// Any.
    fn multi_get(&self, keys: &[&[u8]], with: &mut dyn FnMut(usize, &[u8])) -> Outcome;

    /// Walks; returns the number of rows.
    ///
    /// # Errors
    ///
    /// Any.
    fn scan(&self, walk: Walk<'_>, with: &mut dyn FnMut(&[u8], &[u8])) -> Outcome<u64>;

    /// Returns whether a put goes to a log that outlives the process.
    fn has_log(&self) -> bool {
        true
    }

    /// Writes what is in memory to tables, and waits for that.
    ///
    /// # Errors
    ///
    /// Any.
    fn flush(&self) -> Outcome;

    /// Waits until nothing happens in the background.
    ///
    /// # Errors
    ///
    /// Any.
    fn settle(&self) -> Outcome;

    /// Merges everything.
    ///
    /// # Errors
    ///
    /// Any; [`Unsupported`](crate::outcome::Unsupported).
    fn compact(&self) -> Outcome;

    /// Closes it.
    ///
    /// # Errors
    ///
    /// Any.
    fn close(self: Box<Self>) -> Outcome;
}
