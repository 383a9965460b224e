//! `cargo xtask bench-peers`: builds `lsmer-bench` with all engines it knows, and runs its matrix.
//!
//! All engines are compiled for the same processors and share one allocator. What is built goes to a
//! folder of its own, since other flags than usual would make cargo build everything again.

use std::process::Command;

use crate::{
    command::{self, Outcome, cargo, root, target_dir},
    setup,
};

/// For Rust code.
const RUST: &str = "-Ctarget-cpu=x86-64-v3";
/// For C and C++ code: the same. RocksDB takes for granted that what has AVX has PCLMUL too, which
/// this level does not say.
const C: &str = "-march=x86-64-v3 -mpclmul";

/// Builds the program; `args` go to `lsmer-bench matrix`, unless the first is one of its other
/// commands.
///
/// # Errors
/// A tool is missing, the program does not build, or a cell fails.
pub(crate) fn run(args: &[&str]) -> Outcome {
    setup::check()?;
    setup::cxx_compiler()?;
    setup::libclang()?;
    let target = target_dir().join("peers");
    let mut build = cargo(&["build", "--release", "-p", "lsmer-bench"]);
    build.args(["--features", "peers,jemalloc"]).arg("--target-dir").arg(&target);
    if cfg!(target_arch = "x86_64") {
        command::append_flags(&mut build, "RUSTFLAGS", RUST);
        for variable in ["CFLAGS", "CXXFLAGS"] {
            command::append_flags(&mut build, variable, C);
        }
    }
    command::run(&mut build)?;
    let mut program = Command::new(target.join("release/lsmer-bench"));
    command::run(program.current_dir(root()).args(words(args)))
}

/// Puts the command before arguments that have none.
fn words<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let has_command = args.first().is_some_and(|first| !first.starts_with('-'));
    let command = if has_command { None } else { Some("matrix") };
    command.into_iter().chain(args.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_without_a_command_are_those_of_the_matrix() {
        assert_eq!(words(&[]), ["matrix"]);
        assert_eq!(words(&["--rounds", "5"]), ["matrix", "--rounds", "5"]);
        assert_eq!(words(&["list"]), ["list"]);
    }
}
