//! Tables as the engine uses them: written to a file, opened, looked up and walked.

#![expect(clippy::unwrap_used, reason = "helpers of tests may do what tests may")]

mod build;
mod damage;
mod identity;
mod pins;
mod reads;
mod support;
