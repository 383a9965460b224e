//! Locks that do not poison, over whichever library provides them.

use std::{
    ops::{Deref, DerefMut},
    sync::PoisonError,
    time::Duration,
};

use crate::order::{Held, Order};

#[cfg(lsmer_loom)]
use loom::sync as imp;
#[cfg(lsmer_shuttle)]
use shuttle::sync as imp;
#[cfg(not(any(lsmer_loom, lsmer_shuttle)))]
use std::sync as imp;

/// A mutual-exclusion lock. A panic in its holder releases it.
#[derive(Debug, Default)]
pub struct Mutex<T> {
    lock: imp::Mutex<T>,
    order: Order,
}

/// Holds a [`Mutex`] until it is dropped.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    // Fields are dropped in this order: the sanitizer's before the lock.
    held: Held<'a>,
    guard: imp::MutexGuard<'a, T>,
}

impl<T> Mutex<T> {
    /// Makes a free lock around `value`.
    pub fn new(value: T) -> Self {
        Self { lock: imp::Mutex::new(value), order: Order::default() }
    }

    /// Waits for the lock. Blocks on its holder.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        MutexGuard { held: self.order.acquire(), guard }
    }

    /// Returns the value; nobody else can hold the lock.
    pub fn into_inner(self) -> T {
        self.lock.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// A condition variable of a [`Mutex`].
#[derive(Debug, Default)]
pub struct Condvar(imp::Condvar);

impl Condvar {
    /// Makes one that nobody waits for.
    pub fn new() -> Self {
        Self(imp::Condvar::new())
    }

    /// Releases the lock, waits for a notification, and takes the lock again. May wake early.
    #[must_use]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let MutexGuard { held, guard } = guard;
        let order = held.release();
        let guard = self.0.wait(guard).unwrap_or_else(PoisonError::into_inner);
        MutexGuard { held: order.acquire(), guard }
    }

    /// Like [`wait`](Self::wait), for at most `timeout`.
    #[must_use]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> MutexGuard<'a, T> {
        let MutexGuard { held, guard } = guard;
        let order = held.release();
        let result = self.0.wait_timeout(guard, timeout);
        let guard = result.unwrap_or_else(PoisonError::into_inner).0;
        MutexGuard { held: order.acquire(), guard }
    }

    /// Wakes one waiter.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all waiters.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A lock that many readers or one writer hold.
#[derive(Debug, Default)]
pub struct RwLock<T> {
    lock: imp::RwLock<T>,
    order: Order,
}

/// Holds a [`RwLock`] for reading.
#[derive(Debug)]
pub struct RwLockReadGuard<'a, T> {
    _held: Held<'a>,
    guard: imp::RwLockReadGuard<'a, T>,
}

/// Holds a [`RwLock`] for writing.
#[derive(Debug)]
pub struct RwLockWriteGuard<'a, T> {
    _held: Held<'a>,
    guard: imp::RwLockWriteGuard<'a, T>,
}

impl<T> RwLock<T> {
    /// Makes a free lock around `value`.
    pub fn new(value: T) -> Self {
        Self { lock: imp::RwLock::new(value), order: Order::default() }
    }

    /// Waits until no writer holds the lock.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        let guard = self.lock.read().unwrap_or_else(PoisonError::into_inner);
        RwLockReadGuard { _held: self.order.acquire(), guard }
    }

    /// Waits until nobody holds the lock.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        let guard = self.lock.write().unwrap_or_else(PoisonError::into_inner);
        RwLockWriteGuard { _held: self.order.acquire(), guard }
    }
}

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

#[cfg(all(test, not(any(lsmer_loom, lsmer_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_panicking_holder_releases_the_lock() {
        let lock = std::sync::Arc::new(Mutex::new(1));
        let other = std::sync::Arc::clone(&lock);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _guard = other.lock();
            panic!("on purpose");
        }));
        assert!(result.is_err());
        assert_eq!(*lock.lock(), 1);
    }
}
