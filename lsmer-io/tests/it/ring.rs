//! The crash ring: a mapped file, or one that behaves like it.

use std::{
    io::{ErrorKind, IoSlice},
    path::Path,
    sync::Arc,
};

use lsmer_core::{FileClass, OpenOptions, ReadRequest, SyncKind, VfsFile};
use lsmer_io::MemVfs;
use lsmer_sync::thread;

use crate::disk::Disk;

const BYTES: u64 = 1 << 16;

/// The disks whose rings are, or seem, mapped.
fn mapped() -> Vec<Disk> {
    let shm = Path::new("/dev/shm");
    let mut disks = vec![Disk::real(), Disk::memory()];
    if shm.is_dir() {
        disks.push(Disk::real_in(shm));
    }
    disks.retain(|disk| disk.vfs.caps(&disk.dir).fast_ring);
    disks
}

fn create(disk: &Disk) -> Arc<dyn VfsFile> {
    disk.vfs.open(&disk.path("ring"), OpenOptions::create(FileClass::Ring)).unwrap()
}

fn reopen(disk: &Disk) -> Arc<dyn VfsFile> {
    disk.vfs.open(&disk.path("ring"), OpenOptions::write(FileClass::Ring)).unwrap()
}

#[test]
fn a_ring_has_no_room_before_it_has_a_length() {
    for disk in mapped() {
        let ring = create(&disk);
        assert_eq!(ring.len().unwrap(), 0);
        assert_eq!(ring.read_at(&mut [0], 0).unwrap(), 0);
        let error = ring.write_at(&[IoSlice::new(b"x")], 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        ring.sync(SyncKind::Data).unwrap();
    }
}

#[test]
fn writes_stay_inside_the_ring() {
    for disk in mapped() {
        let ring = create(&disk);
        ring.allocate(0, BYTES).unwrap();
        let slices = [&b"ab"[..], b"", b"cde"].map(IoSlice::new);
        assert_eq!(ring.write_at(&slices, BYTES - 5).unwrap(), 5);
        for offset in [BYTES - 4, BYTES, u64::MAX - 2] {
            let error = ring.write_at(&slices, offset).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::FileTooLarge));
        }
        let mut buf = [9; 8];
        assert_eq!(ring.read_at(&mut buf, BYTES - 6).unwrap(), 6);
        assert_eq!(&buf, b"\0abcde\x09\x09", "what was refused left nothing");
        assert_eq!(ring.read_at(&mut buf, BYTES + 1).unwrap(), 0);
    }
}

#[test]
fn a_ring_gets_its_length_once() {
    for disk in mapped() {
        let ring = create(&disk);
        ring.set_len(BYTES).unwrap();
        ring.allocate(0, BYTES).unwrap();
        ring.set_len(BYTES).unwrap();
        for error in [
            ring.set_len(0).unwrap_err(),
            ring.set_len(BYTES + 1).unwrap_err(),
            ring.allocate(1, BYTES).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
        assert_eq!(ring.len().unwrap(), BYTES);
        assert_eq!(reopen(&disk).len().unwrap(), BYTES);
    }
}

#[test]
fn what_was_never_synced_is_seen_by_another_map_and_by_ordinary_reads() {
    for disk in mapped() {
        let ring = create(&disk);
        ring.allocate(0, BYTES).unwrap();
        ring.write_all_at(b"record", 100).unwrap();

        let (mut other, mut plain) = ([0; 6], [0; 6]);
        reopen(&disk).read_exact_at(&mut other, 100).unwrap();
        let how = OpenOptions::read(FileClass::Ring);
        let file = disk.vfs.open(&disk.path("ring"), how).unwrap();
        file.read_exact_at(&mut plain, 100).unwrap();
        assert_eq!((&other, &plain), (b"record", b"record"));

        drop(ring);
        let again = reopen(&disk);
        let (mut one, mut two) = ([0; 3], [0; 3]);
        let (first, second) = (
            ReadRequest { offset: 103, buf: &mut one },
            ReadRequest { offset: 100, buf: &mut two },
        );
        again.read_batch(&mut [first, second]).unwrap();
        assert_eq!((&one, &two), (b"ord", b"rec"));
        let mut buf = [0; 2];
        let beyond = ReadRequest { offset: BYTES - 1, buf: &mut buf };
        let error = again.read_batch(&mut [beyond]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        again.sync(SyncKind::Data).unwrap();
        again.sync(SyncKind::All).unwrap();
    }
}

#[test]
fn a_ring_with_holes_is_filled_before_it_is_mapped() {
    use std::os::unix::fs::MetadataExt;

    let disk = Disk::real();
    let file = disk.create("ring", b"");
    file.write_all_at(b"tail", BYTES - 4).unwrap();
    let blocks = || std::fs::metadata(disk.path("ring")).unwrap().blocks() * 512;
    if !disk.vfs.caps(&disk.dir).fast_ring || blocks() >= BYTES {
        return; // nothing is mapped here, or no holes are left
    }
    let ring = reopen(&disk);
    assert!(blocks() >= BYTES);
    let mut buf = [0; 4];
    ring.read_exact_at(&mut buf, BYTES - 4).unwrap();
    assert_eq!(&buf, b"tail");
}

#[test]
fn threads_write_to_ranges_of_their_own() {
    const THREADS: u8 = 4;
    for disk in mapped() {
        let ring = create(&disk);
        ring.allocate(0, BYTES).unwrap();
        let write = |number: u8| {
            let ring = Arc::clone(&ring);
            let body = move || {
                for at in (u64::from(number) * 7..BYTES - 7).step_by(usize::from(THREADS) * 7) {
                    ring.write_all_at(&[number + 1; 7], at).unwrap();
                }
            };
            thread::Builder::new().spawn(body).unwrap()
        };
        let threads: Vec<_> = (0..THREADS).map(write).collect();
        for handle in threads {
            handle.join().unwrap();
        }
        let all = disk.read("ring");
        for (piece, number) in all[..all.len() - 7].chunks(7).zip((1..=THREADS).cycle()) {
            assert!(piece.iter().all(|byte| *byte == number), "{piece:?} of {number}");
        }
    }
}

#[test]
fn elsewhere_a_ring_is_an_ordinary_file() {
    let vfs = MemVfs::new();
    vfs.set_fast_ring(false);
    let disk = Disk::on(vfs);
    assert!(!disk.vfs.caps(&disk.dir).fast_ring);
    let ring = create(&disk);
    ring.write_all_at(b"grows", 3).unwrap();
    ring.set_len(5).unwrap();
    assert_eq!(disk.read("ring"), b"\0\0\0gr");
}
