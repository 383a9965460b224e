//! Parts that are broken on purpose: for each obligation, the suite catches one that breaks it.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

use lsmer_core::{
    BlockReader, Cursor, EntryBatch, EntryRef, Filter, FilterPolicy, KeyRange, Kind, Memtable,
    MemtableFactory, MemtableSpec, Probe, Result, SeqNo, Step, Window, after_range, before_range,
};
use lsmer_testkit::{filter, memtable};

/// What is wrong with a part.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    ForgetsOneInAThousand,
    AnswersAboveTheSnapshot,
    CursorForgetsTheNewest,
    BytesFall,
    CursorRepeats,
    CursorIgnoresTheUpperBound,
    DeniesOneInAThousand,
    PanicsOnShortBytes,
    BuildsDiffer,
}

type Version = (Vec<u8>, std::cmp::Reverse<SeqNo>);

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<Version, (Kind, Vec<u8>)>,
    taken: usize,
    inserts: usize,
}

#[derive(Debug)]
struct Broken(Flaw);

impl MemtableFactory for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn create(&self, spec: &MemtableSpec) -> Arc<dyn Memtable> {
        Arc::new(Table { flaw: self.0, capacity: spec.bytes, state: Mutex::default() })
    }
}

#[derive(Debug)]
struct Table {
    flaw: Flaw,
    capacity: usize,
    state: Mutex<State>,
}

impl Memtable for Table {
    fn reserve(&self, entries: u32, bytes: usize) -> bool {
        let mut state = self.state.lock().unwrap();
        let cost = bytes + entries as usize * 64;
        let fits = state.taken == 0 || state.taken + cost <= self.capacity;
        state.taken += if fits { cost } else { 0 };
        fits
    }

    fn insert(&self, entry: EntryRef<'_>) {
        let mut state = self.state.lock().unwrap();
        state.inserts += 1;
        if self.flaw == Flaw::ForgetsOneInAThousand && state.inserts.is_multiple_of(1_000) {
            return;
        }
        let version = (entry.key.to_vec(), std::cmp::Reverse(entry.seqno));
        state.entries.insert(version, (entry.kind, entry.value.to_vec()));
    }

    fn get(&self, probe: &Probe<'_>, found: &mut dyn FnMut(EntryRef<'_>)) -> bool {
        let above = u64::from(self.flaw == Flaw::AnswersAboveTheSnapshot);
        let snapshot = SeqNo(probe.snapshot.0 + above);
        let state = self.state.lock().unwrap();
        let from = (probe.key.to_vec(), std::cmp::Reverse(snapshot));
        let Some(((key, seqno), (kind, value))) = state.entries.range(from..).next() else {
            return false;
        };
        if key != probe.key {
            return false;
        }
        found(EntryRef { key, seqno: seqno.0, kind: *kind, value });
        true
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor + Send> {
        Box::new(Walk { table: self, left: Vec::new() })
    }

    fn bytes(&self) -> usize {
        let state = self.state.lock().unwrap();
        let freed = if self.flaw == Flaw::BytesFall { state.inserts * 200 } else { 0 };
        state.taken.saturating_sub(freed)
    }
}

/// Shows a copy made at the seek, ten entries at a time; the next window is last.
#[derive(Debug)]
struct Walk {
    table: Arc<Table>,
    left: Vec<EntryBatch>,
}

impl Cursor for Walk {
    fn seek(
        &mut self,
        range: KeyRange<'_>,
        backward: bool,
        _: &mut BlockReader<'_>,
    ) -> Result<Step<()>> {
        let (state, flaw) = (self.table.state.lock().unwrap(), self.table.flaw);
        let newest = state.entries.keys().map(|version| version.1.0).max();
        let mut inside = Vec::new();
        for ((key, seqno), (kind, value)) in &state.entries {
            let after = after_range(key, range) && flaw != Flaw::CursorIgnoresTheUpperBound;
            let forgotten = flaw == Flaw::CursorForgetsTheNewest && Some(seqno.0) == newest;
            if !before_range(key, range) && !after && !forgotten {
                inside.push(EntryRef { key, seqno: seqno.0, kind: *kind, value });
            }
        }
        self.left.clear();
        for chunk in inside.chunks(10) {
            let mut batch = EntryBatch::default();
            for entry in chunk {
                batch.push(*entry);
            }
            if flaw == Flaw::CursorRepeats {
                batch.push(chunk[chunk.len() - 1]);
            }
            self.left.push(batch);
        }
        if !backward {
            self.left.reverse();
        }
        Ok(Step::Done(()))
    }

    fn next_window(&mut self, out: &mut Window, _: &mut BlockReader<'_>) -> Result<Step<()>> {
        *out = self.left.pop().map_or(Window::End, Window::Batch);
        Ok(Step::Done(()))
    }
}

/// A filter that is the list of its hashes.
#[derive(Debug)]
struct List(Flaw, Mutex<u8>);

impl FilterPolicy for List {
    fn name(&self) -> &'static str {
        "list"
    }

    fn build(&self, hashes: &[u64], _: u8) -> Vec<u8> {
        let mut bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        if self.0 == Flaw::BuildsDiffer {
            let mut count = self.1.lock().unwrap();
            *count = count.wrapping_add(1);
            bytes.extend([*count; 8]);
        }
        bytes
    }

    fn open(&self, bytes: Arc<[u8]>) -> Arc<dyn Filter> {
        assert!(self.0 != Flaw::PanicsOnShortBytes || bytes.len().is_multiple_of(8), "short");
        let hashes = bytes.chunks_exact(8).map(|hash| u64::from_le_bytes(hash.try_into().unwrap()));
        Arc::new(Open(self.0, hashes.collect()))
    }
}

#[derive(Debug)]
struct Open(Flaw, std::collections::BTreeSet<u64>);

impl Filter for Open {
    fn may_contain(&self, hash: u64) -> bool {
        if self.0 == Flaw::DeniesOneInAThousand && hash % 1_000 == 1 {
            return false;
        }
        self.1.is_empty() || self.1.contains(&hash)
    }
}

fn caught(id: &str, property: impl FnOnce()) {
    let panic = catch_unwind(AssertUnwindSafe(property)).expect_err("the flaw was not caught");
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap();
    assert!(text.contains(id), "caught, but not by {id}: {text}");
}

#[test]
fn parts_without_a_flaw_conform() {
    memtable::conforms(&Broken(Flaw::None));
    filter::conforms(&List(Flaw::None, Mutex::default()));
}

#[test]
fn each_flaw_of_a_memtable_is_caught() {
    use memtable as suite;
    let with = Broken;
    let flaw = Flaw::ForgetsOneInAThousand;
    caught("MEM-01", || suite::mem_01_a_reservation_is_kept(&with(flaw)));
    let flaw = Flaw::AnswersAboveTheSnapshot;
    let get = suite::mem_02_get_finds_the_newest_version_below_the_snapshot;
    caught("MEM-02", || get(&with(flaw)));
    caught("MEM-02", || get(&with(Flaw::ForgetsOneInAThousand)));
    let walk = suite::mem_03_a_cursor_sees_what_was_there_before_its_seek;
    caught("MEM-03", || walk(&with(Flaw::CursorForgetsTheNewest)));
    caught("MEM-03", || walk(&with(Flaw::CursorRepeats)));
    caught("MEM-04", || suite::mem_04_bytes_do_not_decrease(&with(Flaw::BytesFall)));
    let range = suite::cursor_01_windows_hold_the_range_once_and_in_order;
    caught("CURSOR-01", || range(&with(Flaw::CursorIgnoresTheUpperBound)));
    caught("CURSOR-01", || range(&with(Flaw::CursorRepeats)));
}

#[test]
fn each_flaw_of_a_filter_is_caught() {
    let list = |flaw| List(flaw, Mutex::default());
    let denied = filter::filter_01_a_key_that_was_added_is_never_denied;
    caught("FILTER-01", || denied(&list(Flaw::DeniesOneInAThousand)));
    let opened = filter::filter_02_bytes_that_are_no_filter_are_opened;
    caught("short", || opened(&list(Flaw::PanicsOnShortBytes)));
    let same = filter::filter_03_a_name_stands_for_the_same_bytes;
    caught("FILTER-03", || same(&list(Flaw::BuildsDiffer)));
}
