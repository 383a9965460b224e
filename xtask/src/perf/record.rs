//! The two files in `perf`: counts, which are compared, and the functions that make them up, which
//! explain a difference, in a check as in a review.

use std::{fs, path::PathBuf};

use super::profile::Profile;
use crate::command::{self, Outcome};

/// A function with less than this part of an operation is not recorded.
pub(crate) const WORTH_NAMING: f64 = 0.01;

const HEADER: &str = "\
# Instructions per operation, as callgrind counts them: see xtask/src/perf.rs for how and why, and
# lsmer-micro/src/bin/instructions for the operations. `cargo xtask perf-check --bless` writes it;
# it is committed with the change that moves it. perf/functions.txt tells who takes them.
";

/// What operations took, with which compiler.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    /// What `rustc --version` says.
    pub(crate) compiler: String,
    /// Operations by name.
    pub(crate) operations: Vec<(String, Profile)>,
}

impl Record {
    /// Reads what is recorded.
    ///
    /// # Errors
    /// The files are not there, or not as they are written.
    pub(crate) fn read() -> Result<Self, String> {
        let [counts, functions] = paths()
            .map(|path| fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display())));
        Self::parse(&counts?, &functions?)
    }

    /// Writes both files.
    ///
    /// # Errors
    /// They cannot be written.
    pub(crate) fn write(&self) -> Outcome {
        let (counts, functions) = self.render();
        for (path, text) in paths().iter().zip([counts, functions]) {
            fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))?;
        }
        Ok(())
    }

    /// Returns the operations with `filter` in their names.
    pub(crate) fn only(&self, filter: &str) -> Self {
        let mut some = self.clone();
        some.operations.retain(|(name, _)| name.contains(filter));
        some
    }

    /// Returns what an operation took.
    pub(crate) fn operation(&self, name: &str) -> Option<&Profile> {
        self.operations.iter().find(|(known, _)| known == name).map(|(_, profile)| profile)
    }

    fn parse(counts: &str, functions: &str) -> Result<Self, String> {
        let mut record = Self { compiler: String::new(), operations: Vec::new() };
        for line in counts.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, value)) = line.split_once(" = ") else { continue };
            if name == "compiler" {
                value.trim_matches('"').clone_into(&mut record.compiler);
                continue;
            }
            let total =
                value.parse().map_err(|e| format!("perf/instructions.toml: {line}: {e}"))?;
            let functions = functions_of(name, functions)?;
            record.operations.push((name.to_owned(), Profile { total, functions }));
        }
        Ok(record)
    }

    fn render(&self) -> (String, String) {
        let compiler = &self.compiler;
        let mut counts = vec![format!("{HEADER}compiler = \"{compiler}\"\n\n[instructions]\n")];
        let mut functions = Vec::new();
        for (name, profile) in &self.operations {
            counts.push(format!("{name} = {:.1}\n", profile.total));
            functions.push(format!("{name}\n"));
            let worth = |cost: f64| cost >= profile.total * WORTH_NAMING;
            let largest = profile.functions.iter().filter(|(_, cost)| worth(*cost));
            functions.extend(largest.map(|(name, cost)| format!("  {cost:10.1} {name}\n")));
        }
        (counts.concat(), functions.concat())
    }
}

fn paths() -> [PathBuf; 2] {
    let folder = command::root().join("perf");
    [folder.join("instructions.toml"), folder.join("functions.txt")]
}

/// Reads the indented lines that follow an operation's name.
fn functions_of(name: &str, text: &str) -> Result<Vec<(String, f64)>, String> {
    let mine = text.lines().skip_while(|line| *line != name).skip(1);
    mine.take_while(|line| line.starts_with(' '))
        .map(|line| {
            let (cost, function) = line.trim().split_once(' ').unwrap_or_default();
            let cost = cost.parse().map_err(|e| format!("perf/functions.txt: {line}: {e}"))?;
            Ok((function.to_owned(), cost))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let profile = |functions: &[(&str, f64)]| Profile {
            total: functions.iter().map(|(_, cost)| cost).sum(),
            functions: functions.iter().map(|(name, cost)| ((*name).to_owned(), *cost)).collect(),
        };
        let record = Record {
            compiler: "rustc 1.0 (abc 2026-01-01)".to_owned(),
            operations: vec![
                ("get".to_owned(), profile(&[("<A as B<C, D>>::get", 1000.5), ("memcmp", 100.0)])),
                ("get-absent".to_owned(), profile(&[("probe", 7.0)])),
                // More than ten characters: the line is indented nevertheless.
                ("open-absent".to_owned(), profile(&[("search", 123_456_789.5)])),
            ],
        };
        let (counts, functions) = record.render();
        assert_eq!(Record::parse(&counts, &functions).unwrap(), record);
        assert_eq!(record.only("absent").operations, record.operations[1..]);
    }

    #[test]
    fn functions_that_take_little_are_not_recorded() {
        let functions = vec![("much".to_owned(), 995.0), ("little".to_owned(), 5.0)];
        let operations = vec![("get".to_owned(), Profile { total: 1000.0, functions })];
        let record = Record { compiler: String::new(), operations };
        let (_, functions) = record.render();
        assert!(functions.contains("much") && !functions.contains("little"), "{functions}");
    }
}
