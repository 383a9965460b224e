//! A block of rows: once its bytes were taken, no access fails; what is in order is built again.

use std::cmp::Ordering;

use lsmer_core::{Block, BlockBuilder, EntryRef, Kind, Probe, SeqNo};

use crate::memory::bounded;

/// A row, copied.
pub(crate) type Row = (Vec<u8>, u64, Kind, Vec<u8>);

/// Runs one input.
pub fn run(bytes: &[u8]) {
    let taken = bounded(bytes.len(), 0, || Block::rows(bytes.to_vec()));
    let Ok(block) = taken else { return };
    let rows = rows(&block);
    for (key, seqno, ..) in &rows {
        let (low, high) = (block.lower_bound(key), block.upper_bound(key));
        assert!(low <= block.len() && high <= block.len());
        for snapshot in [*seqno, u64::MAX] {
            if let Some(row) = block.find(&Probe::new(key, SeqNo(snapshot))) {
                let (found, version, ..) = &rows[row as usize];
                assert!(found == key && *version <= snapshot, "another row was found");
            }
        }
    }
    if in_order(&rows) {
        assert_eq!(self::rows(&rebuilt(&rows)), rows, "decode undoes encode");
    }
}

/// Returns whether rows are in internal order, with no version twice.
pub(crate) fn in_order(rows: &[Row]) -> bool {
    rows.windows(2).all(|pair| entry(&pair[0]).order(&entry(&pair[1])) == Ordering::Less)
}

/// Borrows a row.
pub(crate) fn entry(row: &Row) -> EntryRef<'_> {
    EntryRef { key: &row.0, seqno: SeqNo(row.1), kind: row.2, value: &row.3 }
}

/// Copies all rows.
pub(crate) fn rows(block: &Block) -> Vec<Row> {
    let mut key = Vec::new();
    let mut copy = |row| {
        let entry = block.entry(row, &mut key);
        (entry.key.to_vec(), entry.seqno.0, entry.kind, entry.value.to_vec())
    };
    (0..block.len()).map(&mut copy).collect()
}

fn rebuilt(rows: &[Row]) -> Block {
    let mut builder = BlockBuilder::new();
    for row in rows {
        builder.add(entry(row));
    }
    let mut bytes = Vec::new();
    builder.finish(&mut bytes);
    let block = Block::rows(bytes).expect("just built");
    for (row, at) in rows.iter().zip(0..) {
        assert_eq!(block.find(&Probe::new(&row.0, SeqNo(row.1))), Some(at), "each is found");
        assert!(block.lower_bound(&row.0) <= at && at < block.upper_bound(&row.0));
    }
    block
}
