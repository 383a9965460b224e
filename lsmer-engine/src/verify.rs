//! Reading everything and believing nothing.

use std::{fmt, path::PathBuf, sync::Arc};

use lsmer_core::{
    ALL, BlockBuf, BlockShelf, Error, Probe, Result, SeqNo, Table, TableMeta, Window, hash,
};

use crate::{driver::Fill, shared::Shared, space::Space, tables::TableHandle};

/// What [`Engine::verify`](crate::Engine::verify) read and found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Tables read.
    pub tables: u64,
    /// Blocks read.
    pub blocks: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Entries checked.
    pub entries: u64,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub error: Error,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.error)
    }
}

impl Shared {
    /// Manifest and log were read whole by opening; this reads every table.
    pub(crate) fn verify(&self) -> VerifyReport {
        let mut report = VerifyReport::default();
        for space in self.all_spaces() {
            let view = space.view_owned();
            for handle in view.version.runs.iter().flat_map(|run| run.tables.iter()) {
                report.tables += 1;
                if let Err(error) = self.verify_table(handle, &mut report) {
                    let file = self.tables.path(handle.meta.id);
                    report.faults.push(Fault { file, error });
                }
            }
            self.verify_order(&space, &mut report);
        }
        report
    }

    fn verify_table(&self, handle: &Arc<TableHandle>, report: &mut VerifyReport) -> Result<()> {
        let meta = &handle.meta;
        let format = handle.format()?;
        let file = handle.file()?;
        let own = format.inspect(&*file)?;
        let described = TableMeta { file_bytes: meta.file_bytes, flushed: meta.flushed, ..own };
        if described != **meta {
            return Err(Error::bad_table("a table and the manifest disagree about it", meta));
        }
        let mut shelf = BlockShelf::default();
        let table = self.driver.drive(&mut shelf, Fill::Nothing, |blocks| handle.open(blocks))?;
        for request in table.blocks() {
            // Past the cache: the bytes on disk are what is checked.
            let mut raw = BlockBuf::unfilled(request.bytes as usize);
            let read = file.read_exact_at(&mut raw, request.id.offset);
            read.map_err(|error| Error::io("cannot read a block", error))?;
            let decoded = format.decode(&request.id, raw);
            let path = self.tables.path(meta.id);
            decoded.map_err(|error| error.at(path, request.id.offset))?;
            report.blocks += 1;
            report.bytes += u64::from(request.bytes);
        }
        self.verify_entries(&table, report)
    }

    /// Walks a table: order, bounds, counts, seqnos; and each key is found by a lookup, so that
    /// index and filter have no false "no".
    fn verify_entries(&self, table: &Arc<dyn Table>, report: &mut VerifyReport) -> Result<()> {
        let meta = table.meta();
        let wrong = |what| Err(Error::bad_table(what, meta));
        let mut shelf = BlockShelf::default();
        let mut lookup_shelf = BlockShelf::default();
        let mut cursor = Arc::clone(table).cursor();
        let driver = &self.driver;
        driver.drive(&mut shelf, Fill::Nothing, |blocks| cursor.seek(ALL, false, blocks))?;
        let mut window = Window::default();
        let mut last: Option<(Vec<u8>, SeqNo)> = None;
        let (mut entries, mut deletes) = (0, 0);
        loop {
            driver.drive(&mut shelf, Fill::Nothing, |blocks| {
                cursor.next_window(&mut window, blocks)
            })?;
            shelf.drop_used();
            if matches!(window, Window::End) {
                break;
            }
            for at in window.range() {
                let mut key = Vec::new();
                let entry = match &window {
                    Window::Rows { block, .. } => block.entry(at, &mut key),
                    Window::Batch(batch) => batch.entry(at),
                    Window::End => unreachable!("left above"),
                };
                if !meta.covers(entry.key) {
                    return wrong("a table has a key outside its bounds");
                }
                if entry.seqno < meta.min_seqno || entry.seqno > meta.max_seqno {
                    return wrong("a table has a seqno outside its bounds");
                }
                let ascends = last.as_ref().is_none_or(|(key, seqno)| {
                    let order = key.as_slice().cmp(entry.key).then(entry.seqno.cmp(seqno));
                    order == std::cmp::Ordering::Less
                });
                if !ascends {
                    return wrong("a table's entries are out of order");
                }
                let probe = Probe { key: entry.key, hash: hash(entry.key), snapshot: entry.seqno };
                let found = driver
                    .drive(&mut lookup_shelf, Fill::Nothing, |blocks| table.get(&probe, blocks))?;
                // The shelf keeps the last blocks, so that neighbours are not read again.
                if entries % 64 == 0 {
                    lookup_shelf.clear();
                }
                if found.is_none_or(|found| found.seqno() != entry.seqno) {
                    return wrong("a table does not find a key that it holds");
                }
                entries += 1;
                deletes += u64::from(entry.kind == lsmer_core::Kind::Delete);
                last = Some((entry.key.to_vec(), entry.seqno));
            }
        }
        report.entries += entries;
        if (entries, deletes) != (meta.entries, meta.deletes) {
            return wrong("a table has not as many entries as it says");
        }
        Ok(())
    }

    /// Tables of a run are disjoint.
    fn verify_order(&self, space: &Space, report: &mut VerifyReport) {
        let view = space.view_owned();
        let runs = &view.version.tree.runs;
        for run in runs {
            if run.tables.windows(2).any(|pair| pair[0].largest >= pair[1].smallest) {
                let error = Error::corruption("the tables of a run overlap");
                let file = self.options.path.clone();
                report.faults.push(Fault { file, error: error.detail(run.id.0) });
            }
        }
    }
}
