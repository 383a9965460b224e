//! A strategy that plans anything cannot make a read wrong: what is illegal is refused, by every
//! law, and counted.

use std::collections::BTreeMap;

use lsmer::{
    Db,
    parts::{
        self,
        core::{Law, Rng},
        io::{MemVfs, SeededRng},
    },
};
use lsmer_testkit::strategy::Reckless;

use crate::{harness::tiny, model::check_reader};

const SEEDS: u64 = 6;

/// Writes and deletes a few keys while flushes and jobs happen at any time, and reads all of them
/// now and then. Returns how many jobs each law refused, and how many were legal.
fn run(seed: u64) -> ([u64; Law::ALL.len()], u64) {
    let (env, exec, _clock) = parts::io::manual(MemVfs::without_crashes(), seed);
    let builder = Db::builder("db").env(env).memory_budget(1 << 20).memtable_bytes(4 << 10);
    let db = builder.segment_bytes(4 << 10, 16 << 10).compaction(Reckless).open().unwrap();
    let space = db.keyspace("tiny", tiny()).unwrap();
    let (rng, mut model) = (SeededRng::new(seed), BTreeMap::new());
    for n in 0..3_000_u64 {
        let key = (rng.next_u64() % 600).to_be_bytes().to_vec();
        if rng.next_u64() % 5 == 0 {
            space.delete(&key).unwrap();
            model.remove(&key);
        } else {
            let value = vec![n.to_le_bytes()[0]; 20];
            space.put(&key, &value).unwrap();
            model.insert(key, value);
        }
        match rng.next_u64() % 50 {
            0 => db.flush().unwrap(),
            1..20 => drop(exec.run_one()),
            _ => {}
        }
        if n % 500 == 0 {
            check_reader(&space, &model);
        }
    }
    db.wait_until_quiet().unwrap();
    check_reader(&space, &model);
    assert!(db.verify().faults.is_empty());
    let stats = db.stats();
    assert_eq!((stats.drops, stats.illegal_plans), (0, stats.refusals.total()));
    (Law::ALL.map(|law| stats.refusals.of(law)), stats.compactions + stats.moves)
}

#[test]
fn a_strategy_that_plans_anything_is_slow_at_worst() {
    let mut refused = [0; Law::ALL.len()];
    let mut carried_out = 0;
    for seed in 1..=SEEDS {
        let (by_law, done) = run(seed);
        refused.iter_mut().zip(by_law).for_each(|(sum, n)| *sum += n);
        carried_out += done;
    }
    println!("{:?} refused {refused:?}, {carried_out} were carried out", Law::ALL);
    assert!(refused.iter().all(|n| *n > 0), "a law was never broken: {refused:?}");
    assert!(carried_out > 100, "{carried_out}");
}
