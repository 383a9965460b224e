//! Telling on standard error how an import goes on: a bar on a terminal, a line a second elsewhere.

use std::{
    fmt,
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use lsmer::parts::{core::Clock, io::SystemClock};

use crate::{
    failure::{complain, say},
    units::{Bytes, Count, Rate},
};

const EVERY: Duration = Duration::from_secs(1);
const BAR: &str =
    "{wide_bar} {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left";
const NO_BAR: &str = "{spinner} {decimal_bytes}, {decimal_bytes_per_sec}";

/// What was done so far, and how that is told.
#[derive(Debug)]
pub(crate) struct Progress {
    /// What is counted: `file`, `entry`.
    noun: &'static str,
    /// Things done.
    pub(crate) done: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Things that were reported and left out.
    pub(crate) skipped: u64,
    started: Duration,
    /// When the last line was written; `None` before the first.
    told: Option<Duration>,
    /// `None` if standard error is no terminal.
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Starts. `total` is called for the bytes that there are, if a bar is to show them.
    pub(crate) fn new(noun: &'static str, total: impl FnOnce() -> Option<u64>) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let (bar, template) = match total() {
                Some(bytes) => (ProgressBar::new(bytes), BAR),
                None => (ProgressBar::no_length(), NO_BAR),
            };
            bar.with_style(ProgressStyle::with_template(template).expect("a template"))
        });
        let started = SystemClock.now();
        Self { noun, done: 0, bytes: 0, skipped: 0, started, told: None, bar }
    }

    /// Returns how long it has taken so far.
    pub(crate) fn elapsed(&self) -> Duration {
        SystemClock.now().saturating_sub(self.started)
    }

    /// Notes that one more thing was done; `shown` are its bytes as the bar counts them.
    pub(crate) fn add(&mut self, bytes: u64, shown: u64) {
        self.done += 1;
        self.bytes += bytes;
        if let Some(bar) = &self.bar {
            bar.inc(shown);
            return;
        }
        let now = self.elapsed();
        if self.told.is_none_or(|told| now.saturating_sub(told) >= EVERY) {
            self.told = Some(now);
            let (done, bytes) = (Count(self.done, self.noun), Bytes(self.bytes));
            let (seconds, rate) = (now.as_secs_f64(), Rate(self.bytes, now));
            say(format_args!("{done}, {bytes} in {seconds:.1} s, {rate}"));
        }
    }

    /// Reports a thing that is left out.
    pub(crate) fn skip(&mut self, what: fmt::Arguments<'_>) {
        self.skipped += 1;
        self.note(what);
    }

    /// Reports something else.
    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        match &self.bar {
            Some(bar) => bar.suspend(|| complain(what)),
            None => complain(what),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Returns what was done, in words.
    pub(crate) fn summary(&self) -> String {
        format!("{}, {}", Count(self.done, self.noun), Bytes(self.bytes))
    }
}
