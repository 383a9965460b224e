//! A part of the cache: slots that anybody reads, and books that one at a time keeps.
//!
//! A block is in one of two buckets that its hash names, in the first one if there is room. Both
//! are half full on average, so the first one has room for 19 of 20 blocks, and both are full for
//! one in hundreds: then the least of theirs goes.

use std::mem;

use lsmer_core::{Block, BlockId, BlockSlot, TableId, mutant, prefetch};
use lsmer_sync::Mutex;

use super::books::{Books, Newcomer};
use crate::place;

/// Slots of a bucket: a cache line of them.
const WAYS: usize = 8;
/// Half of what a block usually takes: room for twice as many slots as blocks.
const BYTES_PER_SLOT: usize = 2 << 10;
/// What a block takes beside its frame: two slots, two residents, a place in a queue and one
/// among the ghosts, and what the allocator adds.
const ENTRY_BYTES: usize = 80;

/// Blocks that go: their memory is given back after the lock. Mostly it is one.
#[derive(Default)]
struct Gone {
    one: Option<Block>,
    others: Vec<Block>,
}

impl Gone {
    fn add(&mut self, block: Option<Block>) {
        if block.is_some() {
            self.others.extend(mem::replace(&mut self.one, block));
        }
    }
}

pub(super) struct Shard {
    buckets: Box<[Bucket]>,
    books: Mutex<Books>,
    capacity: usize,
}

#[repr(align(64))]
struct Bucket([BlockSlot; WAYS]);

impl Shard {
    pub(super) fn new(capacity: usize) -> Self {
        let buckets = (capacity / BYTES_PER_SLOT / WAYS).clamp(1, usize::MAX >> 32);
        let bucket = |_| Bucket([(); WAYS].map(|()| BlockSlot::empty()));
        Self {
            buckets: (0..buckets).map(bucket).collect(),
            books: Mutex::new(Books::new(buckets * WAYS, capacity)),
            capacity,
        }
    }

    #[inline]
    pub(super) fn get(&self, hash: u64, id: &BlockId) -> Option<Block> {
        let [first, second] = self.buckets(hash);
        let look =
            |bucket: usize| self.buckets[bucket].0.iter().find_map(|slot| slot.get(hash, id));
        look(first).or_else(|| look(second))
    }

    /// Asks for the slots that a block is most likely in.
    #[inline]
    pub(super) fn prefetch_slots(&self, hash: u64) {
        let [first, _] = self.buckets(hash);
        prefetch(&raw const self.buckets[first]);
    }

    /// Asks for the block, if it is in one of these slots.
    #[inline]
    pub(super) fn prefetch_block(&self, hash: u64) {
        let [first, _] = self.buckets(hash);
        self.buckets[first].0.iter().any(|slot| slot.prefetch_for(hash));
    }

    pub(super) fn insert(&self, hash: u64, id: &BlockId, block: Block) {
        let bytes = block.weight() + ENTRY_BYTES;
        let mut gone = Gone::default();
        let mut books = self.books.lock();
        let before = self.find(hash, id).filter(|_| !mutant!("cache-keeps-what-is-replaced"));
        let in_main = before.is_some_and(|at| books.is_in_main(at));
        gone.add(before.and_then(|at| self.remove(&mut books, at)));
        let Some(weight) = u32::try_from(bytes).ok().filter(|_| bytes <= self.capacity) else {
            return;
        };
        while books.bytes() + bytes > self.capacity && !mutant!("cache-never-full") {
            let Some(at) = books.victim(|at| self.slot(at).take_hits()) else { break };
            gone.add(self.remove(&mut books, at));
        }
        let at = self.vacancy(hash).unwrap_or_else(|| {
            let at = books.least(self.places(hash));
            gone.add(self.remove(&mut books, at));
            at
        });
        match self.slot(at).put(hash, id, block) {
            Ok(before) => gone.add(before),
            Err(refused) => {
                gone.add(Some(refused));
                return;
            }
        }
        books.admit(at, Newcomer { hash, table: table_mark(id.table), bytes: weight }, in_main);
        self.prefetch(&books);
    }

    /// Sends for what the next block that comes in will push out, one step for each block.
    fn prefetch(&self, books: &Books) {
        let [next, later] = books.upcoming();
        if let Some(at) = later {
            prefetch(self.slot(at));
        }
        if let Some(at) = next {
            self.slot(at).prefetch();
        }
    }

    pub(super) fn remove_table(&self, table: TableId) {
        let mut gone = Gone::default();
        let mut books = self.books.lock();
        for at in books.of_table(table_mark(table)) {
            gone.add(self.remove(&mut books, at));
        }
        drop(books);
    }

    pub(super) fn bytes(&self) -> usize {
        self.books.lock().bytes()
    }

    fn remove(&self, books: &mut Books, at: usize) -> Option<Block> {
        let block = self.slot(at).take()?;
        books.remove(at);
        Some(block)
    }

    /// Returns the buckets that a block may be in. The bits at the top chose the shard, those of
    /// the tag are near the bottom.
    #[inline]
    fn buckets(&self, hash: u64) -> [usize; 2] {
        let place = |hash: u64| {
            let bits = (hash >> 24) & u64::from(u32::MAX);
            usize::try_from((bits * self.buckets.len() as u64) >> 32).expect("a bucket")
        };
        [place(hash), place(place::again(hash))]
    }

    fn places(&self, hash: u64) -> impl Iterator<Item = usize> {
        let [first, second] = self.buckets(hash);
        (first * WAYS..(first + 1) * WAYS).chain(second * WAYS..(second + 1) * WAYS)
    }

    fn slot(&self, at: usize) -> &BlockSlot {
        &self.buckets[at / WAYS].0[at % WAYS]
    }

    fn find(&self, hash: u64, id: &BlockId) -> Option<usize> {
        self.places(hash).find(|at| self.slot(*at).get(hash, id).is_some())
    }

    fn vacancy(&self, hash: u64) -> Option<usize> {
        self.places(hash).find(|at| self.slot(*at).is_empty())
    }
}

/// What a table's blocks are marked with. Should two tables have the same, each takes the blocks
/// of the other along when it goes.
fn table_mark(table: TableId) -> u32 {
    u32::try_from(place::of_table(table) >> 32).expect("the upper half")
}
