//! Measures a cell in this process; what it begins with is made by another one.

use std::{fs, path::Path, process::Command};

use crate::{
    cell::Cell,
    clock,
    drive::Run,
    folder,
    numbers::float,
    outcome::{Outcome, ensure},
    plan::Plan,
    process::Usage,
    stage::Stage,
    store::{self, Store},
    workload::{Play, Workload},
};

/// Measures a cell.
///
/// # Errors
///
/// The engine's; what was read is wrong; the database to begin with cannot be made.
pub fn cell(plan: &Plan) -> Outcome<Cell> {
    let workload = plan.workload()?;
    let work = tempfile::Builder::new().prefix("cell-").tempdir_in(&plan.dir)?;
    let mut stage = plan.stage(work.path().to_path_buf())?;
    if workload.store != Store::Empty {
        let store = plan.stores.join(workload.store.folder(&stage));
        if !store::is_ready(&store) {
            make_store(plan, &store)?;
        }
        if workload.writes {
            store::copy(&store, work.path())?;
        } else {
            stage.settings.dir = store;
        }
    }
    // What others left in the page cache is written now, not while the clock runs.
    rustix::fs::sync();
    let cell = measure(&stage, workload)?;
    drop(work);
    Ok(cell)
}

/// Makes the database that the plan's workload begins with, in this process.
///
/// # Errors
///
/// The engine's.
pub fn prepare(plan: &Plan, dir: &Path) -> Outcome {
    let stage = plan.stage(dir.to_path_buf())?;
    plan.workload()?.store.make(&stage)
}

fn make_store(plan: &Plan, dir: &Path) -> Outcome {
    if dir.exists() {
        fs::remove_dir_all(dir)?; // one that was not finished
    }
    fs::create_dir_all(dir)?;
    let mut command = Command::new(&plan.program);
    command.args(["prepare", "--engine", &plan.engine, "--workload", &plan.workload]);
    command.args(["--records", &plan.records.to_string()]).arg("--dir").arg(dir);
    if let Some(keys) = &plan.keys {
        command.arg("--keys").arg(keys);
    }
    let status = command.status()?;
    ensure(status.success(), || format!("making {} failed: {status}", dir.display()))?;
    store::set_ready(dir)
}

fn measure(stage: &Stage, workload: &Workload) -> Outcome<Cell> {
    let mut cell = Cell {
        engine: stage.engine.clone(),
        workload: workload.name.to_owned(),
        unit: workload.unit.to_owned(),
        threads: stage.threads,
        records: stage.records,
        ..Cell::default()
    };
    match workload.play {
        Play::Opening(play) => {
            let run = play(stage)?;
            finish(&mut cell, stage, workload, &run)
        }
        Play::Open(play) => {
            let (engine, open_seconds) = clock::timed(|| stage.open());
            let engine = engine?;
            let run = play(stage, &*engine)?;
            let (settled, settle_seconds) = clock::timed(|| engine.settle());
            settled?;
            finish(&mut cell, stage, workload, &run)?;
            cell.add("open_seconds", open_seconds);
            cell.add("settle_seconds", settle_seconds);
            engine.close()
        }
    }?;
    Ok(cell)
}

fn finish(cell: &mut Cell, stage: &Stage, workload: &Workload, run: &Run) -> Outcome {
    let usage = Usage::now().since(run.before);
    ensure(run.units > 0, || "nothing was done".to_owned())?;
    let units = float(run.units);
    cell.add("rate", units / run.seconds);
    cell.add("units", units);
    cell.add("seconds", run.seconds);
    cell.add_latencies(&run.latencies);
    cell.add("cpu_seconds", usage.cpu_seconds);
    cell.add("cpu_us_per_unit", usage.cpu_seconds * 1e6 / units);
    cell.add("peak_rss_bytes", float(usage.peak_rss_bytes));
    cell.add("disk_bytes", float(folder::disk_bytes(&stage.settings.dir)?));
    if workload.writes {
        cell.add("written_bytes", float(usage.written_bytes));
    }
    if workload.puts_units() {
        let user_bytes = float(stage.user_bytes(run.units));
        cell.add("user_bytes", user_bytes);
        cell.add("write_amplification", float(usage.written_bytes) / user_bytes);
    }
    if let Some((name, figure)) = run.extra {
        cell.add(name, figure);
    }
    Ok(())
}
