//! The heavy tests round after round, each with another seed, until the time is over.
//!
//! A failure ends it and names the seed. What the tests counted is added up, and divided by the
//! time that they ran.

use std::{
    collections::BTreeMap,
    env,
    process::Command,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    command::{self, Outcome, cargo},
    reliability::{self, Figures},
};

/// A test that does something else for another `LSMER_SEED`.
struct Heavy {
    name: &'static str,
    /// Package and target: arguments of `cargo test`.
    target: &'static [&'static str],
    /// Parts of test names; empty: all tests.
    filters: &'static [&'static str],
}

/// Cheapest first; the last one takes minutes.
const HEAVY: &[Heavy] = &[
    Heavy { name: "mutations", target: &["-p", "lsmer-fuzz", "--test", "replay"], filters: &[] },
    Heavy { name: "log", target: &["-p", "lsmer-wal", "--test", "conforms"], filters: &[] },
    Heavy { name: "tables", target: &["-p", "lsmer-sstable", "--test", "conforms"], filters: &[] },
    Heavy {
        name: "memtables",
        target: &["-p", "lsmer-memtable", "--test", "conforms"],
        filters: &[],
    },
    Heavy {
        name: "kernel",
        target: &["-p", "lsmer", "--test", "process"],
        filters: &["kill::", "realfs::"],
    },
    Heavy { name: "engine", target: &["-p", "lsmer", "--test", "it"], filters: &["certified::"] },
];

/// What a heavy test has done so far.
#[derive(Default)]
struct Done {
    rounds: u32,
    took: Duration,
    figures: Figures,
}

/// Runs for a duration such as `30s`, `10m` or `2h`. The seeds begin at `LSMER_SEED`, or with the
/// time.
///
/// # Errors
/// A test does not build, or fails.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let [duration] = args else { return Err("usage: cargo xtask soak <duration>".to_owned()) };
    let duration = parse(duration).ok_or_else(|| format!("`{duration}` is no duration"))?;
    let first = match env::var("LSMER_SEED") {
        Ok(seed) => seed.parse().map_err(|_| format!("LSMER_SEED: `{seed}` is no number"))?,
        Err(_) => seconds_now(),
    };
    for heavy in HEAVY {
        command::run(&mut test(heavy, &["--no-run"]))?;
    }
    println!("--> seeds from {first} on");
    let (begin, mut all) = (now(), BTreeMap::new());
    let ended = rounds(first, &mut all, || begin.elapsed() < duration);
    report(&all);
    ended
}

/// Takes turns until the time is over or a test fails.
fn rounds(
    first: u64,
    all: &mut BTreeMap<&'static str, Done>,
    goes_on: impl Fn() -> bool,
) -> Outcome {
    for seed in first.. {
        for heavy in HEAVY {
            if !goes_on() {
                return Ok(());
            }
            reliability::clear()?;
            let started = now();
            command::run(test(heavy, &[]).env("LSMER_SEED", seed.to_string()))
                .map_err(|error| format!("{error}\nagain with LSMER_SEED={seed}"))?;
            let done = all.entry(heavy.name).or_default();
            done.rounds += 1;
            done.took += started.elapsed();
            for (name, count) in reliability::read()? {
                *done.figures.entry(name).or_default() += count;
            }
        }
    }
    Ok(())
}

fn test(heavy: &Heavy, more: &[&str]) -> Command {
    let mut command = cargo(&["test", "--quiet"]);
    command.args(heavy.target).args(more).arg("--").args(heavy.filters);
    command.env("LSMER_FIGURES", reliability::folder());
    command
}

fn report(all: &BTreeMap<&'static str, Done>) {
    for (name, Done { rounds, took, figures }) in all {
        println!("{name}: {rounds} rounds in {:.1} s", took.as_secs_f64());
        for (count, sum) in figures {
            println!("{sum:>12} {count}, {:.1} a second", rate(*sum, *took));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn rate(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(0.001)
}

/// Reads a number with a unit: `s`, `m` or `h`.
fn parse(duration: &str) -> Option<Duration> {
    let (number, unit) = duration.split_at_checked(duration.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    Some(Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?))
}

#[expect(clippy::disallowed_methods, reason = "a tool reports real time")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "each run has other seeds")]
fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        assert_eq!(parse("30s"), Some(Duration::from_secs(30)));
        assert_eq!(parse("10m"), Some(Duration::from_secs(600)));
        assert_eq!(parse("2h"), Some(Duration::from_secs(7200)));
        for odd in ["", "s", "10", "1d", "-1s", "1\u{e9}", "99999999999999999999s"] {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }
}
