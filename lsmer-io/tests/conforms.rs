//! The file systems and executors keep the obligations of their seams.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{path::Path, sync::Arc};

use lsmer_core::Vfs;
use lsmer_io::{Crash, ManualExec, MemVfs, StdVfs, ThreadExec};
use lsmer_testkit::{exec::Executor, vfs::Disk};

fn real() -> Disk {
    let folder = tempfile::tempdir().unwrap();
    Disk::new(StdVfs, folder.path()).keeping(folder)
}

/// Memory, with every crash that it knows.
fn memory() -> Disk {
    let vfs = MemVfs::new();
    vfs.create_dir(Path::new("/db")).unwrap();
    vfs.sync_dir(Path::new("/")).unwrap();
    let crashing = vfs.clone();
    Disk::new(vfs, "/db").losing_power(move || {
        let counts = 0..=crashing.pending();
        let crashes = counts.flat_map(|count| [Crash::Prefix(count), Crash::Torn(count)]);
        let disk = |how| Arc::new(crashing.crash_clone(how)) as Arc<dyn Vfs>;
        [Crash::Min, Crash::Kill].into_iter().chain(crashes).map(disk).collect()
    })
}

fn without_crashes() -> Disk {
    let vfs = MemVfs::without_crashes();
    vfs.create_dir(Path::new("/db")).unwrap();
    Disk::new(vfs, "/db")
}

mod std_vfs {
    lsmer_testkit::vfs_conforms!(super::real);
}

mod mem_vfs {
    lsmer_testkit::vfs_conforms!(super::memory);
}

mod mem_vfs_without_crashes {
    lsmer_testkit::vfs_conforms!(super::without_crashes);
}

fn threads() -> Executor {
    Executor::new(ThreadExec::new(3), 3)
}

fn one_thread() -> Executor {
    Executor::new(ThreadExec::new(1), 1)
}

fn by_hand() -> Executor {
    Executor::new(ManualExec::new(), 1)
}

fn by_hand_in_any_order() -> Executor {
    Executor::new(ManualExec::seeded(7), 1).in_any_order()
}

mod thread_exec {
    lsmer_testkit::exec_conforms!(super::threads);
}

mod thread_exec_of_one_thread {
    lsmer_testkit::exec_conforms!(super::one_thread);
}

mod manual_exec {
    lsmer_testkit::exec_conforms!(super::by_hand);
}

mod manual_exec_with_a_seed {
    lsmer_testkit::exec_conforms!(super::by_hand_in_any_order);
}
