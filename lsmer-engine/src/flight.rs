//! Single flight: of equal fetches one is made, and whoever asks second waits for it.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use lsmer_core::{Block, BlockId, BlockRequest, Event, Exec, Result, mutant, twin};
use lsmer_sync::Mutex;

/// The fetches under way.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    live: Mutex<BTreeMap<BlockId, Arc<Flight>>>,
}

/// A fetch under way.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    landed: Event,
    result: Mutex<Option<Result<Block>>>,
}

/// The flights that a caller makes, and those of others that it waits for.
type Boarded = (Vec<(BlockRequest, Arc<Flight>)>, Vec<(BlockId, Arc<Flight>)>);

impl Flights {
    /// Starts a flight for each block that nobody fetches. The caller lands every one of its own.
    pub(crate) fn board(&self, wanted: Vec<BlockRequest>) -> Boarded {
        let (mut own, mut others) = (Vec::new(), Vec::new());
        let mut live = self.live.lock();
        for request in wanted {
            if twin!("flight-looked-up-in-two-steps") && !live.contains_key(&request.id) {
                drop(live);
                live = self.live.lock();
                live.remove(&request.id);
            }
            match live.entry(request.id) {
                Entry::Occupied(flight) => others.push((request.id, Arc::clone(flight.get()))),
                Entry::Vacant(place) => {
                    own.push((request, Arc::clone(place.insert(Arc::default()))));
                }
            }
        }
        (own, others)
    }

    /// Hands a result to whoever waits for it.
    pub(crate) fn land(&self, id: BlockId, flight: &Flight, result: Result<Block>) {
        if !mutant!("fetch-never-ends") {
            self.live.lock().remove(&id);
        }
        if twin!("flight-told-before-it-landed") {
            flight.landed.notify();
            *flight.result.lock() = Some(result);
            return;
        }
        *flight.result.lock() = Some(result);
        flight.landed.notify();
    }
}

#[cfg(test)]
impl Flights {
    pub(crate) fn is_empty(&self) -> bool {
        self.live.lock().is_empty()
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
