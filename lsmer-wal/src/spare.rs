//! Prepares the file of a coming segment in the background.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Weak},
};

use lsmer_core::{FileClass, Job, Next, OpenOptions, SyncKind, VfsFile};

use crate::{
    files::{Spare, fill},
    log::Log,
};

/// The work of preparing one file.
#[derive(Debug)]
pub(crate) struct SpareJob {
    log: Weak<Log>,
    path: PathBuf,
    bytes: u64,
    file: Option<Arc<dyn VfsFile>>,
    filled: u64,
}

impl SpareJob {
    pub(crate) fn new(log: Weak<Log>, path: PathBuf, bytes: u64) -> Self {
        Self { log, path, bytes, file: None, filled: 0 }
    }

    /// Does a step; returns whether it was the last.
    fn advance(&mut self, log: &Log) -> io::Result<bool> {
        let file = if let Some(file) = &self.file {
            file
        } else {
            let file = log.files().vfs.open(&self.path, OpenOptions::create(FileClass::Wal))?;
            file.allocate(0, self.bytes)?;
            self.file.insert(file)
        };
        self.filled = fill(&**file, self.filled, self.bytes)?;
        if self.filled < self.bytes {
            return Ok(false);
        }
        if log.is_synced() {
            // Or the next one who waits for a sync waits for the zeros too.
            file.sync(SyncKind::All)?;
        }
        Ok(true)
    }
}

impl Job for SpareJob {
    fn step(&mut self) -> Next {
        // Whatever is left when the log is gone, the next open removes.
        let Some(log) = self.log.upgrade() else { return Next::Done };
        match self.advance(&log) {
            Ok(false) => Next::Yield,
            Ok(true) => {
                let (path, bytes) = (self.path.clone(), self.bytes);
                log.add_spare(Spare { path, bytes, recycled: false });
                Next::Done
            }
            // There is no room, or the disk is broken: who needs a segment will find out. A file
            // that was there already is somebody else's.
            Err(error) => {
                if error.kind() != io::ErrorKind::AlreadyExists {
                    drop(log.files().remove(&self.path));
                }
                Next::Done
            }
        }
    }
}
