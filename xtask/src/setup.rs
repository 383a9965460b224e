//! Set-up: what must be on the machine before anything is built.

use std::process::Command;

use crate::command::{self, Outcome};

/// Checks for a C compiler (some dependencies are C, and it links) and for cargo's components.
///
/// A missing C compiler is installed when this runs as root on a machine with `apt-get`.
///
/// # Errors
/// Says what to install.
pub(crate) fn check() -> Outcome {
    c_compiler()?;
    for (component, args) in
        [("rustfmt", ["fmt", "--version"]), ("clippy", ["clippy", "--version"])]
    {
        command::output(&mut command::cargo(&args))
            .map_err(|_| format!("no {component}: run `rustup component add {component}`"))?;
    }
    Ok(())
}

fn c_compiler() -> Outcome {
    ensure("cc", "--version", &["gcc", "libc6-dev"])
}

/// Checks for a C++ compiler, which only the fuzzers need, and installs one as [`check`] does.
///
/// # Errors
/// Says what to install.
pub(crate) fn cxx_compiler() -> Outcome {
    ensure("c++", "--version", &["g++"])
}

/// Checks for valgrind, which only the counts of instructions need, and installs it as [`check`] does.
///
/// # Errors
/// Says what to install.
pub(crate) fn valgrind() -> Outcome {
    ensure("valgrind", "--version", &["valgrind"])
}

/// Checks for clang and its library, which only the binding of RocksDB needs, and installs both as
/// [`check`] does. Where clang is, the library is taken for there.
///
/// # Errors
/// Says what to install.
pub(crate) fn libclang() -> Outcome {
    ensure("clang", "--version", &["clang", "libclang-dev"])
}

/// Checks that a program answers; if not, installs packages as root on a machine with `apt-get`.
///
/// # Errors
/// Says what to install.
pub(crate) fn ensure(program: &str, version: &str, packages: &[&str]) -> Outcome {
    if command::answers(program, &[version]) {
        return Ok(());
    }
    let install = format!("apt-get install {}", packages.join(" "));
    let advice = format!("no `{program}`: install it, for instance with `{install}`");
    if !is_root() || !command::answers("apt-get", &["--version"]) {
        return Err(advice);
    }
    println!("no `{program}`: {install}");
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    command::run(apt().arg("update"))?;
    command::run(apt().args(["install", "-y"]).args(packages))?;
    if command::answers(program, &[version]) { Ok(()) } else { Err(advice) }
}

fn is_root() -> bool {
    command::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
