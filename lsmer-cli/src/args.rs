//! What can be said on the command line.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, error::ErrorKind};

use crate::{
    commands::Simulation,
    failure::{Failure, Outcome},
    lines::Coding,
    output::Output,
};

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    failed; or the key is not there; or an import left something out
  2    wrong usage
  130  an import was stopped by a signal";

const TREE_HELP: &str = "\
The path of each file relative to DIR becomes a key, its content the value.
Symbolic links, what is neither file nor folder, unreadable files, and files
over 64 MiB are reported on standard error and left out; then the exit code
is 1.

SIGINT (Ctrl-C) or SIGTERM stops the import between two files and closes the
database with all that was imported so far; the exit code is 130. A second
one kills the program at once.";

const LINES_HELP: &str = "\
Each line is a key, a TAB and a value. In both, \\\\ stands for a backslash,
\\t for a TAB, \\n for a newline, \\r for a carriage return, and \\xNN for the
byte with these two hexadecimal digits. All other bytes stand for themselves.
With --hex, keys and values are hexadecimal digits only. `lsmer export` writes
such lines.

A line that is malformed (no TAB, more than one TAB, an unknown escape, a bare
carriage return) or over the limits (keys 65,535 bytes, values 64 MiB) is
reported on standard error with its number and left out; then the exit code
is 1.

SIGINT (Ctrl-C) or SIGTERM stops the import between two lines and closes the
database with all that was imported so far; the exit code is 130. A second
one kills the program at once.";

/// Import, read, check and look into lsmer databases.
#[derive(Debug, Parser)]
#[command(name = "lsmer", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Options of all commands.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// Memory for everything together, in MiB [default: 256]
    #[arg(long, global = true, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..))]
    memory_budget: Option<u32>,
    /// Work in this keyspace instead of the default one
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) keyspace: Option<String>,
    /// Keys and values are hexadecimal digits: on the command line, in lines, in output
    #[arg(long, global = true)]
    hex: bool,
}

impl Global {
    pub(crate) fn memory_budget_bytes(&self) -> Option<usize> {
        self.memory_budget.map(|mib| mib as usize * (1 << 20))
    }

    pub(crate) fn coding(&self) -> Coding {
        if self.hex { Coding::Hex } else { Coding::Escaped }
    }
}

/// One command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fill a database from files or lines; it is made if it is not there
    #[command(subcommand)]
    Import(Import),
    /// Write all entries as lines that `import lines` reads
    Export {
        /// Folder of the database
        db: PathBuf,
    },
    /// Write the value of a key, as it is and nothing else
    Get {
        /// Folder of the database
        db: PathBuf,
        #[arg(allow_hyphen_values = true)]
        /// The key
        key: OsString,
    },
    /// Set a key; the database is made if it is not there
    Put {
        /// Folder of the database
        db: PathBuf,
        /// The key
        #[arg(allow_hyphen_values = true)]
        key: OsString,
        /// Its value
        #[arg(allow_hyphen_values = true)]
        value: OsString,
    },
    /// Remove a key, if it is there
    Delete {
        /// Folder of the database
        db: PathBuf,
        /// The key
        #[arg(allow_hyphen_values = true)]
        key: OsString,
    },
    /// List entries in order of their keys, escaped: key TAB value
    Scan {
        /// Folder of the database
        db: PathBuf,
        #[command(flatten)]
        scan: Range,
    },
    /// Tell how large the database is and how it is built
    Stats {
        /// Folder of the database
        db: PathBuf,
        /// As one JSON object, for programs
        #[arg(long)]
        json: bool,
    },
    /// Read every byte and check it; lists what is wrong, and exits with 1 if anything is
    Verify {
        /// Folder of the database
        db: PathBuf,
    },
    /// Show what is in a file, also if it is damaged
    Dump {
        /// What the file is
        kind: DumpKind,
        /// The file
        file: PathBuf,
    },
    /// Merge everything, and drop what was deleted or replaced
    Compact {
        /// Folder of the database
        db: PathBuf,
    },
    /// Tell what compaction strategies would cost for a workload, without a database
    Simulate(Simulation),
    /// Make a second database of what is in one now
    Checkpoint {
        /// Folder of the database
        db: PathBuf,
        /// Folder of the second one; must not exist
        dir: PathBuf,
    },
}

/// Where an import takes entries from.
#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// Import the files of a folder: path and content
    #[command(after_help = TREE_HELP)]
    Tree {
        /// Folder of the database
        db: PathBuf,
        /// The folder to import, with all folders in it
        dir: PathBuf,
    },
    /// Import lines: key TAB value
    #[command(after_help = LINES_HELP)]
    Lines {
        /// Folder of the database
        db: PathBuf,
        /// The lines; `-` is standard input
        file: PathBuf,
    },
}

/// Which entries to list.
#[derive(Args, Debug)]
pub(crate) struct Range {
    /// Only keys that begin with P
    #[arg(long, value_name = "P", allow_hyphen_values = true)]
    pub(crate) prefix: Option<OsString>,
    /// Only keys from A on, A included
    #[arg(long, value_name = "A", allow_hyphen_values = true)]
    pub(crate) from: Option<OsString>,
    /// Only keys before B, B excluded
    #[arg(long, value_name = "B", allow_hyphen_values = true)]
    pub(crate) to: Option<OsString>,
    /// At most N entries
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// From the last key to the first
    #[arg(long)]
    pub(crate) reverse: bool,
    /// Without the values
    #[arg(long)]
    pub(crate) keys_only: bool,
}

/// Which kind of file to dump.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DumpKind {
    /// A segment of the log: 00000001.wal
    Wal,
    /// A manifest: MANIFEST-000001
    Manifest,
    /// A table: 000001-000001.tbl
    Table,
}

impl Command {
    fn knows_keyspaces(&self) -> bool {
        matches!(
            self,
            Self::Import(_)
                | Self::Export { .. }
                | Self::Get { .. }
                | Self::Put { .. }
                | Self::Delete { .. }
                | Self::Scan { .. }
        )
    }
}

/// Reads the command line; `None` if it is empty. Ends the program if it asks for help or makes
/// no sense.
pub(crate) fn parse() -> Outcome<Option<(Global, Command)>> {
    let cli = Cli::try_parse().unwrap_or_else(|error| error.exit());
    let Some(command) = cli.command else {
        if std::env::args_os().len() > 1 {
            Cli::command().error(ErrorKind::MissingSubcommand, "say what to do").exit();
        }
        return Ok(None);
    };
    if cli.global.keyspace.is_some() && !command.knows_keyspaces() {
        let what = "this command is about the whole database: it takes no --keyspace";
        return Err(Failure::Usage(what.to_owned()));
    }
    Ok(Some((cli.global, command)))
}

/// Writes the help to standard output.
pub(crate) fn help() -> Outcome {
    let mut out = Output::new();
    out.bytes(Cli::command().render_help().to_string().as_bytes())?;
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_makes_sense_to_clap() {
        Cli::command().debug_assert();
    }
}
