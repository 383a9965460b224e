//! What the suites share: a test of each property, and panics that name what was broken.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

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
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        panic!("{what}: a panic: {}", text.unwrap_or("?"))
    })
}
