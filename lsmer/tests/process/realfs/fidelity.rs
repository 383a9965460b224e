//! The simulated file system against the real one: whatever a power cut leaves on ext4 is one of
//! the disks that a simulated crash may leave.
//!
//! A database does the same on both (see `mirror.rs`), and the power of the real one is cut. What
//! is there after the journal was replayed is explained by the recording: under `Weak`, under which
//! all suites check, and with `data=ordered` also under `Ext4Ordered`.

use std::{collections::BTreeSet, path::Path};

use lsmer::{
    Db,
    parts::{
        self,
        core::Rng,
        io::{MemVfs, SeededRng, StdVfs},
    },
};
use lsmer_testkit::{Crash, Filler, Outcome, Profile, figures};

use super::{
    below,
    disk::{Disk, Mode},
    mirror::{Cut, Mirror},
    rounds, seed,
    shutdown::Flush,
    work::{small, step},
};

/// What fits into a suite.
const CUTS: u64 = 30;
const STEPS: u64 = 45;
/// About how many events those steps have.
const EVENTS: usize = 400;

/// Runs the workload until the power is gone, or to its end.
fn work(mirror: &Mirror, seed: u64) {
    let env = parts::io::manual(MemVfs::without_crashes(), 0).0;
    let Ok(db) = small(Db::builder("db")).env(env).vfs(mirror.clone()).open() else { return };
    for at in 1..STEPS {
        if step(&db, seed, at).is_err() {
            return;
        }
    }
}

/// Returns what is on the disk.
fn outcome(mounted: &Path) -> Outcome {
    let mut found = Outcome::read(&StdVfs, mounted).unwrap();
    found.names.retain(|name, _| !name.starts_with("lost+found"));
    found
}

#[test]
fn what_a_power_cut_leaves_is_a_disk_that_the_simulation_allows() {
    let mut disk = match Disk::new() {
        Ok(disk) => disk,
        Err(why) => return println!("SKIPPED: no disk to cut the power of: {why}"),
    };
    let (mut lost, mut different) = (0, BTreeSet::new());
    let cuts = rounds(CUTS);
    for n in 0..cuts {
        disk.clear();
        let rng = SeededRng::new(seed() << 32 | n);
        let mode = if n % 4 == 3 { Mode::Writeback } else { Mode::Ordered };
        let flush = if n % 3 == 2 { Flush::Journal } else { Flush::Nothing };
        let cut = Cut { at: below(&rng, EVENTS), flush, rng: SeededRng::new(rng.next_u64()) };
        let mirror = Mirror::new(&disk.mount(mode).unwrap(), cut);
        work(&mirror, n);
        let recording = mirror.finish();
        drop(mirror);
        disk.unmount().unwrap();
        let found = outcome(&disk.mount(mode).unwrap());
        disk.unmount().unwrap();

        let mut cursor = recording.cursor();
        cursor.advance_to(recording.events().len());
        let profiles = [Profile::Weak, Profile::Ext4Ordered];
        for profile in &profiles[..=usize::from(mode == Mode::Ordered)] {
            let allowed = cursor.allows(*profile, &found);
            assert_eq!(allowed, Ok(()), "{profile:?}, cut {n} at {}, {mode:?}", cursor.at());
        }
        let everything = cursor.materialise(&Crash::power(Vec::new(), Filler::Zeros)).vfs();
        lost += u64::from(Outcome::read(&everything, Path::new("/")).unwrap() != found);
        different.insert(format!("{found:?}"));
    }
    let counts = [("cuts", cuts), ("lost", lost), ("different", different.len() as u64)];
    figures("real-fidelity", &counts);
    assert!(lost > cuts / 4, "cuts take something");
}
