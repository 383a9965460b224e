//! Reads beside a writer of one speed: a faster engine gets no more writes to cope with.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use super::{
    read,
    scan::{Seek, seek_rows},
};
use crate::{
    clock,
    drive::{Limits, Run, drive},
    engine::Engine,
    numbers::{float, whole},
    outcome::Outcome,
    random::Random,
    stage::Stage,
    workload::{Cache, Workload},
};

pub(super) const ALL: &[Workload] = &[
    Workload::read(
        "readwhilewriting",
        "gets beside 50,000 overwrites a second",
        Cache::Quarter,
        gets,
    )
    .writing(),
    Workload::read(
        "seekwhilewriting",
        "seek and 100 rows beside 50,000 overwrites a second",
        Cache::Quarter,
        seeks,
    )
    .writing()
    .unit("seeks"),
];

const WRITES_PER_SECOND: f64 = 50_000.0;
const TICK: Duration = Duration::from_millis(1);

fn gets(stage: &Stage, engine: &dyn Engine) -> Outcome<Run> {
    read::warm(stage, engine)?;
    beside_a_writer(stage, engine, |random, nth, key| {
        read::get(stage, engine, stage.loaded(random), nth, key)
    })
}

fn seeks(stage: &Stage, engine: &dyn Engine) -> Outcome<Run> {
    read::warm(stage, engine)?;
    beside_a_writer(stage, engine, |random, _, key| {
        let seek = Seek { rank: stage.loaded(random), rows: 100, backward: false };
        seek_rows(stage, engine, seek, key)
    })
}

fn beside_a_writer(
    stage: &Stage,
    engine: &dyn Engine,
    read: impl Fn(&mut Random, u64, &mut Vec<u8>) -> Outcome + Sync,
) -> Outcome<Run> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| write(stage, engine, &done));
        let run = drive(Limits::seconds(stage.threads, stage.seconds), |thread| {
            let (read, mut random, mut key) = (&read, Random::new(thread), Vec::new());
            move |nth| {
                read(&mut random, nth, &mut key)?;
                Ok(1)
            }
        });
        done.store(true, Ordering::Relaxed);
        let rate = writer.join().expect("the writer returns its errors")?;
        let mut run = run?;
        run.extra = Some(("writes_per_second", rate));
        Ok(run)
    })
}

/// Overwrites rows at the fixed speed, in as many as a tick allows; returns the speed it achieved.
fn write(stage: &Stage, engine: &dyn Engine, done: &AtomicBool) -> Outcome<f64> {
    let mut random = Random::new(u64::MAX);
    let (mut key, mut value) = (Vec::new(), Vec::new());
    let start = clock::now();
    let mut written = 0;
    while !done.load(Ordering::Relaxed) {
        let due = whole(start.elapsed().as_secs_f64() * WRITES_PER_SECOND);
        if written >= due {
            clock::wait(TICK);
            continue;
        }
        written += 1;
        stage.row(random.below(stage.records), written, &mut key, &mut value);
        engine.put(&key, &value)?;
    }
    Ok(float(written) / start.elapsed().as_secs_f64())
}
