//! What a simulation saw.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use super::{
    numbers::{chance, float, whole},
    tree::SimTree,
    workload::{Flush, Writer},
};

/// What a strategy makes of a workload. The figures are of the second half of the writes: what
/// comes before is a tree that grows.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// The strategy's name.
    pub strategy: String,
    /// Bytes that flushes and merges wrote for each byte that the user did. A log adds 1.
    pub write_amplification: f64,
    /// Bytes of all tables, for each byte that the newest versions would take alone.
    pub space_amplification: Spread,
    /// The same at the worst moment: a merge has its inputs and its outputs on disk.
    pub peak_space_amplification: f64,
    /// Runs of the tree.
    pub runs: Spread,
    /// Tables that a lookup of a key which is there asks, if no filter helps. With filters it is
    /// one, and the others' false positives.
    pub tables_per_get: f64,
    /// Tables that a scan merges where it begins; lookups of missing keys ask the filter of each.
    pub tables_per_seek: f64,
    /// How many jobs the strategy planned, by their reason.
    pub jobs: BTreeMap<Cow<'static, str>, u64>,
    /// How many of its jobs were refused because they break a law of compaction.
    pub illegal: u64,
    /// The tree over time: some hundred moments.
    pub points: Vec<Point>,
}

/// A figure that changes over time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Largest.
    pub max: f64,
}

/// The tree at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Point {
    /// Writes so far.
    pub writes: u64,
    /// Runs of the tree.
    pub runs: u64,
    /// Bytes of the tables by level, level 0 first.
    pub levels: Vec<u64>,
    /// Bytes of the newest versions.
    pub live: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "strategy              {}", self.strategy)?;
        writeln!(f, "write amplification   {:.2}", self.write_amplification)?;
        let space = self.space_amplification;
        writeln!(f, "space amplification   {:.2}, at most {:.2}", space.mean, space.max)?;
        writeln!(f, "  while merging       at most {:.2}", self.peak_space_amplification)?;
        writeln!(f, "runs                  {:.1}, at most {}", self.runs.mean, self.runs.max)?;
        writeln!(f, "tables per get        {:.2} without filters", self.tables_per_get)?;
        writeln!(f, "tables per seek       {:.2}", self.tables_per_seek)?;
        for (reason, count) in &self.jobs {
            writeln!(f, "jobs                  {count} {reason}")?;
        }
        if self.illegal > 0 {
            writeln!(f, "illegal jobs          {}", self.illegal)?;
        }
        Ok(())
    }
}

/// Most points of a report.
const MOST_POINTS: u64 = 400;
/// Keys whose lookups are followed at each point.
const GETS: u64 = 32;

/// Looks at the tree after each flush.
#[derive(Debug)]
pub(super) struct Observer {
    strategy: String,
    every: u64,
    seen: u64,
    half: Sums,
    points: Vec<Point>,
}

/// Sums over the flushes of the second half.
#[derive(Debug, Default)]
struct Sums {
    user_bytes: f64,
    written_before: u64,
    space: Mean,
    peak: f64,
    runs: Mean,
    asked: Mean,
    merged: Mean,
}

#[derive(Debug, Default)]
struct Mean {
    sum: f64,
    count: u64,
    max: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
        self.max = self.max.max(value);
    }

    fn spread(&self) -> Spread {
        Spread { mean: self.sum / float(self.count.max(1)), max: self.max }
    }
}

impl Observer {
    pub(super) fn new(strategy: &str, flushes: u64) -> Self {
        let every = flushes.div_ceil(MOST_POINTS).max(1);
        let strategy = strategy.to_owned();
        Self { strategy, every, seen: 0, half: Sums::default(), points: Vec::new() }
    }

    pub(super) fn see(&mut self, tree: &SimTree<'_>, writer: &Writer<'_>, flush: &Flush) {
        self.seen += 1;
        let live = tree.live_bytes(writer.live_keys());
        if self.seen.is_multiple_of(self.every) && flush.writes > 0 {
            self.points.push(point(tree, flush.writes, live));
        }
        if writer.is_in_second_half(flush) {
            self.half.add(tree, writer, flush, live);
        } else {
            self.half.written_before = tree.written;
        }
    }

    pub(super) fn report(self, tree: &SimTree<'_>) -> Report {
        let half = self.half;
        let written = float(tree.written - half.written_before);
        Report {
            strategy: self.strategy,
            write_amplification: written / half.user_bytes.max(1.0),
            space_amplification: half.space.spread(),
            peak_space_amplification: half.peak,
            runs: half.runs.spread(),
            tables_per_get: half.asked.spread().mean,
            tables_per_seek: half.merged.spread().mean,
            jobs: tree.jobs.clone(),
            illegal: tree.illegal,
            points: self.points,
        }
    }
}

impl Sums {
    fn add(&mut self, tree: &SimTree<'_>, writer: &Writer<'_>, flush: &Flush, live: f64) {
        self.user_bytes += float(flush.size) * writer.bytes_per_write();
        self.space.add(float(tree.tree.bytes()) / live.max(1.0));
        self.peak = self.peak.max(float(tree.peak) / live.max(1.0));
        self.runs.add(float(tree.tree.runs.len() as u64));
        for get in 0..GETS {
            let key = writer.some_live_key(chance(flush.writes, get, 0));
            let (asked, merged) = key.map_or((0, 0), |key| tree.runs_for(key));
            self.asked.add(float(asked));
            self.merged.add(float(merged));
        }
    }
}

fn point(tree: &SimTree<'_>, writes: u64, live: f64) -> Point {
    let mut levels = Vec::new();
    for run in &tree.tree.runs {
        let level = usize::from(run.level);
        levels.resize(levels.len().max(level + 1), 0);
        levels[level] += run.bytes();
    }
    Point { writes, runs: tree.tree.runs.len() as u64, levels, live: whole(live) }
}
