//! Puts: of new keys in no order and in order, and in batches.

use lsmer::{Db, Result, WriteBatch};
use lsmer_micro::keys::{VALUE_BYTES, value};

use crate::{
    Case, counted,
    world::{ENTRIES, SHAPE, empty, fill},
};

pub(crate) const CASES: &[Case] =
    &[("put-random", put_random), ("put-ascending", put_ascending), ("put-batch-100", put_batch)];

/// Puts that are counted.
const PUTS: u64 = 4000;
const BATCH: usize = 100;

type Pair = (Vec<u8>, [u8; VALUE_BYTES]);

fn put_random() -> Result<u64> {
    let db = empty()?;
    fill(&db, 0..ENTRIES)?;
    count_puts(&db, &random_pairs())
}

fn random_pairs() -> Vec<Pair> {
    (ENTRIES..ENTRIES + PUTS).map(|n| (SHAPE.key(n), value(n))).collect()
}

fn put_ascending() -> Result<u64> {
    let db = empty()?;
    let pair = |n: u64| ((n << 20).to_be_bytes().repeat(2), value(n));
    for (key, value) in (0..ENTRIES).map(pair) {
        db.put(key, value)?;
    }
    count_puts(&db, &(ENTRIES..ENTRIES + PUTS).map(pair).collect::<Vec<_>>())
}

fn count_puts(db: &Db, pairs: &[Pair]) -> Result<u64> {
    counted(&mut || pairs.iter().try_for_each(|(key, value)| db.put(key, value)))?;
    assert_there(db, pairs)
}

fn put_batch() -> Result<u64> {
    let db = empty()?;
    fill(&db, 0..ENTRIES)?;
    let pairs = random_pairs();
    let mut batch = WriteBatch::new();
    let mut write = |pairs: &[Pair]| {
        batch.clear();
        for (key, value) in pairs {
            batch.put(key, value);
        }
        db.write(&batch)
    };
    write(&pairs[..BATCH])?; // its buffers have grown
    counted(&mut || pairs.chunks(BATCH).try_for_each(&mut write))?;
    assert_there(&db, &pairs)
}

fn assert_there(db: &Db, pairs: &[Pair]) -> Result<u64> {
    for (key, value) in pairs {
        assert!(db.get(key)?.is_some_and(|found| found == value));
    }
    Ok(PUTS)
}
