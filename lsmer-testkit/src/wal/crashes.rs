//! `WAL-01`, `WAL-03`, `WAL-05` and `WAL-06`: every crash at every point of recorded lives.

use std::collections::BTreeSet;

use lsmer_core::WalFormat;

use super::{
    life::{Act, Broken, Life, Sizes, random_acts, recorded},
    memory::Memory,
};
use crate::{Budget, Crash, Cursor, Flight, Recording, SimVfs, figures, seed::Seeded};

const SMALL: Sizes = (1 << 10, 4 << 10);

/// Every subset of up to ten pending changes.
const EVERY_SUBSET: Budget = Budget { all_upto: 10, ..Budget::SMALL };

/// Which of the crashes at a point are tried.
type Pick = fn(&Crash) -> bool;

/// `WAL-01`: logs of one to three records, synced or not: of what was not synced before a power
/// loss, every subset is there once. A prefix of the records is found each time, with all that
/// were synced.
///
/// # Panics
///
/// If not.
pub fn wal_01_every_loss_of_a_short_log_leaves_a_prefix(format: &dyn WalFormat) {
    let mut states = 0;
    for acts in [
        &[Act::Write(100)][..],
        &[Act::Write(0), Act::Sync, Act::Write(600)],
        &[Act::Write(500), Act::Write(500), Act::Sync],
        &[Act::Write(900), Act::Sync, Act::Write(900), Act::Write(10)],
        &[Act::Write(10), Act::Reopen, Act::Write(10), Act::Sync],
    ] {
        for fast_ring in [false, true] {
            let sweep = Sweep::new(format, (SMALL, fast_ring), acts.to_vec());
            states += sweep.run(&EVERY_SUBSET, |crash| crash.power.is_some());
        }
    }
    figures(&format!("wal-short-{}", format.name()), &[("states", states)]);
}

/// `WAL-03`: segments are filled with records of one size, released and used again, so that what
/// stands behind the end of a log are whole records of an earlier use; none of them is found.
///
/// # Panics
///
/// If one is.
pub fn wal_03_records_of_a_recycled_file_are_not_found(format: &dyn WalFormat) {
    let mut states = 0;
    for bytes in [200, 440] {
        let mut acts = Vec::new();
        for round in 0..5 {
            acts.extend([Act::Write(bytes); 5]);
            acts.push(if round % 2 == 0 { Act::Sync } else { Act::Work });
            acts.push(Act::Flush);
        }
        acts.extend([Act::Write(bytes), Act::Reopen, Act::Write(bytes), Act::Write(bytes)]);
        for fast_ring in [false, true] {
            let sweep = Sweep::new(format, ((1 << 10, 1 << 10), fast_ring), acts.clone());
            states += sweep.run(&Budget::SMALL, |_| true);
        }
    }
    figures(&format!("wal-recycled-{}", format.name()), &[("states", states)]);
}

/// `WAL-05`: at every point of random lives, and of one with large records, the process dies, also in the middle of a write: every
/// record whose `write` had returned is found.
///
/// # Panics
///
/// If not.
pub fn wal_05_a_written_record_survives_a_kill(format: &dyn WalFormat) {
    let states = random_lives(format, 40, &Budget::SMALL, |crash| crash.power.is_none());
    figures(&format!("wal-kill-{}", format.name()), &[("states", states)]);
}

/// `WAL-06`: at every point of the same lives power is lost: every record that a `sync_to` covered
/// is found, and those that are found are a prefix.
///
/// # Panics
///
/// If not.
pub fn wal_06_a_synced_record_survives_a_power_loss(format: &dyn WalFormat) {
    let states = random_lives(format, 40, &Budget::SMALL, |crash| crash.power.is_some());
    figures(&format!("wal-power-{}", format.name()), &[("states", states)]);
}

/// `WAL-01`: the recovery from a crash is crashed at every point, and repeated, and what it found
/// is what the next one finds, unless it never wrote its decision down.
///
/// # Panics
///
/// If not.
pub fn wal_01_a_recovery_may_crash_and_be_repeated(format: &dyn WalFormat) {
    let (mut random, mut states) = (Seeded::new(), 0);
    for round in 0..12 {
        let acts = random_acts(&mut random, 10);
        let sweep = Sweep::new(format, (SMALL, round % 2 == 0), acts);
        states += sweep.run_twice(&mut random);
    }
    figures(&format!("wal-twice-{}", format.name()), &[("states", states)]);
}

/// Records larger than what a log might collect before it writes, and larger than a segment.
const LARGE: [Act; 12] = [
    Act::Write(10),
    Act::Write(3_000),
    Act::Sync,
    Act::Write(70_000),
    Act::Write(5),
    Act::Flush,
    Act::Write(150_000),
    Act::Write(100),
    Act::Reopen,
    Act::Write(40_000),
    Act::Sync,
    Act::Write(7),
];

fn random_lives(format: &dyn WalFormat, lives: usize, budget: &Budget, pick: Pick) -> u64 {
    let (mut random, mut states) = (Seeded::new(), 0);
    for round in 0..lives {
        let acts = random_acts(&mut random, 14);
        states += Sweep::new(format, (SMALL, round % 2 == 0), acts).run(budget, pick);
    }
    for fast_ring in [false, true] {
        let how = ((8 << 10, 128 << 10), fast_ring);
        states += Sweep::new(format, how, LARGE.to_vec()).run(budget, pick);
    }
    states
}

/// A recorded life that is crashed.
struct Sweep<'a> {
    format: &'a dyn WalFormat,
    sizes: Sizes,
    acts: Vec<Act>,
    recording: Recording,
    /// What was known after so many events.
    notes: Vec<(usize, Memory)>,
    random: Seeded,
}

impl<'a> Sweep<'a> {
    fn new(format: &'a dyn WalFormat, how: (Sizes, bool), acts: Vec<Act>) -> Self {
        let random = Seeded::new();
        let (recording, notes) = recorded(format, how, &acts, &random);
        Self { format, sizes: how.0, acts, recording, notes, random }
    }

    /// Tries crashes at every point, and returns how many different ones.
    fn run(&self, budget: &Budget, pick: Pick) -> u64 {
        let (mut cursor, mut states) = (self.recording.cursor(), 0);
        for point in 0..=self.recording.events().len() {
            cursor.advance_to(point);
            let mut seen = BTreeSet::new();
            for crash in cursor.states(budget, self.random.seed()).filter(pick) {
                let state = cursor.materialise(&crash);
                if !seen.insert((state.hash(), crash.power.is_some())) {
                    continue;
                }
                states += 1;
                for memory in self.known(point, &crash) {
                    let recovered = self.recover(state.vfs(), memory, crash.power.is_some());
                    if let Err(broken) = recovered {
                        self.report(&cursor, &crash, memory, &broken);
                    }
                }
            }
        }
        states
    }

    /// Crashes a few recoveries at every point of theirs.
    fn run_twice(&self, random: &mut Seeded) -> u64 {
        let (mut cursor, mut states) = (self.recording.cursor(), 0);
        for point in (0..=self.recording.events().len()).step_by(3) {
            cursor.advance_to(point);
            let crashes: Vec<_> = cursor.states(&Budget::SMALL, self.random.seed()).collect();
            let crash = &crashes[random.below(crashes.len())];
            let Some(memory) = self.known(point, crash).last() else { continue };
            match self.crash_again(cursor.materialise(crash).vfs(), memory, crash.power.is_some()) {
                Ok(count) => states += count,
                Err(broken) => panic!("{broken}; first {}", self.describe(&cursor, crash)),
            }
        }
        states
    }

    /// Recovers a disk, and crashes that at every point.
    fn crash_again(&self, disk: SimVfs, memory: &Memory, power: bool) -> Result<u64, Broken> {
        disk.record();
        let mut life = Life::on(self.format, disk, as_left(memory, power), self.sizes);
        life.open(power)?;
        life.act(Act::Write(50))?;
        let first = (0, as_left(memory, power));
        let notes: Vec<_> = std::iter::once(first).chain(life.notes).collect();
        let (recording, mut states) = (life.sim.recording(), 0);
        let mut cursor = recording.cursor();
        for point in 0..=recording.events().len() {
            cursor.advance_to(point);
            let budget = Budget { family: 2, samples: 2, flights: 1, ..Budget::SMALL };
            for crash in cursor.states(&budget, self.random.seed()) {
                let lost = crash.power.is_some();
                for memory in known(&notes, point, &crash) {
                    states += 1;
                    self.recover(cursor.materialise(&crash).vfs(), memory, lost).map_err(
                        |Broken(text)| {
                            let lost = cursor.explain(&crash);
                            Broken(format!("{text}; then, after event {point}, {crash}: {lost:#?}"))
                        },
                    )?;
                }
            }
        }
        Ok(states)
    }

    /// Opens what a crash left, writes a record, and reads all of it once more.
    fn recover(&self, disk: SimVfs, memory: &Memory, power: bool) -> Result<(), Broken> {
        disk.record();
        let mut life = Life::on(self.format, disk, as_left(memory, power), self.sizes);
        let scan = || life.memory.scan(self.format, &life.vfs).ok();
        if scan() != scan() || life.sim.recorded() > 0 {
            let what = "WAL-01: a scan writes, or the next one finds something else";
            return Err(Broken(what.to_owned()));
        }
        life.open(power)?;
        life.act(Act::Write(60))?;
        life.foreign_is_whole()?;
        life.open(false)
    }

    fn known(&self, point: usize, crash: &Crash) -> impl Iterator<Item = &Memory> {
        known(&self.notes, point, crash)
    }

    fn report(&self, cursor: &Cursor<'_>, crash: &Crash, memory: &Memory, broken: &Broken) -> ! {
        let power = crash.power.is_some();
        let fails = |crash: &Crash| {
            let disk = cursor.materialise(crash).vfs();
            crash.power.is_some() == power && self.recover(disk, memory, power).is_err()
        };
        let crash = cursor.shrink(crash, fails);
        panic!("{broken}; {}", self.describe(cursor, &crash))
    }

    fn describe(&self, cursor: &Cursor<'_>, crash: &Crash) -> String {
        let (at, lost) = (cursor.at(), cursor.explain(crash));
        format!("after event {at}, {crash}: {lost:#?}; {:?}; {}", self.acts, self.random)
    }
}

/// Returns what may have been known when it crashed: the last thing known before the point, and
/// all that got known there, or only the last of that if the next event had begun.
fn known<'a>(
    notes: &'a [(usize, Memory)],
    point: usize,
    crash: &Crash,
) -> impl Iterator<Item = &'a Memory> {
    let to = notes.partition_point(|(events, _)| *events <= point);
    let from = match crash.flight {
        Flight::Nothing => notes.partition_point(|(events, _)| *events < point),
        _ => to,
    };
    notes[from.saturating_sub(1)..to].iter().map(|(_, memory)| memory)
}

/// Returns what is still promised after a crash.
fn as_left(memory: &Memory, power: bool) -> Memory {
    let written = if power { memory.synced } else { memory.written };
    Memory { written, ..memory.clone() }
}
