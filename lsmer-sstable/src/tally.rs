//! What a builder notices of the entries that pass: bounds, counts, and their order.

use std::{cmp::Ordering, ops::Range};

use lsmer_core::{
    Block, EntryRef, Error, Kind, Result, SeqNo, TableMeta, Window, check_key, check_value, mutant,
};

/// Counts entries, and remembers the first and the last one.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    smallest: Vec<u8>,
    last: Vec<u8>,
    last_seqno: SeqNo,
    min_seqno: SeqNo,
    max_seqno: SeqNo,
    entries: u64,
    deletes: u64,
    user_bytes: u64,
}

impl Tally {
    /// Counts an entry, and returns whether its key is another one than that of the entry before.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if it is out of order or over a limit; nothing is counted then.
    pub(crate) fn add(&mut self, entry: EntryRef<'_>) -> Result<bool> {
        check_key(entry.key)?;
        check_value(entry.value)?;
        let order = if self.entries == 0 { Ordering::Less } else { (*self.last).cmp(entry.key) };
        let after = order.then(entry.seqno.cmp(&self.last_seqno)) == Ordering::Less;
        if !after {
            return Err(Error::invalid("entries of a table must come in internal order"));
        }
        let is_new = order == Ordering::Less;
        if self.entries == 0 {
            self.smallest.extend_from_slice(entry.key);
            self.min_seqno = entry.seqno;
        }
        if is_new {
            self.end_with(entry.key);
        }
        self.count(entry.seqno, entry.kind, entry.key.len() + entry.value.len());
        Ok(is_new)
    }

    /// Counts a row of `user_bytes` in key and value that comes after the one before it in its
    /// block, which was counted; `false` if it does not come after it, and then nothing is
    /// counted. Only [`end_with`](Self::end_with) makes its key the last one.
    pub(crate) fn follow(&mut self, block: &Block, row: u32, user_bytes: usize) -> bool {
        let seqno = block.seqno(row);
        let order = block.order_before(row).then(seqno.cmp(&self.last_seqno));
        if order != Ordering::Less {
            return false;
        }
        self.count(seqno, block.kind(row), user_bytes);
        true
    }

    /// Says the key of the last row that was counted.
    pub(crate) fn end_with(&mut self, key: &[u8]) {
        self.last.clear();
        self.last.extend_from_slice(key);
    }

    fn count(&mut self, seqno: SeqNo, kind: Kind, user_bytes: usize) {
        self.last_seqno = seqno;
        self.min_seqno = self.min_seqno.min(seqno);
        let last = mutant!("largest-seqno-is-the-last");
        self.max_seqno = if last { seqno } else { self.max_seqno.max(seqno) };
        self.entries += 1;
        self.deletes += u64::from(deletes(kind));
        self.user_bytes += user_bytes as u64;
    }

    /// Returns the key of the last entry; empty if there was none.
    pub(crate) fn last_key(&self) -> &[u8] {
        &self.last
    }

    /// Returns whether there was no entry yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Returns what it knows of a table; the rest is empty.
    pub(crate) fn meta(&self) -> TableMeta {
        TableMeta {
            smallest: self.smallest.as_slice().into(),
            largest: self.last.as_slice().into(),
            min_seqno: self.min_seqno,
            max_seqno: self.max_seqno,
            entries: self.entries,
            deletes: self.deletes,
            user_bytes: self.user_bytes,
            ..TableMeta::default()
        }
    }
}

fn deletes(kind: Kind) -> bool {
    matches!(kind, Kind::Delete | Kind::SingleDelete | Kind::DeleteRange)
}

/// Calls `each` with the entries of some rows of a window; `key` is a buffer.
///
/// # Errors
///
/// What `each` returns.
pub(crate) fn for_each(
    window: &Window,
    rows: Range<u32>,
    key: &mut Vec<u8>,
    mut each: impl FnMut(EntryRef<'_>) -> Result<()>,
) -> Result<()> {
    match window {
        Window::Rows { block, .. } => {
            for row in rows {
                each(block.entry(row, key))?;
            }
        }
        Window::Batch(batch) => {
            for index in rows {
                each(batch.entry(index))?;
            }
        }
        Window::End => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &[u8], seqno: u64, kind: Kind) -> EntryRef<'_> {
        EntryRef { key, seqno: SeqNo(seqno), kind, value: b"vv" }
    }

    #[test]
    fn it_counts_and_tells_keys_from_versions() {
        let mut tally = Tally::default();
        assert!(tally.is_empty());
        assert!(tally.add(entry(b"", 7, Kind::Put)).unwrap());
        assert!(!tally.add(entry(b"", 3, Kind::Delete)).unwrap());
        assert!(tally.add(entry(b"b", 9, Kind::Put)).unwrap());
        let meta = tally.meta();
        assert_eq!((&*meta.smallest, &*meta.largest), (&b""[..], &b"b"[..]));
        assert_eq!((meta.min_seqno, meta.max_seqno), (SeqNo(3), SeqNo(9)));
        assert_eq!((meta.entries, meta.deletes, meta.user_bytes), (3, 1, 7));
    }

    #[test]
    fn entries_out_of_order_are_refused_and_not_counted() {
        let mut tally = Tally::default();
        tally.add(entry(b"b", 5, Kind::Put)).unwrap();
        for (key, seqno) in [(b"b", 5), (b"b", 6), (b"a", 1)] {
            assert!(tally.add(entry(key, seqno, Kind::Put)).is_err());
        }
        assert_eq!(tally.meta().entries, 1);
    }
}
