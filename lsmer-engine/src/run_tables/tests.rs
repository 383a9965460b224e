//! Tables that were closed: their memory goes, and who used them goes on.

use lsmer_core::{BlockShelf, KeyspaceOptions, Probe};
use lsmer_io::MemVfs;

use super::*;
use crate::{Components, Engine, Keyspace, Options, driver::Fill, walk::Walk};

const KEYS: u32 = 20_000;
const BUDGET: usize = 1 << 20;
/// What open indexes and filters may take.
const LIMIT: usize = BUDGET / 8;

impl RunTable {
    fn kept_bytes(&self) -> usize {
        self.kept.get().map_or(0, |table| table.bytes())
    }
}

/// Makes a run of many tables, which take more than they may when all are open.
fn database() -> (Engine, Keyspace) {
    let (env, ..) = lsmer_io::manual(MemVfs::without_crashes(), 1);
    let options = Options { compaction_jobs: 0, memory_budget: BUDGET, ..Options::new("db") };
    let engine = Engine::open(options, Components::shipped(env)).unwrap();
    let settings = KeyspaceOptions::default().with_table_bytes(16 << 10).with_filter_bits(64);
    let space = engine.keyspace("k", settings).unwrap();
    (0..KEYS).for_each(|n| space.put(key(n), b"value").unwrap());
    engine.flush().unwrap();
    engine.compact(..).unwrap();
    (engine, space)
}

fn key(n: u32) -> [u8; 4] {
    n.to_be_bytes()
}

fn kept_bytes(space: &Keyspace) -> usize {
    let view = space.space().view();
    let tables = view.version.runs.iter().flat_map(|run| run.tables.iter());
    tables.map(RunTable::kept_bytes).sum()
}

#[test]
fn what_closed_tables_take_is_let_go_of() {
    let (engine, space) = database();
    for n in (0..KEYS).chain((0..KEYS).rev()).step_by(50) {
        assert_eq!(space.get(key(n)).unwrap().unwrap(), b"value");
        let kept = kept_bytes(&space);
        assert!(kept <= LIMIT, "lookups keep {kept} bytes open");
        assert!(engine.stats().index_bytes <= LIMIT as u64);
    }
    let view = space.space().view();
    let closed = view.version.runs.iter().flat_map(|run| run.tables.iter());
    assert!(closed.filter(|table| table.opened().is_none()).count() > 0, "not all fit");
}

#[test]
fn a_view_reads_on_from_a_table_that_was_closed_meanwhile() {
    let (_engine, space) = database();
    let (shared, pinned) = (space.shared(), space.pin());
    let wanted = key(0);
    let find = || {
        let mut walk = Walk::new(Probe::new(&wanted, pinned.seqno), &pinned.view.version);
        let mut shelf = BlockShelf::default();
        let driver = &shared.driver;
        let found = driver.drive(&mut shelf, Fill::Cache, |blocks| walk.advance(blocks)).unwrap();
        assert_eq!(found.unwrap().value(), b"value");
    };
    find();
    let first = &pinned.view.version.runs[0].tables[0];
    assert!(first.opened().is_some());
    for n in (1000..KEYS).step_by(100) {
        space.get(key(n)).unwrap();
    }
    assert!(first.opened().is_none(), "others are open now");
    find();
    assert!(first.opened().is_none(), "it was there all the time");
}
