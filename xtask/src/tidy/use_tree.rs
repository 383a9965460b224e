//! The paths that a `use` declaration imports.

use super::source::words;

/// A path, and the offset of the `use` that imports it.
pub(crate) type Import = (usize, String);

/// Returns every path that `use` declarations in `code` import, renames left out.
pub(crate) fn imports(code: &str) -> Vec<Import> {
    let mut found = Vec::new();
    for at in words(code, "use") {
        let tree = code[at + "use".len()..].split(';').next().unwrap_or_default();
        let mut paths = Vec::new();
        expand("", tree, &mut paths);
        found.extend(paths.into_iter().map(|path| (at, path)));
    }
    found
}

/// Adds the paths of `tree` below `prefix`: `a::{b, c::d as e}` is `a::b` and `a::c::d`.
fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, branches)) = tree.split_once('{') else {
        let path = tree.split_whitespace().next().unwrap_or_default();
        paths.push(format!("{prefix}{path}").trim_start_matches("::").to_owned());
        return;
    };
    let prefix = format!("{prefix}{}", head.trim());
    let branches = branches.trim_end().strip_suffix('}').unwrap_or(branches);
    for branch in split(branches) {
        expand(&prefix, branch, paths);
    }
}

/// Splits at the commas that stand in no braces.
fn split(branches: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let is_end = |letter| {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    };
    let parts = branches.split(is_end);
    parts.filter(|part| !part.trim().is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(code: &str) -> Vec<String> {
        imports(code).into_iter().map(|(_, path)| path).collect()
    }

    #[test]
    fn a_tree_is_its_paths() {
        let code = "use std::{fmt, sync::{Arc, atomic::AtomicU64 as A}, io::{self, Read},};";
        let expected = [
            "std::fmt",
            "std::sync::Arc",
            "std::sync::atomic::AtomicU64",
            "std::io::self",
            "std::io::Read",
        ];
        assert_eq!(paths(code), expected);
    }

    #[test]
    fn plain_paths_are_themselves() {
        assert_eq!(paths("pub use ::std::thread;\nuse a as b;"), ["std::thread", "a"]);
        assert_eq!(imports("fn f() {}\nuse a;")[0].0, 10);
    }
}
