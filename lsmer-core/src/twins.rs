//! Races on purpose: a model is worth what it notices.
//!
//! A *twin* is a weakened form of code that threads share: an order of memory too weak, a look
//! that is not taken again, a lock given up too early. It is a [mutant](crate::mutants) that only
//! a model checker can be expected to find: it stands behind [`twin!`](crate::twin), and is built
//! in where one runs. A test chooses it by [`mutants::with`](crate::mutants::with), for all threads
//! of the checker, which are one thread to the system.

/// Whether there are twins in this build.
pub const BUILT_IN: bool = cfg!(any(lsmer_loom, lsmer_shuttle));

/// Is true where the named twin is to act: never, unless a model checker runs.
#[macro_export]
macro_rules! twin {
    ($name:literal) => {
        $crate::twins::BUILT_IN && $crate::mutants::is_chosen($name)
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutants::with;

    #[test]
    fn a_twin_acts_where_it_is_chosen_and_built_in() {
        let (acts, reached) = with("a", || (twin!("a"), twin!("b")));
        assert_eq!((acts, reached), ((BUILT_IN, false), u64::from(BUILT_IN)));
        assert!(!twin!("a"), "only while the work runs");
    }
}
