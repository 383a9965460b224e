//! Views that are replaced while they are read or written.

use std::{ops::Range, sync::Arc};

use lsmer_core::{
    EntryBatch, EntryRef, KeyspaceId, KeyspaceOptions, Kind, Lsn, MemtableSpec, SeqNo, Slot,
    Window, models::Model,
};
use lsmer_io::MemVfs;
use lsmer_memtable::CrossbeamMemtable;
use lsmer_sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
    thread,
};

use super::{Work, parts};
use crate::{
    idle::Idle,
    read::pin,
    snapshots::Snapshots,
    space::Space,
    survive::Survive,
    tables::Tables,
    view::{Mem, Version, View},
    visible::{Ticket, Visible},
};

/// A keyspace without tables, and who reads it.
struct World {
    space: Arc<Space>,
    visible: Visible,
    snapshots: Snapshots,
    commit: Mutex<()>,
    /// An entry of a memtable; relaxed, so that only the memtable's bookkeeping orders it.
    entry: AtomicU64,
}

impl World {
    /// Everything up to `visible` can be seen; `sealed` memtables wait for a flush.
    fn new(visible: u64, sealed: usize) -> Arc<Self> {
        let parts = parts(&MemVfs::without_crashes(), Work::Here);
        let tables = Tables::new("/db".into(), parts, 0, false);
        let version = Arc::new(Version::new(Arc::default(), &tables));
        let sealed = (0..sealed).map(|_| mem()).collect();
        let view = View { active: mem(), sealed, version, idle: Idle::default() };
        let options = KeyspaceOptions::default();
        Arc::new(Self {
            space: Space::new(KeyspaceId::DEFAULT, "default".into(), options, view),
            visible: Visible::new(SeqNo(visible)),
            snapshots: Snapshots::default(),
            commit: Mutex::default(),
            entry: AtomicU64::new(0),
        })
    }
}

fn mem() -> Arc<Mem> {
    Arc::new(Mem::new(CrossbeamMemtable::factory().create(&MemtableSpec { bytes: 1 << 10 })))
}

#[test]
fn a_merge_keeps_what_a_new_snapshot_reads() {
    Model::exhaustive("snapshot-register").twin("snapshot-seqno-before-its-lock").check(|| {
        let world = World::new(1, 0);
        let other = Arc::clone(&world);
        let reader = thread::spawn(move || other.snapshots.register(&other.visible));
        world.visible.publish(Ticket(0), SeqNo(2), &Work::Here);
        let mut survive = Survive::new(world.snapshots.boundaries(&world.visible));
        let mut batch = EntryBatch::default();
        for seqno in [SeqNo(2), SeqNo(1)] {
            batch.push(EntryRef { key: b"k", seqno, kind: Kind::Put, value: b"" });
        }
        let mut kept = [false; 2];
        let keep = |rows: Range<u32>| {
            rows.for_each(|at| kept[at as usize] = true);
            Ok(())
        };
        survive.sift(&Window::Batch(batch), 0..2, |_| true, keep).unwrap();
        let seqno = reader.join().unwrap();
        assert!(kept[0], "the newest version stays");
        assert!(seqno == SeqNo(2) || kept[1], "a snapshot reads version 1, and it is gone");
    });
}

#[test]
fn a_pinned_view_has_all_versions_of_its_seqno() {
    Model::exhaustive("view-pin").twin("visible-read-before-the-view").check(|| {
        let world = World::new(1, 1);
        let other = Arc::clone(&world);
        let reader =
            thread::spawn(move || pin(|| other.space.view_owned(), || other.visible.get()));
        world.visible.publish(Ticket(0), SeqNo(2), &Work::Here);
        // A flush, of which nobody with an older seqno is known.
        assert_eq!(world.snapshots.boundaries(&world.visible), [SeqNo(2)]);
        world.space.change_view(|view| view.sealed.clear());
        let (view, seqno) = reader.join().unwrap();
        assert!(!view.sealed.is_empty() || seqno == SeqNo(2), "version 1 is gone from this view");
    });
}

#[test]
fn a_flush_finds_every_entry_of_a_sealed_memtable() {
    let model = Model::exhaustive("rotation");
    let model = model.twin("flush-does-not-wait-for-inserts").twin("insert-ends-relaxed");
    let model = model.twin("flush-does-not-say-that-it-waits");
    model.twin("flush-counts-after-it-looked").check(|| {
        let world = World::new(0, 0);
        let other = Arc::clone(&world);
        let writer = thread::spawn(move || {
            let mem = {
                let _commit = other.commit.lock();
                let mem = Arc::clone(&other.space.view().active);
                mem.begin_write(SeqNo(1), SeqNo(1), Slot { start: Lsn(0), end: Lsn(8) });
                mem
            };
            other.entry.store(1, Ordering::Relaxed);
            mem.end_write();
        });
        {
            let _commit = world.commit.lock();
            world.space.change_view(|view| {
                let sealed = std::mem::replace(&mut view.active, mem());
                view.sealed.insert(0, sealed);
            });
        }
        let sealed = Arc::clone(&world.space.view().sealed[0]);
        while let Some(seen) = sealed.busy() {
            sealed.quiet.park(seen, None);
        }
        let entry = world.entry.load(Ordering::Relaxed);
        assert!(sealed.is_empty() || entry == 1, "the flush misses an entry");
        writer.join().unwrap();
    });
}
