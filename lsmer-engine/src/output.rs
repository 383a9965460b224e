//! Writing the tables of a flush or a compaction.

use std::{ops::Range, path::PathBuf, sync::Arc};

use lsmer_core::{
    Error, FileClass, Flushed, OpenOptions, Result, SyncKind, TableBuilder, TableMeta, TableSpec,
    VfsFile, Window, mutant,
};

use crate::{row::Row, shared::Shared, space::Space};

/// How many rows go into a table before it is asked for its size again.
const ROWS_AT_ONCE: u32 = 64;

/// Takes entries in internal order and cuts them into tables, between user keys only.
#[derive(Debug)]
pub(crate) struct Output {
    shared: Arc<Shared>,
    space: Arc<Space>,
    level: u8,
    table_bytes: u64,
    flushed: Flushed,
    last_key: Vec<u8>,
    current: Option<Current>,
    paths: Vec<PathBuf>,
    metas: Vec<Arc<TableMeta>>,
    /// Set once the tables belong to a manifest: they stay.
    kept: bool,
}

#[derive(Debug)]
struct Current {
    file: Arc<dyn VfsFile>,
    builder: Box<dyn TableBuilder>,
}

impl Output {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        space: &Arc<Space>,
        level: u8,
        table_bytes: u64,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            space: Arc::clone(space),
            level,
            table_bytes,
            flushed: Flushed::default(),
            last_key: Vec::new(),
            current: None,
            paths: Vec::new(),
            metas: Vec::new(),
            kept: false,
        }
    }

    /// Sets when what is added was flushed.
    pub(crate) fn flushed(mut self, flushed: Flushed) -> Self {
        self.flushed = flushed;
        self
    }

    /// Adds rows of a window. May block on I/O.
    pub(crate) fn add(&mut self, window: &Window, mut rows: Range<u32>) -> Result<()> {
        while !rows.is_empty() {
            let first = Row { window, at: rows.start };
            if let Some(current) = &self.current
                && current.builder.bytes() >= self.table_bytes
                && (!first.key().is(&self.last_key, 0) || mutant!("user-key-in-two-tables"))
            {
                self.finish_table()?;
            }
            if self.current.is_none() {
                self.begin_table()?;
            }
            let Some(current) = &mut self.current else { unreachable!("just made") };
            let end = rows.end.min(rows.start + ROWS_AT_ONCE);
            current.builder.add(window, rows.start..end)?;
            Row { window, at: end - 1 }.key().copy_to(&mut self.last_key, 0);
            rows.start = end;
        }
        Ok(())
    }

    /// Finishes the last table and makes all of them durable, names included. Blocks on I/O.
    pub(crate) fn finish(&mut self) -> Result<Vec<Arc<TableMeta>>> {
        self.finish_table()?;
        let dir = &self.shared.options.path;
        let vfs = &self.shared.parts.env.vfs;
        let synced = if mutant!("table-name-not-synced") { Ok(()) } else { vfs.sync_dir(dir) };
        synced.map_err(|source| Error::io("cannot sync the folder", source).in_file(dir))?;
        Ok(self.metas.clone())
    }

    /// Says that a manifest names the tables now.
    pub(crate) fn keep(&mut self) {
        self.kept = true;
    }

    fn begin_table(&mut self) -> Result<()> {
        let shared = &self.shared;
        let parts = &shared.parts;
        let id = shared.new_table();
        let path = shared.tables.path(id);
        let file = parts.env.vfs.open(&path, OpenOptions::create(FileClass::Table));
        let file =
            file.map_err(|error| Error::io("cannot create a table", error).in_file(&path))?;
        self.paths.push(path.clone());
        let options = &self.space.options;
        let spec = TableSpec {
            id,
            block_bytes: options.block_bytes,
            compression: options.compression_at(self.level),
            filter_bits: options.filter_bits,
            filter: Arc::clone(&parts.filter),
            path,
        };
        let builder = parts.table_format.builder(Arc::clone(&file), &spec)?;
        self.current = Some(Current { file, builder });
        Ok(())
    }

    fn finish_table(&mut self) -> Result<()> {
        let Some(Current { file, builder }) = self.current.take() else { return Ok(()) };
        let mut meta = builder.finish()?;
        meta.flushed = self.flushed;
        if meta.deletes == 0 {
            meta.flushed.oldest_delete = None;
        }
        let unsynced = mutant!("table-not-synced");
        let synced = if unsynced { Ok(()) } else { file.sync(SyncKind::All) };
        synced.map_err(|source| {
            Error::io("cannot sync a table", source).in_file(self.shared.tables.path(meta.id))
        })?;
        self.metas.push(Arc::new(meta));
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // After a failure it is unknown whether the manifest on disk names them: the next open, which
        // reads it, removes those that it does not.
        let unknown = self.shared.failure().is_some();
        if self.kept || unknown && !mutant!("tables-removed-after-a-failure") {
            return;
        }
        self.current = None;
        for path in &self.paths {
            // If it fails, the next open finds an orphan and removes it.
            drop(self.shared.parts.env.vfs.remove_file(path));
        }
    }
}
