//! Walking the tree, a leaf at a time, in both directions.
//!
//! A cursor takes the items of a leaf that are in its range and puts them in order, shows them and
//! their versions, and then goes down from the root again, to the separator at which that leaf
//! ended. Keys are far away in memory; heads, which the leaf has itself, mostly tell enough.

use std::{cmp::Ordering, mem, ops::Bound, sync::Arc};

use lsmer_core::{
    BlockReader, Cursor, EntryBatch, KeyRange, OwnedRange, Result, Step, Window, after_range,
    before_range, head, mutant,
};

use super::{
    BTreeArena, Table,
    entry::EntryAt,
    inner::Target,
    leaf::{Bounds, Item, Leaf},
    nodes::FenceAt,
    size::LEAF_SLOTS,
};

/// How many entries ahead of the one that is shown are sent for.
const AHEAD: usize = 8;

/// A cursor over a [`BTreeArena`].
#[derive(Debug)]
pub(super) struct TreeCursor {
    table: Arc<BTreeArena>,
    range: OwnedRange,
    backward: bool,
    at: At,
    /// Keys of a leaf, in the order of the walk, and the next one to show.
    keys: Vec<Item>,
    next: usize,
    /// What is still to show of the key before: forward the next version; backward all of them,
    /// the next one last.
    versions: Vec<EntryAt>,
    /// The buffers of a window that became [`Window::End`], for the next one that needs some.
    spare: Window,
}

/// Where the next leaf is.
#[derive(Clone, Copy, Debug)]
enum At {
    /// At the edge of the range.
    Edge,
    /// At a fence, in the direction of the walk.
    Fence(FenceAt),
    End,
}

impl TreeCursor {
    /// Makes a cursor that has not been placed.
    pub(super) fn new(table: Arc<BTreeArena>) -> Self {
        Self {
            table,
            range: OwnedRange::default(),
            backward: false,
            at: At::End,
            keys: Vec::new(),
            next: 0,
            versions: Vec::new(),
            spare: Window::End,
        }
    }

    /// Fills a batch with what follows.
    fn fill(&mut self, batch: &mut EntryBatch) {
        let owner = Arc::clone(&self.table);
        let Some(table) = owner.table() else { return };
        while !batch.is_full() {
            if let Some(version) = self.versions.pop() {
                batch.push(table.entries.entry(version));
                if !self.backward && !mutant!("btree-shows-newest-versions-only") {
                    self.versions.extend(table.entries.older(version).load());
                }
            } else if let Some(&Item { at, .. }) = self.keys.get(self.next) {
                if let Some(later) = self.keys.get(self.next + AHEAD) {
                    table.entries.prefetch(later.at);
                }
                self.next += 1;
                self.begin_key(table, at);
            } else if !self.load(table) {
                break;
            }
        }
        if self.backward {
            batch.reverse();
        }
    }

    /// Begins to show the versions of a key.
    fn begin_key(&mut self, table: &Table, newest: EntryAt) {
        self.versions.push(newest);
        while self.backward
            && let Some(older) = self.versions.last().and_then(|&at| table.entries.older(at).load())
        {
            self.versions.push(older);
        }
    }

    /// Takes the keys of the next leaf; returns whether there was one.
    fn load(&mut self, table: &Table) -> bool {
        let (entries, tree) = (&table.entries, &table.tree);
        let range = self.range.get();
        let fence = match self.at {
            At::End => return false,
            At::Edge => None,
            At::Fence(fence) => Some(tree.reader(entries).fence(fence)),
        };
        let target = match (fence, self.backward) {
            (Some(key), true) => Target::Before(key),
            (Some(key), false) => Target::At(key),
            (None, true) => last(range.1),
            (None, false) => first(range.0),
        };
        let (leaf, bounds) = tree.leaf_with_bounds(target, entries);
        let heads = Heads::new(table, leaf);
        self.next = 0;
        take_keys(leaf, heads, target, self.backward, &mut self.keys);
        if !leaf.count().1 {
            let key = |item: &Item| entries.key(item.at);
            let order = |a: &Item, b: &Item| a.head.cmp(&b.head).then_with(|| key(a).cmp(key(b)));
            self.keys.sort_unstable_by(order);
        }
        self.cut(heads, bounds, fence);
        for item in self.keys.iter().take(AHEAD) {
            entries.prefetch(item.at);
        }
        true
    }

    /// Leaves out of a leaf what is outside of the range, of the leaf's bounds, and of what was
    /// shown before, and finds out where to go on.
    fn cut(&mut self, heads: Heads<'_>, bounds: Bounds, fence: Option<&[u8]>) {
        let Table { entries, tree, .. } = heads.table;
        let range = self.range.get();
        let bound = |at: Option<FenceAt>| at.map(|at| tree.reader(entries).fence(at));
        let (mut low, mut high) = (bound(bounds.low), bound(bounds.high));
        if self.backward {
            high = fence.or(high);
        } else {
            low = fence.or(low);
        }
        let key = |item: &Item| entries.key(item.at);
        let before = |item: &Item| {
            low.is_some_and(|low| heads.order(item, low) == Ordering::Less)
                || !heads.is_after(item, range.0) && before_range(key(item), range)
        };
        let inside = |item: &Item| {
            high.is_none_or(|high| heads.order(item, high) == Ordering::Less)
                && (heads.is_before(item, range.1) || !is_after(key(item), range, self.backward))
        };
        // Mostly all of it is inside, and what is before was hardly taken.
        if !self.keys.last().is_none_or(inside) {
            let end = self.keys.partition_point(inside);
            self.keys.truncate(end);
        }
        let start = self.keys.iter().take_while(|item| before(item)).count();
        self.keys.drain(..start);
        let next = if self.backward {
            self.keys.reverse();
            bounds.low.filter(|_| !low.is_some_and(|low| before_range(low, range)))
        } else {
            bounds.high.filter(|_| !high.is_some_and(|high| after_range(high, range)))
        };
        self.at = next.map_or(At::End, At::Fence);
    }
}

/// How the items of a leaf compare to keys: by their heads where these tell.
#[derive(Clone, Copy)]
struct Heads<'a> {
    table: &'a Table,
    /// The bytes in front of the heads, which all keys of the leaf share; `None`: unknown.
    prefix: Option<&'a [u8]>,
}

impl<'a> Heads<'a> {
    fn new(table: &'a Table, leaf: &Leaf) -> Self {
        let low = || {
            let low = table.tree.reader(&table.entries).fence(leaf.bounds().low?);
            low.get(..leaf.skip())
        };
        let prefix = if leaf.skip() == 0 { Some(&[][..]) } else { low() };
        Self { table, prefix }
    }

    /// Returns the head of a key that has the prefix.
    fn head(self, key: &[u8]) -> Option<u64> {
        Some(head(key.strip_prefix(self.prefix?)?))
    }

    fn order(self, item: &Item, key: &[u8]) -> Ordering {
        let order = self.head(key).map_or(Ordering::Equal, |head| item.head.cmp(&head));
        order.then_with(|| self.table.entries.key(item.at).cmp(key))
    }

    /// Returns whether the heads tell that an item is after a bound.
    fn is_after(self, item: &Item, bound: Bound<&[u8]>) -> bool {
        match bound {
            Bound::Included(key) | Bound::Excluded(key) => {
                self.head(key).is_some_and(|head| item.head > head)
            }
            Bound::Unbounded => true,
        }
    }

    /// Returns whether the heads tell that an item is before a bound.
    fn is_before(self, item: &Item, bound: Bound<&[u8]>) -> bool {
        match bound {
            Bound::Included(key) | Bound::Excluded(key) => {
                self.head(key).is_some_and(|head| item.head < head)
            }
            Bound::Unbounded => true,
        }
    }
}

fn first(low: Bound<&[u8]>) -> Target<'_> {
    match low {
        Bound::Included(key) | Bound::Excluded(key) => Target::At(key),
        Bound::Unbounded => Target::At(&[]),
    }
}

fn last(high: Bound<&[u8]>) -> Target<'_> {
    match high {
        Bound::Included(key) => Target::At(key),
        Bound::Excluded(key) => Target::Before(key),
        Bound::Unbounded => Target::Last,
    }
}

fn is_after(key: &[u8], range: KeyRange<'_>, backward: bool) -> bool {
    match range.1 {
        Bound::Excluded(high) if backward && mutant!("btree-includes-the-end") => key > high,
        _ => after_range(key, range),
    }
}

/// Takes the keys of a leaf, but for those of which the head tells that the walk begins behind
/// them: sorting is what a short walk pays most for.
fn take_keys(
    leaf: &Leaf,
    heads: Heads<'_>,
    target: Target<'_>,
    backward: bool,
    keys: &mut Vec<Item>,
) {
    let head = match target {
        Target::At(key) | Target::Before(key) => heads.head(key),
        Target::Last => None,
    };
    let nothing = if backward { u64::MAX } else { 0 };
    let head = head.unwrap_or(nothing);
    let (count, _) = leaf.count();
    keys.clear();
    keys.reserve(LEAF_SLOTS);
    let items = (0..count).map(|i| leaf.item(i));
    keys.extend(items.filter(|item| if backward { item.head <= head } else { item.head >= head }));
}

impl Cursor for TreeCursor {
    fn seek(
        &mut self,
        range: KeyRange<'_>,
        backward: bool,
        _blocks: &mut BlockReader<'_>,
    ) -> Result<Step<()>> {
        self.range.set(range);
        (self.backward, self.at, self.next) = (backward, At::Edge, 0);
        self.keys.clear();
        self.versions.clear();
        self.spare.restart();
        Ok(Step::Done(()))
    }

    fn next_window(&mut self, out: &mut Window, _blocks: &mut BlockReader<'_>) -> Result<Step<()>> {
        if !matches!(out, Window::Batch(_)) {
            *out = mem::take(&mut self.spare);
        }
        let batch = out.batch();
        self.fill(batch);
        if batch.is_empty() {
            self.spare = mem::take(out);
        }
        Ok(Step::Done(()))
    }
}
