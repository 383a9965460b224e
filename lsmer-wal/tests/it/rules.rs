//! Where a log begins and ends, and what is left out: cuts, leftovers, and logs that are gone.

use std::path::Path;

use lsmer_core::{
    ErrorKind, LogCut, LogEnd, LogSpec, Lsn, SegmentId, SeqNo, Vfs, WalFormat, WriteBatch,
};
use lsmer_io::{Crash, MemVfs, manual};
use lsmer_wal::{NoWal, SegmentedWal, dump};

use crate::life::{Act, Life, names, segment};

fn remove(life: &Life, id: u64) {
    life.vfs.remove_file(Path::new(&segment(id))).unwrap();
}

#[test]
fn an_empty_folder_is_an_empty_log() {
    let life = Life::new((1 << 10, 1 << 10));
    assert_eq!(life.scan().unwrap().1, LogEnd::default());
    life.vfs.create_dir(Path::new("/wal")).unwrap();
    assert_eq!(life.scan().unwrap().1, LogEnd::default());
}

#[test]
fn a_log_that_is_gone_is_corruption_if_anything_of_it_was_synced() {
    let mut life = Life::new((1 << 10, 1 << 10));
    assert!(life.live(&[Act::Write(10), Act::Sync]));
    let life = life.crashed(Crash::Kill);
    remove(&life, 1);
    assert!(life.scan().unwrap().0.is_empty(), "nothing recorded that it was synced");
    let mut life = life;
    life.manifest.synced = Lsn(8);
    assert_eq!(life.scan().unwrap_err().kind(), ErrorKind::Corruption);
}

#[test]
fn a_number_is_never_given_out_again() {
    let mut life = Life::new((1 << 10, 1 << 10));
    for _ in 0..3 {
        assert!(life.live(&[Act::Write(10), Act::Flush]));
    }
    life.manifest.first = SegmentId(4);
    assert!(names(&life.vfs).contains(&"00000003.wal".to_owned()));
    for id in 1..=3 {
        life.vfs.remove_file(Path::new(&segment(id))).ok();
    }
    life.manifest.cut = Some(LogCut { segment: SegmentId(3), end: Lsn(3 * 56) });
    let open = life.open().unwrap();
    assert_eq!(open.wal.oldest(SeqNo(u64::MAX)), SegmentId(4));
    assert_eq!(open.wal.stats().tail, Lsn(3 * 56));
}

#[test]
fn what_a_recovery_discarded_stays_discarded() {
    // The first segment is torn, the second is whole and follows the hole.
    let mut life = Life::new((1 << 10, 1 << 10));
    life.vfs.set_fast_ring(false);
    assert!(life.live(&[Act::Write(800), Act::Write(8), Act::Write(900)]));
    life.vfs.flip(segment(1), 64 + 840 + 41, 0).unwrap();
    life.written = 1;
    let (found, end) = life.scan().unwrap();
    assert_eq!((found.len(), end.segments.len()), (1, 1));
    assert_eq!(end.torn_bytes, 48 + 944);

    // The recovery crashes before it removes the second; bytes that went bad come back.
    life.manifest.epoch += 1;
    life.manifest.cut = Some(LogCut { segment: SegmentId(1), end: end.next });
    life.vfs.flip(segment(1), 64 + 840 + 41, 0).unwrap();
    let (found, end) = life.scan().unwrap();
    assert_eq!((found.len(), end.next), (1, Lsn(840)));
    assert_eq!(end.torn_bytes, 944, "the second; the first ends at its cut");

    // The same if everything was flushed, and the next segment is the first that is needed.
    let mut flushed = life.crashed(Crash::Kill);
    flushed.manifest.first = SegmentId(2);
    assert_eq!(flushed.scan().unwrap().1.next, Lsn(840));

    life.attempted.truncate(1);
    assert!(life.live(&[Act::Write(20)]));
    assert!(!names(&life.vfs).contains(&"00000002.wal".to_owned()));
    assert_eq!(life.scan().unwrap().0, life.attempted);
    assert!(life.live(&[Act::Flush]));
    assert_eq!(life.manifest.first, SegmentId(4));
    let (_, end) = life.crashed(Crash::Min).scan().unwrap();
    assert_eq!((end.segments.len(), end.segments[0].id), (1, SegmentId(4)));
}

#[test]
fn what_a_recovery_discarded_stays_discarded_wherever_it_stops() {
    // The first segment lost a record that the ring has; the second is whole and follows it. The
    // recovery moves the record to its segment again, and then the second seems to go on.
    for nth in 0.. {
        let mut life = Life::new((1 << 10, 1 << 10));
        assert!(life.live(&[Act::Write(800), Act::Write(900)]));
        life.vfs.flip(segment(1), 64 + 41, 0).unwrap();
        life.written = 1;
        let (found, end) = life.scan().unwrap();
        assert_eq!((found.len(), end.in_ring), (1, 840));

        life.stop_after(nth);
        let opened = life.live(&[]);
        let life = life.crashed(Crash::Kill);
        if life.manifest.epoch == 2 {
            assert_eq!(life.scan().unwrap().0, found, "after {nth} operations");
        }
        if opened {
            break;
        }
    }
}

#[test]
fn the_numbers_of_leftovers_are_skipped_and_the_new_segment_survives() {
    let mut life = Life::new((1 << 10, 1 << 10));
    assert!(life.live(&[Act::Write(10), Act::Sync]));
    let how = lsmer_core::OpenOptions::create(lsmer_core::FileClass::Wal);
    life.vfs.open(Path::new(&segment(7)), how).unwrap();
    assert!(life.live(&[Act::Flush]));
    assert_eq!((life.manifest.first, life.manifest.cut.unwrap().segment.0), (SegmentId(8), 1));
    let mut life = life.crashed(Crash::Min);
    assert!(life.live(&[Act::Write(10)]));
}

#[test]
fn no_record_reaches_beyond_a_cut() {
    let mut life = Life::new((1 << 10, 1 << 10));
    assert!(life.live(&[Act::Write(10), Act::Write(10)]));
    life.manifest.cut = Some(LogCut { segment: SegmentId(1), end: Lsn(104) });
    let (found, end) = life.scan().unwrap();
    assert_eq!((found.len(), end.next), (1, Lsn(56)));
}

#[test]
fn a_ring_that_went_around_is_read_and_its_earlier_laps_are_not() {
    // 1 KiB divides the ring, so that a record of the lap before stands where the log ends; the
    // other size does not, so that records wrap around.
    for bytes in [1_024 - 40, 1_000] {
        let mut life = Life::new((2 << 20, 2 << 20));
        let open = life.open().unwrap();
        for _ in 0..600 {
            life.write(&*open.wal, bytes).unwrap();
            if life.attempted.last().unwrap().end > Lsn(480 << 10) {
                assert_eq!(life.scan().unwrap().0, life.attempted);
            }
        }
    }
}

#[test]
fn a_log_shorter_than_its_cut_is_fine_if_the_rest_was_in_the_ring() {
    let mut life = Life::new((1 << 10, 1 << 10));
    assert!(life.live(&[Act::Write(10), Act::Sync, Act::Write(20)]));
    let (_, end) = life.scan().unwrap();
    assert!(end.in_ring > 0);
    life.manifest.cut = Some(LogCut { segment: SegmentId(1), end: end.next });
    let mut life = life.crashed(Crash::Min);
    let (found, end) = life.scan().unwrap();
    assert_eq!((found.len(), end.in_ring), (1, 0));
    assert!(life.live(&[Act::Write(30)]));
    assert_eq!(life.scan().unwrap().0, life.attempted);
}

#[test]
fn a_ring_of_an_earlier_owner_is_not_read() {
    // Power is lost after the ring happened to reach the disk, but not the segment's name.
    let mut life = Life::new((1 << 10, 1 << 10));
    assert!(life.live(&[Act::Write(900), Act::Sync, Act::Write(900), Act::Write(10)]));
    let ring = life.vfs.read_all("/wal/ring").unwrap();
    let mut life = life.crashed(Crash::Min);
    let open = life.open().unwrap();
    assert_eq!(open.wal.oldest(SeqNo(u64::MAX)), SegmentId(2), "the same number once more");
    life.write(&*open.wal, 1).unwrap();
    let life = life.crashed(Crash::Min);
    let how = lsmer_core::OpenOptions::write(lsmer_core::FileClass::Ring);
    let file = life.vfs.open(Path::new("/wal/ring"), how);
    let file = file.or_else(|_| {
        let how = lsmer_core::OpenOptions::create(lsmer_core::FileClass::Ring);
        life.vfs.open(Path::new("/wal/ring"), how)
    });
    let file = file.unwrap();
    file.allocate(0, ring.len() as u64).unwrap();
    file.write_all_at(&ring, 0).unwrap();
    let (found, end) = life.scan().unwrap();
    assert_eq!((found.len(), end.in_ring), (1, 0));
}

#[test]
fn without_a_log_positions_are_counted_and_nothing_is_written() {
    let mut life = Life::new((1 << 10, 1 << 10));
    life.manifest.cut = Some(LogCut { segment: SegmentId(3), end: Lsn(800) });
    let end = NoWal.scan(&life.source(), &mut |_| unreachable!()).unwrap();
    assert_eq!(end, LogEnd { next: Lsn(800), ..LogEnd::default() });
    NoWal.sync_scanned(&life.source(), &end).unwrap();
    let (env, ..) = manual(life.vfs.clone(), 0);
    let (min_segment_bytes, max_segment_bytes) = life.sizes;
    let spec = LogSpec { dir: "/wal".into(), env, epoch: 1, min_segment_bytes, max_segment_bytes };
    let wal = NoWal.open(spec, &end).unwrap();
    life.write(&*wal, 10).unwrap();
    wal.sync_to(Lsn(u64::MAX)).unwrap();
    wal.release(wal.oldest(SeqNo(1))).unwrap();
    assert_eq!((wal.stats().tail, wal.stats().written_bytes), (Lsn(856), 56));
    assert!(life.vfs.list().is_empty());
    assert_ne!(NoWal.name(), SegmentedWal.name());
}

#[test]
fn a_dump_shows_entries_and_goes_on_past_damage() {
    let mut life = Life::new((1 << 10, 1 << 10));
    life.vfs.set_fast_ring(false);
    let open = life.open().unwrap();
    let mut batch = WriteBatch::new();
    batch.put("tulip\n", [1; 30]);
    batch.delete_in(lsmer_core::KeyspaceId(2), "weed");
    let payload = batch.encoded().unwrap();
    for seqno in [1, 3, 5] {
        let slot = open.wal.reserve(payload.len()).unwrap();
        let payload = [std::io::IoSlice::new(payload)];
        open.wal.write(slot, SeqNo(seqno), 2, &payload).unwrap();
        open.wal.sync_to(slot.end).unwrap();
    }
    let bytes = 40 + payload.len().next_multiple_of(8) as u64;
    life.vfs.flip(segment(1), 64 + bytes + 2, 0).unwrap();
    life.vfs.flip(segment(1), 64 + 2 * bytes + 45, 0).unwrap();
    let mut text = String::new();
    dump(&life.vfs, Path::new(&segment(1)), &mut text).unwrap();
    assert_eq!(
        text,
        "\
segment 1: 1024 bytes
  epoch 1, start 0, synced 0, after segment 0 (chain 00000000)
  record at byte 64: lsn 0, seqno 1, count 2, payload 47, synced 0
    0 put \"tulip\\n\" (30 bytes)
    2 delete \"weed\"
  88 bytes that are no record
  record at byte 240: lsn 176, seqno 5, count 2, payload 47, synced 176
    DAMAGED payload
"
    );
    let ring = Path::new("/wal/ring");
    let error = dump(&MemVfs::new(), ring, &mut text).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}
