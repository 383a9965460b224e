//! Runs one case and checks everything: while the disk fails, after a power loss, once it works
//! again, and after each of two more openings.

#![expect(clippy::print_stdout, reason = "a replay shows what happens")]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use lsmer::Db;
use lsmer_core::Vfs;
use lsmer_testkit::{
    Crash, Filler, SimVfs,
    fault::{Call, Effect, Errno, FaultPlan, Fired, Op},
};

use crate::{
    case::{Case, Setup},
    model::{Possible, State, check_reads, contents},
    world::{World, Wrap, never, open},
};

/// What is written once a database works again.
const AFTER: &[u8] = b"after";

/// What came of a case.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) calls: Vec<Call>,
    pub(crate) fired: Vec<Fired>,
    /// How many operations of the database failed.
    pub(crate) errors: usize,
}

/// Nothing is between the engine and its files.
pub(crate) fn bare(vfs: Arc<dyn Vfs>) -> Arc<dyn Vfs> {
    vfs
}

/// Runs a case; an error says what is wrong with the engine.
pub(crate) fn run(case: &Case, wrap: Wrap<'_>) -> Result<Report, String> {
    caught(|| {
        let mut world = World::new(case, wrap);
        world.run()?;
        check(world)
    })
}

/// Runs a case, and fails with the shortest workload that fails too.
pub(crate) fn run_or_fail(case: &Case) -> Report {
    run(case, &bare).unwrap_or_else(|error| {
        let fewer = (1..case.steps).map(|steps| Case { steps, ..case.clone() });
        let least = fewer.into_iter().find(|case| run(case, &bare).is_err());
        let least = least.unwrap_or_else(|| case.clone());
        let last = run(&least, &bare).err().unwrap_or(error);
        panic!("{last}\nreplay with LSMER_FAULT='{least}'")
    })
}

/// Runs a case alone and shows what happens.
pub(crate) fn replay(case: &Case) {
    let outcome = caught(|| {
        let mut world = World::new(case, &bare);
        let ran = world.run();
        show(&world);
        ran?;
        check(world)
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Prints every call so far, and what failed.
pub(crate) fn show(world: &World<'_>) {
    let fired = world.faults.fired();
    for (at, call) in world.faults.calls().iter().enumerate() {
        let wrong = fired.iter().any(|fired| fired.nth == at);
        println!("{at}: {call}{}", if wrong { " <- goes wrong" } else { "" });
    }
    println!("errors: {:#?}", world.errors);
}

/// Whether all that went wrong is to be masked: what POSIX lets happen at any time.
fn is_masked(plan: &FaultPlan, fired: &[Fired]) -> bool {
    let usual = |fired: &Fired| {
        let effect = plan.0[fired.rule].effect;
        matches!(effect, Effect::Short(_) | Effect::Error(Errno::EINTR))
            && matches!(fired.call.op, Op::Read | Op::Write)
    };
    !fired.is_empty() && fired.iter().all(usual)
}

fn check(mut world: World<'_>) -> Result<Report, String> {
    let (calls, fired) = (world.faults.calls(), world.faults.fired());
    if let Some(opened) = &world.opened {
        world.read(&opened.db, world.honest).map_err(|e| format!("while it fails: {e}"))?;
    }
    let errors = world.errors.len();
    if is_masked(&world.case.plan, &fired) && errors > 0 {
        return Err(format!("not masked: {:?}", world.errors));
    }
    let (model, recording) = (world.model.clone(), world.sim.recording());
    let mut cursor = recording.cursor();
    cursor.advance_to(usize::MAX);
    world.faults.begin(Vec::new());
    world.faults.limit_bytes(None);
    if let Some(opened) = &world.opened {
        world.read(&opened.db, never).map_err(|e| format!("once it works again: {e}"))?;
    }
    world.close()?;
    reopen(&mut world).map_err(|e| format!("{e}; errors before: {:?}", world.errors))?;
    for crash in [Crash::KILL, all_lost(cursor.atom_count())] {
        let power = crash.power.is_some();
        let left = cursor.materialise(&crash).vfs();
        check_disk(&left, world.case.setup, &model.after_crash(cursor.at(), power), &world.copies)
            .map_err(|error| format!("after {crash}: {error}"))?;
    }
    Ok(Report { calls, fired, errors })
}

pub(crate) fn all_lost(atoms: usize) -> Crash {
    Crash::power((0..atoms).collect(), Filler::Zeros)
}

/// Opens the database twice more: nothing is lost, nothing comes back, and it can be written.
fn reopen(world: &mut World<'_>) -> Result<(), String> {
    world.open()?;
    let Some(opened) = &world.opened else { return Err("it does not open".to_owned()) };
    let db = &opened.db;
    world.read(db, never)?;
    let mut want = contents(db).map_err(|error| error.to_string())?;
    work(db).map_err(|error| format!("it cannot be written: {error:?}"))?;
    want.entry("default".to_owned()).or_default().insert(AFTER.to_vec(), AFTER.to_vec());
    check_reads(db, std::slice::from_ref(&want), never)?;
    verify(db)?;
    if !world.close()? {
        return Err("it does not close".to_owned());
    }
    let setup = Setup { seed: world.case.setup.seed + 1, ..world.case.setup };
    let again = open(Arc::new(world.sim.clone()), "db", setup);
    let again = again.map_err(|error| format!("it does not open again: {error:?}"))?;
    is(&again.db, &[Arc::new(vec![want])])?;
    for (dir, possible) in &world.copies {
        check_copy(&world.sim, dir, possible)?;
    }
    Ok(())
}

fn work(db: &Db) -> lsmer::Result<()> {
    db.put(AFTER, AFTER)?;
    db.sync()?;
    db.compact(..)?;
    db.wait_until_quiet()
}

fn verify(db: &Db) -> Result<(), String> {
    let faults = db.verify().faults;
    if faults.is_empty() { Ok(()) } else { Err(format!("it is damaged: {faults:?}")) }
}

fn is(db: &Db, possible: &[Possible]) -> Result<State, String> {
    let found = contents(db).map_err(|error| format!("it cannot be read: {error:?}"))?;
    if !possible.iter().any(|states| states.contains(&found)) {
        let sizes: Vec<_> = found.iter().map(|(name, map)| (name, map.len())).collect();
        let last = possible.last().and_then(|states| states.first());
        let differences = found.iter().map(|(name, map)| {
            crate::model::differences(map, last.and_then(|state| state.get(name)))
        });
        let differences: Vec<_> = differences.collect();
        return Err(format!("it holds what it cannot hold: {sizes:?} {differences:?}"));
    }
    Ok(found)
}

/// Opens what a crash has left, twice.
pub(crate) fn check_disk(
    vfs: &SimVfs,
    setup: Setup,
    possible: &[Possible],
    copies: &[(String, Possible)],
) -> Result<(), String> {
    let opened = open(Arc::new(vfs.clone()), "db", setup);
    let opened = opened.map_err(|error| format!("it does not open: {error:?}"))?;
    let found = is(&opened.db, possible)?;
    check_reads(&opened.db, std::slice::from_ref(&found), never)?;
    opened.db.close().map_err(|error| format!("it does not close: {error:?}"))?;
    drop(opened);
    let again = open(Arc::new(vfs.clone()), "db", setup);
    let again = again.map_err(|error| format!("it does not open again: {error:?}"))?;
    is(&again.db, &[Arc::new(vec![found])])?;
    copies.iter().try_for_each(|(dir, possible)| check_copy(vfs, dir, possible))
}

fn check_copy(vfs: &SimVfs, dir: &str, possible: &Possible) -> Result<(), String> {
    let copy = open(Arc::new(vfs.clone()), dir, 1);
    let copy = copy.map_err(|error| format!("the checkpoint does not open: {error:?}"))?;
    is(&copy.db, std::slice::from_ref(possible)).map_err(|e| format!("the checkpoint: {e}"))?;
    verify(&copy.db)
}

/// Turns a panic into an error.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied());
        Err(format!("panic: {}", text.unwrap_or("?")))
    })
}
