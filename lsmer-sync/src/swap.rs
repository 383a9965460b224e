//! Cells whose contents are replaced as a whole, and read without waiting.
//!
//! Under a model checker they are locks: the checker does not see into `arc-swap`, and would try
//! one order only. So models check how the cells are used, and not the cells.

#[cfg(not(any(lsmer_loom, lsmer_shuttle)))]
pub use arc_swap::{ArcSwap, ArcSwapOption, Guard as SwapGuard};

#[cfg(any(lsmer_loom, lsmer_shuttle))]
pub use seen::{ArcSwap, ArcSwapOption, SwapGuard};

#[cfg(any(lsmer_loom, lsmer_shuttle))]
mod seen {
    use std::{mem, ops::Deref, sync::Arc};

    use crate::Mutex;

    /// As `arc_swap::ArcSwapAny`, for what can be cloned.
    #[derive(Debug)]
    pub struct Swap<T>(Mutex<T>);

    /// As `arc_swap::ArcSwap`.
    pub type ArcSwap<T> = Swap<Arc<T>>;

    /// As `arc_swap::ArcSwapOption`.
    pub type ArcSwapOption<T> = Swap<Option<Arc<T>>>;

    /// As `arc_swap::Guard`.
    #[derive(Debug)]
    pub struct SwapGuard<T>(T);

    impl<T> SwapGuard<T> {
        /// Makes a guard of what is in no cell.
        pub fn from_inner(value: T) -> Self {
            Self(value)
        }
    }

    impl<T> Deref for SwapGuard<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }

    impl<T: Clone> Swap<T> {
        /// Returns what is in the cell.
        pub fn load(&self) -> SwapGuard<T> {
            SwapGuard(self.load_full())
        }

        /// Returns what is in the cell.
        pub fn load_full(&self) -> T {
            self.0.lock().clone()
        }

        /// Replaces it.
        pub fn store(&self, value: T) {
            drop(self.swap(value));
        }

        /// Replaces it and returns what was there.
        pub fn swap(&self, value: T) -> T {
            mem::replace(&mut *self.0.lock(), value)
        }
    }

    impl<T> Swap<Arc<T>> {
        /// Makes a cell with a value.
        pub fn from_pointee(value: T) -> Self {
            Self(Mutex::new(Arc::new(value)))
        }
    }

    impl<T> Swap<Option<Arc<T>>> {
        /// Makes an empty cell.
        pub fn empty() -> Self {
            Self(Mutex::new(None))
        }
    }
}
