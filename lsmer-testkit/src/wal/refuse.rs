//! `WAL-06` and `WAL-07`: what is refused, and what is not taken back.

use std::sync::Arc;

use lsmer_core::{ErrorKind, MAX_BATCH_BYTES, Vfs, WalFormat};

use super::life::{Act, Life, Sizes};
use crate::{
    Budget, FailedSync,
    fault::{Effect, FaultVfs, Op, Rule, When},
    seed::Seeded,
};

const SIZES: Sizes = (1 << 10, 4 << 10);

/// `WAL-06`: every sync of a life, of files and of folders, fails once, and leaves what a failed
/// sync may leave. Once a `sync_to` has failed, none succeeds and nothing is written, though the
/// disk would work again; and what was acknowledged survives the loss of power.
///
/// # Panics
///
/// If not.
pub fn wal_06_after_a_failed_sync_none_succeeds(format: &dyn WalFormat) {
    for op in [Op::Sync, Op::SyncDir] {
        for left in FailedSync::ALL {
            for nth in 0.. {
                assert!(nth < 1_000, "a life of a few acts has fewer syncs");
                let rule = Rule::new(Effect::Sync(left)).on(op).when(When::nth(nth));
                if !fails_once(format, rule) {
                    break;
                }
            }
        }
    }
}

/// Lives with a sync that fails, and returns whether it was reached.
fn fails_once(format: &dyn WalFormat, rule: Rule) -> bool {
    let acts = [
        Act::Write(100),
        Act::Sync,
        Act::Write(700),
        Act::Write(900),
        Act::Sync,
        Act::Write(900),
        Act::Write(900),
        Act::Flush,
        Act::Work,
        Act::Write(30),
        Act::Sync,
        Act::Write(10),
        Act::Sync,
    ];
    let mut life = Life::new(format, SIZES);
    let vfs = FaultVfs::on(life.sim.clone());
    life.vfs = Arc::new(vfs.clone());
    life.sim.record();
    let what = format!("with {rule}; {acts:?}");
    vfs.begin(rule);
    if life.open(false).is_err() {
        return true; // nothing was promised
    }
    let mut failed = false;
    for act in acts {
        match act {
            _ if !failed && act != Act::Sync => failed |= life.act(act).is_err(),
            Act::Sync if !failed => failed = life.sync().is_err(),
            _ => refuses_all(&mut life, &what),
        }
    }
    survives(life, &what);
    !vfs.fired().is_empty()
}

/// Checks that nothing is promised any more after a failure.
fn refuses_all(life: &mut Life<'_>, what: &str) {
    let stats = life.wal().stats();
    let synced = life.wal().sync_to(stats.tail);
    assert!(synced.is_err(), "WAL-06: a sync after a failed one is Ok; {what}");
    let reserved = life.wal().reserve(10);
    let refused = reserved.as_ref().is_err_and(|error| error.kind() == ErrorKind::ReadOnly);
    assert!(refused, "WAL-06: {reserved:?} after a failed sync; {what}");
    let now = life.wal().stats().synced;
    assert!(now <= stats.synced, "WAL-06: it says it is synced to {now:?} now; {what}");
}

/// Loses power in several ways, and looks for what was acknowledged.
fn survives(life: Life<'_>, what: &str) {
    let (format, memory) = (life.format, life.memory.clone());
    let recording = life.sim.recording();
    drop(life);
    let mut cursor = recording.cursor();
    cursor.advance_to(recording.events().len());
    for crash in cursor.states(&Budget::SMALL, 1).filter(|crash| crash.power.is_some()) {
        let vfs: Arc<dyn Vfs> = Arc::new(cursor.materialise(&crash).vfs());
        let found = memory.scan(format, &vfs).map_err(|error| format!("WAL-06: {error:?}"));
        if let Err(broken) = found.and_then(|found| memory.check(&found, true)) {
            panic!("{broken}; {crash}: {:#?}; {what}", cursor.explain(&crash));
        }
    }
}

/// `WAL-07`: on a disk with little room left, `reserve` answers `Full` and changes nothing, or
/// what it gave room to can be written; when there is room again, the log goes on. A record over
/// the limit is refused, and a slot that is not used is forgotten.
///
/// # Panics
///
/// If not.
pub fn wal_07_a_full_disk_is_told_by_reserve(format: &dyn WalFormat) {
    let mut refused = 0;
    for free in (0..12_000).step_by(300) {
        let mut life = Life::new(format, SIZES);
        let vfs = FaultVfs::on(life.sim.clone());
        life.vfs = Arc::new(vfs.clone());
        life.sim.record();
        let what = format!("with {free} bytes free");
        let mut begun = life.open(false);
        begun = begun.and_then(|()| life.act(Act::Write(100)));
        begun.unwrap_or_else(|broken| panic!("{broken}"));
        vfs.limit_bytes(Some(free));
        for bytes in [300, 900, 10, 2_500, 700, 20, 3_000, 5] {
            refused += u64::from(!writes_or_refuses(&mut life, bytes, &what));
        }
        let over = life.wal().reserve(MAX_BATCH_BYTES + 1);
        assert!(over.is_err(), "WAL-07: a record over the limit has a slot; {what}");
        vfs.limit_bytes(None);
        for act in [Act::Forget(2_000), Act::Write(2_000), Act::Sync, Act::Reopen] {
            life.act(act).unwrap_or_else(|broken| panic!("{broken}; {what}, and then with room"));
        }
        survives(life, &what);
    }
    assert!(refused > 0, "WAL-07: a full disk took all records; {}", Seeded::new());
}

/// Writes a record, or is refused and checks that nothing changed.
fn writes_or_refuses(life: &mut Life<'_>, bytes: usize, what: &str) -> bool {
    let tail = life.wal().stats().tail;
    match life.wal().reserve(bytes) {
        Ok(_) => {
            let written = life.write(bytes);
            let ok = written.is_ok();
            assert!(ok, "WAL-07: {bytes} bytes had room, then {written:?}; {what}");
            true
        }
        Err(error) => {
            let kind = error.kind();
            assert!(kind == ErrorKind::Full, "WAL-07: a full disk is {error:?}; {what}");
            let now = life.wal().stats().tail;
            assert!(now == tail, "WAL-07: refused, and the tail moved to {now:?}; {what}");
            false
        }
    }
}
