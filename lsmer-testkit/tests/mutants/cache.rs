//! A cache that is a locked map and empties itself when it is full, with flaws.

use std::{collections::BTreeMap, sync::Arc};

use lsmer_core::{Block, BlockCache, BlockId, BlockKind, TableId};
use lsmer_sync::{Mutex, thread};
use lsmer_testkit::cache as suite;

use crate::{Mutant, all_are_killed};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    AnswersForAnyKind,
    ForgetsTheEpoch,
    KeepsTheFirst,
    RemembersByThread,
    MixesTables,
    NeverEvicts,
    CountsReplacedTwice,
    SaysTooLittle,
    HandsOutZeros,
    LeavesFilters,
    ForgetsToCountDown,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "answers for any kind",
        obligation: "CACHE-01",
        run: || {
            suite::cache_01_get_returns_what_was_last_inserted_or_nothing(&|bytes| {
                make(Flaw::AnswersForAnyKind, bytes)
            });
        },
    },
    Mutant {
        name: "takes tables of one number for one",
        obligation: "CACHE-01",
        run: || {
            suite::cache_01_get_returns_what_was_last_inserted_or_nothing(&|bytes| {
                make(Flaw::ForgetsTheEpoch, bytes)
            });
        },
    },
    Mutant {
        name: "keeps the first block of an id",
        obligation: "CACHE-01",
        run: || {
            suite::cache_01_get_returns_what_was_last_inserted_or_nothing(&|bytes| {
                make(Flaw::KeepsTheFirst, bytes)
            });
        },
    },
    Mutant {
        name: "remembers by thread what it found last",
        obligation: "CACHE-01",
        run: || {
            suite::cache_01_a_thread_sees_what_another_did(&|bytes| {
                make(Flaw::RemembersByThread, bytes)
            });
        },
    },
    Mutant {
        name: "mixes tables up",
        obligation: "CACHE-01",
        run: || {
            suite::cache_01_threads_find_their_own_blocks(&|bytes| make(Flaw::MixesTables, bytes));
        },
    },
    Mutant {
        name: "never evicts",
        obligation: "CACHE-02",
        run: || {
            suite::cache_02_bytes_stay_within_the_capacity_and_one_block(&|bytes| {
                make(Flaw::NeverEvicts, bytes)
            });
        },
    },
    Mutant {
        name: "counts a replaced block twice",
        obligation: "CACHE-02",
        run: || {
            suite::cache_02_bytes_stay_within_the_capacity_and_one_block(&|bytes| {
                make(Flaw::CountsReplacedTwice, bytes)
            });
        },
    },
    Mutant {
        name: "says it takes less than it does",
        obligation: "CACHE-02",
        run: || {
            suite::cache_02_bytes_stay_within_the_capacity_and_one_block(&|bytes| {
                make(Flaw::SaysTooLittle, bytes)
            });
        },
    },
    Mutant {
        name: "hands out other bytes than it was given",
        obligation: "CACHE-03",
        run: || {
            suite::cache_03_what_was_handed_out_stays(&|bytes| make(Flaw::HandsOutZeros, bytes));
        },
    },
    Mutant {
        name: "leaves the filter of a table that is gone",
        obligation: "CACHE-04",
        run: || {
            suite::cache_04_a_table_that_is_gone_leaves_nothing(&|bytes| {
                make(Flaw::LeavesFilters, bytes)
            });
        },
    },
    Mutant {
        name: "counts the blocks of a table that is gone",
        obligation: "CACHE-04",
        run: || {
            suite::cache_04_a_table_that_is_gone_leaves_nothing(&|bytes| {
                make(Flaw::ForgetsToCountDown, bytes)
            });
        },
    },
];

#[test]
fn a_cache_without_a_flaw_conforms() {
    suite::conforms(&|bytes| make(Flaw::None, bytes));
}

#[test]
fn each_flaw_of_a_cache_is_caught() {
    all_are_killed("cache", MUTANTS);
}

fn make(flaw: Flaw, capacity: usize) -> Arc<dyn BlockCache> {
    Arc::new(Map { flaw, capacity, state: Mutex::default() })
}

#[derive(Debug)]
struct Map {
    flaw: Flaw,
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    blocks: BTreeMap<BlockId, Block>,
    bytes: usize,
    /// What each thread found last.
    found: BTreeMap<usize, (BlockId, Block)>,
}

impl Map {
    /// Returns under what a block is kept.
    fn key(&self, mut id: BlockId) -> BlockId {
        match self.flaw {
            Flaw::AnswersForAnyKind => id.kind = BlockKind::Data,
            Flaw::ForgetsTheEpoch => id.table.epoch = 0,
            Flaw::MixesTables => id.table.number = 0,
            _ => {}
        }
        id
    }
}

impl BlockCache for Map {
    fn get(&self, id: &BlockId) -> Option<Block> {
        let mut state = self.state.lock();
        if self.flaw == Flaw::RemembersByThread {
            let last = state.found.get(&thread::index()).filter(|(last, _)| last == id);
            if let Some((_, block)) = last {
                return Some(block.clone());
            }
        }
        let block = state.blocks.get(&self.key(*id)).cloned()?;
        state.found.insert(thread::index(), (*id, block.clone()));
        if self.flaw == Flaw::HandsOutZeros && state.bytes > self.capacity / 2 {
            return Some(Block::opaque(vec![0; block.bytes().len()]));
        }
        Some(block)
    }

    fn insert(&self, id: BlockId, block: Block) {
        let (mut state, id) = (self.state.lock(), self.key(id));
        state.found.remove(&thread::index());
        if self.flaw == Flaw::KeepsTheFirst && state.blocks.contains_key(&id) {
            return;
        }
        state.bytes += block.weight();
        let replaced = state.blocks.insert(id, block);
        if self.flaw != Flaw::CountsReplacedTwice {
            state.bytes -= replaced.map_or(0, |block| block.weight());
        }
        let full = state.bytes > self.capacity && self.flaw != Flaw::NeverEvicts;
        if full && self.flaw != Flaw::CountsReplacedTwice {
            *state = State::default();
        }
    }

    fn remove_table(&self, table: TableId) {
        let mut state = self.state.lock();
        state.found.remove(&thread::index());
        let flaw = self.flaw;
        state.blocks.retain(|id, _| {
            let left = flaw == Flaw::LeavesFilters && id.kind == BlockKind::Filter;
            id.table != self.key(BlockId { table, ..*id }).table || left
        });
        if flaw != Flaw::ForgetsToCountDown {
            state.bytes = state.blocks.values().map(Block::weight).sum();
        }
    }

    fn bytes(&self) -> usize {
        let bytes = self.state.lock().bytes;
        if self.flaw == Flaw::SaysTooLittle { bytes / 2 } else { bytes }
    }
}
