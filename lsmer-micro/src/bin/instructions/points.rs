//! Lookups: of keys in the memtable, in a table, in none.

use lsmer::{
    Db, Result,
    parts::{NoCache, io::MemVfs},
};
use lsmer_micro::keys::{is_value, shuffled};

use crate::{
    Case, counted,
    world::{ENTRIES, SHAPE, builder, empty, fill, one_run, runs},
};

pub(crate) const CASES: &[Case] = &[
    ("get-memtable", get_memtable),
    ("get-cached", get_cached),
    ("get-cached-4-runs", get_runs),
    ("get-uncached", get_uncached),
    ("get-absent", get_absent),
    ("multi-get-64", multi_get),
];

/// Lookups that are counted.
const LOOKUPS: u64 = 6400;
const GROUP: usize = 64;

fn get_memtable() -> Result<u64> {
    let db = empty()?;
    fill(&db, 0..ENTRIES)?;
    count_gets(&db)
}

fn get_cached() -> Result<u64> {
    count_gets(&one_run(builder(&MemVfs::without_crashes()))?)
}

fn get_runs() -> Result<u64> {
    count_gets(&runs(4)?)
}

fn get_uncached() -> Result<u64> {
    count_gets(&one_run(builder(&MemVfs::without_crashes()).cache(NoCache))?)
}

/// Some of the numbers in no order, with their keys.
fn wanted() -> (Vec<u64>, Vec<Vec<u8>>) {
    let mut numbers = shuffled(ENTRIES, 1);
    numbers.truncate(usize::try_from(LOOKUPS).expect("it is small"));
    numbers.into_iter().map(|n| (n, SHAPE.key(n))).unzip()
}

fn count_gets(db: &Db) -> Result<u64> {
    let (numbers, keys) = wanted();
    count_twice(&|| {
        let mut right = 0;
        for (n, key) in numbers.iter().zip(&keys) {
            right += u64::from(db.get(key)?.is_some_and(|value| is_value(&value, *n)));
        }
        Ok(right)
    })
}

fn get_absent() -> Result<u64> {
    let db = one_run(builder(&MemVfs::without_crashes()))?;
    let keys: Vec<_> = (0..LOOKUPS).map(|n| SHAPE.absent(n)).collect();
    count_twice(&|| {
        let mut right = 0;
        for key in &keys {
            right += u64::from(db.get(key)?.is_none());
        }
        Ok(right)
    })
}

fn multi_get() -> Result<u64> {
    let db = one_run(builder(&MemVfs::without_crashes()))?;
    let (numbers, keys) = wanted();
    count_twice(&|| {
        let mut right = 0;
        for (numbers, keys) in numbers.chunks(GROUP).zip(keys.chunks(GROUP)) {
            for (n, value) in numbers.iter().zip(db.multi_get(keys)?) {
                right += u64::from(value.is_some_and(|value| is_value(&value, *n)));
            }
        }
        Ok(right)
    })
}

/// Runs the lookups once to warm up, and once counted; each has to find what it looked for.
fn count_twice(all: &dyn Fn() -> Result<u64>) -> Result<u64> {
    assert_eq!(all()?, LOOKUPS);
    let mut right = 0;
    counted(&mut || {
        right = all()?;
        Ok(())
    })?;
    assert_eq!(right, LOOKUPS);
    Ok(LOOKUPS)
}
