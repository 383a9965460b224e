//! Entries that a suite owns, and what a part that holds them must answer.

use std::fmt;

use lsmer_core::{EntryRef, KeyRange, Kind, SeqNo, Window, after_range, before_range};

/// A version of a key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Vec<u8>,
    pub(crate) seqno: SeqNo,
    pub(crate) kind: Kind,
    pub(crate) value: Vec<u8>,
}

impl Entry {
    pub(crate) fn put(key: &[u8], seqno: u64, value: &[u8]) -> Self {
        let (key, value) = (key.to_vec(), value.to_vec());
        Self { key, seqno: SeqNo(seqno), kind: Kind::Put, value }
    }

    pub(crate) fn delete(key: &[u8], seqno: u64) -> Self {
        Self { kind: Kind::Delete, ..Self::put(key, seqno, &[]) }
    }

    pub(crate) fn of(entry: EntryRef<'_>) -> Self {
        let (key, value) = (entry.key.to_vec(), entry.value.to_vec());
        Self { key, seqno: entry.seqno, kind: entry.kind, value }
    }

    pub(crate) fn borrow(&self) -> EntryRef<'_> {
        EntryRef { key: &self.key, seqno: self.seqno, kind: self.kind, value: &self.value }
    }
}

/// Shows where it begins: some keys and values are huge.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, seqno, kind, value } = self;
        let shown = &key[..key.len().min(40)];
        let (keys, values) = (key.len(), value.len());
        write!(f, "{kind:?} b\"{}\" ({keys} bytes) at {seqno}", shown.escape_ascii())?;
        write!(f, ", value of {values} bytes")
    }
}

/// Puts entries into internal order, each version once.
pub(crate) fn sort(entries: &mut Vec<Entry>) {
    entries.sort_by(|one, other| one.borrow().order(&other.borrow()));
    entries.dedup_by(|one, other| one.borrow().order(&other.borrow()).is_eq());
}

/// Returns the newest entry of a key that a snapshot sees.
pub(crate) fn newest<'a>(entries: &'a [Entry], key: &[u8], snapshot: SeqNo) -> Option<&'a Entry> {
    let sought = EntryRef { key, seqno: snapshot, kind: Kind::Put, value: &[] };
    let at = entries.partition_point(|entry| entry.borrow().order(&sought).is_lt());
    entries.get(at).filter(|entry| entry.key == key)
}

/// Returns the entries whose keys are in a range.
pub(crate) fn inside<'a>(entries: &'a [Entry], range: KeyRange<'_>) -> &'a [Entry] {
    let start = entries.partition_point(|entry| before_range(&entry.key, range));
    let rest = &entries[start..];
    &rest[..rest.partition_point(|entry| !after_range(&entry.key, range))]
}

/// Returns the entries of a window.
pub(crate) fn of_window(window: &Window) -> Vec<Entry> {
    let entry = |at| match window {
        Window::Rows { block, .. } => Entry::of(block.entry(at, &mut Vec::new())),
        Window::Batch(batch) => Entry::of(batch.entry(at)),
        Window::End => unreachable!("the end has no positions"),
    };
    window.range().map(entry).collect()
}

/// Says where two lists of entries part; `None` if they are the same.
pub(crate) fn difference(got: &[Entry], want: &[Entry]) -> Option<String> {
    if got == want {
        return None;
    }
    let same = got.iter().zip(want).take_while(|(got, want)| got == want).count();
    let (got_len, want_len) = (got.len(), want.len());
    let (got, want) = (got.get(same), want.get(same));
    Some(format!("{got_len} entries for {want_len}; number {same} is {got:?}, not {want:?}"))
}
