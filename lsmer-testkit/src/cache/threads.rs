//! `CACHE-01` for threads: one after the other, and at the same time.

use std::sync::{Arc, mpsc};

use lsmer_core::{BlockCache, BlockKind};
use lsmer_sync::thread;

use super::{
    MakeCache,
    model::{Model, block, id, stamp},
};
use crate::{conformance::joined, seed::Seeded};

const TABLES: usize = 4;
const THREADS: u64 = TABLES as u64;

/// `CACHE-01`: the same as for one thread, if each step is done by another one.
///
/// # Panics
///
/// If it does not hold.
pub fn cache_01_a_thread_sees_what_another_did(make: MakeCache<'_>) {
    for capacity in [3_000, 1 << 20] {
        let cache = make(capacity);
        let workers = [(); 3].map(|()| {
            let (work, todo) = mpsc::channel::<(Model, Seeded)>();
            let (done, result) = mpsc::channel();
            let cache = Arc::clone(&cache);
            let worker = thread::Builder::new().spawn(move || {
                for (mut model, mut random) in todo {
                    model.step(&*cache, 6, &mut random);
                    drop(done.send((model, random)));
                }
            });
            (work, result, worker.expect("a thread starts"))
        });
        let mut state = (Model::default(), Seeded::new());
        for _ in 0..3_000 {
            let (work, result, _) = &workers[state.1.below(workers.len())];
            work.send(state).expect("it works until there is no more to do");
            let stepped = result.recv();
            state = stepped.expect("CACHE-01: a step on another thread failed; see its panic");
        }
        for (work, _, worker) in workers {
            drop(work);
            worker.join().expect("its last step was done");
        }
    }
}

/// `CACHE-01`: each of four threads inserts, replaces and removes blocks of a table of its own,
/// and finds the last ones or nothing; of the others' tables it finds only blocks that they
/// inserted, and none after a later one.
///
/// # Panics
///
/// If not.
pub fn cache_01_threads_find_their_own_blocks(make: MakeCache<'_>) {
    for capacity in [3_000, 40_000, 1 << 20] {
        let cache = make(capacity);
        let workers: Vec<_> = (0..THREADS)
            .map(|number| {
                let cache = Arc::clone(&cache);
                thread::Builder::new().spawn(move || work(&*cache, number))
            })
            .collect();
        for worker in workers {
            let wrong = joined("CACHE-01", worker);
            assert!(wrong.is_none(), "CACHE-01: among {THREADS} threads, {wrong:?}");
        }
    }
}

/// Works on the table of its number. Stamps of the table `t` are `t` modulo the tables, and grow.
fn work(cache: &dyn BlockCache, own: u64) -> Option<String> {
    let mut random = Seeded::new().fork(own);
    let mut last = [None; 16];
    let mut seen = [[0; 16]; TABLES];
    for round in 1..4_000 {
        let place = random.below(16);
        match random.below(12) {
            0 => {
                cache.remove_table(id(own, 0).table);
                last = [None; 16];
            }
            1..6 => {
                let stamp = round * THREADS + own;
                cache.insert(id(own, place as u64), block(stamp, 300));
                last[place] = Some(stamp);
            }
            _ => {
                let table = random.next() % THREADS;
                let Some(found) = cache.get(&id(table, place as u64)) else { continue };
                let (found, seen) = (stamp(&found), &mut seen[usize::try_from(table).ok()?][place]);
                let foreign = found % THREADS != table || found < *seen;
                if foreign || table == own && last[place] != Some(found) {
                    return Some(format!("block {found} of {table} at {place}; {random}"));
                }
                *seen = found;
            }
        }
        let kind = BlockKind::Index;
        if cache.get(&lsmer_core::BlockId { kind, ..id(own, place as u64) }).is_some() {
            return Some(format!("an index that nobody inserted; {random}"));
        }
    }
    None
}
