//! Child processes: they run in the checkout's root and inherit its standard streams.

use std::{
    env,
    ffi::OsString,
    path::PathBuf,
    process::{Command, Stdio},
};

/// What a step returns: nothing, or one line that says what went wrong.
pub(crate) type Outcome = Result<(), String>;

/// Returns the checkout's root: the folder above this package.
///
/// Cargo says where the package is when it runs it; a binary that was started without cargo falls
/// back to where it was built.
pub(crate) fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().expect("the package is a folder in the checkout").to_path_buf()
}

/// Returns the folder that cargo builds into.
pub(crate) fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Makes a cargo command that runs in the checkout's root; what tests count goes to the folder of
/// [`reliability`](crate::reliability), unless `LSMER_FIGURES` names another.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.args(args).current_dir(root());
    if env::var_os("LSMER_FIGURES").is_none() {
        command.env("LSMER_FIGURES", crate::reliability::folder());
    }
    command
}

/// Runs a command to its end. Blocks on it.
///
/// # Errors
/// Says which command could not start or did not succeed.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|e| format!("cannot start `{}`: {e}", line(command)))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` failed: {status}", line(command))) }
}

/// Runs a command to its end and returns what it wrote to its standard output.
///
/// # Errors
/// As [`run`].
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("cannot start `{}`: {e}", line(command)))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("`{}` failed: {}", line(command), output.status))
    }
}

/// Returns whether a program is there and answers `args` with success, silently.
pub(crate) fn answers(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Adds words to a variable that cargo splits at spaces, such as `RUSTFLAGS`.
pub(crate) fn append_flags(command: &mut Command, name: &str, flags: &str) {
    let flags = match env::var(name) {
        Ok(old) if !old.is_empty() => format!("{old} {flags}"),
        _ => flags.to_owned(),
    };
    command.env(name, flags);
}

/// Renders a command as one would type it, without its environment.
fn line(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let mut words = vec![program.file_name().unwrap_or_default().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_holds_the_workspace_manifest() {
        assert!(root().join("Cargo.toml").is_file());
        assert!(root().join("xtask").is_dir());
    }

    #[test]
    fn a_failing_command_is_named() {
        let error = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert!(error.starts_with("`sh -c exit 3` failed"), "{error}");
    }

    #[test]
    fn a_missing_program_does_not_answer() {
        assert!(!answers("no-such-program-here", &[]));
    }
}
