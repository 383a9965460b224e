//! `lsmer simulate`: what compaction strategies would cost, side by side, without a database.

use std::{fmt::Write, fs, path::PathBuf};

use clap::{Args, ValueEnum};
use lsmer::parts::{
    LazyLeveled, Leveled, Tiered,
    core::CompactionStrategy,
    simulate::{Choice, Report, Setup, Workload, picture, simulate},
};

use crate::{
    failure::{Failure, Outcome},
    output::Output,
};

/// What to simulate.
#[derive(Args, Debug)]
pub(crate) struct Simulation {
    /// A strategy; may be said several times [default: all]
    #[arg(long, value_enum)]
    strategy: Vec<Strategy>,
    /// How keys are chosen
    #[arg(long, value_enum, default_value_t = Keys::Uniform)]
    workload: Keys,
    /// The skew of zipf
    #[arg(long, default_value_t = 0.99, value_parser = positive)]
    theta: f64,
    /// How many keys there are, as 5000, 200K, 10M or 1G
    #[arg(long, default_value = "10M", value_parser = number)]
    keys: u64,
    /// How many writes are made
    #[arg(long, default_value = "100M", value_parser = number)]
    writes: u64,
    /// Which part of the writes deletes, 0 to 1
    #[arg(long, default_value_t = 0.0, value_parser = part)]
    deletes: f64,
    /// Write every key once before; those writes do not count
    #[arg(long)]
    loaded: bool,
    /// Size of a key in bytes
    #[arg(long, default_value_t = 16)]
    key_bytes: u64,
    /// Size of a value in bytes
    #[arg(long, default_value_t = 100)]
    value_bytes: u64,
    /// Size of a memtable in MiB
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..1 << 20))]
    memtable: u64,
    /// Size of a table in MiB
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..1 << 20))]
    table: u64,
    /// What a stored byte of keys and values takes: below 1 if it compresses
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    stored: f64,
    /// Draw the tree over time into this file; with one strategy only
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Strategy {
    /// One run per level, each ten times the one above
    Leveled,
    /// Tiers above one large run
    LazyLeveled,
    /// Runs of similar size are merged
    Tiered,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Keys {
    /// All keys alike
    Uniform,
    /// Few keys often, most of them seldom
    Zipf,
    /// Always new ones, behind all others
    Ascending,
}

impl Strategy {
    fn make(self) -> Box<dyn CompactionStrategy> {
        match self {
            Self::Leveled => Box::new(Leveled::default()),
            Self::LazyLeveled => Box::new(LazyLeveled::default()),
            Self::Tiered => Box::new(Tiered::default()),
        }
    }
}

pub(super) fn run(simulation: &Simulation) -> Outcome {
    let all = Strategy::value_variants();
    let chosen = if simulation.strategy.is_empty() { all } else { &simulation.strategy };
    if simulation.svg.is_some() && chosen.len() != 1 {
        return Err(Failure::Usage("a picture shows one tree: say one --strategy".to_owned()));
    }
    let (setup, workload) = (simulation.setup(), simulation.workload());
    let mut reports = Vec::new();
    for strategy in chosen {
        let report = simulate(&*strategy.make(), &setup, &workload);
        reports.push(report.map_err(|stuck| Failure::Other(stuck.to_string()))?);
    }
    if let Some(file) = &simulation.svg {
        fs::write(file, picture(&reports[0])).map_err(|error| {
            Failure::io(format_args!("cannot write {}", file.display()), &error)
        })?;
    }
    let mut out = Output::new();
    show(&reports, &mut out)?;
    out.finish()
}

/// Shows the figures as a table, with a column for each strategy.
fn show(reports: &[Report], out: &mut Output) -> Outcome {
    type Figure = (&'static str, fn(&Report) -> String);
    let figures: [Figure; 7] = [
        ("", |report| report.strategy.clone()),
        ("write amplification", |report| format!("{:.2}", report.write_amplification)),
        ("space amplification", |report| format!("{:.2}", report.space_amplification.mean)),
        ("  at its worst moment", |report| format!("{:.2}", report.peak_space_amplification)),
        ("runs", |report| format!("{:.1} (<= {})", report.runs.mean, report.runs.max)),
        ("tables per get", |report| format!("{:.2}", report.tables_per_get)),
        ("tables per seek", |report| format!("{:.2}", report.tables_per_seek)),
    ];
    for (name, figure) in figures {
        let mut line = format!("{name:<22}");
        for report in reports {
            write!(line, "{:>24}", figure(report)).expect("a string takes everything");
        }
        out.line(format_args!("{line}"))?;
    }
    for report in reports {
        let jobs: Vec<String> =
            report.jobs.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        out.line(format_args!("jobs of {}: {}", report.strategy, jobs.join(", ")))?;
    }
    Ok(())
}

impl Simulation {
    fn setup(&self) -> Setup {
        Setup::default()
            .with_memtable_bytes(self.memtable << 20)
            .with_table_bytes(self.table << 20)
            .with_stored(self.stored)
    }

    fn workload(&self) -> Workload {
        let choice = match self.workload {
            Keys::Uniform => Choice::Uniform,
            Keys::Zipf => Choice::Zipf { theta: self.theta },
            Keys::Ascending => Choice::Ascending,
        };
        Workload::new(self.keys, self.writes, choice)
            .with_deletes(self.deletes)
            .with_loaded(self.loaded)
            .with_sizes(self.key_bytes, self.value_bytes)
    }
}

/// Reads a count with K, M or G behind it, or nothing.
fn number(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.strip_suffix(|unit: char| unit.is_ascii_alphabetic()) {
        None => (text, 1),
        Some(digits) => match text.as_bytes()[digits.len()].to_ascii_uppercase() {
            b'K' => (digits, 1_000),
            b'M' => (digits, 1_000_000),
            b'G' => (digits, 1_000_000_000),
            _ => return Err("units are K, M and G".to_owned()),
        },
    };
    let count: u64 = digits.parse().map_err(|error| format!("{error}"))?;
    let count = count.checked_mul(unit).filter(|count| *count <= 1 << 50);
    count.ok_or_else(|| "that is too large".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if number > 0.0 && number <= 100.0 {
        Ok(number)
    } else {
        Err("not within 0 and 100".to_owned())
    }
}

fn part(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|error| format!("{error}"))?;
    if (0.0..=1.0).contains(&number) { Ok(number) } else { Err("not within 0 and 1".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_units() {
        let read = |text| number(text).ok();
        assert_eq!(
            ["5", "2k", "10M", "1G"].map(read),
            [5, 2_000, 10_000_000, 1_000_000_000].map(Some)
        );
        assert_eq!(["", "K", "1T", "-1", "1.5M", "99999999999G"].map(read), [None; 6]);
        assert!(part("1.1").is_err() && part("nan").is_err() && positive("0").is_err());
    }
}
