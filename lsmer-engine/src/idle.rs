//! What scans that have ended leave behind for the next ones of the same view: their cursors, and
//! the buffers of these. So a short scan allocates nothing.
//!
//! What is kept here pins neither blocks nor open tables, and goes with its view.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use lsmer_core::{BlockReader, BlockShelf, OwnedRange};
use lsmer_sync::Mutex;

use crate::{scan::End, shared::Shared, view::View};

/// Most sets that are kept: as many scans may be under way at once and find one.
const MOST: usize = 8;
const GIVEN_BACK: &str = "given back when it is dropped";

/// The sets that wait for a scan.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "a scan takes one and gives it back: they are large to move")]
pub(crate) struct Idle(Mutex<Vec<Box<Gear>>>);

impl Clone for Idle {
    /// Cursors belong to the memtables and runs of one view: a copy has none.
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What a scan works with.
#[derive(Debug, Default)]
pub(crate) struct Gear {
    pub(crate) range: OwnedRange,
    pub(crate) front: End,
    pub(crate) back: End,
    pub(crate) shelf: BlockShelf,
}

/// The gear of a scan, which goes back to its view when the scan ends.
#[derive(Debug)]
pub(crate) struct Lent {
    pub(crate) shared: Arc<Shared>,
    pub(crate) view: Arc<View>,
    gear: Option<Box<Gear>>,
}

impl Lent {
    /// Takes the gear that another scan has left, or new one.
    pub(crate) fn take(shared: &Arc<Shared>, view: Arc<View>) -> Self {
        let gear = view.idle.0.lock().pop().unwrap_or_default();
        Self { shared: Arc::clone(shared), view, gear: Some(gear) }
    }

    /// Returns the view, and the gear to work with.
    pub(crate) fn split(&mut self) -> (&View, &mut Gear) {
        (&self.view, self.gear.as_mut().expect(GIVEN_BACK))
    }

    /// Likewise, with what all scans share.
    pub(crate) fn split_shared(&mut self) -> (&Shared, &mut Gear) {
        (&self.shared, self.gear.as_mut().expect(GIVEN_BACK))
    }
}

impl Deref for Lent {
    type Target = Gear;

    fn deref(&self) -> &Gear {
        self.gear.as_ref().expect(GIVEN_BACK)
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Gear {
        self.gear.as_mut().expect(GIVEN_BACK)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(mut gear) = self.gear.take() else { return };
        gear.shelf.clear();
        let mut blocks = BlockReader::new(&*self.shared.parts.cache, &mut gear.shelf);
        let rests = gear.front.rest(&mut blocks) && gear.back.rest(&mut blocks);
        if !rests {
            return;
        }
        let mut idle = self.view.idle.0.lock();
        if idle.len() < MOST {
            idle.push(gear);
        }
    }
}
