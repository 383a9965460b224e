//! Walking a skiplist, a window at a time, in both directions.
//!
//! Forward is following the links. Backward there are none: a window searches for a node that
//! stands some 64 entries before the place where the last window began, walks from there to that
//! place, and shows the last entries it has met.

#![expect(unsafe_code, reason = "goes back to nodes that it has met before")]

use std::{mem, ops::Bound, sync::Arc};

use lsmer_core::{
    BlockReader, Cursor, EntryBatch, KeyRange, OwnedRange, Result, Step, Window, after_range,
    before_range, mutant,
};

use super::{
    SkipArena,
    list::{self, Node as _},
    node::{Node, Place},
    target::Target,
};
use crate::arena::Arena;

/// Entries of a backward window, at most.
const RING: usize = EntryBatch::MAX_ENTRIES as usize;
/// Where a backward window begins to walk: 4^3 = 64 entries ahead, on average.
const BACK_LEVEL: usize = 3;

/// A cursor over a [`SkipArena`].
#[derive(Debug)]
pub(super) struct ArenaCursor {
    table: Arc<SkipArena>,
    range: OwnedRange,
    backward: bool,
    at: At,
    /// The buffers of a window that became [`Window::End`], for the next one that needs some.
    spare: Window,
}

/// Where a cursor stands.
///
/// Invariant **C1**: the place comes from a node of the table's arena.
#[derive(Clone, Copy, Debug)]
enum At {
    /// At the edge of the range.
    Edge,
    /// Behind this entry, in the direction it walks.
    Behind(Place),
    End,
}

impl ArenaCursor {
    /// Makes a cursor that has not been placed.
    pub(super) fn new(table: Arc<SkipArena>) -> Self {
        let (range, spare) = (OwnedRange::default(), Window::End);
        Self { table, range, backward: false, at: At::End, spare }
    }

    /// Fills a batch with what follows, and returns where that ends.
    fn fill(&self, batch: &mut EntryBatch) -> At {
        let Some(table) = self.table.table() else { return At::End };
        let at = match self.at {
            At::End => return At::End,
            At::Edge => None,
            // SAFETY: a node of this arena (C1).
            At::Behind(place) => Some(unsafe { table.arena.node(place) }),
        };
        let range = self.range.get();
        if self.backward {
            fill_backward(&table.arena, at, range, batch)
        } else {
            fill_forward(&table.arena, at, range, batch)
        }
    }
}

fn fill_forward(
    arena: &Arena,
    at: Option<Node<'_>>,
    range: KeyRange<'_>,
    batch: &mut EntryBatch,
) -> At {
    let mut last = at.unwrap_or_else(|| match range.0 {
        Bound::Unbounded => arena.root(),
        Bound::Included(low) => before(arena, &Target::before(low)),
        Bound::Excluded(low) => before(arena, &Target::behind(low)),
    });
    while !batch.is_full() {
        match last.next(0) {
            Some(node) if !after_range(node.key(), range) => {
                batch.push(node.entry());
                last = node;
            }
            _ => return At::End,
        }
    }
    At::Behind(last.place())
}

fn before<'a>(arena: &'a Arena, target: &Target<'_>) -> Node<'a> {
    list::find(arena.root(), |node| node.precedes(target)).0
}

fn fill_backward(
    arena: &Arena,
    at: Option<Node<'_>>,
    range: KeyRange<'_>,
    batch: &mut EntryBatch,
) -> At {
    let target = match (at, range.1) {
        (Some(node), _) => Some(node.target()),
        (None, Bound::Included(high)) => Some(Target::behind(high)),
        (None, Bound::Excluded(high)) if mutant!("memtable-includes-the-end") => {
            Some(Target::behind(high))
        }
        (None, Bound::Excluded(high)) => Some(Target::before(high)),
        (None, Bound::Unbounded) => None,
    };
    let precedes = |node: Node<'_>| target.is_none_or(|target| node.precedes(&target));
    // The last nodes before the target, around and around.
    let mut ring = [arena.root(); RING];
    let mut met = 0;
    let mut here = Some(list::find_before(arena.root(), BACK_LEVEL, precedes));
    while let Some(node) = here.filter(|&node| node.is_root() || precedes(node)) {
        if !node.is_root() {
            ring[met % RING] = node;
            met += 1;
        }
        here = node.next(0);
    }
    let mut at = At::End;
    for back in 1..=met.min(RING) {
        let node = ring[(met - back) % RING];
        if before_range(node.key(), range) {
            at = At::End;
            break;
        }
        if batch.is_full() {
            break;
        }
        batch.push(node.entry());
        at = At::Behind(node.place());
    }
    batch.reverse();
    at
}

impl Cursor for ArenaCursor {
    fn seek(
        &mut self,
        range: KeyRange<'_>,
        backward: bool,
        _blocks: &mut BlockReader<'_>,
    ) -> Result<Step<()>> {
        self.range.set(range);
        (self.backward, self.at) = (backward, At::Edge);
        Ok(Step::Done(()))
    }

    fn next_window(&mut self, out: &mut Window, _blocks: &mut BlockReader<'_>) -> Result<Step<()>> {
        if !matches!(out, Window::Batch(_)) {
            *out = mem::take(&mut self.spare);
        }
        let batch = out.batch();
        self.at = self.fill(batch);
        if batch.is_empty() {
            self.spare = mem::take(out);
        }
        Ok(Step::Done(()))
    }
}
