//! What is measured, by subject. A workload checks what it reads, and fails if it is not there.

mod compact;
mod fill;
mod mixed;
mod opening;
mod overwrite;
mod read;
mod scan;
mod ycsb;

use crate::workload::Workload;

pub use opening::leave_log;

/// All workloads, in the order of reports.
pub(crate) const TABLES: &[&[Workload]] = &[
    fill::ALL,
    overwrite::ALL,
    read::ALL,
    scan::ALL,
    mixed::ALL,
    ycsb::ALL,
    compact::ALL,
    opening::ALL,
];
