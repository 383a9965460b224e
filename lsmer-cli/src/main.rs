//! The `lsmer` program: import, read, check and look into databases.
//!
//! | file | what |
//! |---|---|
//! | `args.rs` | what can be said on the command line |
//! | `commands/` | one file for each command |
//! | `failure.rs`, `output.rs` | exit codes, standard output, standard error |
//! | `escape.rs`, `hex.rs`, `lines.rs` | bytes as text, and back |
//! | `open.rs`, `disk.rs`, `table_file.rs` | databases, and the files they consist of |
//! | `walk.rs`, `stop.rs`, `progress.rs` | what imports need |

#![forbid(unsafe_code)]

mod args;
mod commands;
mod disk;
mod escape;
mod failure;
mod hex;
mod lines;
mod open;
mod output;
mod progress;
mod stop;
mod table_file;
mod units;
mod walk;

use std::process::ExitCode;

fn main() -> ExitCode {
    let done = args::parse().and_then(|said| match said {
        Some((global, command)) => commands::run(&global, command),
        None => args::help(),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
