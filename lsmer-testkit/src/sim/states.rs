//! Which of the crashes at one point to try: all, if there are few.

use crate::seed::Seeded;

use super::{
    crash::{Crash, Filler, Flight},
    cursor::Cursor,
};

/// Percentages with which atoms of one kind survive, in one sample.
const SURVIVAL: [u64; 5] = [2, 10, 50, 90, 98];

/// How many crashes to try at one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Up to so many atoms, every subset of them.
    pub all_upto: usize,
    /// Up to so many atoms, every loss of two of them, and every loss of all but two.
    pub pairs_upto: usize,
    /// At most so many of each family: prefixes, all but one, only one.
    pub family: usize,
    /// Random subsets.
    pub samples: usize,
    /// Parts of the write in flight.
    pub flights: usize,
}

impl Budget {
    /// A few dozen.
    pub const SMALL: Self = Self { all_upto: 4, pairs_upto: 0, family: 8, samples: 8, flights: 4 };

    /// About a thousand.
    pub const LARGE: Self =
        Self { all_upto: 10, pairs_upto: 12, family: usize::MAX, samples: 200, flights: 16 };
}

impl Cursor<'_> {
    /// Returns crashes at this point, the same ones for the same seed. Different ones may leave
    /// the same disk; see [`CrashState::hash`](super::CrashState::hash).
    pub fn states(&self, budget: &Budget, seed: u64) -> impl Iterator<Item = Crash> + use<> {
        let mut dice = Seeded::of(seed ^ (self.at() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut all = vec![Crash::KILL];
        let losses = self.losses(budget, &mut dice);
        let fillers = [Filler::Zeros, Filler::Garbage, Filler::Stale];
        let each = if self.atom_count() <= budget.all_upto { 3 } else { 1 };
        let turn = dice.below(3);
        for (at, lost) in losses.into_iter().enumerate() {
            for n in 0..each {
                all.push(Crash::power(lost.clone(), fillers[(turn + at + n) % 3]));
            }
        }
        if let Some((sectors, bytes)) = self.flight() {
            let before = all.len();
            for n in 0..budget.flights {
                let base = if n % 2 == 0 { Crash::KILL } else { all[dice.below(before)].clone() };
                let flight = match n % 4 {
                    0 => Flight::Bytes(1 + dice.next() % bytes),
                    1 => Flight::Pieces(dice.next()),
                    _ => Flight::Sectors((0..sectors).filter(|_| chance(&mut dice, 50)).collect()),
                };
                all.push(Crash { flight, ..base });
            }
        }
        all.into_iter()
    }

    fn losses(&self, budget: &Budget, dice: &mut Seeded) -> Vec<Vec<usize>> {
        let count = self.atom_count();
        if count <= budget.all_upto {
            let subset = |mask: usize| (0..count).filter(|atom| mask >> atom & 1 == 1).collect();
            return (0..1_usize << count).map(subset).collect();
        }
        let but = |kept: &[usize]| (0..count).filter(|atom| !kept.contains(atom)).collect();
        let mut all = vec![Vec::new(), (0..count).collect()];
        let family = budget.family;
        all.extend(some(dice, 1..count, family).map(|from| (from..count).collect()));
        all.extend(some(dice, 0..count, family).map(|atom| vec![atom]));
        all.extend(some(dice, 0..count, family).map(|atom| but(&[atom])));
        if count <= budget.pairs_upto {
            for one in 0..count {
                for other in one + 1..count {
                    all.extend([vec![one, other], but(&[one, other])]);
                }
            }
        }
        let kinds = self.atom_kinds();
        for _ in 0..budget.samples {
            let mut survival = vec![None; kinds.iter().max().map_or(0, |max| max + 1)];
            let mut lost = Vec::new();
            for (atom, kind) in kinds.iter().enumerate() {
                let percent = survival[*kind].get_or_insert_with(|| SURVIVAL[dice.below(5)]);
                if !chance(dice, *percent) {
                    lost.push(atom);
                }
            }
            all.push(lost);
        }
        all
    }
}

/// Picks at most `most` of a range, spread over all of it.
fn some(
    dice: &mut Seeded,
    range: std::ops::Range<usize>,
    most: usize,
) -> impl Iterator<Item = usize> + use<> {
    let step = range.len().div_ceil(most.max(1)).max(1);
    let most = if most == 0 { 0 } else { range.len() };
    range.skip(dice.below(step)).step_by(step).take(most)
}

fn chance(dice: &mut Seeded, percent: u64) -> bool {
    dice.next() % 100 < percent
}
