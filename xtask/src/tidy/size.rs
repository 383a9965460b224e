//! A file that needs a table of contents is two files.

use super::{
    exceptions::{self, SIZE, exceptions},
    finding::Finding,
    workspace::Workspace,
};

/// Lines of code, neither blank nor comment, above which tidy complains.
const CODE_LINES: usize = 400;
/// Lines, all counted, above which tidy fails.
const LINES: usize = 600;

/// Measures every file. An exception in `tidy.toml` is a ratchet: its number goes down only.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    workspace.sources().filter_map(|(path, _)| measure(workspace, path)).collect()
}

fn measure(workspace: &Workspace, path: &str) -> Option<Finding> {
    let source = workspace.source(path)?;
    let lines = source.text().lines().count();
    if let Some(exception) = exceptions(workspace, SIZE).find(|exception| exception.path == path) {
        let limit: usize = exception.value.parse().ok()?;
        if lines > limit {
            let message =
                format!("{lines} lines, and may have {limit}; split it or make it shorter");
            return Some(Finding::failure(path, lines, message));
        }
        let advice = if lines <= LINES {
            "remove it from this list".to_owned()
        } else {
            format!("lower its number to {lines}")
        };
        let message = format!("`{path}` has {lines} lines; {advice}");
        return (lines < limit)
            .then(|| Finding::warning(exceptions::PATH, exception.line, message));
    }
    if lines > LINES {
        let message = format!("{lines} lines, and may have {LINES}; make it two files");
        return Some(Finding::failure(path, lines, message));
    }
    let code_lines = source.code_lines();
    let message = format!("{code_lines} lines of code, more than {CODE_LINES}; make it two files");
    (code_lines > CODE_LINES).then(|| Finding::warning(path, lines, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: usize, toml: &str) -> Vec<String> {
        let text = "fn f() {}\n".repeat(lines);
        let workspace = Workspace::sample(&[("a/src/lib.rs", &text), (exceptions::PATH, toml)]);
        check(&workspace).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn long_files_are_warned_of_and_longer_ones_fail() {
        assert_eq!(found(400, ""), [""; 0]);
        assert!(found(401, "")[0].contains("warning"));
        assert!(found(600, "")[0].contains("warning"));
        assert!(found(601, "")[0].contains("error"));
    }

    #[test]
    fn an_exception_may_shrink_and_not_grow() {
        let toml = "[size]\n\"a/src/lib.rs\" = 700\n";
        assert_eq!(found(700, toml), [""; 0]);
        assert!(found(701, toml)[0].contains("error"));
        assert!(found(650, toml)[0].contains("tidy.toml:2: warning"));
        assert!(found(10, toml)[0].contains("remove it"));
    }
}
