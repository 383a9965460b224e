//! The program `lsmer-bench`.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::{env, fs, path::PathBuf, process::ExitCode};

use clap::Parser;
use lsmer_bench::{
    args::{Cli, Command, MatrixArgs, PrepareArgs, RunArgs, What},
    cell::Cell,
    engines,
    matrix::{self, Matrix},
    outcome::{Outcome, Unsupported},
    plan::Plan,
    report::{self, Report},
    run, workload, workloads,
};

/// For RocksDB too: its `malloc` is this one.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::List => {
            list();
            Ok(())
        }
        Command::Run(args) => run_cell(args),
        Command::Matrix(args) => matrix(&args),
        Command::Prepare(args) => prepare(args),
        Command::LeaveLog(args) => leave_log(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lsmer-bench: {error}");
            let unsupported = error.downcast_ref::<Unsupported>().is_some();
            if unsupported { ExitCode::from(Unsupported::STATUS) } else { ExitCode::FAILURE }
        }
    }
}

fn list() {
    println!("engines: {}", engines::names().collect::<Vec<_>>().join(", "));
    println!("variants: {}", engines::variants().collect::<Vec<_>>().join(", "));
    println!("workloads:");
    for workload in workload::all() {
        println!("  {:<16} {}", workload.name, workload.about);
    }
}

fn run_cell(args: RunArgs) -> Outcome {
    let parent = args.dir.unwrap_or_else(env::temp_dir);
    let dir = tempfile::Builder::new().prefix("lsmer-bench-").tempdir_in(parent)?;
    let mut plan = plan(args.what, dir.path().to_path_buf())?;
    plan.threads = args.threads;
    plan.seconds = args.seconds;
    if let Some(stores) = args.stores {
        plan.stores = stores;
    }
    fs::create_dir_all(&plan.stores)?;
    let cell = run::cell(&plan)?;
    print!("{cell}");
    if let Some(path) = args.json {
        fs::write(path, cell.to_json().to_string())?;
    }
    Ok(())
}

fn matrix(args: &MatrixArgs) -> Outcome {
    let all = || workload::all().map(|workload| (workload.name.to_owned(), None)).collect();
    let asked = args.workloads.iter().map(|text| matrix::workload_of(text));
    let asked = asked.collect::<Outcome<Vec<_>>>()?;
    let built = || engines::names().map(str::to_owned).collect();
    let matrix = Matrix {
        engines: if args.engines.is_empty() { built() } else { args.engines.clone() },
        workloads: if asked.is_empty() { all() } else { asked },
        rounds: args.rounds,
        records: args.records.unwrap_or(args.scale.records()),
        seconds: args.seconds.unwrap_or(args.scale.seconds()),
    };
    let parent = args.dir.clone().unwrap_or_else(env::temp_dir);
    let dir = tempfile::Builder::new().prefix("lsmer-bench-").tempdir_in(parent)?;
    let mut tell = |line: &str| eprintln!("{line}");
    let outcomes = matrix.measure(&env::current_exe()?, dir.path(), &mut tell)?;
    write_report(args, outcomes.cells)?;
    if outcomes.failed.is_empty() {
        Ok(())
    } else {
        Err(format!("failed: {}", outcomes.failed.join(", ")).into())
    }
}

fn write_report(args: &MatrixArgs, cells: Vec<Cell>) -> Outcome {
    if let Some(path) = &args.json {
        let cells: Vec<_> = cells.iter().map(Cell::to_json).collect();
        fs::write(path, serde_json::to_string_pretty(&cells)?)?;
    }
    let report = Report::new(cells);
    let tables = report::markdown::tables(&report);
    match &args.markdown {
        Some(path) => fs::write(path, tables)?,
        None => print!("{tables}"),
    }
    if let Some(path) = &args.svg {
        fs::write(path, report::svg::chart(&report))?;
    }
    Ok(())
}

fn prepare(args: PrepareArgs) -> Outcome {
    let plan = plan(args.what, args.dir.clone())?;
    run::prepare(&plan, &args.dir)
}

fn leave_log(args: PrepareArgs) -> Outcome {
    let plan = plan(args.what, args.dir.clone())?;
    workloads::leave_log(&plan.stage(args.dir)?)
}

fn plan(what: What, dir: PathBuf) -> Outcome<Plan> {
    Ok(Plan {
        engine: what.engine,
        workload: what.workload,
        threads: None,
        records: what.records,
        seconds: 0.0,
        keys: what.keys,
        stores: dir.join("stores"),
        dir,
        program: env::current_exe()?,
    })
}
