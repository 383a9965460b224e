//! How far readers may see.
//!
//! `visible` is the largest seqno up to which every entry is completely in the log and in its
//! memtable. Commits finish in any order; `visible` moves over contiguous prefixes only. After
//! Pebble's commit pipeline: whoever finishes publishes for all who are done before him.
//!
//! - **V1** Tickets are given out one by one, and at most [`SLOTS`] ahead of `published`, so a slot
//!   belongs to one unpublished ticket at a time.
//! - **V2** A slot's tag is stored (Release) after its seqno and after all inserts of its commit.
//! - **V3** Who moves `published` past a ticket (by compare-exchange) has seen its tag (Acquire).
//! - **V4** `visible` is raised, never lowered, to a seqno whose ticket and all before it were
//!   seen published: by V3 all their inserts happened before.
//! - **V5** A sequentially consistent fence stands between what a commit stores, its tag or
//!   `published`, and its look at the neighbour's. Of two neighbours at least one therefore sees the
//!   other's store, and no ticket is left behind. (Without it both may find the other missing, and
//!   wait forever: loom did.)
//! - **V6** Who finds `published` at its own ticket needs no tag: until it has one, nobody else
//!   moves `published` on. It may then store both words plainly, and a `visible` that another one
//!   still is to raise to an older seqno is raised to the larger of the two.
//! - **V7** Who waits counts itself first, looks second; who moves `visible` looks for waiters last,
//!   with a fence in between on both sides.

use lsmer_core::{Event, Exec, SeqNo, Waited, twin};
use lsmer_sync::{
    atomic::{AtomicU64, AtomicUsize, Ordering, fence},
    spin_loop,
};

/// Commits that may be under way at the same time.
const SLOTS: usize = if cfg!(lsmer_loom) { 2 } else { 256 };
/// Spins before a wait: about a microsecond. A commit before this one is only inserting.
const SPINS: u32 = if cfg!(lsmer_loom) { 0 } else { 50 };

#[derive(Debug)]
#[repr(align(128))] // a line that every commit writes to, and nothing else
pub(crate) struct Visible {
    seqno: AtomicU64,
    /// The next ticket to publish.
    published: AtomicU64,
    /// How many wait for `moved`.
    waiting: AtomicUsize,
    slots: Box<[Slot]>,
    moved: Event,
}

#[derive(Debug, Default)]
struct Slot {
    /// One more than the ticket that stored it.
    tag: AtomicU64,
    last: AtomicU64,
}

/// The place of a commit among all commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(pub(crate) u64);

impl Visible {
    pub(crate) fn new(seqno: SeqNo) -> Self {
        let slots = (0..SLOTS).map(|_| Slot::default()).collect();
        Self {
            seqno: AtomicU64::new(seqno.0),
            published: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            slots,
            moved: Event::new(),
        }
    }

    /// Returns the largest seqno that readers may see.
    pub(crate) fn get(&self) -> SeqNo {
        SeqNo(self.seqno.load(Ordering::Acquire))
    }

    /// Waits until a ticket may be given out (V1).
    pub(crate) fn wait_for_room(&self, ticket: Ticket, exec: &dyn Exec) {
        self.wait_until(exec, || ticket.0 - self.published.load(Ordering::Acquire) < SLOTS as u64);
    }

    /// Says that the commit with this ticket has its entries, up to `last`, in place; returns once
    /// readers see them.
    pub(crate) fn publish(&self, ticket: Ticket, last: SeqNo, exec: &dyn Exec) {
        let weak = twin!("visible-tagged-relaxed");
        let release = if weak { Ordering::Relaxed } else { Ordering::Release };
        if self.published.load(Ordering::Acquire) == ticket.0 {
            // V6
            self.seqno.store(last.0, release);
            self.published.store(ticket.0 + 1, release);
        } else {
            let slot = self.slot(ticket.0);
            slot.last.store(last.0, Ordering::Relaxed);
            slot.tag.store(ticket.0 + 1, release);
        }
        // V5, V7
        if !twin!("visible-without-its-fence") {
            fence(Ordering::SeqCst);
        }
        if self.drain() {
            fence(Ordering::SeqCst); // V7
        }
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.moved.notify();
        }
        if !twin!("commit-acknowledged-before-it-is-visible") {
            self.wait_until(exec, || self.get() >= last);
        }
    }

    fn slot(&self, ticket: u64) -> &Slot {
        let at = ticket % SLOTS as u64;
        &self.slots[usize::try_from(at).expect("a slot number")]
    }

    /// Publishes for all who are done; returns whether there was one.
    fn drain(&self) -> bool {
        let mut moved = false;
        loop {
            let next = self.published.load(Ordering::Acquire);
            let slot = self.slot(next);
            if slot.tag.load(Ordering::Acquire) != next + 1 {
                return moved;
            }
            let last = slot.last.load(Ordering::Relaxed);
            let exchange = self.published.compare_exchange(
                next,
                next + 1,
                Ordering::AcqRel,
                Ordering::Relaxed,
            );
            if exchange.is_ok() {
                self.seqno.fetch_max(last, Ordering::AcqRel);
                moved = true;
            }
        }
    }

    fn wait_until(&self, exec: &dyn Exec, condition: impl Fn() -> bool) {
        for _ in 0..SPINS {
            if condition() {
                return;
            }
            spin_loop();
        }
        // V7
        let late = twin!("visible-waiter-counted-late");
        if !late {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            fence(Ordering::SeqCst);
        }
        loop {
            let seen = self.moved.count();
            if condition() {
                break;
            }
            if late {
                self.waiting.fetch_add(1, Ordering::SeqCst);
            }
            let waited = exec.wait(&self.moved, seen, None);
            assert!(
                waited != Waited::Deadlock,
                "the commit before this one never comes to its end"
            );
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
