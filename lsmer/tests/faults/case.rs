//! What is run: how much of the workload, on what kind of disk, and what goes wrong. One line of
//! text, which `LSMER_FAULT` takes.

use std::{env, fmt};

use lsmer_testkit::fault::FaultPlan;

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    /// Whether the disk has fast crash rings.
    pub(crate) ring: bool,
    pub(crate) setup: Setup,
    /// How many steps of the workload.
    pub(crate) steps: usize,
    /// Bytes that are free at the beginning; `None`: enough.
    pub(crate) room: Option<u64>,
    pub(crate) plan: FaultPlan,
}

/// How a database is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    /// Decides the order of background work.
    pub(crate) seed: u64,
    /// Whether the second part that ships for each seam is taken, not the default.
    pub(crate) second: bool,
}

impl From<u64> for Setup {
    fn from(seed: u64) -> Self {
        Self { seed, second: false }
    }
}

impl Case {
    /// Returns the case that `LSMER_FAULT` asks for.
    pub(crate) fn asked() -> Option<Self> {
        let text = env::var("LSMER_FAULT").ok()?;
        Some(Self::parse(&text).unwrap_or_else(|| panic!("no case: {text}")))
    }

    fn parse(text: &str) -> Option<Self> {
        let (words, plan) = text.split_once('|')?;
        let mut words = words.split_whitespace().map(|word| word.split_once('='));
        let mut number = |name: &str| {
            let (found, value) = words.next()??;
            (found == name).then_some(value)
        };
        Some(Self {
            ring: number("ring")? == "1",
            setup: Setup { second: number("parts")? == "2", seed: number("seed")?.parse().ok()? },
            steps: number("steps")?.parse().ok()?,
            room: match number("room")? {
                "any" => None,
                bytes => Some(bytes.parse().ok()?),
            },
            plan: plan.parse().ok()?,
        })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ring, setup: Setup { seed, second }, steps, room, plan } = self;
        let (ring, parts) = (u8::from(*ring), 1 + u8::from(*second));
        let room = room.map_or("any".to_owned(), |room| room.to_string());
        write!(f, "ring={ring} parts={parts} seed={seed} steps={steps} room={room} | {plan}")
    }
}

#[test]
fn a_case_is_read_back_from_what_was_printed() {
    for room in [None, Some(77)] {
        let plan = "error=eio on sync from 3 always; short=1 from 0 times 1".parse().unwrap();
        let setup = Setup { seed: 5, second: room.is_some() };
        let case = Case { ring: room.is_none(), setup, steps: 12, room, plan };
        assert_eq!(Case::parse(&case.to_string()), Some(case));
    }
    assert_eq!(Case::parse("ring=1 parts=1 seed=x steps=1 room=any | "), None);
}
