//! redb, a copy-on-write B-tree: no LSM tree, and the one to beat where data is only read.
//!
//! Every write is a transaction of its own. Those that need not survive a power loss commit with
//! `Durability::None`; redb's are lost with the process too, unless a durable one follows.

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use crate::{
    engine::{Engine, Settings, Walk},
    numbers::index,
    outcome::{Outcome, Unsupported},
};

const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");

struct Redb {
    db: Database,
}

pub(super) fn open(settings: &Settings) -> Outcome<Box<dyn Engine>> {
    let mut builder = Database::builder();
    builder.set_cache_size(index(settings.cache_bytes));
    let db = Redb { db: builder.create(settings.dir.join("rows.redb"))? };
    db.write(Durability::Immediate, &[])?;
    Ok(Box::new(db))
}

impl Redb {
    fn write(&self, durability: Durability, rows: &[(&[u8], &[u8])]) -> Outcome {
        let mut transaction = self.db.begin_write()?;
        transaction.set_durability(durability)?;
        {
            let mut table = transaction.open_table(ROWS)?;
            for (key, value) in rows {
                table.insert(key, value)?;
            }
        }
        Ok(transaction.commit()?)
    }
}

impl Engine for Redb {
    fn put(&self, key: &[u8], value: &[u8]) -> Outcome {
        self.write(Durability::None, &[(key, value)])
    }

    fn put_synced(&self, key: &[u8], value: &[u8]) -> Outcome {
        self.write(Durability::Immediate, &[(key, value)])
    }

    fn write_batch(&self, rows: &[(&[u8], &[u8])]) -> Outcome {
        self.write(Durability::None, rows)
    }

    fn get(&self, key: &[u8], with: &mut dyn FnMut(&[u8])) -> Outcome<bool> {
        let table = self.db.begin_read()?.open_table(ROWS)?;
        let value = table.get(key)?;
        if let Some(value) = &value {
            with(value.value());
        }
        Ok(value.is_some())
    }

    fn multi_get(&self, keys: &[&[u8]], with: &mut dyn FnMut(usize, &[u8])) -> Outcome {
        let table = self.db.begin_read()?.open_table(ROWS)?;
        for (at, key) in keys.iter().enumerate() {
            if let Some(value) = table.get(key)? {
                with(at, value.value());
            }
        }
        Ok(())
    }

    fn scan(&self, walk: Walk<'_>, with: &mut dyn FnMut(&[u8], &[u8])) -> Outcome<u64> {
        let table = self.db.begin_read()?.open_table(ROWS)?;
        let mut rows = table.range::<&[u8]>(super::bounds(&walk))?;
        let mut count = 0;
        while count < walk.rows {
            let row = if walk.backward { rows.next_back() } else { rows.next() };
            let Some(row) = row else { break };
            let (key, value) = row?;
            with(key.value(), value.value());
            count += 1;
        }
        Ok(count)
    }

    fn has_log(&self) -> bool {
        false
    }

    fn flush(&self) -> Outcome {
        self.write(Durability::Immediate, &[])
    }

    fn settle(&self) -> Outcome {
        Ok(())
    }

    fn compact(&self) -> Outcome {
        Err(Unsupported("compaction of an open database").into())
    }

    fn close(self: Box<Self>) -> Outcome {
        self.flush()
    }
}
