//! What tells a model checker that memory is still in use.
//!
//! A checker sees atomics and locks, and not who reads memory that another thread frees. So what
//! is freed by a count has a witness in it, which is told of both. Otherwise it is nothing.

/// Stands in memory that is freed when nobody refers to it any more.
#[derive(Debug, Default)]
pub struct Witness {
    #[cfg(lsmer_loom)]
    memory: loom::cell::UnsafeCell<()>,
    #[cfg(lsmer_loom)]
    ended: std::sync::atomic::AtomicBool,
}

impl Witness {
    /// Whether memory is kept when it should be freed, so that who still refers to it is caught
    /// here.
    pub const KEEPS_MEMORY: bool = cfg!(lsmer_loom);

    /// The memory is read.
    #[inline]
    pub fn read(&self) {
        #[cfg(lsmer_loom)]
        self.memory.with(|_| self.check());
    }

    /// The memory ends here: every use of it came before, in an order that all threads see.
    pub fn end(&self) {
        #[cfg(lsmer_loom)]
        self.memory.with_mut(|_| {
            self.check();
            self.ended.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }

    #[cfg(lsmer_loom)]
    fn check(&self) {
        let ended = self.ended.load(std::sync::atomic::Ordering::Relaxed);
        assert!(!ended, "memory is used after it was freed");
    }
}
