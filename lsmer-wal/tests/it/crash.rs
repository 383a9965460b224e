//! WAL-01, WAL-05 and WAL-06: crashes at every operation, also while recovering, also twice.

use lsmer_io::Crash;
use proptest::{collection::vec, prelude::*};

use crate::life::{Act, Life};

/// A life with every kind of record: small ones, ones that fill the ring's buffer, one that is
/// larger than the ring takes, and one larger than a segment.
const ACTS: [Act; 16] = [
    Act::Write(10),
    Act::Write(3_000),
    Act::Sync,
    Act::Write(0),
    Act::Write(70_000),
    Act::Write(5),
    Act::Flush,
    Act::Write(150_000),
    Act::Write(100),
    Act::Work,
    Act::Write(5_000),
    Act::Sync,
    Act::Write(40_000),
    Act::Write(40_000),
    Act::Write(7),
    Act::Write(8),
];

const SIZES: (u64, u64) = (8 << 10, 128 << 10);

/// Ways to lose power with so many operations pending, `step` apart.
fn losses(pending: u64, step: usize) -> Vec<Crash> {
    let prefixes = (1..=pending).step_by(step).flat_map(|n| [Crash::Prefix(n), Crash::Torn(n)]);
    std::iter::once(Crash::Min).chain(prefixes).collect()
}

/// Calls `each` with a life that was stopped at every one of its operations.
fn at_every_operation(fast_ring: bool, mut each: impl FnMut(u64, &Life)) {
    for nth in 0.. {
        let mut life = Life::new(SIZES);
        life.vfs.set_fast_ring(fast_ring);
        life.stop_after(nth);
        let ended = life.live(&ACTS);
        each(nth, &life);
        if ended {
            assert!(nth > 50, "there were {nth} operations");
            return;
        }
    }
}

#[test]
fn every_written_record_survives_a_kill_at_any_operation() {
    for fast_ring in [true, false] {
        at_every_operation(fast_ring, |_, life| {
            let mut life = life.crashed(Crash::Kill);
            assert!(life.live(&ACTS));
            let mut life = life.crashed(Crash::Kill);
            assert!(life.live(&[]));
        });
    }
}

#[test]
fn every_synced_record_survives_a_power_loss_at_any_operation() {
    for fast_ring in [true, false] {
        at_every_operation(fast_ring, |_, life| {
            for loss in losses(life.vfs.pending(), 3) {
                let mut life = life.crashed(loss);
                assert!(life.live(&ACTS[..5]), "{loss:?}");
                let mut life = life.crashed(Crash::Kill);
                assert!(life.live(&[]), "{loss:?}");
            }
        });
    }
}

#[test]
fn a_recovery_may_crash_at_any_operation_and_be_repeated() {
    at_every_operation(true, |nth, life| {
        let first = if nth % 2 == 0 { Crash::Kill } else { Crash::Prefix(life.vfs.pending() / 2) };
        for again in 0.. {
            let mut life = life.crashed(first);
            life.stop_after(again);
            let opened = life.live(&[Act::Write(50)]);
            let mut losses = losses(life.vfs.pending(), 4);
            losses.push(Crash::Kill);
            for second in losses {
                let mut life = life.crashed(second);
                assert!(life.live(&[Act::Write(60)]), "{nth} {first:?} {again} {second:?}");
                assert!(life.crashed(Crash::Kill).live(&[]));
            }
            if opened {
                break;
            }
        }
    });
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (0_usize..300).prop_map(Act::Write),
        3 => (0_usize..50_000).prop_map(Act::Write),
        1 => (120_000_usize..300_000).prop_map(Act::Write),
        2 => Just(Act::Sync),
        1 => Just(Act::Flush),
        1 => Just(Act::Work),
    ]
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![
        2 => Just(Crash::Kill),
        1 => Just(Crash::Min),
        2 => (0_u64..100).prop_map(Crash::Prefix),
        2 => (0_u64..100).prop_map(Crash::Torn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_promise_is_broken_through_several_lives(
        lives in vec((vec(act(), 0..40), 0_u64..300, crash(), any::<bool>()), 1..6),
        min in prop_oneof![Just(1_u64 << 10), Just(16 << 10), Just(256 << 10)],
    ) {
        let mut life = Life::new((min, min * 16));
        for (acts, stop, how, fast_ring) in lives {
            life.vfs.set_fast_ring(fast_ring);
            life.stop_after(stop);
            life.live(&acts);
            life = life.crashed(how);
        }
        prop_assert!(life.live(&[]));
    }
}
