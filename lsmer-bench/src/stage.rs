//! Where a workload plays: an engine, data for it, and how long.

use std::path::PathBuf;

use crate::{
    engine::{Engine, Settings},
    engines,
    keys::Keys,
    numbers::index,
    outcome::Outcome,
    random::Random,
    values::Values,
};

/// Everything that a workload is told.
#[derive(Debug)]
pub struct Stage {
    /// Name of the engine.
    pub engine: String,
    /// Its settings; its folder is that of the database that is measured.
    pub settings: Settings,
    /// The keys.
    pub keys: Keys,
    /// The file they were read from, if they were.
    pub keys_file: Option<PathBuf>,
    /// The values.
    pub values: Values,
    /// Records that the database is loaded with, or that a fill writes: the first of the keys.
    pub records: u64,
    /// Threads.
    pub threads: u64,
    /// Length of a loop that is bound by time.
    pub seconds: f64,
    /// This program, for what needs a process that dies.
    pub program: PathBuf,
}

impl Stage {
    /// Opens the database.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub fn open(&self) -> Outcome<Box<dyn Engine>> {
        engines::open(&self.engine, &self.settings)
    }

    /// Makes the row of the key that comes after `nth` others.
    pub fn row(&self, nth: u64, version: u64, key: &mut Vec<u8>, value: &mut Vec<u8>) {
        let rank = self.keys.rank(nth % self.keys.count());
        self.keys.present(rank, key);
        self.values.make(rank, version, value);
    }

    /// Returns the rank of one of the records that the database was loaded with.
    pub fn loaded(&self, random: &mut Random) -> u64 {
        self.keys.rank(random.below(self.records))
    }

    /// Writes a range of rows in batches.
    ///
    /// # Errors
    ///
    /// The engine's.
    pub fn load(&self, engine: &dyn Engine, rows: std::ops::Range<u64>, version: u64) -> Outcome {
        let batch_bytes = self.values.len() + 16;
        let most = (1 << 20) / batch_bytes as u64 + 1;
        let mut pairs = vec![(Vec::new(), Vec::new()); index(most)];
        let mut next = rows.start;
        while next < rows.end {
            let count = most.min(rows.end - next);
            for (nth, (key, value)) in (next..next + count).zip(&mut pairs) {
                self.row(nth, version, key, value);
            }
            let batch: Vec<(&[u8], &[u8])> =
                pairs[..index(count)].iter().map(|(key, value)| (&key[..], &value[..])).collect();
            engine.write_batch(&batch)?;
            next += count;
        }
        Ok(())
    }

    /// Bytes of keys and values of a number of rows.
    pub fn user_bytes(&self, rows: u64) -> u64 {
        rows * (self.keys.key_bytes() + self.values.len() as u64)
    }
}
