//! What is measured, by subject. A workload checks what it reads, and fails if it is not there.

mod fill;
mod read;
mod scan;

use crate::workload::Workload;

/// All workloads, in the order of reports.
pub(crate) const TABLES: &[&[Workload]] = &[fill::ALL, read::ALL, scan::ALL];
