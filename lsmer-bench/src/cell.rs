//! One measurement: a workload on an engine.

use std::fmt;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::{numbers::float, outcome::Outcome};

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// The engine.
    pub engine: String,
    /// The workload.
    pub workload: String,
    /// What is counted.
    pub unit: String,
    /// Threads.
    pub threads: u64,
    /// Records of the database.
    pub records: u64,
    /// The figures, by name: see [`FIGURES`].
    pub figures: Vec<(String, f64)>,
}

/// The figures that a cell may have, and what they are.
pub const FIGURES: &[(&str, &str)] = &[
    ("rate", "units a second of wall-clock time"),
    ("units", "how many"),
    ("seconds", "wall-clock time of the loop"),
    ("p50_ns", "median latency of a call, nanoseconds"),
    ("p99_ns", "99th percentile"),
    ("p999_ns", "99.9th percentile"),
    ("max_ns", "longest call"),
    ("cpu_seconds", "processor time of the loop and of the background work it left"),
    ("cpu_us_per_unit", "the same in microseconds for each unit"),
    ("peak_rss_bytes", "most resident memory of the process"),
    ("disk_bytes", "blocks of the folder's files when background work was done"),
    ("user_bytes", "keys and values written by the loop"),
    ("written_bytes", "write_bytes of /proc/self/io: whole pages, log and tables"),
    ("write_amplification", "written_bytes / user_bytes"),
    ("settle_seconds", "how long background work went on"),
    ("open_seconds", "how long opening took"),
    ("files", "files of the database"),
    ("writes_per_second", "what the writer beside the readers achieved"),
];

impl Cell {
    /// Returns a figure.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|(known, _)| known == name).map(|(_, figure)| *figure)
    }

    /// Adds a figure.
    pub fn add(&mut self, name: &str, figure: f64) {
        debug_assert!(FIGURES.iter().any(|(known, _)| *known == name), "{name}");
        self.figures.push((name.to_owned(), figure));
    }

    /// Adds what a histogram of nanoseconds says.
    pub fn add_latencies(&mut self, latencies: &Histogram<u64>) {
        for (name, quantile) in [("p50_ns", 0.5), ("p99_ns", 0.99), ("p999_ns", 0.999)] {
            self.add(name, float(latencies.value_at_quantile(quantile)));
        }
        self.add("max_ns", float(latencies.max()));
    }

    /// Returns it as JSON.
    pub fn to_json(&self) -> Value {
        let figures: serde_json::Map<String, Value> =
            self.figures.iter().map(|(name, figure)| (name.clone(), json!(figure))).collect();
        json!({
            "engine": self.engine,
            "workload": self.workload,
            "unit": self.unit,
            "threads": self.threads,
            "records": self.records,
            "figures": figures,
        })
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// Something is missing.
    pub fn of_json(json: &Value) -> Outcome<Self> {
        let text = |name: &str| Some(json.get(name)?.as_str()?.to_owned());
        let count = |name: &str| json.get(name)?.as_u64();
        let read = || {
            let figures = json.get("figures")?.as_object()?;
            Some(Self {
                engine: text("engine")?,
                workload: text("workload")?,
                unit: text("unit")?,
                threads: count("threads")?,
                records: count("records")?,
                figures: figures
                    .iter()
                    .map(|(name, figure)| Some((name.clone(), figure.as_f64()?)))
                    .collect::<Option<_>>()?,
            })
        };
        Ok(read().ok_or("not a cell of lsmer-bench")?)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, workload, threads, records, .. } = self;
        writeln!(f, "{engine} {workload}, {threads} threads, {records} records")?;
        for (name, about) in FIGURES {
            if let Some(figure) = self.figure(name) {
                let digits = if figure < 100.0 { 3 } else { 0 };
                writeln!(f, "{figure:>16.digits$}  {name:<20} {about}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_comes_back_from_json() {
        let mut cell = Cell { engine: "lsmer".into(), threads: 2, ..Cell::default() };
        cell.add("p50_ns", 1234.5);
        cell.add("rate", 2.0);
        let read = Cell::of_json(&cell.to_json()).unwrap();
        assert_eq!(read.figure("rate"), Some(2.0));
        assert_eq!(read.figure("p50_ns"), Some(1234.5));
        assert_eq!((read.engine, read.threads), (cell.engine, 2));
        assert!(Cell::of_json(&json!({"engine": "lsmer"})).is_err());
    }

    #[test]
    fn latencies_become_figures() {
        let mut latencies = crate::drive::latencies();
        for nanos in 1..=1000 {
            latencies.record(nanos).unwrap();
        }
        let mut cell = Cell::default();
        cell.add_latencies(&latencies);
        assert_eq!(cell.figure("p50_ns"), Some(500.0));
        assert_eq!(cell.figure("p999_ns"), Some(999.0));
        assert_eq!(cell.figure("max_ns"), Some(1000.0));
    }
}
