//! Operations on a whole database, which is an ordered map with snapshots.

use arbitrary::{Arbitrary, Unstructured};
use lsmer::{Builder, parts::io::MemVfs};

use super::ops::{Op, Shape, World, ops};

/// Runs one input on the parts that ship.
pub fn run(bytes: &[u8]) {
    check(|builder| builder, bytes);
}

/// Runs one input: a byte for the parts, then operations. `change` is done last to the builder.
///
/// # Panics
///
/// If the database breaks a promise.
pub fn check(change: fn(Builder) -> Builder, bytes: &[u8]) {
    let mut from = Unstructured::new(bytes);
    let Ok(bits) = u8::arbitrary(&mut from) else { return };
    let mut world = World::new(MemVfs::without_crashes(), Shape { bits, change });
    for (step, op) in ops(&mut from).iter().enumerate() {
        world.apply(step, op);
        if step % 16 == 15 {
            world.check();
        }
    }
    world.check();
    world.settle();
    world.check();
    world.apply(usize::MAX, &Op::Reopen);
    world.check();
}
