//! Range reads of a loaded database.

use crate::{
    drive::{Limits, Run, drive},
    engine::{Engine, Walk},
    outcome::{Outcome, ensure},
    random::Random,
    stage::Stage,
    store::Store,
    workload::{Cache, Workload},
};

pub(super) const ALL: &[Workload] = &[
    Workload::read("seek10", "seek and 10 rows", Cache::Quarter, |s, e| seek(s, e, 10))
        .unit("seeks"),
    Workload::read("seek100", "seek and 100 rows", Cache::Quarter, |s, e| seek(s, e, 100))
        .unit("seeks"),
    Workload::read("seekrev10", "seek and 10 rows backward", Cache::Quarter, |s, e| back(s, e, 10))
        .unit("seeks"),
    Workload::read("scanfwd", "all rows forward, several runs", Cache::Quarter, |s, e| {
        scan(s, e, false)
    })
    .unit("rows")
    .on(Store::Layered),
    Workload::read("scanrev", "all rows backward, several runs", Cache::Quarter, |s, e| {
        scan(s, e, true)
    })
    .unit("rows")
    .on(Store::Layered),
];

fn seek(stage: &Stage, engine: &dyn Engine, rows: u64) -> Outcome<Run> {
    seeks(stage, engine, rows, false)
}

fn back(stage: &Stage, engine: &dyn Engine, rows: u64) -> Outcome<Run> {
    seeks(stage, engine, rows, true)
}

fn seeks(stage: &Stage, engine: &dyn Engine, rows: u64, backward: bool) -> Outcome<Run> {
    super::read::warm(stage, engine)?;
    drive(Limits::seconds(stage.threads, stage.seconds), |thread| {
        let mut random = Random::new(thread);
        let mut key = Vec::new();
        move |_| {
            let rank = random.below(stage.keys.count());
            seek_rows(stage, engine, Seek { rank, rows, backward }, &mut key)?;
            Ok(1)
        }
    })
}

/// A short walk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seek {
    /// The rank of its first row.
    pub(super) rank: u64,
    /// How many rows.
    pub(super) rows: u64,
    /// From there down.
    pub(super) backward: bool,
}

/// Walks from a rank on, and checks that each row is the next one. Rows that are not of the loaded
/// ones may be between, if there are writers that add any: they are not checked.
pub(super) fn seek_rows(
    stage: &Stage,
    engine: &dyn Engine,
    seek: Seek,
    key: &mut Vec<u8>,
) -> Outcome {
    stage.keys.present(seek.rank, key);
    let count = stage.keys.count();
    let expected = if seek.backward { seek.rank + 1 } else { count - seek.rank }.min(seek.rows);
    let walk = Walk { from: Some(key), rows: seek.rows, backward: seek.backward };
    let (mut at, mut right) = (seek.rank, 0);
    let rows = engine.scan(walk, &mut |_, value| {
        right += u64::from(stage.values.is_of(at, value));
        at = if seek.backward { at.wrapping_sub(1) } else { at + 1 };
    })?;
    ensure(rows == expected && right == rows, || {
        format!("{rows} rows from rank {} on, {expected} expected, {right} right", seek.rank)
    })
}

fn scan(stage: &Stage, engine: &dyn Engine, backward: bool) -> Outcome<Run> {
    drive(Limits::seconds(stage.threads, stage.seconds), |_| {
        move |_| {
            let walk = Walk { from: None, rows: u64::MAX, backward };
            let count = stage.keys.count();
            let (mut at, mut right) = (if backward { count - 1 } else { 0 }, 0);
            let rows = engine.scan(walk, &mut |_, value| {
                right += u64::from(stage.values.is_of(at, value));
                at = if backward { at.wrapping_sub(1) } else { at + 1 };
            })?;
            ensure(rows == count && right == count, || {
                format!("{rows} rows of {count}, {right} of them right")
            })?;
            Ok(rows)
        }
    })
}
