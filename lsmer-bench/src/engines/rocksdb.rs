//! RocksDB, set as its tuning guide and the wiki's "Setup Options and Basic Tuning" advise, at the
//! sizes that all engines have.

use rocksdb::{
    BlockBasedOptions, BottommostLevelCompaction, Cache, ColumnFamilyDescriptor, ColumnFamilyRef,
    CompactOptions, DB, DBCompressionType, DEFAULT_COLUMN_FAMILY_NAME, DataBlockIndexType, Options,
    ReadOptions, WaitForCompactOptions, WriteBatch, WriteOptions,
};

use crate::{
    engine::{Engine, Settings, Walk},
    numbers::index,
    outcome::Outcome,
};

struct Rocks {
    db: DB,
    synced: WriteOptions,
    unsynced: WriteOptions,
    /// Of point reads: made once, as a program would.
    reads: ReadOptions,
}

pub(super) fn open(settings: &Settings) -> Outcome<Box<dyn Engine>> {
    let options = options(settings);
    // Named, so that there is a handle of it: batched reads want one.
    let family = ColumnFamilyDescriptor::new(DEFAULT_COLUMN_FAMILY_NAME, options.clone());
    let db = DB::open_cf_descriptors(&options, &settings.dir, [family])?;
    let mut synced = WriteOptions::default();
    synced.set_sync(true);
    let reads = ReadOptions::default();
    Ok(Box::new(Rocks { db, synced, unsynced: WriteOptions::default(), reads }))
}

fn options(settings: &Settings) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_write_buffer_size(index(settings.memtable_bytes));
    // As many sealed memtables may wait as in lsmer, and one is active.
    options.set_max_write_buffer_number(4);
    let threads = i32::try_from(settings.background_threads).expect("a few");
    options.increase_parallelism(threads);
    options.set_max_background_jobs(threads);
    options.set_level_compaction_dynamic_level_bytes(true);
    options.set_bytes_per_sync(1 << 20);
    options.set_enable_pipelined_write(settings.pipelined_writes);
    let mut codecs = vec![DBCompressionType::Lz4; 7];
    codecs[..2].fill(DBCompressionType::None);
    options.set_compression_per_level(&codecs);
    // Files stay open, with index and filter resident: the fastest setting for reads.
    options.set_max_open_files(-1);
    if let Some(bytes) = settings.table_bytes {
        options.set_target_file_size_base(bytes);
    }
    options.set_block_based_table_factory(&tables(settings));
    options
}

fn tables(settings: &Settings) -> BlockBasedOptions {
    let mut tables = BlockBasedOptions::default();
    tables.set_block_size(index(u64::from(settings.block_bytes)));
    tables.set_bloom_filter(f64::from(settings.filter_bits), false);
    tables.set_format_version(6);
    // The charge 0 makes it estimate the size of entries by itself, as its authors advise.
    tables.set_block_cache(&Cache::new_hyper_clock_cache(index(settings.cache_bytes), 0));
    if settings.hash_index {
        tables.set_data_block_index_type(DataBlockIndexType::BinaryAndHash);
        tables.set_data_block_hash_ratio(0.75); // as the wiki's "Data Block Hash Index" advises
    }
    tables.set_cache_index_and_filter_blocks(false);
    tables
}

impl Rocks {
    fn family(&self) -> ColumnFamilyRef<'_> {
        self.db.cf_handle(DEFAULT_COLUMN_FAMILY_NAME).expect("it always exists")
    }
}

impl Engine for Rocks {
    fn put(&self, key: &[u8], value: &[u8]) -> Outcome {
        Ok(self.db.put_opt(key, value, &self.unsynced)?)
    }

    fn put_synced(&self, key: &[u8], value: &[u8]) -> Outcome {
        Ok(self.db.put_opt(key, value, &self.synced)?)
    }

    fn write_batch(&self, rows: &[(&[u8], &[u8])]) -> Outcome {
        let mut batch = WriteBatch::default();
        for (key, value) in rows {
            batch.put(key, value);
        }
        Ok(self.db.write_opt(batch, &self.unsynced)?)
    }

    fn get(&self, key: &[u8], with: &mut dyn FnMut(&[u8])) -> Outcome<bool> {
        let value = self.db.get_pinned_opt(key, &self.reads)?;
        if let Some(value) = &value {
            with(value);
        }
        Ok(value.is_some())
    }

    fn multi_get(&self, keys: &[&[u8]], with: &mut dyn FnMut(usize, &[u8])) -> Outcome {
        let keys = keys.iter().copied();
        let values = self.db.batched_multi_get_cf_opt(&self.family(), keys, false, &self.reads);
        for (at, value) in values.into_iter().enumerate() {
            if let Some(value) = value? {
                with(at, &value);
            }
        }
        Ok(())
    }

    fn scan(&self, walk: Walk<'_>, with: &mut dyn FnMut(&[u8], &[u8])) -> Outcome<u64> {
        let mut rows = self.db.raw_iterator_opt(ReadOptions::default());
        match (walk.from, walk.backward) {
            (None, false) => rows.seek_to_first(),
            (None, true) => rows.seek_to_last(),
            (Some(from), false) => rows.seek(from),
            (Some(from), true) => rows.seek_for_prev(from),
        }
        let mut count = 0;
        while count < walk.rows {
            let Some((key, value)) = rows.item() else { break };
            with(key, value);
            count += 1;
            if count == walk.rows {
                break;
            }
            if walk.backward { rows.prev() } else { rows.next() }
        }
        rows.status()?;
        Ok(count)
    }

    fn flush(&self) -> Outcome {
        Ok(self.db.flush()?)
    }

    fn settle(&self) -> Outcome {
        Ok(self.db.wait_for_compact(&WaitForCompactOptions::default())?)
    }

    fn compact(&self) -> Outcome {
        let mut options = CompactOptions::default();
        // Otherwise what is in the bottommost level already is not rewritten.
        options.set_bottommost_level_compaction(BottommostLevelCompaction::ForceOptimized);
        self.db.compact_range_opt(None::<&[u8]>, None::<&[u8]>, &options);
        Ok(())
    }

    fn close(self: Box<Self>) -> Outcome {
        self.db.cancel_all_background_work(true);
        Ok(())
    }
}
