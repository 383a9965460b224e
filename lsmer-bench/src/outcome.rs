//! What can fail here, fails with a text for people.

use std::error::Error;

/// A result whose error is only ever printed.
pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Fails with `message` unless `holds`.
///
/// # Errors
///
/// The message.
pub fn ensure(holds: bool, message: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(message().into()) }
}
