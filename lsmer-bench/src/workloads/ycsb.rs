//! The core workloads of YCSB (Cooper et al., `SoCC` 2010): values of 1 KiB, two threads, zipfian
//! popularity scattered over all keys; in D the newest are the most popular.

use std::sync::atomic::{AtomicU64, Ordering};

use super::read;
use crate::{
    drive::{Limits, Run, drive},
    engine::{Engine, Walk},
    outcome::{Outcome, ensure},
    random::Random,
    stage::Stage,
    workload::{Cache, Workload},
    zipf::Zipf,
};

/// The shares, in percent; the rest is inserts.
#[derive(Clone, Copy, Debug)]
struct Mix {
    reads: u64,
    updates: u64,
    /// Read, then update.
    both: u64,
    scans: u64,
    latest: bool,
}

const NONE: Mix = Mix { reads: 0, updates: 0, both: 0, scans: 0, latest: false };
const A: Mix = Mix { reads: 50, updates: 50, ..NONE };
const B: Mix = Mix { reads: 95, updates: 5, ..NONE };
const C: Mix = Mix { reads: 100, ..NONE };
const D: Mix = Mix { reads: 95, latest: true, ..NONE };
const E: Mix = Mix { scans: 95, ..NONE };
const F: Mix = Mix { reads: 50, both: 50, ..NONE };

pub(super) const ALL: &[Workload] = &[
    workload("ycsb-a", "50% gets, 50% puts", |s, e| play(s, e, A)).writing(),
    workload("ycsb-b", "95% gets, 5% puts", |s, e| play(s, e, B)).writing(),
    workload("ycsb-c", "gets", |s, e| play(s, e, C)),
    workload("ycsb-d", "95% gets of new rows, 5% inserts", |s, e| play(s, e, D)).writing(),
    workload("ycsb-e", "95% scans of up to 100 rows, 5% inserts", |s, e| play(s, e, E)).writing(),
    workload("ycsb-f", "50% gets, 50% get and put", |s, e| play(s, e, F)).writing(),
];

const LONGEST_SCAN: u64 = 100;

const fn workload(
    name: &'static str,
    about: &'static str,
    play: fn(&Stage, &dyn Engine) -> Outcome<Run>,
) -> Workload {
    Workload::read(name, about, Cache::Quarter, play)
        .values(1 << 10, 8)
        .threads(2)
        .inserting()
        .unit("ops")
}

fn play(stage: &Stage, engine: &dyn Engine, mix: Mix) -> Outcome<Run> {
    read::warm(stage, engine)?;
    let zipf = Zipf::new(stage.records);
    let inserted: Vec<AtomicU64> = (0..stage.threads).map(|_| AtomicU64::new(0)).collect();
    drive(Limits::seconds(stage.threads, stage.seconds), |thread| {
        let mut client = Client {
            stage,
            engine,
            mix,
            zipf: &zipf,
            inserted: &inserted,
            thread,
            random: Random::new(thread),
            key: Vec::new(),
            value: Vec::new(),
        };
        move |nth| {
            client.step(nth)?;
            Ok(1)
        }
    })
}

/// One thread.
struct Client<'a> {
    stage: &'a Stage,
    engine: &'a dyn Engine,
    mix: Mix,
    zipf: &'a Zipf,
    /// How many rows each thread has inserted.
    inserted: &'a [AtomicU64],
    thread: u64,
    random: Random,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Client<'_> {
    fn step(&mut self, nth: u64) -> Outcome {
        let Mix { reads, updates, both, scans, .. } = self.mix;
        let drawn = self.random.below(100);
        if drawn < reads {
            let at = self.pick();
            self.get(at, nth)
        } else if drawn < reads + updates {
            let at = self.pick();
            self.put(at, nth)
        } else if drawn < reads + updates + both {
            let at = self.pick();
            self.get(at, nth)?;
            self.put(at, nth)
        } else if drawn < reads + updates + both + scans {
            self.scan()
        } else {
            self.insert()
        }
    }

    /// Picks one of the rows that are there, by its place in the order of arrival.
    fn pick(&mut self) -> u64 {
        if !self.mix.latest {
            return self.zipf.draw_scattered(&mut self.random);
        }
        let least = self.inserted.iter().map(|count| count.load(Ordering::Acquire)).min();
        let newest = self.stage.records + least.unwrap_or(0) * self.stage.threads - 1;
        newest - self.zipf.draw(&mut self.random)
    }

    fn get(&mut self, at: u64, nth: u64) -> Outcome {
        read::get(self.stage, self.engine, self.stage.keys.rank(at), nth, &mut self.key)
    }

    fn put(&mut self, at: u64, version: u64) -> Outcome {
        self.stage.row(at, version, &mut self.key, &mut self.value);
        self.engine.put(&self.key, &self.value)
    }

    fn insert(&mut self) -> Outcome {
        let Stage { records, threads, .. } = self.stage;
        let mine = &self.inserted[crate::numbers::index(self.thread)];
        let count = mine.load(Ordering::Relaxed);
        let at = records + count * threads + self.thread;
        if at >= self.stage.keys.count() {
            // So fast, or so long, that no keys are left: a row is written once more instead.
            let at = self.pick();
            return self.put(at, count);
        }
        self.put(at, 0)?;
        // Only now may it be asked for.
        mine.store(count + 1, Ordering::Release);
        Ok(())
    }

    fn scan(&mut self) -> Outcome {
        let at = self.pick();
        let rank = self.stage.keys.rank(at);
        self.stage.keys.present(rank, &mut self.key);
        let rows = 1 + self.random.below(LONGEST_SCAN);
        let walk = Walk { from: Some(&self.key), rows, backward: false };
        let (mut first, mut right) = (true, 0);
        let seen = self.engine.scan(walk, &mut |_, value| {
            right += u64::from(if first {
                self.stage.values.is_of(rank, value)
            } else {
                value.len() == self.stage.values.len()
            });
            first = false;
        })?;
        ensure(seen > 0 && right == seen, || format!("a scan from rank {rank} on is wrong"))
    }
}
