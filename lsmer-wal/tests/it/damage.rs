//! WAL-02: a flipped bit is noticed, or does not matter.

use std::path::PathBuf;

use lsmer_core::{ErrorKind, FileClass, Lsn, OpenOptions, Vfs};
use lsmer_io::Crash;

use crate::life::{Act, Life, segment};

/// A log of small synced records in three segments.
fn synced_log(fast_ring: bool) -> Life {
    let mut life = Life::new((256, 256));
    life.vfs.set_fast_ring(fast_ring);
    let acts = [1, 50, 17, 0, 60, 33, 8].map(|bytes| [Act::Write(bytes), Act::Sync]);
    assert!(life.live(acts.as_flattened()));
    assert!(segments(&life).len() >= 3);
    life.crashed(Crash::Kill)
}

/// Returns the paths of the segments, oldest first.
fn segments(life: &Life) -> Vec<PathBuf> {
    let paths = life.vfs.list().into_iter().map(|(path, _)| path);
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "wal")).collect()
}

/// Flips every bit of every segment, and calls `each` with what a scan then says.
fn flip_all(life: &Life, step: usize, mut each: impl FnMut(&str, u64, &Life)) {
    for path in segments(life) {
        let bytes = life.vfs.read_all(&path).unwrap().len() as u64;
        for bit in (0..bytes * 8).step_by(step) {
            let at = u8::try_from(bit % 8).unwrap();
            life.vfs.flip(&path, bit / 8, at).unwrap();
            each(path.to_str().unwrap(), bit / 8, life);
            life.vfs.flip(&path, bit / 8, at).unwrap();
        }
    }
}

#[test]
fn no_flipped_bit_shortens_a_log_that_is_recorded_as_synced() {
    for (fast_ring, step) in [(false, 1), (true, 5)] {
        let mut life = synced_log(fast_ring);
        let all = life.scan().unwrap().0;
        life.manifest.synced = all.last().unwrap().end;
        let mut noticed = 0;
        flip_all(&life, step, |path, at, life| match life.scan() {
            Ok((found, _)) => assert_eq!(found, all, "{path} {at}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corruption, "{path} {at}");
                noticed += 1;
            }
        });
        assert!(fast_ring || noticed > 1_000, "{noticed}");
    }
}

#[test]
fn later_records_show_that_earlier_ones_were_synced() {
    // Nothing but the log itself says how far it was synced: all but the last record.
    for (fast_ring, step) in [(false, 1), (true, 5)] {
        let life = synced_log(fast_ring);
        let all = life.scan().unwrap().0;
        flip_all(&life, step, |path, at, life| match life.scan() {
            Ok((found, _)) => {
                assert!(found.len() >= all.len() - 1, "{path} {at}");
                assert_eq!(found, all[..found.len()], "{path} {at}");
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Corruption, "{path} {at}"),
        });
    }
}

#[test]
fn the_next_segment_shows_that_the_one_before_was_synced() {
    let mut life = Life::new((1 << 10, 1 << 10));
    life.vfs.set_fast_ring(false);
    assert!(life.live(&[Act::Write(10)]));
    assert!(life.live(&[]));
    life.manifest.synced = Lsn(0);
    assert_eq!(life.scan().unwrap().0.len(), 1);
    life.vfs.flip(segment(1), 64, 0).unwrap();
    assert_eq!(life.scan().unwrap_err().kind(), ErrorKind::Corruption);
}

#[test]
fn a_record_in_the_ring_shows_that_its_segment_was_synced() {
    let mut life = Life::new((1 << 10, 1 << 10));
    assert!(life.live(&[[Act::Write(10), Act::Sync]; 3].concat()));
    let how = OpenOptions::write(FileClass::Wal);
    let file = life.vfs.open(segment(1).as_ref(), how).unwrap();
    file.write_all_at(&[0; 900], 64).unwrap();
    assert_eq!(life.scan().unwrap_err().kind(), ErrorKind::Corruption);
}

#[test]
fn without_a_sync_a_bad_record_is_the_end() {
    let mut life = Life::new((4 << 10, 4 << 10));
    life.vfs.set_fast_ring(false);
    assert!(life.live(&[Act::Write(8), Act::Write(8), Act::Write(8)]));
    life.vfs.flip(segment(1), 64 + 48 + 44, 0).unwrap();
    let (found, end) = life.scan().unwrap();
    assert_eq!(found, life.attempted[..1]);
    assert_eq!((end.next, end.torn_bytes), (Lsn(48), 96));
}

#[test]
fn the_ring_heals_what_was_not_synced() {
    let mut life = Life::new((4 << 10, 4 << 10));
    assert!(life.live(&[Act::Write(8), Act::Write(8), Act::Write(8)]));
    let (found, end) = life.scan().unwrap();
    assert_eq!((found.len(), end.in_ring), (3, 3 * 48));
    assert!(life.live(&[Act::Write(9)]));
    let (found, end) = life.scan().unwrap();
    assert_eq!((found.len(), end.in_ring), (4, 56), "the others were moved to their segment");
}

#[test]
fn a_missing_segment_is_corruption() {
    let life = synced_log(true);
    let segments = segments(&life);
    let (_, needed) = segments.split_last().unwrap();
    for path in needed {
        let life = life.crashed(Crash::Kill);
        life.vfs.remove_file(path).unwrap();
        assert_eq!(life.scan().unwrap_err().kind(), ErrorKind::Corruption, "{path:?}");
    }
}

#[test]
fn an_error_reading_is_not_the_end_of_the_log() {
    let life = synced_log(true);
    for nth in 0.. {
        let life = life.crashed(Crash::Kill);
        life.stop_after(nth);
        match life.scan() {
            Ok((found, _)) => {
                assert_eq!(found, life.attempted);
                assert!(nth > 8);
                return;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Io),
        }
    }
}
