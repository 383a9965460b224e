//! `tidy.toml`: the files and obligations that may break a rule, each with a number or a reason.
//!
//! ```toml
//! [size]      # lines the file may have at most; lower the number when the file shrinks
//! "lsmer-x/src/y.rs" = 700
//! [std-paths] # why the file names std::thread or std::sync::atomic
//! "lsmer-x/src/z.rs" = "starts the threads that others are given"
//! [obligations] # why no property, or no broken part, can show the obligation
//! "X-01" = "gives leave, and asks for nothing"
//! ```

use super::{finding::Finding, workspace::Workspace};

/// The file's name.
pub(crate) const PATH: &str = "tidy.toml";
/// The section of files longer than the limit.
pub(crate) const SIZE: &str = "size";
/// The section of files that name threads or atomics of std.
pub(crate) const STD_PATHS: &str = "std-paths";
/// The section of obligations that nothing shows.
pub(crate) const OBLIGATIONS: &str = "obligations";

/// One file, or one obligation, that may break a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exception<'a> {
    /// The file, or the obligation's id.
    pub(crate) path: &'a str,
    /// The number or the reason.
    pub(crate) value: &'a str,
    /// The line in `tidy.toml`, from 1.
    pub(crate) line: usize,
    section: &'a str,
}

/// Returns the exceptions of a section.
pub(crate) fn exceptions<'a>(
    workspace: &'a Workspace,
    section: &'a str,
) -> impl Iterator<Item = Exception<'a>> {
    let all = parse(workspace.text(PATH)).into_iter().filter_map(Result::ok);
    all.filter(move |exception| exception.section == section)
}

/// Finds lines that cannot be read, files that are gone, and reasons that are empty.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    let problem = |parsed| match parsed {
        Err(line) => Some((line, "not `\"path\" = value` in a known section; mend it")),
        Ok(Exception { section: STD_PATHS | OBLIGATIONS, value: "", line, .. }) => {
            Some((line, "an exception has a reason; write it"))
        }
        Ok(Exception { section: OBLIGATIONS, .. }) => None,
        Ok(Exception { path, line, .. }) if workspace.source(path).is_none() => {
            Some((line, "no such file; remove the line"))
        }
        Ok(Exception { section: SIZE, value, line, .. }) if value.parse::<usize>().is_err() => {
            Some((line, "not a number of lines; write it"))
        }
        Ok(_) => None,
    };
    let problems = parse(workspace.text(PATH)).into_iter().filter_map(problem);
    problems.map(|(line, message)| Finding::failure(PATH, line, message)).collect()
}

/// Returns the exceptions, and the numbers of the lines that are none.
fn parse(text: &str) -> Vec<Result<Exception<'_>, usize>> {
    let mut section = "";
    let mut parsed = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let (text, line) = (text.trim(), index + 1);
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if let Some(header) = text.strip_prefix('[') {
            section = header.split(']').next().unwrap_or_default();
            continue;
        }
        let is_known = matches!(section, SIZE | STD_PATHS | OBLIGATIONS);
        parsed.push(match text.split_once('=') {
            Some((path, value)) if is_known => {
                let (path, value) = (path.trim().trim_matches('"'), value.trim().trim_matches('"'));
                Ok(Exception { path, value, line, section })
            }
            _ => Err(line),
        });
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# why\n[size]\n\"a/src/b.rs\" = 700\n[std-paths] # x\n\"a/src/c.rs\" = \"it must\"\n";

    fn sample(toml: &str) -> Workspace {
        Workspace::sample(&[(PATH, toml), ("a/src/b.rs", ""), ("a/src/c.rs", "")])
    }

    #[test]
    fn sections_are_apart() {
        let workspace = sample(TEXT);
        let found: Vec<_> = exceptions(&workspace, SIZE).collect();
        assert_eq!((found.len(), found[0].path, found[0].value), (1, "a/src/b.rs", "700"));
        let found: Vec<_> = exceptions(&workspace, STD_PATHS).collect();
        assert_eq!((found.len(), found[0].value, found[0].line), (1, "it must", 5));
        assert_eq!(check(&workspace), []);
    }

    #[test]
    fn what_excepts_nothing_is_refused() {
        let toml = "\"a/src/b.rs\" = 1\n[size]\n\"gone.rs\" = 1\n\"a/src/b.rs\" = x\n[std-paths]\n\"a/src/c.rs\" = \"\"\n";
        let lines: Vec<usize> = check(&sample(toml)).iter().map(|found| found.line).collect();
        assert_eq!(lines, [1, 3, 4, 6]);
    }
}
