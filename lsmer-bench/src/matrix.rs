//! Many cells, each in a child process; engines in turn, round after round, so that what disturbs
//! the machine meets all of them.

use std::{fs, path::Path, process::Command};

use crate::{
    cell::Cell,
    outcome::{Outcome, Unsupported, ensure},
    workload,
};

/// What is measured.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Names of engines.
    pub engines: Vec<String>,
    /// Names of workloads, and threads where they are not to be those of the workload.
    pub workloads: Vec<(String, Option<u64>)>,
    /// How often each cell is measured.
    pub rounds: u32,
    /// Records of the databases, before workloads divide them.
    pub records: u64,
    /// Length of loops that are bound by time.
    pub seconds: f64,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// What was measured, in the order of workloads.
    pub cells: Vec<Cell>,
    /// Cells that failed: engine and workload.
    pub failed: Vec<String>,
}

/// Reads a workload of the command line: `NAME` or `NAME:THREADS`.
///
/// # Errors
///
/// There is no such workload, or the threads are no number above 0.
pub fn workload_of(text: &str) -> Outcome<(String, Option<u64>)> {
    let (name, threads) = match text.split_once(':') {
        Some((name, threads)) => (name, Some(threads.parse()?)),
        None => (text, None),
    };
    ensure(threads != Some(0), || format!("`{text}`: no threads"))?;
    workload::find(name)?;
    Ok((name.to_owned(), threads))
}

impl Matrix {
    /// Measures all cells; `program` is started for each, and makes its databases in `dir`. `tell`
    /// hears of progress. A cell that fails is noted, and the others are measured.
    ///
    /// # Errors
    ///
    /// The folder cannot be used.
    pub fn measure(
        &self,
        program: &Path,
        dir: &Path,
        tell: &mut dyn FnMut(&str),
    ) -> Outcome<Outcomes> {
        let mut outcomes = Outcomes::default();
        let cells = self.workloads.len() * self.engines.len();
        for (at, (name, threads)) in self.workloads.iter().enumerate() {
            for round in 0..self.rounds {
                for turn in 0..self.engines.len() {
                    // Another engine is first in every round.
                    let engine = &self.engines[(turn + round as usize) % self.engines.len()];
                    let mut command = self.command(program, dir, engine, (name, *threads));
                    let place = at * self.engines.len() + turn + 1;
                    let label = format!("round {}, {place}/{cells}: {engine} {name}", round + 1);
                    match cell(&mut command, &dir.join("cell.json")) {
                        Ok(None) => tell(&format!("{label}: not supported")),
                        Ok(Some(cell)) => {
                            let rate = crate::report::short(cell.figure("rate").unwrap_or(0.0));
                            tell(&format!("{label}: {rate} {}/s", cell.unit));
                            outcomes.cells.push(cell);
                        }
                        Err(error) => {
                            tell(&format!("{label}: {error}"));
                            outcomes.failed.push(format!("{engine} {name}"));
                        }
                    }
                }
            }
        }
        Ok(outcomes)
    }

    fn command(
        &self,
        program: &Path,
        dir: &Path,
        engine: &str,
        (workload, threads): (&str, Option<u64>),
    ) -> Command {
        let mut command = Command::new(program);
        command.args(["run", "--engine", engine, "--workload", workload]);
        command.args(["--records", &self.records.to_string()]);
        command.args(["--seconds", &self.seconds.to_string()]);
        if let Some(threads) = threads {
            command.args(["--threads", &threads.to_string()]);
        }
        command.arg("--dir").arg(dir).arg("--stores").arg(dir.join("stores"));
        command.arg("--json").arg(dir.join("cell.json"));
        command
    }
}

/// Runs a cell; `None`: the engine cannot do that.
fn cell(command: &mut Command, json: &Path) -> Outcome<Option<Cell>> {
    let output = command.output()?;
    if output.status.code() == Some(i32::from(Unsupported::STATUS)) {
        return Ok(None);
    }
    ensure(output.status.success(), || {
        String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")
    })?;
    Ok(Some(Cell::of_json(&serde_json::from_slice(&fs::read(json)?)?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_may_bring_its_threads() {
        assert_eq!(workload_of("fillseq").unwrap(), ("fillseq".to_owned(), None));
        assert_eq!(workload_of("fillseq:4").unwrap(), ("fillseq".to_owned(), Some(4)));
        for wrong in ["fill", "fillseq:", "fillseq:0", "fillseq:many"] {
            assert!(workload_of(wrong).is_err(), "{wrong}");
        }
    }
}
