//! Which keys are written, a memtable at a time.

use super::{
    Setup,
    contents::Entry,
    numbers::{chance, float, whole},
};

/// How keys are chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Choice {
    /// All keys alike.
    Uniform,
    /// The n-th most popular key in proportion to `1 / n^theta`; popularity says nothing about
    /// where a key lies. YCSB uses 0.99.
    Zipf {
        /// The skew: above 0.
        theta: f64,
    },
    /// Every write makes a new key behind all others, like time does.
    Ascending,
}

/// What is written.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Workload {
    /// How many keys there are. [`Choice::Ascending`] has one for each write instead.
    pub keys: u64,
    /// How many writes are made.
    pub writes: u64,
    /// How keys are chosen.
    pub choice: Choice,
    /// Which part of the writes are deletes, 0 to 1.
    ///
    /// Default 0.
    pub deletes: f64,
    /// Size of a key in bytes.
    ///
    /// Default 16.
    pub key_bytes: u64,
    /// Size of a value in bytes.
    ///
    /// Default 100.
    pub value_bytes: u64,
    /// Whether all keys are written once before, in random order; those writes are not counted.
    ///
    /// Default false.
    pub loaded: bool,
    /// Another one gives another run of the same workload.
    ///
    /// Default 1.
    pub seed: u64,
}

impl Workload {
    /// Makes a workload with the defaults of the other fields.
    pub fn new(keys: u64, writes: u64, choice: Choice) -> Self {
        let (key_bytes, value_bytes) = (16, 100);
        Self { keys, writes, choice, deletes: 0.0, key_bytes, value_bytes, loaded: false, seed: 1 }
    }

    /// Sets [`deletes`](Self::deletes).
    #[must_use]
    pub fn with_deletes(mut self, part: f64) -> Self {
        self.deletes = part;
        self
    }

    /// Sets [`key_bytes`](Self::key_bytes) and [`value_bytes`](Self::value_bytes).
    #[must_use]
    pub fn with_sizes(mut self, key_bytes: u64, value_bytes: u64) -> Self {
        (self.key_bytes, self.value_bytes) = (key_bytes, value_bytes);
        self
    }

    /// Sets [`loaded`](Self::loaded).
    #[must_use]
    pub fn with_loaded(mut self, loaded: bool) -> Self {
        self.loaded = loaded;
        self
    }

    /// Sets [`seed`](Self::seed).
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Returns the size in bytes of what an average write says.
    pub(super) fn bytes_per_write(&self) -> f64 {
        let puts = 1.0 - self.deletes.clamp(0.0, 1.0);
        float(self.key_bytes) + puts * float(self.value_bytes)
    }
}

/// What a memtable holds when it is full.
#[derive(Debug)]
pub(super) struct Flush {
    /// By key.
    pub(super) entries: Vec<Entry>,
    /// How many writes were made so far; 0 while keys are loaded.
    pub(super) writes: u64,
    /// How many of them are in this memtable.
    pub(super) size: u64,
}

/// Most keys that are followed: a table of a thousandth of all data is still some hundred.
const MOST_KEYS: u64 = 1 << 17;
const FEWEST_KEYS: u64 = 1 << 12;
/// Most followed keys of a workload that makes new ones.
const MOST_NEW_KEYS: u64 = 1 << 22;
/// Most draws: followed keys times memtables.
const MOST_DRAWS: u64 = 1 << 28;

/// Fills memtables.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    workload: &'a Workload,
    /// How likely one write is to be of this followed key.
    likely: Vec<f64>,
    /// Whether a followed key has a value.
    alive: Vec<bool>,
    /// How many keys one followed key stands for.
    weight: f64,
    /// How many writes fill a memtable.
    memtable: u64,
    flushes: u64,
    loads: u64,
    done: u64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(setup: &Setup, workload: &'a Workload) -> Self {
        let entry = workload.bytes_per_write() + float(setup.memtable_overhead);
        let memtable = whole(float(setup.memtable_bytes) / entry).max(1);
        let grows = workload.choice == Choice::Ascending;
        let keys = if grows { workload.writes } else { workload.keys }.max(1);
        let loads = if workload.loaded && !grows { keys.div_ceil(memtable) } else { 0 };
        let flushes = loads + workload.writes.div_ceil(memtable);
        let most = (MOST_DRAWS / flushes.max(1)).clamp(FEWEST_KEYS, MOST_KEYS);
        let enough = if grows { MOST_KEYS.max(64 * flushes).min(MOST_NEW_KEYS) } else { most };
        let followed = keys.min(enough);
        let weight = float(keys) / float(followed);
        let likely = likelihoods(workload, followed, weight);
        let alive = vec![false; usize::try_from(followed).expect("far fewer")];
        Self { workload, likely, alive, weight, memtable, flushes, loads, done: 0 }
    }

    pub(super) fn weight(&self) -> f64 {
        self.weight
    }

    pub(super) fn flushes(&self) -> u64 {
        self.flushes
    }

    /// Returns how many keys have a value.
    pub(super) fn live_keys(&self) -> f64 {
        let alive = self.alive.iter().filter(|alive| **alive).count();
        float(alive as u64) * self.weight
    }

    /// Returns the size in bytes of what an average write says.
    pub(super) fn bytes_per_write(&self) -> f64 {
        self.workload.bytes_per_write()
    }

    /// Returns whether half of the writes were made before this memtable was full.
    pub(super) fn is_in_second_half(&self, flush: &Flush) -> bool {
        flush.writes > self.workload.writes / 2
    }

    /// Returns a followed key with a value, the first one from a place in the key space on that
    /// is chosen by a number from 0 to 1.
    pub(super) fn some_live_key(&self, place: f64) -> Option<u32> {
        let at = usize::try_from(whole(place * float(self.alive.len() as u64))).expect("an index");
        let found = (at..self.alive.len()).chain(0..at).find(|key| self.alive[*key])?;
        u32::try_from(found).ok()
    }

    /// Fills the next one; `None` at the end of the workload.
    pub(super) fn fill_memtable(&mut self) -> Option<Flush> {
        let flush = self.done;
        if flush == self.flushes {
            return None;
        }
        self.done += 1;
        let loading = flush < self.loads;
        let before = flush.saturating_sub(self.loads) * self.memtable;
        let size = if loading { 0 } else { self.memtable.min(self.workload.writes - before) };
        let entries = match self.workload.choice {
            Choice::Ascending => self.next_keys(before, before + size),
            _ if loading => self.select(|writer, key| {
                let turn = whole(chance(writer.workload.seed, u64::MAX, key) * float(writer.loads));
                (turn == flush).then_some(false)
            }),
            _ => self.select(|writer, key| {
                let likely = writer.likely[usize::try_from(key).expect("a followed key")];
                let absent = (-float(size) * likely).exp();
                let draw = chance(writer.workload.seed, flush, key);
                // What is left of the draw says which kind the last write was of.
                let rest = (draw - absent) / (1.0 - absent);
                (draw >= absent).then_some(rest < writer.workload.deletes)
            }),
        };
        for entry in &entries {
            self.alive[entry.key() as usize] = !entry.is_delete();
        }
        Some(Flush { entries, writes: before + size, size })
    }

    /// Returns the followed keys that are in a memtable; `choose` says whether one is, and whether
    /// it is deleted there.
    fn select(&self, choose: impl Fn(&Self, u64) -> Option<bool>) -> Vec<Entry> {
        let all = 0..u32::try_from(self.alive.len()).expect("far fewer");
        let entry = |key| choose(self, u64::from(key)).map(|deleted| Entry::new(key, deleted));
        all.filter_map(entry).collect()
    }

    /// Returns the followed keys among the new ones from write `from` to write `to`.
    fn next_keys(&self, from: u64, to: u64) -> Vec<Entry> {
        let at = |write: u64| {
            let followed = whole((float(write) / self.weight).ceil());
            u32::try_from(followed.min(self.alive.len() as u64)).expect("far fewer")
        };
        (at(from)..at(to)).map(|key| Entry::new(key, false)).collect()
    }
}

/// Returns for each followed key how likely it is in one write. Each stands for as many keys of
/// about its popularity.
fn likelihoods(workload: &Workload, followed: u64, weight: f64) -> Vec<f64> {
    let seed = workload.seed;
    let mut likely: Vec<(f64, f64)> = (0..followed)
        .map(|at| {
            let likely = match workload.choice {
                Choice::Zipf { theta } => {
                    let rank = whole((float(at) + chance(seed, u64::MAX - 1, at)) * weight) + 1;
                    float(rank).powf(-theta) / zeta(workload.keys, theta)
                }
                _ => 1.0 / float(workload.keys.max(1)),
            };
            (chance(seed, u64::MAX - 2, at), likely)
        })
        .collect();
    // Popularity says nothing about where a key lies.
    likely.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    likely.into_iter().map(|(_, likely)| likely).collect()
}

/// Returns the sum of `n^-theta` over the first `count` numbers: the first ones exactly, and the
/// rest by the integral (Euler and Maclaurin's first term and a half).
fn zeta(count: u64, theta: f64) -> f64 {
    const EXACT: u64 = 100;
    let term = |n: u64| float(n).powf(-theta);
    let exact: f64 = (1..=count.min(EXACT)).map(term).sum();
    if count <= EXACT {
        return exact;
    }
    let (from, to) = (float(EXACT), float(count));
    let area = if (theta - 1.0).abs() < 1e-9 {
        (to / from).ln()
    } else {
        (to.powf(1.0 - theta) - from.powf(1.0 - theta)) / (1.0 - theta)
    };
    exact + area + (term(count) - term(EXACT)) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distinct(workload: &Workload, setup: &Setup) -> f64 {
        let mut writer = Writer::new(setup, workload);
        let first = writer.fill_memtable().unwrap();
        float(first.entries.len() as u64) * writer.weight()
    }

    /// 100,000 writes to a memtable.
    fn setup() -> Setup {
        Setup::default().with_memtable_overhead(0).with_memtable_bytes(11_600_000)
    }

    #[test]
    fn as_many_distinct_keys_fill_a_memtable_as_would_in_truth() {
        // n draws of N keys meet N (1 - e^(-n/N)) of them.
        let uniform = Workload::new(1_000_000, 1_000_000, Choice::Uniform);
        let found = distinct(&uniform, &setup());
        assert!((found / 95_163.0 - 1.0).abs() < 0.02, "{found}");
        // Counted once with a generator of zipfian numbers, 10 million draws: 100 x 100,000.
        let zipf = Workload::new(100_000, 1_000_000, Choice::Zipf { theta: 0.99 });
        let exact: f64 = (1..=100_000)
            .map(|rank| {
                let likely = float(rank).powf(-0.99) / zeta(100_000, 0.99);
                1.0 - (1.0 - likely).powi(100_000)
            })
            .sum();
        let found = distinct(&zipf, &setup());
        assert!((found / exact - 1.0).abs() < 0.02, "{found} of {exact}");
    }

    #[test]
    fn the_sum_of_a_zeta_is_that_of_its_terms() {
        for theta in [0.5, 0.99, 1.0, 1.2] {
            let sum: f64 = (1..=50_000).map(|n| float(n).powf(-theta)).sum();
            assert!((zeta(50_000, theta) / sum - 1.0).abs() < 1e-6, "{theta}");
        }
    }

    #[test]
    fn loading_writes_every_key_once() {
        let workload = Workload::new(50_000, 1, Choice::Uniform).with_loaded(true);
        let small = setup().with_memtable_bytes(1_160_000);
        let mut writer = Writer::new(&small, &workload);
        let mut seen = vec![0; 50_000];
        while writer.done < writer.loads {
            for entry in writer.fill_memtable().unwrap().entries {
                seen[entry.key() as usize] += 1;
            }
        }
        assert!(seen.iter().all(|times| *times == 1));
        assert!((writer.live_keys() - 50_000.0).abs() < 1e-6);
    }

    #[test]
    fn ascending_keys_are_new_each_and_deletes_take_them_away() {
        let workload = Workload::new(0, 1_000_000, Choice::Ascending);
        let mut writer = Writer::new(&setup(), &workload);
        let mut next = 0;
        while let Some(flush) = writer.fill_memtable() {
            for entry in flush.entries {
                assert_eq!(entry.key(), next);
                next += 1;
            }
        }
        assert!((writer.live_keys() - 1e6).abs() < 1.0);
        let deletes = Workload::new(1000, 1_000_000, Choice::Uniform).with_deletes(0.25);
        let mut writer = Writer::new(&setup(), &deletes);
        while writer.fill_memtable().is_some() {}
        assert!((writer.live_keys() - 750.0).abs() < 60.0, "{}", writer.live_keys());
    }
}
