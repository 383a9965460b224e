//! What to do in a run, and the line that says it again: `LSMER_REPRO`.

use std::{fmt, str::FromStr};

use super::{
    op::Op,
    seeds::{Seeds, Stream},
    subject::Config,
};
use crate::sim::{Crash, Ranges, SimVfs, ranges};

/// Which parts, and which operations in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) seeds: Seeds,
    pub(super) config: Config,
    /// Numbers of operations, ascending.
    pub(super) ids: Vec<usize>,
    /// Whether calls of the file system fail.
    pub(super) faults: bool,
}

impl Plan {
    /// Makes the plan of a root seed: operations 0 to `count`.
    pub(super) fn new(root: u64, count: usize) -> Self {
        let seeds = Seeds(root);
        let number = |place| seeds.number(Stream::Config, place);
        let config = Config { parts: number(0), sizes: number(1) };
        Self { seeds, config, ids: (0..count).collect(), faults: false }
    }

    /// Makes empty files for the run, which record.
    pub(super) fn files(&self) -> SimVfs {
        let vfs = SimVfs::new().with_fast_ring(!self.config.sizes.is_multiple_of(4));
        vfs.record();
        vfs
    }

    /// Returns the operation of a number.
    pub(super) fn op(&self, id: usize) -> Op {
        Op::of(self.seeds, id)
    }
}

/// A crash at a point of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) point: usize,
    pub(super) crash: Crash,
}

/// All it takes to do a run again: as text the value of `LSMER_REPRO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repro {
    pub(super) subject: String,
    pub(super) plan: Plan,
    /// A crash of the run, and one of the recovery from that.
    pub(super) crashes: Vec<Place>,
}

impl fmt::Display for Repro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seeds, config, ids, faults } = &self.plan;
        write!(f, "v1 subject={} root={} parts={}", self.subject, seeds.0, config.parts)?;
        write!(f, " sizes={} ops={}", config.sizes, Ranges(ids))?;
        if *faults {
            f.write_str(" faults=1")?;
        }
        let crash = |Place { point, crash }: &Place| write!(f, " point={point} crash={crash}");
        self.crashes.iter().try_for_each(crash)
    }
}

impl FromStr for Repro {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut repro = Self { subject: String::new(), plan: Plan::new(0, 0), crashes: Vec::new() };
        let mut words = text.split_whitespace();
        if words.next() != Some("v1") {
            return Err(format!("not of version v1: {text}"));
        }
        let mut at = None;
        for word in words {
            let bad = || format!("`{word}` in `{text}`");
            let (name, value) = word.split_once('=').ok_or_else(bad)?;
            let number = || value.parse::<u64>().map_err(|_| bad());
            match (name, at) {
                ("subject", _) => value.clone_into(&mut repro.subject),
                ("root", _) => repro.plan.seeds = Seeds(number()?),
                ("parts", _) => repro.plan.config.parts = number()?,
                ("sizes", _) => repro.plan.config.sizes = number()?,
                ("ops", _) => repro.plan.ids = ranges(value).map_err(|_| bad())?,
                ("faults", _) => repro.plan.faults = number()? > 0,
                ("point", _) => at = Some(value.parse().map_err(|_| bad())?),
                ("crash", Some(point)) => {
                    let crash = value.parse().map_err(|_| bad())?;
                    repro.crashes.push(Place { point, crash });
                }
                _ => return Err(bad()),
            }
        }
        Ok(repro)
    }
}

impl Repro {
    /// Returns what `LSMER_REPRO` asks to do again, if it is for this subject.
    pub(super) fn asked(subject: &str) -> Option<Self> {
        let text = std::env::var("LSMER_REPRO").ok()?;
        let repro: Self = text.parse().unwrap_or_else(|error| panic!("LSMER_REPRO: {error}"));
        (repro.subject == subject).then_some(repro)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repro_line_is_read_as_it_was_written() {
        let place = |point, crash: &str| Place { point, crash: crash.parse().unwrap() };
        let mut plan = Plan::new(17, 40);
        plan.ids.drain(3..9);
        plan.faults = true;
        let crashes = vec![place(412, "power,stale,lost=0+2-5"), place(7, "kill,bytes=9")];
        let repro = Repro { subject: "lsmer".to_owned(), plan, crashes };
        assert_eq!(repro.to_string().parse(), Ok(repro));
    }

    #[test]
    fn a_line_that_makes_no_sense_is_refused() {
        for text in ["", "v2 root=1", "v1 root=x", "v1 crash=kill", "v1 what=1", "v1 root"] {
            assert!(text.parse::<Repro>().is_err(), "{text}");
        }
    }
}
