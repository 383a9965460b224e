//! Background work that goes wrong in ways it was not written for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use lsmer::{
    Db,
    parts::{
        self,
        core::{
            CompactionJob, CompactionStrategy, Event, Exec, Job, Next, PlanContext, TreeView,
            Waited, WorkClass,
        },
        io::{ManualExec, MemVfs},
    },
};

/// Moves nothing before it is told to, and counts how often it is asked then.
#[derive(Clone, Debug, Default)]
struct WhenTold {
    leveled: parts::Leveled,
    told: Arc<AtomicBool>,
    plans: Arc<AtomicU64>,
}

impl CompactionStrategy for WhenTold {
    fn name(&self) -> &'static str {
        "when-told"
    }

    fn plan(&self, tree: TreeView<'_>, cx: &PlanContext) -> Vec<CompactionJob> {
        if !self.told.load(Ordering::SeqCst) {
            return vec![];
        }
        let jobs = self.leveled.plan(tree, cx);
        self.plans.fetch_add(u64::from(!jobs.is_empty()), Ordering::SeqCst);
        // Enough for a test that waits for an end.
        if self.plans.load(Ordering::SeqCst) > 100 { vec![] } else { jobs }
    }
}

#[test]
fn a_compaction_that_panics_is_not_planned_again_at_once() {
    let vfs = MemVfs::without_crashes();
    let strategy = WhenTold::default();
    let db = Db::builder("db")
        .env(parts::io::memory(vfs.clone(), 2))
        .compaction(strategy.clone())
        .open()
        .unwrap();
    for n in 0..8_u8 {
        db.put("k", [n]).unwrap();
        db.flush().unwrap();
    }
    vfs.on_sync(Arc::new(|_: &MemVfs| {
        let in_a_job = thread::current().name().is_some_and(|name| name.starts_with("lsmer-"));
        assert!(!in_a_job, "on purpose");
    }));
    strategy.told.store(true, Ordering::SeqCst);
    db.wait_until_quiet().unwrap_err();
    assert_eq!(strategy.plans.load(Ordering::SeqCst), 1);
    vfs.clear_on_sync();
    assert_eq!(db.get("k").unwrap().unwrap(), [7]);
    // A flush that works clears the way.
    db.put("k", "last").unwrap();
    db.flush().unwrap();
    db.wait_until_quiet().unwrap();
    assert!(db.stats().compactions > 0);
    assert_eq!(db.get("k").unwrap().unwrap(), b"last");
}

#[test]
fn tiered_compaction_drops_deletes_that_hide_nothing_any_more() {
    let env = parts::io::memory(MemVfs::without_crashes(), 2);
    let db = Db::builder("db").env(env).compaction(parts::Tiered::default()).open().unwrap();
    for round in 0..4_u32 {
        for n in 0..100_u32 {
            let key = n.to_be_bytes();
            if round < 2 { db.put(key, [7; 20]).unwrap() } else { db.delete(key).unwrap() }
        }
        db.flush().unwrap();
    }
    db.wait_until_quiet().unwrap();
    let stats = db.stats();
    let levels = &stats.keyspaces[0].levels;
    assert_eq!(levels.iter().map(|level| level.entries).sum::<u64>(), 0, "{levels:?}");
}

#[test]
fn a_compaction_by_hand_that_was_stopped_is_not_called_done() {
    let vfs = MemVfs::without_crashes();
    let (env, ..) = parts::io::manual(vfs.clone(), 3);
    let db = Db::builder("db").env(env).open().unwrap();
    let space = db.keyspace("tiny", crate::harness::tiny()).unwrap();
    for n in 0..4_000_u32 {
        space.put(n.to_be_bytes(), [7; 20]).unwrap();
    }
    db.flush().unwrap();
    let closing = Arc::new((db.clone(), AtomicBool::new(false)));
    let once = Arc::clone(&closing);
    vfs.on_sync(Arc::new(move |_: &MemVfs| {
        if !once.1.swap(true, Ordering::SeqCst) {
            // It cannot end, as it is called by a job: but no further step is made.
            drop(once.0.close());
        }
    }));
    assert!(db.compact(..).is_err());
    assert!(closing.1.load(Ordering::SeqCst));
    vfs.on_sync(Arc::new(|_: &MemVfs| {}));
}

#[test]
fn once_a_database_is_quiet_the_tables_that_were_merged_are_off_the_disk() {
    let vfs = MemVfs::without_crashes();
    let (env, ..) = parts::io::manual(vfs.clone(), 0);
    let db = Db::builder("db").env(env).open().unwrap();
    for round in 0..3_u8 {
        for key in 0..100_u8 {
            db.put([key], [round; 20]).unwrap();
        }
        db.flush().unwrap();
    }
    let is_table = |path: &std::path::Path| path.extension().is_some_and(|ending| ending == "tbl");
    let tables = || vfs.list().iter().filter(|(path, _)| is_table(path)).count();
    assert_eq!(tables(), 3);
    db.compact(..).unwrap();
    db.wait_until_quiet().unwrap();
    assert_eq!(tables(), 1);
}

/// Runs jobs as another executor does, and counts the steps of flushes and of compactions.
#[derive(Clone, Debug)]
struct StepCounter {
    inner: Arc<ManualExec>,
    flush: Arc<AtomicU64>,
    compaction: Arc<AtomicU64>,
}

struct CountedJob(Box<dyn Job>, Arc<AtomicU64>);

impl Job for CountedJob {
    fn step(&mut self) -> Next {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.step()
    }
}

impl Exec for StepCounter {
    fn spawn(&self, class: WorkClass, job: Box<dyn Job>) {
        let count = match class {
            WorkClass::Flush => &self.flush,
            WorkClass::Compaction => &self.compaction,
            _ => return self.inner.spawn(class, job),
        };
        self.inner.spawn(class, Box::new(CountedJob(job, Arc::clone(count))));
    }

    fn wait(&self, event: &Event, seen: u64, timeout: Option<Duration>) -> Waited {
        self.inner.wait(event, seen, timeout)
    }
}

#[test]
fn a_step_of_background_work_ends_after_a_few_large_values() {
    let (mut env, inner, _) = parts::io::manual(MemVfs::without_crashes(), 0);
    let exec = StepCounter { inner, flush: Arc::default(), compaction: Arc::default() };
    env.exec = Arc::new(exec.clone());
    let db = Db::builder("db").env(env).open().unwrap();
    let mebibytes = 4;
    for round in 1..=2 {
        for key in 0..16 * mebibytes {
            db.put(format!("{key:04}"), vec![round; 64 << 10]).unwrap();
        }
        db.flush().unwrap();
    }
    let steps = exec.flush.load(Ordering::SeqCst);
    assert!(steps >= 2 * 4 * mebibytes, "{steps} steps for {} MiB", 2 * mebibytes);
    db.compact(..).unwrap();
    let steps = exec.compaction.load(Ordering::SeqCst);
    assert!(steps >= 2 * 4 * mebibytes, "{steps} steps for {} MiB", 2 * mebibytes);
}
