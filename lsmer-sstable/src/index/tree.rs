//! Finding a separator: a static B-tree over the sorted separators.
//!
//! ```text
//! level 2                        [ 255 511 .. ]
//! level 1            [ 15 31 .. 255 ]   [ 271 .. 511 ]
//! level 0   [ 0 1 .. 15 ] [ 16 .. 31 ] ..
//! ```
//!
//! A node has 16 entries, two cache lines of *heads*. Entry `i` of level 0 is separator `i`; above,
//! it is the last separator below its child `i`. Children are found by arithmetic, not by pointers
//! (as in the implicit trees of Khuong and Morin, "Array Layouts for Comparison-Based Searching",
//! 2017).
//!
//! A head is eight bytes of a separator behind what a node *strips*: the bytes that the separator
//! before the node and the last one of the node share. Whoever comes to the node lies between the
//! two, so the key has these bytes as well, and nobody compares them again. The first node of a
//! level has no separator before it, and strips nothing. So heads differ also where keys have long
//! prefixes in common, as paths do.

use std::cmp::Ordering;

use lsmer_core::head;

/// Entries of a node.
const FANOUT: usize = 16;

/// The heads of a node; those that it has not are the largest number.
#[derive(Clone, Copy, Debug)]
#[repr(align(128))] // so that the processor fetches both lines at once
struct Node([u64; FANOUT]);

impl Node {
    /// Returns how many heads are smaller: first by fours, then among four, without a branch.
    #[inline]
    fn smaller(&self, wanted: u64) -> usize {
        let smaller = |head: u64| usize::from(head < wanted);
        let heads = &self.0;
        let fours = smaller(heads[3]) + smaller(heads[7]) + smaller(heads[11]);
        let [a, b, c, d] = self.0.as_chunks().0[fours];
        fours * 4 + smaller(a) + smaller(b) + smaller(c) + smaller(d)
    }
}

/// A search tree over separators that stand elsewhere.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// How many bytes each node strips.
    strips: Vec<u16>,
    /// From the root down.
    levels: Vec<Level>,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    /// Its first node.
    start: usize,
    entries: usize,
    /// How many separators an entry stands for.
    span: usize,
}

impl Tree {
    /// Builds the tree over `count` separators, each no longer than a key.
    pub(super) fn new<'a>(count: usize, separator: impl Fn(usize) -> &'a [u8]) -> Self {
        let mut tree = Self::default();
        let (mut entries, mut span) = (count, 1);
        loop {
            let level = Level { start: tree.nodes.len(), entries, span };
            tree.levels.push(level);
            for first in (0..entries).step_by(FANOUT) {
                let last = entries.min(first + FANOUT) - 1;
                let shared = match first.checked_sub(1) {
                    Some(before) => {
                        let before = separator(level.last_of(before, count));
                        common(before, separator(level.last_of(last, count)))
                    }
                    None => 0,
                };
                let mut node = Node([u64::MAX; FANOUT]);
                for (place, entry) in node.0.iter_mut().zip(first..=last) {
                    *place = head(behind(separator(level.last_of(entry, count)), shared));
                }
                tree.nodes.push(node);
                tree.strips.push(u16::try_from(shared).expect("shorter than a key"));
            }
            if entries <= FANOUT {
                break;
            }
            entries = entries.div_ceil(FANOUT);
            span *= FANOUT;
        }
        tree.levels.reverse();
        tree
    }

    /// Returns the number of separators that compare to `key` as `Less`, or as `upto`.
    ///
    /// `separator` is the function that the tree was built with.
    pub(super) fn partition<'a>(
        &self,
        key: &[u8],
        upto: Ordering,
        count: usize,
        separator: impl Fn(usize) -> &'a [u8],
    ) -> usize {
        let mut at = 0;
        for level in &self.levels {
            let strip = usize::from(self.strips[level.start + at]);
            let rest = behind(key, strip);
            let wanted = head(rest);
            let node = &self.nodes[level.start + at];
            let (first, entries) = (at * FANOUT, level.entries.min((at + 1) * FANOUT));
            at = first + node.smaller(wanted);
            // Where heads agree, the separators decide.
            while at < entries && node.0[at - first] == wanted {
                let order = behind(separator(level.last_of(at, count)), strip).cmp(rest);
                if order != Ordering::Less && order != upto {
                    break;
                }
                at += 1;
            }
            if at == level.entries {
                // Only the root may have none: below it, the last entry is known to be behind.
                return count;
            }
        }
        at
    }

    /// Returns the memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + self.strips.capacity() * size_of::<u16>()
            + self.levels.capacity() * size_of::<Level>()
    }
}

impl Level {
    /// The last separator that an entry stands for.
    fn last_of(self, entry: usize, count: usize) -> usize {
        count.min((entry + 1) * self.span) - 1
    }
}

fn behind(bytes: &[u8], strip: usize) -> &[u8] {
    bytes.get(strip..).unwrap_or_default()
}

fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn agrees_with_counting(separators: &[Vec<u8>], key: &[u8]) {
        let tree = Tree::new(separators.len(), |at| &separators[at]);
        for upto in [Ordering::Less, Ordering::Equal] {
            let before = |other: &&Vec<u8>| {
                let order = other.as_slice().cmp(key);
                order == Ordering::Less || order == upto
            };
            let want = separators.iter().filter(before).count();
            let found = tree.partition(key, upto, separators.len(), |at| &separators[at]);
            assert_eq!(found, want, "{key:?} {upto:?} among {}", separators.len());
        }
    }

    #[test]
    fn every_size_around_the_ends_of_nodes_and_levels_is_searched_right() {
        for count in [1, 2, 15, 16, 17, 31, 32, 33, 255, 256, 257, 272, 273, 4095, 4096, 4097, 4200]
        {
            // Even numbers behind a long prefix: keys before, on, between and after them.
            let name = |number: usize| format!("/a/long/directory/{number:05}/x").into_bytes();
            let separators: Vec<_> = (1..=count).map(|at| name(at * 2)).collect();
            let tree = Tree::new(count, |at| &separators[at]);
            for number in 0..count * 2 + 3 {
                let found =
                    tree.partition(&name(number), Ordering::Less, count, |at| &separators[at]);
                assert_eq!(
                    found,
                    number.saturating_sub(1).min(count * 2) / 2,
                    "{number} of {count}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn a_search_agrees_with_counting(
            mut separators in vec(vec(prop_oneof![Just(0_u8), Just(7), Just(255)], 0..14), 1..600),
            other in vec(prop_oneof![Just(0_u8), Just(7), Just(255), any::<u8>()], 0..14),
            picks in vec(any::<prop::sample::Index>(), 8),
        ) {
            // Equal ones stay: versions of a key may go on over many blocks.
            separators.sort();
            agrees_with_counting(&separators, &other);
            for pick in picks {
                let key = pick.get(&separators).clone();
                agrees_with_counting(&separators, &key);
                agrees_with_counting(&separators, &[&key[..], &[0]].concat());
            }
        }
    }
}
