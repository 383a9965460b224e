//! Parts with a mistake planted: the bodies of the fuzz targets notice each on the corpus.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use lsmer::parts::{BlockedBloom, ColumnarFormat, SegmentedWal};
use lsmer_core::{
    Block, BlockBuf, BlockId, BlockReader, Filter, FilterPolicy, LogEnd, LogSource, LogSpec,
    Record, Result, Step, Table, TableBuilder, TableFormat, TableMeta, TableSpec, VfsFile, Wal,
    WalFormat,
};
use lsmer_fuzz::targets;

/// Returns what the body says to the first input of the corpus that it fails on.
fn noticed(target: &str, body: impl Fn(&[u8])) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    for entry in fs::read_dir(folder).unwrap() {
        let input = fs::read(entry.unwrap().path()).unwrap();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(&input))) {
            let text = panic.downcast_ref::<String>().cloned();
            return text.or(panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap();
        }
    }
    panic!("the mistake is not noticed");
}

/// A filter that denies one key in three.
#[derive(Debug)]
struct Denies;

#[derive(Debug)]
struct DeniesSome(Arc<dyn Filter>);

impl FilterPolicy for Denies {
    fn name(&self) -> &'static str {
        "test.denies"
    }

    fn build(&self, hashes: &[u64], bits_per_key: u8) -> Vec<u8> {
        BlockedBloom::new().build(hashes, bits_per_key)
    }

    fn open(&self, bytes: Arc<[u8]>) -> Arc<dyn Filter> {
        Arc::new(DeniesSome(BlockedBloom::new().open(bytes)))
    }
}

impl Filter for DeniesSome {
    fn may_contain(&self, hash: u64) -> bool {
        !hash.is_multiple_of(3) && self.0.may_contain(hash)
    }
}

#[test]
fn a_filter_that_denies_a_key_is_noticed_alone_in_a_table_and_in_a_database() {
    let found = noticed("filter", |input| targets::filter::check(&Denies, input));
    assert!(found.contains("a key that was given is denied"), "{found}");
    let policy: Arc<dyn FilterPolicy> = Arc::new(Denies);
    let format = ColumnarFormat::default();
    let found = noticed("table", |input| targets::table::check(&format, &policy, input));
    assert!(found.contains("a lookup of what a scan shows"), "{found}");
    noticed("engine", |input| targets::engine::check(|builder| builder.filter(Denies), input));
}

/// What is wrong with a table format.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    /// A buffer is made as large as a field of the file might say.
    Greedy,
    /// The last byte of a data block is another one.
    Flips,
    /// The description counts one entry less.
    Counts,
}

#[derive(Debug)]
struct Broken(ColumnarFormat, Wrong);

impl TableFormat for Broken {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn builder(&self, file: Arc<dyn VfsFile>, spec: &TableSpec) -> Result<Box<dyn TableBuilder>> {
        self.0.builder(file, spec)
    }

    fn open(
        &self,
        meta: &Arc<TableMeta>,
        filter: &Arc<dyn FilterPolicy>,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<Arc<dyn Table>>> {
        self.0.open(meta, filter, blocks)
    }

    fn decode(&self, at: &BlockId, raw: BlockBuf) -> Result<Block> {
        let block = self.0.decode(at, raw)?;
        if !matches!(self.1, Wrong::Flips) || block.len() == 0 {
            return Ok(block);
        }
        let mut bytes = block.bytes().to_vec();
        bytes[32] ^= 1; // the fingerprint of the first key
        Block::rows(bytes)
    }

    fn inspect(&self, file: &dyn VfsFile) -> Result<TableMeta> {
        if matches!(self.1, Wrong::Greedy) {
            drop(vec![1_u8; 1 << 20]);
        }
        let mut meta = self.0.inspect(file)?;
        meta.entries -= u64::from(matches!(self.1, Wrong::Counts)).min(meta.entries);
        Ok(meta)
    }
}

#[test]
fn a_table_format_that_is_greedy_or_forgets_is_noticed() {
    let policy: Arc<dyn FilterPolicy> = Arc::new(BlockedBloom::new());
    for (wrong, said) in [
        (Wrong::Greedy, "were allocated to read"),
        (Wrong::Flips, "a lookup of what a scan shows"),
        (Wrong::Counts, "a file tells what the builder told"),
    ] {
        let format = Broken(ColumnarFormat::default(), wrong);
        let found = noticed("table", |input| targets::table::check(&format, &policy, input));
        assert!(found.contains(said), "{wrong:?}: {found}");
    }
}

/// A log whose reader loses the last record, or all once it was opened.
#[derive(Debug)]
struct Loses {
    at_first: bool,
}

impl WalFormat for Loses {
    fn name(&self) -> &'static str {
        "test.loses"
    }

    fn scan(
        &self,
        source: &LogSource,
        each: &mut dyn FnMut(Record<'_>) -> Result<()>,
    ) -> Result<LogEnd> {
        let mut count = 0_usize;
        SegmentedWal.scan(source, &mut |_| {
            count += 1;
            Ok(())
        })?;
        let loses = self.at_first || source.end.is_some();
        let most = if loses { count.saturating_sub(1) } else { count };
        let mut seen = 0;
        SegmentedWal.scan(source, &mut |record| {
            seen += 1;
            if seen <= most { each(record) } else { Ok(()) }
        })
    }

    fn sync_scanned(&self, source: &LogSource, end: &LogEnd) -> Result<()> {
        SegmentedWal.sync_scanned(source, end)
    }

    fn open(&self, spec: LogSpec, end: &LogEnd) -> Result<Arc<dyn Wal>> {
        SegmentedWal.open(spec, end)
    }
}

#[test]
fn a_log_that_loses_a_record_is_noticed() {
    for at_first in [false, true] {
        noticed("log", |input| targets::log::check(&Loses { at_first }, input));
    }
}

#[test]
fn syncs_that_lie_are_noticed() {
    let found = noticed("crash", |input| targets::crash::check(|_| true, input));
    assert!(found.contains("expected"), "{found}");
}
