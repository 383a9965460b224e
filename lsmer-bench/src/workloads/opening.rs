//! Opening: with a log to replay, and with many tables.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use super::read;
use crate::{
    clock,
    drive::{Run, latencies, once},
    numbers::whole,
    outcome::{Outcome, ensure},
    process::Usage,
    stage::Stage,
    store::Store,
    workload::{Cache, Workload},
};

pub(super) const ALL: &[Workload] = &[
    Workload::read("recovery", "open with a log of 64 MiB to replay", Cache::Quarter, |_, _| {
        unreachable!("it opens the database itself")
    })
    .on(Store::Empty)
    .unit("rows")
    .opening(recovery),
    Workload::read("open1000", "open about 1,000 tables, first get", Cache::Quarter, |_, _| {
        unreachable!("it opens the database itself")
    })
    .on(Store::SmallTables)
    .values(100, 2)
    .unit("opens")
    .opening(open),
];

/// Keys and values of so many bytes are left in the log.
const LOG_BYTES: u64 = 64 << 20;
/// Nothing of them is flushed.
const MEMTABLE_BYTES: u64 = 256 << 20;
const READY: &str = "ready";
/// At least so many, for one opening has the syncs of one.
const LEAST_OPENS: u64 = 10;
/// One row in so many is read after a recovery.
const SAMPLE: usize = 1009;

fn rows(stage: &Stage) -> u64 {
    stage.records.min(LOG_BYTES / stage.user_bytes(1))
}

/// Another process writes and is killed; this one opens what it left.
fn recovery(stage: &Stage) -> Outcome<Run> {
    let mut command = Command::new(&stage.program);
    command.args(["leave-log", "--engine", &stage.engine, "--workload", "recovery"]);
    command.args(["--records", &stage.records.to_string()]);
    command.arg("--dir").arg(&stage.settings.dir);
    if let Some(keys) = &stage.keys_file {
        command.arg("--keys").arg(keys);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut said = String::new();
    BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut said)?;
    child.kill()?;
    child.wait()?;
    ensure(said.trim() == READY, || "the process that leaves a log has failed".to_owned())?;
    // As after a reboot of the process, not of the machine: the pages are in the cache, and clean.
    rustix::fs::sync();
    let mut opened = None;
    let run = once(|| {
        opened = Some(stage_of_log(stage)?);
        Ok(rows(stage))
    })?;
    let engine = opened.expect("it was opened");
    let mut key = Vec::new();
    let last = rows(stage) - 1;
    for nth in (0..last).step_by(SAMPLE).chain([last]) {
        read::get(stage, &*engine, stage.keys.rank(nth), nth, &mut key)?;
    }
    engine.close()?;
    Ok(run)
}

fn stage_of_log(stage: &Stage) -> Outcome<Box<dyn crate::engine::Engine>> {
    let mut settings = stage.settings.clone();
    settings.memtable_bytes = MEMTABLE_BYTES;
    crate::engines::open(&stage.engine, &settings)
}

/// Writes the log of the workload `recovery`, says so, and waits to be killed.
///
/// # Errors
///
/// The engine's.
pub fn leave_log(stage: &Stage) -> Outcome {
    let engine = stage_of_log(stage)?;
    if engine.has_log() {
        let (mut key, mut value) = (Vec::new(), Vec::new());
        for nth in 0..rows(stage) {
            stage.row(nth, 0, &mut key, &mut value);
            engine.put(&key, &value)?;
        }
    } else {
        stage.load(&*engine, 0..rows(stage), 0)?;
        engine.flush()?;
    }
    let mut out = std::io::stdout();
    writeln!(out, "{READY}")?;
    out.flush()?;
    // Ends with the parent, should that die first.
    std::io::stdin().read_line(&mut String::new())?;
    std::process::abort()
}

/// Opens and reads a row, again and again; closing is not counted.
fn open(stage: &Stage) -> Outcome<Run> {
    let before = Usage::now();
    let mut run = Run { units: 0, seconds: 0.0, latencies: latencies(), before, extra: None };
    let mut key = Vec::new();
    while run.units < LEAST_OPENS || run.seconds < stage.seconds / 2.0 {
        let rank = stage.keys.rank(run.units % stage.records);
        let (opened, seconds) = clock::timed(|| {
            let engine = stage.open()?;
            read::get(stage, &*engine, rank, 0, &mut key)?;
            Outcome::Ok(engine)
        });
        opened?.close()?;
        run.units += 1;
        run.seconds += seconds;
        run.latencies.saturating_record(whole(seconds * 1e9));
    }
    run.extra = Some(("files", files(stage)?));
    Ok(run)
}

fn files(stage: &Stage) -> Outcome<f64> {
    Ok(crate::numbers::float(crate::folder::files(&stage.settings.dir)?))
}
