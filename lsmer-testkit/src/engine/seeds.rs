//! One root seed, from which come five streams that do not disturb each other.

use crate::seed::Seeded;

/// What random numbers are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// Parts and sizes.
    Config,
    /// Operations.
    Ops,
    /// The order of background work.
    Schedule,
    /// Crashes.
    Crash,
    /// Calls of the file system that fail.
    Fault,
}

/// The root of all random numbers of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seeds(pub(super) u64);

impl Seeds {
    /// Returns the numbers at a place of a stream: of one operation, of one crash. What is taken
    /// there changes nothing elsewhere.
    pub(super) fn dice(self, stream: Stream, place: usize) -> Seeded {
        let mut stream = Seeded::of(self.0 ^ (stream as u64 + 1).rotate_right(8));
        Seeded::of(stream.next() ^ (place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Returns the first number at a place of a stream.
    pub(super) fn number(self, stream: Stream, place: usize) -> u64 {
        self.dice(stream, place).next()
    }
}
