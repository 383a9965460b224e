//! The put walk: check, pace, reserve, log, insert, publish, sync.
//!
//! One short critical section fixes seqnos, log range and memtables together, so that log order is
//! seqno order. Everything that can be refused is refused before the log is written; after it only
//! an I/O error of the log can happen, and that turns the database read-only.

use std::{io::IoSlice, sync::Arc};

use lsmer_core::{
    Change, Changes, Durability, EntryHead, Kind, Lsn, Result, SeqNo, check_key, check_value,
    mutant, twin,
};

use crate::{
    reserve::{Target, Touch, Touches},
    shared::Shared,
    space::Space,
    visible::Ticket,
};

/// What a commit writes.
#[derive(Debug)]
pub(crate) enum Body<'a> {
    /// One change.
    One { space: &'a Arc<Space>, kind: Kind, key: &'a [u8], value: &'a [u8] },
    /// An encoded batch of that many changes.
    Batch { encoded: &'a [u8], count: u32 },
}

/// A commit with its place: what is left is to insert and to publish.
#[derive(Debug)]
struct Placed {
    first: SeqNo,
    last: SeqNo,
    ticket: Ticket,
    lsn: Lsn,
}

impl Shared {
    /// Applies changes together, and returns when readers see them and they are as safe as asked.
    pub(crate) fn commit(self: &Arc<Self>, body: &Body<'_>, safe: Durability) -> Result<()> {
        let mut touches = self.touches(body)?;
        let Some(placed) = self.place(body, &mut touches)? else {
            return if safe == Durability::Sync { self.sync() } else { Ok(()) };
        };
        match body {
            Body::One { space, kind, key, value } => {
                let change = Change { keyspace: space.id, kind: *kind, key, value };
                touches.insert(&change, placed.first);
            }
            Body::Batch { encoded, .. } => {
                let seqnos = (0..).map(|n| placed.first.plus(n));
                let changes = Changes::new(encoded).map(|change| change.expect("read before"));
                touches.insert_all(changes.zip(seqnos));
            }
        }
        touches.end_write();
        let exec = &*self.parts.env.exec;
        self.visible.publish(placed.ticket, placed.last, exec);
        if safe == Durability::Sync && !mutant!("ack-before-sync") {
            self.sync_to(placed.lsn)?;
        }
        Ok(())
    }

    /// Makes everything acknowledged so far survive a power loss.
    pub(crate) fn sync(&self) -> Result<()> {
        self.check_writable()?;
        self.sync_to(self.wal()?.stats().tail)
    }

    fn sync_to(&self, lsn: Lsn) -> Result<()> {
        let synced = self.wal()?.sync_to(lsn).inspect_err(|error| self.fail(error));
        if mutant!("failed-sync-acknowledged") { Ok(()) } else { synced }
    }

    /// Checks the limits and adds up what each keyspace gets.
    fn touches<'a>(&self, body: &Body<'a>) -> Result<Touches<'a>> {
        let mut touches = Touches::default();
        match body {
            Body::One { space, key, value, .. } => {
                check_key(key)?;
                check_value(value)?;
                touches.push(Touch::new(Target::Lent(space), key.len() + value.len()));
            }
            Body::Batch { encoded, .. } => {
                for change in Changes::new(encoded) {
                    touches.add(&change?, |id| self.space(id))?;
                }
            }
        }
        Ok(touches)
    }

    /// Gives the commit its place in the log and its memtables. `None` if it has no entry.
    fn place(
        self: &Arc<Self>,
        body: &Body<'_>,
        touches: &mut Touches<'_>,
    ) -> Result<Option<Placed>> {
        let mut head = EntryHead::default();
        let slices: [IoSlice<'_>; 3];
        let count = match body {
            Body::One { space, kind, key, value } => {
                let head = head.encode(space.id, *kind, key.len(), value.len());
                slices = [IoSlice::new(head), IoSlice::new(key), IoSlice::new(value)];
                1
            }
            Body::Batch { encoded, count } => {
                slices = [IoSlice::new(encoded), IoSlice::new(&[]), IoSlice::new(&[])];
                *count
            }
        };
        self.check_writable()?;
        if count == 0 {
            return Ok(None);
        }
        for touch in touches.iter() {
            self.pace(touch.space(), touch.bytes);
        }
        let mut state = self.reserve_memory(touches)?;
        if !twin!("latch-not-looked-at-again") {
            self.check_writable()?;
        }
        let wal = self.wal()?;
        let payload = slices.iter().map(|slice| slice.len()).sum();
        let slot = wal.reserve(payload)?;
        let ticket = Ticket(state.next_ticket);
        self.visible.wait_for_room(ticket, &*self.parts.env.exec);

        let first = state.next_seqno;
        let last = first.plus(u64::from(count) - 1);
        wal.write(slot, first, count, &slices).inspect_err(|error| self.fail(error))?;
        state.next_seqno = if mutant!("seqno-given-out-twice") { last } else { last.plus(1) };
        state.next_ticket += 1;
        touches.begin_write(first, last, slot);
        self.counters.user_bytes.add(touches.iter().map(|touch| touch.bytes as u64).sum());
        self.counters.writes.add(u64::from(count));
        let lsn = if mutant!("sync-up-to-the-record") { slot.start } else { slot.end };
        Ok(Some(Placed { first, last, ticket, lsn }))
    }
}

#[cfg(all(test, not(lsmer_loom)))]
mod tests;
