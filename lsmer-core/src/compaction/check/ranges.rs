//! A set of keys as disjoint ranges.

use std::collections::BTreeMap;

use super::Bounds;

/// Ranges with both ends in them; those that overlap are one.
#[derive(Debug, Default)]
pub(super) struct Ranges<'a>(BTreeMap<&'a [u8], &'a [u8]>);

impl<'a> Ranges<'a> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Bounds<'a>> {
        self.0.iter().map(|(low, high)| (*low, *high))
    }

    /// Returns whether the range overlaps one of these.
    pub(super) fn meet(&self, (low, high): Bounds<'_>) -> bool {
        self.0.range::<&[u8], _>(..=high).next_back().is_some_and(|(_, last)| *last >= low)
    }

    /// Adds a range, together with all that overlap it.
    pub(super) fn add(&mut self, (mut low, mut high): Bounds<'a>) {
        while let Some((first, last)) = self.0.range::<&[u8], _>(..=high).next_back() {
            if *last < low {
                break;
            }
            let (first, last) = (*first, *last);
            self.0.remove(first);
            (low, high) = (low.min(first), high.max(last));
        }
        self.0.insert(low, high);
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn ranges_hold_the_keys_that_were_added(
            ranges in vec((0..40_u8, 0..6_u8), 0..20), probes in vec((0..46_u8, 0..9_u8), 20),
        ) {
            let keys: Vec<[u8; 1]> = (0..60).map(|key| [key]).collect();
            let mut held = [false; 60];
            let mut all = Ranges::default();
            for (low, width) in ranges {
                let (low, high) = (usize::from(low), usize::from(low + width));
                all.add((&keys[low], &keys[high]));
                held[low..=high].fill(true);
            }
            for (low, width) in probes {
                let (low, high) = (usize::from(low), usize::from(low + width));
                let want = held[low..=high].iter().any(|held| *held);
                prop_assert_eq!(all.meet((&keys[low], &keys[high])), want);
            }
            let ends: Vec<_> = all.iter().collect();
            prop_assert!(ends.windows(2).all(|pair| pair[0].1 < pair[1].0), "disjoint: {:?}", ends);
        }
    }
}
