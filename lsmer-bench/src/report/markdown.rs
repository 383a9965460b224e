//! The tables of a report, as Markdown.

use std::fmt::{self, Write};

use super::{Line, Report, short};

/// Writes a figure.
type Unit = fn(f64) -> String;

/// The figures of the second table: names, heads and units.
const COSTS: &[(&str, &str, Unit)] = &[
    ("p50_ns", "p50 us", micros),
    ("p99_ns", "p99 us", micros),
    ("p999_ns", "p99.9 us", micros),
    ("max_ns", "max us", micros),
    ("cpu_us_per_unit", "CPU us/unit", short),
    ("peak_rss_bytes", "peak RSS MiB", mebi),
    ("disk_bytes", "disk MiB", mebi),
    ("write_amplification", "write amp", short),
    ("settle_seconds", "settle s", short),
    ("open_seconds", "open ms", millis),
];

fn micros(nanos: f64) -> String {
    short(nanos / 1e3)
}

fn millis(seconds: f64) -> String {
    short(seconds * 1e3)
}

fn mebi(bytes: f64) -> String {
    short(bytes / f64::from(1 << 20))
}

/// Writes both tables: rates and ratios, then latencies and costs.
pub fn tables(report: &Report) -> String {
    let mut out = String::new();
    rates(report, &mut out)
        .and_then(|()| out.write_str("\n"))
        .and_then(|()| costs(report, &mut out))
        .expect("a string takes everything");
    out
}

fn rates(report: &Report, out: &mut String) -> fmt::Result {
    let engines = &report.engines;
    let heads = engines.iter().cloned();
    let ratios = report.peers().map(|peer| format!("lsmer / {peer}"));
    let heads: Vec<String> = heads.chain(ratios).collect();
    writeln!(out, "| workload | threads | units/s | {} |", heads.join(" | "))?;
    writeln!(out, "|---|---|---|{}", "---|".repeat(heads.len()))?;
    for line in &report.lines {
        write!(out, "| {} | {} | {} |", line.workload, line.threads, line.unit)?;
        for engine in engines {
            match report.spread(line, engine, "rate") {
                Some(spread) => {
                    let (low, high) = (short(spread.lowest), short(spread.highest));
                    write!(out, " {} ({low}-{high}) |", short(spread.median))?;
                }
                None => write!(out, " - |")?,
            }
        }
        for peer in report.peers() {
            match report.ratio(line, peer) {
                Some(ratio) => write!(out, " **{ratio:.2}** |")?,
                None => write!(out, " - |")?,
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

fn costs(report: &Report, out: &mut String) -> fmt::Result {
    let heads: Vec<&str> = COSTS.iter().map(|(_, head, _)| *head).collect();
    writeln!(out, "| workload | threads | engine | {} |", heads.join(" | "))?;
    writeln!(out, "|---|---|---|{}", "---|".repeat(heads.len()))?;
    for line in &report.lines {
        for engine in &report.engines {
            if report.spread(line, engine, "rate").is_some() {
                cost(report, line, engine, out)?;
            }
        }
    }
    Ok(())
}

fn cost(report: &Report, line: &Line, engine: &str, out: &mut String) -> fmt::Result {
    write!(out, "| {} | {} | {engine} |", line.workload, line.threads)?;
    for (figure, _, unit) in COSTS {
        match report.spread(line, engine, figure) {
            Some(spread) => write!(out, " {} |", unit(spread.median))?,
            None => write!(out, " - |")?,
        }
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::example;

    #[test]
    fn a_line_has_each_engine_and_the_ratio_to_each_peer() {
        let text = tables(&example());
        let rates = "| fillseq | 1 | rows | 5.00k (4.00k-6.00k) | 2.00k (1.00k-3.00k) | **2.50** |";
        assert!(text.contains(rates), "{text}");
        assert!(text.contains("| fillseq | 1 | fjall | 1.50 | - |"), "{text}");
    }

    #[test]
    fn every_row_has_as_many_columns_as_its_head() {
        let text = tables(&example());
        for table in text.split("\n\n") {
            let columns: Vec<usize> = table.lines().map(|line| line.matches('|').count()).collect();
            assert!(columns.len() > 2);
            assert!(columns.windows(2).all(|pair| pair[0] == pair[1]), "{table}");
        }
    }
}
