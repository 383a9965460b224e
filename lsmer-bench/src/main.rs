//! The program `lsmer-bench`.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::{env, fs, path::PathBuf, process::ExitCode};

use clap::Parser;
use lsmer_bench::{
    args::{Cli, Command, PrepareArgs, RunArgs, What},
    engines,
    outcome::Outcome,
    plan::Plan,
    run, workload,
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
        Command::Prepare(args) => prepare(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lsmer-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    println!("engines: {}", engines::names().collect::<Vec<_>>().join(", "));
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

fn prepare(args: PrepareArgs) -> Outcome {
    let plan = plan(args.what, args.dir.clone())?;
    run::prepare(&plan, &args.dir)
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
