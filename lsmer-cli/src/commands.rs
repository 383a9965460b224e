//! One file for each command.

mod checkpoint;
mod compact;
mod delete;
mod dump;
mod dump_table;
mod export;
mod get;
mod import;
mod import_lines;
mod import_tree;
mod put;
mod scan;
mod simulate;
mod stats;
mod stats_json;
mod verify;
mod verify_files;

pub(crate) use self::simulate::Simulation;
use crate::{
    args::{Command, Global, Import},
    failure::Outcome,
};

/// Carries out a command.
pub(crate) fn run(global: &Global, command: Command) -> Outcome {
    match command {
        Command::Import(Import::Tree { db, dir }) => import_tree::run(global, &db, &dir),
        Command::Import(Import::Lines { db, file }) => import_lines::run(global, &db, &file),
        Command::Export { db } => export::run(global, &db),
        Command::Get { db, key } => get::run(global, &db, &key),
        Command::Put { db, key, value } => put::run(global, &db, &key, &value),
        Command::Delete { db, key } => delete::run(global, &db, &key),
        Command::Scan { db, scan } => scan::run(global, &db, &scan),
        Command::Stats { db, json } => stats::run(global, &db, json),
        Command::Verify { db } => verify::run(global, &db),
        Command::Dump { kind, file } => dump::run(global, kind, &file),
        Command::Compact { db } => compact::run(global, &db),
        Command::Simulate(simulation) => simulate::run(&simulation),
        Command::Checkpoint { db, dir } => checkpoint::run(global, &db, &dir),
    }
}
