//! Strategies that drop tables.

use std::time::Duration;

use lsmer::{
    Db,
    parts::{
        self,
        core::{CompactionJob, CompactionStrategy, JobInput, Law, PlanContext, TreeView},
        io::MemVfs,
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
