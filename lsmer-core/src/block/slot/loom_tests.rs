//! Models of slots and frames: who takes a block while it is taken out, replaced, or asked how
//! often it was read. Frames are kept when they are freed, so that a use after that is caught.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::Arc;

use lsmer_sync::{atomic::Ordering, thread};

use crate::{Block, BlockId, BlockKind, BlockSlot, TableId, models::Model};

const ID: BlockId =
    BlockId { table: TableId { epoch: 1, number: 2 }, offset: 3, kind: BlockKind::Data };

fn block(fill: u8) -> Block {
    Block::opaque(vec![fill])
}

fn slot_of(block: Block) -> Arc<BlockSlot> {
    let slot = BlockSlot::empty();
    assert!(slot.put(0, &ID, block).unwrap().is_none());
    Arc::new(slot)
}

/// Starts a thread that takes the block and reads it; `later` is what it may be after a while.
fn reader(slot: &Arc<BlockSlot>, later: &'static [u8]) -> thread::JoinHandle<()> {
    let slot = Arc::clone(slot);
    thread::spawn(move || {
        if let Some(block) = slot.get(0, &ID) {
            assert!(later.contains(&block.bytes()[0]));
        }
    })
}

fn references(block: &Block) -> u64 {
    block.0.header().count.load(Ordering::Relaxed)
}

#[test]
fn a_block_that_is_taken_out_lives_as_long_as_its_readers() {
    let model = Model::exhaustive("slot-take");
    model.twin("slot-counted-after-its-look").twin("frame-let-go-without-order").check(|| {
        let slot = slot_of(block(1));
        let reader = reader(&slot, &[1]);
        let taken = slot.take().unwrap();
        assert_eq!(taken.bytes(), [1]);
        drop(taken);
        assert!(slot.get(0, &ID).is_none());
        reader.join().unwrap();
    });
}

#[test]
fn who_reads_while_a_block_is_replaced_gets_one_of_both() {
    let model = Model::exhaustive("slot-replace");
    model.twin("slot-counted-after-its-look").check(|| {
        let (old, new) = (block(1), block(2));
        let slot = slot_of(old.clone());
        let reader = reader(&slot, &[1, 2]);
        drop(slot.put(0, &ID, new.clone()).unwrap());
        assert_eq!(slot.get(0, &ID).unwrap().bytes(), [2]);
        reader.join().unwrap();
        drop(slot.take());
        assert_eq!((references(&old), references(&new)), (1, 1));
    });
}

#[test]
fn a_count_that_moves_to_the_frame_is_never_short() {
    let model = Model::bounded("slot-hits", 3);
    model.twin("slot-moves-its-count-late").check(|| {
        let slot = slot_of(block(1));
        let reader = reader(&slot, &[1]);
        let other = Arc::clone(&slot);
        let policy = thread::spawn(move || assert!(other.take_hits() <= 2));
        drop(slot.take());
        reader.join().unwrap();
        policy.join().unwrap();
    });
}

#[test]
fn counts_are_even_when_all_is_done() {
    let model = Model::bounded("slot-counts", 3);
    model.check(|| {
        let kept = block(1);
        let slot = slot_of(kept.clone());
        let reader = reader(&slot, &[1]);
        let other = Arc::clone(&slot);
        let policy = thread::spawn(move || other.take_hits());
        drop(slot.get(0, &ID));
        drop(slot.take());
        reader.join().unwrap();
        policy.join().unwrap();
        assert_eq!(references(&kept), 1);
    });
}
