//! A memtable that is a locked map, with flaws.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use lsmer_core::{
    BlockReader, Cursor, EntryBatch, EntryRef, KeyRange, Kind, Memtable, MemtableFactory,
    MemtableSpec, Probe, Result, SeqNo, Step, Window, after_range, before_range,
};
use lsmer_sync::thread;
use lsmer_testkit::memtable as suite;

use crate::{Mutant, all_are_killed};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    ForgetsOneInAThousand,
    AnswersAboveTheSnapshot,
    CursorForgetsTheNewest,
    BytesFall,
    CursorRepeats,
    CursorIgnoresTheUpperBound,
    LosesForeignInserts,
    TakesATakenPlace,
    FillsValuesLater,
    CountsAnew,
    DropsTheLastOfMany,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "forgets one insert in a thousand",
        obligation: "MEM-01",
        run: || suite::mem_01_a_reservation_is_kept(&Broken(Flaw::ForgetsOneInAThousand)),
    },
    Mutant {
        name: "answers above the snapshot",
        obligation: "MEM-02",
        run: || {
            suite::mem_02_get_finds_the_newest_version_below_the_snapshot(&Broken(
                Flaw::AnswersAboveTheSnapshot,
            ));
        },
    },
    Mutant {
        name: "finds one entry in a thousand no more",
        obligation: "MEM-02",
        run: || {
            suite::mem_02_get_finds_the_newest_version_below_the_snapshot(&Broken(
                Flaw::ForgetsOneInAThousand,
            ));
        },
    },
    Mutant {
        name: "has a cursor that forgets the newest entry",
        obligation: "MEM-03",
        run: || {
            suite::mem_03_a_cursor_sees_what_was_there_before_its_seek(&Broken(
                Flaw::CursorForgetsTheNewest,
            ));
        },
    },
    Mutant {
        name: "has a cursor that repeats entries",
        obligation: "MEM-03",
        run: || {
            suite::mem_03_a_cursor_sees_what_was_there_before_its_seek(&Broken(
                Flaw::CursorRepeats,
            ));
        },
    },
    Mutant {
        name: "takes less memory after an insert",
        obligation: "MEM-04",
        run: || suite::mem_04_bytes_do_not_decrease(&Broken(Flaw::BytesFall)),
    },
    Mutant {
        name: "drops the last of the entries that are inserted together",
        obligation: "MEM-05",
        run: || {
            suite::mem_05_inserting_together_is_inserting_each(&Broken(Flaw::DropsTheLastOfMany));
        },
    },
    Mutant {
        name: "has a cursor without an upper bound",
        obligation: "CURSOR-01",
        run: || {
            suite::cursor_01_windows_hold_the_range_once_and_in_order(&Broken(
                Flaw::CursorIgnoresTheUpperBound,
            ));
        },
    },
    Mutant {
        name: "has a cursor that repeats entries of a range",
        obligation: "CURSOR-01",
        run: || {
            suite::cursor_01_windows_hold_the_range_once_and_in_order(&Broken(Flaw::CursorRepeats));
        },
    },
    Mutant {
        name: "loses what other threads insert",
        obligation: "MEM-02",
        run: || {
            suite::mem_02_no_insert_of_several_threads_is_lost(&Broken(Flaw::LosesForeignInserts));
        },
    },
    Mutant {
        name: "takes a place that another thread has taken",
        obligation: "MEM-02",
        run: || {
            suite::mem_02_no_insert_of_several_threads_is_lost(&Broken(Flaw::TakesATakenPlace));
        },
    },
    Mutant {
        name: "has a cursor that misses what two threads inserted at once",
        obligation: "MEM-03",
        run: || {
            suite::mem_03_a_cursor_stays_in_order_beside_inserts(&Broken(Flaw::TakesATakenPlace));
        },
    },
    Mutant {
        name: "shows an entry before it has its value",
        obligation: "MEM-03",
        run: || {
            suite::mem_03_a_cursor_stays_in_order_beside_inserts(&Broken(Flaw::FillsValuesLater));
        },
    },
    Mutant {
        name: "takes less memory while others insert",
        obligation: "MEM-04",
        run: || {
            suite::mem_04_bytes_do_not_decrease_beside_inserts(&Broken(Flaw::CountsAnew));
        },
    },
];

#[test]
fn a_memtable_without_a_flaw_conforms() {
    suite::conforms(&Broken(Flaw::None));
}

#[test]
fn each_flaw_of_a_memtable_is_caught() {
    all_are_killed("memtable", MUTANTS);
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
        let (flaw, capacity, creator) = (self.0, spec.bytes, thread::index());
        Arc::new(Table { flaw, capacity, creator, state: Mutex::default() })
    }
}

#[derive(Debug)]
struct Table {
    flaw: Flaw,
    capacity: usize,
    creator: usize,
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
        if self.flaw == Flaw::LosesForeignInserts && thread::index() != self.creator {
            return;
        }
        let version = (entry.key.to_vec(), std::cmp::Reverse(entry.seqno));
        match self.flaw {
            Flaw::TakesATakenPlace => {
                state.inserts -= 1;
                let place = state.inserts;
                drop(state);
                thread::yield_now();
                state = self.state.lock().unwrap();
                if state.inserts != place {
                    return; // what came first is written over
                }
                state.inserts += 1;
            }
            Flaw::FillsValuesLater => {
                state.entries.insert(version.clone(), (entry.kind, Vec::new()));
                drop(state);
                thread::yield_now();
                state = self.state.lock().unwrap();
            }
            Flaw::CountsAnew => {
                let taken = std::mem::take(&mut state.taken);
                drop(state);
                thread::yield_now();
                state = self.state.lock().unwrap();
                state.taken += taken;
            }
            _ => {}
        }
        state.entries.insert(version, (entry.kind, entry.value.to_vec()));
    }

    fn insert_all(&self, entries: &[EntryRef<'_>]) {
        let dropped = usize::from(self.flaw == Flaw::DropsTheLastOfMany && entries.len() > 1);
        for entry in &entries[..entries.len() - dropped] {
            self.insert(*entry);
        }
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
