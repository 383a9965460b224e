//! What a run counted: printed, and kept for the report of a whole suite.

#![expect(clippy::print_stdout, reason = "how much was checked is worth knowing")]

use std::{env, fmt::Write as _, fs, path::Path};

/// The folder for figures; where it is not set, they are only printed.
const FOLDER: &str = "LSMER_FIGURES";

/// Prints what a run counted, and writes it to the file `name` in the folder that `LSMER_FIGURES`
/// names, if it does: one line `name.count value` for each. Blocks on I/O.
///
/// `cargo xtask test` puts the figures of all runs together in `target/reliability.json`.
///
/// # Panics
///
/// If the folder cannot be written.
pub fn figures(name: &str, counts: &[(&str, u64)]) {
    let mut text = String::new();
    for (count, value) in counts {
        writeln!(text, "{name}.{count} {value}").expect("a string takes all");
    }
    print!("{text}");
    if let Some(folder) = env::var_os(FOLDER) {
        let file = Path::new(&folder).join(name);
        let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&file, text));
        written.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
}
