//! What the toy holds in memory: all of it.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use lsmer_testkit::engine::{Edit, Result, Space, Walk};

use crate::flaw::Flaw;

/// One keyspace.
pub(crate) type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// All keyspaces.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    pub(crate) spaces: BTreeMap<Space, Map>,
}

/// What the log holds now, and where it ends.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) memory: Rc<Memory>,
    pub(crate) end: u64,
}

/// One change, as it stands in the log.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Edit(Edit),
    Create(Space),
    Drop(Space),
}

/// The entries of a range, as they were.
pub(crate) struct Span {
    flaw: Flaw,
    space: Space,
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    /// The entries from here on were not shown at the front.
    front: usize,
    /// The entries from here on were shown at the back.
    back: usize,
    /// Where to look values up, with a flaw.
    pub(crate) live: Option<Rc<RefCell<Current>>>,
}

impl Memory {
    /// Makes an empty database with one keyspace.
    pub(crate) fn new() -> Self {
        Self { spaces: BTreeMap::from([(Space(0), Map::new())]) }
    }

    pub(crate) fn map(&self, space: Space) -> Result<&Map> {
        self.spaces.get(&space).ok_or_else(|| "there is no such keyspace".into())
    }

    /// Makes a change; one of a keyspace that is not there changes nothing.
    pub(crate) fn apply(&mut self, flaw: Flaw, change: Change) {
        match change {
            Change::Create(space) => drop(self.spaces.entry(space).or_default()),
            Change::Drop(space) => drop(self.spaces.remove(&space)),
            Change::Edit(Edit { space, key, value }) => {
                let Some(map) = self.spaces.get_mut(&space) else { return };
                match value {
                    Some(value) => drop(map.insert(key, value)),
                    None if flaw == Flaw::ReplayForgetsDeletes => {}
                    None => drop(map.remove(&key)),
                }
            }
        }
    }
}

impl Change {
    pub(crate) fn make_empty_a_delete(&mut self) {
        if let Self::Edit(edit) = self {
            edit.value = edit.value.take().filter(|value| !value.is_empty());
        }
    }
}

impl Span {
    pub(crate) fn new(
        flaw: Flaw,
        memory: &Memory,
        space: Space,
        (low, high): (&[u8], Option<&[u8]>),
    ) -> Self {
        let map = memory.spaces.get(&space).into_iter().flatten();
        let is_in = |key: &[u8]| key >= low && high.is_none_or(|high| key < high);
        let entries = map.filter(|(key, _)| is_in(key));
        let entries: Vec<_> = entries.map(|(key, value)| (key.clone(), value.clone())).collect();
        let back = entries.len();
        Self { flaw, space, entries, front: 0, back, live: None }
    }

    fn show(&mut self, at: usize) -> Option<(&[u8], &[u8])> {
        let (key, value) = &mut self.entries[at];
        if let Some(live) = &self.live {
            let now = Rc::clone(&live.borrow().memory);
            value.clone_from(now.spaces.get(&self.space)?.get(key)?);
        }
        Some((key, value))
    }
}

impl Walk for Span {
    fn next(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        if self.front >= self.back {
            return Ok(None);
        }
        self.front += 1;
        Ok(self.show(self.front - 1))
    }

    fn next_back(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        let meets = if self.flaw == Flaw::EndsCross { 0 } else { self.front };
        if self.back <= meets {
            return Ok(None);
        }
        self.back -= 1;
        Ok(self.show(self.back))
    }

    fn seek(&mut self, key: &[u8]) -> Result<bool> {
        let behind = |at: &[u8]| match self.flaw {
            Flaw::SeekPassesItsKey => at <= key,
            _ => at < key,
        };
        self.front = self.entries[..self.back].partition_point(|(at, _)| behind(at));
        Ok(true)
    }
}
