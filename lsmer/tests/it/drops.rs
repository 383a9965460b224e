//! Strategies that drop tables.

use std::{sync::Arc, time::Duration};

use lsmer::{
    Db,
    parts::{
        self,
        core::{CompactionJob, CompactionStrategy, JobInput, Law, PlanContext, TreeView},
        io::{ManualClock, MemVfs},
    },
};

/// Drops a table of the run at some place, once there are three runs.
#[derive(Debug)]
struct DropsOne {
    says_so: bool,
    oldest: bool,
}

impl CompactionStrategy for DropsOne {
    fn name(&self) -> &'static str {
        "drops-one"
    }

    fn plan(&self, tree: TreeView<'_>, _cx: &PlanContext) -> Vec<CompactionJob> {
        let runs = tree.runs();
        let run = if self.oldest { runs.last() } else { runs.first() };
        let run = run.filter(|run| runs.len() > 2 && tree.is_free(run));
        run.map(|run| CompactionJob::drop_tables(vec![JobInput::all_of(run)])).into_iter().collect()
    }

    fn drops(&self) -> bool {
        self.says_so
    }
}

/// Flushes "shared" and a key of their own three times, in seconds 0, 10 and 20.
fn three_flushes(strategy: DropsOne) -> Db {
    let (env, _exec, clock) = parts::io::manual(MemVfs::without_crashes(), 5);
    let db = Db::builder("db").env(env).compaction(strategy).open().unwrap();
    for n in 0..3_u8 {
        db.put("shared", [n]).unwrap();
        db.put([n], [n]).unwrap();
        db.flush().unwrap();
        clock.advance(Duration::from_secs(10));
    }
    db.wait_until_quiet().unwrap();
    db
}

#[test]
fn dropped_tables_are_gone_with_their_entries_and_nothing_else_is() {
    let db = three_flushes(DropsOne { says_so: true, oldest: true });
    assert_eq!(db.get([0]).unwrap(), None);
    assert_eq!(db.get("shared").unwrap().unwrap(), [2]);
    assert_eq!(db.get([1]).unwrap().unwrap(), [1]);
    let stats = db.stats();
    assert_eq!((stats.drops, stats.illegal_plans), (1, 0));
    assert!(stats.dropped_bytes > 0);
    assert!(db.verify().faults.is_empty());
}

#[test]
fn an_old_value_does_not_come_back_by_a_drop() {
    let db = three_flushes(DropsOne { says_so: true, oldest: false });
    assert_eq!(db.get("shared").unwrap().unwrap(), [2]);
    let refusals = db.stats().refusals;
    assert!(refusals.of(Law::Drops) > 0 && refusals.of(Law::Drops) == refusals.total());
    let last = refusals.last.unwrap();
    assert!(last.contains("come to light") && last.contains(": drop run "), "{last}");
}

#[test]
fn a_strategy_that_does_not_say_so_drops_nothing() {
    let db = three_flushes(DropsOne { says_so: false, oldest: true });
    assert_eq!(db.get([0]).unwrap().unwrap(), [0]);
    let stats = db.stats();
    assert_eq!((stats.drops, stats.illegal_plans), (0, stats.refusals.of(Law::Drops)));
    assert!(stats.illegal_plans > 0);
}

/// Opens a database whose clock stands still.
fn with(strategy: impl CompactionStrategy + 'static) -> (Db, Arc<ManualClock>) {
    let (env, _exec, clock) = parts::io::manual(MemVfs::without_crashes(), 5);
    (Db::builder("db").env(env).compaction(strategy).open().unwrap(), clock)
}

#[test]
fn tables_are_dropped_by_their_age_also_after_the_database_was_closed() {
    let vfs = MemVfs::without_crashes();
    let (env, _exec, clock) = parts::io::manual(vfs, 5);
    let strategy = parts::Fifo::default().with_max_age(Duration::from_secs(25));
    let open = || Db::builder("db").env(env.clone()).compaction(strategy.clone()).open().unwrap();
    let db = open();
    for n in 0..3_u8 {
        db.put([n], [n]).unwrap();
        db.flush().unwrap();
        clock.advance(Duration::from_secs(10));
    }
    db.close().unwrap();
    let db = open();
    db.wait_until_quiet().unwrap();
    let found = |db: &Db| [0, 1, 2_u8].map(|n| db.get([n]).unwrap().is_some());
    assert_eq!(found(&db), [false, true, true], "flushed 30, 20 and 10 seconds ago");
    clock.advance(Duration::from_secs(10));
    db.wait_until_quiet().unwrap();
    assert_eq!(found(&db), [false, false, true]);
    assert!(db.verify().faults.is_empty());
}

#[test]
fn a_snapshot_does_not_keep_what_is_dropped_and_a_scan_does() {
    let (db, clock) = with(parts::Fifo::default().with_max_age(Duration::from_secs(5)));
    db.put("k", "v").unwrap();
    db.flush().unwrap();
    let snapshot = db.snapshot();
    let mut scan = db.iter().unwrap();
    clock.advance(Duration::from_secs(6));
    db.wait_until_quiet().unwrap();
    assert_eq!((db.stats().drops, snapshot.get("k").unwrap()), (1, None));
    assert_eq!(scan.next().unwrap(), Some((&b"k"[..], &b"v"[..])));
}

#[test]
fn a_database_that_nobody_writes_to_settles() {
    let (db, clock) = with(parts::Leveled::default());
    for n in 0..3_u8 {
        db.put("k", [n]).unwrap();
        db.flush().unwrap();
    }
    let runs = || db.stats().keyspaces[0].levels.iter().map(|level| level.runs).sum::<u64>();
    db.wait_until_quiet().unwrap();
    assert_eq!(runs(), 3);
    clock.advance(Duration::from_secs(11));
    db.put("other", "v").unwrap();
    db.wait_until_quiet().unwrap();
    assert_eq!(runs(), 3, "something was written");
    clock.advance(Duration::from_secs(11));
    db.wait_until_quiet().unwrap();
    assert_eq!((runs(), db.get("k").unwrap().as_deref()), (1, Some(&[2][..])));
}

#[test]
fn deletes_are_merged_away_once_they_are_old() {
    let deletes = parts::Deletes::default().with_max_age(Duration::from_secs(60));
    let (db, clock) = with(parts::Leveled::default().with_deletes(deletes));
    db.put("a", "v").unwrap();
    db.put("k", "v").unwrap();
    db.compact(..).unwrap();
    db.delete("k").unwrap();
    db.flush().unwrap();
    db.wait_until_quiet().unwrap();
    let entries = || db.stats().keyspaces[0].levels.iter().map(|level| level.entries).sum::<u64>();
    assert_eq!(entries(), 3);
    clock.advance(Duration::from_secs(61));
    db.put("z", "v").unwrap();
    db.wait_until_quiet().unwrap();
    assert_eq!(entries(), 1, "the delete and what it hides are gone");
}
