//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Measure workloads on engines, each cell in a process of its own, and compare.
    Matrix(MatrixArgs),
    /// Make the database that a workload begins with, in a folder.
    #[command(hide = true)]
    Prepare(PrepareArgs),
    /// Write a log, and wait to be killed.
    #[command(hide = true)]
    LeaveLog(PrepareArgs),
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

/// How large, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// 200,000 records, loops of a second: to see whether everything works.
    Small,
    /// 2,000,000 records, loops of five seconds: to compare.
    Medium,
}

impl Scale {
    /// Returns the number of records.
    pub fn records(self) -> u64 {
        match self {
            Self::Small => 200_000,
            Self::Medium => 2_000_000,
        }
    }

    /// Returns the length of loops that are bound by time.
    pub fn seconds(self) -> f64 {
        match self {
            Self::Small => 1.0,
            Self::Medium => 5.0,
        }
    }
}

/// Arguments of `matrix`.
#[derive(Args, Clone, Debug)]
pub struct MatrixArgs {
    /// Engines; otherwise all that this program was built with.
    #[arg(long, value_delimiter = ',')]
    pub engines: Vec<String>,
    /// Workloads, as `NAME` or `NAME:THREADS`; otherwise all.
    #[arg(long, value_delimiter = ',')]
    pub workloads: Vec<String>,
    /// How often each cell is measured.
    #[arg(long, default_value_t = 3)]
    pub rounds: u32,
    /// How large and how long.
    #[arg(long, value_enum, default_value = "medium")]
    pub scale: Scale,
    /// Records instead of those of the scale.
    #[arg(long)]
    pub records: Option<u64>,
    /// Seconds instead of those of the scale.
    #[arg(long)]
    pub seconds: Option<f64>,
    /// Make databases in this folder; otherwise in a temporary one.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// Write all cells to this file as JSON.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Write the tables to this file as Markdown; otherwise to the standard output.
    #[arg(long)]
    pub markdown: Option<PathBuf>,
    /// Write the chart of ratios to this file as SVG.
    #[arg(long)]
    pub svg: Option<PathBuf>,
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_matrix_takes_lists() {
        let words =
            "lsmer-bench matrix --engines a,b --workloads fillseq,fillrandom:2 --scale small";
        let cli = Cli::try_parse_from(words.split(' ')).unwrap();
        let Command::Matrix(args) = cli.command else { panic!("{cli:?}") };
        assert_eq!(args.engines, ["a", "b"]);
        assert_eq!(args.workloads, ["fillseq", "fillrandom:2"]);
        assert_eq!((args.scale, args.rounds), (Scale::Small, 3));
    }

    #[test]
    fn a_run_needs_an_engine_and_a_workload() {
        assert!(Cli::try_parse_from(["lsmer-bench", "run", "--engine", "lsmer"]).is_err());
        let words = ["lsmer-bench", "run", "--engine", "lsmer", "--workload", "fillseq"];
        assert!(Cli::try_parse_from(words).is_ok());
    }
}
