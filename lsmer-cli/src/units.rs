//! Sizes, times and rates for people.

use std::{fmt, time::Duration};

/// Shows bytes in decimal units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            0..1_000 => format!("{} B", self.0),
            1_000..1_000_000 => format!("{:.1} kB", self.0 as f64 / 1e3),
            1_000_000..1_000_000_000 => format!("{:.1} MB", self.0 as f64 / 1e6),
            _ => format!("{:.2} GB", self.0 as f64 / 1e9),
        };
        f.pad(&text)
    }
}

/// Shows how many bytes went by in a second, in MB/s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate(pub(crate) u64, pub(crate) Duration);

impl fmt::Display for Rate {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.1.as_secs_f64().max(1e-9);
        write!(f, "{:.1} MB/s", self.0 as f64 / 1e6 / seconds)
    }
}

/// Shows a count and its noun: 1 file, 2 files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count(pub(crate) u64, pub(crate) &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(n, noun) = self;
        match noun.strip_suffix('y') {
            _ if *n == 1 => write!(f, "{n} {noun}"),
            Some(stem) if !noun.ends_with("ey") => write!(f, "{n} {stem}ies"),
            _ => write!(f, "{n} {noun}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_them() {
        let sizes = [0, 999, 1_000, 56_700_000, 1_234_000_000].map(|n| Bytes(n).to_string());
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "56.7 MB", "1.23 GB"]);
        assert_eq!(Rate(5_000_000, Duration::from_millis(500)).to_string(), "10.0 MB/s");
        let counts = [Count(1, "file"), Count(0, "file"), Count(2, "entry"), Count(2, "key")];
        assert_eq!(counts.map(|n| n.to_string()), ["1 file", "0 files", "2 entries", "2 keys"]);
    }
}
