//! Jobs that write down when they are stepped and dropped.

use std::sync::Arc;

use lsmer_core::{Event, Job, Next};
use lsmer_sync::Mutex;

/// What jobs did, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<LogState>);

#[derive(Debug, Default)]
struct LogState {
    lines: Mutex<Vec<String>>,
    changed: Event,
}

impl Log {
    pub(crate) fn push(&self, line: impl Into<String>) {
        self.0.lines.lock().push(line.into());
        self.0.changed.notify();
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lines.lock().clone()
    }

    /// Blocks the thread until there are so many lines, and returns them.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<String> {
        loop {
            let seen = self.0.changed.count();
            let lines = self.lines();
            if lines.len() >= count {
                return lines;
            }
            self.0.changed.park(seen, None);
        }
    }
}

/// A job out of a closure, which is given the number of the step, from 0.
struct Steps<F> {
    step: F,
    number: usize,
    dropped: Option<(Log, String)>,
}

impl<F: FnMut(usize) -> Next + Send> Job for Steps<F> {
    fn step(&mut self) -> Next {
        self.number += 1;
        (self.step)(self.number - 1)
    }
}

impl<F> Drop for Steps<F> {
    fn drop(&mut self) {
        if let Some((log, line)) = self.dropped.take() {
            log.push(line);
        }
    }
}

/// Makes a job out of a closure.
pub(crate) fn job(step: impl FnMut(usize) -> Next + Send + 'static) -> Box<dyn Job> {
    Box::new(Steps { step, number: 0, dropped: None })
}

/// Makes a job out of a closure, which writes `line` when it is dropped.
pub(crate) fn dropping(
    log: &Log,
    line: &str,
    step: impl FnMut(usize) -> Next + Send + 'static,
) -> Box<dyn Job> {
    Box::new(Steps { step, number: 0, dropped: Some((log.clone(), line.to_owned())) })
}

/// Makes a job that writes its name and the number of the step, `steps` times.
pub(crate) fn named(log: &Log, name: &'static str, steps: usize) -> Box<dyn Job> {
    let log = log.clone();
    job(move |number| {
        log.push(format!("{name}{number}"));
        if number + 1 < steps { Next::Yield } else { Next::Done }
    })
}
