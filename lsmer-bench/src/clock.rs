//! The real clock: what a benchmark is for.

use std::time::{Duration, Instant};

/// Returns the time.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn now() -> Instant {
    Instant::now()
}

/// Waits.
#[expect(clippy::disallowed_methods, reason = "some engines can only be asked again and again")]
pub fn wait(time: Duration) {
    std::thread::sleep(time);
}

/// Returns what a call returns, and the seconds that it took.
pub fn timed<T>(call: impl FnOnce() -> T) -> (T, f64) {
    let start = now();
    let value = call();
    (value, start.elapsed().as_secs_f64())
}
