//! Kinds of crash, how they are written down, and the disk that is left.

use std::{fmt, str::FromStr};

use super::{SimVfs, disk::Disk};

/// What a power loss leaves where a file is as long as it was, but its bytes are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filler {
    /// Zeros.
    Zeros,
    /// Bytes of 0xa5.
    Garbage,
    /// Bytes of the last file of the same class that was removed, or of any; else garbage.
    Stale,
}

/// A crash at the point where a [`Cursor`](super::Cursor) stands: all earlier events were
/// complete, and the next one, if it is a write, may have got a part of the way.
///
/// As text: `kill` or `power`; for a power loss the filler and numbers of the atoms that are lost;
/// for the write in flight `bytes=N`, `pieces=SEED` or `sectors=..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// What was lost of the changes that were complete but not synced; `None`: nothing, for only
    /// the process died.
    pub power: Option<PowerLoss>,
    /// How much there is of the write in flight.
    pub flight: Flight,
}

/// What a power loss took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerLoss {
    /// The atoms that are not there, ascending.
    pub lost: Vec<usize>,
    /// What is where bytes are missing.
    pub filler: Filler,
}

/// How much there is of the write in flight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flight {
    /// Nothing.
    Nothing,
    /// The first so many bytes.
    Bytes(u64),
    /// About half of its bytes, in runs of at most 16; the seed says which.
    Pieces(u64),
    /// The sectors of 512 bytes of these numbers; the first one holds the write's first byte.
    Sectors(Vec<usize>),
}

/// The text does not describe a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseCrashError;

/// A disk after a crash.
#[derive(Clone, Debug)]
pub struct CrashState {
    pub(super) disk: Disk,
    pub(super) hash: u64,
}

impl Crash {
    /// The death of the process between two calls.
    pub const KILL: Self = Self { power: None, flight: Flight::Nothing };

    /// A power loss between two calls.
    pub fn power(lost: Vec<usize>, filler: Filler) -> Self {
        Self { power: Some(PowerLoss { lost, filler }), flight: Flight::Nothing }
    }
}

impl CrashState {
    /// Returns a file system of its own with this disk; it does not record yet.
    pub fn vfs(&self) -> SimVfs {
        SimVfs::of(self.disk.clone())
    }

    /// Returns a number that tells names and contents of disks apart.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.power {
            None => f.write_str("kill")?,
            Some(PowerLoss { lost, filler }) => {
                let filler = match filler {
                    Filler::Zeros => "zeros",
                    Filler::Garbage => "garbage",
                    Filler::Stale => "stale",
                };
                write!(f, "power,{filler},lost={}", Ranges(lost))?;
            }
        }
        match &self.flight {
            Flight::Nothing => Ok(()),
            Flight::Bytes(count) => write!(f, ",bytes={count}"),
            Flight::Pieces(seed) => write!(f, ",pieces={seed}"),
            Flight::Sectors(sectors) => write!(f, ",sectors={}", Ranges(sectors)),
        }
    }
}

impl FromStr for Crash {
    type Err = ParseCrashError;

    fn from_str(text: &str) -> Result<Self, ParseCrashError> {
        let mut crash = Self::KILL;
        for (at, word) in text.split(',').enumerate() {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            match (name, &mut crash.power) {
                ("kill", _) if at == 0 => {}
                ("power", _) if at == 0 => {
                    crash.power = Some(PowerLoss { lost: Vec::new(), filler: Filler::Zeros });
                }
                ("zeros", Some(power)) => power.filler = Filler::Zeros,
                ("garbage", Some(power)) => power.filler = Filler::Garbage,
                ("stale", Some(power)) => power.filler = Filler::Stale,
                ("lost", Some(power)) => power.lost = ranges(value)?,
                ("bytes", _) => {
                    crash.flight = Flight::Bytes(value.parse().map_err(|_| ParseCrashError)?);
                }
                ("pieces", _) => {
                    crash.flight = Flight::Pieces(value.parse().map_err(|_| ParseCrashError)?);
                }
                ("sectors", _) => crash.flight = Flight::Sectors(ranges(value)?),
                _ => return Err(ParseCrashError),
            }
        }
        Ok(crash)
    }
}

impl fmt::Display for ParseCrashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no description of a crash")
    }
}

impl std::error::Error for ParseCrashError {}

/// Writes ascending numbers as `0-3+7`.
pub(crate) struct Ranges<'a>(pub(crate) &'a [usize]);

impl fmt::Display for Ranges<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(&first) = rest.first() {
            let run = rest.iter().enumerate().take_while(|(at, n)| **n == first + at).count();
            match run {
                1 => write!(f, "{first}")?,
                _ => write!(f, "{first}-{}", first + run - 1)?,
            }
            rest = &rest[run..];
            if !rest.is_empty() {
                f.write_str("+")?;
            }
        }
        Ok(())
    }
}

/// Reads what [`Ranges`] writes.
pub(crate) fn ranges(text: &str) -> Result<Vec<usize>, ParseCrashError> {
    let number = |text: &str| text.parse::<usize>().map_err(|_| ParseCrashError);
    let mut all = Vec::new();
    for run in text.split('+').filter(|run| !run.is_empty()) {
        let (first, last) = run.split_once('-').unwrap_or((run, run));
        all.extend(number(first)?..=number(last)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_read_back_from_what_was_printed() {
        let power = Crash::power(vec![0, 1, 2, 7, 9, 10], Filler::Stale);
        let torn = Crash { flight: Flight::Sectors(vec![1, 3]), ..power.clone() };
        let cut = Crash { flight: Flight::Bytes(17), ..Crash::KILL };
        for crash in [Crash::KILL, Crash::power(vec![], Filler::Garbage), power, torn, cut] {
            assert_eq!(crash.to_string().parse(), Ok(crash));
        }
        assert_eq!("kill,lost=3".parse::<Crash>(), Err(ParseCrashError));
        assert_eq!("power,lost=x".parse::<Crash>(), Err(ParseCrashError));
    }
}
