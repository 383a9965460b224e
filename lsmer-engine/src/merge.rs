//! Merging sources into one stream of entries in internal order.
//!
//! The sources are kept in the order of the entries at which they stand, compared by their
//! *heads*, eight bytes of each key behind what all keys of the walk had in common so far, and by
//! the whole keys on a tie. What is shown is a *stretch*: the rows of the first source's window
//! that come before the second source's entry, found by one search. In a leveled tree that is ten
//! rows on average, so sources are compared once for ten entries, and whoever merges handles ten
//! at a time. Then the first source moves to its new place by a walk from the front: mostly one
//! step; and among many sources of one size a few comparisons more than a loser tree makes, but
//! one branch that is hard to predict instead of one for each.

use std::{cmp::Ordering, ops::Range};

use lsmer_core::{BlockReader, Cursor, KeyRange, OwnedRange, Result, Step, Window, head, mutant};

use crate::source::{Progress, Source};

/// Walks several cursors as one: after [`seek`](Self::seek), each [`advance`](Self::advance) goes
/// to the next [`stretch`](Self::stretch).
#[derive(Debug)]
pub(crate) struct Merge {
    sources: Vec<Source>,
    range: OwnedRange,
    backward: bool,
    /// The sources that are not at their end, the one that comes first first.
    order: Vec<Place>,
    /// What all keys that were compared begin with.
    shared: Vec<u8>,
    /// The rows of the first source's window that are shown.
    shown: Range<u32>,
    state: State,
}

/// A source, and the head of its key: as it is, or inverted in a walk backward.
#[derive(Clone, Copy, Debug)]
struct Place {
    head: u64,
    source: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Never placed, or failed: shows nothing until the next seek.
    Idle,
    /// Sources are being placed.
    Seeking,
    /// The first source has to load its next window.
    Refilling,
    Ready,
}

impl Merge {
    pub(crate) fn new(cursors: impl IntoIterator<Item = Box<dyn Cursor + Send>>) -> Self {
        let sources: Vec<Source> = cursors.into_iter().map(Source::new).collect();
        Self {
            order: Vec::with_capacity(sources.len()),
            shared: Vec::new(),
            sources,
            range: OwnedRange::default(),
            backward: false,
            shown: 0..0,
            state: State::Idle,
        }
    }

    /// Says which walk to begin; the next [`advance`](Self::advance) goes to its first stretch.
    pub(crate) fn seek(&mut self, range: KeyRange<'_>, backward: bool) {
        self.range.set(range);
        self.backward = backward;
        self.state = State::Seeking;
        for source in &mut self.sources {
            source.progress = Progress::Unplaced;
        }
    }

    /// Ends the walk: lets go of blocks, and of all that cursors hold for a walk. Returns whether
    /// every cursor did.
    pub(crate) fn rest(&mut self, blocks: &mut BlockReader<'_>) -> bool {
        self.state = State::Idle;
        self.order.clear();
        self.sources.iter_mut().all(|source| source.rest(blocks))
    }

    /// Returns the window and the positions of it that come next, before anything else; none
    /// before the first `advance` and at the end. A backward walk shows the last position first.
    pub(crate) fn stretch(&self) -> (&Window, Range<u32>) {
        match self.state {
            State::Ready => (self.window(), self.shown.clone()),
            _ => (&Window::End, 0..0),
        }
    }

    /// Returns the window of the current stretch.
    pub(crate) fn window(&self) -> &Window {
        self.order.first().map_or(&Window::End, |first| &self.sources[first.source].window)
    }

    /// Goes to the next stretch. After a miss, call again; nothing is shown meanwhile.
    pub(crate) fn advance(&mut self, blocks: &mut BlockReader<'_>) -> Result<Step<()>> {
        let done = match self.state {
            State::Idle => Ok(Step::Done(())),
            State::Seeking => self.place(blocks),
            State::Refilling | State::Ready => self.step(blocks),
        };
        match done {
            Ok(Step::Done(())) => self.show(),
            Ok(Step::Miss) => {}
            Err(_) => self.state = State::Idle,
        }
        done
    }

    fn place(&mut self, blocks: &mut BlockReader<'_>) -> Result<Step<()>> {
        // All sources are asked before a miss is returned, so that one fetch serves them all; and
        // all are sent before the first is looked at, so that their waits for memory overlap.
        let mut missed = false;
        for source in &mut self.sources {
            missed |= source.seek(self.range.get(), self.backward, blocks)? == Step::Miss;
        }
        for source in &mut self.sources {
            missed |= source.place(self.backward, blocks)? == Step::Miss;
        }
        if missed {
            return Ok(Step::Miss);
        }
        self.sort();
        self.state = State::Ready;
        Ok(Step::Done(()))
    }

    fn step(&mut self, blocks: &mut BlockReader<'_>) -> Result<Step<()>> {
        let Some(first) = self.order.first() else { return Ok(Step::Done(())) };
        let source = &mut self.sources[first.source];
        let refill = self.state == State::Refilling || !source.pass(&self.shown, self.backward);
        if refill {
            self.state = State::Refilling;
            let Step::Done(()) = source.load_window(self.backward, blocks)? else {
                return Ok(Step::Miss);
            };
            self.state = State::Ready;
            if !source.has_entry() {
                self.order.remove(0);
                return Ok(Step::Done(()));
            }
        }
        self.sort_in(refill);
        Ok(Step::Done(()))
    }

    /// Finds out how far the first source may go.
    fn show(&mut self) {
        let at = |place: &Place| &self.sources[place.source];
        let Some(first) = self.order.first().map(at) else {
            self.shown = 0..0;
            return;
        };
        let second = if mutant!("runner-up-is-stale") { 2 } else { 1 };
        self.shown = first.before(self.order.get(second).map(at), self.backward);
    }

    /// Puts all sources in order.
    fn sort(&mut self) {
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        let at_entries = self.sources.iter().enumerate().filter(|(_, source)| source.has_entry());
        order.extend(at_entries.map(|(source, _)| Place { head: 0, source }));
        self.shared.clear();
        if let Some(first) = order.first() {
            self.shared.extend_from_slice(&self.sources[first.source].key);
        }
        for place in &order {
            self.shorten_shared(place.source);
        }
        for place in &mut order {
            place.head = self.head(place.source);
        }
        order.sort_unstable_by(|a, b| self.compare(a, b));
        self.order = order;
    }

    /// Moves the first source, which stands at another entry, perhaps in a `new` window, to its
    /// place.
    fn sort_in(&mut self, new: bool) {
        let source = self.order[0].source;
        let unsure = new || self.sources[source].prefix < self.shared.len();
        if unsure && self.shorten_shared(source) {
            for at in 0..self.order.len() {
                self.order[at].head = self.head(self.order[at].source);
            }
        }
        let moved = Place { head: self.head(source), source };
        let others = &self.order[1..];
        let comes_before = |other: &&Place| self.compare(other, &moved) == Ordering::Less;
        let passed = others.iter().take_while(comes_before).count();
        self.order.copy_within(1..=passed, 0);
        self.order[passed] = moved;
    }

    /// Shortens what all keys have in common by the key of a source; `true` if that changes it.
    fn shorten_shared(&mut self, source: usize) -> bool {
        let key = &self.sources[source].key;
        if key.starts_with(&self.shared) {
            return false;
        }
        let same = self.shared.iter().zip(key).take_while(|(a, b)| a == b).count();
        self.shared.truncate(same);
        true
    }

    fn head(&self, source: usize) -> u64 {
        let head = head(&self.sources[source].key[self.shared.len()..]);
        if self.backward { !head } else { head }
    }

    /// Compares two sources in the order of the walk.
    fn compare(&self, a: &Place, b: &Place) -> Ordering {
        if a.head != b.head {
            return a.head.cmp(&b.head);
        }
        let (left, right) = (&self.sources[a.source], &self.sources[b.source]);
        let full = !mutant!("merge-compares-heads-only");
        let order = if full { left.key.cmp(&right.key) } else { Ordering::Equal };
        let newer = || right.seqno.cmp(&left.seqno);
        let order = if mutant!("merge-mixes-versions") { order } else { order.then_with(newer) };
        if self.backward { order.reverse() } else { order }
    }
}
