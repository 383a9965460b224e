//! The tree: search, insert and split.
//!
//! Readers and writers go down without a lock, and without looking whether what they passed has
//! changed. A node that was replaced still leads to all that was there when it was: whoever must
//! see an entry was told of it after its writer had found its leaf, and by then the links on the
//! way to that leaf were as the writer saw them, or newer. A writer locks the leaf that it has
//! reached, and goes down again if that was replaced.
//!
//! A split makes new nodes and shows them from the right to the left: first the separator with the
//! new right node, then the left one in place of the old. A leaf that is filled in ascending order
//! at the end of the tree stays as it is, and gets an empty neighbour. Splits change inner nodes
//! one at a time, under a lock of the tree, which is taken after the leaf's. The last leaf is also
//! known without a search; it is shown there before the leaf that it was made of says that it has
//! no place for more, so that who is turned away finds it.
//!
//! After Lehman and Yao's trees, in which nodes are only ever split, and the append-only leaves
//! of the Bw-tree.

use std::sync::Arc;

use lsmer_core::{mutant, twin};
use lsmer_sync::Mutex;

use super::{
    chain,
    entry::{Entries, EntryAt},
    inner::{Content, Inner, Reader, Step, Target, head_at, shared},
    last::Last,
    leaf::{Bounds, Item, Leaf, Locked},
    nodes::{Counts, Fence, FenceAt, Link, Node, NodeAt, Nodes},
    size::{INNER_SLOTS, LEAF_SLOTS},
};
use crate::memory::Recycler;

/// A tree of the newest versions of keys.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Nodes,
    root: Link,
    last: Last,
    /// Held by whoever changes inner nodes.
    splits: Mutex<()>,
}

/// Most inner nodes above a leaf. Each but the root has at least 15 children, or is the last of its
/// level: enough for more keys than an arena has units.
const MAX_DEPTH: usize = 16;

/// The nodes above a leaf, the root first, and where one went on from each.
struct Path<'a> {
    steps: [Option<(&'a Inner, Step)>; MAX_DEPTH],
    depth: usize,
}

/// What comes of a node that was split.
struct Halves {
    /// Shown in place of the node, unless that stays.
    left: Option<NodeAt>,
    fence: FenceAt,
    right: NodeAt,
}

/// What comes of a node that has no place for halves.
enum Remade {
    One(NodeAt),
    Two(Halves),
}

impl Tree {
    /// Makes a tree for up to `keys` keys, in memory of `home`.
    pub(super) fn new(keys: usize, home: &Arc<Recycler>) -> Self {
        let nodes = Nodes::new(counts(keys), home);
        let leaf = nodes.add_leaf(Leaf::new(Bounds { low: None, high: None }, 0, &[]));
        Self { nodes, root: Link::new(leaf), last: Last::new(leaf), splits: Mutex::new(()) }
    }

    /// Returns the memory of the nodes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.nodes.bytes()
    }

    /// Returns what is needed to read fences.
    pub(super) fn reader<'a>(&'a self, entries: &'a Entries) -> Reader<'a> {
        Reader { nodes: &self.nodes, entries }
    }

    /// Returns the leaf that covers a place.
    #[inline]
    pub(super) fn leaf(&self, target: Target<'_>, entries: &Entries) -> &Leaf {
        let mut at = self.root.load();
        loop {
            match self.nodes.node(at) {
                Node::Leaf(leaf) => return leaf,
                Node::Inner(inner) => at = inner.step(target, self.reader(entries)).child,
            }
        }
    }

    /// Returns the leaf that covers a place, and what of it counts: between these bounds, no key
    /// that was there before the call is missing.
    pub(super) fn leaf_with_bounds(
        &self,
        target: Target<'_>,
        entries: &Entries,
    ) -> (&Leaf, Bounds) {
        let tree = self.reader(entries);
        let (mut at, mut bounds) = (self.root.load(), Bounds { low: None, high: None });
        loop {
            match self.nodes.node(at) {
                Node::Leaf(leaf) => return (leaf, bounds),
                Node::Inner(inner) => {
                    let step = inner.step(target, tree);
                    let (low, high) = inner.around(step, tree);
                    bounds = Bounds { low: low.or(bounds.low), high: high.or(bounds.high) };
                    at = step.child;
                }
            }
        }
    }

    /// Returns the newest version of a key.
    #[inline]
    pub(super) fn find(&self, entries: &Entries, key: &[u8], tag: u8) -> Option<EntryAt> {
        let leaf = self.leaf(Target::At(key), entries);
        let (count, _) = leaf.count();
        leaf.find(entries, key, tag, count).map(|(_, at)| at)
    }

    /// Returns the leaf to which an entry of this key is to be added, and brings it near.
    #[inline]
    pub(super) fn place(&self, entries: &Entries, key: &[u8]) -> &Leaf {
        self.last_leaf(entries, key).unwrap_or_else(|| self.leaf(Target::At(key), entries))
    }

    /// Returns the last leaf, if it covers the key.
    #[inline]
    fn last_leaf(&self, entries: &Entries, key: &[u8]) -> Option<&Leaf> {
        let Node::Leaf(leaf) = self.nodes.node(self.last.load(key)?) else { return None };
        let Bounds { low, high } = leaf.bounds();
        let begins = low.is_none_or(|low| self.reader(entries).fence(low) <= key);
        (high.is_none() && (begins || mutant!("btree-last-leaf-takes-all"))).then_some(leaf)
    }

    /// Adds an entry to the leaf that [`place`](Self::place) has returned for its key, or to what
    /// became of it since. `tag` is a byte of its key's hash.
    pub(super) fn insert<'a>(
        &'a self,
        entries: &'a Entries,
        mut leaf: &'a Leaf,
        at: EntryAt,
        tag: u8,
    ) {
        let key = entries.key(at);
        loop {
            let head = head_at(key, leaf.skip());
            let Some(locked) = leaf.lock() else {
                leaf = self.place(entries, key);
                continue;
            };
            let (count, ordered) = locked.count();
            let last = count.checked_sub(1).map(|last| leaf.item(last));
            let ascends = ordered
                && last.is_none_or(|last| {
                    last.head < head || (last.head == head && entries.key(last.at) < key)
                });
            if !ascends && let Some((slot, newest)) = leaf.find(entries, key, tag, count) {
                chain::add(entries, slot, newest, at);
                return locked.unlock();
            }
            let item = Item { head, tag, at };
            if count < LEAF_SLOTS {
                return locked.append(item, ascends);
            }
            if self.covers(leaf, key, entries) {
                return self.split(entries, locked, item);
            }
            // The leaf ends before the key since somebody added a leaf behind it.
            locked.unlock();
            leaf = self.place(entries, key);
        }
    }

    fn covers(&self, leaf: &Leaf, key: &[u8], entries: &Entries) -> bool {
        if twin!("btree-bound-not-looked-at") {
            return true;
        }
        leaf.bounds().high.is_none_or(|high| key < self.reader(entries).fence(high))
    }

    /// Splits a full leaf and adds an item.
    fn split(&self, entries: &Entries, locked: Locked<'_>, item: Item) {
        let leaf = locked.leaf();
        let mut items: [Item; LEAF_SLOTS + 1] =
            std::array::from_fn(|i| if i < LEAF_SLOTS { leaf.item(i) } else { item });
        let key = |item: &Item| entries.key(item.at);
        items.sort_unstable_by(|a, b| a.head.cmp(&b.head).then_with(|| key(a).cmp(key(b))));
        let Bounds { low, high } = leaf.bounds();
        let appends = high.is_none() && items.last().is_some_and(|last| last.at == item.at);
        let middle = if appends { LEAF_SLOTS } else { items.len() / 2 };

        let _splits = (!twin!("btree-splits-at-once")).then(|| self.splits.lock());
        let fence = self.separate(entries, items[middle - 1].at, items[middle].at);
        let lost = usize::from(mutant!("btree-split-loses-an-entry"));
        let bounds = Bounds { low: Some(fence), high };
        let right = self.make_leaf(entries, bounds, leaf.skip(), &mut items[middle + lost..]);
        let path = self.path(entries, key(&item));
        let left = (!appends).then(|| {
            let bounds = Bounds { low, high: Some(fence) };
            self.make_leaf(entries, bounds, leaf.skip(), &mut items[..middle])
        });
        self.adopt(entries, path, Halves { left, fence, right });
        if high.is_none() {
            self.last.store(right, self.reader(entries).fence(fence));
        }
        if appends { locked.end_at(fence) } else { locked.retire() }
    }

    /// Makes a leaf of items out of one whose heads began at `skip`.
    fn make_leaf(
        &self,
        entries: &Entries,
        bounds: Bounds,
        skip: usize,
        items: &mut [Item],
    ) -> NodeAt {
        let now = self.skip(entries, bounds);
        if now != skip {
            for item in &mut *items {
                item.head = head_at(entries.key(item.at), now);
            }
        }
        let skip = u32::try_from(now).expect("keys are shorter than 4 GiB");
        self.nodes.add_leaf(Leaf::new(bounds, skip, items))
    }

    /// Returns how many bytes all keys in the bounds share.
    fn skip(&self, entries: &Entries, bounds: Bounds) -> usize {
        let key = |fence| self.reader(entries).fence(fence);
        match bounds {
            Bounds { low: Some(low), high: Some(high) } => shared(key(low), key(high)),
            _ => 0,
        }
    }

    /// Makes a fence between two neighbours: the shortest key that is not above the second one.
    fn separate(&self, entries: &Entries, before: EntryAt, behind: EntryAt) -> FenceAt {
        let same = shared(entries.key(before), entries.key(behind));
        let len = u32::try_from(same + 1).expect("keys are shorter than 4 GiB");
        let entry = if mutant!("btree-fence-does-not-separate") { before } else { behind };
        self.nodes.add_fence(Fence { entry, len })
    }

    /// Returns the way to the leaf that covers a key.
    fn path(&self, entries: &Entries, key: &[u8]) -> Path<'_> {
        let mut path = Path { steps: [None; MAX_DEPTH], depth: 0 };
        let mut at = self.root.load();
        while let Node::Inner(inner) = self.nodes.node(at) {
            let step = inner.step(Target::At(key), self.reader(entries));
            path.steps[path.depth] = Some((inner, step));
            path.depth += 1;
            at = step.child;
        }
        path
    }

    /// Shows the halves of a split node: in the last node of the path, or in what replaces that.
    fn adopt(&self, entries: &Entries, mut path: Path<'_>, mut halves: Halves) {
        let tree = self.reader(entries);
        loop {
            let Some((inner, step)) = path.pop() else {
                let first = halves.left.unwrap_or_else(|| self.root.load());
                let branches = &[(halves.fence, halves.right)];
                let content = Content { skip: 0, first, branches, misfits: 0 };
                return self.root.store(self.nodes.add_inner(Inner::new(content, tree)));
            };
            let left_half_first = twin!("btree-left-half-first");
            if left_half_first && let Some(left) = halves.left {
                inner.link(step.place).store(left);
            }
            if inner.add((halves.fence, halves.right), tree) {
                if let Some(left) = halves.left.filter(|_| !left_half_first) {
                    inner.link(step.place).store(left);
                }
                return;
            }
            match self.remake(entries, &path, inner, &halves) {
                Remade::One(node) => {
                    let link =
                        path.iter().last().map_or(&self.root, |(above, at)| above.link(at.place));
                    return link.store(node);
                }
                Remade::Two(two) => halves = two,
            }
        }
    }

    /// Makes one or two nodes of an inner node and halves that it has no place for.
    fn remake(&self, entries: &Entries, path: &Path<'_>, inner: &Inner, halves: &Halves) -> Remade {
        let tree = self.reader(entries);
        let bounds = path.iter().fold(Bounds { low: None, high: None }, |bounds, (above, step)| {
            let (low, high) = above.around(*step, tree);
            Bounds { low: low.or(bounds.low), high: high.or(bounds.high) }
        });
        let make = |bounds, first, branches, misfits| {
            let skip = self.skip(entries, bounds);
            self.nodes.add_inner(Inner::new(Content { skip, first, branches, misfits }, tree))
        };
        let (fence, key) = (halves.fence, tree.fence(halves.fence));
        let (mut branches, len, place) = inner.branches_and((fence, halves.right), tree);
        if place == INNER_SLOTS && bounds.high.is_none() && halves.left.is_none() {
            let bounds = Bounds { low: Some(fence), high: None };
            let right = make(bounds, halves.right, &[], 0);
            return Remade::Two(Halves { left: None, fence, right });
        }
        let mut first = inner.first();
        if let Some(left) = halves.left {
            *place.checked_sub(1).map_or(&mut first, |i| &mut branches[i].1) = left;
        }
        if len <= INNER_SLOTS {
            let misfits = inner.misfits() + u8::from(len > 1 && !inner.fits(key));
            return Remade::One(make(bounds, first, &branches[..len], misfits));
        }
        let (fence, middle) = branches[len / 2];
        let (before, behind) = (&branches[..len / 2], &branches[len / 2 + 1..len]);
        let right = make(Bounds { low: Some(fence), ..bounds }, middle, behind, 0);
        let left = Some(make(Bounds { high: Some(fence), ..bounds }, first, before, 0));
        Remade::Two(Halves { left, fence, right })
    }
}

impl<'a> Path<'a> {
    /// Takes the lowest node off.
    fn pop(&mut self) -> Option<(&'a Inner, Step)> {
        self.depth = self.depth.checked_sub(1)?;
        self.steps[self.depth].take()
    }

    fn iter(&self) -> impl Iterator<Item = &(&'a Inner, Step)> {
        self.steps[..self.depth].iter().flatten()
    }
}

/// Returns how many nodes a tree of so many keys can come to have, replaced ones included.
///
/// A leaf is halved after [`LEAF_SLOTS`] / 2 inserts into it at the earliest, or gets a neighbour
/// after [`LEAF_SLOTS`]. Each of that adds a separator; an inner node is halved after
/// [`INNER_SLOTS`] / 2 of those, and made again for every [`APPENDED`](super::size::APPENDED) and
/// for some misfits. That is less than once for each separator, those of all levels together.
fn counts(keys: usize) -> Counts {
    let (halved, extended) = (keys / (LEAF_SLOTS / 2), keys / LEAF_SLOTS);
    let fences = halved + extended + 1;
    Counts { leaves: 2 * halved + extended + 1, inners: fences + 16, fences }
}
