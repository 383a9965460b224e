//! Mutations that get past checksums: a part of the input is changed, and what covers it is made
//! right again.

use lsmer::parts::io::SeededRng;
use lsmer_core::Rng;

use crate::{Layout, Target};

/// Random numbers.
#[derive(Debug)]
pub struct Dice(SeededRng);

impl Dice {
    /// Begins at a seed.
    pub fn new(seed: u64) -> Self {
        Self(SeededRng::new(seed))
    }

    /// Returns any number.
    pub fn word(&self) -> u64 {
        self.0.next_u64()
    }

    /// Returns a number below `bound`; 0 if that is 0.
    pub fn below(&self, bound: usize) -> usize {
        usize::try_from(self.word() % bound.max(1) as u64).expect("under a usize")
    }
}

/// Changes an input of `target`: by `inner` alone, which knows nothing of formats; or one part of
/// it by `inner`; or the order of its parts. In two of three cases the checksums are right again.
pub fn mutate(
    target: &Target,
    input: &mut Vec<u8>,
    dice: &Dice,
    inner: &mut dyn FnMut(&mut Vec<u8>),
) {
    let whole = dice.below(3) == 0;
    let taken_apart = target.layout.and_then(|layout| Some((layout, (layout.open)(input)?)));
    match taken_apart {
        Some((layout, mut parts)) if !whole && !parts.is_empty() => {
            change_part(&mut parts, dice, inner);
            *input = (layout.close)(&parts);
        }
        _ => {
            inner(input);
            if let Some(layout) = target.layout.filter(|_| dice.below(2) == 0) {
                repair(&layout, input);
            }
        }
    }
    input.truncate(target.longest);
}

/// Changes bytes as one who knows nothing of formats.
pub fn blind(bytes: &mut Vec<u8>, dice: &Dice) {
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len());
        let word = interesting(dice);
        match dice.below(6) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
            1 if !bytes.is_empty() => bytes[at] = word[0],
            2 => {
                let end = bytes.len().min(at + 1 + dice.below(8));
                bytes.drain(at..end);
            }
            3 => {
                let end = bytes.len().min(at + 1 + dice.below(32));
                let copy = bytes[at..end].to_vec();
                let to = dice.below(bytes.len() + 1);
                bytes.splice(to..to, copy);
            }
            4 => {
                let end = bytes.len().min(at + [1, 2, 4, 8][dice.below(4)]);
                let length = end - at;
                bytes.splice(at..end, word[..length].to_vec());
            }
            _ => bytes.insert(at, word[0]),
        }
    }
}

/// Makes the checksums of an input right, as far as it can be taken apart.
fn repair(layout: &Layout, input: &mut Vec<u8>) {
    if let Some(parts) = (layout.open)(input) {
        *input = (layout.close)(&parts);
    }
}

fn change_part(parts: &mut Vec<Vec<u8>>, dice: &Dice, inner: &mut dyn FnMut(&mut Vec<u8>)) {
    let at = dice.below(parts.len());
    let other = dice.below(parts.len());
    match dice.below(10) {
        0 => drop(parts.remove(at)),
        1 => parts.insert(other, parts[at].clone()),
        2 => parts.swap(at, other),
        _ => inner(&mut parts[at]),
    }
}

/// A number at an edge of its width, or any.
fn interesting(dice: &Dice) -> [u8; 8] {
    let edge = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, u64::MAX >> 1, u64::MAX];
    let number = match dice.below(3) {
        0 => dice.word(),
        1 => dice.word() % 300,
        _ => edge[dice.below(edge.len())],
    };
    number.to_le_bytes()
}
