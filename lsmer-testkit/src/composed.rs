//! A composition of lsmer as the subject of the suite for whole engines.

use std::{fmt, ops::Bound, path::Path, time::Duration};

use lsmer::{
    Builder, Compression, Db, Keyspace, KeyspaceOptions, Scan, Snapshot, WriteBatch, WriteOptions,
    parts,
};
use lsmer_core::Env;

use crate::engine::{
    Config, Done, Edit, Reader, Result, Safety, Space, Store, Subject, Task, Walk,
};

/// A composition of lsmer: any [`Builder`].
///
/// ```
/// use lsmer::parts;
/// use lsmer_testkit::{Composed, engine::{Effort, engine_01_reads_are_those_of_an_ordered_map}};
///
/// let subject = Composed::new("no-cache", |builder, _| builder.cache(parts::NoCache));
/// let effort = Effort { runs: 3, ..Effort::SMOKE };
/// engine_01_reads_are_those_of_an_ordered_map(&subject, effort);
/// ```
pub struct Composed<F> {
    name: &'static str,
    compose: F,
    tolerant: bool,
}

impl<F: Fn(Builder, Config) -> Builder + Sync> Composed<F> {
    /// Names a composition. `compose` gets a builder whose world and sizes are set, and chooses
    /// parts; the same parts for the same [`Config::parts`]. The composition needs a log.
    pub const fn new(name: &'static str, compose: F) -> Self {
        Self { name, compose, tolerant: false }
    }

    /// Does not mind if the strategy plans what is illegal: it is refused, and counted.
    #[must_use]
    pub fn with_illegal_plans(self) -> Self {
        Self { tolerant: true, ..self }
    }
}

impl<F> fmt::Debug for Composed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Composed").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Makes everything so small that a few writes fill it: a few rows in a block, a few blocks in a
/// table, a few tables in a level.
pub fn tiny(builder: Builder, sizes: u64) -> Builder {
    let pick = |bits: u64, of: &[u64]| of[usize::try_from(sizes >> bits & 3).expect("under 4")];
    let segment = pick(0, &[4 << 10, 4 << 10, 8 << 10, 16 << 10]);
    let memtable = pick(2, &[4 << 10, 4 << 10, 8 << 10, 32 << 10]);
    builder
        .memory_budget(1 << 20)
        .memtable_bytes(usize::try_from(memtable).expect("it is small"))
        .segment_bytes(segment, 4 * segment)
        .compaction_jobs(usize::try_from(pick(4, &[2, 1, 2, 3])).expect("it is small"))
}

/// Chooses one of the implementations that ship of each part, as bits say: memtable, cache, table
/// format, strategy, filter, one each; bit 5 is not looked at; bits 6 and 7 choose among strategies
/// and their settings. 0: the defaults.
pub fn shipped(mut builder: Builder, bits: u64) -> Builder {
    let bit = |n: u32| bits >> n & 1 == 1;
    if bit(0) {
        builder = builder.memtable(parts::CrossbeamMemtable::factory());
    }
    if bit(1) {
        builder = builder.cache(parts::NoCache);
    }
    if bit(2) {
        builder = builder.table_format(parts::SortedArrayFormat::default());
    }
    builder = match (bits >> 6 & 3, bit(3)) {
        (0, true) => builder.compaction(parts::Tiered::default()),
        (1, true) => builder.compaction(parts::LazyLeveled::default()),
        (2, true) => builder.compaction(parts::TimeWindow::default()),
        (_, true) => builder.compaction(parts::Fifo::default().with_max_runs(4)),
        (0, false) => builder,
        (1, false) => builder.compaction(parts::Leveled::default().with_dynamic(false)),
        (..) => builder.compaction(with_old_deletes(parts::Leveled::default())),
    };
    if bit(4) {
        builder = builder.filter(parts::NoFilter);
    }
    builder
}

/// Deletes are old at once.
fn with_old_deletes(leveled: parts::Leveled) -> parts::Leveled {
    let deletes = parts::Deletes::default().with_max_age(Duration::ZERO).with_max_percent(5);
    leveled.with_deletes(deletes)
}

impl<F: Fn(Builder, Config) -> Builder + Sync> Subject for Composed<F> {
    fn name(&self) -> &str {
        self.name
    }

    fn open(&self, env: &Env, dir: &Path, config: Config) -> Result<Box<dyn Store>> {
        let builder = tiny(Db::builder(dir).env(env.clone()), config.sizes);
        let db = (self.compose)(builder, config).open()?;
        Ok(Box::new(Open { db, config, tolerant: self.tolerant }))
    }
}

/// An open database.
struct Open {
    db: Db,
    config: Config,
    tolerant: bool,
}

/// A snapshot, read through each keyspace that there was.
struct Snapshots(Vec<(Space, Snapshot)>);

struct Walking(Scan);

impl Open {
    fn keyspace(&self, space: Space) -> Result<Keyspace> {
        let of_name = |keyspace: &Keyspace| keyspace.name() == name(space);
        let found = self.db.keyspaces().into_iter().find(of_name);
        found.ok_or_else(|| format!("there is no keyspace {}", space.0).into())
    }

    /// A few rows in a block, a few blocks in a table, and one of the codecs.
    fn options(&self) -> KeyspaceOptions {
        let codecs = [Compression::None, Compression::Lz4, Compression::Zstd];
        let codec = codecs[usize::try_from(self.config.parts % 3).expect("under 3")];
        let options = KeyspaceOptions::default().with_block_bytes(128).with_table_bytes(1 << 10);
        options.with_compression([codec])
    }
}

fn name(space: Space) -> String {
    if space.0 == 0 { "default".to_owned() } else { format!("space-{}", space.0) }
}

impl Store for Open {
    fn write(&self, edits: &[Edit], safety: Safety) -> Result<()> {
        let mut batch = WriteBatch::new();
        for Edit { space, key, value } in edits {
            let keyspace = self.keyspace(*space)?;
            match value {
                Some(value) => batch.put_in(&keyspace, key, value),
                None => batch.delete_in(&keyspace, key),
            }
        }
        let how = match safety {
            Safety::Process => WriteOptions::process(),
            Safety::Sync => WriteOptions::sync(),
        };
        Ok(self.db.write_with(&batch, how)?)
    }

    fn perform(&self, task: &Task) -> Result<Done> {
        match task {
            Task::Create(space) if self.keyspace(*space).is_ok() => return Ok(Done::Process),
            Task::Create(space) => drop(self.db.keyspace(&name(*space), self.options())?),
            Task::Drop(space) => match self.keyspace(*space) {
                Ok(keyspace) => self.db.drop_keyspace(&keyspace)?,
                Err(_) => return Ok(Done::Process),
            },
            Task::Sync => self.db.sync()?,
            Task::Flush => self.db.flush()?,
            Task::Compact(low, high) => self.db.compact(low..high)?,
            Task::Checkpoint(dir) => self.db.checkpoint(dir)?,
        }
        Ok(Done::Sync)
    }

    fn spaces(&self) -> Result<Vec<Space>> {
        let number = |keyspace: &Keyspace| match keyspace.name() {
            "default" => Ok(Space(0)),
            name => Ok(Space(name.strip_prefix("space-").ok_or("a strange name")?.parse()?)),
        };
        let mut spaces: Vec<_> = self.db.keyspaces().iter().map(number).collect::<Result<_>>()?;
        spaces.sort();
        Ok(spaces)
    }

    fn snapshot(&self) -> Result<Option<Box<dyn Reader>>> {
        let snapshot = self.db.snapshot();
        let of = |space: Space| Ok((space, snapshot.in_keyspace(&self.keyspace(space)?)));
        let all = self.spaces()?.into_iter().map(of).collect::<Result<_>>()?;
        Ok(Some(Box::new(Snapshots(all))))
    }

    fn check(&self) -> Result<()> {
        let report = self.db.verify();
        if let Some(fault) = report.faults.first() {
            return Err(format!("{fault:?}").into());
        }
        match self.db.stats().illegal_plans {
            count if count == 0 || self.tolerant => Ok(()),
            count => Err(format!("{count} plans of the strategy broke a law").into()),
        }
    }

    fn close(self: Box<Self>) -> Result<Done> {
        self.db.close()?;
        Ok(Done::Sync)
    }
}

impl Reader for Open {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        read(&*self.keyspace(space)?, key)
    }

    fn walk(&self, space: Space, low: &[u8], high: Option<&[u8]>) -> Result<Box<dyn Walk>> {
        walk(&*self.keyspace(space)?, low, high)
    }
}

impl Snapshots {
    fn of(&self, space: Space) -> Result<&lsmer::Reader> {
        let found = self.0.iter().find(|(of, _)| *of == space);
        found.map(|(_, snapshot)| &**snapshot).ok_or_else(|| "it was not there".into())
    }
}

impl Reader for Snapshots {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        read(self.of(space)?, key)
    }

    fn walk(&self, space: Space, low: &[u8], high: Option<&[u8]>) -> Result<Box<dyn Walk>> {
        walk(self.of(space)?, low, high)
    }
}

fn read(reader: &lsmer::Reader, key: &[u8]) -> Result<Option<Vec<u8>>> {
    Ok(reader.get(key)?.map(|value| value.to_vec()))
}

fn walk(reader: &lsmer::Reader, low: &[u8], high: Option<&[u8]>) -> Result<Box<dyn Walk>> {
    let high = high.map_or(Bound::Unbounded, Bound::Excluded);
    Ok(Box::new(Walking(reader.range::<&[u8]>((Bound::Included(low), high))?)))
}

impl Walk for Walking {
    fn next(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        Ok(self.0.next()?)
    }

    fn next_back(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        Ok(self.0.next_back()?)
    }

    fn seek(&mut self, key: &[u8]) -> Result<bool> {
        self.0.seek(key)?;
        Ok(true)
    }
}
