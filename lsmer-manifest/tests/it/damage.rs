//! Flipped bits, lost ends, and bytes that nobody wrote.

use lsmer_core::{ErrorKind, Vfs};
use lsmer_io::{Crash, MemVfs};
use lsmer_manifest::{Manifest, ManifestState};
use proptest::{collection::vec, prelude::*};

use crate::world::{commit, create, cut, dir, disk, drop_flush, flush, put, read};

const FILE: &str = "MANIFEST-000001";

/// Makes a database with a few edits, cleanly closed, on a disk that lost power afterwards.
fn closed() -> (MemVfs, ManifestState) {
    let vfs = disk();
    let manifest = create(&vfs);
    for edit in [flush(1), flush(2), cut(3), drop_flush(1)] {
        commit(&manifest, &edit).expect("no faults");
    }
    manifest.close().expect("no faults");
    let vfs = vfs.crash_clone(Crash::Min);
    let state = read(&vfs).expect("no faults");
    (vfs, state)
}

/// Returns how many bytes of the file are records.
fn used(vfs: &MemVfs) -> u64 {
    Manifest::read(vfs, dir()).expect("no faults").1.bytes
}

#[test]
fn a_flipped_bit_in_a_closed_manifest_never_makes_another_state() {
    let (vfs, state) = closed();
    let path = dir().join(FILE);
    let len = vfs.read_all(&path).unwrap().len() as u64;
    let used = used(&vfs);
    let last_mark = used - 21;
    let room = (used..len).step_by(97);
    for at in (0..used).chain(room) {
        for bit in 0..8 {
            vfs.flip(&path, at, bit).unwrap();
            match read(&vfs) {
                Ok(read) => {
                    assert!(read == state, "byte {at} bit {bit}");
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Corruption, "byte {at} bit {bit}");
                    assert_eq!(error.file(), Some(&*path));
                    assert!(at < last_mark, "the last mark and the room hold nothing");
                }
            }
            vfs.flip(&path, at, bit).unwrap();
        }
    }
    assert_eq!(read(&vfs).unwrap(), state);
}

#[test]
fn a_flipped_bit_in_an_edit_is_reported_where_it_is() {
    let (vfs, _) = closed();
    let path = dir().join(FILE);
    let at = used(&vfs) - 21 - 5; // the payload of the last edit
    vfs.flip(&path, at, 0).unwrap();
    let error = read(&vfs).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption);
    assert!(error.offset().is_some_and(|offset| offset < at && at - offset < 60), "{error}");
}

#[test]
fn a_flipped_bit_in_current_is_always_noticed() {
    let (vfs, _) = closed();
    let path = dir().join("CURRENT");
    for at in 0..vfs.read_all(&path).unwrap().len() as u64 {
        for bit in 0..8 {
            vfs.flip(&path, at, bit).unwrap();
            let error = read(&vfs).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corruption, "byte {at} bit {bit}");
            vfs.flip(&path, at, bit).unwrap();
        }
    }
}

#[test]
fn a_lost_mark_hides_nothing_behind_it() {
    // A power loss may take a mark, which is not synced, and leave the edit behind it.
    let vfs = disk();
    let manifest = create(&vfs);
    commit(&manifest, &flush(1)).unwrap();
    let mark = used(&vfs) - 21;
    commit(&manifest, &flush(2)).unwrap();
    let state = read(&vfs).unwrap();
    let mut bytes = vfs.read_all(dir().join(FILE)).unwrap();
    let mark = usize::try_from(mark).unwrap();
    bytes[mark..mark + 21].fill(0);
    put(&vfs, FILE, &bytes);
    assert_eq!(read(&vfs).unwrap(), state);

    // Damage to that edit has no such excuse.
    bytes[mark + 21] ^= 1;
    put(&vfs, FILE, &bytes);
    assert_eq!(read(&vfs).unwrap_err().kind(), ErrorKind::Corruption, "the next mark tells");
}

#[test]
fn a_manifest_of_a_newer_version_is_unsupported() {
    let (vfs, _) = closed();
    let mut bytes = vfs.read_all(dir().join(FILE)).unwrap();
    bytes[8] = 2;
    let crc = lsmer_core::checksum(&bytes[..28]);
    bytes[28..32].copy_from_slice(&crc.to_le_bytes());
    put(&vfs, FILE, &bytes);
    let error = read(&vfs).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.file(), Some(&*dir().join(FILE)));
}

#[test]
fn a_manifest_cut_anywhere_is_an_earlier_state_or_corruption() {
    let vfs = disk();
    let manifest = create(&vfs);
    let mut states = vec![read(&vfs).unwrap()];
    for n in 1..=3 {
        commit(&manifest, &flush(n)).unwrap();
        states.push(read(&vfs).unwrap());
    }
    let bytes = vfs.read_all(dir().join(FILE)).unwrap();
    for len in 0..usize::try_from(used(&vfs)).unwrap() {
        put(&vfs, FILE, &bytes[..len]);
        match read(&vfs) {
            Ok(state) => assert!(states.contains(&state), "{len}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Corruption, "{len}"),
        }
    }
}

#[test]
fn reading_changes_nothing() {
    let (vfs, _) = closed();
    let before: Vec<_> = vfs.list().into_iter().map(|(path, _)| vfs.read_all(path)).collect();
    let before: Vec<_> = before.into_iter().map(Result::unwrap).collect();
    read(&vfs).unwrap();
    let after: Vec<_> = vfs.list().into_iter().map(|(path, _)| vfs.read_all(path)).collect();
    assert_eq!(before, after.into_iter().map(Result::unwrap).collect::<Vec<_>>());
    assert_eq!((vfs.pending(), vfs.read_dir(dir()).unwrap().len()), (0, 2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_make_reading_panic(noise in vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let (vfs, _) = closed();
        let mut bytes = vfs.read_all(dir().join(FILE)).unwrap();
        let used = usize::try_from(used(&vfs)).unwrap();
        for (at, byte) in noise {
            bytes[at.index(used)] = byte;
        }
        put(&vfs, FILE, &bytes);
        drop(read(&vfs));
        drop(lsmer_manifest::dump(&vfs, &dir().join(FILE), &mut String::new()));
    }
}
