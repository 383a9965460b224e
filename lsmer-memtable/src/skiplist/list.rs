//! Search and insert: how nodes are linked while others read, over any kind of node.
//!
//! Level 0 links all nodes in order; each higher level skips most of the one below. A node is
//! linked from level 0 upward, so that whoever meets it on some level finds it on all lower ones.
//! Nothing is ever unlinked. Therefore a node that stood before a place still does, and after a
//! lost race the search goes on from there.
//!
//! # Memory order
//!
//! A writer fills a node, then links it with [`LINK`] (release); a reader follows a link with
//! [`FOLLOW`] (acquire). So whoever reaches a node sees it filled; and as the writer itself had
//! followed links to the node that comes after, the reader sees that one filled as well.

use lsmer_core::twin;
use lsmer_sync::atomic::Ordering;

/// How links are loaded.
pub(super) const FOLLOW: Ordering = Ordering::Acquire;
/// How a node is made reachable.
pub(super) const LINK: Ordering = Ordering::Release;

/// A node, as the list sees it. Copies are the same node.
pub(super) trait Node: Copy {
    /// Levels of the list, and height of its root.
    const LEVELS: usize;

    /// Returns the next node of a level, loaded with [`FOLLOW`].
    fn next(self, level: usize) -> Option<Self>;

    /// Sets the link of a node that is not linked on this level yet.
    fn set_next(self, level: usize, next: Option<Self>);

    /// Sets the link of a node that is on no level, with [`LINK`].
    fn point_at(self, level: usize, to: Self);

    /// Links `to` behind this node with [`LINK`], if the link was `from` until now.
    fn replace_next(self, level: usize, from: Option<Self>, to: Self) -> bool;

    /// Returns whether both are the same node.
    fn is(self, other: Self) -> bool;

    /// Asks for the next node of a level to be brought near.
    fn prefetch_next(self, level: usize);
}

/// A place in a level: between two nodes that were neighbours when somebody looked.
type Gap<N> = (N, Option<N>);

/// Returns the last node of which `precedes` is true, or the root, and the one that follows.
///
/// Requires, of this and the other functions: `precedes` is true of the nodes up to some place
/// and of none behind it.
pub(super) fn find<N: Node>(root: N, precedes: impl Fn(N) -> bool) -> Gap<N> {
    let mut found = (root, None);
    descend(root, 0, precedes, |_, gap| found = gap);
    found
}

/// Returns a node before the place where `precedes` ends, or the root: the last one that is
/// higher than `level`, so that on average 4^`level` nodes are between it and the place.
pub(super) fn find_before<N: Node>(root: N, level: usize, precedes: impl Fn(N) -> bool) -> N {
    let mut found = root;
    descend(root, level, precedes, |_, gap| found = gap.0);
    found
}

/// Links a filled node in, on the levels below `height`, at the place where `precedes` ends.
///
/// `ends` is a node on no level, whose links point at nodes that were the last of their level a
/// moment ago: whoever adds in ascending order needs no search.
pub(super) fn insert<N: Node>(
    root: N,
    ends: N,
    node: N,
    height: usize,
    precedes: impl Fn(N) -> bool,
) {
    let mut gaps = [(root, None); MAX_LEVELS];
    if !(0..height).all(|level| find_end(ends, level, &mut gaps[level], &precedes)) {
        descend(root, 0, &precedes, |level, gap| gaps[level] = gap);
    }
    for (level, gap) in gaps.iter().enumerate().take(height) {
        let (mut before, mut after) = *gap;
        loop {
            node.set_next(level, after);
            let linked = before.replace_next(level, after, node);
            if linked || twin!("skiplist-lost-race-ignored") {
                break;
            }
            (before, after) = advance(before, None, level, &precedes);
        }
        if after.is_none() {
            ends.point_at(level, node);
        }
    }
}

/// Sets `gap` to the end of a level, if that is known and is the place.
fn find_end<N: Node>(
    ends: N,
    level: usize,
    gap: &mut Gap<N>,
    precedes: impl Fn(N) -> bool,
) -> bool {
    match ends.next(level) {
        Some(last)
            if (precedes(last) || twin!("skiplist-end-not-compared"))
                && last.next(level).is_none() =>
        {
            *gap = (last, None);
            true
        }
        _ => false,
    }
}

const MAX_LEVELS: usize = 12;

/// Finds the place on all levels down to `lowest`, from the highest.
#[inline]
fn descend<N: Node>(
    root: N,
    lowest: usize,
    precedes: impl Fn(N) -> bool,
    mut visit: impl FnMut(usize, Gap<N>),
) {
    let mut gap = (root, None);
    for level in (lowest..N::LEVELS).rev() {
        gap = advance(gap.0, gap.1, level, &precedes);
        visit(level, gap);
    }
}

/// Walks a level from `before` to the place. `beyond` is a node known to be behind it: the
/// one met on the level above, which is often the next one here too.
#[inline]
fn advance<N: Node>(
    mut before: N,
    beyond: Option<N>,
    level: usize,
    precedes: impl Fn(N) -> bool,
) -> Gap<N> {
    loop {
        // Where the search goes on if the next node of this level is behind the place.
        if level > 0 {
            before.prefetch_next(level - 1);
        }
        match before.next(level) {
            Some(node) if !beyond.is_some_and(|beyond| beyond.is(node)) && precedes(node) => {
                before = node;
            }
            after => return (before, after),
        }
    }
}
