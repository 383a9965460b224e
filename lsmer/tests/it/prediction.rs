//! What a simulation says of a strategy, and what the engine then does with it.

use lsmer::{
    Compression, Db, Keyspace, KeyspaceOptions, LevelStats,
    parts::{
        self,
        core::{CompactionStrategy, hash},
        io::MemVfs,
        simulate::{Choice, Setup, Workload, simulate},
    },
};

const KEYS: u64 = 50_000;
const WRITES: u64 = 600_000;
const MEMTABLE: u64 = 256 << 10;
/// How many writes there are between two looks at the tree.
const LOOK: u64 = 500;

/// What became of a workload in the engine, in its second half.
#[derive(Debug)]
struct Seen {
    /// Write amplification, and the means of space amplification and of the number of runs.
    figures: [f64; 3],
    /// Size of an entry in a table, in parts of key and value.
    stored: f64,
}

/// Draws by a hash: the same numbers in every run.
fn draw(write: u64, what: u64) -> f64 {
    let word = hash(&[write.to_le_bytes(), what.to_le_bytes()].concat());
    f64::from(u32::try_from(word >> 32).unwrap()) / f64::from(u32::MAX)
}

/// The keys of a workload in the order of their popularity, as sums of their likelihoods.
fn popularity(choice: Choice) -> Vec<f64> {
    let mut sum = 0.0;
    let likely = |rank: u32| match choice {
        Choice::Zipf { theta } => f64::from(rank).powf(-theta),
        _ => 1.0,
    };
    let mut sums: Vec<f64> = (1..=u32::try_from(KEYS).unwrap())
        .map(|rank| {
            sum += likely(rank);
            sum
        })
        .collect();
    for part in &mut sums {
        *part /= sum;
    }
    sums
}

fn open(strategy: impl CompactionStrategy + 'static) -> (Db, Keyspace) {
    let (env, ..) = parts::io::manual(MemVfs::without_crashes(), 0);
    let db = Db::builder("db")
        .env(env)
        .memtable_bytes(usize::try_from(MEMTABLE).unwrap())
        .compaction(strategy)
        .compaction_jobs(1)
        .open()
        .unwrap();
    let options = KeyspaceOptions::default()
        .with_table_bytes(MEMTABLE)
        .with_compression(vec![Compression::None]);
    let space = db.keyspace("rows", options).unwrap();
    (db, space)
}

fn in_the_engine(strategy: impl CompactionStrategy + 'static, workload: &Workload) -> Seen {
    let (db, space) = open(strategy);
    let sums = popularity(workload.choice);
    let mut alive = vec![false; sums.len()];
    let (mut amplified, mut runs, mut looks, mut half) = (0.0, 0.0, 0.0, [0; 2]);
    let total =
        |of: fn(&LevelStats) -> u64| -> u64 { db.stats().keyspaces[1].levels.iter().map(of).sum() };
    let bytes = || {
        let stats = db.stats();
        [stats.user_bytes, stats.flushed_bytes + stats.compacted_bytes]
    };
    for write in 0..WRITES {
        let rank = sums.partition_point(|sum| *sum < draw(write, 0)).min(sums.len() - 1);
        // Scattered, so that popularity says nothing about where a key lies.
        let mut key = [0; 16];
        key[..8].copy_from_slice(&hash(&rank.to_le_bytes()).to_be_bytes());
        alive[rank] = draw(write, 1) >= workload.deletes;
        if alive[rank] {
            space.put(key, [7; 100]).unwrap();
        } else {
            space.delete(key).unwrap();
        }
        if write == WRITES / 2 {
            half = bytes();
        }
        if write % LOOK == 0 {
            // Background work keeps up, as in a simulation.
            db.wait_until_quiet().unwrap();
            if write > WRITES / 2 {
                let live = alive.iter().filter(|alive| **alive).count();
                amplified += float(total(|level| level.entries)) / float(live as u64);
                runs += float(total(|level| level.runs));
                looks += 1.0;
            }
        }
    }
    let [user, written] = bytes();
    let amplification = float(written - half[1]) / float(user - half[0]);
    let entries = total(|level| level.entries);
    Seen {
        figures: [amplification, amplified / looks, runs / looks],
        stored: float(total(|level| level.bytes)) / float(entries * (16 + 100)),
    }
}

fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).expect("small"))
}

fn check(strategy: &(impl CompactionStrategy + Clone + 'static)) {
    for (choice, deletes) in [(Choice::Uniform, 0.0), (Choice::Zipf { theta: 0.99 }, 0.2)] {
        let workload = Workload::new(KEYS, WRITES, choice).with_deletes(deletes);
        let seen = in_the_engine(strategy.clone(), &workload);
        let setup = Setup::default()
            .with_memtable_bytes(MEMTABLE)
            .with_table_bytes(MEMTABLE)
            .with_stored(seen.stored);
        let report = simulate(strategy, &setup, &workload).unwrap();
        let space = report.space_amplification.mean;
        let said = [report.write_amplification, space, report.runs.mean];
        for (said, was) in said.into_iter().zip(seen.figures) {
            assert!((said / was - 1.0).abs() < 0.15, "{choice:?}: {said:.2} {was:.2}\n{report}");
        }
    }
}

#[test]
fn leveled_compaction_costs_what_was_predicted() {
    check(&parts::Leveled::default());
}

#[test]
fn tiered_compaction_costs_what_was_predicted() {
    check(&parts::Tiered::default());
}
