//! Which things happened together: a matrix of pairs, which a suite wants to be full.

use std::fmt;

/// Something that a run may do, or have under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// A batch over two keyspaces or more.
    Batch,
    /// A snapshot that is alive.
    Snapshot,
    /// A keyspace that is dropped.
    Drop,
    /// A walk that is alive.
    Walk,
    /// A compaction that runs.
    Compaction,
    /// A database that is closed and opened with other settings.
    Reopen,
    /// A crash.
    Crash,
}

/// All of them.
const ALL: [Feature; 7] = [
    Feature::Batch,
    Feature::Snapshot,
    Feature::Drop,
    Feature::Walk,
    Feature::Compaction,
    Feature::Reopen,
    Feature::Crash,
];

/// After so many operations something no longer counts as having happened at the same time.
const NEAR: usize = 4;

/// A set of features.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Features(u8);

/// How often each pair of features came together: within four operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs([[u64; ALL.len()]; ALL.len()]);

impl Features {
    pub(super) fn set(&mut self, feature: Feature, on: bool) {
        self.0 |= u8::from(on) << feature as u8;
    }

    fn has(self, feature: Feature) -> bool {
        self.0 >> feature as u8 & 1 == 1
    }

    /// Returns what was there at the end of these operations.
    pub(super) fn near(steps: &[Self]) -> Self {
        let last = &steps[steps.len().saturating_sub(NEAR)..];
        Self(last.iter().fold(0, |all, features| all | features.0))
    }
}

impl Pairs {
    pub(super) fn count(&mut self, features: Features) {
        for one in ALL {
            for other in ALL {
                let both = features.has(one) && features.has(other);
                self.0[one as usize][other as usize] += u64::from(both);
            }
        }
    }

    /// Adds what another run saw.
    pub fn add(&mut self, other: &Self) {
        for (row, other) in self.0.iter_mut().zip(&other.0) {
            row.iter_mut().zip(other).for_each(|(count, other)| *count += other);
        }
    }

    /// Returns the pairs that never came together, of features that `ever` picks.
    pub fn missing(&self, ever: impl Fn(Feature) -> bool) -> Vec<(Feature, Feature)> {
        let pairs = ALL.iter().flat_map(|one| ALL.iter().map(move |other| (*one, *other)));
        let picked = pairs.filter(|(one, other)| (*one as u8) < *other as u8);
        let picked = picked.filter(|(one, other)| ever(*one) && ever(*other));
        picked.filter(|(one, other)| self.0[*one as usize][*other as usize] == 0).collect()
    }

    /// Returns how many pairs of different features came together, of 21.
    pub fn covered(&self) -> usize {
        ALL.len() * (ALL.len() - 1) / 2 - self.missing(|_| true).len()
    }
}

impl fmt::Display for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<11}", "")?;
        ALL.iter().try_for_each(|feature| write!(f, "{:>11}", format!("{feature:?}")))?;
        for (feature, row) in ALL.iter().zip(&self.0) {
            write!(f, "\n{:<11}", format!("{feature:?}"))?;
            row.iter().try_for_each(|count| write!(f, "{count:>11}"))?;
        }
        Ok(())
    }
}
