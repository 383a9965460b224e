//! What the suites share: a test of each property, and panics that name what was broken.

use std::{
    any::Any,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use lsmer_sync::thread::JoinHandle;

/// Makes a `#[test]` of each property of a suite. The macros of the suites call it.
#[doc(hidden)]
#[macro_export]
macro_rules! properties {
    ($suite:ident, $part:expr, $($property:ident)+) => {
        $(
            #[test]
            fn $property() {
                $crate::$suite::$property($part);
            }
        )+
    };
}

/// Calls a part that must not panic, whatever it was given.
///
/// # Panics
///
/// If it does: with `what`, which names the obligation, and what the part said.
pub(crate) fn unharmed<T>(what: impl fmt::Display, work: impl FnOnce() -> T) -> T {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|panic| panic!("{what}: a panic: {}", text(&*panic)))
}

/// Waits for a thread and returns its result.
///
/// # Panics
///
/// If it did not start, or panicked: with `what`, which names the obligation, and what it said.
pub(crate) fn joined<T>(what: impl fmt::Display, thread: io::Result<JoinHandle<T>>) -> T {
    let ended = thread.expect("a thread starts").join();
    ended.unwrap_or_else(|panic| panic!("{what}: in a thread: {}", text(&*panic)))
}

/// Returns what a panic said.
fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?")
}
