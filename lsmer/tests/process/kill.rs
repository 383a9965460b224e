//! A process that is killed loses nothing that it has acknowledged.
//!
//! A child opens a database with tiny memtables, segments and tables, and four threads write to it
//! as fast as they can; each says through a pipe what was acknowledged. The parent kills it with
//! SIGKILL at a moment it aims at: inside recovery, inside a rotation of memtable or log, inside a
//! flush or a compaction, or after some acknowledgements. Then it looks at what is left, through a
//! read-only opening, which leaves the remains to the next child, or through one that recovers:
//!
//! - every acknowledged write is there, and of each thread at most the one write in flight more;
//! - each write is there whole, over both keyspaces, and the writes of a thread are a prefix;
//! - scans from both ends and lookups agree about it;
//! - a recovery removes the tables that nobody names, and the files that are half made.
//!
//! `LSMER_SEED` repeats the aims of a run, though not the moments; `LSMER_LONG=1` kills ten times
//! as often.

#![expect(clippy::print_stdout, reason = "the seed, and what the kills hit")]

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fmt, hint,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use lsmer::{
    Db, Durability, ErrorKind, Keyspace, Reader,
    parts::{
        core::{Rng, TableId},
        io::{SeededRng, StdVfs, SystemRng, ThreadExec},
    },
};
use lsmer_manifest::Manifest;
use lsmer_testkit::figures;
use tempfile::TempDir;

use crate::{
    child::{Child, Mark, is_long, say, told},
    marking::{
        COMPACTION, FLUSH, MEMTABLE, MarkingExec, MarkingFiles, MarkingMemtables, SEGMENT, mark,
        number_thread,
    },
    over::Over,
    workload::{Done, OTHER, Spaces, State, check_shared, expected, key},
};

const KILLS: u64 = 150;
/// A folder is used for so many kills.
const KILLS_A_FOLDER: u64 = 25;
/// Every so often all checksums are checked.
const VERIFY_EVERY: u64 = 20;
/// A child whose aim does not come up is killed after so many acknowledgements.
const PATIENCE: u64 = 4000;

const OPENING: u8 = b'o';
const READY: u8 = b'r';
const ACKNOWLEDGED: u8 = b'a';

/// When to kill.
#[derive(Clone, Copy, Debug)]
enum Aim {
    Opening,
    Acknowledged(u64),
    /// The begin of something, for the so many-th time.
    Begin(u8, u64),
}

/// What a child has done so far, from its marks.
#[derive(Debug, Default)]
struct Progress {
    ready: bool,
    acknowledged: Done,
    count: u64,
    flushes: u64,
    compactions: u64,
    segments: u64,
    /// Threads whose write made a memtable and is not acknowledged yet.
    rotating: [bool; 4],
}

/// How many kills fell into what; one kill may count several times.
#[derive(Debug, Default)]
struct Counts {
    kills: u64,
    recovery: u64,
    flush: u64,
    compaction: u64,
    memtable: u64,
    segment: u64,
    orphans: u64,
    half_made: u64,
    acknowledged: u64,
    in_flight: u64,
}

/// What a kill left on the disk.
#[derive(Debug, Default)]
struct Remains {
    orphans: BTreeSet<PathBuf>,
    half_made: BTreeSet<PathBuf>,
}

#[test]
fn a_killed_process_keeps_what_it_acknowledged() {
    kill_many(Durability::Process);
}

#[test]
fn a_killed_process_keeps_what_it_acknowledged_as_synced() {
    kill_many(Durability::Sync);
}

/// The part of a child: opens the database and writes until it is killed.
pub(crate) fn child() {
    let durability = if told("SYNC") == "1" { Durability::Sync } else { Durability::Process };
    let next: Vec<u64> = told("NEXT").split(',').map(|n| n.parse().expect("a number")).collect();
    say(OPENING, 0);
    let db = builder(Path::new(&told("FOLDER")), durability)
        .vfs(Over(MarkingFiles))
        .exec(Arc::new(MarkingExec(ThreadExec::new(2))))
        .memtable(MarkingMemtables::factory())
        .open();
    let spaces = Spaces::of(db.expect("it opens")).expect("it has its keyspace");
    say(READY, 0);
    thread::scope(|scope| {
        for (first, t) in next.into_iter().zip(0_u8..) {
            let spaces = &spaces;
            scope.spawn(move || {
                number_thread(t);
                for n in first.. {
                    spaces.write(t.into(), n).expect("nothing is wrong with the disk");
                    mark(ACKNOWLEDGED, n);
                }
            });
        }
    });
}

fn builder(folder: &Path, durability: Durability) -> lsmer::Builder {
    Db::builder(folder)
        .durability(durability)
        .memory_budget(4 << 20)
        .memtable_bytes(64 << 10)
        .segment_bytes(16 << 10, 128 << 10)
}

fn kill_many(durability: Durability) {
    let given = std::env::var("LSMER_SEED").ok().map(|seed| seed.parse().expect("a number"));
    let seed = given.unwrap_or_else(|| SystemRng::new().next_u64());
    println!("{durability:?}: LSMER_SEED={seed}");
    let dice = SeededRng::new(seed);
    let mut counts = Counts::default();
    let mut run = Run::new(durability);
    for round in 0..if is_long() { 10 * KILLS } else { KILLS } {
        if round % KILLS_A_FOLDER == 0 {
            run = Run::new(durability);
        }
        run.kill_one(&dice, &mut counts);
        let recover = dice.next_u64().is_multiple_of(2);
        run.check(recover, round % VERIFY_EVERY == VERIFY_EVERY - 1, &mut counts);
    }
    println!("{durability:?}: {counts}");
    let name = format!("kill-{durability:?}").to_lowercase();
    figures(&name, &[("kills", counts.kills), ("recovery", counts.recovery)]);
    counts.assert_all();
}

/// The life of one folder.
struct Run {
    durability: Durability,
    folder: TempDir,
    /// The last write of each thread that is known to be there.
    done: Done,
}

impl Run {
    fn new(durability: Durability) -> Self {
        let folder = tempfile::tempdir().expect("there is room for temporary files");
        Self { durability, folder, done: Done::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("db")
    }

    /// Runs a child and kills it; afterwards `done` are the acknowledged writes.
    fn kill_one(&mut self, dice: &SeededRng, counts: &mut Counts) {
        let aim = Aim::random(dice);
        let spins = 1_u64 << (dice.next_u64() % 18);
        let spins = spins + dice.next_u64() % spins;
        let next = self.done.map(|done| (done + 1).to_string()).join(",");
        let path = self.path();
        let sync = if self.durability == Durability::Sync { "1" } else { "0" };
        let variables: [(&str, &OsStr); 3] =
            [("FOLDER", path.as_ref()), ("NEXT", next.as_ref()), ("SYNC", sync.as_ref())];
        let mut child = Child::start("write", &variables);
        assert!(child.begin(), "the child plays its part");
        let mut progress = Progress { acknowledged: self.done, ..Progress::default() };
        let mut seen = 0;
        loop {
            let mark = child.next().expect("it writes until it is killed");
            progress.note(mark);
            seen += u64::from(aim.begins_with(mark));
            if aim.is_met(seen) || progress.count >= PATIENCE {
                break;
            }
        }
        for _ in 0..spins {
            hint::spin_loop();
        }
        for mark in child.kill() {
            progress.note(mark);
        }
        counts.add(&progress);
        self.done = progress.acknowledged;
    }

    /// Looks at what is left; afterwards `done` are the writes that were found.
    fn check(&mut self, recover: bool, verify: bool, counts: &mut Counts) {
        self.folder.disable_cleanup(true); // what is wrong can be looked at
        let path = self.path();
        let remains = Remains::of(&path);
        counts.orphans += u64::from(!remains.orphans.is_empty());
        counts.half_made += u64::from(!remains.half_made.is_empty());
        let builder = builder(&path, self.durability);
        let opened = if recover { builder.open() } else { builder.read_only().open() };
        let db = match opened {
            Ok(db) => db,
            Err(error) if !recover && self.done == Done::default() => {
                assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
                self.folder.disable_cleanup(false);
                return; // killed before there was a database
            }
            Err(error) => panic!("{} does not open: {error:?}", path.display()),
        };
        let found = self.read(&db);
        for (found, acknowledged) in found.into_iter().zip(self.done) {
            counts.in_flight += found - acknowledged;
        }
        self.done = found;
        if recover {
            remains.assert_gone();
        }
        if verify {
            let faults = db.verify().faults;
            assert!(faults.is_empty(), "{}: {faults:?}", path.display());
        }
        db.close().expect("it closes");
        self.folder.disable_cleanup(false);
    }

    /// Checks all that is in the database, and returns how far each thread got.
    fn read(&self, db: &Db) -> Done {
        let mut done = self.done;
        for (done, thread) in done.iter_mut().zip(0..) {
            let in_flight = db.contains_key(key(thread, *done + 1)).expect("it can be read");
            *done += u64::from(in_flight);
        }
        let place = self.path();
        let place = place.display();
        let other = db.keyspaces().into_iter().find(|space| space.name() == OTHER);
        let mut found = State::default();
        for (found, space) in found.iter_mut().zip([Some(&**db), other.as_ref()]) {
            *found = space.map(both_ways).unwrap_or_default();
        }
        check_shared(&mut found, done);
        let expected = expected(done);
        for (expected, found) in expected.iter().zip(&found) {
            let missing: Vec<_> = expected.keys().filter(|key| !found.contains_key(*key)).collect();
            let surplus: Vec<_> = found.keys().filter(|key| !expected.contains_key(*key)).collect();
            assert!(
                missing.is_empty() && surplus.is_empty(),
                "{place}: {done:?}: without {}, and with {}",
                Names(&missing),
                Names(&surplus)
            );
            let wrong: Vec<_> =
                expected.keys().filter(|key| expected[*key] != found[*key]).collect();
            assert!(wrong.is_empty(), "{place}: {done:?}: wrong values of {}", Names(&wrong));
        }
        for (expected, space) in expected.iter().zip([Some(&**db), other.as_ref()]) {
            for (key, value) in expected {
                let got = space.expect("it was scanned").get(key).expect("it can be read");
                assert_eq!(got.as_deref(), Some(&value[..]), "{place}: {}", key.escape_ascii());
            }
        }
        for (done, thread) in done.into_iter().zip(0..) {
            assert!(!db.contains_key(key(thread, done + 1)).expect("it can be read"), "{place}");
        }
        done
    }
}

/// Reads a keyspace forward and backward, and compares.
fn both_ways(space: &Keyspace) -> std::collections::BTreeMap<Vec<u8>, Vec<u8>> {
    let reader: &Reader = space;
    let scan = || reader.iter().expect("it can be read").owned();
    let copy = |entry: lsmer::Result<(lsmer::Value, lsmer::Value)>| {
        let (key, value) = entry.expect("it can be read");
        (key.to_vec(), value.to_vec())
    };
    let forward: Vec<_> = scan().map(copy).collect();
    let mut backward: Vec<_> = scan().rev().map(copy).collect();
    backward.reverse();
    assert!(forward == backward, "forward and backward differ");
    assert!(forward.windows(2).all(|pair| pair[0].0 < pair[1].0), "out of order");
    forward.into_iter().collect()
}

impl Aim {
    fn random(dice: &SeededRng) -> Self {
        let often = 1 + dice.next_u64() % 4;
        match dice.next_u64() % 10 {
            0..3 => Self::Opening,
            3..5 => Self::Begin(FLUSH.0, often),
            5..7 => Self::Begin(COMPACTION.0, often),
            7 => Self::Begin(SEGMENT.0, 1 + often),
            8 => Self::Begin(MEMTABLE, 4 + often),
            _ => Self::Acknowledged(1 + dice.next_u64() % 600),
        }
    }

    fn begins_with(self, mark: Mark) -> bool {
        match self {
            Self::Opening => mark.tag == OPENING,
            Self::Acknowledged(_) => mark.tag == ACKNOWLEDGED,
            Self::Begin(tag, _) => mark.tag == tag,
        }
    }

    fn is_met(self, seen: u64) -> bool {
        match self {
            Self::Opening => seen == 1,
            Self::Acknowledged(often) | Self::Begin(_, often) => seen == often,
        }
    }
}

impl Progress {
    fn note(&mut self, mark: Mark) {
        let thread = usize::from(mark.who);
        match mark.tag {
            READY => self.ready = true,
            ACKNOWLEDGED => {
                assert_eq!(mark.n, self.acknowledged[thread] + 1, "a thread writes in order");
                self.acknowledged[thread] = mark.n;
                self.rotating[thread] = false;
                self.count += 1;
            }
            MEMTABLE if mark.who != Mark::NOBODY => self.rotating[thread] = true,
            tag if tag == FLUSH.0 => self.flushes += 1,
            tag if tag == FLUSH.1 => self.flushes -= 1,
            tag if tag == COMPACTION.0 => self.compactions += 1,
            tag if tag == COMPACTION.1 => self.compactions -= 1,
            tag if tag == SEGMENT.0 => self.segments += 1,
            tag if tag == SEGMENT.1 => self.segments -= 1,
            _ => {}
        }
    }
}

impl Counts {
    fn add(&mut self, killed: &Progress) {
        self.kills += 1;
        self.recovery += u64::from(!killed.ready);
        self.flush += u64::from(killed.flushes > 0);
        self.compaction += u64::from(killed.compactions > 0);
        self.segment += u64::from(killed.segments > 0);
        self.memtable += u64::from(killed.rotating.contains(&true));
        self.acknowledged += killed.count;
    }

    fn assert_all(&self) {
        assert!(self.kills >= KILLS, "{self}");
        let phases = [
            (self.recovery, "recovery"),
            (self.flush, "a flush"),
            (self.compaction, "a compaction"),
            (self.memtable + self.segment, "a rotation"),
            (self.orphans, "tables that nobody names"),
        ];
        for (count, phase) in phases {
            assert!(count > 0, "no kill hit {phase}: {self}");
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} kills: {} inside recovery, {} inside a flush, {} inside a compaction, {} inside a \
             rotation of a memtable, {} of the log; {} left orphans, {} half-made files; {} writes \
             were acknowledged, {} in flight were found",
            self.kills,
            self.recovery,
            self.flush,
            self.compaction,
            self.memtable,
            self.segment,
            self.orphans,
            self.half_made,
            self.acknowledged,
            self.in_flight
        )
    }
}

impl Remains {
    fn of(dir: &Path) -> Self {
        let mut remains = Self::default();
        let Ok(entries) = dir.read_dir() else { return remains };
        let named = match Manifest::read(&StdVfs, dir) {
            Ok((state, _)) => {
                let spaces = state.keyspaces.values();
                spaces.flat_map(|space| space.tree.tables().map(|table| table.id)).collect()
            }
            Err(_) => BTreeSet::new(),
        };
        for path in entries.map(|entry| entry.expect("it can be listed").path()) {
            let name = path.file_name().and_then(OsStr::to_str).expect("our names are text");
            match TableId::of_file_name(name) {
                Some(id) if !named.contains(&id) => _ = remains.orphans.insert(path),
                None if name.strip_suffix(".tmp").is_some() => _ = remains.half_made.insert(path),
                _ => {}
            }
        }
        remains
    }

    fn assert_gone(&self) {
        for path in self.orphans.iter().chain(&self.half_made) {
            assert!(!path.exists(), "{} was not removed", path.display());
        }
    }
}

/// Shows the first keys of a list.
struct Names<'a>(&'a [&'a Vec<u8>]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.0.len())?;
        self.0.iter().take(6).try_for_each(|key| write!(f, " {}", key.escape_ascii()))
    }
}
