//! Background work that can fail: stepped by the executor, counted until it ends.

use std::{ops::Range, sync::Arc};

use lsmer_core::{Error, ErrorKind, Event, Job, Next, Window, WorkClass, twin};
use lsmer_sync::atomic::Ordering;

use crate::shared::Shared;

/// What a step may still do before it lets others run: by entries and by bytes, so that it takes
/// about half a millisecond whatever the values are.
#[derive(Debug)]
pub(crate) struct Allowance {
    entries: usize,
    bytes: usize,
}

impl Allowance {
    /// Entries of a step.
    const ENTRIES: usize = 1024;
    /// Bytes of values of a step. The rows that go over it are still taken.
    const BYTES: usize = 256 << 10;

    pub(crate) fn new() -> Self {
        Self { entries: Self::ENTRIES, bytes: Self::BYTES }
    }

    /// Takes rows of a window off.
    pub(crate) fn spend(&mut self, window: &Window, rows: Range<u32>) {
        self.entries = self.entries.saturating_sub(rows.len());
        self.bytes = self.bytes.saturating_sub(window.value_bytes(rows));
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.entries == 0 || self.bytes == 0
    }
}

/// What a step of a background job answers.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Step again.
    More,
    /// Step again once this event's count is no longer as given.
    Wait(Arc<Event>, u64),
    /// Done.
    Done,
}

/// Background work that can fail.
pub(crate) trait BackgroundJob: Send {
    fn step(&mut self) -> Result<Progress, Error>;

    /// Called once at the end, with what became of it; then something else may be scheduled.
    fn finish(&mut self, result: Result<(), Error>);
}

/// Makes sure that a job is finished exactly once, also if it panics or the executor drops it.
struct Counted {
    shared: Arc<Shared>,
    job: Option<Box<dyn BackgroundJob>>,
    result: Option<Result<(), Error>>,
}

impl Counted {
    fn uncount(&self) {
        self.shared.background.jobs.fetch_sub(1, Ordering::AcqRel);
        self.shared.background.changed.notify();
    }
}

impl Job for Counted {
    fn step(&mut self) -> Next {
        let Some(job) = &mut self.job else { return Next::Done };
        match job.step() {
            Ok(Progress::More) => return Next::Yield,
            Ok(Progress::Wait(event, seen)) => return Next::Wait { event, seen },
            Ok(Progress::Done) => self.result = Some(Ok(())),
            Err(error) => self.result = Some(Err(error)),
        }
        Next::Done
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // No conflict: what panicked would panic again, and is not to be planned again at once.
        let stopped = || Err(Error::new(ErrorKind::Io, "a job panicked, or was dropped"));
        let result = self.result.take().unwrap_or_else(stopped);
        let early = twin!("job-uncounted-before-it-finished");
        if early {
            self.uncount();
        }
        if let Some(mut job) = self.job.take() {
            job.finish(result);
        }
        if !early {
            self.uncount();
        }
    }
}

impl Shared {
    /// Hands a job to the executor and counts it until it ends.
    pub(crate) fn spawn(self: &Arc<Self>, class: WorkClass, job: impl BackgroundJob + 'static) {
        self.background.jobs.fetch_add(1, Ordering::AcqRel);
        let counted = Counted { shared: Arc::clone(self), job: Some(Box::new(job)), result: None };
        self.parts.env.exec.spawn(class, Box::new(counted));
    }
}
