//! What can fail here, fails with a text for people.

use std::{error::Error, fmt};

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

/// An engine has no such thing: no failure, but no figure either.
#[derive(Clone, Copy, Debug)]
pub struct Unsupported(pub &'static str);

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the engine has no {}", self.0)
    }
}

impl Error for Unsupported {}

impl Unsupported {
    /// The exit status of the program for this error.
    pub const STATUS: u8 = 3;
}
