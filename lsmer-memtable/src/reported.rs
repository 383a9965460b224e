//! What a memtable says it takes: never less than it said before (MEM-04).

use lsmer_sync::atomic::{AtomicUsize, Ordering};

/// The largest answer so far, in bytes.
#[derive(Debug, Default)]
pub(crate) struct Reported(AtomicUsize);

impl Reported {
    /// Returns `now`, or what was said before if that is more: an insert gives back what its
    /// reservation held beyond need, and that is kept from sight.
    pub(crate) fn raise(&self, now: usize) -> usize {
        let reported = self.0.load(Ordering::Relaxed);
        if now <= reported {
            return reported;
        }
        self.0.fetch_max(now, Ordering::Relaxed).max(now)
    }
}
