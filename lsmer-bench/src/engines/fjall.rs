//! fjall, with its defaults, which have the sizes that all engines have; its journal is handed to
//! the operating system with every write, which is its default too.

use std::time::Duration;

use fjall::{
    Database, Keyspace, KeyspaceCreateOptions, PersistMode,
    compaction::Leveled,
    config::{
        BlockSizePolicy, BloomConstructionPolicy, FilterPolicy, FilterPolicyEntry, HashRatioPolicy,
        PinningPolicy,
    },
};

use crate::{
    clock,
    engine::{Engine, Settings, Walk},
    outcome::Outcome,
};

/// How often it is asked whether it has come to rest, and how often in a row the answer must be yes.
const ASK: Duration = Duration::from_millis(10);
const QUIET: usize = 10;

struct Fjall {
    db: Database,
    rows: Keyspace,
}

pub(super) fn open(settings: &Settings) -> Outcome<Box<dyn Engine>> {
    let db = Database::builder(&settings.dir)
        .cache_size(settings.cache_bytes)
        .worker_threads(settings.background_threads)
        .open()?;
    let bits = BloomConstructionPolicy::BitsPerKey(f32::from(settings.filter_bits));
    let mut options = KeyspaceCreateOptions::default()
        .max_memtable_size(settings.memtable_bytes)
        .data_block_size_policy(BlockSizePolicy::all(settings.block_bytes))
        .filter_policy(FilterPolicy::all(FilterPolicyEntry::Bloom(bits)))
        // As RocksDB and lsmer keep them.
        .filter_block_pinning_policy(PinningPolicy::all(true))
        .index_block_pinning_policy(PinningPolicy::all(true));
    if settings.hash_index {
        options = options.data_block_hash_ratio_policy(HashRatioPolicy::all(0.75));
    }
    if let Some(bytes) = settings.table_bytes {
        let leveled = Leveled::default().with_table_target_size(bytes);
        options = options.compaction_strategy(std::sync::Arc::new(leveled));
    }
    let rows = db.keyspace("rows", || options)?;
    Ok(Box::new(Fjall { db, rows }))
}

impl Engine for Fjall {
    fn put(&self, key: &[u8], value: &[u8]) -> Outcome {
        Ok(self.rows.insert(key, value)?)
    }

    fn put_synced(&self, key: &[u8], value: &[u8]) -> Outcome {
        self.rows.insert(key, value)?;
        Ok(self.db.persist(PersistMode::SyncData)?)
    }

    fn write_batch(&self, rows: &[(&[u8], &[u8])]) -> Outcome {
        let mut batch = fjall::OwnedWriteBatch::with_capacity(self.db.clone(), rows.len());
        for (key, value) in rows {
            batch.insert(&self.rows, *key, *value);
        }
        Ok(batch.commit()?)
    }

    fn get(&self, key: &[u8], with: &mut dyn FnMut(&[u8])) -> Outcome<bool> {
        let value = self.rows.get(key)?;
        if let Some(value) = &value {
            with(value);
        }
        Ok(value.is_some())
    }

    fn multi_get(&self, keys: &[&[u8]], with: &mut dyn FnMut(usize, &[u8])) -> Outcome {
        // It has no call for this.
        for (at, key) in keys.iter().enumerate() {
            if let Some(value) = self.rows.get(key)? {
                with(at, &value);
            }
        }
        Ok(())
    }

    fn scan(&self, walk: Walk<'_>, with: &mut dyn FnMut(&[u8], &[u8])) -> Outcome<u64> {
        let mut rows = self.rows.range::<&[u8], _>(super::bounds(&walk));
        let mut count = 0;
        while count < walk.rows {
            let row = if walk.backward { rows.next_back() } else { rows.next() };
            let Some(row) = row else { break };
            let (key, value) = row.into_inner()?;
            with(&key, &value);
            count += 1;
        }
        Ok(count)
    }

    fn flush(&self) -> Outcome {
        Ok(self.rows.rotate_memtable_and_wait()?)
    }

    fn settle(&self) -> Outcome {
        let mut quiet = 0;
        while quiet < QUIET {
            let busy = self.db.outstanding_flushes() > 0
                || self.db.active_compactions() > 0
                || self.rows.sealed_memtable_count() > 0;
            quiet = if busy { 0 } else { quiet + 1 };
            clock::wait(ASK);
        }
        Ok(())
    }

    fn compact(&self) -> Outcome {
        Ok(self.rows.major_compact()?)
    }

    fn close(self: Box<Self>) -> Outcome {
        Ok(self.db.persist(PersistMode::Buffer)?)
    }
}
