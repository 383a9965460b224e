//! Mistakes on purpose: a test suite is worth what it notices.
//!
//! A *mutant* is a mistake that stands in the shipping code under a name, behind
//! [`mutant!`](crate::mutant). It is the constant `false`, and leaves no trace in a program, unless
//! everything is built with `--cfg lsmer_mutants`. Then one mutant at a time can be chosen while
//! the program runs: for a piece of work on one thread by [`with`], or for all threads by the
//! environment variable [`VARIABLE`].
//!
//! `cargo xtask mutants` runs the test kit against each of them.

use std::{cell::Cell, env, sync::OnceLock};

/// The variable that chooses a mutant for a whole process.
pub const VARIABLE: &str = "LSMER_MUTANT";

/// Whether there are mutants in this build.
pub const BUILT_IN: bool = cfg!(lsmer_mutants);

thread_local! {
    static CHOSEN: Cell<Option<&'static str>> = const { Cell::new(None) };
    static REACHED: Cell<u64> = const { Cell::new(0) };
}

/// Is true where the named mistake is to be made: never, unless built for it.
///
/// ```
/// # let (key, largest) = (1, 2);
/// let inside = if lsmer_core::mutant!("largest-left-out") { key < largest } else { key <= largest };
/// assert!(inside);
/// ```
#[macro_export]
macro_rules! mutant {
    ($name:literal) => {
        $crate::mutants::BUILT_IN && $crate::mutants::is_chosen($name)
    };
}

/// Chooses a mutant for this thread while `work` runs; returns also how often it was met.
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

/// Returns whether a mutant is to act; what [`mutant!`](crate::mutant) asks.
pub fn is_chosen(name: &str) -> bool {
    static PROCESS: OnceLock<Option<String>> = OnceLock::new();
    let chosen = match CHOSEN.get() {
        Some(chosen) => chosen == name,
        None => PROCESS.get_or_init(|| env::var(VARIABLE).ok()).as_deref() == Some(name),
    };
    if chosen {
        REACHED.set(REACHED.get() + 1);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_chosen_for_one_thread_and_only_where_it_is_built_in() {
        let met = || mutant!("a");
        let (outcome, reached) = with("a", || (met(), mutant!("b")));
        assert_eq!((outcome, reached), ((BUILT_IN, false), u64::from(BUILT_IN)));
        assert!(!met(), "only while the work runs");
        let other = with("a", || std::thread::scope(|scope| scope.spawn(met).join().unwrap()));
        assert!(!other.0, "only on this thread");
    }

    #[test]
    fn a_panic_ends_the_choice() {
        let work = || with("a", || panic!("on purpose"));
        assert!(std::panic::catch_unwind(work).is_err());
        assert!(!is_chosen("a"));
    }
}
