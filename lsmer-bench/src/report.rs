//! What the cells of a matrix say together: for each workload and engine the median of its rounds,
//! and how lsmer compares with each peer.

pub mod markdown;
pub mod svg;

use crate::cell::Cell;

/// The engine that the others are compared with.
pub const OURS: &str = "lsmer";

/// The middle of several measurements, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The lowest.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
}

impl Spread {
    /// Summarizes figures; `None` if there are none.
    pub fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_by(f64::total_cmp);
        let (lowest, highest) = (*figures.first()?, *figures.last()?);
        let (lower, upper) = (figures[(figures.len() - 1) / 2], figures[figures.len() / 2]);
        Some(Self { median: f64::midpoint(lower, upper), lowest, highest })
    }
}

/// A workload with a number of threads: a line of the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The workload.
    pub workload: String,
    /// What is counted.
    pub unit: String,
    /// Threads.
    pub threads: u64,
    /// Records of the database.
    pub records: u64,
}

/// All cells of a matrix.
#[derive(Clone, Debug)]
pub struct Report {
    cells: Vec<Cell>,
    /// The engines, ours first.
    pub engines: Vec<String>,
    /// The lines, in the order of the cells.
    pub lines: Vec<Line>,
}

impl Report {
    /// Puts cells together.
    pub fn new(cells: Vec<Cell>) -> Self {
        let mut engines: Vec<String> = Vec::new();
        let mut lines: Vec<Line> = Vec::new();
        for cell in &cells {
            if !engines.contains(&cell.engine) {
                engines.push(cell.engine.clone());
            }
            let line = Line {
                workload: cell.workload.clone(),
                unit: cell.unit.clone(),
                threads: cell.threads,
                records: cell.records,
            };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        engines.sort_by_key(|engine| engine != OURS);
        Self { cells, engines, lines }
    }

    /// Returns the engines that ours is compared with.
    pub fn peers(&self) -> impl Iterator<Item = &str> {
        self.engines.iter().map(String::as_str).filter(|engine| *engine != OURS)
    }

    /// Returns a figure of an engine in a line.
    pub fn spread(&self, line: &Line, engine: &str, figure: &str) -> Option<Spread> {
        let same = |cell: &&Cell| {
            cell.engine == engine
                && cell.workload == line.workload
                && cell.threads == line.threads
                && cell.records == line.records
        };
        let cells = self.cells.iter().filter(same);
        Spread::of(cells.filter_map(|cell| cell.figure(figure)).collect())
    }

    /// Returns how many times as fast as a peer ours is.
    pub fn ratio(&self, line: &Line, peer: &str) -> Option<f64> {
        let ours = self.spread(line, OURS, "rate")?.median;
        let theirs = self.spread(line, peer, "rate")?.median;
        (theirs > 0.0).then(|| ours / theirs)
    }
}

/// Writes a number with three digits and k, M or G.
pub fn short(number: f64) -> String {
    let (scaled, suffix) = match number.abs() {
        size if size >= 1e9 => (number / 1e9, "G"),
        size if size >= 1e6 => (number / 1e6, "M"),
        size if size >= 1e3 => (number / 1e3, "k"),
        _ => (number, ""),
    };
    let digits = match scaled.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    format!("{scaled:.digits$}{suffix}")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two rounds of two engines.
    pub(crate) fn example() -> Report {
        let cell = |engine: &str, rate: f64| {
            let mut cell = Cell {
                engine: engine.into(),
                workload: "fillseq".into(),
                unit: "rows".into(),
                threads: 1,
                records: 10,
                ..Cell::default()
            };
            cell.add("rate", rate);
            cell.add("p50_ns", 1500.0);
            cell
        };
        let rates = [("fjall", 1000.0), ("lsmer", 4000.0), ("fjall", 3000.0), ("lsmer", 6000.0)];
        Report::new(rates.map(|(engine, rate)| cell(engine, rate)).into())
    }

    #[test]
    fn a_spread_has_the_median_and_both_ends() {
        let spread = |figures: &[f64]| Spread::of(figures.to_vec());
        let odd = Spread { median: 2.0, lowest: 1.0, highest: 9.0 };
        assert_eq!(spread(&[9.0, 1.0, 2.0]), Some(odd));
        assert_eq!(spread(&[4.0, 2.0]).unwrap().median.to_bits(), 3.0_f64.to_bits());
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn medians_are_compared_with_each_peer() {
        let report = example();
        assert_eq!(report.engines, ["lsmer", "fjall"]);
        assert_eq!(report.peers().collect::<Vec<_>>(), ["fjall"]);
        assert_eq!(report.lines.len(), 1);
        assert_eq!(report.ratio(&report.lines[0], "fjall"), Some(2.5));
        assert_eq!(report.ratio(&report.lines[0], "redb"), None);
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.5, 12.34, 99.96, 1234.0, 999_999.0, 2.5e9];
        assert_eq!(numbers.map(short), ["0.50", "12.3", "100", "1.23k", "1000k", "2.50G"]);
    }
}
