//! What tidy says about a line.

use std::fmt;

/// One thing that is not as it should be, where it is, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, from the checkout's root.
    pub(crate) path: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// What is wrong, and what to do.
    pub(crate) message: String,
    severity: Severity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    Failure,
    Warning,
}

impl Finding {
    /// Makes one that fails tidy.
    pub(crate) fn failure(path: &str, line: usize, message: impl Into<String>) -> Self {
        let severity = Severity::Failure;
        Self { path: path.to_owned(), line, message: message.into(), severity }
    }

    /// Makes one that is only printed.
    pub(crate) fn warning(path: &str, line: usize, message: impl Into<String>) -> Self {
        let severity = Severity::Warning;
        Self { path: path.to_owned(), line, message: message.into(), severity }
    }

    /// Returns whether it fails tidy.
    pub(crate) fn is_failure(&self) -> bool {
        self.severity == Severity::Failure
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.is_failure() { "error" } else { "warning" };
        write!(f, "{}:{}: {word}: {}", self.path, self.line, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_like_a_compiler_message() {
        let finding = Finding::failure("a/src/lib.rs", 3, "too long; split it");
        assert_eq!(finding.to_string(), "a/src/lib.rs:3: error: too long; split it");
        assert!(!Finding::warning("a", 1, "b").is_failure());
    }
}
