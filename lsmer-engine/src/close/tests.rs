//! Threads that were on their way when the door was shut.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use lsmer_core::{Vfs, WorkClass};
use lsmer_io::MemVfs;

use crate::{Components, Engine, Options, flush::FlushJob, space::new_mem};

#[test]
fn a_flush_that_comes_when_the_lock_is_free_changes_nothing() {
    let vfs = MemVfs::without_crashes();
    let (env, exec, _) = lsmer_io::manual(vfs.clone(), 0);
    let parts = Components::shipped(env);
    let first = Engine::open(Options::new("db"), parts.clone()).unwrap();
    let keyspace = first.default_keyspace();
    keyspace.put("k", "v").unwrap();
    // As `rotate`, and then held up before the job is counted.
    let (shared, space) = (keyspace.shared(), keyspace.space());
    let mem = new_mem(&*shared.parts.memtable, 1 << 20);
    space.change_view(|view| {
        let sealed = std::mem::replace(&mut view.active, mem);
        view.sealed.insert(0, sealed);
    });
    first.close().unwrap();
    let second = Engine::open(Options::new("db"), parts.clone()).unwrap();
    let before = names(&vfs);
    shared.spawn(WorkClass::Flush, FlushJob::new(shared, space));
    exec.run_until_idle();
    assert_eq!(names(&vfs), before);
    // What the second one has is in the log only: it must be there for the third.
    second.close().unwrap();
    let third = Engine::open(Options::new("db"), parts).unwrap();
    assert_eq!(third.default_keyspace().get("k").unwrap().unwrap(), b"v");
}

fn names(vfs: &MemVfs) -> Vec<String> {
    let entries = vfs.read_dir("db".as_ref()).unwrap();
    entries.into_iter().map(|entry| entry.name).collect()
}
