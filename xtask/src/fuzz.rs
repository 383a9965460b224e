//! libFuzzer on the targets of `lsmer-fuzz`, on the stable toolchain.
//!
//! The instrumentation is part of the compiler, and libFuzzer comes with the crate
//! `libfuzzer-sys`, which is C++. What it finds to be new is kept in `target/fuzz/corpus`, and an
//! input that fails in `target/fuzz/failed`; put that into `lsmer-fuzz/corpus` with the fix.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    command::{self, Outcome},
    setup,
};

/// The platform whose sanitizer is used. Named, so that build scripts are not instrumented.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// As `cargo fuzz` sets them: counters at every edge, comparisons, and the address sanitizer.
const FLAGS: &str = "--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1";

/// How long each target is fuzzed if nothing else is said, in seconds.
const SECONDS: u64 = 45;

/// Fuzzes all targets one after the other, or the one that is named, each for some seconds.
///
/// # Errors
/// A target does not build, or an input broke a promise.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let (seconds, wanted) = match args {
        [] => (SECONDS, None),
        [seconds, rest @ ..] if rest.len() < 2 => {
            let number =
                seconds.parse().map_err(|_| format!("`{seconds}` is no number of seconds"));
            (number?, rest.first().copied())
        }
        _ => return Err("usage: cargo xtask fuzz [seconds] [target]".to_owned()),
    };
    let targets = targets()?;
    if let Some(wanted) = wanted.filter(|wanted| !targets.iter().any(|name| name == wanted)) {
        return Err(format!("no target `{wanted}`; there are {}", targets.join(", ")));
    }
    setup::cxx_compiler()?;
    command::run(&mut build(wanted))?;
    for name in targets.iter().filter(|name| wanted.is_none_or(|wanted| *name == wanted)) {
        println!("--> fuzzing {name} for {seconds} s");
        command::run(&mut fuzz(name, seconds)?)?;
    }
    Ok(())
}

/// Returns the names of all targets: those of the folders of the corpus.
fn targets() -> Result<Vec<String>, String> {
    let folder = command::root().join("lsmer-fuzz/corpus");
    let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}

fn build(wanted: Option<&str>) -> Command {
    let mut command = command::cargo(&["build", "--release", "--target", TARGET]);
    command.arg("--manifest-path").arg(command::root().join("fuzz/Cargo.toml"));
    if let Some(name) = wanted {
        command.args(["--bin", name]);
    }
    command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", folder());
    command::append_flags(&mut command, "RUSTFLAGS", FLAGS);
    command
}

/// Makes the command that fuzzes one target. The first folder takes what is new.
fn fuzz(name: &str, seconds: u64) -> Result<Command, String> {
    let [corpus, failed] = ["corpus", "failed"].map(|kind| folder().join(kind).join(name));
    for folder in [&corpus, &failed] {
        fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let mut command = Command::new(folder().join(TARGET).join("release").join(name));
    command.arg(&corpus).arg(command::root().join("lsmer-fuzz/corpus").join(name));
    command.arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-artifact_prefix={}/", failed.display()));
    command.args(["-max_len=16384", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]);
    command.args(["-verbosity=1", "-reload=0"]);
    Ok(command)
}

fn folder() -> PathBuf {
    command::target_dir().join("fuzz")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_program() {
        for name in targets().unwrap() {
            let program = command::root().join("fuzz/fuzz_targets").join(format!("{name}.rs"));
            let text = fs::read_to_string(program).unwrap();
            assert!(text.contains(&format!("fuzz!({name:?})")), "{text}");
        }
    }
}
