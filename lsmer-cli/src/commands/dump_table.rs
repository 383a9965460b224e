//! `lsmer dump table`: what a table says of itself, its blocks, and the entries in them.

use std::path::Path;

use lsmer::parts::core::{Block, BlockKind, EntryRef, Kind, TableMeta};

use crate::{
    failure::{Failure, Outcome, complain},
    lines::Coding,
    output::Output,
    table_file::TableFile,
    units::Count,
};

/// Most bytes of a value that are shown.
const SHOWN_BYTES: usize = 64;

pub(super) fn run(coding: Coding, path: &Path, mut out: Output) -> Outcome {
    let mut damaged = 0;
    let table = match TableFile::open(path) {
        Ok(table) => table,
        Err(error) => {
            let Some(table) = TableFile::open_by_manifest(path) else { return Err(error.into()) };
            damaged += 1;
            out.line(format_args!("DAMAGED end: {error}"))?;
            out.line(format_args!("what follows is what the manifest says of the table"))?;
            table
        }
    };
    describe(coding, &table.meta, &mut out)?;
    // Without the index nobody knows where a block ends.
    let blocks = table.blocks().map_err(|error| error.in_file(path))?;
    for (at, request) in blocks.iter().enumerate() {
        let (offset, bytes) = (request.id.offset, request.bytes);
        let kind = kind(request.id.kind);
        match table.block(request) {
            Ok(block) if request.id.kind == BlockKind::Data => {
                let rows = Count(block.len().into(), "row");
                out.line(format_args!("block {at} at {offset}: {kind}, {bytes} bytes, {rows}"))?;
                entries(coding, &block, &mut out)?;
            }
            Ok(_) => out.line(format_args!("block {at} at {offset}: {kind}, {bytes} bytes"))?,
            Err(error) => {
                damaged += 1;
                let what = format_args!("{kind}, {bytes} bytes, DAMAGED: {error}");
                out.line(format_args!("block {at} at {offset}: {what}"))?;
            }
        }
    }
    out.finish()?;
    if damaged > 0 {
        complain(format_args!("{} damaged", Count(damaged, "part")));
        return Err(Failure::Reported);
    }
    Ok(())
}

fn describe(coding: Coding, meta: &TableMeta, out: &mut Output) -> Outcome {
    let TableMeta { id, file_bytes, format, min_seqno, max_seqno, .. } = meta;
    out.line(format_args!("table {id}: {file_bytes} bytes, format {format}"))?;
    out.line(format_args!("  smallest key {}", quoted(coding, &meta.smallest)))?;
    out.line(format_args!("  largest key  {}", quoted(coding, &meta.largest)))?;
    let (entries, deletes) = (Count(meta.entries, "entry"), Count(meta.deletes, "delete"));
    let user_bytes = meta.user_bytes;
    out.line(format_args!(
        "  {entries}, of which {deletes}; {user_bytes} bytes of keys and values"
    ))?;
    out.line(format_args!("  seqnos {min_seqno} to {max_seqno}"))?;
    out.line(format_args!("  index at {}, {} bytes", meta.index.offset, meta.index.bytes))?;
    match meta.filter.bytes {
        0 => out.line(format_args!("  no filter")),
        bytes => {
            let (name, offset) = (&meta.filter_name, meta.filter.offset);
            out.line(format_args!("  filter {name} at {offset}, {bytes} bytes"))
        }
    }
}

fn entries(coding: Coding, block: &Block, out: &mut Output) -> Outcome {
    let mut buffer = Vec::new();
    for row in 0..block.len() {
        let EntryRef { key, seqno, kind, value } = block.entry(row, &mut buffer);
        let key = quoted(coding, key);
        match kind {
            Kind::Delete => out.line(format_args!("  {seqno} delete {key}"))?,
            Kind::Put if value.len() > SHOWN_BYTES => {
                let (start, _) = value.split_at(SHOWN_BYTES);
                let (start, bytes) = (quoted(coding, start), value.len());
                out.line(format_args!("  {seqno} put {key} {start}.. ({bytes} bytes)"))?;
            }
            Kind::Put => {
                out.line(format_args!("  {seqno} put {key} {}", quoted(coding, value)))?;
            }
            other => out.line(format_args!("  {seqno} {other:?} {key} ({} bytes)", value.len()))?,
        }
    }
    Ok(())
}

fn quoted(coding: Coding, bytes: &[u8]) -> String {
    format!("\"{}\"", coding.text(bytes))
}

fn kind(kind: BlockKind) -> &'static str {
    match kind {
        BlockKind::Data => "data",
        BlockKind::Index => "index",
        BlockKind::Filter => "filter",
        BlockKind::Properties => "properties",
        _ => "unknown",
    }
}
