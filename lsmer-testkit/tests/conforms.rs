//! The kit's own parts keep the obligations of their seams.

use std::{path::Path, sync::Arc};

use lsmer_core::Vfs;
use lsmer_testkit::{Budget, SimVfs, vfs::Disk};

/// A recording file system, which leaves what its recording says.
fn sim() -> Disk {
    let sim = SimVfs::new();
    sim.create_dir(Path::new("/db")).expect("the root is there");
    sim.record();
    let recorded = sim.clone();
    Disk::new(sim, "/db").losing_power(move || {
        let recording = recorded.recording();
        let mut cursor = recording.cursor();
        cursor.advance_to(usize::MAX);
        let disk = |crash| Arc::new(cursor.materialise(&crash).vfs()) as Arc<dyn Vfs>;
        cursor.states(&Budget::SMALL, 1).map(disk).collect()
    })
}

mod sim_vfs {
    lsmer_testkit::vfs_conforms!(super::sim);
}
