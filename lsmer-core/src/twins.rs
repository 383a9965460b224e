//! Races on purpose: a model is worth what it notices.
//!
//! A *twin* is a weakened form of code that threads share: an order of memory too weak, a look
//! that is not taken again, a lock given up too early. It stands in the shipping code under a
//! name, behind [`twin!`](crate::twin). That is the constant `false`, and leaves no trace in a
//! program, unless everything is built for a model checker; there a test chooses one at a time by
//! [`with`], and must find it.

use std::cell::Cell;

/// Whether there are twins in this build.
pub const BUILT_IN: bool = cfg!(any(lsmer_loom, lsmer_shuttle));

thread_local! {
    static CHOSEN: Cell<Option<&'static str>> = const { Cell::new(None) };
    static REACHED: Cell<u64> = const { Cell::new(0) };
}

/// Is true where the named twin is to act: never, unless a model checker runs.
#[macro_export]
macro_rules! twin {
    ($name:literal) => {
        $crate::twins::BUILT_IN && $crate::twins::is_chosen($name)
    };
}

/// Chooses a twin while `work` runs, for all threads of a model checker, which are one thread to
/// the system; returns also how often it acted.
pub fn with<T>(name: &'static str, work: impl FnOnce() -> T) -> (T, u64) {
    let _chosen = Chosen { before: CHOSEN.replace(Some(name)) };
    REACHED.set(0);
    let result = work();
    (result, REACHED.get())
}

/// Puts back what was chosen before, also after a panic.
struct Chosen {
    before: Option<&'static str>,
}

impl Drop for Chosen {
    fn drop(&mut self) {
        CHOSEN.set(self.before);
    }
}

/// Returns whether a twin is to act; what [`twin!`](crate::twin) asks.
pub fn is_chosen(name: &str) -> bool {
    let chosen = CHOSEN.get() == Some(name);
    if chosen {
        REACHED.set(REACHED.get() + 1);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twin_acts_where_it_is_chosen_and_built_in() {
        let (acts, reached) = with("a", || (twin!("a"), twin!("b")));
        assert_eq!((acts, reached), ((BUILT_IN, false), u64::from(BUILT_IN)));
        assert!(!twin!("a"), "only while the work runs");
    }
}
