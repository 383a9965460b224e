//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Measures lsmer side by side with the engines that this program was built with.
#[derive(Debug, Parser)]
#[command(name = "lsmer-bench", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Name workloads and engines.
    List,
    /// Measure one workload on one engine, in this process.
    Run(RunArgs),
    /// Make the database that a workload begins with, in a folder.
    #[command(hide = true)]
    Prepare(PrepareArgs),
}

/// What is measured.
#[derive(Args, Clone, Debug)]
pub struct What {
    /// Name of the engine.
    #[arg(long)]
    pub engine: String,
    /// Name of the workload.
    #[arg(long)]
    pub workload: String,
    /// Records of the database; workloads with large values take a part of it.
    #[arg(long, default_value_t = 2_000_000)]
    pub records: u64,
    /// Take the lines of this file as keys.
    #[arg(long)]
    pub keys: Option<PathBuf>,
}

/// Arguments of `run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// What is measured.
    #[command(flatten)]
    pub what: What,
    /// Threads; otherwise as many as the workload says.
    #[arg(long)]
    pub threads: Option<u64>,
    /// Length of loops that are bound by time.
    #[arg(long, default_value_t = 5.0)]
    pub seconds: f64,
    /// Make databases in this folder; otherwise in a temporary one.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Keep and look for databases to begin with in this folder.
    #[arg(long)]
    pub stores: Option<PathBuf>,
    /// Write the figures to this file as JSON.
    #[arg(long)]
    pub json: Option<PathBuf>,
}

/// Arguments of `prepare`.
#[derive(Args, Clone, Debug)]
pub struct PrepareArgs {
    /// What is measured.
    #[command(flatten)]
    pub what: What,
    /// The folder.
    #[arg(long)]
    pub dir: PathBuf,
}
