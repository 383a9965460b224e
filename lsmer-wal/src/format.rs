//! The format object: reading a log, and opening one for writing.

use std::sync::Arc;

use lsmer_core::{LogEnd, LogSource, LogSpec, Record, Result, Wal, WalFormat};

use crate::{
    files::Files,
    scan::scan,
    start::{start, sync_scanned},
};

/// Keeps the log in segments behind a crash ring.
///
/// The files are `NNNNNNNN.wal`, `ring` and `spare-NN.wal`, in a folder of their own.
#[derive(Clone, Copy, Debug, Default)]
pub struct SegmentedWal;

impl SegmentedWal {
    /// The name on disk.
    pub const NAME: &str = "lsmer.segmented.1";

    /// Returns the format, as the engine takes it.
    pub fn format() -> Arc<dyn WalFormat> {
        Arc::new(Self)
    }
}

impl WalFormat for SegmentedWal {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn scan(
        &self,
        source: &LogSource,
        each: &mut dyn FnMut(Record<'_>) -> Result<()>,
    ) -> Result<LogEnd> {
        scan(source, each)
    }

    fn sync_scanned(&self, source: &LogSource, end: &LogEnd) -> Result<()> {
        let files = Files { vfs: Arc::clone(&source.vfs), dir: source.dir.clone() };
        sync_scanned(&files, end)
    }

    fn open(&self, spec: LogSpec, end: &LogEnd) -> Result<Arc<dyn Wal>> {
        Ok(start(spec, end)?)
    }
}
