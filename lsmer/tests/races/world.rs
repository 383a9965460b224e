//! One schedule: clients on threads of their own, a database beside them, and crashes after.

use std::{cell::Cell, ops::Range, sync::Arc};

use lsmer::{
    Db, Keyspace, KeyspaceOptions, Reader, WriteBatch, WriteOptions,
    parts::{
        NoCache,
        io::{ManualClock, ManualExec, SeededRng, ThreadExec},
    },
};
use lsmer_core::{Env, Exec};
use lsmer_testkit::{Budget, SimVfs};
use shuttle::thread;

use crate::{
    history::History,
    plan::{Dice, Op, Plan, SPACES, State},
};

const BUDGET: Budget = Budget { all_upto: 1, pairs_upto: 0, family: 1, samples: 2, flights: 1 };

/// An open database and what happened to it.
struct World {
    plan: Plan,
    vfs: SimVfs,
    db: Db,
    spaces: Vec<Keyspace>,
    history: History,
}

/// Opens the database of a plan, so small that a few writes fill a memtable.
fn open(plan: &Plan, vfs: &SimVfs, exec: Arc<dyn Exec>) -> lsmer::Result<(Db, Vec<Keyspace>)> {
    let env = Env {
        vfs: Arc::new(vfs.clone()),
        clock: Arc::new(ManualClock::new()),
        rng: Arc::new(SeededRng::new(plan.seed)),
        exec,
    };
    let builder = Db::builder("db").env(env).memory_budget(1 << 20).memtable_bytes(1 << 10);
    let db = builder.segment_bytes(4 << 10, 4 << 10).cache(NoCache).compaction_jobs(1).open()?;
    let options = KeyspaceOptions::default().with_block_bytes(128).with_table_bytes(1 << 10);
    let other = db.keyspace("other", options)?;
    let spaces = vec![db.keyspaces()[0].clone(), other];
    Ok((db, spaces))
}

/// Reads all of some keyspaces.
fn contents(readers: &[&Reader]) -> lsmer::Result<State> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut state = State::new();
    for (space, reader) in readers.iter().enumerate() {
        let mut scan = reader.iter()?;
        while let Some(entry) = scan.next()? {
            state.insert((space, text(entry.0)), text(entry.1));
        }
    }
    Ok(state)
}

/// Runs a plan once; returns how many disks after a crash were checked.
///
/// # Panics
///
/// If anything is found that may not be.
pub(crate) fn run(plan: &Plan) -> u64 {
    let vfs = SimVfs::new().with_fast_ring(plan.seed % 2 == 0);
    let (db, spaces) = open(plan, &vfs, Arc::new(ThreadExec::new(1))).unwrap();
    vfs.record();
    let history = History::default();
    let world = Arc::new(World { plan: plan.clone(), vfs, db, spaces, history });
    let before = plan.before;
    for client in 0..plan.clients.len() {
        world.client(client, 0..before);
    }
    let client = |client: usize| {
        let world = Arc::clone(&world);
        move || world.client(client, before..world.plan.clients[client].len())
    };
    let others: Vec<_> =
        (1..plan.clients.len()).map(|number| thread::spawn(client(number))).collect();
    client(0)();
    for other in others {
        other.join().unwrap();
    }
    let World { plan, vfs, db, spaces, history } =
        Arc::into_inner(world).expect("the clients are gone");
    let readers: Vec<&Reader> = spaces.iter().map(|space| &**space).collect();
    let all: Vec<usize> = plan.states.iter().map(|states| states.len() - 1).collect();
    history.check(&plan, &contents(&readers).unwrap(), (&all, &all), false).expect("the end");
    drop(spaces);
    db.close().expect("the end");
    drop(db);
    crashes(&plan, &vfs, &history)
}

impl World {
    /// Does some of the operations of a client.
    fn client(&self, client: usize, ops: Range<usize>) {
        let all = &self.plan.clients[client];
        let is_write = |op: &&Op| matches!(op, Op::Write { .. });
        let mut writes = all[..ops.start].iter().filter(is_write).count();
        for op in &all[ops] {
            let (is_write, safe) = match op {
                Op::Write { sync, .. } => (true, *sync),
                Op::Sync | Op::Flush | Op::Compact => (false, true),
                _ => {
                    self.read(op);
                    continue;
                }
            };
            writes += usize::from(is_write);
            let events = self.vfs.recorded();
            let step = self.history.begin((client, writes), (is_write, safe), events);
            self.change(op);
            self.history.acknowledge(step, self.vfs.recorded());
        }
    }

    fn change(&self, op: &Op) {
        match op {
            Op::Sync => self.db.sync().unwrap(),
            Op::Flush => self.db.flush().unwrap(),
            Op::Compact => self.db.compact(..).unwrap(),
            Op::Write { edits, sync } => {
                let mut batch = WriteBatch::new();
                for (space, key, value) in edits {
                    match value {
                        Some(value) => batch.put_in(&self.spaces[*space], key, value),
                        None => batch.delete_in(&self.spaces[*space], key),
                    }
                }
                let how = if *sync { WriteOptions::sync() } else { WriteOptions::process() };
                match &edits[..] {
                    [(_, key, Some(value))] if !sync => self.spaces[0].put(key, value).unwrap(),
                    _ => self.db.write_with(&batch, how).unwrap(),
                }
            }
            _ => unreachable!("it only reads"),
        }
    }

    fn read(&self, op: &Op) {
        let (plan, clients) = (&self.plan, self.plan.clients.len());
        let begin = self.history.now();
        let bounds = || self.history.bounds(clients, begin, self.history.now());
        match op {
            Op::Get { space, key } => {
                let found = self.spaces[*space].get(key).unwrap();
                let found = found.map(|value| String::from_utf8(value.to_vec()).unwrap());
                let (least, most) = bounds();
                let place = (*space, key.clone());
                let check = self.history.check_get(plan, &place, found.as_ref(), (&least, &most));
                check.expect("a read is legal");
            }
            Op::Scan => {
                let found = contents(&[&self.spaces[0]]).unwrap();
                let (least, most) = bounds();
                let check = self.history.check(plan, &found, (&least, &most), true);
                check.expect("a scan is a snapshot");
            }
            _ => {
                let snapshot = self.db.snapshot();
                let (least, most) = bounds();
                let other = snapshot.in_keyspace(&self.spaces[1]);
                let found = contents(&[&snapshot, &other]).unwrap();
                let check = self.history.check(plan, &found, (&least, &most), false);
                let cut = check.expect("a snapshot is legal");
                let again = contents(&[&snapshot, &other]).unwrap();
                let check = self.history.check(plan, &again, (&cut, &cut), false);
                check.expect("a snapshot stays as it was");
            }
        }
    }
}

/// Crashes at one point of what was recorded, and recovers; returns from how many disks.
fn crashes(plan: &Plan, vfs: &SimVfs, history: &History) -> u64 {
    let recording = vfs.recording();
    let mut cursor = recording.cursor();
    // The schedule decides how many events there are, and so where this is.
    let events = recording.events().len();
    let seed = plan.seed ^ (events as u64) << 32;
    let dice = Dice(Cell::new(seed));
    if !plan.with_crashes && dice.below(8) > 0 {
        return 0;
    }
    let point = dice.below(events as u64 + 1);
    cursor.advance_to(point);
    let mut checked = 0;
    for crash in cursor.states(&BUDGET, seed) {
        let disk = cursor.materialise(&crash).vfs();
        let (least, most) =
            history.crash_bounds(plan.clients.len(), cursor.at(), crash.power.is_some());
        let (db, spaces) = open(plan, &disk, Arc::new(ManualExec::new())).unwrap();
        let readers: Vec<&Reader> = spaces.iter().map(|space| &**space).collect();
        let found = contents(&readers).unwrap();
        let check = history.check(plan, &found, (&least, &most), false);
        let cut = check.unwrap_or_else(|error| {
            panic!("after {crash} at event {point}: {error}\n{}", cursor.explain(&crash).join("\n"))
        });
        assert_eq!(cut.len(), plan.clients.len());
        assert_eq!(spaces.len(), SPACES);
        drop(spaces);
        db.close().unwrap();
        checked += 1;
    }
    checked
}
