//! Scans: steps in both directions, over one run and over several, and short scans.

use lsmer::{Db, Result, parts::io::MemVfs};
use lsmer_micro::keys::{VALUE_BYTES, shuffled};

use crate::{
    Case, counted,
    world::{ENTRIES, SHAPE, builder, fill, one_run, runs},
};

pub(crate) const CASES: &[Case] = &[
    ("next-one-run", next_one_run),
    ("next-4-runs", next_runs),
    ("next-back-4-runs", next_back),
    ("seek-next-10", seek),
];

/// Short scans that are counted.
const SEEKS: u64 = 1000;
const STEPS: u64 = 10;

/// A memtable and four runs, whose keys lie between each other's, with some old versions.
fn layered() -> Result<Db> {
    let db = runs(4)?;
    fill(&db, (0..ENTRIES).step_by(10))?;
    Ok(db)
}

fn next_one_run() -> Result<u64> {
    let db = one_run(builder(&MemVfs::without_crashes()))?;
    count_twice(ENTRIES, &|| walk(&db, false))
}

fn next_runs() -> Result<u64> {
    let db = layered()?;
    count_twice(ENTRIES, &|| walk(&db, false))
}

fn next_back() -> Result<u64> {
    let db = layered()?;
    count_twice(ENTRIES, &|| walk(&db, true))
}

/// Walks over everything, and returns how many entries were right.
fn walk(db: &Db, backward: bool) -> Result<u64> {
    let mut scan = db.iter()?;
    let mut right = 0;
    loop {
        let entry = if backward { scan.next_back()? } else { scan.next()? };
        let Some((_, value)) = entry else { return Ok(right) };
        right += u64::from(value.len() == VALUE_BYTES);
    }
}

fn seek() -> Result<u64> {
    let db = layered()?;
    // Not so near to the end that it stops them.
    let starts = shuffled(ENTRIES, 2).into_iter().map(|n| SHAPE.key(n)).filter(|key| key[0] < 0xff);
    let starts: Vec<_> = starts.take(usize::try_from(SEEKS).expect("it is small")).collect();
    let steps = count_twice(SEEKS * STEPS, &|| {
        let mut right = 0;
        for start in &starts {
            let mut scan = db.range(start.as_slice()..)?;
            for step in 0..STEPS {
                let Some((key, _)) = scan.next()? else { break };
                right += u64::from(step > 0 || key == start);
            }
        }
        Ok(right)
    })?;
    Ok(steps / STEPS)
}

/// Runs scans once to warm up, and once counted; they have to show `entries`.
fn count_twice(entries: u64, scan: &dyn Fn() -> Result<u64>) -> Result<u64> {
    assert_eq!(scan()?, entries);
    let mut right = 0;
    counted(&mut || {
        right = scan()?;
        Ok(())
    })?;
    assert_eq!(right, entries);
    Ok(entries)
}
