//! Chosen tests under the address and the thread sanitizer, on the stable toolchain.
//!
//! The runtimes ship with the toolchain; `RUSTC_BOOTSTRAP=1` lets it use them. The standard library
//! is prebuilt and *not* instrumented, which costs the address sanitizer little. The thread sanitizer
//! does not see the orders that std's own code makes, and would report races that are none:
//!
//! - `Arc` and the test harness are silenced in `tsan.supp`;
//! - a contended lock, `Once` or `Barrier` of std makes no order it can see. `--cfg lsmer_tsan` is
//!   set, so that `lsmer-sync` can add one with atomics of its own;
//! - the end of `thread::scope` makes no order either: a test joins each handle;
//! - a test prints nothing from several threads.
//!
//! `tsan --build-std` has none of these limits and needs the component `rust-src`.

use std::process::Command;

use crate::command::{self, Outcome};

/// The platform whose sanitizers are used. Named, so that build scripts are not instrumented.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// One package under a sanitizer.
struct Chosen {
    package: &'static str,
    /// Parts of test names; a test runs when its name has one of them. Empty: all tests.
    filters: &'static [&'static str],
    /// Part of the names of tests that are left out: long ones that touch no memory of ours.
    skipped: Option<&'static str>,
}

/// The crates with unsafe code: all of their tests, but for the suite of the log, which opens some
/// 90,000 logs on files that are not mapped.
const ADDRESS: &[Chosen] = &[
    Chosen { package: "lsmer-memtable", filters: &[], skipped: None },
    Chosen { package: "lsmer-wal", filters: &[], skipped: Some("wal_0") },
    Chosen { package: "lsmer-engine", filters: &["commit::tests"], skipped: None },
];

/// The crates that order memory themselves: the tests whose names tell of threads.
const THREAD: &[Chosen] = &[
    Chosen { package: "lsmer-memtable", filters: &["thread", "concurrent"], skipped: None },
    Chosen { package: "lsmer-wal", filters: &["who_wait"], skipped: None },
    Chosen { package: "lsmer-engine", filters: &["commit::tests"], skipped: None },
];

/// Which mistakes are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sanitizer {
    /// Memory: use after free, out of bounds, leaks.
    Address,
    /// Data races, with the prebuilt standard library.
    Thread,
    /// Data races, with a standard library that is built for it.
    ThreadAndStd,
}

impl Sanitizer {
    /// Returns the subfolder of the target folder: flags differ, so builds are kept apart.
    fn folder(self) -> &'static str {
        match self {
            Self::Address => "asan",
            Self::Thread => "tsan",
            Self::ThreadAndStd => "tsan-std",
        }
    }

    fn flags(self) -> &'static str {
        match self {
            Self::Address => "-Zsanitizer=address --cfg lsmer_asan",
            Self::Thread => {
                "-Zunstable-options -Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer \
                 --cfg lsmer_tsan"
            }
            Self::ThreadAndStd => "-Zsanitizer=thread",
        }
    }

    fn chosen(self) -> &'static [Chosen] {
        match self {
            Self::Address => ADDRESS,
            Self::Thread | Self::ThreadAndStd => THREAD,
        }
    }
}

/// Runs the chosen tests under `sanitizer`; `filters` that are not empty replace the table's.
///
/// # Errors
/// A test does not build, fails, or the sanitizer has something to report.
pub(crate) fn run(sanitizer: Sanitizer, filters: &[&str]) -> Outcome {
    for chosen in sanitizer.chosen() {
        let filters = if filters.is_empty() { chosen.filters } else { filters };
        let skipped = chosen.skipped.map_or(vec![], |part| vec!["--skip", part]);
        let list = [&skipped[..], &["--list"]].concat();
        let list = command::output(&mut tests(sanitizer, chosen.package, filters, &list))?;
        let count = list.lines().filter(|line| line.ends_with(": test")).count();
        println!("--> {} under {}: {count} tests", chosen.package, sanitizer.folder());
        if count > 0 {
            command::run(&mut tests(sanitizer, chosen.package, filters, &skipped))?;
        }
    }
    Ok(())
}

/// Makes the command that builds and runs one package's tests.
fn tests(sanitizer: Sanitizer, package: &str, filters: &[&str], extra: &[&str]) -> Command {
    let mut command =
        command::cargo(&["test", "--quiet", "--lib", "--tests", "--target", TARGET, "-p", package]);
    if sanitizer == Sanitizer::ThreadAndStd {
        command.arg("-Zbuild-std");
    }
    command.arg("--").args(filters).args(extra);
    if sanitizer != Sanitizer::Address {
        // The harness runs one test at a time, so that fewer of its own threads are seen.
        command.arg("--test-threads=1");
    }
    if sanitizer == Sanitizer::Thread {
        let silenced = command::root().join("xtask/tsan.supp");
        command.env("TSAN_OPTIONS", format!("suppressions='{}'", silenced.display()));
    }
    command.env("RUSTC_BOOTSTRAP", "1");
    command.env("CARGO_TARGET_DIR", command::target_dir().join(sanitizer.folder()));
    command::append_flags(&mut command, "RUSTFLAGS", sanitizer.flags());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sanitizer_builds_into_a_folder_of_its_own() {
        let folders =
            [Sanitizer::Address, Sanitizer::Thread, Sanitizer::ThreadAndStd].map(Sanitizer::folder);
        assert_eq!(folders, ["asan", "tsan", "tsan-std"]);
    }

    #[test]
    fn chosen_packages_are_folders_of_the_checkout() {
        for chosen in ADDRESS.iter().chain(THREAD) {
            assert!(command::root().join(chosen.package).is_dir(), "{}", chosen.package);
        }
    }

    #[test]
    fn the_silenced_reports_stand_in_a_file() {
        assert!(command::root().join("xtask/tsan.supp").is_file());
    }
}
