//! Walking the tree, a leaf at a time, in both directions.
//!
//! A cursor takes the items of a leaf and puts them in order, shows them and their versions, and
//! then goes down from the root again, to the separator at which that leaf ended.

use std::{mem, ops::Bound, sync::Arc};

use lsmer_core::{
    BlockReader, Cursor, EntryBatch, KeyRange, OwnedRange, Result, Step, Window, after_range,
    before_range, mutant,
};

use super::{
    BTreeArena, Table,
    entry::EntryAt,
    inner::Target,
    leaf::{Bounds, Item, Leaf},
    nodes::FenceAt,
    size::LEAF_SLOTS,
};

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
        self.next = 0;
        take_keys(table, leaf, &mut self.keys);
        self.cut(table, bounds, fence);
        true
    }

    /// Leaves out of a leaf what is outside of the range, of the leaf's bounds, and of what was
    /// shown before, and finds out where to go on.
    fn cut(&mut self, table: &Table, bounds: Bounds, fence: Option<&[u8]>) {
        let (entries, tree) = (&table.entries, &table.tree);
        let range = self.range.get();
        let key = |item: &Item| entries.key(item.at);
        let bound = |at: Option<FenceAt>| at.map(|at| tree.reader(entries).fence(at));
        let (mut low, mut high) = (bound(bounds.low), bound(bounds.high));
        if self.backward {
            high = fence.or(high);
        } else {
            low = fence.or(low);
        }
        let start = self.keys.partition_point(|item| {
            low.is_some_and(|low| key(item) < low) || before_range(key(item), range)
        });
        let end = self.keys.partition_point(|item| {
            high.is_none_or(|high| key(item) < high) && !is_after(key(item), range, self.backward)
        });
        self.keys.truncate(end);
        self.keys.drain(..start.min(end));
        let next = if self.backward {
            self.keys.reverse();
            bounds.low.filter(|_| !low.is_some_and(|low| before_range(low, range)))
        } else {
            bounds.high.filter(|_| !high.is_some_and(|high| after_range(high, range)))
        };
        self.at = next.map_or(At::End, At::Fence);
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

/// Takes the keys of a leaf, in order.
fn take_keys(table: &Table, leaf: &Leaf, keys: &mut Vec<Item>) {
    let (count, ordered) = leaf.count();
    keys.clear();
    keys.reserve(LEAF_SLOTS);
    for i in 0..count {
        let item = leaf.item(i);
        table.entries.prefetch(item.at);
        keys.push(item);
    }
    if !ordered {
        let key = |item: &Item| table.entries.key(item.at);
        keys.sort_unstable_by(|a, b| a.head.cmp(&b.head).then_with(|| key(a).cmp(key(b))));
    }
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
