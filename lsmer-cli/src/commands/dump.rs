//! `lsmer dump`: what is in a file, also if it is damaged.

use std::path::Path;

use super::dump_table;
use crate::{
    args::{DumpKind, Global},
    disk,
    failure::Outcome,
    output::Output,
};

pub(super) fn run(global: &Global, kind: DumpKind, file: &Path) -> Outcome {
    let mut out = Output::new();
    let vfs = disk::vfs();
    match kind {
        DumpKind::Wal => out.text(|text| lsmer_wal::dump(&*vfs, file, text))?,
        DumpKind::Manifest => out.text(|text| lsmer_manifest::dump(&*vfs, file, text))?,
        DumpKind::Table => return dump_table::run(global.coding(), file, out),
    }
    out.finish()
}
