//! Operations that fail because a test said so.

use std::io;

use lsmer_core::FileClass;

/// The operations that can be made to fail; each call counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Op {
    /// Any of them.
    Any,
    /// `read_at`, `read_batch`, `read_dir`.
    Read,
    /// `write_at`.
    Write,
    /// `sync` of a file.
    Sync,
    /// `sync_dir`.
    SyncDir,
    /// `rename`, `hard_link`.
    Rename,
    /// `remove_file`.
    Remove,
    /// `open`, `lock`, `create_dir`.
    Open,
    /// `allocate`, `set_len`.
    Allocate,
}

/// What will fail.
#[derive(Debug, Default)]
pub(super) struct Faults {
    plans: Vec<Plan>,
}

#[derive(Debug)]
struct Plan {
    op: Op,
    class: Option<FileClass>,
    /// Matching operations to let pass.
    pass: u64,
    error: io::ErrorKind,
    sticky: bool,
}

impl Faults {
    pub(super) fn add(
        &mut self,
        (op, class): (Op, Option<FileClass>),
        pass: u64,
        error: io::ErrorKind,
        sticky: bool,
    ) {
        self.plans.push(Plan { op, class, pass, error, sticky });
    }

    pub(super) fn clear(&mut self) {
        self.plans.clear();
    }

    /// Counts an operation, and fails it if it is its turn.
    pub(super) fn check(&mut self, op: Op, class: Option<FileClass>) -> io::Result<()> {
        let mut failed = None;
        self.plans.retain_mut(|plan| {
            let matches = (plan.op == Op::Any || plan.op == op)
                && (plan.class.is_none() || plan.class == class);
            if !matches {
                return true;
            }
            if plan.pass > 0 {
                plan.pass -= 1;
                return true;
            }
            failed = failed.or(Some(plan.error));
            plan.sticky
        });
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}
