//! Memory answers as the disk does also where no obligation says how: when folders are renamed,
//! linked and removed.

use std::io::ErrorKind;

use lsmer_core::{DirEntry, FileClass, OpenOptions};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::disk::Disk;

#[derive(Clone, Debug)]
enum Call {
    Create(&'static str),
    CreateDir(&'static str),
    Rename(&'static str, &'static str),
    Link(&'static str, &'static str),
    Remove(&'static str),
    ReadDir(&'static str),
}

fn call() -> impl Strategy<Value = Call> {
    let name = || select(vec!["a", "b", "d", "d/a", "d/b", "d/b/c", "e", "e/a"]);
    prop_oneof![
        name().prop_map(Call::Create),
        name().prop_map(Call::CreateDir),
        (name(), name()).prop_map(|(from, to)| Call::Rename(from, to)),
        (name(), name()).prop_map(|(from, to)| Call::Link(from, to)),
        name().prop_map(Call::Remove),
        name().prop_map(Call::ReadDir),
    ]
}

fn answer(disk: &Disk, call: &Call) -> Result<Vec<DirEntry>, ErrorKind> {
    let (vfs, path) = (&disk.vfs, |name: &str| disk.path(name));
    let done = match call {
        Call::Create(name) => {
            vfs.open(&path(name), OpenOptions::create(FileClass::Table)).map(drop)
        }
        Call::CreateDir(name) => vfs.create_dir(&path(name)),
        Call::Rename(from, to) => vfs.rename(&path(from), &path(to)),
        Call::Link(from, to) => vfs.hard_link(&path(from), &path(to)),
        Call::Remove(name) => vfs.remove_file(&path(name)),
        Call::ReadDir(name) => return vfs.read_dir(&path(name)).map_err(|error| error.kind()),
    };
    done.map(|()| Vec::new()).map_err(|error| error.kind())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn memory_and_disk_answer_the_same_about_names(calls in vec(call(), 0..40)) {
        let (real, memory) = (Disk::real(), Disk::memory());
        for call in &calls {
            prop_assert_eq!(answer(&real, call), answer(&memory, call), "{:?}", call);
        }
    }
}
