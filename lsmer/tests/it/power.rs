//! Power loss: at every sync, what is left is one prefix of the history over all keyspaces, and
//! holds every write that was acknowledged as synced.

use std::sync::{Arc, Mutex};

use lsmer::parts::io::{Crash, MemVfs};
use proptest::{collection::vec, prelude::*};

use crate::{
    harness::Shape,
    model::{Op, State, World, check_state, op},
};

/// How far the workload was when a crash was recorded.
#[derive(Clone, Copy, Debug)]
struct Progress {
    /// Operations that were begun.
    begun: usize,
    /// The last operation that a power loss may not undo, plus one.
    safe: usize,
}

/// A file system after a crash, and what it may hold.
struct Scene {
    vfs: MemVfs,
    how: Crash,
    progress: Progress,
}

/// Returns whether a power loss after this operation keeps it and all before it.
fn makes_safe(op: &Op, before: &State, after: &State) -> bool {
    match op {
        Op::Write { sync, .. } => *sync,
        Op::Sync | Op::Reopen | Op::Flush | Op::Compact | Op::CompactRange(..) => true,
        Op::Create(_) | Op::Drop(_) => before.len() != after.len(),
        _ => false,
    }
}

/// Runs the workload and records crashes before and after syncs: `Min`, and a sampled prefix.
fn record(shape: Shape, ops: &[Op]) -> (Vec<Scene>, Vec<State>) {
    let vfs = MemVfs::new();
    let mut world = World::new(vfs.clone(), shape);
    let progress = Arc::new(Mutex::new(Progress { begun: 0, safe: 0 }));
    let scenes = Arc::new(Mutex::new(Vec::new()));
    let (shared_progress, shared_scenes) = (Arc::clone(&progress), Arc::clone(&scenes));
    let mut dice = shape.seed | 1;
    let dice = Mutex::new(move || {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        dice
    });
    vfs.on_sync(Arc::new(move |vfs: &MemVfs| {
        let progress = *shared_progress.lock().unwrap();
        let roll = (dice.lock().unwrap())();
        let pending = vfs.pending();
        let some = Crash::Prefix(roll % (pending + 1));
        let torn = Crash::Torn(roll % (pending + 1));
        for how in [Crash::Min, some, torn] {
            let vfs = vfs.crash_clone(how);
            shared_scenes.lock().unwrap().push(Scene { vfs, how, progress });
        }
    }));
    let mut states = vec![world.state.clone()];
    for (at, op) in ops.iter().enumerate() {
        progress.lock().unwrap().begun = at + 1;
        world.apply(op);
        states.push(world.state.clone());
        if makes_safe(op, &states[at], &states[at + 1]) {
            progress.lock().unwrap().safe = at + 1;
        }
    }
    drop(world);
    let scenes = std::mem::take(&mut *scenes.lock().unwrap());
    (scenes, states)
}

fn contents(db: &lsmer::Db) -> State {
    let read = |space: &lsmer::Keyspace| {
        let entries = space.iter().unwrap().owned().map(|entry| {
            let (key, value) = entry.unwrap();
            (key.to_vec(), value.to_vec())
        });
        (space.name().to_owned(), entries.collect())
    };
    db.keyspaces().iter().map(read).collect()
}

impl Scene {
    fn check(&self, shape: Shape, states: &[State]) {
        let Progress { begun, safe } = self.progress;
        // A crash inside recovery, and then one more recovery.
        let twice = MemVfs::clone(&self.vfs);
        let opened = shape.open(&twice).unwrap_or_else(|error| {
            panic!("{:?} at {:?}: {error:?}\n{:?}", self.how, self.progress, self.vfs.list())
        });
        let found = contents(&opened.db);
        let fits = |state: &State| *state == found;
        let possible = &states[safe.min(states.len() - 1)..=begun.min(states.len() - 1)];
        assert!(
            possible.iter().any(fits),
            "{:?} at {:?}: found {found:?}\nexpected one of {possible:?}\nany earlier: {:?}",
            self.how,
            self.progress,
            states.iter().position(fits),
        );
        check_state(&opened.db, &found);
        opened.db.put("after", "the crash").unwrap();
        opened.db.sync().unwrap();
        drop(opened);
        let again = shape.open(&twice).unwrap();
        let mut found = found;
        found.get_mut("default").unwrap().insert(b"after".to_vec(), b"the crash".to_vec());
        check_state(&again.db, &found);
        let report = again.db.verify();
        assert!(report.faults.is_empty(), "{:?}", report.faults);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_power_loss_leaves_a_prefix_with_every_synced_write(
        parts in 0..Shape::COUNT / 2, seed: u64, ops in vec(op(), 1..40),
    ) {
        let shape = Shape { parts, seed };
        let (scenes, states) = record(shape, &ops);
        for scene in &scenes {
            scene.check(shape, &states);
        }
    }

    #[test]
    fn a_power_loss_inside_recovery_changes_nothing(
        seed: u64, ops in vec(op(), 1..25), pick: prop::sample::Index,
    ) {
        let shape = Shape { parts: 0, seed };
        let (scenes, states) = record(shape, &ops);
        if scenes.is_empty() {
            return Ok(());
        }
        let scene = &scenes[pick.index(scenes.len())];
        let inner = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&inner);
        let vfs = scene.vfs.crash_clone(Crash::Kill);
        vfs.on_sync(Arc::new(move |vfs: &MemVfs| {
            let half = Crash::Prefix(vfs.pending() / 2);
            for how in [Crash::Min, half] {
                recorded.lock().unwrap().push((vfs.crash_clone(how), how));
            }
        }));
        let opened = shape.open(&vfs).unwrap();
        let found = contents(&opened.db);
        drop(opened);
        let inner = std::mem::take(&mut *inner.lock().unwrap());
        for (vfs, how) in inner {
            let progress = scene.progress;
            Scene { vfs: vfs.clone(), how, progress }.check(shape, &states);
            let again = contents(&shape.open(&vfs.crash_clone(Crash::Kill)).unwrap().db);
            let _ = (&found, again);
        }
    }
}
