//! Mistakes that the sweeps found, one test each.

use std::sync::Arc;

use lsmer::{WriteBatch, WriteOptions};
use lsmer_core::FileClass;
use lsmer_testkit::{
    FailedSync, SimVfs,
    fault::{Effect, Errno, FaultVfs, Op, Rule, When},
};

use crate::{run::all_lost, world::open};

#[test]
fn what_a_failed_sync_marked_clean_is_durable_after_the_next_opening() {
    let sim = SimVfs::new();
    sim.record();
    let faults = FaultVfs::on(sim.clone());
    let opened = open(Arc::new(faults.clone()), "db", 1).unwrap();
    faults.begin(Rule::new(Effect::Sync(FailedSync::MarkedClean)).on(Op::Sync).of(FileClass::Wal));
    opened.db.put("acknowledged", "1").unwrap();
    let mut batch = WriteBatch::new();
    batch.put("maybe", "2");
    opened.db.write_with(&batch, WriteOptions::sync()).unwrap_err();
    drop(opened);

    let opened = open(Arc::new(faults), "db", 1).unwrap();
    assert_eq!(opened.db.get("acknowledged").unwrap().unwrap(), "1");
    let maybe = opened.db.get("maybe").unwrap();
    batch.clear();
    batch.put("later", "3");
    opened.db.write_with(&batch, WriteOptions::sync()).unwrap();
    let recording = sim.recording();
    let mut cursor = recording.cursor();
    cursor.advance_to(usize::MAX);
    let left = cursor.materialise(&all_lost(cursor.atom_count())).vfs();
    let opened = open(Arc::new(left), "db", 1).unwrap();
    assert_eq!(opened.db.get("later").unwrap().unwrap(), "3");
    assert_eq!(opened.db.get("acknowledged").unwrap().unwrap(), "1");
    assert_eq!(opened.db.get("maybe").unwrap(), maybe);
}

#[test]
fn a_block_of_the_log_that_is_read_wrong_once_is_not_written_back() {
    let open_on = |faults: &FaultVfs| open(Arc::new(faults.clone()), "db", 1);
    let mut reads = 0;
    for nth in 0.. {
        let faults = FaultVfs::on(SimVfs::new().with_fast_ring(false));
        let opened = open_on(&faults).unwrap();
        for n in 0..20_u8 {
            opened.db.put([n], [n; 100]).unwrap();
        }
        opened.die();
        faults.begin(Rule::new(Effect::Zeros).on(Op::Read).of(FileClass::Wal).when(When::nth(nth)));
        drop(open_on(&faults));
        if faults.fired().is_empty() {
            break;
        }
        reads += 1;
        faults.begin(Vec::new());
        let opened = open_on(&faults);
        assert!(opened.is_ok(), "read {nth}: {:?}", opened.err());
    }
    assert!(reads > 3, "{reads}");
}

#[test]
fn a_checkpoint_that_has_to_copy_goes_on_after_an_interrupted_read() {
    let faults = FaultVfs::on(SimVfs::new());
    let opened = open(Arc::new(faults.clone()), "db", 1).unwrap();
    opened.db.put("key", "value").unwrap();
    let no_links = Rule::new(Effect::Error(Errno::EIO)).on(Op::Link).when(When::From(0));
    let interrupted = Rule::new(Effect::Error(Errno::EINTR)).on(Op::Read).of(FileClass::Table);
    faults.begin(vec![no_links, interrupted]);
    opened.db.checkpoint("copy").unwrap();
    assert_eq!(faults.fired().len(), 2, "both went wrong: {:?}", faults.fired());
    let copy = open(Arc::new(faults), "copy", 1).unwrap();
    assert_eq!(copy.db.get("key").unwrap().unwrap(), "value");
}
