//! Inner nodes: separators, and a child before the first and behind each.
//!
//! ```text
//! | counts | shape | first | 0   | prefix    | heads        | fences       | children     |
//! | u32    | u32   | u32   | u32 | u8 x 16   | u64 for each | u32 for each | u32 for each |
//! ```
//!
//! All keys of a node begin with the same `skip` bytes, and its separators go on with `extra`
//! bytes of the prefix; a head is the eight bytes that follow. Keys are compared with the prefix
//! once, then with heads, and with a separator itself only on a tie. For whatever the bytes are
//! that two keys are compared by in that way: if those differ, the keys do, in the same order.
//!
//! The first `sorted` separators are in order, the few that were added later are not. Nodes are
//! changed by one thread at a time, and others read on meanwhile: a separator and its child are
//! written, and then covered by the counts, with release order. A child may be replaced.
//!
//! When a child was split, its right half is added as a branch, and then its left half replaces
//! it. Who has loaded the counts before and the child after that would look for a key of the right
//! half in the left one: so the counts are loaded again behind the child.

use std::cmp::Ordering as Order;

use lsmer_core::{head, mutant, twin};
use lsmer_sync::atomic::Ordering;

use super::{
    entry::Entries,
    nodes::{FenceAt, FenceSlot, Link, NodeAt, Nodes},
    size::{APPENDED, INNER_SLOTS},
};
use crate::word::{AtomicU32, AtomicU64};

/// Most bytes of a prefix.
const MAX_EXTRA: usize = 16;
/// How often a node is made again because a separator does not begin with its prefix.
const MAX_MISFITS: u8 = 8;

/// An inner node.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Inner {
    /// `sorted`, and from bit 8 on the number of all separators.
    counts: AtomicU32,
    skip: u16,
    extra: u8,
    misfits: u8,
    first: Link,
    prefix: u128,
    heads: [AtomicU64; INNER_SLOTS],
    fences: [FenceSlot; INNER_SLOTS],
    children: [Link; INNER_SLOTS],
}

/// A place between keys.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target<'a> {
    /// Before a key.
    Before(&'a [u8]),
    /// At a key, or behind it.
    At(&'a [u8]),
    /// Behind all keys.
    Last,
}

/// A step from an inner node to one of its children.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// The separator before the child, unless it is the first.
    pub(super) place: Option<usize>,
    /// The child.
    pub(super) child: NodeAt,
    /// How many separators the node had.
    all: usize,
}

/// A separator and the child behind it.
pub(super) type Branch = (FenceAt, NodeAt);

/// The branches of a full node, and one more.
pub(super) type Branches = [Branch; INNER_SLOTS + 1];

/// What an inner node is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content<'a> {
    /// The first bytes that all keys of the node share.
    pub(super) skip: usize,
    /// The first child.
    pub(super) first: NodeAt,
    /// The others, in order.
    pub(super) branches: &'a [Branch],
    /// See [`MAX_MISFITS`].
    pub(super) misfits: u8,
}

/// Returns the eight bytes of a key from `skip` on.
#[inline]
pub(super) fn head_at(key: &[u8], skip: usize) -> u64 {
    head(key.get(skip..).unwrap_or_default())
}

/// Returns how many bytes two keys share at their beginning.
pub(super) fn shared(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Returns the `extra` bytes of a key from `skip` on, the first one highest.
#[inline]
fn prefix_at(key: &[u8], skip: usize, extra: u8) -> u128 {
    if extra == 0 {
        return 0;
    }
    let both = u128::from(head_at(key, skip)) << 64 | u128::from(head_at(key, skip + 8));
    both >> (8 * (MAX_EXTRA - usize::from(extra)))
}

impl Inner {
    /// Makes a node.
    pub(super) fn new(content: Content<'_>, tree: Reader<'_>) -> Self {
        let Content { skip, first, branches, misfits } = content;
        // A shorter one is as true.
        let skip = u16::try_from(skip).unwrap_or(u16::MAX);
        let start = usize::from(skip);
        let key = |branch: &Branch| tree.fence(branch.0);
        let extra = match branches {
            [] => 0,
            _ if misfits > MAX_MISFITS => 0,
            [one, .., other] => shared(key(one), key(other)).saturating_sub(start),
            [one] => key(one).len().saturating_sub(start),
        };
        let extra = u8::try_from(extra.min(MAX_EXTRA)).expect("at most 16");
        let head = |branch: &Branch| head_at(key(branch), start + usize::from(extra));
        let count = u32::try_from(branches.len()).expect("a node is small");
        Self {
            counts: AtomicU32::new(count | count << 8),
            skip,
            extra,
            misfits,
            first: Link::new(first),
            prefix: branches.first().map_or(0, |one| prefix_at(key(one), start, extra)),
            heads: std::array::from_fn(|i| AtomicU64::new(branches.get(i).map_or(0, head))),
            fences: std::array::from_fn(|i| FenceSlot::new(branches.get(i).map(|one| one.0))),
            children: std::array::from_fn(|i| {
                Link::new(branches.get(i).map_or(first, |one| one.1))
            }),
        }
    }

    /// Returns the number of sorted separators and of all.
    fn counts(&self) -> (usize, usize) {
        let order =
            if twin!("btree-branches-relaxed") { Ordering::Relaxed } else { Ordering::Acquire };
        let counts = self.counts.load(order);
        ((counts & 0xff) as usize, (counts >> 8) as usize)
    }

    /// Returns how many times a separator did not fit the prefix of this node or those it replaced.
    pub(super) fn misfits(&self) -> u8 {
        self.misfits
    }

    /// Goes down towards a place: returns where the branch is, what the counts were, and the child.
    #[inline]
    pub(super) fn step(&self, target: Target<'_>, tree: Reader<'_>) -> Step {
        loop {
            let counts = self.counts();
            let place = self.place_among(counts, target, tree);
            let child = self.link(place).load();
            // A child that was shown after a new separator may lack what is behind that.
            if self.counts() == counts || twin!("btree-counts-not-read-again") {
                return Step { place, child, all: counts.1 };
            }
        }
    }

    /// Returns the link to the child behind a separator, or to the first child.
    pub(super) fn link(&self, place: Option<usize>) -> &Link {
        place.map_or(&self.first, |i| &self.children[i])
    }

    /// Returns the last separator before a place.
    #[inline]
    fn place_among(
        &self,
        (sorted, all): (usize, usize),
        target: Target<'_>,
        tree: Reader<'_>,
    ) -> Option<usize> {
        let (skip, extra) = (usize::from(self.skip), self.extra);
        let head = match target {
            Target::Last => None,
            Target::Before(key) | Target::At(key) => {
                match prefix_at(key, skip, extra).cmp(&self.prefix) {
                    Order::Less => return None,
                    Order::Equal => Some(head_at(key, skip + usize::from(extra))),
                    Order::Greater => None,
                }
            }
        };
        let precedes = |i: usize| {
            let Some(head) = head else { return true };
            match self.head(i).cmp(&head) {
                Order::Equal if mutant!("btree-compares-heads-only") => true,
                Order::Equal => tree.precedes(self.fence(i), target),
                order => order.is_lt(),
            }
        };
        let mut place = match head {
            None => sorted,
            Some(head) => {
                let below: usize = self.heads[..sorted]
                    .iter()
                    .map(|i| usize::from(i.load(Ordering::Relaxed) < head))
                    .sum();
                below + (below..sorted).take_while(|&i| precedes(i)).count()
            }
        }
        .checked_sub(1);
        for i in sorted..all {
            if precedes(i) && place.is_none_or(|best| self.order(best, i, tree).is_lt()) {
                place = Some(i);
            }
        }
        place
    }

    fn head(&self, i: usize) -> u64 {
        self.heads[i].load(Ordering::Relaxed)
    }

    fn fence(&self, i: usize) -> FenceAt {
        self.fences[i].load().expect("the counts cover filled places")
    }

    /// Compares two separators.
    fn order(&self, a: usize, b: usize, tree: Reader<'_>) -> Order {
        self.head(a)
            .cmp(&self.head(b))
            .then_with(|| tree.fence(self.fence(a)).cmp(tree.fence(self.fence(b))))
    }

    /// Adds a branch in place, unless the node has to be made again for it; returns whether it did.
    ///
    /// Requires, of this and `branches`: no other thread changes the node meanwhile.
    pub(super) fn add(&self, (fence, child): Branch, tree: Reader<'_>) -> bool {
        let (sorted, all) = self.counts();
        let key = tree.fence(fence);
        if all == 0 || all == INNER_SLOTS || !self.fits(key) {
            return false;
        }
        let (at, start) = (u32::try_from(all).expect("small"), usize::from(self.skip));
        self.heads[all].store(head_at(key, start + usize::from(self.extra)), Ordering::Relaxed);
        self.fences[all].store(Some(fence));
        self.children[all].store(child);
        let ordered = sorted == all && (all == 0 || self.order(all - 1, all, tree).is_lt());
        if !ordered && all - sorted == APPENDED {
            return false;
        }
        let sorted = if ordered { at + 1 } else { u32::try_from(sorted).expect("small") };
        self.counts.store(sorted | (at + 1) << 8, Ordering::Release);
        true
    }

    /// Returns whether a separator begins with the prefix, as the others do.
    pub(super) fn fits(&self, key: &[u8]) -> bool {
        let (start, extra) = (usize::from(self.skip), self.extra);
        key.len() >= start + usize::from(extra) && prefix_at(key, start, extra) == self.prefix
    }

    /// Returns the first child.
    pub(super) fn first(&self) -> NodeAt {
        self.first.load()
    }

    /// Returns all branches and a new one, in order, and how many those are; and where the new one
    /// is.
    pub(super) fn branches_and(&self, new: Branch, tree: Reader<'_>) -> (Branches, usize, usize) {
        let (_, all) = self.counts();
        let mut places: [usize; INNER_SLOTS] = std::array::from_fn(|i| i);
        places[..all].sort_unstable_by(|&a, &b| self.order(a, b, tree));
        let branch = |i: usize| (self.fence(i), self.children[i].load());
        let mut branches: Branches =
            std::array::from_fn(|i| if i < all { branch(places[i]) } else { new });
        let key = tree.fence(new.0);
        let place = branches[..all].partition_point(|branch| tree.fence(branch.0) < key);
        branches[place..=all].rotate_right(1);
        (branches, all + 1, place)
    }

    /// Returns the fence in front of a child, and the one behind it, as far as the node has them.
    pub(super) fn around(
        &self,
        Step { place, all, .. }: Step,
        tree: Reader<'_>,
    ) -> (Option<FenceAt>, Option<FenceAt>) {
        let behind = |i: &usize| place.is_none_or(|place| self.order(place, *i, tree).is_lt());
        let next = (0..all).filter(behind).min_by(|&a, &b| self.order(a, b, tree));
        (place.map(|i| self.fence(i)), next.map(|i| self.fence(i)))
    }
}

/// What is needed to read separators.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    /// The nodes.
    pub(super) nodes: &'a Nodes,
    /// The entries.
    pub(super) entries: &'a Entries,
}

impl<'a> Reader<'a> {
    /// Returns the key of a fence.
    pub(super) fn fence(self, at: FenceAt) -> &'a [u8] {
        let fence = self.nodes.fence(at);
        &self.entries.key(fence.entry)[..fence.len as usize]
    }

    /// Returns whether a fence is before a place.
    pub(super) fn precedes(self, at: FenceAt, target: Target<'_>) -> bool {
        match target {
            Target::Before(key) => self.fence(at) < key,
            Target::At(key) => self.fence(at) <= key,
            Target::Last => true,
        }
    }
}
