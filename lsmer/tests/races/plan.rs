//! What the clients of one run do, and what the database holds after each of their writes.

use std::{cell::Cell, collections::BTreeMap};

/// The number of keyspaces.
pub(crate) const SPACES: usize = 2;

/// A key that all clients write, in the first keyspace.
pub(crate) const SHARED: &str = "shared";

/// Keys that begin with the number of the client that writes them, and [`SHARED`].
pub(crate) type State = BTreeMap<(usize, String), String>;

/// How large a run is, and what it is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) clients: usize,
    pub(crate) ops: u64,
    pub(crate) kind: Kind,
}

/// What a run is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Everything.
    Mixed,
    /// The first client reads, the others write and flush what has been read before: few steps, so
    /// that a race of a read with a flush is met often.
    Duel,
    /// Long values and many syncs, so that the log rolls while it is synced.
    Rolling,
}

/// Random numbers (splitmix64), also where no checker runs.
pub(crate) struct Dice(pub(crate) Cell<u64>);

impl Dice {
    pub(crate) fn below(&self, bound: u64) -> usize {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut z = self.0.get();
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % bound).unwrap()
    }
}

/// What a client does.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// The client's next write, as a batch or, if it is one put, alone.
    Write {
        edits: Vec<(usize, String, Option<String>)>,
        sync: bool,
    },
    /// Reads one key.
    Get {
        space: usize,
        key: String,
    },
    /// Reads everything, at a snapshot.
    Snapshot,
    /// Reads the first keyspace.
    Scan,
    Sync,
    Flush,
    Compact,
}

/// What all clients do.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) clients: Vec<Vec<Op>>,
    /// What a client's keys hold after so many of its writes.
    pub(crate) states: Vec<Vec<State>>,
    /// How many operations of each client are over before the others begin.
    pub(crate) before: usize,
    /// Whether every schedule is crashed, or one in eight.
    pub(crate) with_crashes: bool,
}

/// Returns the key that counts a client's writes.
pub(crate) fn counter(client: usize) -> String {
    format!("{client}-count")
}

/// Returns a value of [`SHARED`] that says who wrote it.
pub(crate) fn value(client: usize, write: usize) -> String {
    format!("{client} {write}")
}

impl Plan {
    pub(crate) fn new(seed: u64, size: Size) -> Self {
        let dice = Dice(Cell::new(seed));
        let below = |bound: u64| dice.below(bound);
        let with_crashes = size.kind != Kind::Duel;
        let before = usize::from(size.kind == Kind::Duel);
        let mut plan = Self { seed, clients: Vec::new(), states: Vec::new(), before, with_crashes };
        for client in 0..size.clients {
            let (mut ops, mut states) = (Vec::new(), vec![State::new()]);
            for number in 0..size.ops {
                let die = match size.kind {
                    Kind::Mixed => below(16),
                    Kind::Rolling => below(8),
                    Kind::Duel if client == 0 => [9, 11, 12, 13][below(4)],
                    Kind::Duel => {
                        [0, 0, 15, [0, 14, 15][below(3)]][usize::try_from(number).unwrap() % 4]
                    }
                };
                let op = match die {
                    0..=7 => write(client, states.len(), size.kind, &below),
                    8 | 9 => Op::Get { space: below(2), key: key(below(3), below(2)) },
                    10 => Op::Get { space: 0, key: SHARED.to_owned() },
                    11 | 12 => Op::Snapshot,
                    13 => Op::Scan,
                    14 if below(2) == 0 => Op::Sync,
                    14 => Op::Compact,
                    _ => Op::Flush,
                };
                if let Op::Write { edits, .. } = &op {
                    let mut state = states.last().unwrap().clone();
                    for (space, key, value) in edits.iter().filter(|(_, key, _)| key != SHARED) {
                        let place = (*space, key.clone());
                        match value {
                            Some(value) => drop(state.insert(place, value.clone())),
                            None => drop(state.remove(&place)),
                        }
                    }
                    states.push(state);
                }
                ops.push(op);
            }
            plan.clients.push(ops);
            plan.states.push(states);
        }
        plan
    }
}

fn key(client: usize, number: usize) -> String {
    format!("{client}-{number}")
}

/// Makes a client's write of this number: it always counts, so that a state tells its writes.
fn write(client: usize, number: usize, kind: Kind, below: &dyn Fn(u64) -> usize) -> Op {
    let mut edits = vec![(0, counter(client), Some(number.to_string()))];
    let rolling = usize::from(kind == Kind::Rolling);
    for _ in 0..below(3) + rolling {
        let text = (below(3) > 0).then(|| {
            let filler = if below(3) == 0 || rolling == 1 { 1500 } else { 0 };
            format!("{number}{}", "x".repeat(filler))
        });
        edits.push((below(2), key(client, below(2)), text));
    }
    if below(3) == 0 {
        edits.push((0, SHARED.to_owned(), Some(value(client, number))));
    }
    Op::Write { edits, sync: below(3 - u64::from(kind == Kind::Rolling)) == 0 }
}
