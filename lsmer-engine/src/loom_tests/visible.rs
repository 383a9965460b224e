//! Commits that finish in any order, and who sees them.

use std::sync::Arc;

use lsmer_core::{SeqNo, models::Model};
use lsmer_sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
    thread,
};

use super::Work;
use crate::visible::{Ticket, Visible};

/// Two commits, whose entries are relaxed: only `visible` orders them.
struct Commits {
    visible: Visible,
    entries: [AtomicU64; 2],
    next: Mutex<u64>,
}

impl Commits {
    fn new() -> Arc<Self> {
        let entries = [AtomicU64::new(0), AtomicU64::new(0)];
        Arc::new(Self { visible: Visible::new(SeqNo::ZERO), entries, next: Mutex::new(0) })
    }

    /// Gives a commit its place.
    fn ticket(&self) -> u64 {
        let mut next = self.next.lock();
        *next += 1;
        *next - 1
    }

    fn commit(&self, ticket: u64) {
        let at = usize::try_from(ticket).unwrap();
        self.entries[at].store(1, Ordering::Relaxed);
        self.visible.publish(Ticket(ticket), SeqNo(ticket + 1), &Work::Here);
        assert!(self.visible.get() >= SeqNo(ticket + 1), "not acknowledged before");
    }

    fn read(&self) {
        let seen = usize::try_from(self.visible.get().0).unwrap();
        for entry in &self.entries[..seen] {
            assert_eq!(entry.load(Ordering::Relaxed), 1, "all that is visible is in");
        }
    }
}

#[test]
fn visible_moves_over_finished_commits_only() {
    let model = Model::bounded("visible-reader", 2);
    model.twin("visible-tagged-relaxed").twin("visible-without-its-fence").check(|| {
        let commits = Commits::new();
        let (first, second) = (commits.ticket(), commits.ticket());
        let (one, two) = (Arc::clone(&commits), Arc::clone(&commits));
        let other = thread::spawn(move || one.commit(second));
        let reader = thread::spawn(move || two.read());
        commits.commit(first);
        other.join().unwrap();
        reader.join().unwrap();
        assert_eq!(commits.visible.get(), SeqNo(2));
    });
}

#[test]
fn of_two_commits_none_is_left_behind() {
    let model = Model::exhaustive("visible-commits");
    let model = model.twin("visible-waiter-counted-late");
    model.twin("visible-tagged-relaxed").twin("visible-without-its-fence").check(|| {
        let commits = Commits::new();
        let (first, second) = (commits.ticket(), commits.ticket());
        let other = Arc::clone(&commits);
        let other = thread::spawn(move || {
            other.commit(second);
            other.read();
        });
        commits.commit(first);
        commits.read();
        other.join().unwrap();
    });
}
