//! The files of a log: whatever is in them, reading ends and is repeatable; a log that was read
//! can be gone on with, and what was read stays.

use std::{
    io::IoSlice,
    path::{Path, PathBuf},
    sync::Arc,
};

use lsmer::parts::{
    SegmentedWal,
    io::{MemVfs, manual},
};
use lsmer_core::{
    FileClass, LogCut, LogEnd, LogSource, LogSpec, Lsn, OpenOptions, Result, SegmentId, SeqNo, Vfs,
    WalFormat,
};

use crate::{
    layout::log::{RING_BYTES, files},
    memory::bounded,
};

const DIR: &str = "/wal";
/// A ring is read whole, and segments in pieces of fixed size.
const BUFFERS: u64 = 2 << 20;
/// Positions beyond this are those of no log.
const MOST: u64 = 1 << 60;

/// A record: its end, its first seqno, its count and its payload.
type Record = (Lsn, SeqNo, u32, Vec<u8>);

/// Runs one input on the log that ships.
pub fn run(bytes: &[u8]) {
    check(&SegmentedWal, bytes);
}

/// Runs one input, laid out as `layout/log.rs` says.
///
/// # Panics
///
/// If the format breaks a promise.
pub fn check(format: &dyn WalFormat, bytes: &[u8]) {
    let Some((source, vfs, needed)) = disk(bytes) else { return };
    let before = contents(&vfs);
    let Ok((found, end)) = bounded(needed, BUFFERS, || read(format, &source)) else { return };
    let again = read(format, &source).expect("it was just read");
    assert_eq!(again, (found.clone(), end.clone()), "reading is repeatable");
    assert!(contents(&vfs) == before, "reading changes nothing");
    assert!(found.last().is_none_or(|(last, ..)| *last == end.next));
    if end.next > Lsn(MOST) || end.last_seqno > SeqNo(MOST) {
        return;
    }
    // A manifest names no cut in a segment behind those that the recovery before has read.
    let read_upto = end.segments.last().map_or(SegmentId(0), |last| last.id);
    let epoch = epoch(bytes);
    if source.end.is_none_or(|cut| cut.segment <= read_upto) && epoch < MOST {
        go_on(format, source, &found, (&end, epoch + 1));
    }
}

/// Returns the latest epoch that any segment names: that of the next owner is later.
fn epoch(bytes: &[u8]) -> u64 {
    let files = files(bytes).map(|(_, files)| files).unwrap_or_default();
    let epoch = |(_, file): (u8, &[u8])| file.get(24..)?.first_chunk().copied();
    files.into_iter().filter_map(epoch).map(u64::from_le_bytes).max().unwrap_or(0)
}

/// Does what a database does when it is opened, writes a record, and reads again.
fn go_on(
    format: &dyn WalFormat,
    mut source: LogSource,
    found: &[Record],
    (end, epoch): (&LogEnd, u64),
) {
    format.sync_scanned(&source, end).expect("no faults");
    let segment = end.segments.last().map_or(SegmentId(0), |segment| segment.id);
    source.end = Some(LogCut { segment, end: end.next });
    source.synced = source.synced.max(Lsn(end.next.0 - end.in_ring));
    let (env, ..) = manual(MemVfs::without_crashes(), 0);
    let env = lsmer_core::Env { vfs: Arc::clone(&source.vfs), ..env };
    let (min_segment_bytes, max_segment_bytes) = (1 << 10, 4 << 10);
    let spec =
        LogSpec { dir: PathBuf::from(DIR), env, epoch, min_segment_bytes, max_segment_bytes };
    let (again, _) = read(format, &source).expect("the cut was just found");
    assert_eq!(again, found, "the cut loses nothing");
    let Ok(wal) = format.open(spec, end) else { return };
    let payload = b"what is written next";
    let slot = wal.reserve(payload.len()).expect("there is room");
    let seqno = end.last_seqno.plus(1);
    wal.write(slot, seqno, 1, &[IoSlice::new(payload)]).expect("no faults");
    wal.sync_to(slot.end).expect("no faults");
    drop(wal);
    let (again, _) = read(format, &source).expect("what was just written can be read");
    let (last, rest) = again.split_last().expect("a record was written");
    assert_eq!(rest, found, "what was read stays");
    assert_eq!(*last, (slot.end, seqno, 1, payload.to_vec()), "what was written is there");
}

fn read(format: &dyn WalFormat, source: &LogSource) -> Result<(Vec<Record>, LogEnd)> {
    let (mut found, mut next) = (Vec::new(), None);
    let end = format.scan(source, &mut |record| {
        if let Some(next) = next.replace(record.slot.end) {
            assert_eq!(next, record.slot.start, "records follow each other");
        }
        found.push((record.slot.end, record.seqno, record.count, record.payload.to_vec()));
        Ok(())
    })?;
    Ok((found, end))
}

/// Makes the files, and counts their bytes.
fn disk(bytes: &[u8]) -> Option<(LogSource, MemVfs, usize)> {
    let (known, files) = files(bytes)?;
    let word = |at: usize| known[at..].first_chunk().copied().map_or(0, u32::from_le_bytes);
    let vfs = MemVfs::without_crashes();
    vfs.create_dir(Path::new(DIR)).expect("empty");
    let mut needed = 0;
    for (id, file) in files {
        let (name, class) = match id {
            0 => (String::from("ring"), FileClass::Ring),
            id => (format!("{id:08}.wal"), FileClass::Wal),
        };
        let path = Path::new(DIR).join(name);
        // The second file of a name is left out.
        let Ok(made) = vfs.open(&path, OpenOptions::create(class)) else { continue };
        if id == 0 {
            made.allocate(0, RING_BYTES.max(file.len()) as u64).expect("no faults");
        }
        made.write_all_at(file, 0).expect("no faults");
        needed += usize::try_from(made.len().expect("no faults")).expect("it is in memory");
    }
    let cut = LogCut { segment: SegmentId(known[5].into()), end: Lsn(word(6).into()) };
    let source = LogSource {
        dir: PathBuf::from(DIR),
        vfs: Arc::new(vfs.clone()),
        first: SegmentId(known[0].into()),
        synced: Lsn(word(1).into()),
        end: (known[5] > 0).then_some(cut),
    };
    Some((source, vfs, needed))
}

fn contents(vfs: &MemVfs) -> Vec<(PathBuf, Vec<u8>)> {
    let names = vfs.list().into_iter().map(|(path, _)| path);
    names.map(|path| (path.clone(), vfs.read_all(path).expect("it is listed"))).collect()
}
