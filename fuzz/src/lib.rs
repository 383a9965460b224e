//! Joins libFuzzer to the targets of `lsmer-fuzz`.

use libfuzzer_sys::fuzzer_mutate;
use lsmer_fuzz::{Dice, Target, mutate};

/// Makes the functions that libFuzzer calls, for the target of a name.
#[macro_export]
macro_rules! fuzz {
    ($name:literal) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| { (lsmer_fuzz::target($name).run)(data) });
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutated(&lsmer_fuzz::target($name), data, (size, max_size), seed)
        });
    };
}

/// Mutates the first `size` bytes of `data` and returns how many there are then: libFuzzer's own
/// mutations, on the parts of the input, with the checksums made right again.
pub fn mutated(
    target: &Target,
    data: &mut [u8],
    (size, max_size): (usize, usize),
    seed: u32,
) -> usize {
    let mut input = data[..size].to_vec();
    let mut inner = |bytes: &mut Vec<u8>| {
        let before = bytes.len();
        bytes.resize(max_size.max(before).max(1), 0);
        let most = bytes.len();
        let after = fuzzer_mutate(bytes, before, most);
        bytes.truncate(after);
    };
    mutate(target, &mut input, &Dice::new(seed.into()), &mut inner);
    input.truncate(max_size);
    data[..input.len()].copy_from_slice(&input);
    input.len()
}
