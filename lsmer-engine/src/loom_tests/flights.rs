//! Equal fetches on two threads.

use std::sync::Arc;

use lsmer_core::{BlockId, BlockKind, Error, ErrorKind, TableId, models::Model};
use lsmer_sync::{
    atomic::{AtomicU64, Ordering},
    thread,
};

use super::Work;
use crate::flight::Flights;

/// A block, and how many threads read it.
#[derive(Default)]
struct Disk {
    flights: Flights,
    reading: AtomicU64,
}

impl Disk {
    fn fetch(&self) {
        let table = TableId { epoch: 1, number: 1 };
        let id = BlockId { table, offset: 0, kind: BlockKind::Data };
        if let Some(flight) = self.flights.board(&id) {
            let error = flight.join(&Work::Here).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corruption, "what the other one read");
            return;
        }
        assert_eq!(self.reading.fetch_add(1, Ordering::AcqRel), 0, "it is read twice");
        let result = Err(Error::new(ErrorKind::Corruption, "what was read"));
        self.reading.fetch_sub(1, Ordering::AcqRel);
        self.flights.land(&id, &result);
    }
}

#[test]
fn a_block_is_read_once_and_given_to_all_who_wait() {
    let model = Model::exhaustive("flight");
    model.twin("flight-looked-up-in-two-steps").twin("flight-told-before-it-landed").check(|| {
        let disk = Arc::new(Disk::default());
        let other = Arc::clone(&disk);
        let other = thread::spawn(move || other.fetch());
        disk.fetch();
        other.join().unwrap();
        assert!(disk.flights.is_empty(), "every flight has landed");
    });
}
