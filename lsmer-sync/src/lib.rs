//! Atomics, locks and threads: from std, or from loom or shuttle when a model is checked.
//!
//! Every other crate takes its concurrency from here, so that one `--cfg lsmer_loom` or
//! `--cfg lsmer_shuttle` puts the whole engine under a model checker. These are `cfg`s and not
//! features, because features unify: a dependant must not be able to switch a checker on.
//!
//! The locks do not poison: a panic while one is held leaves the data as it was, as in
//! `parking_lot`. The engine turns a panic in background work into an error of its own.

#[cfg(all(lsmer_loom, lsmer_shuttle))]
compile_error!("choose one of `--cfg lsmer_loom` and `--cfg lsmer_shuttle`");

mod lock;
mod once;
mod order;
mod swap;
mod witness;

pub use lock::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use once::OnceLock;
pub use swap::{ArcSwap, ArcSwapOption, SwapGuard};
pub use witness::Witness;

/// Atomic integers and pointers, and fences.
pub mod atomic {
    #[cfg(lsmer_loom)]
    pub use loom::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
    #[cfg(lsmer_shuttle)]
    pub use shuttle::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
    #[cfg(not(any(lsmer_loom, lsmer_shuttle)))]
    pub use std::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };

    /// Stands between a sequentially consistent store and a load of the same kind. Loom takes
    /// such operations for release and acquire, and would see orders that cannot be; fences it
    /// understands.
    pub fn order_in_models() {
        #[cfg(lsmer_loom)]
        fence(Ordering::SeqCst);
    }
}

/// Threads. Library code starts them through `Exec`, never directly.
pub mod thread {
    #[cfg(lsmer_loom)]
    pub use loom::thread::{Builder, JoinHandle, current, spawn, yield_now};
    #[cfg(lsmer_shuttle)]
    pub use shuttle::thread::{Builder, JoinHandle, current, spawn, yield_now};
    #[cfg(not(any(lsmer_loom, lsmer_shuttle)))]
    pub use std::thread::{Builder, JoinHandle, current, spawn, yield_now};

    /// Returns a small number of the calling thread's own, for data that is kept in stripes.
    /// Threads that are long gone keep theirs.
    pub fn index() -> usize {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static INDEX: usize = NEXT.fetch_add(1, Ordering::Relaxed);
        }
        INDEX.with(|index| *index)
    }
}

/// Tells the processor, or the model checker, that this thread spins.
pub fn spin_loop() {
    #[cfg(lsmer_loom)]
    loom::hint::spin_loop();
    #[cfg(lsmer_shuttle)]
    shuttle::hint::spin_loop();
    #[cfg(not(any(lsmer_loom, lsmer_shuttle)))]
    std::hint::spin_loop();
}

/// Returns a number that no other call in this process returns; never 0.
pub fn unique() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
