//! Walks that stay alive while the database changes, and must not notice.

use std::sync::Arc;

use super::{
    reads::{Map, check_step, entries},
    subject::{Reader, Space, Walk},
};

/// A walk, and what it is to show.
pub(super) struct Live {
    walk: Box<dyn Walk>,
    entries: Vec<(Vec<u8>, Arc<[u8]>)>,
    /// The entries from here on were not shown at the front.
    front: usize,
    /// The entries from here on were shown at the back.
    back: usize,
    /// Where it began, for a failure.
    name: String,
}

impl Live {
    /// Starts a walk over `[low, high)`.
    pub(super) fn new(
        reader: &dyn Reader,
        space: Space,
        map: &Map,
        (low, high): (&[u8], Option<&[u8]>),
    ) -> Result<Self, String> {
        let end = high.map_or("..".to_owned(), |high| high.escape_ascii().to_string());
        let name = format!("walk {}:{} to {end}", space.0, low.escape_ascii());
        let walk = reader.walk(space, low, high).map_err(|error| format!("{name}: {error:?}"))?;
        let entries = entries(map, low, high);
        let back = entries.len();
        Ok(Self { walk, entries, front: 0, back, name })
    }

    /// Seeks, if it is to, and goes on: `true` from the back.
    pub(super) fn go(&mut self, seek: Option<&[u8]>, turns: &[bool]) -> Result<(), String> {
        if let Some(key) = seek {
            let sought = self.walk.seek(key);
            if sought.map_err(|error| format!("{}: seek: {error:?}", self.name))? {
                self.front = self.entries[..self.back].partition_point(|(at, _)| &at[..] < key);
            }
        }
        turns.iter().try_for_each(|from_back| self.turn(*from_back))
    }

    /// Goes to where its ends meet.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        while self.front < self.back {
            self.turn(false)?;
        }
        self.turn(false)?;
        self.turn(true)
    }

    fn turn(&mut self, from_back: bool) -> Result<(), String> {
        let at = if from_back { self.back.wrapping_sub(1) } else { self.front };
        let is_there = self.front < self.back;
        let want = is_there.then(|| (&self.entries[at].0[..], &self.entries[at].1[..]));
        let checked = check_step(&mut *self.walk, from_back, want);
        checked.map_err(|error| format!("{}: {error}", self.name))?;
        self.back -= usize::from(is_there && from_back);
        self.front += usize::from(is_there && !from_back);
        Ok(())
    }
}
