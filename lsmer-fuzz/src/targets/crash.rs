//! Operations on a whole database and a crash somewhere: what is left is a prefix of the history
//! over all keyspaces, with everything that was promised, and a second recovery says the same.

use arbitrary::{Arbitrary, Unstructured};
use lsmer::Db;
use lsmer_testkit::{Crash, Cursor, Event, Filler, Flight, SimVfs};

use super::ops::{Map, Shape, State, World, check_state, open, ops};

/// What the bytes say of the crash.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Chosen {
    /// Where, as a part of all events.
    point: u16,
    is_kill: bool,
    /// The atoms that are lost, again and again.
    lost: u64,
    filler: u8,
    flight: Option<u16>,
}

/// A step of the workload.
struct Step {
    /// Number of events before it.
    begin: usize,
    /// Number of events when it was acknowledged.
    end: usize,
    is_safe: bool,
}

/// Runs one input on a file system that does what it says.
pub fn run(bytes: &[u8]) {
    check(|_| false, bytes);
}

/// Runs one input: a byte for the parts, the crash, then operations. Of the syncs, those that
/// `lies` picks return and make nothing durable.
///
/// # Panics
///
/// If the database breaks a promise.
pub fn check(lies: fn(&Event) -> bool, bytes: &[u8]) {
    let mut from = Unstructured::new(bytes);
    let (Ok(bits), Ok(chosen)) = (u8::arbitrary(&mut from), Chosen::arbitrary(&mut from)) else {
        return;
    };
    let shape = Shape { bits, change: |builder| builder };
    let vfs = SimVfs::new().with_fast_ring(bits & (1 << 5) != 0);
    vfs.record();
    let mut world = World::new(vfs.clone(), shape);
    let (mut states, mut steps) = (vec![world.state.clone()], Vec::new());
    for (at, op) in ops(&mut from).iter().enumerate() {
        let begin = vfs.recorded();
        let is_safe = world.apply(at, op);
        steps.push(Step { begin, end: vfs.recorded(), is_safe });
        states.push(world.state.clone());
    }
    drop(world);
    let mut recording = vfs.recording();
    recording.lie(lies);
    let mut cursor = recording.cursor();
    let events = recording.events().len();
    cursor.advance_to(usize::from(chosen.point) * (events + 1) / (1 << 16));
    let crash = chosen.crash(&cursor);
    let counts = |s: &Step| s.end <= cursor.at() && (s.is_safe || crash.power.is_none());
    let safe = steps.iter().rposition(counts).map_or(0, |at| at + 1);
    let begun = steps.iter().take_while(|step| step.begin <= cursor.at()).count();
    let disk = cursor.materialise(&crash).vfs();
    let found = verify(&disk, shape, &states[safe..=begun]).unwrap_or_else(|error| {
        let causes = cursor.explain(&crash).join("\n");
        let at = cursor.at();
        panic!("{error}; expected {safe}..={begun} at {at}, {crash}\n{causes}")
    });
    verify(&disk, shape, &[found]).expect("a second recovery says the same");
}

impl Chosen {
    fn crash(self, cursor: &Cursor<'_>) -> Crash {
        let lost = (0..cursor.atom_count()).filter(|atom| self.lost >> (atom % 64) & 1 == 1);
        let filler = [Filler::Zeros, Filler::Garbage, Filler::Stale][usize::from(self.filler % 3)];
        let crash = if self.is_kill { Crash::KILL } else { Crash::power(lost.collect(), filler) };
        match self.flight {
            Some(bytes) => Crash { flight: Flight::Bytes(bytes.into()), ..crash },
            None => crash,
        }
    }
}

/// Opens a disk and returns what it holds, if that is one of the possible states.
fn verify(disk: &SimVfs, shape: Shape, possible: &[State]) -> Result<State, String> {
    let (db, _exec) = open(disk, shape).map_err(|error| format!("open: {error:?}"))?;
    let found = contents(&db).map_err(|error| format!("read: {error:?}"))?;
    if !possible.contains(&found) {
        return Err(format!("holds {found:?}"));
    }
    check_state(&db, &found);
    db.close().map_err(|error| format!("close: {error:?}"))?;
    Ok(found)
}

fn contents(db: &Db) -> lsmer::Result<State> {
    let mut state = State::new();
    for space in db.keyspaces() {
        let mut map = Map::new();
        let mut scan = space.iter()?;
        while let Some((key, value)) = scan.next()? {
            map.insert(key.to_vec(), value.to_vec());
        }
        state.insert(space.name().to_owned(), map);
    }
    Ok(state)
}
