//! A manifest: whatever is in the file, reading ends; the state that was read is written and read
//! back.

use std::{path::Path, sync::Arc};

use lsmer::parts::io::MemVfs;
use lsmer_core::{FileClass, OpenOptions, Vfs, checksum};
use lsmer_manifest::{Manifest, dump};

use crate::memory::bounded;

const DIR: &str = "/db";
/// Files have short names here.
const MOST: u64 = 999_999;

/// Runs one input.
pub fn run(bytes: &[u8]) {
    let number = bytes.get(12..20).and_then(|word| word.first_chunk().copied());
    let number = number.map_or(1, u64::from_le_bytes).min(MOST);
    let name = format!("MANIFEST-{number:06}");
    let vfs = disk(&name, bytes);
    let dir = Path::new(DIR);
    let read = || Manifest::read(&vfs, dir);
    let Ok((mut state, report)) = bounded(bytes.len(), 8 * bytes.len() as u64, read) else {
        return;
    };
    assert!(report.bytes + report.torn_bytes <= bytes.len() as u64, "{report:?}");
    let mut text = String::new();
    dump(&vfs, &dir.join(name), &mut text).expect("what can be read can be shown");

    state.epoch = state.epoch.wrapping_add(1);
    let shared: Arc<dyn Vfs> = Arc::new(vfs.clone());
    let Ok(installed) = Manifest::install(&shared, dir, state.clone()) else { return };
    installed.close().expect("no faults");
    let (again, _) = Manifest::read(&vfs, dir).expect("just written");
    assert_eq!(again, state, "decode undoes encode");
}

fn disk(name: &str, bytes: &[u8]) -> MemVfs {
    let vfs = MemVfs::without_crashes();
    vfs.create_dir(Path::new(DIR)).expect("empty");
    let current = format!("{name} {:08x}\n", checksum(name.as_bytes()));
    for (name, bytes) in [(name, bytes), ("CURRENT", current.as_bytes())] {
        let path = Path::new(DIR).join(name);
        let file = vfs.open(&path, OpenOptions::create(FileClass::Manifest)).expect("new");
        file.write_all_at(bytes, 0).expect("no faults");
    }
    vfs
}
