//! What goes wrong with a call.

use std::{fmt, io, str::FromStr};

use super::{Op, ParsePlanError};
use crate::FailedSync;

/// An error number of Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    /// Interrupted: the call did nothing, and the caller repeats it.
    pub const EINTR: Self = Self(4);
    /// The device failed.
    pub const EIO: Self = Self(5);
    /// No file descriptor is left.
    pub const EMFILE: Self = Self(24);
    /// No room is left.
    pub const ENOSPC: Self = Self(28);

    const NAMES: [(Self, &str); 4] = [
        (Self::EINTR, "eintr"),
        (Self::EIO, "eio"),
        (Self::EMFILE, "emfile"),
        (Self::ENOSPC, "enospc"),
    ];

    /// Returns it as a file system does.
    pub fn error(self) -> io::Error {
        io::Error::from_raw_os_error(self.0)
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The call does nothing and fails.
    Error(Errno),
    /// The call is carried out, and fails all the same: its answer was lost.
    Late(Errno),
    /// A read or a write of at most so many bytes; of at least one.
    Short(u64),
    /// A sync, of a file or a folder, fails with EIO.
    Sync(FailedSync),
    /// A sync, of a file or a folder, answers Ok and does nothing.
    LyingSync,
    /// One bit of what is read or written is flipped: the number of the bit, modulo how many.
    Flip(u64),
    /// Zeros are read, or written.
    Zeros,
    /// The two halves of what is read or written have changed places.
    Swapped,
    /// The bytes are read from a place that is so many bytes away, or are written there; before
    /// the right one, if there is room, else behind it.
    Misdirected(u64),
    /// A write answers Ok and does nothing.
    LostWrite,
}

impl Effect {
    /// Whether it can happen to such a call.
    pub fn fits(self, op: Op) -> bool {
        let bytes = matches!(op, Op::Read | Op::Write | Op::ReadBatch);
        match self {
            Self::Error(_) | Self::Late(_) => true,
            Self::Short(_) => matches!(op, Op::Read | Op::Write),
            Self::Sync(_) | Self::LyingSync => matches!(op, Op::Sync | Op::SyncDir),
            Self::Flip(_) | Self::Zeros | Self::Swapped | Self::Misdirected(_) => bytes,
            Self::LostWrite => op == Op::Write,
        }
    }

    /// Damages bytes, if that is what this does.
    pub(super) fn distort(self, bytes: &mut [u8]) {
        match self {
            Self::Flip(bit) if !bytes.is_empty() => {
                let bit = bit % (bytes.len() as u64 * 8);
                let at = usize::try_from(bit / 8).expect("it is an index");
                bytes[at] ^= 1 << (bit % 8);
            }
            Self::Zeros => bytes.fill(0),
            Self::Swapped => {
                let half = bytes.len() / 2;
                let (front, back) = bytes.split_at_mut(half);
                front.swap_with_slice(&mut back[..half]);
            }
            _ => {}
        }
    }
}

/// Returns the place to which a call for `offset` goes astray.
pub(super) fn astray(offset: u64, by: u64) -> u64 {
    offset.checked_sub(by).unwrap_or(offset.saturating_add(by))
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(errno, _)| errno == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for Errno {
    type Err = ParsePlanError;

    fn from_str(text: &str) -> Result<Self, ParsePlanError> {
        let known = Self::NAMES.iter().find(|(_, name)| *name == text).map(|(errno, _)| *errno);
        known.or_else(|| text.parse().ok().map(Self)).ok_or(ParsePlanError)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(errno) => write!(f, "error={errno}"),
            Self::Late(errno) => write!(f, "late={errno}"),
            Self::Short(bytes) => write!(f, "short={bytes}"),
            Self::Sync(FailedSync::StillDirty) => f.write_str("sync=dirty"),
            Self::Sync(FailedSync::MarkedClean) => f.write_str("sync=clean"),
            Self::Sync(FailedSync::Reverted) => f.write_str("sync=reverted"),
            Self::Sync(FailedSync::ActuallyDurable) => f.write_str("sync=durable"),
            Self::LyingSync => f.write_str("sync=lie"),
            Self::Flip(bit) => write!(f, "flip={bit}"),
            Self::Zeros => f.write_str("zeros"),
            Self::Swapped => f.write_str("swapped"),
            Self::Misdirected(by) => write!(f, "misdirected={by}"),
            Self::LostWrite => f.write_str("lost"),
        }
    }
}

impl FromStr for Effect {
    type Err = ParsePlanError;

    fn from_str(text: &str) -> Result<Self, ParsePlanError> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let number = || value.parse::<u64>().map_err(|_| ParsePlanError);
        Ok(match (name, value) {
            ("error", _) => Self::Error(value.parse()?),
            ("late", _) => Self::Late(value.parse()?),
            ("short", _) => Self::Short(number()?),
            ("sync", "dirty") => Self::Sync(FailedSync::StillDirty),
            ("sync", "clean") => Self::Sync(FailedSync::MarkedClean),
            ("sync", "reverted") => Self::Sync(FailedSync::Reverted),
            ("sync", "durable") => Self::Sync(FailedSync::ActuallyDurable),
            ("sync", "lie") => Self::LyingSync,
            ("flip", _) => Self::Flip(number()?),
            ("zeros", "") => Self::Zeros,
            ("swapped", "") => Self::Swapped,
            ("misdirected", _) => Self::Misdirected(number()?),
            ("lost", "") => Self::LostWrite,
            _ => return Err(ParsePlanError),
        })
    }
}
