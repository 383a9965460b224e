//! `TABLE-01`: what was added comes back, and is described as it is.

use std::sync::Arc;

use lsmer_core::{
    ALL, BlockHandle, BlockKind, BlockReader, BlockShelf, ErrorKind, FilterPolicy, Probe, SeqNo,
    Step, Table, TableFormat, TableMeta, Window,
};
use lsmer_sync::thread;

use super::{
    cases::{Case, each_case, each_small},
    driver::{Driver, Shelves, opened},
    file::{build, inspect},
    filters::{Denier, Exact},
    samples::{Config, ID, deletes, probes, snapshots},
};
use crate::entries::{Entry, difference, newest, of_window};

/// `TABLE-01`: of eight kinds of content in seven ways of writing, every version is found at every
/// snapshot around it, keys beside them are not, and walks in both directions show all.
///
/// # Panics
///
/// If not.
pub fn table_01_what_was_added_comes_back(format: &dyn TableFormat) {
    each_case(format, |case| {
        let (mut driver, table) = opened(format, &case.built, &case.filter);
        for key in probes(case.entries) {
            for snapshot in snapshots(case.entries, &key) {
                found(&mut driver, &table, (&key, snapshot), case);
            }
        }
        for backward in [false, true] {
            let mut cursor = Arc::clone(&table).cursor();
            let seen = driver.scan(&mut *cursor, ALL, backward);
            let seen = seen.unwrap_or_else(|error| panic!("TABLE-01: {error}; {case}"));
            if let Some(difference) = difference(&seen, case.entries) {
                panic!("TABLE-01: a walk, backward: {backward}: {difference}; {case}");
            }
        }
    });
}

fn found(
    driver: &mut Driver<'_>,
    table: &Arc<dyn Table>,
    (key, snapshot): (&[u8], SeqNo),
    case: &Case<'_>,
) {
    let got = driver.get(table, key, snapshot);
    let got = got.unwrap_or_else(|error| panic!("TABLE-01: {error}; {case}"));
    let want = newest(case.entries, key, snapshot);
    let shown = key[..key.len().min(40)].escape_ascii();
    assert!(
        got.as_ref() == want,
        "TABLE-01: b\"{shown}\" at {snapshot} is {got:?}, not {want:?}; {case}"
    );
}

/// `TABLE-01`: bounds, seqnos, counts and sizes are those of the entries and of the file; the
/// file says the same of itself; the blocks are listed in order, inside the file, and can be
/// read. A table without entries is refused.
///
/// # Panics
///
/// If not.
pub fn table_01_the_description_is_true(format: &dyn TableFormat) {
    each_case(format, |case| {
        let (mut driver, table) = opened(format, &case.built, &case.filter);
        let meta = &*case.built.meta;
        assert!(table.meta() == &case.built.meta, "TABLE-01: opened with another one; {case}");
        assert!(described(case) == *meta, "TABLE-01: not {meta:?}; {case}");
        let inspected = inspect(format, &case.built.bytes);
        let same = inspected.as_ref().is_ok_and(|inspected| inspected == meta);
        assert!(same, "TABLE-01: the file says of itself {inspected:?}, not {meta:?}; {case}");
        let (mut end, mut rows) = (0, 0);
        for request in table.blocks() {
            let id = request.id;
            let follows = id.table == meta.id && id.offset >= end;
            assert!(follows, "TABLE-01: {request:?} is listed after {end}; {case}");
            end = id.offset + u64::from(request.bytes);
            let block = driver.fetch(request);
            let block =
                block.unwrap_or_else(|error| panic!("TABLE-01: {request:?}: {error}; {case}"));
            rows += if id.kind == BlockKind::Data { u64::from(block.len()) } else { 0 };
        }
        assert!(rows == meta.entries, "TABLE-01: the listed blocks have {rows} rows; {case}");
        let listed = |handle: BlockHandle| {
            table.blocks().iter().any(|request| request.id.offset == handle.offset)
        };
        let whole = listed(meta.index) && (meta.filter.bytes == 0 || listed(meta.filter));
        assert!(whole, "TABLE-01: the index or the filter is not listed; {case}");
    });
    let spec = Config::ALL[0].spec(ID, &Exact::policy());
    let nothing = build(format, &spec, &[]).expect("no codec was asked for");
    let refused = nothing.is_err_and(|error| error.kind() == ErrorKind::InvalidArgument);
    assert!(refused, "TABLE-01: a table without entries is no InvalidArgument");
}

/// Describes a table by its entries; what only the format knows is taken from it.
fn described(case: &Case<'_>) -> TableMeta {
    let (entries, meta) = (case.entries, &*case.built.meta);
    let seqnos = || entries.iter().map(|entry| entry.seqno);
    let filter_name = if meta.filter.bytes > 0 { case.filter.name() } else { "" };
    TableMeta {
        id: ID,
        file_bytes: case.built.bytes.len() as u64,
        smallest: (*entries[0].key).into(),
        largest: (*entries[entries.len() - 1].key).into(),
        min_seqno: seqnos().min().expect("a sample is not empty"),
        max_seqno: seqnos().max().expect("a sample is not empty"),
        entries: entries.len() as u64,
        deletes: deletes(entries),
        user_bytes: entries.iter().map(|entry| (entry.key.len() + entry.value.len()) as u64).sum(),
        index: meta.index,
        filter: if case.config.filter_bits > 0 { meta.filter } else { BlockHandle::default() },
        format: case.format.name().into(),
        filter_name: filter_name.into(),
        ..TableMeta::default()
    }
}

/// `TABLE-01`: opened with the filter policy that it was built with, with none that is known, and
/// with one of another name that denies everything, a table has all its keys.
///
/// # Panics
///
/// If not.
pub fn table_01_a_filter_hides_nothing(format: &dyn TableFormat) {
    each_small(format, |case| {
        let denier: Arc<dyn FilterPolicy> = Arc::new(Denier("testkit.denier"));
        for filter in [&case.filter, &denier] {
            let (mut driver, table) = opened(format, &case.built, filter);
            for key in probes(case.entries) {
                found(&mut driver, &table, (&key, SeqNo::MAX), case);
            }
        }
    });
}

/// `TABLE-01`: four threads look up all keys of one table at the same time, and walk it.
///
/// # Panics
///
/// If one of them sees something else than one alone.
pub fn table_01_threads_share_a_table(format: &dyn TableFormat) {
    each_small(format, |case| {
        let (mut driver, table) = opened(format, &case.built, &case.filter);
        let cache = driver.cache_all(&table).expect("a new table can be read");
        let readers = [false, true, false, true].map(|backward| {
            let (table, cache) = (Arc::clone(&table), Arc::clone(&cache));
            let entries = case.entries.to_vec();
            thread::Builder::new()
                .spawn(move || (0..20).all(|_| reads_all(&table, &cache, backward, &entries)))
        });
        for reader in readers {
            let right = reader.expect("a thread starts").join().is_ok_and(|right| right);
            assert!(right, "TABLE-01: a thread among others read wrongly; {case}");
        }
    });
}

/// Looks up every version of a table whose blocks are all in a cache, and walks it.
fn reads_all(table: &Arc<dyn Table>, cache: &Shelves, backward: bool, entries: &[Entry]) -> bool {
    let mut shelf = BlockShelf::default();
    let mut blocks = BlockReader::new(cache, &mut shelf);
    let found = entries.iter().all(|entry| {
        let got = table.get(&Probe::new(&entry.key, entry.seqno), &mut blocks);
        let Ok(Step::Done(Some(got))) = got else { return false };
        Entry::of(got.block.entry(got.row, &mut Vec::new())) == *entry
    });
    let (mut cursor, mut window) = (Arc::clone(table).cursor(), Window::End);
    let mut left = entries.len();
    let mut step = cursor.seek(ALL, backward, &mut blocks);
    while matches!(step, Ok(Step::Done(()))) && left > 0 {
        step = cursor.next_window(&mut window, &mut blocks);
        let shown = of_window(&window);
        let from =
            if backward { left.checked_sub(shown.len()) } else { Some(entries.len() - left) };
        let Some(from) = from else { return false };
        if shown.is_empty() || !entries[from..].starts_with(&shown) {
            return false;
        }
        left -= shown.len();
    }
    found && left == 0
}
