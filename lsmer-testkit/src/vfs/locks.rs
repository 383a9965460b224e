//! Who may have a database open.

use std::io::ErrorKind;

use lsmer_core::LockMode;

use super::{Disk, folder::Folder};

/// `VFS-05`: an exclusive lock creates its file, and while it is held any other lock of that path
/// fails, and of no other path.
///
/// # Panics
///
/// If not.
pub fn vfs_05_an_exclusive_lock_is_held_alone(make: &dyn Fn() -> Disk) {
    let folder = Folder::new(make, "VFS-05");
    let lock = |name, mode| folder.vfs().lock(&folder.path(name), mode);
    let first = folder.ok("the first lock", lock("LOCK", LockMode::Exclusive));
    folder.holds_names(&["LOCK"]);
    for mode in [LockMode::Exclusive, LockMode::Shared] {
        folder.refused("the second lock", lock("LOCK", mode), ErrorKind::WouldBlock);
    }
    let other = folder.ok("a lock of another path", lock("other", LockMode::Exclusive));
    folder.refused("still", lock("LOCK", LockMode::Exclusive), ErrorKind::WouldBlock);
    drop(first);
    for mode in [LockMode::Exclusive, LockMode::Shared, LockMode::Exclusive] {
        drop(folder.ok("a lock that was let go", lock("LOCK", mode)));
    }
    drop(other);
}

/// `VFS-05`: shared locks are held together, keep an exclusive one out until the last is let go,
/// and create nothing.
///
/// # Panics
///
/// If not.
pub fn vfs_05_shared_locks_go_together(make: &dyn Fn() -> Disk) {
    let folder = Folder::new(make, "VFS-05");
    let lock = |mode| folder.vfs().lock(&folder.path("LOCK"), mode);
    folder.refused("a shared lock of nothing", lock(LockMode::Shared), ErrorKind::NotFound);
    folder.holds_names(&[]);
    drop(folder.create("LOCK", b""));
    let one = folder.ok("a shared lock", lock(LockMode::Shared));
    let two = folder.ok("another one", lock(LockMode::Shared));
    let alone = "an exclusive lock";
    folder.refused(alone, lock(LockMode::Exclusive), ErrorKind::WouldBlock);
    drop(one);
    folder.refused(alone, lock(LockMode::Exclusive), ErrorKind::WouldBlock);
    drop(two);
    drop(folder.ok(alone, lock(LockMode::Exclusive)));
}
