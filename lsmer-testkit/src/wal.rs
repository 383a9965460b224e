//! The suite for logs: one function per property, each of which panics if it does not hold.
//!
//! A log is written once, on a file system that records; then it is read back from the disks that
//! every crash at every point could have left, by an owner who knows what a manifest would know.
//! A failure tells the fewest lost changes that still show it.
//!
//! The suite is for logs that keep something: a format without one, as `NoWal`, breaks `WAL-05`
//! and `WAL-06` on purpose, and nothing in its interface says so.

mod crashes;
mod damage;
mod life;
mod memory;
mod refuse;
mod threads;

use lsmer_core::WalFormat;

pub use self::{
    crashes::{
        wal_01_a_recovery_may_crash_and_be_repeated,
        wal_01_every_loss_of_a_short_log_leaves_a_prefix,
        wal_03_records_of_a_recycled_file_are_not_found, wal_05_a_written_record_survives_a_kill,
        wal_06_a_synced_record_survives_a_power_loss,
    },
    damage::{
        wal_02_a_bad_record_that_was_not_synced_is_the_end,
        wal_02_an_error_of_the_disk_is_not_the_end,
        wal_02_damage_before_a_synced_offset_is_corruption,
        wal_04_a_name_stands_for_the_same_bytes,
    },
    refuse::{wal_06_after_a_failed_sync_none_succeeds, wal_07_a_full_disk_is_told_by_reserve},
    threads::{wal_06_every_waiter_of_a_failed_sync_is_told, wal_06_threads_sync_while_one_writes},
};

/// Runs every property.
///
/// # Panics
///
/// If one does not hold.
pub fn conforms(format: &dyn WalFormat) {
    wal_01_every_loss_of_a_short_log_leaves_a_prefix(format);
    wal_01_a_recovery_may_crash_and_be_repeated(format);
    wal_02_damage_before_a_synced_offset_is_corruption(format);
    wal_02_a_bad_record_that_was_not_synced_is_the_end(format);
    wal_02_an_error_of_the_disk_is_not_the_end(format);
    wal_03_records_of_a_recycled_file_are_not_found(format);
    wal_04_a_name_stands_for_the_same_bytes(format);
    wal_05_a_written_record_survives_a_kill(format);
    wal_06_a_synced_record_survives_a_power_loss(format);
    wal_06_after_a_failed_sync_none_succeeds(format);
    wal_06_every_waiter_of_a_failed_sync_is_told(format);
    wal_06_threads_sync_while_one_writes(format);
    wal_07_a_full_disk_is_told_by_reserve(format);
}

/// Makes a test of each property of a [`WalFormat`]: `wal_conforms!(MyWal);`.
#[macro_export]
macro_rules! wal_conforms {
    ($format:expr) => {
        $crate::properties! { wal, &$format,
            wal_01_every_loss_of_a_short_log_leaves_a_prefix
            wal_01_a_recovery_may_crash_and_be_repeated
            wal_02_damage_before_a_synced_offset_is_corruption
            wal_02_a_bad_record_that_was_not_synced_is_the_end
            wal_02_an_error_of_the_disk_is_not_the_end
            wal_03_records_of_a_recycled_file_are_not_found
            wal_04_a_name_stands_for_the_same_bytes
            wal_05_a_written_record_survives_a_kill
            wal_06_a_synced_record_survives_a_power_loss
            wal_06_after_a_failed_sync_none_succeeds
            wal_06_every_waiter_of_a_failed_sync_is_told
            wal_06_threads_sync_while_one_writes
            wal_07_a_full_disk_is_told_by_reserve
        }
    };
}
