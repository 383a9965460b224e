//! Names of files: renames, links, removals, listings.

use std::{
    io::{self, ErrorKind},
    path::Path,
    sync::Arc,
};

use lsmer_core::{DirEntry, FileClass, OpenOptions, SyncKind, Vfs};
use lsmer_sync::{
    atomic::{AtomicBool, Ordering},
    thread,
};

use super::{Disk, folder::Folder};

const CLASS: FileClass = FileClass::Table;

/// How often a name is replaced while another thread opens it.
const REPLACEMENTS: usize = 200;

/// `VFS-03`: the target gets the new file, an open file follows its name, and an install is whole,
/// also over what an earlier one left behind.
///
/// # Panics
///
/// If not.
pub fn vfs_03_a_rename_replaces_the_target(make: &dyn Fn() -> Disk) {
    let folder = Folder::new(make, "VFS-03");
    let rename = |from, to| folder.vfs().rename(&folder.path(from), &folder.path(to));
    let file = folder.create("new", b"new");
    drop(folder.create("target", b"the old one"));
    folder.ok("a rename", rename("new", "target"));
    folder.holds_names(&["target"]);
    folder.holds_bytes("target", b"new");
    folder.refused("the same again", rename("new", "target"), ErrorKind::NotFound);
    folder.holds_bytes("target", b"new");
    drop(folder.create("new", b"another"));
    folder.ok("writing", file.write_all_at(b"er", 3));
    folder.holds_bytes("target", b"newer");

    folder.ok("creating a folder", folder.vfs().create_dir(&folder.path("deep")));
    folder.ok("a rename into another folder", rename("target", "deep/target"));
    folder.holds_bytes("deep/target", b"newer");
    folder.holds_names(&["deep", "new"]);

    for bytes in [&b"first"[..], b"2nd"] {
        let installed = folder.vfs().install(folder.dir(), "CURRENT", FileClass::Current, bytes);
        folder.ok("an install", installed);
        folder.holds_bytes("CURRENT", bytes);
        drop(folder.create("CURRENT.tmp", b"left over by a crash"));
    }
}

/// `VFS-03`: while one thread replaces a file again and again, another one always finds it, whole.
///
/// # Panics
///
/// If not.
pub fn vfs_03_a_name_is_never_missing_while_it_is_replaced(make: &dyn Fn() -> Disk) {
    let folder = Folder::new(make, "VFS-03");
    drop(folder.create("target", &[0; 5000]));
    let done = Arc::new(AtomicBool::new(false));
    let (vfs, dir, over) = (folder.shared(), folder.dir().to_owned(), Arc::clone(&done));
    let writes = move || {
        let result = replace(&*vfs, &dir);
        over.store(true, Ordering::SeqCst);
        result
    };
    let writer = thread::Builder::new().spawn(writes).expect("the system has a thread to give");
    let mut opened = 0;
    while !done.load(Ordering::SeqCst) || opened == 0 {
        let target = folder.vfs().read_file(&folder.path("target"), CLASS, 1 << 16);
        let bytes = folder.ok("opening a name that is being replaced", target);
        let whole = bytes.len() == 5000 && bytes.iter().all(|byte| *byte == bytes[0]);
        folder.holds("it is the old or the new file, whole", whole);
        opened += 1;
    }
    let written = writer.join().expect("it does not panic");
    folder.ok("replacing", written);
}

fn replace(vfs: &dyn Vfs, dir: &Path) -> io::Result<()> {
    for fill in (0..=250_u8).cycle().take(REPLACEMENTS) {
        let new = dir.join("new");
        let file = vfs.open(&new, OpenOptions::create(CLASS))?;
        file.write_all_at(&[fill; 5000], 0)?;
        vfs.rename(&new, &dir.join("target"))?;
    }
    Ok(())
}

/// `VFS-04`: files that were removed or replaced are read and written through their handles.
///
/// # Panics
///
/// If not.
pub fn vfs_04_a_file_stays_readable_without_a_name(make: &dyn Fn() -> Disk) {
    let folder = Folder::new(make, "VFS-04");
    let removed = folder.create("a", b"removed");
    let replaced = folder.create("b", b"replaced");
    drop(folder.create("c", b"new"));
    folder.ok("removing", folder.vfs().remove_file(&folder.path("a")));
    folder.ok("replacing", folder.vfs().rename(&folder.path("c"), &folder.path("b")));
    drop(folder.create("a", b"the next one"));
    for (file, want) in [(removed, &b"removed"[..]), (replaced, b"replaced")] {
        let mut buf = vec![0; want.len()];
        folder.ok("reading a file without a name", file.read_exact_at(&mut buf, 0));
        folder.holds("its bytes are there", buf == want);
        folder.ok("writing it", file.write_all_at(b"R", 0));
        folder.ok("reading it", file.read_exact_at(&mut buf[..1], 0));
        folder.holds("what was written is there", buf[0] == b'R');
        folder.ok("syncing it", file.sync(SyncKind::All));
    }
    folder.holds_bytes("a", b"the next one");
    folder.holds_bytes("b", b"new");
}

/// `VFS-06`: both names lead to the same bytes; a rename between them changes nothing; either may
/// go.
///
/// # Panics
///
/// If not.
pub fn vfs_06_a_hard_link_is_another_name_of_the_same_file(make: &dyn Fn() -> Disk) {
    let folder = Folder::new(make, "VFS-06");
    let (a, b) = (folder.path("a"), folder.path("b"));
    let file = folder.create("a", b"1");
    folder.ok("a link", folder.vfs().hard_link(&a, &b));
    folder.ok("writing through one name", file.write_all_at(b"2", 1));
    folder.holds_bytes("b", b"12");
    let taken = folder.vfs().hard_link(&a, &b);
    folder.refused("a link to a name that is taken", taken, ErrorKind::AlreadyExists);
    folder.ok("a rename between both", folder.vfs().rename(&a, &b));
    folder.holds_names(&["a", "b"]);
    folder.ok("removing one name", folder.vfs().remove_file(&a));
    folder.holds_names(&["b"]);
    folder.holds_bytes("b", b"12");
}

/// `VFS-08`: names are listed in order, with sizes, as soon as they are there and no longer.
///
/// # Panics
///
/// If not.
pub fn vfs_08_a_folder_lists_what_is_there_sorted(make: &dyn Fn() -> Disk) {
    let folder = Folder::new(make, "VFS-08");
    let list = || folder.ok("listing", folder.vfs().read_dir(folder.dir()));
    folder.holds("the folder is empty", list().is_empty());
    let file = folder.create("b", b"12");
    folder.ok("creating a folder", folder.vfs().create_dir(&folder.path("c")));
    drop(folder.create("a", b""));
    drop(folder.create("c/inside", b"deep"));
    let entry = |name: &str, is_dir, bytes| DirEntry { name: name.to_owned(), is_dir, bytes };
    let mut want = vec![entry("a", false, 0), entry("b", false, 2), entry("c", true, 0)];
    folder.holds("files and folders are listed", list() == want);
    folder.ok("writing", file.write_all_at(b"345", 2));
    want[1].bytes = 5;
    folder.holds("the size is the size now", list() == want);
    folder.ok("a rename", folder.vfs().rename(&folder.path("a"), &folder.path("x")));
    want.push(entry("x", false, 0));
    folder.holds("a new name is listed, and an old one is not", list() == want[1..]);

    let parent = Path::new("database").parent().expect("an empty one");
    folder.ok("listing the parent of a relative name", folder.vfs().read_dir(parent));
    folder.ok("syncing it", folder.vfs().sync_dir(parent));
}

/// `VFS-09`: each thing that cannot be done is refused, with a reason, and nothing has changed.
///
/// # Panics
///
/// If not.
pub fn vfs_09_what_cannot_be_done_says_why_and_changes_nothing(make: &dyn Fn() -> Disk) {
    let folder = Folder::new(make, "VFS-09");
    let (vfs, path) = (folder.vfs(), |name| folder.path(name));
    drop(folder.create("file", b"12"));
    folder.ok("creating a folder", vfs.create_dir(&path("folder")));

    let missing = ErrorKind::NotFound;
    folder.refused("reading nothing", vfs.open(&path("no"), OpenOptions::read(CLASS)), missing);
    folder.refused("writing nothing", vfs.open(&path("no"), OpenOptions::write(CLASS)), missing);
    folder.refused("renaming nothing", vfs.rename(&path("no"), &path("file")), missing);
    folder.refused("removing nothing", vfs.remove_file(&path("no")), missing);
    folder.refused("linking nothing", vfs.hard_link(&path("no"), &path("new")), missing);
    folder.refused("listing nothing", vfs.read_dir(&path("no")), missing);
    folder.refused("syncing nothing", vfs.sync_dir(&path("no")), missing);
    folder.refused("a folder in nothing", vfs.create_dir(&path("no/folder")), missing);
    let nowhere = vfs.open(&path("no/file"), OpenOptions::create(CLASS));
    folder.refused("a file in nothing", nowhere, missing);

    let taken = ErrorKind::AlreadyExists;
    let again = vfs.open(&path("file"), OpenOptions::create(CLASS));
    folder.refused("creating a file again", again, taken);
    folder.refused("creating a folder again", vfs.create_dir(&path("folder")), taken);
    folder.refused("a folder over a file", vfs.create_dir(&path("file")), taken);
    folder.refused("linking to a folder", vfs.hard_link(&path("file"), &path("folder")), taken);

    let no_folder = ErrorKind::NotADirectory;
    let below = vfs.open(&path("file/x"), OpenOptions::create(CLASS));
    folder.refused("a file in a file", below, no_folder);
    folder.refused("a folder in a file", vfs.create_dir(&path("file/x")), no_folder);
    folder.refused("listing a file", vfs.read_dir(&path("file")), no_folder);
    folder.refused("syncing a file as a folder", vfs.sync_dir(&path("file")), no_folder);

    folder.holds("a folder is not removed", vfs.remove_file(&path("folder")).is_err());
    folder.holds("a folder is not linked", vfs.hard_link(&path("folder"), &path("x")).is_err());
    let onto = vfs.rename(&path("file"), &path("folder"));
    folder.holds("a file does not replace a folder", onto.is_err());
    folder.holds_names(&["file", "folder"]);
    folder.holds_bytes("file", b"12");
}
