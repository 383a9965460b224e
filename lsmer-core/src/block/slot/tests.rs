//! What slots promise: the right block or none, right counts, and blocks that outlive them.

use std::sync::Arc;

use lsmer_sync::{atomic::Ordering, thread};

use super::*;
use crate::{BlockKind, TableId};

fn id(offset: u64) -> BlockId {
    BlockId { table: TableId { epoch: 1, number: 2 }, offset, kind: BlockKind::Data }
}

fn block(fill: u8) -> Block {
    Block::opaque(vec![fill; 100])
}

fn references(block: &Block) -> u64 {
    block.0.header().count.load(Ordering::Relaxed)
}

#[test]
fn a_block_is_found_under_its_id_only() {
    let slot = BlockSlot::empty();
    assert!(slot.get(7, &id(1)).is_none());
    assert!(slot.put(7, &id(1), block(1)).unwrap().is_none());
    assert_eq!(slot.get(7, &id(1)).unwrap().bytes(), [1; 100]);
    assert!(slot.get(7, &id(2)).is_none(), "the same tag, another id");
    assert!(slot.get(7 | 1 << TAKEN_BITS, &id(1)).is_none(), "another tag");
    let before = slot.put(7, &id(2), block(2)).unwrap();
    assert_eq!(before.unwrap().bytes(), [1; 100]);
    assert!(slot.get(7, &id(1)).is_none());
    assert_eq!(slot.take().unwrap().bytes(), [2; 100]);
    assert!(slot.get(7, &id(2)).is_none());
}

#[test]
fn a_prefetch_asks_for_the_block_of_a_hash_only_and_takes_nothing() {
    let slot = BlockSlot::empty();
    assert!(!slot.prefetch_for(0), "nothing is here, whatever the hash");
    let kept = block(1);
    assert!(slot.put(7, &id(1), kept.clone()).is_ok());
    assert!(slot.prefetch_for(7));
    assert!(!slot.prefetch_for(7 | 1 << TAKEN_BITS), "another tag");
    assert_eq!(slot.take_hits(), 0, "the policy does not hear of it");
    drop(slot);
    assert_eq!(references(&kept), 1);
}

#[test]
fn a_block_has_one_name() {
    let (one, other) = (BlockSlot::empty(), BlockSlot::empty());
    let both = block(1);
    assert!(one.put(0, &id(1), both.clone()).is_ok());
    assert!(other.put(0, &id(2), both.clone()).is_err(), "it is known under another id");
    assert!(other.put(0, &id(1), both.clone()).is_ok(), "it may be in two places");
    drop((one, other));
    assert_eq!(references(&both), 1);
}

#[test]
fn blocks_outlive_their_slot() {
    let slot = BlockSlot::empty();
    assert!(slot.put(0, &id(1), block(1)).is_ok());
    let kept = [slot.get(0, &id(1)).unwrap(), slot.get(0, &id(1)).unwrap()];
    drop(slot);
    assert_eq!(kept[1].bytes(), [1; 100]);
    assert_eq!(references(&kept[0]), 2);
}

#[test]
fn hits_are_those_since_the_last_question() {
    let slot = BlockSlot::empty();
    assert_eq!(slot.take_hits(), 0);
    let block = block(1);
    assert!(slot.put(0, &id(1), block.clone()).is_ok());
    for hits in [0, 1, 5] {
        for _ in 0..hits {
            drop(slot.get(0, &id(1)));
            assert!(slot.get(0, &id(2)).is_none(), "another id, which counts as well");
        }
        assert_eq!(slot.take_hits(), 2 * hits);
    }
    drop(slot);
    assert_eq!(references(&block), 1);
}

#[test]
fn a_block_may_be_taken_more_often_than_its_slot_can_count() {
    let slot = BlockSlot::empty();
    let block = block(1);
    assert!(slot.put(0, &id(1), block.clone()).is_ok());
    let taken: Vec<_> = (0..20_000).map(|_| slot.get(0, &id(1)).unwrap()).collect();
    assert!(slot.take_hits() >= 3, "it still counts as read often");
    drop(slot.take());
    assert_eq!(references(&block), 20_001);
    drop(taken);
    assert_eq!(references(&block), 1);
}

#[test]
fn threads_that_take_and_replace_blocks_see_whole_ones() {
    let slots: Arc<[BlockSlot; 2]> = Arc::new([BlockSlot::empty(), BlockSlot::empty()]);
    let work = |number: u8| {
        let slots = Arc::clone(&slots);
        move || {
            let mut seen = 0_u64;
            for round in 0..30_000_u64 {
                let at = round % 2;
                let slot = &slots[usize::from(at == 1)];
                match round % 8 {
                    6 if number < 2 => drop(slot.put(0, &id(at), block(number))),
                    7 if number < 2 => drop(slot.take()),
                    3 => drop(slot.take_hits()),
                    _ => {
                        let Some(block) = slot.get(0, &id(at)) else { continue };
                        let fill = block.bytes()[0];
                        assert!(fill < 2 && block.bytes().iter().all(|byte| *byte == fill));
                        seen += 1;
                    }
                }
            }
            seen
        }
    };
    let threads = [0, 1, 2].map(|number| thread::Builder::new().spawn(work(number)).unwrap());
    let seen: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert!(seen > 0);
}
