//! An order that the thread sanitizer can see.
//!
//! The sanitizer does not know the prebuilt standard library's locks, and would call whatever they
//! protect a race. Under `--cfg lsmer_tsan` each lock has an atomic beside it, which is read
//! (Acquire) after locking and written (Release) before unlocking. Otherwise all of this is empty.

/// Stands beside a lock.
#[derive(Debug, Default)]
pub(crate) struct Order {
    #[cfg(lsmer_tsan)]
    turns: std::sync::atomic::AtomicU32,
}

/// Lives as long as the lock is held, and is dropped just before it is released.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    order: &'a Order,
}

impl<'a> Held<'a> {
    /// Called just before the lock is released for a while.
    pub(crate) fn release(self) -> &'a Order {
        self.order
    }
}

impl Order {
    /// Called with the lock held.
    pub(crate) fn acquire(&self) -> Held<'_> {
        #[cfg(lsmer_tsan)]
        self.turns.fetch_add(1, std::sync::atomic::Ordering::Acquire);
        Held { order: self }
    }
}

#[cfg(lsmer_tsan)]
impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.order.turns.fetch_add(1, std::sync::atomic::Ordering::Release);
    }
}
