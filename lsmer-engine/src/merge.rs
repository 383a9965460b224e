//! Merging sources into one stream of entries in internal order.
//!
//! A loser tree (Knuth, TAOCP 3, 5.4.1) over the sources' current entries, compared by the first
//! eight bytes of their keys and by the whole keys on a tie. It stays with the winner while that
//! source's next entry is before the best of the others, which in a leveled tree is nine times
//! out of ten.

use std::cmp::Ordering;

use lsmer_core::{BlockReader, Cursor, EntryRef, KeyRange, OwnedRange, Result, Step, mutant};

use crate::source::{Progress, Source};

/// Walks several cursors as one: after [`seek`](Self::seek), each [`advance`](Self::advance) goes
/// to the next [`entry`](Self::entry).
#[derive(Debug)]
pub(crate) struct Merge {
    sources: Vec<Source>,
    range: OwnedRange,
    backward: bool,
    /// `losers[0]` is the winner; `losers[i]` the loser of the match at inner node `i`.
    losers: Vec<usize>,
    /// The best source but the winner; `None` if there is only one.
    runner_up: Option<usize>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Never placed, or failed: shows nothing until the next seek.
    Idle,
    /// Sources are being placed.
    Seeking,
    /// The winner has to load its next window.
    Refilling,
    Ready,
}

impl Merge {
    pub(crate) fn new(cursors: impl IntoIterator<Item = Box<dyn Cursor + Send>>) -> Self {
        let sources: Vec<Source> = cursors.into_iter().map(Source::new).collect();
        Self {
            losers: vec![0; sources.len()],
            sources,
            range: OwnedRange::default(),
            backward: false,
            runner_up: None,
            state: State::Idle,
        }
    }

    /// Says which walk to begin; the next [`advance`](Self::advance) goes to its first entry.
    pub(crate) fn seek(&mut self, range: KeyRange<'_>, backward: bool) {
        self.range.set(range);
        self.backward = backward;
        self.state = State::Seeking;
        for source in &mut self.sources {
            source.progress = Progress::Unplaced;
        }
    }

    /// Returns the current entry; `None` before the first `advance` and at the end.
    pub(crate) fn entry(&self) -> Option<EntryRef<'_>> {
        if self.state != State::Ready {
            return None;
        }
        let winner = self.losers.first().map(|winner| &self.sources[*winner]);
        winner.filter(|source| source.has_entry).map(Source::entry)
    }

    /// Goes to the next entry. After a miss, call again; `entry` shows nothing meanwhile.
    pub(crate) fn advance(&mut self, blocks: &mut BlockReader<'_>) -> Result<Step<()>> {
        let done = match self.state {
            State::Idle => Ok(Step::Done(())),
            State::Seeking => self.place(blocks),
            State::Refilling | State::Ready => self.step(blocks),
        };
        if done.is_err() {
            self.state = State::Idle;
        }
        done
    }

    fn place(&mut self, blocks: &mut BlockReader<'_>) -> Result<Step<()>> {
        // All sources are asked before a miss is returned, so that one fetch serves them all.
        let mut missed = false;
        for source in &mut self.sources {
            missed |= source.place(self.range.get(), self.backward, blocks)? == Step::Miss;
        }
        if missed {
            return Ok(Step::Miss);
        }
        self.play_all();
        self.state = State::Ready;
        Ok(Step::Done(()))
    }

    fn step(&mut self, blocks: &mut BlockReader<'_>) -> Result<Step<()>> {
        let Some(&winner) = self.losers.first() else { return Ok(Step::Done(())) };
        let source = &mut self.sources[winner];
        if !source.has_entry {
            return Ok(Step::Done(()));
        }
        if self.state == State::Refilling || !source.step(self.backward) {
            self.state = State::Refilling;
            let Step::Done(()) = source.load_window(self.backward, blocks)? else {
                return Ok(Step::Miss);
            };
            self.state = State::Ready;
        }
        if self.runner_up.is_some_and(|other| self.beats(other, winner)) {
            self.replay(winner);
        }
        Ok(Step::Done(()))
    }

    /// Returns whether source `a` shows its entry before source `b`.
    fn beats(&self, a: usize, b: usize) -> bool {
        let (left, right) = (&self.sources[a], &self.sources[b]);
        match (left.has_entry, right.has_entry) {
            (false, _) => false,
            (true, false) => true,
            (true, true) => {
                let order = left.head.cmp(&right.head);
                let full = !mutant!("merge-compares-heads-only");
                let order = if full { order.then_with(|| left.key.cmp(&right.key)) } else { order };
                let any = mutant!("merge-mixes-versions");
                let newer = || if any { Ordering::Equal } else { right.seqno.cmp(&left.seqno) };
                let order = order.then_with(newer);
                order == if self.backward { Ordering::Greater } else { Ordering::Less }
            }
        }
    }

    /// Plays all matches. Leaf `i` sits at node `n + i`; node `i` is above nodes `2i`, `2i + 1`.
    fn play_all(&mut self) {
        let n = self.sources.len();
        if n == 0 {
            return;
        }
        let mut winners = vec![0; 2 * n];
        for (leaf, winner) in winners[n..].iter_mut().enumerate() {
            *winner = leaf;
        }
        for node in (1..n).rev() {
            let (a, b) = (winners[2 * node], winners[2 * node + 1]);
            let (won, lost) = if self.beats(b, a) { (b, a) } else { (a, b) };
            winners[node] = won;
            self.losers[node] = lost;
        }
        self.losers[0] = winners[1];
        self.find_runner_up();
    }

    /// Plays the matches between a leaf, whose entry changed, and the root.
    fn replay(&mut self, leaf: usize) {
        let mut winner = leaf;
        let mut node = self.sources.len().midpoint(leaf);
        while node > 0 {
            if self.beats(self.losers[node], winner) {
                std::mem::swap(&mut self.losers[node], &mut winner);
            }
            node /= 2;
        }
        self.losers[0] = winner;
        if !mutant!("runner-up-is-stale") {
            self.find_runner_up();
        }
    }

    /// The second best lost to the winner itself, so it is on the winner's path.
    fn find_runner_up(&mut self) {
        let mut best: Option<usize> = None;
        let mut node = self.sources.len().midpoint(self.losers[0]);
        while node > 0 {
            let loser = self.losers[node];
            if best.is_none_or(|best| self.beats(loser, best)) {
                best = Some(loser);
            }
            node /= 2;
        }
        self.runner_up = best;
    }
}
