//! The list of all mutants: the table of `docs/testkit/mutants.md`.

const TABLE: &str = include_str!("../../../docs/testkit/mutants.md");

/// What may notice a mutant.
pub(crate) const DETECTORS: [&str; 13] = [
    "lock", "versions", "model", "reckless", "flips", "faults", "crash", "cache", "filter",
    "memtable", "table", "strategy", "log",
];

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mutant {
    /// What the code knows it by.
    pub(crate) name: &'static str,
    /// The detector that is tried first.
    pub(crate) detector: &'static str,
}

/// Returns all mutants.
pub(crate) fn all() -> Vec<Mutant> {
    let (_, list) = TABLE.split_once("## The list").expect("it has a list");
    let rows = list.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    rows.map(mutant).collect()
}

fn mutant(row: &'static str) -> Mutant {
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    let [name, breaks, _known_as, detector] = cells[..] else { panic!("four cells: {row}") };
    assert!(!breaks.is_empty() && !detector.is_empty(), "an empty cell: {row}");
    let name = name.strip_suffix('`').unwrap_or_else(|| panic!("a name in backquotes: {row}"));
    Mutant { name, detector }
}
