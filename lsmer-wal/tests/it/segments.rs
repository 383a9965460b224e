//! WAL-03, and how segments come and go.

use std::path::Path;

use lsmer_core::{FileClass, Lsn, OpenOptions, SegmentId, SeqNo, Vfs};
use lsmer_io::Crash;

use crate::life::{Act, Life, names, segment};

const KIB: u64 = 1 << 10;

/// How many of the names begin like this.
fn count(life: &Life, prefix: &str) -> usize {
    names(&life.vfs).iter().filter(|name| name.starts_with(prefix)).count()
}

fn is_recycled(life: &Life, id: SegmentId) -> bool {
    life.vfs.read_all(segment(id.0)).unwrap()[12] == 1
}

#[test]
fn segments_double_up_to_the_largest_and_a_larger_record_gets_its_own() {
    let mut life = Life::new((KIB, 4 * KIB));
    let open = life.open().unwrap();
    for bytes in [900, 900, 2_000, 2_000, 4_000, 10_000, 10] {
        life.write(&*open.wal, bytes).unwrap();
    }
    let sizes: Vec<_> = (1..=7).map(|id| life.vfs.read_all(segment(id)).unwrap().len()).collect();
    assert_eq!(sizes, [1_024, 2_048, 4_096, 4_096, 4_104, 10_104, 4_096]);
    assert_eq!(life.scan().unwrap().0, life.attempted);
}

#[test]
fn an_opening_cuts_the_last_segment_behind_its_records() {
    for fast_ring in [true, false] {
        let mut life = Life::new((64 * KIB, 64 * KIB));
        life.vfs.set_fast_ring(fast_ring);
        for nth in 1..=5 {
            let open = life.open().unwrap();
            life.write(&*open.wal, 1_000).unwrap();
            let sizes = (1..nth).map(|id| life.vfs.read_all(segment(id)).unwrap().len());
            let held: usize = sizes.inspect(|bytes| assert!((1_000..1_200).contains(bytes))).sum();
            let ring = if fast_ring { 512 * KIB } else { 0 };
            assert_eq!(open.wal.stats().disk_bytes, held as u64 + 64 * KIB + ring);
        }
        assert_eq!(life.scan().unwrap().0, life.attempted);
    }
}

#[test]
fn stale_records_of_a_recycled_segment_are_never_read() {
    // All records have one size, so that stale headers stand exactly where new ones would.
    for fast_ring in [true, false] {
        let mut life = Life::new((KIB, 4 * KIB));
        life.vfs.set_fast_ring(fast_ring);
        let open = life.open().unwrap();
        let mut recycled = 0;
        for nth in 0..400 {
            life.act(&open, Act::Write(100)).unwrap();
            let newest = open.wal.oldest(SeqNo(u64::MAX));
            recycled += usize::from(is_recycled(&life, newest));
            if nth % 11 == 0 {
                life.act(&open, Act::Sync).unwrap();
            }
            if nth % 60 == 0 {
                life.act(&open, Act::Flush).unwrap();
            }
            for how in [Crash::Kill, Crash::Min, Crash::Torn(life.vfs.pending() / 2)] {
                let life = life.crashed(how);
                life.check(&life.scan().unwrap().0, life.written);
            }
        }
        assert!(recycled > 200, "{recycled} records were written to recycled segments");
    }
}

#[test]
fn a_recovery_uses_no_file_of_an_earlier_owner() {
    let mut life = Life::new((KIB, 4 * KIB));
    let acts = [[Act::Write(900); 8].as_slice(), &[Act::Flush, Act::Write(900)]].concat();
    assert!(life.live(&acts));
    assert!(count(&life, "spare-") > 0);
    let open = life.open().unwrap();
    assert_eq!(count(&life, "spare-"), 0);
    assert!(!is_recycled(&life, open.wal.oldest(SeqNo(u64::MAX))));
}

#[test]
fn openings_that_write_nothing_leave_no_segments_behind() {
    let mut life = Life::new((KIB, KIB));
    for acts in [&[][..], &[Act::Write(300), Act::Sync], &[Act::Write(900)]] {
        assert!(life.live(acts));
        let segments = life.scan().unwrap().1.segments;
        let last = segments.iter().rposition(|segment| segment.end > segment.start).unwrap_or(0);
        for _ in 0..5 {
            drop(life.open().unwrap());
        }
        assert_eq!(count(&life, "0000"), last + 2, "and the one of the last opening");
        assert_eq!(life.crashed(Crash::Min).scan().unwrap().0, life.attempted);
    }
}

#[test]
fn release_gives_up_what_is_flushed_and_no_more() {
    let mut life = Life::new((KIB, KIB));
    let open = life.open().unwrap();
    for _ in 0..5 {
        life.write(&*open.wal, 900).unwrap();
    }
    assert_eq!(count(&life, "0000"), 5);
    let third = SeqNo(life.attempted[2].seqno);
    assert_eq!(open.wal.oldest(third), SegmentId(3));
    assert_eq!(open.wal.oldest(SeqNo(third.0 - 1)), SegmentId(2), "the last entry of a batch");
    open.wal.release(SegmentId(3)).unwrap();
    open.wal.release(SegmentId(3)).unwrap();
    assert_eq!((count(&life, "00000003"), count(&life, "0000")), (1, 3));
    assert_eq!(open.wal.stats().segments, 3);
    open.wal.release(SegmentId(100)).unwrap();
    assert_eq!(open.wal.stats().segments, 1, "the current one stays");
}

#[test]
fn at_most_two_spares_are_kept() {
    let mut life = Life::new((KIB, 4 * KIB));
    let acts = [[Act::Write(900); 2].as_slice(), &[Act::Flush]].concat();
    assert!(life.live(&acts));
    assert_eq!(count(&life, "spare-"), 0, "a small log has none");
    let acts = [[Act::Write(3_000); 8].as_slice(), &[Act::Flush]].concat();
    assert!(life.live(&acts));
    assert_eq!((count(&life, "spare-"), count(&life, "0000")), (2, 1));
}

#[test]
fn the_segment_that_the_manifest_will_name_survives_a_power_loss() {
    // Nothing was ever synced, and the first segments are given up.
    let mut life = Life::new((KIB, KIB));
    let acts = [Act::Write(900), Act::Write(900), Act::Write(900), Act::Flush];
    assert!(life.live(&acts));
    assert_eq!(life.manifest.first, SegmentId(3));
    let mut life = life.crashed(Crash::Min);
    let (found, end) = life.scan().unwrap();
    assert_eq!((found.len(), end.segments.len(), end.next), (0, 1, Lsn(2 * 944)));
    assert!(life.live(&[Act::Write(900)]));
}

#[test]
fn spares_are_prepared_under_load_only() {
    let mut life = Life::new((64 * KIB, 256 * KIB));
    let open = life.open().unwrap();
    life.write(&*open.wal, 60_000).unwrap();
    life.write(&*open.wal, 10).unwrap();
    assert_eq!(open.exec.ready(), 0, "a small log has none");
    for bytes in [120_000, 200_000] {
        life.write(&*open.wal, bytes).unwrap();
    }
    life.write(&*open.wal, 10).unwrap();
    assert_eq!(open.exec.ready(), 1);
    assert_eq!(open.exec.run_until_idle(), 4, "in steps of 64 KiB");
    let spare = life.vfs.read_all("/wal/spare-01.wal").unwrap();
    assert_eq!(spare.len(), 256 << 10);
    life.write(&*open.wal, 250_000).unwrap();
    assert_eq!(count(&life, "spare-"), 0, "it became a segment");
    let newest = open.wal.oldest(SeqNo(u64::MAX));
    assert!(!is_recycled(&life, newest), "it holds zeros");
    assert_eq!(life.scan().unwrap().0, life.attempted);
}

#[test]
fn the_work_on_a_spare_ends_with_the_log() {
    let mut life = Life::new((64 * KIB, 1024 * KIB));
    let open = life.open().unwrap();
    for bytes in [60_000, 100_000, 120_000, 120_000, 10] {
        life.write(&*open.wal, bytes).unwrap();
    }
    assert!(open.exec.run_one());
    drop(open.wal);
    assert_eq!((open.exec.run_until_idle(), open.exec.ready()), (1, 0));
    assert_eq!(count(&life, "spare-"), 1);
    assert!(life.live(&[]));
    assert_eq!(count(&life, "spare-"), 0, "the next owner removed it");
}

#[test]
fn a_spare_that_finds_no_room_is_given_up() {
    let mut life = Life::new((8 * KIB, 64 * KIB));
    let open = life.open().unwrap();
    for bytes in [7_000, 15_000, 31_000, 40_000] {
        life.write(&*open.wal, bytes).unwrap();
    }
    life.write(&*open.wal, 10).unwrap();
    life.vfs.set_disk_limit(Some(0));
    assert_eq!(open.exec.run_until_idle(), 1);
    assert_eq!(count(&life, "spare-"), 0);
    life.vfs.set_disk_limit(None);
    life.write(&*open.wal, 60_000).unwrap();
    assert_eq!(life.scan().unwrap().0, life.attempted);
}

#[test]
fn a_discarded_segment_that_comes_back_hides_no_later_write() {
    // The last record of the first segment is torn there and whole in the ring.
    let mut life = Life::new((KIB, KIB));
    let acts = [Act::Write(600), Act::Write(100), Act::Write(600)];
    assert!(life.live(&acts));
    assert_eq!(count(&life, "0000"), 2);
    let torn = life.attempted[1].end.0; // the record's last byte stands 64 further
    life.vfs.flip(segment(1), 64 + torn - 20, 0).unwrap();
    let discarded = life.vfs.read_all(segment(2)).unwrap();
    life.written = 2;
    assert!(life.live(&[Act::Write(200), Act::Sync]));
    assert_eq!(life.attempted.len(), 3, "the third record is gone, and another one there");

    // The power fails, and the removal of the second segment is lost.
    let files: &dyn Vfs = &life.vfs;
    let file = files.open(segment(2).as_ref(), OpenOptions::create(FileClass::Wal)).unwrap();
    file.write_all_at(&discarded, 0).unwrap();
    assert_eq!(life.scan().unwrap().0, life.attempted);
}

#[test]
fn what_stands_in_the_ring_again_hides_no_later_write() {
    // A power loss left the ring too short to be read, so the record in it was discarded.
    let ring = Path::new("/wal/ring");
    let mut life = Life::new((KIB, KIB));
    assert!(life.live(&[Act::Write(100)]));
    let old = life.vfs.read_all(ring).unwrap();
    let files: &dyn Vfs = &life.vfs.clone();
    let file = files.open(ring, OpenOptions::write(FileClass::Table)).unwrap();
    file.set_len(0).unwrap();
    (life.written, life.synced) = (0, 0);
    assert!(life.live(&[Act::Write(200), Act::Sync]));
    assert_eq!(life.attempted.len(), 1, "the first record is gone, and another one there");

    // The power fails again, and what was written to the ring since is lost.
    file.write_all_at(&old, 0).unwrap();
    assert_eq!(life.scan().unwrap().0, life.attempted);
    assert!(life.live(&[Act::Write(300)]));
    assert!(life.live(&[]));
}
