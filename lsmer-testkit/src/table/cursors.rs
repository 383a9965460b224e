//! `TABLE-03` and the obligations of cursors, for a part that can miss and fail.

use std::{ops::Bound, sync::Arc};

use lsmer_core::{
    ALL, Block, BlockBuilder, BlockReader, BlockShelf, Cursor, KeyRange, Result, SeqNo, Step,
    TableFormat, Window,
};

use super::{
    cases::{Case, each_case, each_small},
    driver::{Driver, Shelves, Supply, opened},
    samples::probes,
};
use crate::{
    entries::{Entry, difference, inside, newest, of_window},
    seed::Seeded,
};

/// `TABLE-03`: with a cache that keeps nothing, and with blocks that come one by one, in any
/// order, opening, lookups and walks answer as they do when all is at hand. Only blocks that the
/// table lists are asked for.
///
/// # Panics
///
/// If not.
pub fn table_03_a_miss_changes_nothing(format: &dyn TableFormat) {
    each_case(format, |case| {
        if case.entries.len() > 500 && case.config.block_bytes > 64 {
            return; // every block is read again and again: small ones will do
        }
        let mut driver = Driver::new(format, &case.built.bytes, Supply::Reluctant);
        let table = driver.open(&case.built.meta, &case.filter);
        let table = table.unwrap_or_else(|error| panic!("TABLE-03: {error}; {case}"));
        for key in probes(case.entries).iter().step_by(3) {
            let got = driver.get(&table, key, SeqNo::MAX);
            let want = newest(case.entries, key, SeqNo::MAX);
            let same = got.as_ref().is_ok_and(|got| got.as_ref() == want);
            assert!(same, "TABLE-03: {got:?} was found for {want:?}; {case}");
        }
        for backward in [false, true] {
            let seen = driver.scan(&mut *Arc::clone(&table).cursor(), ALL, backward);
            let seen = seen.unwrap_or_else(|error| panic!("TABLE-03: {error}; {case}"));
            let difference = difference(&seen, case.entries);
            assert!(difference.is_none(), "TABLE-03: a walk: {difference:?}; {case}");
        }
        let listed = table.blocks();
        for (id, bytes) in &driver.fetched {
            let known = listed.iter().any(|block| block.id == *id && block.bytes == *bytes);
            assert!(known, "TABLE-03: a block that is not listed was read: {id:?}; {case}");
        }
    });
}

/// `CURSOR-01`: ranges between any two of the keys and their neighbours, with every kind of bound,
/// forward and backward, and one after the other on the same cursor, hold what they must.
///
/// # Panics
///
/// If one does not.
pub fn cursor_01_windows_hold_the_range_once_and_in_order(format: &dyn TableFormat) {
    let mut random = Seeded::new();
    each_case(format, |case| {
        let (mut driver, table) = opened(format, &case.built, &case.filter);
        let mut cursor = Arc::clone(&table).cursor();
        let keys: Vec<_> = probes(case.entries).into_iter().collect();
        for round in 0..150 {
            let (low, high) = (&keys[random.below(keys.len())], &keys[random.below(keys.len())]);
            let (low, high) =
                if round % 4 == 0 { (low, high) } else { (low.min(high), low.max(high)) };
            let range = (bound(low, random.below(3)), bound(high, random.below(3)));
            let backward = random.below(2) == 0;
            check(&mut driver, &mut *cursor, (range, backward), case);
        }
        for key in keys.iter().step_by(keys.len().div_ceil(100)) {
            for backward in [false, true] {
                for kind in [0, 1] {
                    let from = (bound(key, kind), Bound::Unbounded);
                    check(&mut driver, &mut *cursor, (from, backward), case);
                    let to = (Bound::Unbounded, bound(key, kind));
                    check(&mut driver, &mut *cursor, (to, backward), case);
                }
            }
        }
    });
}

fn check(
    driver: &mut Driver<'_>,
    cursor: &mut dyn Cursor,
    (range, backward): (KeyRange<'_>, bool),
    case: &Case<'_>,
) {
    let what = || format!("CURSOR-01: {}, backward: {backward}", shown(range));
    let seen = driver.scan(cursor, range, backward);
    let seen = seen.unwrap_or_else(|error| panic!("{}: {error}; {case}", what()));
    if let Some(difference) = difference(&seen, inside(case.entries, range)) {
        panic!("{}: {difference}; {case}", what());
    }
}

fn bound(key: &[u8], kind: usize) -> Bound<&[u8]> {
    match kind {
        0 => Bound::Included(key),
        1 => Bound::Excluded(key),
        _ => Bound::Unbounded,
    }
}

fn shown(range: KeyRange<'_>) -> String {
    let short = |bound: Bound<&[u8]>| {
        format!("{:?}", bound.map(|key| key[..key.len().min(40)].escape_ascii().to_string()))
    };
    format!("{} to {}", short(range.0), short(range.1))
}

/// `CURSOR-02`: a walk that is asked for every window three times before its blocks are there
/// shows what one shows that misses nothing, also after walks that were given up at a miss.
///
/// # Panics
///
/// If not.
pub fn cursor_02_a_miss_leaves_the_cursor_where_it_stood(format: &dyn TableFormat) {
    each_small(format, |case| {
        let (mut driver, table) = opened(format, &case.built, &case.filter);
        let cache = driver.cache_all(&table).expect("a new table can be read");
        for backward in [false, true] {
            let mut cursor = Arc::clone(&table).cursor();
            for misses in 0..3 {
                seek(&mut *cursor, &cache, !backward, case);
                for _ in 0..misses {
                    drop(next(&mut *cursor, &Shelves::default()));
                }
            }
            seek(&mut *cursor, &cache, backward, case);
            let seen = walk_with_misses(&mut *cursor, &cache, backward, case);
            let difference = difference(&seen, case.entries);
            assert!(
                difference.is_none(),
                "CURSOR-02: backward: {backward}: {difference:?}; {case}"
            );
        }
    });
}

fn walk_with_misses(
    cursor: &mut dyn Cursor,
    cache: &Shelves,
    backward: bool,
    case: &Case<'_>,
) -> Vec<Entry> {
    let mut windows = Vec::new();
    loop {
        let mut shown = (0..3).map(|_| next(cursor, &Shelves::default()));
        let shown = shown.find(|step| !matches!(step, Ok(Step::Miss)));
        match shown.unwrap_or_else(|| next(cursor, cache)) {
            Ok(Step::Done(Window::End)) => break,
            Ok(Step::Done(window)) => windows.push(of_window(&window)),
            step => panic!("CURSOR-02: {step:?} with all at hand; {case}"),
        }
    }
    if backward {
        windows.reverse();
    }
    windows.concat()
}

/// Asks for the next window, with what a cache has.
fn next(cursor: &mut dyn Cursor, cache: &Shelves) -> Result<Step<Window>> {
    let (mut shelf, mut window) = (BlockShelf::default(), Window::End);
    Ok(match cursor.next_window(&mut window, &mut BlockReader::new(cache, &mut shelf))? {
        Step::Done(()) => Step::Done(window),
        Step::Miss => Step::Miss,
    })
}

fn seek(cursor: &mut dyn Cursor, cache: &Shelves, backward: bool, case: &Case<'_>) {
    let mut shelf = BlockShelf::default();
    let sought = cursor.seek(ALL, backward, &mut BlockReader::new(cache, &mut shelf));
    assert!(matches!(sought, Ok(Step::Done(()))), "CURSOR-02: no seek: {sought:?}; {case}");
}

/// `CURSOR-03`: in the middle of a walk the cache hands out a wrong block. If the cursor notices,
/// it goes on failing when the right one is there, and after a seek it walks through. (A format
/// whose cursors never fail has nothing to show here.)
///
/// # Panics
///
/// If not.
pub fn cursor_03_a_cursor_that_failed_stays_failed(format: &dyn TableFormat) {
    each_small(format, |case| {
        for backward in [false, true] {
            for before in 0..4 {
                for wrong in [Block::opaque(b"wrong".to_vec()), one_row()] {
                    fail_after(case, (before, backward), &wrong);
                }
            }
        }
    });
}

/// Walks so many windows, is handed a wrong block, and goes on.
fn fail_after(case: &Case<'_>, (before, backward): (usize, bool), wrong: &Block) {
    let (mut driver, table) = opened(case.format, &case.built, &case.filter);
    let right = driver.cache_all(&table).expect("a new table can be read");
    let bad = Shelves::default();
    for request in table.blocks() {
        bad.put(request.id, wrong.clone());
    }
    let mut cursor = Arc::clone(&table).cursor();
    seek(&mut *cursor, &right, backward, case);
    for _ in 0..before {
        drop(next(&mut *cursor, &right));
    }
    if next(&mut *cursor, &bad).is_ok() {
        return;
    }
    for _ in 0..3 {
        let again = next(&mut *cursor, &right);
        let what = "CURSOR-03: after a failure";
        assert!(again.is_err(), "{what}, backward: {backward}, {again:?}; {case}");
    }
    let seen = driver.scan(&mut *cursor, ALL, backward);
    let whole = seen.as_ref().is_ok_and(|seen| seen == case.entries);
    assert!(whole, "CURSOR-03: a seek after a failure does not begin anew: {seen:?}; {case}");
}

/// A block of rows that is in no table here.
fn one_row() -> Block {
    let (mut builder, mut bytes) = (BlockBuilder::new(), Vec::new());
    builder.add(Entry::put(b"another", 1, b"row").borrow());
    builder.finish(&mut bytes);
    Block::rows(bytes).expect("it was just built")
}
