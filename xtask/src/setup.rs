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
    if command::answers("cc", &["--version"]) {
        return Ok(());
    }
    let advice = "no C compiler `cc`: install one, for instance with `apt-get install gcc`";
    if !is_root() || !command::answers("apt-get", &["--version"]) {
        return Err(advice.to_owned());
    }
    println!("no C compiler `cc`: installing gcc");
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    command::run(apt().arg("update"))?;
    command::run(apt().args(["install", "-y", "gcc", "libc6-dev"]))?;
    if command::answers("cc", &["--version"]) { Ok(()) } else { Err(advice.to_owned()) }
}

fn is_root() -> bool {
    command::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
