//! Certifies parts of lsmer, and whole engines: also a stranger's.
//!
//! It depends on `lsmer-core` only: suites for parts need just the traits.
