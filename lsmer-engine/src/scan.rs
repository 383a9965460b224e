//! Walking a range: merge, hide what a snapshot does not see, keep to the bounds.
//!
//! A scan has two ends, like every double-ended iterator: `next` takes from the front, `next_back`
//! from the back, and they meet in the middle. Each end is a merge of its own, made when it is
//! first used.

use std::{ops::Bound, sync::Arc};

use lsmer_core::{
    BlockReader, BlockShelf, Cursor, Error, KeyRange, Kind, OwnedRange, Result, SeqNo, Step, Value,
    before_range, is_empty_range, mutant,
};

use crate::{
    driver::Fill,
    merge::Merge,
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
    shared: Arc<Shared>,
    view: Arc<View>,
    seqno: SeqNo,
    range: OwnedRange,
    empty: bool,
    front: End,
    back: End,
    shelf: BlockShelf,
    failed: Option<Error>,
}

/// One end of a scan.
#[derive(Debug, Default)]
struct End {
    merge: Option<Merge>,
    /// The last key that was shown or passed over here, or that a seek came to.
    key: Vec<u8>,
    stand: Stand,
    /// The value of a backward step: its entry is only known once the merge is past it.
    value: Vec<u8>,
    /// The merge shows an entry that was not looked at yet.
    pending: bool,
    /// A seek went behind the range: nothing is left here.
    exhausted: bool,
}

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
    fn is_at_or_after(&self, key: &[u8]) -> bool {
        match self.stand {
            Stand::Nowhere => false,
            Stand::Before => key < &*self.key,
            Stand::Behind if mutant!("ends-meet-one-key-late") => key < &*self.key,
            Stand::Behind => key <= &*self.key,
        }
    }
}

impl Scan {
    pub(crate) fn new(shared: &Arc<Shared>, pinned: Pinned, range: KeyRange<'_>) -> Self {
        let mut owned = OwnedRange::default();
        owned.set(range);
        Self {
            shared: Arc::clone(shared),
            view: pinned.view,
            seqno: pinned.seqno,
            range: owned,
            empty: is_empty_range(range),
            front: End::default(),
            back: End::default(),
            shelf: BlockShelf::default(),
            failed: None,
        }
    }

    /// Returns the next entry from the front; `None` where the ends meet. May block on I/O.
    ///
    /// # Errors
    ///
    /// `Corruption` or `Io` if a table cannot be read.
    #[expect(clippy::should_implement_trait, reason = "it lends; `owned` is the iterator")]
    pub fn next(&mut self) -> Result<Option<Entry<'_>>> {
        let found = self.checked(Self::step_front)?;
        if !found {
            return Ok(None);
        }
        let merge = self.front.merge.as_ref().expect("it has stepped");
        let value = merge.entry().expect("it was found").value;
        Ok(Some((&self.front.key, value)))
    }

    /// Returns the next entry from the back; `None` where the ends meet. May block on I/O.
    ///
    /// # Errors
    ///
    /// `Corruption` or `Io` if a table cannot be read.
    pub fn next_back(&mut self) -> Result<Option<Entry<'_>>> {
        let found = self.checked(Self::step_back)?;
        Ok(found.then_some((&self.back.key[..], &self.back.value[..])))
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
        let (low, high) = self.range.get();
        let low = if before_range(key, (low, high)) { low } else { Bound::Included(key) };
        self.front.stand = Stand::Before;
        self.front.key.clear();
        self.front.key.extend_from_slice(key);
        self.front.exhausted = is_empty_range((low, high));
        if !self.front.exhausted {
            end_merge(&mut self.front, &self.view).seek((low, high), false);
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
        self.shared.count_blocks(&mut self.shelf);
        let kept = !mutant!("scan-forgets-its-error");
        found.inspect_err(|error| self.failed = kept.then(|| error.clone()))
    }

    /// Goes to the next visible entry from the front.
    fn step_front(&mut self) -> Result<bool> {
        if self.front.exhausted {
            return Ok(false);
        }
        if self.front.merge.is_none() {
            end_merge(&mut self.front, &self.view).seek(self.range.get(), false);
        }
        loop {
            advance(&self.shared, &mut self.front, &mut self.shelf)?;
            let merge = self.front.merge.as_ref().expect("made above");
            let Some(entry) = merge.entry() else { return Ok(false) };
            if entry.seqno > self.seqno && !mutant!("scan-sees-later-writes")
                || (self.front.stand == Stand::Behind && self.front.key == entry.key)
            {
                continue;
            }
            if self.back.stand == Stand::Behind && *entry.key >= *self.back.key {
                return Ok(false);
            }
            self.front.key.clear();
            self.front.key.extend_from_slice(entry.key);
            self.front.stand = Stand::Behind;
            if entry.kind == Kind::Put {
                return Ok(true);
            }
        }
    }

    /// Goes to the next visible entry from the back. The versions of a key come oldest first.
    fn step_back(&mut self) -> Result<bool> {
        if self.back.merge.is_none() {
            end_merge(&mut self.back, &self.view).seek(self.range.get(), true);
        }
        let mut newest = None;
        let mut in_key = false;
        loop {
            if !self.back.pending {
                advance(&self.shared, &mut self.back, &mut self.shelf)?;
                self.back.pending = true;
            }
            let merge = self.back.merge.as_ref().expect("made above");
            let entry = merge.entry();
            if in_key && entry.is_none_or(|entry| self.back.key != entry.key) {
                if newest == Some(Kind::Put) {
                    return Ok(true);
                }
                in_key = false;
                newest = None;
            }
            let Some(entry) = entry else { return Ok(false) };
            if !in_key {
                if self.front.is_at_or_after(entry.key) {
                    return Ok(false);
                }
                self.back.key.clear();
                self.back.key.extend_from_slice(entry.key);
                self.back.stand = Stand::Behind;
                in_key = true;
            }
            let visible = entry.seqno <= self.seqno;
            if visible && !(mutant!("back-misses-the-newest") && entry.seqno == self.seqno) {
                newest = Some(entry.kind);
                self.back.value.clear();
                self.back.value.extend_from_slice(entry.value);
            }
            self.back.pending = false;
        }
    }
}

/// Returns the merge of an end, making it at first use.
fn end_merge<'a>(end: &'a mut End, view: &View) -> &'a mut Merge {
    end.merge.get_or_insert_with(|| {
        let mems = view.mems().map(|mem| Arc::clone(&mem.table).cursor());
        let run = |run: &crate::view::RunHandles| -> Box<dyn Cursor + Send> {
            Box::new(RunCursor::new(Arc::clone(&run.tables)))
        };
        Merge::new(mems.chain(view.version.runs.iter().map(run)))
    })
}

fn advance(shared: &Shared, end: &mut End, shelf: &mut BlockShelf) -> Result<()> {
    let merge = end.merge.as_mut().expect("made before it is stepped");
    loop {
        let cache = &*shared.parts.cache;
        match merge.advance(&mut BlockReader::new(cache, shelf))? {
            Step::Done(()) => break,
            Step::Miss => shared.driver.fetch(shelf, Fill::Cache)?,
        }
    }
    shelf.drop_used();
    Ok(())
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
