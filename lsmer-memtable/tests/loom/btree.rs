//! The tree under a model checker, with two keys in a leaf and three separators in an inner node.
//!
//! What runs here is the code that ships, over entries and nodes made of the checker's atomics: see
//! `btree/entry.rs` and `btree/nodes.rs` beside this file.

#[path = "../../src/btree/chain.rs"]
mod chain;
#[path = "../../src/btree/cursor.rs"]
mod cursor;
mod entry;
#[path = "../../src/btree/inner.rs"]
mod inner;
#[path = "../../src/btree/last.rs"]
mod last;
#[path = "../../src/btree/leaf.rs"]
mod leaf;
mod nodes;
#[path = "../../src/btree/place.rs"]
mod place;
mod size;
#[expect(dead_code, reason = "the accounting is not modelled")]
#[path = "../../src/btree/tree.rs"]
mod tree;

use std::sync::Arc;

use lsmer_core::{
    ALL, Block, BlockCache, BlockId, BlockReader, BlockShelf, Cursor, SeqNo, TableId, Window,
    models::Model,
};
use lsmer_sync::{
    atomic::{AtomicU32, Ordering},
    thread,
};

use self::{
    cursor::TreeCursor,
    entry::{Entries, KEYS},
    tree::Tree,
};

/// Stands for the memtable of this name.
#[derive(Debug)]
struct BTreeArena {
    table: Table,
}

#[derive(Debug)]
struct Table {
    entries: Entries,
    tree: Tree,
}

impl BTreeArena {
    /// Makes a memtable with some entries.
    fn with(old: &[u32]) -> Arc<Self> {
        let table = Table { entries: Entries::new(), tree: Tree::new(10, &Arc::default()) };
        let this = Arc::new(Self { table });
        old.iter().for_each(|&n| this.insert(n));
        this
    }

    fn table(&self) -> Option<&Table> {
        Some(&self.table)
    }

    fn insert(&self, n: u32) {
        let Table { entries, tree } = &self.table;
        let leaf = tree.place(entries, KEYS[n as usize / 4]);
        let at = entries.push(n);
        tree.insert(entries, leaf, at, 7);
    }

    /// Returns whether a lookup of an entry's key, at its seqno, finds that entry.
    fn has(&self, n: u32) -> bool {
        let Table { entries, tree } = &self.table;
        tree.find(entries, KEYS[n as usize / 4], 7)
            .and_then(|newest| chain::visible(entries, newest, SeqNo(u64::from(n))))
            == Some(Entries::at(n))
    }

    /// Returns all entries, first to last.
    fn walk(self: &Arc<Self>, backward: bool) -> Vec<u32> {
        let mut cursor = TreeCursor::new(Arc::clone(self));
        let mut shelf = BlockShelf::default();
        let blocks = &mut BlockReader::new(&NoCache, &mut shelf);
        let _done = cursor.seek(ALL, backward, blocks).unwrap();
        let mut window = Window::End;
        let mut seen = Vec::new();
        loop {
            let _done = cursor.next_window(&mut window, blocks).unwrap();
            let Window::Batch(batch) = &window else { break };
            let these = (0..batch.len()).map(|i| batch.entry(i).seqno.0);
            let these = these.map(|n| u32::try_from(n).unwrap());
            let at = if backward { 0 } else { seen.len() };
            seen.splice(at..at, these);
        }
        seen
    }
}

#[derive(Debug)]
struct NoCache;

impl BlockCache for NoCache {
    fn get(&self, _: &BlockId) -> Option<Block> {
        None
    }
    fn insert(&self, _: BlockId, _: Block) {}
    fn remove_table(&self, _: TableId) {}
    fn bytes(&self) -> usize {
        0
    }
}

/// Lets two threads insert, and looks for all.
fn race(old: &[u32], one: &'static [u32], two: &'static [u32], all: &[u32]) {
    let table = BTreeArena::with(old);
    let other = Arc::clone(&table);
    let writer = thread::spawn(move || one.iter().for_each(|&n| other.insert(n)));
    two.iter().for_each(|&n| table.insert(n));
    writer.join().unwrap();
    assert_eq!(table.walk(false), all);
    assert!(all.iter().all(|&n| table.has(n)));
}

/// Lets a thread insert and tell of each, while another one looks for what it was told of.
fn tell(
    old: &'static [u32],
    new: &'static [u32],
    look: impl Fn(&Arc<BTreeArena>, &[u32], usize) + Send + 'static,
) {
    let table = BTreeArena::with(old);
    let told = Arc::new(AtomicU32::new(0));
    let (other, count) = (Arc::clone(&table), Arc::clone(&told));
    // The main thread writes: see `skiplist.rs`.
    let reader = thread::spawn(move || {
        let told = count.load(Ordering::Acquire) as usize;
        let all: Vec<_> = old.iter().chain(new).copied().collect();
        look(&other, &all, old.len() + told);
    });
    for (n, i) in new.iter().zip(1..) {
        table.insert(*n);
        told.store(i, Ordering::Release);
    }
    reader.join().unwrap();
}

/// Looks for entries, of which the first `sure` were told.
fn lookups(table: &Arc<BTreeArena>, all: &[u32], sure: usize) {
    for (i, n) in all.iter().enumerate().rev() {
        assert!(table.has(*n) || i >= sure, "{n} was told, and is not found");
    }
}

/// Walks over entries, of which the first `sure` were told.
fn walks(table: &Arc<BTreeArena>, all: &[u32], sure: usize, backward: bool) {
    let seen = table.walk(backward);
    assert!(seen.is_sorted_by_key(|n| (n / 4, u32::MAX - n)), "{seen:?}");
    let sure = &all[..sure];
    assert!(sure.iter().all(|n| seen.contains(n)), "{sure:?} were told; seen were {seen:?}");
}

#[test]
fn two_writers_in_one_leaf_lose_nothing() {
    let model = Model::exhaustive("btree-one-leaf");
    model.twin("btree-locked-relaxed").check(|| race(&[], &[4], &[8], &[4, 8]));
}

#[test]
fn two_writers_of_one_key_keep_both_versions_in_order() {
    let model = Model::exhaustive("btree-one-key");
    model.check(|| race(&[5], &[4], &[6], &[6, 5, 4]));
}

#[test]
fn a_writer_that_waits_for_a_split_goes_to_the_new_leaf() {
    let model = Model::bounded("btree-waits-for-a-split", 3);
    model.twin("btree-dead-leaf-written").check(|| race(&[4, 12], &[8], &[5], &[5, 4, 8, 12]));
}

#[test]
fn a_writer_behind_a_full_last_leaf_goes_to_its_neighbour() {
    let model = Model::bounded("btree-behind-the-last-leaf", 3);
    model.twin("btree-bound-not-looked-at").check(|| race(&[4, 8], &[12], &[16], &[4, 8, 12, 16]));
}

#[test]
fn splits_of_two_leaves_are_both_kept() {
    let model = Model::bounded("btree-two-splits", 2);
    model
        .twin("btree-splits-at-once")
        .check(|| race(&[4, 12, 24, 36, 44], &[8], &[28], &[4, 8, 12, 24, 28, 36, 44]));
}

#[test]
fn lookups_beside_appends_find_what_was_told() {
    let model = Model::exhaustive("btree-lookup");
    model
        .twin("btree-count-relaxed")
        .twin("btree-counted-first")
        .check(|| tell(&[], &[4, 8], lookups));
}

#[test]
fn lookups_beside_a_split_find_what_was_told() {
    let model = Model::bounded("btree-lookup-and-split", 3);
    model
        .twin("btree-shown-relaxed")
        .twin("btree-followed-relaxed")
        .check(|| tell(&[4, 12], &[8, 5], lookups));
}

#[test]
fn lookups_beside_a_split_below_a_node_find_what_was_told() {
    let model = Model::bounded("btree-lookup-below", 3);
    model
        .twin("btree-counts-not-read-again")
        .twin("btree-left-half-first")
        .check(|| tell(&[4, 12, 20, 8], &[16, 17], lookups));
}

#[test]
fn walks_beside_a_split_see_what_was_told() {
    let model = Model::bounded("btree-walk", 2);
    model
        .twin("btree-left-half-first")
        .check(|| tell(&[4, 12, 20], &[16, 8], |table, all, sure| walks(table, all, sure, false)));
}

#[test]
fn backward_walks_beside_a_split_see_what_was_told() {
    let model = Model::bounded("btree-walk-back", 2);
    model
        .twin("btree-left-half-first")
        .check(|| tell(&[4, 12, 20], &[16, 8], |table, all, sure| walks(table, all, sure, true)));
}
