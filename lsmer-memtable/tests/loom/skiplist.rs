//! The arena skiplist under a model checker: its links, two levels high, and its room.
//!
//! The arena itself cannot run under loom, whose atomics do not fit into raw memory. What runs
//! here is `skiplist/list.rs`, with its memory orders, over nodes made of loom's atomics, and
//! `room.rs`, which gives out the units of an arena.

use std::sync::Arc;

use lsmer_core::{models::Model, twin};
use lsmer_sync::{
    atomic::{AtomicU32, AtomicU64, Ordering},
    thread,
};

use self::{
    list::{FOLLOW, LINK, Node as _},
    room::Room,
};

#[expect(dead_code, reason = "backward search is not needed here")]
#[path = "../../src/skiplist/list.rs"]
mod list;
#[path = "../../src/room.rs"]
mod room;

/// Nodes with keys; a key of 0 was not filled. Node 0 is the root, node 4 points at the ends.
struct Table {
    keys: [AtomicU32; 5],
    links: [[AtomicU32; 2]; 5],
    filter: AtomicU64,
}

#[derive(Clone, Copy)]
struct Node<'a> {
    table: &'a Table,
    at: u32,
}

impl Table {
    fn new() -> Arc<Self> {
        let zero = |()| AtomicU32::new(0);
        let links = [(); 5].map(|()| [(); 2].map(zero));
        Arc::new(Self { keys: [(); 5].map(zero), links, filter: AtomicU64::new(0) })
    }

    fn node(&self, at: u32) -> Node<'_> {
        Node { table: self, at }
    }

    /// Inserts node `at`, as `SkipArena::insert` does.
    fn insert(&self, at: u32, key: u32, height: usize) {
        let fill = || {
            // `Relaxed` stands for the plain writes that fill a node.
            self.keys[at as usize].store(key, Ordering::Relaxed);
            self.filter.fetch_or(1 << key, Ordering::Relaxed);
        };
        let late = twin!("skiplist-filled-late");
        if !late {
            fill();
        }
        let (root, ends) = (self.node(0), self.node(4));
        list::insert(root, ends, self.node(at), height, |node| node.key() < key);
        if late {
            fill();
        }
    }

    fn has(&self, key: u32) -> bool {
        self.filter.load(Ordering::Relaxed) & 1 << key != 0
            && list::find(self.node(0), |node| node.key() < key)
                .1
                .is_some_and(|node| node.key() == key)
    }

    /// Returns the keys of a level.
    fn level(&self, level: usize) -> Vec<u32> {
        let mut keys = Vec::new();
        let mut node = self.node(0);
        while let Some(next) = node.next(level) {
            keys.push(next.key());
            node = next;
        }
        keys
    }
}

impl<'a> Node<'a> {
    fn key(self) -> u32 {
        let key = self.table.keys[self.at as usize].load(Ordering::Relaxed);
        assert_ne!(key, 0, "a node was reached before it was filled");
        key
    }

    fn link(self, level: usize) -> &'a AtomicU32 {
        &self.table.links[self.at as usize][level]
    }
}

impl list::Node for Node<'_> {
    const LEVELS: usize = 2;

    fn next(self, level: usize) -> Option<Self> {
        let at = self.link(level).load(unless(twin!("skiplist-followed-relaxed"), FOLLOW));
        (at != 0).then(|| self.table.node(at))
    }

    fn set_next(self, level: usize, next: Option<Self>) {
        self.link(level).store(next.map_or(0, |next| next.at), Ordering::Relaxed);
    }

    fn point_at(self, level: usize, to: Self) {
        self.link(level).store(to.at, unless(twin!("skiplist-linked-relaxed"), LINK));
    }

    fn replace_next(self, level: usize, from: Option<Self>, to: Self) -> bool {
        let from = from.map_or(0, |from| from.at);
        let link = unless(twin!("skiplist-linked-relaxed"), LINK);
        self.link(level).compare_exchange(from, to.at, link, Ordering::Relaxed).is_ok()
    }

    fn is(self, other: Self) -> bool {
        self.at == other.at
    }

    fn prefetch_next(self, _level: usize) {}
}

/// Returns the order of memory, or the weakest one for a twin.
fn unless(weak: bool, order: Ordering) -> Ordering {
    if weak { Ordering::Relaxed } else { order }
}

#[test]
fn two_writers_on_both_sides_of_a_node_lose_nothing() {
    let model = Model::exhaustive("skiplist-two-sides");
    model.twin("skiplist-end-not-compared").check(|| {
        let table = Table::new();
        table.insert(1, 2, 2);
        let other = Arc::clone(&table);
        let writer = thread::spawn(move || other.insert(2, 3, 2));
        table.insert(3, 1, 2);
        writer.join().unwrap();
        assert_eq!(table.level(0), [1, 2, 3]);
        assert_eq!(table.level(1), [1, 2, 3]);
    });
}

#[test]
fn two_writers_behind_one_node_lose_nothing() {
    let model = Model::exhaustive("skiplist-behind-one-node");
    model.twin("skiplist-lost-race-ignored").check(|| {
        let table = Table::new();
        let other = Arc::clone(&table);
        let writer = thread::spawn(move || other.insert(1, 2, 2));
        table.insert(2, 1, 2);
        writer.join().unwrap();
        assert_eq!(table.level(0), [1, 2]);
        assert_eq!(table.level(1), [1, 2]);
    });
}

// In the tests below the main thread writes: the checker runs it first, and finds what to try by
// going back from the reader's loads to the writer's stores. The other way it would try nothing,
// for it remembers only the last access to an atomic, and a writer loads before it stores.

#[test]
fn a_reader_meets_filled_nodes_in_order() {
    let model = Model::exhaustive("skiplist-reader");
    model.twin("skiplist-linked-relaxed").twin("skiplist-filled-late").check(|| {
        let table = Table::new();
        table.insert(1, 2, 1);
        let other = Arc::clone(&table);
        let reader = thread::spawn(move || {
            for level in [1, 0] {
                let keys = other.level(level);
                assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
                assert!(level == 1 || keys.contains(&2), "what was there stays");
            }
        });
        table.insert(2, 3, 2);
        table.insert(3, 1, 2);
        reader.join().unwrap();
        assert_eq!(table.level(0), [1, 2, 3]);
    });
}

#[test]
fn a_reader_among_two_writers_meets_filled_nodes_in_order() {
    let model = Model::bounded("skiplist-reader-and-writers", 3);
    model.twin("skiplist-followed-relaxed").twin("skiplist-linked-relaxed").check(|| {
        let table = Table::new();
        let (one, two) = (Arc::clone(&table), Arc::clone(&table));
        let writer = thread::spawn(move || one.insert(1, 2, 1));
        let reader = thread::spawn(move || {
            let keys = two.level(0);
            assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
        });
        table.insert(2, 1, 2);
        writer.join().unwrap();
        reader.join().unwrap();
        assert_eq!(table.level(0), [1, 2]);
    });
}

#[test]
fn whoever_is_told_of_an_entry_finds_it() {
    let model = Model::exhaustive("skiplist-visible");
    model.twin("skiplist-linked-relaxed").check(|| {
        let table = Table::new();
        let visible = Arc::new(AtomicU32::new(0));
        let (other, told) = (Arc::clone(&table), Arc::clone(&visible));
        let reader = thread::spawn(move || {
            let visible = told.load(Ordering::Acquire);
            assert!(visible < 1 || other.has(2));
            assert!(visible < 2 || other.has(1));
        });
        table.insert(1, 2, 2);
        visible.store(1, Ordering::Release);
        table.insert(2, 1, 2);
        visible.store(2, Ordering::Release);
        reader.join().unwrap();
    });
}

#[test]
fn room_is_given_out_once_and_up_to_its_exact_end() {
    let model = Model::exhaustive("arena-end");
    model.twin("room-counted-in-two-steps").check(|| {
        // The root's units, and three entries of 2 units each, of which one is promised already.
        let room = Arc::new(Room::new(4, 4 + 3 * 2, 2));
        let taken = |room: &Room| room.reserve(2).then(|| room.take(1, 2));
        let other = Arc::clone(&room);
        let writer = thread::spawn(move || taken(&other));
        let mine = [taken(&room), Some(room.take(2, 2))];
        let mut all = mine.to_vec();
        all.push(writer.join().unwrap());
        assert!(all.iter().all(Option::is_some), "there is room for all: {all:?}");
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 3, "units were given out twice: {all:?}");
        assert_eq!(room.counts(), (0, 4 + 1 + 1 + 2));
        assert!(room.reserve(2) && !room.reserve(1), "two units are left");
    });
}

#[test]
fn of_two_writers_one_gets_the_last_room() {
    let model = Model::exhaustive("arena-last-room");
    model.twin("room-counted-in-two-steps").check(|| {
        let room = Arc::new(Room::new(4, 4 + 3, 0));
        let other = Arc::clone(&room);
        let writer = thread::spawn(move || other.reserve(2));
        let mine = room.reserve(2);
        let theirs = writer.join().unwrap();
        assert!(mine != theirs, "one of them, and exactly one");
        assert_eq!(room.counts(), (2, 4));
    });
}
