//! Why a command ends early, and with which exit code.

use std::{
    fmt,
    io::{self, Write},
    process::ExitCode,
};

/// Exit code of what failed, and of a key that is not there.
const FAILED: u8 = 1;
/// Exit code of a command line that makes no sense; the same as clap's.
const USAGE: u8 = 2;
/// Exit code of an import that was stopped by a signal: what shells say of SIGINT.
const STOPPED: u8 = 130;

/// What a command returns.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Why a command ends early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database said no.
    Database(lsmer::Error),
    /// Standard output said no.
    Output(io::Error),
    /// Something else, in words.
    Other(String),
    /// The command line makes no sense.
    Usage(String),
    /// All was said on the way.
    Reported,
    /// A signal stopped it.
    Stopped(String),
}

impl Failure {
    /// Makes a failure out of what the system said about a file.
    pub(crate) fn io(what: impl fmt::Display, error: &io::Error) -> Self {
        Self::Other(format!("{what}: {error}"))
    }

    /// Says why on standard error and returns the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let code = match self {
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                // Whoever reads has seen enough: `lsmer scan db | head -1`.
                return ExitCode::SUCCESS;
            }
            Self::Output(error) => {
                complain(format_args!("cannot write to standard output: {error}"));
                FAILED
            }
            Self::Database(error) => {
                complain(format_args!("{error}"));
                FAILED
            }
            Self::Other(what) => {
                complain(format_args!("{what}"));
                FAILED
            }
            Self::Usage(what) => {
                complain(format_args!("{what}"));
                USAGE
            }
            Self::Reported => FAILED,
            Self::Stopped(what) => {
                complain(format_args!("{what}"));
                STOPPED
            }
        };
        ExitCode::from(code)
    }
}

impl From<lsmer::Error> for Failure {
    fn from(error: lsmer::Error) -> Self {
        Self::Database(error)
    }
}

/// Says one line on standard error. If nobody can be told, nobody is.
pub(crate) fn complain(what: fmt::Arguments<'_>) {
    say(format_args!("lsmer: {what}"));
}

/// Writes one line to standard error, whole.
pub(crate) fn say(what: fmt::Arguments<'_>) {
    let line = format!("{what}\n");
    io::stderr().lock().write_all(line.as_bytes()).ok();
}
