//! Blocks that are damaged while nobody looks: zeroed, written elsewhere, in each other's place.
//! One bit of every byte is flipped in `tests/it/flips.rs`.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use lsmer::{ErrorKind, Result};
use lsmer_core::Vfs;
use lsmer_testkit::{Crash, CrashState, fault::Damage, figures};

use crate::{
    case::Case,
    media::ORDERLY,
    model::{State, check_reads},
    run::bare,
    sweep::case,
    world::{Opened, World, may_be_damaged, never, open},
};

const BLOCK: u64 = 200;

/// What came of damage.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// The file was the same afterwards.
    Nothing,
    Refused,
    Told,
    Harmless,
}

/// Returns the disk of a database that was closed in order, and what it holds.
fn closed() -> (CrashState, Vec<State>) {
    let case = Case { steps: ORDERLY, ..case(false) };
    let mut world = World::new(&case, &bare);
    world.run().unwrap();
    assert!(world.close().unwrap());
    let possible = world.model.possible.to_vec();
    assert_eq!(possible.len(), 1, "nothing failed");
    let recording = world.sim.recording();
    let mut cursor = recording.cursor();
    cursor.advance_to(usize::MAX);
    (cursor.materialise(&Crash::KILL), possible)
}

fn files(disk: &CrashState) -> Vec<(PathBuf, u64)> {
    let entries = disk.vfs().read_dir(Path::new("db")).unwrap().into_iter();
    let files = entries.filter(|entry| !entry.is_dir && entry.name != "ring");
    files.map(|entry| (Path::new("db").join(entry.name), entry.bytes)).collect()
}

fn damaged(disk: &CrashState, path: &Path, damage: Damage, want: &[State]) -> Outcome {
    let vfs = disk.vfs();
    if !damage.apply(&vfs, path).unwrap() {
        return Outcome::Nothing;
    }
    let what = format!("{damage:?} of {}", path.display());
    let opened: Result<Opened> = open(Arc::new(vfs), "db", 1);
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Corruption, "{what}: {error:?}");
            return Outcome::Refused;
        }
    };
    let read = check_reads(&opened.db, want, may_be_damaged);
    assert!(read.is_ok(), "{what}: {read:?}");
    let all = check_reads(&opened.db, want, never).is_ok();
    if all && opened.db.verify().faults.is_empty() { Outcome::Harmless } else { Outcome::Told }
}

#[test]
fn a_block_that_is_damaged_at_rest_is_noticed_or_harmless() {
    let (disk, want) = closed();
    let (mut runs, mut noticed, mut harmless) = (0, 0, 0);
    for (path, bytes) in files(&disk) {
        let table = path.extension().is_some_and(|extension| extension == "tbl");
        for offset in (0..bytes.min(20 << 10)).step_by(40) {
            let other = (offset + 3 * BLOCK) % bytes.max(1);
            let damages = [
                Damage::Zeros { offset, bytes: BLOCK },
                Damage::Swapped { one: offset, other, bytes: BLOCK },
                Damage::Misdirected { from: other, to: offset, bytes: BLOCK },
            ];
            for damage in damages {
                let outcome = damaged(&disk, &path, damage, &want);
                assert!(!table || outcome != Outcome::Harmless, "{damage:?} of {}", path.display());
                runs += u64::from(outcome != Outcome::Nothing);
                noticed += u64::from(matches!(outcome, Outcome::Refused | Outcome::Told));
                harmless += u64::from(outcome == Outcome::Harmless);
            }
        }
    }
    let counts = [("runs", runs), ("detected", noticed), ("harmless", harmless), ("silent", 0)];
    figures("fault-media-rest", &counts);
    assert!(noticed > 100 && runs == noticed + harmless, "{counts:?}");
}
