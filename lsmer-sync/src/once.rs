//! A cell that is filled once.

#[cfg(not(any(lsmer_tsan, lsmer_loom, lsmer_shuttle)))]
pub use std::sync::OnceLock;

#[cfg(any(lsmer_tsan, lsmer_loom, lsmer_shuttle))]
pub use seen::OnceLock;

/// Std's cell orders its filling in code that neither the thread sanitizer nor a model checker
/// sees; this one shows it.
#[cfg(any(lsmer_tsan, lsmer_loom, lsmer_shuttle))]
mod seen {
    use crate::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    };

    /// As `std::sync::OnceLock`.
    #[derive(Debug, Default)]
    pub struct OnceLock<T> {
        cell: std::sync::OnceLock<T>,
        filled: AtomicBool,
        filling: Mutex<()>,
    }

    impl<T> OnceLock<T> {
        /// Makes an empty cell.
        pub fn new() -> Self {
            let (cell, filled) = (std::sync::OnceLock::new(), AtomicBool::new(false));
            Self { cell, filled, filling: Mutex::new(()) }
        }

        /// Returns the value, if the cell was filled.
        pub fn get(&self) -> Option<&T> {
            if self.filled.load(Ordering::Acquire) { self.cell.get() } else { None }
        }

        /// Returns the value, filling the cell if it is empty.
        pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
            let _filling = self.filling.lock();
            let value = self.cell.get_or_init(make);
            self.filled.store(true, Ordering::Release);
            value
        }
    }
}
