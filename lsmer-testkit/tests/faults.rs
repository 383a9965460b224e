//! The file system that fails: every effect happens to every operation that it fits, at the call
//! that was meant, and says who called. A wrapper that never fires makes every test pass.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    io::{self, IoSlice},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
    time::Duration,
};

use lsmer_core::{Clock, FileClass, LockMode, OpenOptions, ReadRequest, SyncKind, Vfs, VfsFile};
use lsmer_io::{ManualClock, MemVfs};
use lsmer_testkit::{
    Crash, FailedSync, SimVfs,
    fault::{Effect, Errno, FaultPlan, FaultVfs, JumpClock, Jumped, Op, Rule, When},
    figures,
};

const OLD: &[u8] = b"0123456789abcdef";
const NEW: &[u8] = b"ABCDEFGH";

/// What an operation gave.
#[derive(Debug, PartialEq)]
struct Gave {
    /// What was read, if something was.
    read: Vec<u8>,
    /// How many bytes were read or written.
    count: usize,
}

/// A folder with one file, which is durable.
struct World {
    vfs: FaultVfs,
    file: Arc<dyn VfsFile>,
}

impl World {
    fn new(vfs: FaultVfs) -> Self {
        let file = vfs.open(Path::new("a"), OpenOptions::create(FileClass::Wal)).unwrap();
        file.write_all_at(OLD, 0).unwrap();
        file.sync(SyncKind::All).unwrap();
        vfs.sync_dir(Path::new("/")).unwrap();
        Self { vfs, file }
    }

    fn sim() -> (Self, SimVfs) {
        let sim = SimVfs::new();
        (Self::new(FaultVfs::on(sim.clone())), sim)
    }

    fn content(&self) -> Vec<u8> {
        self.vfs.begin(FaultPlan::default());
        let vfs: &dyn Vfs = &self.vfs;
        vfs.read_file(Path::new("a"), FileClass::Wal, 1 << 20).unwrap()
    }

    /// Does one operation, from one line.
    fn call(&self, op: Op) -> io::Result<Gave> {
        let (vfs, a, b) = (&self.vfs, Path::new("a"), Path::new("b"));
        let mut buf = [0; 8];
        let (mut read, mut count) = (Vec::new(), 0);
        match op {
            Op::Open => drop(vfs.open(a, OpenOptions::read(FileClass::Wal))?),
            Op::Create => drop(vfs.open(b, OpenOptions::create(FileClass::Table))?),
            Op::Rename => vfs.rename(a, b)?,
            Op::Remove => vfs.remove_file(a)?,
            Op::Link => vfs.hard_link(a, b)?,
            Op::CreateDir => vfs.create_dir(b)?,
            Op::ReadDir => count = vfs.read_dir(Path::new("/"))?.len(),
            Op::SyncDir => vfs.sync_dir(Path::new("/"))?,
            Op::Lock => drop(vfs.lock(Path::new("LOCK"), LockMode::Exclusive)?),
            Op::Read => {
                count = self.file.read_at(&mut buf, 4)?;
                read = buf[..count].to_vec();
            }
            Op::ReadBatch => {
                self.file.read_batch(&mut [ReadRequest { offset: 4, buf: &mut buf }])?;
                (read, count) = (buf.to_vec(), buf.len());
            }
            Op::Write => count = self.file.write_at(&[IoSlice::new(NEW)], 4)?,
            Op::Sync => self.file.sync(SyncKind::Data)?,
            Op::Allocate => self.file.allocate(16, 16)?,
            Op::SetLen => self.file.set_len(3)?,
            Op::Len => count = usize::try_from(self.file.len()?).unwrap(),
        }
        Ok(Gave { read, count })
    }

    /// Whether an operation that changes something has been carried out.
    fn is_done(&self, op: Op) -> Option<bool> {
        let names = || self.vfs.read_dir(Path::new("/")).unwrap();
        let has = |name: &str| names().iter().any(|entry| entry.name == name);
        Some(match op {
            Op::Create | Op::Link | Op::CreateDir => has("b"),
            Op::Rename => has("b") && !has("a"),
            Op::Remove => !has("a"),
            Op::Write => self.content() != OLD,
            Op::Allocate => self.content().len() == 32,
            Op::SetLen => self.content().len() == 3,
            _ => return None,
        })
    }
}

fn effects() -> Vec<Effect> {
    let mut all = vec![
        Effect::LyingSync,
        Effect::Short(3),
        Effect::Flip(9),
        Effect::Zeros,
        Effect::Swapped,
        Effect::Misdirected(2),
        Effect::LostWrite,
    ];
    for errno in [Errno::EIO, Errno::ENOSPC, Errno::EINTR, Errno::EMFILE] {
        all.extend([Effect::Error(errno), Effect::Late(errno)]);
    }
    all.extend(FailedSync::ALL.map(Effect::Sync));
    all
}

/// Checks what an effect made of a call.
fn check(world: &World, op: Op, effect: Effect, gave: io::Result<Gave>) {
    let what = format!("{effect} on {}", op.name());
    let errno = |gave: io::Result<Gave>| gave.unwrap_err().raw_os_error();
    match effect {
        Effect::Error(want) => {
            assert_eq!(errno(gave), Some(want.0), "{what}");
            assert_ne!(world.is_done(op), Some(true), "{what}: nothing is done");
        }
        Effect::Late(want) => {
            assert_eq!(errno(gave), Some(want.0), "{what}");
            assert_ne!(world.is_done(op), Some(false), "{what}: it is done");
        }
        Effect::Sync(_) => assert_eq!(errno(gave), Some(Errno::EIO.0), "{what}"),
        Effect::LyingSync => assert_eq!(gave.unwrap().count, 0, "{what}"),
        _ => {
            let Gave { read, count } = gave.unwrap();
            let (want, stored): (&[u8], &[u8]) = match effect {
                Effect::Short(_) => (b"456", b"0123ABC789abcdef"),
                Effect::Flip(_) => (b"476789ab", b"0123A@CDEFGHcdef"),
                Effect::Zeros => (&[0; 8], b"0123\0\0\0\0\0\0\0\0cdef"),
                Effect::Swapped => (b"89ab4567", b"0123EFGHABCDcdef"),
                Effect::Misdirected(_) => (b"23456789", b"01ABCDEFGHabcdef"),
                _ => (b"", OLD),
            };
            let want_count = if effect == Effect::Short(3) { 3 } else { 8 };
            assert_eq!(count, want_count, "{what}");
            if op == Op::Write {
                assert_eq!(world.content(), stored, "{what}");
            } else {
                assert_eq!(read, want, "{what}");
            }
        }
    }
}

#[test]
fn every_effect_happens_to_every_operation_that_it_fits_and_names_the_caller() {
    let mut pairs = 0;
    for effect in effects() {
        for op in Op::ALL {
            let (world, _sim) = World::sim();
            world.vfs.begin(Rule::new(effect).on(op));
            let gave = world.call(op);
            let fired = world.vfs.fired();
            if !effect.fits(op) {
                assert_eq!((fired.len(), gave.is_ok()), (0, true), "{effect} on {}", op.name());
                continue;
            }
            assert_eq!(fired.len(), 1, "{effect} on {}", op.name());
            assert_eq!(fired[0].call.op, op);
            assert!(fired[0].call.site.file().ends_with("tests/faults.rs"), "{}", fired[0].call);
            check(&world, op, effect, gave);
            pairs += 1;
        }
    }
    assert_eq!(pairs, 4 * 2 * 16 + 5 * 2 + 2 + 4 * 3 + 1);
    figures("fault-effects", &[("pairs", pairs)]);
}

#[test]
fn through_any_file_system_calls_fail_and_nothing_else_changes() {
    let world = World::new(FaultVfs::new(Arc::new(MemVfs::new())));
    for left in FailedSync::ALL {
        world.vfs.begin(Rule::new(Effect::Sync(left)));
        assert_eq!(world.call(Op::Sync).unwrap_err().raw_os_error(), Some(5));
        world.call(Op::Sync).unwrap();
    }
    assert_eq!(world.content(), OLD);
}

#[test]
fn a_failed_sync_leaves_what_its_state_says_and_a_lie_leaves_nothing() {
    let cases = [
        (Effect::Sync(FailedSync::StillDirty), "new", 2),
        (Effect::Sync(FailedSync::MarkedClean), "new", 2),
        (Effect::Sync(FailedSync::Reverted), "old", 1),
        (Effect::Sync(FailedSync::ActuallyDurable), "new", 1),
        (Effect::LyingSync, "new", 2),
        (Effect::Late(Errno::EIO), "new", 1),
        (Effect::Error(Errno::EIO), "new", 2),
    ];
    for (effect, now, disks) in cases {
        let (world, sim) = World::sim();
        sim.record();
        world.vfs.begin(Rule::new(effect).on(Op::Sync));
        world.call(Op::Write).unwrap();
        assert_eq!(world.call(Op::Sync).is_ok(), effect == Effect::LyingSync);
        let content = if now == "new" { b"0123ABCDEFGHcdef" } else { OLD };
        assert_eq!(world.content(), content, "{effect}");
        let recording = sim.recording();
        let mut cursor = recording.cursor();
        cursor.advance_to(usize::MAX);
        let lost = Crash::power((0..cursor.atom_count()).collect(), lsmer_testkit::Filler::Zeros);
        let different = cursor.materialise(&lost).hash() != cursor.materialise(&Crash::KILL).hash();
        assert_eq!(different, disks == 2, "{effect}: whether a power loss takes it");
    }
}

#[test]
fn a_rule_is_about_its_operation_its_class_its_caller_and_its_turn_only() {
    let (world, _sim) = World::sim();
    let zeros = |world: &World, rule: Rule| {
        world.vfs.begin(rule);
        let reads = (0..6).map(|_| world.call(Op::Read).unwrap().read == [0; 8]);
        reads.map(|zeros| if zeros { '0' } else { '-' }).collect::<String>()
    };
    let rule = || Rule::new(Effect::Zeros);
    assert_eq!(zeros(&world, rule()), "0-----");
    let site = world.vfs.calls()[0].site;
    assert_eq!(zeros(&world, rule().when(When::nth(2))), "--0---");
    assert_eq!(zeros(&world, rule().when(When::Times { first: 1, count: 3 })), "-000--");
    assert_eq!(zeros(&world, rule().when(When::From(4))), "----00");
    assert_eq!(zeros(&world, rule().on(Op::Read).of(FileClass::Wal).at(site)), "0-----");
    assert_eq!(zeros(&world, rule().of(FileClass::Table)), "------");
    assert_eq!(zeros(&world, rule().on(Op::Write)), "------");
    assert_eq!(zeros(&world, rule().at("elsewhere.rs:1:1")), "------");
    assert_eq!(zeros(&world, rule().when(When::Chance { percent: 100, seed: 1 })), "000000");
    assert_eq!(zeros(&world, rule().when(When::Chance { percent: 0, seed: 1 })), "------");
    assert_eq!(world.vfs.fired().len(), 0);
    assert_eq!(world.vfs.calls().len(), 6);
}

#[test]
fn the_class_of_a_name_is_that_of_the_file_that_was_opened_under_it() {
    let (world, _sim) = World::sim();
    world.vfs.begin(Vec::new());
    world.call(Op::Link).unwrap();
    world.call(Op::Rename).unwrap();
    world.vfs.remove_file(Path::new("b")).unwrap();
    assert!(world.vfs.calls().iter().all(|call| call.class == Some(FileClass::Wal)));
}

#[test]
fn a_full_disk_takes_what_fits_and_has_room_again_once_the_last_handle_is_gone() {
    let (world, _sim) = World::sim();
    world.vfs.begin(Vec::new());
    world.vfs.limit_bytes(Some(5));
    let full = |result: io::Result<Gave>| {
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull);
    };
    assert_eq!(world.call(Op::Write).unwrap().count, 8, "it writes over what is there");
    full(world.call(Op::Allocate));
    assert_eq!(world.file.write_at(&[IoSlice::new(NEW)], 16).unwrap(), 5, "short");
    for op in [Op::Create, Op::Link, Op::CreateDir] {
        full(world.call(op));
    }
    full(world.file.write_at(&[IoSlice::new(NEW)], 21).map(|count| Gave { read: vec![], count }));
    full(world.file.set_len(22).map(|()| Gave { read: vec![], count: 0 }));
    world.call(Op::Read).unwrap();
    world.call(Op::Remove).unwrap();
    full(world.call(Op::Create));
    let World { vfs, file } = world;
    drop(file);
    let file = vfs.open(Path::new("c"), OpenOptions::create(FileClass::Wal)).unwrap();
    assert_eq!(file.write_at(&[IoSlice::new(&[0; 99])], 0).unwrap(), 21);
    file.set_len(1).unwrap();
    vfs.limit_bytes(None);
    file.allocate(0, 999).unwrap();
}

#[test]
fn whoever_tries_again_for_ever_is_stopped() {
    let (world, _sim) = World::sim();
    world.vfs.begin(Rule::new(Effect::Error(Errno::EINTR)).when(When::From(0)));
    world.vfs.limit_calls(Some(50));
    let endless = || world.file.read_exact_at(&mut [0; 4], 0);
    let panic = catch_unwind(AssertUnwindSafe(endless)).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("more than 50 calls") && text.contains("read of wal at"), "{text}");
}

#[test]
fn short_and_interrupted_calls_are_masked_by_the_loops_of_the_trait() {
    let (world, _sim) = World::sim();
    let interrupted =
        Rule::new(Effect::Error(Errno::EINTR)).when(When::Times { first: 0, count: 3 });
    let short = Rule::new(Effect::Short(0)).when(When::From(0));
    world.vfs.begin(vec![interrupted, short]);
    world.file.write_all_at(NEW, 0).unwrap();
    let mut buf = [0; 8];
    world.file.read_exact_at(&mut buf, 0).unwrap();
    assert_eq!(buf, NEW);
    assert_eq!(world.vfs.calls().len(), 3 + 8 + 8, "one byte each time");
}

#[test]
fn a_clock_jumps_once_in_either_direction() {
    let inner = || {
        let clock = Arc::new(ManualClock::new());
        clock.advance(Duration::from_secs(100));
        clock
    };
    let minute = Duration::from_secs(60);
    let ahead = JumpClock::new(inner(), 1, Jumped::Forward(minute));
    let back = JumpClock::new(inner(), 1, Jumped::Back(minute));
    let seconds = |clock: &JumpClock| [(); 3].map(|()| clock.now().as_secs());
    assert_eq!(seconds(&ahead), [100, 160, 160]);
    assert_eq!(seconds(&back), [100, 40, 40]);
    assert_eq!(ahead.reads(), 3);
    assert_eq!(back.wall(), ManualClock::WALL_AT_ZERO + Duration::from_secs(40));
    let far = JumpClock::new(inner(), 0, Jumped::Back(2 * minute));
    assert_eq!(far.now(), Duration::ZERO, "not before zero");
}
