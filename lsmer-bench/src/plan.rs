//! What is asked for: one cell, before anything is made for it.

use std::path::PathBuf;

use crate::{
    engine::Settings,
    keys::Keys,
    outcome::Outcome,
    stage::Stage,
    store::Store,
    values::Values,
    workload::{self, Cache, Workload},
};

/// One cell to be measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Name of the engine.
    pub engine: String,
    /// Name of the workload.
    pub workload: String,
    /// Threads; `None`: as the workload has it.
    pub threads: Option<u64>,
    /// Records, before the workload divides them.
    pub records: u64,
    /// Length of loops that are bound by time.
    pub seconds: f64,
    /// A file with keys, one a line, instead of made ones.
    pub keys: Option<PathBuf>,
    /// Where databases are made.
    pub dir: PathBuf,
    /// Where databases to begin with are kept and looked for.
    pub stores: PathBuf,
    /// This program.
    pub program: PathBuf,
}

impl Plan {
    /// Returns the workload.
    ///
    /// # Errors
    ///
    /// There is none of this name.
    pub fn workload(&self) -> Outcome<&'static Workload> {
        workload::find(&self.workload)
    }

    /// Sets the stage; the database is to be in `dir`.
    ///
    /// # Errors
    ///
    /// There is no such workload, or its keys cannot be read.
    pub fn stage(&self, dir: PathBuf) -> Outcome<Stage> {
        let workload = self.workload()?;
        let (keys, records) = match &self.keys {
            Some(path) => {
                let keys = Keys::of_file(path)?;
                let records = keys.count();
                (keys, records)
            }
            None => self.made_keys(workload),
        };
        let values = Values::new(workload.value_bytes);
        let data = records * (keys.key_bytes() + values.len() as u64);
        let cache_bytes = match workload.cache {
            Cache::All => 2 * data + (64 << 20),
            Cache::Quarter => data / 4,
        };
        let mut settings = Settings::new(dir, cache_bytes);
        if workload.store == Store::SmallTables {
            settings.table_bytes = Some(64 << 10);
            settings.memtable_bytes = 4 << 20;
        }
        Ok(Stage {
            engine: self.engine.clone(),
            settings,
            keys,
            keys_file: self.keys.clone(),
            values,
            records,
            threads: self.threads.unwrap_or(workload.threads).max(1),
            seconds: self.seconds,
            program: self.program.clone(),
        })
    }

    fn made_keys(&self, workload: &Workload) -> (Keys, u64) {
        let records = (self.records / workload.divisor).max(64);
        // Inserted rows lie between those that are there: there is room for seven times as many.
        let room = if workload.inserts { 8 } else { 1 };
        (Keys::made(room * records), records)
    }
}
