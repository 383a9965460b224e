//! The suite: what `cargo xtask test` runs, in order, cheapest first.
//!
//! The whole of it is to stay within 12 minutes on two cores, builds included.

use std::{collections::BTreeSet, fs};

use crate::{
    command::{self, Outcome, cargo},
    models, mutants, perf, reliability,
    sanitize::{self, Sanitizer},
    setup,
    steps::Step,
    stranger, tidy,
};

/// The front door, whose examples are run.
const FRONT_DOOR: &str = "lsmer";

/// Returns the steps that find most mistakes: everything up to the tests.
pub(crate) fn quick() -> Vec<Step> {
    vec![
        Step::new("set-up", || setup::check().and_then(|()| reliability::clear())),
        cargo_step("format", &["fmt", "--all", "--check"]),
        cargo_step("clippy", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        Step::new("tidy", tidy::check),
        cargo_step("tests", &["test", "--workspace", "--all-targets"]),
    ]
}

/// Returns all steps.
pub(crate) fn full() -> Vec<Step> {
    let mut steps = quick();
    steps.push(cargo_step("doc tests", &["test", "--workspace", "--doc"]));
    steps.push(Step::new("examples", examples));
    steps.push(Step::new("stranger", stranger::check));
    steps.push(Step::new("documentation", documentation));
    steps.push(Step::new("models", models::loom));
    steps.push(Step::new("schedules", models::shuttle));
    steps.push(Step::new("mutants", || mutants::kill("")));
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        steps.push(Step::new("instructions", || perf::check("")));
        steps.push(Step::new("address sanitizer", || sanitize::run(Sanitizer::Address, &[])));
        steps.push(Step::new("thread sanitizer", || sanitize::run(Sanitizer::Thread, &[])));
    }
    steps.push(Step::new("reliability", reliability::report));
    steps
}

/// Runs the benchmarks; `args` go to `cargo bench`.
///
/// # Errors
/// A benchmark does not build or fails.
pub(crate) fn bench(args: &[&str]) -> Outcome {
    let mut command = cargo(&["bench", "--benches"]);
    if !args.iter().any(|arg| arg.starts_with("-p") || arg.starts_with("--package")) {
        command.arg("--workspace");
    }
    command::run(command.args(args))
}

fn cargo_step(name: &str, args: &'static [&'static str]) -> Step {
    Step::new(name, move || command::run(&mut cargo(args)))
}

/// Runs every example of the front door: `examples/<name>.rs` and `examples/<name>/main.rs`.
fn examples() -> Outcome {
    let folder = command::root().join(FRONT_DOOR).join("examples");
    if !folder.is_dir() {
        println!("no examples");
        return Ok(());
    }
    let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut names = BTreeSet::new();
    for entry in entries {
        let path = entry.map_err(|e| format!("{}: {e}", folder.display()))?.path();
        let is_example =
            path.extension().is_some_and(|ext| ext == "rs") || path.join("main.rs").is_file();
        if let (true, Some(stem)) = (is_example, path.file_stem()) {
            names.insert(stem.to_string_lossy().into_owned());
        }
    }
    for name in names {
        println!("--> example {name}");
        command::run(&mut cargo(&["run", "--quiet", "-p", FRONT_DOOR, "--example", &name]))?;
    }
    Ok(())
}

fn documentation() -> Outcome {
    let mut command = cargo(&["doc", "--workspace", "--no-deps"]);
    command::append_flags(&mut command, "RUSTDOCFLAGS", "-D warnings");
    command::run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(steps: &[Step]) -> Vec<&str> {
        steps.iter().map(|step| step.name.as_str()).collect()
    }

    #[test]
    fn the_quick_suite_is_the_beginning_of_the_full_one() {
        let (quick, full) = (quick(), full());
        assert!(names(&full).starts_with(&names(&quick)));
        assert!(full.len() > quick.len());
    }
}
