//! The suite for file systems: one function per property, each of which panics if it does not
//! hold.
//!
//! `VFS-02` is about what a power loss leaves. It can only be shown where one can be had: see
//! [`Disk::losing_power`]. For other file systems it is shown that syncs work and change nothing.
//! That a lock holds against another process (`VFS-05`) is not shown here: a suite has only one.

mod contents;
mod durable;
mod folder;
mod locks;
mod model;
mod names;
mod random;

use std::{any::Any, fmt, path::PathBuf, sync::Arc};

use lsmer_core::Vfs;

pub use self::{
    contents::{
        vfs_01_a_batch_fills_each_request, vfs_01_a_read_returns_what_was_last_written,
        vfs_01_reads_end_at_the_end_of_the_file, vfs_07_bytes_that_nobody_wrote_are_zeros,
        vfs_10_a_handle_does_only_what_it_was_opened_for,
        vfs_10_direct_reads_are_for_those_who_asked_for_caps,
    },
    durable::{
        vfs_02_what_was_synced_survives_a_power_loss,
        vfs_03_a_power_loss_leaves_the_old_or_the_new_file,
    },
    locks::{vfs_05_an_exclusive_lock_is_held_alone, vfs_05_shared_locks_go_together},
    names::{
        vfs_03_a_name_is_never_missing_while_it_is_replaced, vfs_03_a_rename_replaces_the_target,
        vfs_04_a_file_stays_readable_without_a_name,
        vfs_06_a_hard_link_is_another_name_of_the_same_file,
        vfs_08_a_folder_lists_what_is_there_sorted,
        vfs_09_what_cannot_be_done_says_why_and_changes_nothing,
    },
    random::vfs_01_random_calls_answer_as_a_model_does,
};

/// A file system to certify, and an empty folder in it, whose own name is durable.
pub struct Disk {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    power_loss: Option<PowerLoss>,
    kept: Option<Box<dyn Any>>,
}

/// Returns file systems that a power loss at this moment could leave.
type PowerLoss = Box<dyn Fn() -> Vec<Arc<dyn Vfs>>>;

impl Disk {
    /// Takes a file system and an empty folder in it.
    pub fn new(vfs: impl Vfs, dir: impl Into<PathBuf>) -> Self {
        Self { vfs: Arc::new(vfs), dir: dir.into(), power_loss: None, kept: None }
    }

    /// Keeps something alive as long as the disk: the guard of a temporary folder.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any) -> Self {
        self.kept = Some(Box::new(guard));
        self
    }

    /// Says what a power loss leaves: `after` returns some of the file systems that are possible
    /// at that moment, with the folder at the same path. It is called once for each disk.
    #[must_use]
    pub fn losing_power(mut self, after: impl Fn() -> Vec<Arc<dyn Vfs>> + 'static) -> Self {
        self.power_loss = Some(Box::new(after));
        self
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vfs, dir, .. } = self;
        f.debug_struct("Disk").field("vfs", vfs).field("dir", dir).finish_non_exhaustive()
    }
}

/// Runs every property; `make` is called for each disk that they need.
///
/// # Panics
///
/// If one does not hold.
pub fn conforms(make: &dyn Fn() -> Disk) {
    vfs_01_a_read_returns_what_was_last_written(make);
    vfs_01_reads_end_at_the_end_of_the_file(make);
    vfs_01_a_batch_fills_each_request(make);
    vfs_01_random_calls_answer_as_a_model_does(make);
    vfs_02_what_was_synced_survives_a_power_loss(make);
    vfs_03_a_rename_replaces_the_target(make);
    vfs_03_a_name_is_never_missing_while_it_is_replaced(make);
    vfs_03_a_power_loss_leaves_the_old_or_the_new_file(make);
    vfs_04_a_file_stays_readable_without_a_name(make);
    vfs_05_an_exclusive_lock_is_held_alone(make);
    vfs_05_shared_locks_go_together(make);
    vfs_06_a_hard_link_is_another_name_of_the_same_file(make);
    vfs_07_bytes_that_nobody_wrote_are_zeros(make);
    vfs_08_a_folder_lists_what_is_there_sorted(make);
    vfs_09_what_cannot_be_done_says_why_and_changes_nothing(make);
    vfs_10_a_handle_does_only_what_it_was_opened_for(make);
    vfs_10_direct_reads_are_for_those_who_asked_for_caps(make);
}

/// Makes a test of each property of a [`Vfs`], out of something that makes a
/// [`Disk`](crate::vfs::Disk): `vfs_conforms!(|| Disk::new(MyVfs::new(), "/"));`.
#[macro_export]
macro_rules! vfs_conforms {
    ($make:expr) => {
        $crate::properties! { vfs, &$make,
            vfs_01_a_read_returns_what_was_last_written
            vfs_01_reads_end_at_the_end_of_the_file
            vfs_01_a_batch_fills_each_request
            vfs_01_random_calls_answer_as_a_model_does
            vfs_02_what_was_synced_survives_a_power_loss
            vfs_03_a_rename_replaces_the_target
            vfs_03_a_name_is_never_missing_while_it_is_replaced
            vfs_03_a_power_loss_leaves_the_old_or_the_new_file
            vfs_04_a_file_stays_readable_without_a_name
            vfs_05_an_exclusive_lock_is_held_alone
            vfs_05_shared_locks_go_together
            vfs_06_a_hard_link_is_another_name_of_the_same_file
            vfs_07_bytes_that_nobody_wrote_are_zeros
            vfs_08_a_folder_lists_what_is_there_sorted
            vfs_09_what_cannot_be_done_says_why_and_changes_nothing
            vfs_10_a_handle_does_only_what_it_was_opened_for
            vfs_10_direct_reads_are_for_those_who_asked_for_caps
        }
    };
}
