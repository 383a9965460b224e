//! Single flight: of equal fetches one is made, and whoever asks second waits for it.
//!
//! Nearly always nobody asks second. So a fetch under way is a line in one of a few short lists,
//! and only who asks second makes of it what can be waited for.

use std::sync::Arc;

use lsmer_core::{Block, BlockId, Event, Exec, Result, mutant, twin};
use lsmer_sync::Mutex;

/// How many lists there are, so that threads seldom want the same one: a power of two.
const LISTS: usize = 16;

/// The fetches under way.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    lists: [List; LISTS],
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct List(Mutex<Vec<Fetch>>);

#[derive(Debug)]
struct Fetch {
    id: BlockId,
    /// What others wait for, if there are others.
    joined: Option<Arc<Flight>>,
}

/// A fetch that somebody waits for.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    landed: Event,
    result: Mutex<Option<Result<Block>>>,
}

impl Flights {
    /// Starts a flight for a block that nobody fetches: the caller lands it, whatever happens.
    /// Returns the flight to wait for if somebody does.
    pub(crate) fn board(&self, id: &BlockId) -> Option<Arc<Flight>> {
        let list = self.list(id);
        let mut live = list.0.lock();
        if twin!("flight-looked-up-in-two-steps") && live.iter().all(|fetch| fetch.id != *id) {
            drop(live);
            live = list.0.lock();
            live.retain(|fetch| fetch.id != *id);
        }
        if let Some(fetch) = live.iter_mut().find(|fetch| fetch.id == *id) {
            return Some(Arc::clone(fetch.joined.get_or_insert_default()));
        }
        live.push(Fetch { id: *id, joined: None });
        None
    }

    /// Ends the flight of a block, and hands its result to whoever waits for it.
    pub(crate) fn land(&self, id: &BlockId, result: &Result<Block>) {
        let mut live = self.list(id).0.lock();
        let at = live.iter().position(|fetch| fetch.id == *id).expect("it was boarded");
        let joined = if mutant!("fetch-never-ends") {
            Some(Arc::clone(live[at].joined.get_or_insert_default()))
        } else {
            live.swap_remove(at).joined
        };
        drop(live);
        let Some(flight) = joined else { return };
        if twin!("flight-told-before-it-landed") {
            flight.landed.notify();
            *flight.result.lock() = Some(result.clone());
            return;
        }
        *flight.result.lock() = Some(result.clone());
        flight.landed.notify();
    }

    fn list(&self, id: &BlockId) -> &List {
        let mixed = (id.offset ^ id.table.number << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &self.lists[usize::try_from(mixed >> 60).expect("four bits") % LISTS]
    }
}

#[cfg(test)]
impl Flights {
    pub(crate) fn is_empty(&self) -> bool {
        self.lists.iter().all(|list| list.0.lock().is_empty())
    }
}

impl Flight {
    /// Waits for the result.
    pub(crate) fn join(&self, exec: &dyn Exec) -> Result<Block> {
        loop {
            let seen = self.landed.count();
            if let Some(result) = &*self.result.lock() {
                return result.clone();
            }
            exec.wait(&self.landed, seen, None);
        }
    }
}
