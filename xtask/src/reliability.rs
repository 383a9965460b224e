//! What the tests of reliability counted, put together: `target/reliability.json`.
//!
//! Each heavy test leaves a file of lines `name.count value` in the folder that `LSMER_FIGURES`
//! names. The suite clears the folder before its tests and reads it at its end: a count that is
//! below its floor fails, so that a suite cannot quietly shrink.

use std::{collections::BTreeMap, fmt::Write as _, fs, io::ErrorKind, path::PathBuf};

use crate::command::{self, Outcome};

/// All counts, by name.
pub(crate) type Figures = BTreeMap<String, u64>;

/// A number that has to be reached.
struct Floor {
    what: &'static str,
    /// Counts that are added up.
    counts: &'static [&'static str],
    least: u64,
}

const FLOORS: &[Floor] = &[
    Floor {
        what: "disks after a crash",
        counts: &["crash-1.states", "crash-2.states", "subsets.states"],
        least: 200_000,
    },
    Floor {
        what: "disks after a second crash",
        counts: &["crash-1.twice", "crash-2.twice"],
        least: 20_000,
    },
    Floor {
        what: "mutated inputs of parsers and engines",
        counts: &[
            "fuzz-batch.mutations",
            "fuzz-block.mutations",
            "fuzz-filter.mutations",
            "fuzz-table.mutations",
            "fuzz-manifest.mutations",
            "fuzz-log.mutations",
            "fuzz-engine.mutations",
            "fuzz-crash.mutations",
        ],
        least: 700_000,
    },
    Floor { what: "runs against a model", counts: &["model-1.runs", "model-2.runs"], least: 3_000 },
    Floor {
        what: "kills of real processes",
        counts: &["kill-process.kills", "kill-sync.kills"],
        least: 300,
    },
    Floor {
        what: "schedules of a small engine",
        counts: &[
            "shuttle-duel.schedules",
            "shuttle-small.schedules",
            "shuttle-rolling.schedules",
            "shuttle-large.schedules",
        ],
        least: 100_000,
    },
    Floor { what: "models, tried in every order", counts: &["loom.exhaustive"], least: 8 },
    Floor { what: "orders of models", counts: &["loom.executions"], least: 300_000 },
    Floor {
        what: "weakened twins, found",
        counts: &["loom.twins", "shuttle-twins.found"],
        least: 40,
    },
    Floor { what: "planted mistakes noticed", counts: &["mutants.killed"], least: 100 },
    Floor { what: "pairs of features, of 21", counts: &["crash-1.feature_pairs"], least: 21 },
    Floor {
        what: "broken parts that were caught",
        counts: &[
            "part-mutants-cache.killed",
            "part-mutants-exec.killed",
            "part-mutants-filter.killed",
            "part-mutants-memtable.killed",
            "part-mutants-strategy.killed",
            "part-mutants-table.killed",
            "part-mutants-vfs.killed",
            "part-mutants-wal.killed",
        ],
        least: 131,
    },
];

/// Returns the folder for figures.
pub(crate) fn folder() -> PathBuf {
    command::target_dir().join("figures")
}

/// Forgets the figures of earlier runs.
///
/// # Errors
/// The folder cannot be emptied.
pub(crate) fn clear() -> Outcome {
    let folder = folder();
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(format!("{}: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Puts the figures together, writes `target/reliability.json`, and prints what has a floor.
///
/// # Errors
/// A count is below its floor; a file cannot be read or written.
pub(crate) fn report() -> Outcome {
    let figures = read()?;
    let file = command::target_dir().join("reliability.json");
    fs::write(&file, json(&figures)).map_err(|e| format!("{}: {e}", file.display()))?;
    let mut low = Vec::new();
    for Floor { what, counts, least } in FLOORS {
        let sum = counts.iter().filter_map(|count| figures.get(*count)).sum::<u64>();
        println!("{sum:>10} {what} (at least {least})");
        if sum < *least {
            low.push(*what);
        }
    }
    println!("{}", file.display());
    if low.is_empty() { Ok(()) } else { Err(format!("too few {}", low.join(", too few "))) }
}

/// Reads all figures; none if no test left any.
///
/// # Errors
/// A file cannot be read, or holds something else.
pub(crate) fn read() -> Result<Figures, String> {
    let folder = folder();
    let mut figures = Figures::new();
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(figures),
        entries => entries.map_err(|e| format!("{}: {e}", folder.display()))?,
    };
    for entry in entries {
        let path = entry.map_err(|e| format!("{}: {e}", folder.display()))?.path();
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        for line in text.lines() {
            let (name, value) = parse(line).ok_or_else(|| format!("{}: {line}", path.display()))?;
            *figures.entry(name.to_owned()).or_default() += value;
        }
    }
    Ok(figures)
}

fn parse(line: &str) -> Option<(&str, u64)> {
    let (name, value) = line.split_once(' ')?;
    Some((name, value.parse().ok()?))
}

fn json(figures: &Figures) -> String {
    let mut text = String::from("{");
    for (at, (name, value)) in figures.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(text, "{comma}\n  \"{name}\": {value}").expect("a string takes all");
    }
    text.push_str("\n}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_lines_of_a_name_and_a_number() {
        assert_eq!(parse("crash-1.states 17"), Some(("crash-1.states", 17)));
        assert_eq!(parse("crash-1.states"), None);
        assert_eq!(parse("crash-1.states x"), None);
    }

    #[test]
    fn figures_are_written_as_one_object() {
        let figures = [("a.b", 1), ("a.c", 2)].map(|(name, value)| (name.to_owned(), value));
        assert_eq!(json(&figures.into()), "{\n  \"a.b\": 1,\n  \"a.c\": 2\n}\n");
        assert_eq!(json(&Figures::new()), "{\n}\n");
    }
}
