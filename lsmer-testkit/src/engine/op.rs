//! Operations of a workload. Each is made from a seed and its own number alone, so that leaving
//! one out does not change another.

use std::fmt;

use super::{
    seeds::{Seeds, Stream},
    subject::{Edit, Safety, Space, Task},
};
use crate::seed::Seeded;

/// Keys of which most are taken: prefixes of each other, and bytes at the ends of the order.
const HOT: [&[u8]; 24] = [
    b"",
    b"\0",
    b"\0\0",
    b"\0\xff",
    b"\x01",
    b"a",
    b"a\0",
    b"a\0\0",
    b"a\xff",
    b"aa",
    b"aab",
    b"ab",
    b"abcdefg",
    b"abcdefgh",
    b"abcdefgh\0",
    b"abcdefghi",
    b"b",
    b"ba",
    b"c",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xff\0",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff",
];

/// Number of keyspaces.
pub(super) const SPACES: u8 = 3;

/// One operation.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// Writes a batch, then lets background work take some steps.
    Write { edits: Vec<Edit>, safety: Safety, steps: usize },
    /// Reads keys.
    Get(Space, Vec<Vec<u8>>),
    /// Walks a range, and keeps the walk for later.
    Walk { space: Space, low: Vec<u8>, high: Option<Vec<u8>> },
    /// Goes on with a walk, from the front or the back, perhaps behind a seek, and may drop it.
    Go { walk: usize, turns: Vec<bool>, seek: Option<Vec<u8>>, ends: bool },
    /// Takes a snapshot.
    Snapshot,
    /// Reads all of a snapshot, and may drop it.
    Recall { snapshot: usize, ends: bool },
    /// A task; the folder of a checkpoint is named after the operation.
    Task(Task),
    /// Lets background work take so many steps.
    Background(usize),
    /// Closes and opens, with other sizes.
    Reopen { sizes: u64 },
}

impl Op {
    /// Makes the operation of a number.
    pub(super) fn of(seeds: Seeds, id: usize) -> Self {
        let mut dice = seeds.dice(Stream::Ops, id);
        if id == 0 {
            return Self::Task(Task::Create(Space(1)));
        }
        match dice.below(100) {
            0..=54 => Self::write(&mut dice, id),
            55..=61 => Self::Get(space(&mut dice), (0..4).map(|_| key(&mut dice)).collect()),
            62..=67 => {
                let low = if dice.below(3) == 0 { Vec::new() } else { key(&mut dice) };
                let high = (dice.below(3) > 0).then(|| key(&mut dice));
                Self::Walk { space: space(&mut dice), low, high }
            }
            68..=74 => {
                let turns = (0..dice.below(12)).map(|_| dice.below(2) == 0).collect();
                let seek = (dice.below(3) == 0).then(|| key(&mut dice));
                Self::Go { walk: dice.below(8), turns, seek, ends: dice.below(4) == 0 }
            }
            75..=77 => Self::Snapshot,
            78..=80 => Self::Recall { snapshot: dice.below(8), ends: dice.below(2) == 0 },
            81..=84 => Self::Task(Task::Flush),
            85..=86 => Self::Task(Task::Compact(Vec::new(), vec![0xff; 12])),
            87 => Self::Task(Task::Compact(key(&mut dice), key(&mut dice))),
            88..=91 => Self::Background(1 + dice.below(60)),
            92 | 93 => Self::Task(Task::Sync),
            94 | 95 => Self::Task(Task::Create(Space(1 + u8::from(dice.below(2) == 0)))),
            96 => Self::Task(Task::Drop(Space(1 + u8::from(dice.below(2) == 0)))),
            97 => Self::Task(Task::Checkpoint(format!("copy-{id}").into())),
            _ => Self::Reopen { sizes: dice.next() },
        }
    }

    fn write(dice: &mut Seeded, id: usize) -> Self {
        let count = match dice.below(48) {
            // More than engines collect before they look at the size of a table.
            0 => 70 + dice.below(100),
            1..=15 => 1 + dice.below(7),
            _ => 1,
        };
        let safety = if dice.below(4) == 0 { Safety::Sync } else { Safety::Process };
        let edits = (0..count).map(|at| {
            if count > 7 {
                let (space, key) = (space(dice), dice.bytes(12));
                return Edit { space, key, value: Some(format!("{id}.{at} bulk").into_bytes()) };
            }
            let value = (dice.below(5) > 0).then(|| value(dice, (id, at)));
            Edit { space: space(dice), key: key(dice), value }
        });
        Self::Write { edits: edits.collect(), safety, steps: dice.below(8) }
    }
}

fn space(dice: &mut Seeded) -> Space {
    Space([0, 0, 1, 1, 2][dice.below(5)])
}

fn key(dice: &mut Seeded) -> Vec<u8> {
    match dice.below(100) {
        0..=69 => HOT[dice.below(HOT.len())].to_vec(),
        70..=98 => dice.bytes(12),
        _ => vec![dice.next().to_le_bytes()[0]; 1 + dice.below(1500)],
    }
}

/// Makes a value that no other operation writes; or now and then an empty one.
fn value(dice: &mut Seeded, (id, at): (usize, usize)) -> Vec<u8> {
    let bytes = match dice.below(16) {
        0 => 6000,
        1..=3 => 700,
        4 => return Vec::new(),
        _ => 12,
    };
    let mut value = format!("{id}.{at} ").into_bytes();
    value.resize(bytes.max(value.len()), u8::try_from(id % 251).expect("under a byte"));
    value
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Write { edits, safety, steps } = self else {
            return write!(f, "{self:?}");
        };
        write!(f, "Write {safety:?}, then {steps} steps:")?;
        for Edit { space, key, value } in edits {
            let what = value.as_ref().map_or("-".to_owned(), |value| value.len().to_string());
            write!(f, " {}:{}={what}", space.0, key.escape_ascii())?;
        }
        Ok(())
    }
}
