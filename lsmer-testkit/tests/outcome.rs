//! What a simulated crash leaves is explained by the recording, and what it cannot leave is not.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;

use lsmer_core::{FileClass, OpenOptions, SyncKind, Vfs};
use lsmer_testkit::{Budget, Crash, Cursor, Filler, Outcome, Profile, Recording, SimVfs, figures};

const CREATE: OpenOptions = OpenOptions::create(FileClass::Table);

fn record(work: impl FnOnce(&dyn Vfs)) -> Recording {
    let sim = SimVfs::new();
    sim.record();
    work(&sim);
    sim.recording()
}

/// Names, lengths and bytes that are durable, pending, replaced and removed, in two folders.
fn work(vfs: &dyn Vfs) {
    let path = Path::new;
    vfs.create_dir(path("/d")).unwrap();
    let one = vfs.open(path("/one"), CREATE).unwrap();
    one.write_all_at(&[1; 6000], 0).unwrap();
    one.sync(SyncKind::Data).unwrap();
    vfs.sync_dir(path("/")).unwrap();
    one.write_all_at(&[2; 3000], 5000).unwrap();
    one.write_all_at(&[3; 10], 100).unwrap();
    let two = vfs.open(path("/d/two"), CREATE).unwrap();
    two.allocate(0, 3000).unwrap();
    two.write_all_at(b"two", 0).unwrap();
    vfs.install(path("/d"), "CURRENT", FileClass::Current, b"first").unwrap();
    vfs.install(path("/d"), "CURRENT", FileClass::Current, b"second").unwrap();
    vfs.remove_file(path("/one")).unwrap();
    one.set_len(700).unwrap();
    vfs.rename(path("/d/two"), path("/three")).unwrap();
}

fn outcome(cursor: &Cursor<'_>, crash: &Crash) -> Outcome {
    Outcome::read(&cursor.materialise(crash).vfs(), Path::new("/")).unwrap()
}

#[test]
fn every_simulated_power_loss_is_explained() {
    let recording = record(work);
    let mut cursor = recording.cursor();
    let mut checked = 0;
    for point in 0..=recording.events().len() {
        cursor.advance_to(point);
        for seed in 0..20 {
            for crash in cursor.states(&Budget::SMALL, seed) {
                let crash = Crash { flight: lsmer_testkit::Flight::Nothing, ..crash };
                for profile in [Profile::Weak, Profile::Ext4Ordered] {
                    let crash = cursor.under(profile, &crash);
                    let explained = cursor.allows(profile, &outcome(&cursor, &crash));
                    assert_eq!(explained, Ok(()), "{profile:?} at {point}: {crash}");
                    checked += 1;
                }
            }
        }
    }
    figures("outcomes", &[("explained", checked)]);
    assert!(checked > 1000);
}

/// Changes what a crash has left; returns what is said of it.
fn refused(profile: Profile, change: impl FnOnce(&mut Outcome)) -> String {
    let recording = record(work);
    let mut cursor = recording.cursor();
    cursor.advance_to(13);
    let everything = Crash::power(Vec::new(), Filler::Zeros);
    let mut found = outcome(&cursor, &everything);
    assert_eq!(cursor.allows(profile, &found), Ok(()));
    change(&mut found);
    cursor.allows(profile, &found).unwrap_err()
}

fn file<'a>(outcome: &'a mut Outcome, name: &str) -> &'a mut Vec<u8> {
    outcome.names.get_mut(Path::new(name)).unwrap().as_mut().unwrap()
}

#[test]
fn what_no_crash_leaves_is_refused() {
    for profile in [Profile::Weak, Profile::Ext4Ordered] {
        let said = refused(profile, |found| file(found, "one")[17] = 9);
        assert!(said.contains("one: nobody wrote bytes"), "{said}");
        let said = refused(profile, |found| file(found, "one").truncate(5999));
        assert!(said.contains("one: it has 5999 bytes"), "{said}");
        let said = refused(profile, |found| drop(found.names.remove(Path::new("one"))));
        assert!(said.contains("the name one was durable"), "{said}");
        let said = refused(profile, |found| drop(found.names.insert("odd".into(), None)));
        assert!(said.contains("nobody gave the name odd"), "{said}");
        // Half of a write that lies within a page: neither the old bytes nor the new ones.
        let said = refused(profile, |found| file(found, "one")[100..105].fill(1));
        assert!(said.contains("nobody wrote bytes 105.."), "{said}");
    }
}

#[test]
fn ext4_never_shows_a_length_without_its_bytes_nor_a_later_name_alone() {
    let grown = |found: &mut Outcome| file(found, "one")[6000..].fill(0);
    let said = refused(Profile::Ext4Ordered, grown);
    assert!(said.contains("one: nobody wrote"), "{said}");
    let recording = record(|vfs| {
        for name in ["/a", "/b"] {
            vfs.open(Path::new(name), CREATE).unwrap();
        }
    });
    let mut cursor = recording.cursor();
    cursor.advance_to(2);
    let later = outcome(&cursor, &Crash::power(vec![0], Filler::Zeros));
    assert_eq!(later.names.len(), 1);
    assert_eq!(cursor.allows(Profile::Weak, &later), Ok(()));
    assert!(cursor.allows(Profile::Ext4Ordered, &later).is_err());
}
