//! The loop that is timed: threads that do one operation after the other, until there are enough of
//! them or the time is over.

use std::{sync::Barrier, time::Duration};

use hdrhistogram::Histogram;

use crate::{clock, outcome::Outcome, process::Usage};

/// When a loop ends: at whichever comes first.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Threads that share the operations.
    pub threads: u64,
    /// Operations of all threads together.
    pub operations: u64,
    /// Time.
    pub time: Duration,
}

impl Limits {
    /// So many operations, however long they take.
    pub fn operations(threads: u64, operations: u64) -> Self {
        Self { threads, operations, time: Duration::from_secs(24 * 3600) }
    }

    /// As many operations as fit into so many seconds.
    pub fn seconds(threads: u64, seconds: f64) -> Self {
        Self { threads, operations: u64::MAX, time: Duration::from_secs_f64(seconds) }
    }
}

/// What a loop did.
#[derive(Debug)]
pub struct Run {
    /// Rows, keys or operations: what the workload counts.
    pub units: u64,
    /// Wall-clock time.
    pub seconds: f64,
    /// Nanoseconds of each operation.
    pub latencies: Histogram<u64>,
    /// What the process had used when the loop began.
    pub before: Usage,
    /// A figure of this workload only, and its name.
    pub extra: Option<(&'static str, f64)>,
}

/// Returns an empty histogram of nanoseconds up to an hour, three digits exact.
pub fn latencies() -> Histogram<u64> {
    Histogram::new_with_max(3_600_000_000_000, 3).expect("both are in range")
}

/// Times a single call that does `units`.
///
/// # Errors
///
/// The call's.
pub fn once(call: impl FnOnce() -> Outcome<u64>) -> Outcome<Run> {
    let before = Usage::now();
    let (units, seconds) = clock::timed(call);
    let mut latencies = latencies();
    latencies.saturating_record(nanos(Duration::from_secs_f64(seconds)));
    Ok(Run { units: units?, seconds, latencies, before, extra: None })
}

/// Runs `worker(thread)` on each thread, and calls what it returned with the numbers of operations:
/// thread `t` of `n` does `t`, `t + n`, `t + 2 n` and so on. An operation returns its units.
///
/// # Errors
///
/// The first of an operation; the others go on to their end.
pub fn drive<O>(limits: Limits, worker: impl Fn(u64) -> O + Sync) -> Outcome<Run>
where
    O: FnMut(u64) -> Outcome<u64>,
{
    let barrier = Barrier::new(crate::numbers::index(limits.threads) + 1);
    let work = |thread: u64| {
        let mut operation = worker(thread);
        barrier.wait();
        work(limits, thread, &mut operation)
    };
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> =
            (0..limits.threads).map(|thread| scope.spawn(move || work(thread))).collect();
        let before = Usage::now();
        let start = clock::now();
        barrier.wait();
        let mut run = Run { units: 0, seconds: 0.0, latencies: latencies(), before, extra: None };
        let mut failed = None;
        for thread in threads {
            match thread.join().expect("operations return their errors") {
                Ok((units, latencies)) => {
                    run.units += units;
                    run.latencies.add(latencies)?;
                }
                Err(error) => failed = Some(error),
            }
        }
        run.seconds = start.elapsed().as_secs_f64();
        failed.map_or(Ok(run), Err)
    })
}

fn work(
    limits: Limits,
    thread: u64,
    operation: &mut impl FnMut(u64) -> Outcome<u64>,
) -> Outcome<(u64, Histogram<u64>)> {
    let mut latencies = latencies();
    let mut units = 0;
    let mut last = clock::now();
    let end = last + limits.time;
    let mut nth = thread;
    // At least one, so that a short time still gives a figure.
    while nth < limits.operations {
        units += operation(nth)?;
        let now = clock::now();
        latencies.saturating_record(nanos(now - last));
        last = now;
        nth += limits.threads;
        if now >= end {
            break;
        }
    }
    Ok((units, latencies))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn each_operation_is_done_once_by_some_thread() {
        let seen = Mutex::new(Vec::new());
        let run = drive(Limits::operations(3, 100), |_| {
            |nth| {
                seen.lock().unwrap().push(nth);
                Ok(2)
            }
        });
        let run = run.unwrap();
        assert_eq!((run.units, run.latencies.len()), (200, 100));
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..100));
    }

    #[test]
    fn latencies_of_a_nanosecond_and_of_minutes_are_told_apart() {
        let mut latencies = latencies();
        for nanos in [1, 600_000_000_000] {
            latencies.saturating_record(nanos);
        }
        assert_eq!(latencies.min(), 1);
        assert!(latencies.max() >= 600_000_000_000);
    }

    #[test]
    fn a_loop_without_time_does_one_operation_a_thread() {
        let run = drive(Limits::seconds(2, 0.0), |_| |_| Ok(1)).unwrap();
        assert_eq!(run.units, 2);
    }

    #[test]
    fn an_error_of_one_thread_is_the_error_of_all() {
        let fail = |nth| if nth == 5 { Err("five".into()) } else { Ok(1) };
        let error = drive(Limits::operations(2, 10), |_| fail).unwrap_err();
        assert_eq!(error.to_string(), "five");
    }
}
