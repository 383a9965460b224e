//! The file systems keep the obligations of their seam.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{path::Path, sync::Arc};

use lsmer_core::Vfs;
use lsmer_io::{Crash, MemVfs, StdVfs};
use lsmer_testkit::vfs::Disk;

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
