//! Point reads of a loaded database.

use crate::{
    drive::{Limits, Run, drive},
    engine::Engine,
    outcome::{Outcome, ensure},
    random::Random,
    stage::Stage,
    store::Store,
    workload::{Cache, Workload},
};

pub(super) const ALL: &[Workload] = &[
    Workload::read("readrandom", "gets, everything in the cache", Cache::All, present),
    Workload::read("readquarter", "gets, a quarter fits into the cache", Cache::Quarter, present),
    Workload::read("readmissing", "gets of keys that are not there", Cache::Quarter, missing),
    Workload::read("multiget64", "64 keys at a time, all cached", Cache::All, multi_get)
        .unit("keys"),
    Workload::read("readafter", "gets after as many overwrites", Cache::Quarter, present)
        .on(Store::Overwritten),
    Workload::read("get4k", "gets of 4 KiB", Cache::Quarter, present).values(4 << 10, 61),
    Workload::read("get64k", "gets of 64 KiB", Cache::Quarter, present).values(64 << 10, 976),
];

const KEYS: usize = 64;
/// Every byte of one value in so many is checked; of the others length and first bytes.
const SAMPLE: u64 = 64;

/// Reads a row in every few, in the order of keys, so that each block is read at least once.
pub(super) fn warm(stage: &Stage, engine: &dyn Engine) -> Outcome {
    let mut key = Vec::new();
    let rows = (2048 / (stage.values.len() + 16)).max(1);
    // Where keys are to be added between, one in so many is there.
    let apart = if stage.keys.count() == stage.records { rows } else { 1 };
    for rank in (0..stage.keys.count()).step_by(apart) {
        stage.keys.present(rank, &mut key);
        engine.get(&key, &mut |_| ())?;
    }
    Ok(())
}

/// Gets a key and checks what comes.
pub(super) fn get(
    stage: &Stage,
    engine: &dyn Engine,
    rank: u64,
    nth: u64,
    key: &mut Vec<u8>,
) -> Outcome {
    stage.keys.present(rank, key);
    let mut right = false;
    let mut checked = Ok(());
    engine.get(key, &mut |value| {
        right = stage.values.is_of(rank, value);
        if nth.is_multiple_of(SAMPLE) {
            checked = stage.values.check(rank, value);
        }
    })?;
    checked?;
    ensure(right, || format!("the key of rank {rank} is not there, or has another value"))
}

fn present(stage: &Stage, engine: &dyn Engine) -> Outcome<Run> {
    warm(stage, engine)?;
    drive(Limits::seconds(stage.threads, stage.seconds), |thread| {
        let mut random = Random::new(thread);
        let mut key = Vec::new();
        move |nth| {
            let rank = random.below(stage.keys.count());
            get(stage, engine, rank, nth, &mut key)?;
            Ok(1)
        }
    })
}

fn missing(stage: &Stage, engine: &dyn Engine) -> Outcome<Run> {
    warm(stage, engine)?;
    drive(Limits::seconds(stage.threads, stage.seconds), |thread| {
        let mut random = Random::new(thread);
        let mut key = Vec::new();
        move |_| {
            let rank = random.below(stage.keys.count());
            stage.keys.missing(rank, &mut key);
            let found = engine.get(&key, &mut |_| ())?;
            ensure(!found, || format!("a key behind rank {rank} is there"))?;
            Ok(1)
        }
    })
}

fn multi_get(stage: &Stage, engine: &dyn Engine) -> Outcome<Run> {
    warm(stage, engine)?;
    drive(Limits::seconds(stage.threads, stage.seconds), |thread| {
        let mut random = Random::new(thread);
        let mut ranks = [0; KEYS];
        let mut keys: Vec<Vec<u8>> = vec![Vec::new(); KEYS];
        move |nth| {
            for (rank, key) in ranks.iter_mut().zip(&mut keys) {
                *rank = random.below(stage.keys.count());
                stage.keys.present(*rank, key);
            }
            let lent: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
            let (mut right, mut checked) = (0, Ok(()));
            engine.multi_get(&lent, &mut |at, value| {
                right += usize::from(stage.values.is_of(ranks[at], value));
                if nth.is_multiple_of(SAMPLE) && checked.is_ok() {
                    checked = stage.values.check(ranks[at], value);
                }
            })?;
            checked?;
            ensure(right == KEYS, || format!("{right} of {KEYS} values are right"))?;
            Ok(KEYS as u64)
        }
    })
}
