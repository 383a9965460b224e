//! lsmer, through its front door. Its defaults are what is measured: only sizes are set.

use std::ops::Bound;

use lsmer::{Db, Keyspace, KeyspaceOptions, WriteBatch, WriteOptions};

use crate::{
    engine::{Engine, Settings, Walk},
    numbers::index,
    outcome::Outcome,
};

struct Lsmer {
    db: Db,
    /// Of its own: the default keyspace takes no settings.
    rows: Keyspace,
}

pub(super) fn open(settings: &Settings) -> Outcome<Box<dyn Engine>> {
    // The default cache has half of the budget.
    let db = Db::builder(&settings.dir)
        .memory_budget(2 * index(settings.cache_bytes))
        .memtable_bytes(index(settings.memtable_bytes))
        .compaction_jobs(settings.background_threads)
        .open()?;
    let mut options = KeyspaceOptions::default()
        .with_block_bytes(settings.block_bytes)
        .with_filter_bits(settings.filter_bits);
    if let Some(bytes) = settings.table_bytes {
        options = options.with_table_bytes(bytes);
    }
    let rows = db.keyspace("rows", options)?;
    Ok(Box::new(Lsmer { db, rows }))
}

impl Engine for Lsmer {
    fn put(&self, key: &[u8], value: &[u8]) -> Outcome {
        Ok(self.rows.put(key, value)?)
    }

    fn put_synced(&self, key: &[u8], value: &[u8]) -> Outcome {
        let mut batch = WriteBatch::new();
        batch.put_in(&self.rows, key, value);
        Ok(self.rows.write_with(&batch, WriteOptions::sync())?)
    }

    fn write_batch(&self, rows: &[(&[u8], &[u8])]) -> Outcome {
        let mut batch = WriteBatch::new();
        for (key, value) in rows {
            batch.put_in(&self.rows, key, value);
        }
        Ok(self.rows.write(&batch)?)
    }

    fn get(&self, key: &[u8], with: &mut dyn FnMut(&[u8])) -> Outcome<bool> {
        Ok(self.rows.get_with(key, with)?.is_some())
    }

    fn multi_get(&self, keys: &[&[u8]], with: &mut dyn FnMut(usize, &[u8])) -> Outcome {
        let values = self.rows.multi_get(keys)?;
        for (at, value) in values.iter().enumerate() {
            if let Some(value) = value {
                with(at, value);
            }
        }
        Ok(())
    }

    fn scan(&self, walk: Walk<'_>, with: &mut dyn FnMut(&[u8], &[u8])) -> Outcome<u64> {
        let range = match (walk.from, walk.backward) {
            (None, _) => (Bound::Unbounded, Bound::Unbounded),
            (Some(from), false) => (Bound::Included(from), Bound::Unbounded),
            (Some(from), true) => (Bound::Unbounded, Bound::Included(from)),
        };
        let mut scan = self.rows.range::<&[u8]>(range)?;
        let mut rows = 0;
        while rows < walk.rows {
            let entry = if walk.backward { scan.next_back()? } else { scan.next()? };
            let Some((key, value)) = entry else { break };
            with(key, value);
            rows += 1;
        }
        Ok(rows)
    }

    fn flush(&self) -> Outcome {
        Ok(self.db.flush()?)
    }

    fn settle(&self) -> Outcome {
        Ok(self.db.wait_until_quiet()?)
    }

    fn compact(&self) -> Outcome {
        Ok(self.db.compact(..)?)
    }

    fn close(self: Box<Self>) -> Outcome {
        Ok(self.db.close()?)
    }
}
