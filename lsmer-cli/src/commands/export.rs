//! `lsmer export`: all entries as lines that `lsmer import lines` reads.

use std::path::Path;

use crate::{args::Global, failure::Outcome, open, output::Output};

pub(super) fn run(global: &Global, path: &Path) -> Outcome {
    let coding = global.coding();
    let db = open::to_read(global, path)?;
    let mut scan = open::keyspace(global, &db)?.iter()?;
    let mut out = Output::new();
    let mut line = Vec::new();
    while let Some((key, value)) = scan.next()? {
        line.clear();
        coding.line(key, Some(value), &mut line);
        out.bytes(&line)?;
    }
    out.finish()
}
