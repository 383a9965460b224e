//! The suite for table formats: one function per property, each of which panics if it does not
//! hold.
//!
//! Tables are written to memory and read as an engine reads them: a part that lacks a block says
//! so, and is called again when it is there. `CURSOR-02` and `CURSOR-03` are asked of the cursors
//! of tables, since memtables neither miss nor fail.

mod cases;
mod cursors;
mod damage;
mod driver;
mod file;
mod filters;
mod identity;
mod samples;
mod writing;

use lsmer_core::TableFormat;

pub use self::{
    cursors::{
        cursor_01_windows_hold_the_range_once_and_in_order,
        cursor_02_a_miss_leaves_the_cursor_where_it_stood,
        cursor_03_a_cursor_that_failed_stays_failed, table_03_a_miss_changes_nothing,
    },
    damage::{
        table_02_a_block_of_another_place_is_refused, table_02_a_file_cut_short_is_refused,
        table_02_a_flipped_bit_is_refused, table_02_no_bytes_make_reading_panic,
    },
    identity::{
        table_01_a_filter_hides_nothing, table_01_the_description_is_true,
        table_01_threads_share_a_table, table_01_what_was_added_comes_back,
    },
    writing::{table_04_a_name_stands_for_the_same_bytes, table_05_a_write_that_fails_is_told},
};

/// Runs every property.
///
/// # Panics
///
/// If one does not hold.
pub fn conforms(format: &dyn TableFormat) {
    table_01_what_was_added_comes_back(format);
    table_01_the_description_is_true(format);
    table_01_a_filter_hides_nothing(format);
    table_01_threads_share_a_table(format);
    table_02_a_flipped_bit_is_refused(format);
    table_02_a_file_cut_short_is_refused(format);
    table_02_a_block_of_another_place_is_refused(format);
    table_02_no_bytes_make_reading_panic(format);
    table_03_a_miss_changes_nothing(format);
    table_04_a_name_stands_for_the_same_bytes(format);
    table_05_a_write_that_fails_is_told(format);
    cursor_01_windows_hold_the_range_once_and_in_order(format);
    cursor_02_a_miss_leaves_the_cursor_where_it_stood(format);
    cursor_03_a_cursor_that_failed_stays_failed(format);
}

/// Makes a test of each property of a [`TableFormat`]: `table_conforms!(MyFormat::default());`.
#[macro_export]
macro_rules! table_conforms {
    ($format:expr) => {
        $crate::properties! { table, &$format,
            table_01_what_was_added_comes_back
            table_01_the_description_is_true
            table_01_a_filter_hides_nothing
            table_01_threads_share_a_table
            table_02_a_flipped_bit_is_refused
            table_02_a_file_cut_short_is_refused
            table_02_a_block_of_another_place_is_refused
            table_02_no_bytes_make_reading_panic
            table_03_a_miss_changes_nothing
            table_04_a_name_stands_for_the_same_bytes
            table_05_a_write_that_fails_is_told
            cursor_01_windows_hold_the_range_once_and_in_order
            cursor_02_a_miss_leaves_the_cursor_where_it_stood
            cursor_03_a_cursor_that_failed_stays_failed
        }
    };
}
