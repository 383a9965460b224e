//! Writes to an empty database.

use crate::{
    drive::{Limits, Run, drive},
    engine::Engine,
    outcome::Outcome,
    stage::Stage,
    workload::Workload,
};

pub(super) const ALL: &[Workload] = &[
    Workload::fill("fillseq", "puts in the order of keys", fillseq),
    Workload::fill("fillrandom", "puts in random order", fillrandom),
    Workload::fill("batch100", "batches of 100 puts in random order", batch),
    Workload::fill("fillsync", "synced puts in random order", fillsync),
    Workload::fill("fillsync16", "synced puts in random order, 16 threads", fillsync).threads(16),
    Workload::fill("put4k", "puts of 4 KiB in random order", fillrandom).values(4 << 10, 61),
    Workload::fill("put64k", "puts of 64 KiB in random order", fillrandom).values(64 << 10, 976),
];

const BATCH: u64 = 100;

fn fillseq(stage: &Stage, engine: &dyn Engine) -> Outcome<Run> {
    drive(Limits::operations(stage.threads, stage.records), |_| {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        move |rank| {
            stage.keys.present(rank, &mut key);
            stage.values.make(rank, 0, &mut value);
            engine.put(&key, &value)?;
            Ok(1)
        }
    })
}

fn fillrandom(stage: &Stage, engine: &dyn Engine) -> Outcome<Run> {
    drive(Limits::operations(stage.threads, stage.records), |_| {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        move |nth| {
            stage.row(nth, 0, &mut key, &mut value);
            engine.put(&key, &value)?;
            Ok(1)
        }
    })
}

fn fillsync(stage: &Stage, engine: &dyn Engine) -> Outcome<Run> {
    drive(Limits::seconds(stage.threads, stage.seconds), |_| {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        move |nth| {
            stage.row(nth, 0, &mut key, &mut value);
            engine.put_synced(&key, &value)?;
            Ok(1)
        }
    })
}

fn batch(stage: &Stage, engine: &dyn Engine) -> Outcome<Run> {
    drive(Limits::operations(stage.threads, stage.records.div_ceil(BATCH)), |_| {
        let mut rows: Vec<(Vec<u8>, Vec<u8>)> = (0..BATCH).map(|_| Default::default()).collect();
        move |nth| {
            for (at, (key, value)) in (nth * BATCH..).zip(&mut rows) {
                stage.row(at, 0, key, value);
            }
            let lent: Vec<(&[u8], &[u8])> =
                rows.iter().map(|(key, value)| (&key[..], &value[..])).collect();
            engine.write_batch(&lent)?;
            Ok(BATCH)
        }
    })
}
