//! The power is cut under a database on ext4, at any moment, again and again.
//!
//! A child writes with threads of its own and says what was acknowledged. After some
//! acknowledgements the file system is stopped (see `shutdown.rs`), the child is killed, and the
//! file system is mounted again, which replays its journal. What is left is the state after some
//! step: none before the last that was safe, and none that was not begun. The next child goes on
//! from there. Before a cut the kernel may have written anything back, so in one round of three
//! somebody syncs a file of the database.

use std::{fs, hint, ops::RangeInclusive, panic::catch_unwind, path::Path};

use lsmer::parts::{
    core::{Rng, Vfs},
    io::{SeededRng, StdVfs},
};
use lsmer_testkit::figures;

use super::{
    below,
    disk::{Disk, Mode},
    mirror::write_back,
    rounds, seed,
    shutdown::{Flush, shutdown},
    work::{After, Part, Said, State, apply, recovered, start},
};

/// What fits into a suite.
const CUTS: u64 = 30;
/// A database lives through so many cuts.
const LIVES: u64 = 10;
/// Steps of a child, if nobody stopped it.
const STEPS: u64 = 4000;

/// Where what the last cut has left is kept.
const KEPT: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/power-cut");

/// What cuts have shown.
#[derive(Debug, Default)]
struct Seen {
    /// Cuts after which something that was acknowledged, but not safe, was gone.
    lost: u64,
    /// Cuts after which something that was not safe was there.
    kept: u64,
    /// Cuts that took a step whose sync returned after them.
    late: u64,
    steps: u64,
}

/// One cut of a database that has done the steps before this part. Returns the last step that it
/// holds after it, and what was said of the steps.
///
/// # Errors
///
/// It holds no state that it may.
fn cut(disk: &mut Disk, rng: &SeededRng, part: Part) -> Result<(u64, Said), String> {
    let (life, before) = (part.seed, part.from - 1);
    let mode = if rng.next_u64().is_multiple_of(4) { Mode::Writeback } else { Mode::Ordered };
    if before == 0 {
        disk.clear();
    }
    let mounted = disk.mount(mode).unwrap();
    let folder = mounted.join("db");
    let mut child = start(&[], &folder, part);
    assert!(child.begin(), "it starts");
    let mut said = Said { acknowledged: before, safe: before, ..Said::default() };
    for _ in 0..below(rng, 60) {
        said.hear(child.next().expect("it does not end"));
    }
    for _ in 0..below(rng, 20_000) {
        hint::spin_loop();
    }
    if rng.next_u64().is_multiple_of(3) {
        write_back(&folder, rng);
    }
    let flush = if rng.next_u64().is_multiple_of(4) { Flush::Journal } else { Flush::Nothing };
    while let Some(mark) = child.next_at_hand() {
        said.hear(mark);
    }
    shutdown(&mounted, flush).unwrap();
    // A sync that was in flight may return success and mean nothing: ext4 does not tell it that the
    // journal was stopped meanwhile. When real power is lost nobody hears of it.
    let safe = said.safe;
    for mark in child.kill() {
        said.hear(mark);
    }
    disk.unmount().unwrap();

    let mounted = disk.mount(mode).unwrap();
    keep(&mounted.join("db"));
    let found = catch_unwind(|| recovered(&mounted.join("db")));
    disk.unmount().unwrap();
    let found =
        found.map_err(|_| format!("it cannot be read; seed {life}, {mode:?}, {flush:?}"))?;
    let holds = |steps: RangeInclusive<u64>| {
        let mut state = State::default();
        apply(&mut state, life, 1..*steps.start());
        let mut steps = steps.clone();
        steps.find(|step| {
            apply(&mut state, life, Some(*step).filter(|step| *step > 0));
            state == found
        })
    };
    let begun = said.acknowledged + 1;
    match holds(safe..=begun) {
        Some(held) => Ok((held, said)),
        None => Err(format!(
            "not after {safe}..={begun}, but {:?}; began after {before}; {said:?}; seed {life}, \
             {mode:?}, {flush:?}; the files as they were are in {KEPT}",
            holds(0..=begun)
        )),
    }
}

/// Copies what a power cut has left, so that it can be looked at if it is wrong.
fn keep(folder: &Path) {
    fs::remove_dir_all(KEPT).ok();
    fs::create_dir_all(KEPT).unwrap();
    for entry in StdVfs.read_dir(folder).unwrap_or_default() {
        fs::copy(folder.join(&entry.name), Path::new(KEPT).join(&entry.name)).unwrap();
    }
}

/// Cuts the power so many times, and counts what that has shown.
fn cuts(disk: &mut Disk, cuts: u64, careless: bool) -> Result<Seen, String> {
    let (mut seen, mut before) = (Seen::default(), 0);
    for n in 0..cuts {
        let rng = SeededRng::new(seed() << 32 | n);
        before = if n % LIVES == 0 { 0 } else { before };
        let (from, upto) = (before + 1, before + STEPS);
        let (after, in_turn, seed) = (After::Wait, false, seed() + n / LIVES);
        let part = Part { seed, from, upto, after, in_turn, careless };
        let (held, said) = cut(disk, &rng, part)?;
        seen.lost += u64::from(held < said.acknowledged);
        seen.kept += u64::from(held > said.safe);
        seen.late += u64::from(held < said.safe);
        seen.steps += held - before;
        before = held;
    }
    Ok(seen)
}

#[test]
fn a_power_cut_leaves_a_state_with_every_synced_step() {
    let mut disk = match Disk::new() {
        Ok(disk) => disk,
        Err(why) => return println!("SKIPPED: no disk to cut the power of: {why}"),
    };
    let count = rounds(CUTS);
    let seen = cuts(&mut disk, count, false).unwrap();
    let Seen { lost, kept, late, steps } = seen;
    let counts =
        [("cuts", count), ("lost", lost), ("kept", kept), ("late", late), ("steps", steps)];
    figures("real-power", &counts);
    assert!(steps >= count, "the children get somewhere");
}

#[test]
fn a_power_cut_shows_that_nothing_was_synced() {
    let mut disk = match Disk::new() {
        Ok(disk) => disk,
        Err(why) => return println!("SKIPPED: no disk to cut the power of: {why}"),
    };
    let noticed = cuts(&mut disk, 2 * LIVES, true);
    println!("{noticed:?}");
    assert!(noticed.is_err());
}
