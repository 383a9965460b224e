//! Counts the instructions of operations, and compares with what is recorded in `perf`.
//!
//! Time depends on the machine and its neighbours; instructions hardly: the program `instructions`
//! of lsmer-micro runs each operation in one thread, on files in memory, with seeded numbers, and
//! callgrind counts what it executes. Two runs agree to within a thousandth. A count says nothing
//! of cache misses, system calls and contention: for these there are the benchmarks.
//!
//! Whoever makes an operation cost more than [`LIMIT`] more, or less, blesses the new counts in the
//! same commit. A fall has to be blessed too, or else the next one could waste what it gained.
//!
//! Valgrind shows programs a processor with AVX2 and without AVX-512, whatever it runs on, so that
//! what is chosen at run time is the same on all machines that have AVX2. The counts were taken
//! with one compiler; another one may differ by [`OTHER_COMPILER_LIMIT`].

mod compare;
mod profile;
mod record;

use std::{
    env, fs,
    num::NonZero,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use self::{compare::Comparison, profile::Profile, record::Record};
use crate::{
    command::{self, Outcome, cargo},
    setup,
};

/// How much a count may differ from the recorded one, in percent.
pub(crate) const LIMIT: f64 = 3.0;
/// The same, if it was recorded with another compiler.
pub(crate) const OTHER_COMPILER_LIMIT: f64 = 15.0;

/// The package of the program.
const PACKAGE: &str = "lsmer-micro";
/// The program, and the function in which it counts.
const PROGRAM: &str = "instructions";
const COUNTED: &str = "instructions::counted";

/// Compares the operations with `filter` in their names with what is recorded.
///
/// # Errors
/// A count differs by more than the limit, or the operations are not those recorded.
pub(crate) fn check(filter: &str) -> Outcome {
    let (record, now) = (Record::read()?.only(filter), measure(filter)?);
    let limit = if record.compiler == now.compiler { LIMIT } else { OTHER_COMPILER_LIMIT };
    if record.compiler != now.compiler {
        println!("recorded with {}, this is {}", record.compiler, now.compiler);
    }
    let comparison = Comparison::new(&record, &now, limit);
    print!("{comparison}");
    match comparison.failures() {
        0 => Ok(()),
        failures => Err(format!(
            "{failures} counts differ from perf/instructions.toml by more than {limit} %; if that \
             is meant, run `cargo xtask perf-check --bless` and commit it with the change. Profiles \
             for callgrind_annotate: {}",
            folder().display()
        )),
    }
}

/// Records what the operations take now, and says what that changes.
///
/// # Errors
/// An operation fails, or the files cannot be written.
pub(crate) fn bless() -> Outcome {
    let now = measure("")?;
    if let Ok(record) = Record::read() {
        print!("{}", Comparison::new(&record, &now, LIMIT));
    }
    now.write()
}

fn folder() -> PathBuf {
    command::target_dir().join("perf")
}

/// Builds the program and counts the operations with `filter` in their names.
fn measure(filter: &str) -> Result<Record, String> {
    setup::valgrind()?;
    command::run(&mut cargo(&["build", "--release", "-p", PACKAGE, "--bin", PROGRAM]))?;
    fs::create_dir_all(folder()).map_err(|e| format!("{}: {e}", folder().display()))?;
    let program = command::target_dir().join("release").join(PROGRAM);
    let names = command::output(Command::new(&program).arg("--list"))?;
    let names: Vec<&str> = names.lines().filter(|name| name.contains(filter)).collect();
    if names.is_empty() {
        return Err(format!("no operation has `{filter}` in its name"));
    }
    let mut operations = Vec::new();
    for names in names.chunks(thread::available_parallelism().map_or(1, NonZero::get)) {
        operations.extend(count(&program, names)?);
    }
    let compiler = command::output(Command::new("rustc").arg("--version"))?.trim().to_owned();
    Ok(Record { compiler, operations })
}

/// Counts some operations beside each other, a process each.
fn count(program: &Path, names: &[&str]) -> Result<Vec<(String, Profile)>, String> {
    let mut children = Vec::new();
    for name in names {
        let mut valgrind = Command::new("valgrind");
        valgrind
            .args(["--tool=callgrind", "--quiet", "--compress-strings=no", "--compress-pos=no"])
            .arg(format!("--toggle-collect={COUNTED}"))
            .arg(format!("--callgrind-out-file={}", folder().join(name).display()))
            .arg(program)
            .arg(name);
        // Variables lie on the stack, and move what is above them. `rep movs` counts as one
        // instruction for each byte: copies are to be made with the vector loops.
        let path = env::var_os("PATH").unwrap_or_default();
        valgrind.env_clear().env("PATH", path).env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-ERMS");
        valgrind.stdout(Stdio::piped());
        children.push(valgrind.spawn().map_err(|e| format!("cannot start valgrind: {e}"))?);
    }
    let mut profiles = Vec::new();
    for (name, child) in names.iter().zip(children) {
        let output = child.wait_with_output().map_err(|e| format!("{name}: {e}"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let operations: Option<u64> = said.trim().parse().ok().filter(|_| output.status.success());
        let operations = operations.ok_or_else(|| format!("{name} failed: {said}"))?;
        let file = folder().join(name);
        let text = fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        profiles.push(((*name).to_owned(), Profile::parse(&text, operations)?));
    }
    Ok(profiles)
}
