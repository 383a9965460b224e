//! Walking a range: merge, hide what a snapshot does not see, keep to the bounds.
//!
//! A scan has two ends, like every double-ended iterator: `next` takes from the front, `next_back`
//! from the back, and they meet in the middle. Each end is a merge of its own, made when it is
//! first used.

use std::{
    cmp::Ordering,
    mem,
    ops::{Bound, Range},
    sync::Arc,
};

use lsmer_core::{
    BlockReader, Cursor, Error, KeyRange, Kind, Result, SeqNo, Value, Window, before_range,
    is_empty_range, mutant,
};

use crate::{
    driver::Fill,
    idle::{Gear, Lent},
    merge::Merge,
    row::{Row, RowKey},
    run_cursor::RunCursor,
    shared::Shared,
    view::{Pinned, View},
};

/// A key and its value, lent until the next step.
pub type Entry<'a> = (&'a [u8], &'a [u8]);

/// Walks the keys of a range in order, from both ends. Lends each entry until the next step:
/// nothing is allocated per entry.
///
/// It shows the range as of the moment it was made, and holds the memtables and tables it needs
/// for that until it is dropped. After an error it stays failed.
#[derive(Debug)]
pub struct Scan {
    gear: Lent,
    seqno: SeqNo,
    empty: bool,
    /// How many blocks were not in the cache.
    missed: u64,
    fill: Fill,
    failed: Option<Error>,
}

/// How many blocks a scan offers to a cache that is well filled. What a longer one reads would
/// mostly be dropped before it is read again, and others' blocks with it.
const CACHED_BLOCKS: u64 = 256;

/// Largest buffer of a value that is kept for the next scan.
const KEPT_BYTES: usize = 16 << 10;

/// One end of a scan.
#[derive(Debug, Default)]
pub(crate) struct End {
    merge: Option<Merge>,
    /// The merge was told where to begin.
    begun: bool,
    /// Positions of the merge's stretch that were not looked at yet.
    left: Range<u32>,
    /// Whether they need a closer look.
    look: Look,
    /// The last key that was shown or passed over here, or that a seek came to.
    key: Vec<u8>,
    /// How many bytes at the front of `key` are the prefix of the stretch's block; 0: unknown.
    prefix: usize,
    stand: Stand,
    /// Where in the merge's window the value of the entry is that is shown; `None`: in `value`.
    at: Option<u32>,
    /// The value of a backward step whose entry was only known once the merge was past it.
    value: Vec<u8>,
    /// A seek went behind the range: nothing is left here.
    exhausted: bool,
}

/// What is known of the rows of a stretch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Look {
    /// Nothing: each is looked at.
    #[default]
    Each,
    /// They are puts that the scan sees, of different keys.
    First,
    /// Likewise, and the end's key begins with the prefix of their block.
    Plain,
}

/// Rows of a stretch from which on it pays to find out about all of them at once.
const LONG: usize = 5;

const STEPPED: &str = "it has stepped";

/// Where an end stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stand {
    /// Outside of everything: nothing was asked of it.
    #[default]
    Nowhere,
    /// Before its key: a seek came there.
    Before,
    /// Behind its key, as this end walks.
    Behind,
}

impl End {
    /// Whether the back has nothing to show at `key` any more, as the front was there.
    fn is_at_or_after(&self, key: RowKey<'_>) -> bool {
        match self.stand {
            Stand::Nowhere => false,
            Stand::Before => key.compare(&self.key) == Ordering::Less,
            Stand::Behind if mutant!("ends-meet-one-key-late") => {
                key.compare(&self.key) == Ordering::Less
            }
            Stand::Behind => key.compare(&self.key) != Ordering::Greater,
        }
    }
}

impl Scan {
    pub(crate) fn new(shared: &Arc<Shared>, pinned: Pinned, range: KeyRange<'_>) -> Self {
        let mut gear = Lent::take(shared, pinned.view);
        gear.range.set(range);
        Self {
            gear,
            seqno: pinned.seqno,
            empty: is_empty_range(range),
            missed: 0,
            fill: Fill::Cache,
            failed: None,
        }
    }

    /// Returns the next entry from the front; `None` where the ends meet. May block on I/O.
    ///
    /// # Errors
    ///
    /// `Corruption` or `Io` if a table cannot be read.
    #[expect(clippy::should_implement_trait, reason = "it lends; `owned` is the iterator")]
    #[inline]
    pub fn next(&mut self) -> Result<Option<Entry<'_>>> {
        let Gear { front, back, .. } = &mut *self.gear;
        if back.stand == Stand::Nowhere
            && let Some(at) = front.next_plain()
        {
            return Ok(Some(self.gear.front.show(at)));
        }
        let found = self.checked(Self::step_front)?;
        Ok(found.then(|| self.gear.front.entry()))
    }

    /// Returns the next entry from the back; `None` where the ends meet. May block on I/O.
    ///
    /// # Errors
    ///
    /// `Corruption` or `Io` if a table cannot be read.
    #[inline]
    pub fn next_back(&mut self) -> Result<Option<Entry<'_>>> {
        let Gear { front, back, .. } = &mut *self.gear;
        if front.stand == Stand::Nowhere
            && let Some(at) = back.next_plain_back()
        {
            return Ok(Some(self.gear.back.show(at)));
        }
        let found = self.checked(Self::step_back)?;
        Ok(found.then(|| self.gear.back.entry()))
    }

    /// Moves the front, forward or backward, to the first key at or after `key` that is in the
    /// range; the back stays where it is, and does not go past it. Blocks on nothing.
    ///
    /// # Errors
    ///
    /// The scan's error, if it has failed.
    pub fn seek(&mut self, key: impl AsRef<[u8]>) -> Result<()> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let key = key.as_ref();
        let (view, Gear { range, front, .. }) = self.gear.split();
        let (low, high) = range.get();
        let low = if before_range(key, (low, high)) { low } else { Bound::Included(key) };
        front.stand = Stand::Before;
        front.key.clear();
        front.key.extend_from_slice(key);
        front.exhausted = is_empty_range((low, high));
        front.look = Look::Each;
        if !front.exhausted {
            front.begin(view, (low, high), false);
        }
        Ok(())
    }

    /// Makes this an iterator that hands out copies.
    pub fn owned(self) -> OwnedScan {
        OwnedScan { scan: self, done: false }
    }

    fn checked(&mut self, step: impl FnOnce(&mut Self) -> Result<bool>) -> Result<bool> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if self.empty {
            return Ok(false);
        }
        let found = step(self);
        if let Err(error) = &found {
            let kept = !mutant!("scan-forgets-its-error");
            self.failed = kept.then(|| error.clone());
            // Plain rows are shown without asking whether the scan has failed.
            let Gear { front, back, .. } = &mut *self.gear;
            (front.look, back.look) = (Look::Each, Look::Each);
        }
        found
    }

    /// Goes to the next visible entry from the front.
    fn step_front(&mut self) -> Result<bool> {
        let seqno = self.seqno;
        let (view, Gear { range, front: end, .. }) = self.gear.split();
        if end.exhausted {
            return Ok(false);
        }
        if !end.begun {
            end.begin(view, range.get(), false);
        }
        loop {
            let Gear { front: end, back, .. } = &mut *self.gear;
            for at in end.left.by_ref() {
                let row = row(end.merge.as_ref(), at);
                let key = row.key();
                if row.is_after(seqno) && !mutant!("scan-sees-later-writes")
                    || end.stand == Stand::Behind && key.is(&end.key, end.prefix)
                {
                    continue;
                }
                if back.stand == Stand::Behind && key.compare(&back.key) != Ordering::Less {
                    end.exhausted = true;
                    return Ok(false);
                }
                end.prefix = key.copy_to(&mut end.key, end.prefix);
                end.look = end.look.after_first();
                end.stand = Stand::Behind;
                end.at = Some(at);
                if row.kind() == Kind::Put {
                    return Ok(true);
                }
            }
            if !self.advance(false)? {
                return Ok(false);
            }
        }
    }

    /// Takes an end to the next stretch of its merge; `false` if there is none.
    fn advance(&mut self, backward: bool) -> Result<bool> {
        let (shared, Gear { front, back, shelf, .. }) = self.gear.split_shared();
        let end = if backward { back } else { front };
        let merge = end.merge.as_mut().expect("made before it is stepped");
        end.left = 0..0;
        end.look = Look::Each;
        end.prefix = 0;
        let done = shared.driver.drive(shelf, self.fill, |blocks| merge.advance(blocks));
        let missed = shared.count_blocks(shelf);
        self.missed += missed;
        if missed > 0 && self.missed > CACHED_BLOCKS {
            let room = shared.options.memory_budget / 4;
            let full = shared.parts.cache.bytes() >= room;
            self.fill = if full { Fill::Nothing } else { Fill::Cache };
        }
        done?;
        shelf.drop_used();
        let (window, left) = merge.stretch();
        end.look = Look::at(window, &left, self.seqno);
        end.left = left;
        Ok(!end.left.is_empty())
    }

    /// Goes to the next visible entry from the back. The versions of a key come oldest first.
    fn step_back(&mut self) -> Result<bool> {
        let (view, Gear { range, back, .. }) = self.gear.split();
        if !back.begun {
            back.begin(view, range.get(), true);
        }
        let mut newest = None;
        let mut in_key = false;
        loop {
            if self.gear.back.left.is_empty() && !self.advance(true)? {
                return Ok(newest == Some(Kind::Put));
            }
            let Gear { front, back: end, .. } = &mut *self.gear;
            let at = end.left.end - 1;
            let row = row(end.merge.as_ref(), at);
            let key = row.key();
            if in_key && !key.is(&end.key, end.prefix) {
                if newest == Some(Kind::Put) {
                    return Ok(true);
                }
                in_key = false;
                newest = None;
            }
            if !in_key {
                if front.is_at_or_after(key) {
                    return Ok(false);
                }
                end.prefix = key.copy_to(&mut end.key, end.prefix);
                end.look = end.look.after_first();
                end.stand = Stand::Behind;
                in_key = true;
            }
            end.left.end = at;
            let missed = || mutant!("back-misses-the-newest") && row.seqno() == self.seqno;
            if !row.is_after(self.seqno) && !missed() {
                newest = Some(row.kind());
                // Versions of a key that other sources have would end the stretch.
                let newer = || Row { at: at - 1, ..row }.key().is(&end.key, end.prefix);
                end.at = (!end.left.is_empty() && !newer()).then_some(at);
                if end.at.is_none() {
                    end.value.clear();
                    end.value.extend_from_slice(row.value());
                }
            }
        }
    }
}

impl End {
    /// Begins a walk.
    fn begin(&mut self, view: &View, range: KeyRange<'_>, backward: bool) {
        let merge = self.merge.get_or_insert_with(|| {
            let mems = view.mems().map(|mem| Arc::clone(&mem.table).cursor());
            let run = |run: &crate::run_tables::RunTables| -> Box<dyn Cursor + Send> {
                Box::new(RunCursor::new(Arc::clone(&run.tables)))
            };
            Merge::new(mems.chain(view.version.runs.iter().map(run)))
        });
        merge.seek(range, backward);
        self.begun = true;
        self.left = 0..0;
        self.look = Look::Each;
        self.prefix = 0;
    }

    /// Ends the walk: all is as in a new one, but for the merge and the buffers, which stay.
    /// Returns whether the merge can be used again.
    pub(crate) fn rest(&mut self, blocks: &mut BlockReader<'_>) -> bool {
        let rested = !self.begun || self.merge.as_mut().is_none_or(|merge| merge.rest(blocks));
        let Self { merge, mut key, mut value, .. } = mem::take(self);
        key.clear();
        value.clear();
        value.shrink_to(KEPT_BYTES);
        *self = Self { merge, key, value, ..Self::default() };
        rested
    }

    /// Goes to the next row, if it needs no look.
    #[inline]
    fn next_plain(&mut self) -> Option<u32> {
        if self.look == Look::Plain { self.left.next() } else { None }
    }

    /// Likewise backward. Of the last row there may be a newer version in the next stretch.
    #[inline]
    fn next_plain_back(&mut self) -> Option<u32> {
        if self.look == Look::Plain && self.left.len() > 1 { self.left.next_back() } else { None }
    }

    /// Returns the entry of a row that needs no look.
    #[inline]
    fn show(&mut self, at: u32) -> Entry<'_> {
        let merge = self.merge.as_ref().expect(STEPPED);
        let Window::Rows { block, .. } = merge.window() else {
            unreachable!("only rows of blocks are plain");
        };
        self.at = Some(at);
        let (suffix, value) = block.suffix_and_value(at);
        self.key.truncate(self.prefix);
        self.key.extend_from_slice(suffix);
        (&self.key, value)
    }

    /// Returns the entry that was found.
    fn entry(&self) -> Entry<'_> {
        let value = match self.at {
            Some(at) => row(self.merge.as_ref(), at).value(),
            None => &self.value,
        };
        (&self.key, value)
    }
}

fn row(merge: Option<&Merge>, at: u32) -> Row<'_> {
    Row { window: merge.expect(STEPPED).window(), at }
}

impl Look {
    /// Finds out about a stretch.
    fn at(window: &Window, rows: &Range<u32>, seqno: SeqNo) -> Self {
        match window {
            Window::Rows { block, .. }
                if rows.len() >= LONG
                    && block.max_seqno() <= seqno
                    && block.is_all_puts()
                    && block.heads_differ(rows.clone()) =>
            {
                Self::First
            }
            _ => Self::Each,
        }
    }

    fn after_first(self) -> Self {
        if self == Self::First { Self::Plain } else { self }
    }
}

/// A [`Scan`] as an iterator of copies, from both ends. Ends after an error.
#[derive(Debug)]
pub struct OwnedScan {
    scan: Scan,
    done: bool,
}

impl OwnedScan {
    fn take(
        &mut self,
        step: impl FnOnce(&mut Scan) -> Result<Option<Entry<'_>>>,
    ) -> Option<Result<(Value, Value)>> {
        if self.done {
            return None;
        }
        let entry = step(&mut self.scan).transpose()?;
        self.done = entry.is_err();
        Some(entry.map(|(key, value)| (Value::from(key), Value::from(value))))
    }
}

impl Iterator for OwnedScan {
    type Item = Result<(Value, Value)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take(Scan::next)
    }
}

impl DoubleEndedIterator for OwnedScan {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.take(Scan::next_back)
    }
}
